"""What a person decided about single records and keys, checked before anything else is done."""

from __future__ import annotations

from webapp.engine.answers import Choices
from webapp.engine.errors import DecisionRefused, FillRefused, KeyRefused, UnknownCategory
from webapp.engine.labels import find_column, find_table
from webapp.engine.profile import Profile
from webapp.engine.schema import Schema, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q
from webapp.engine.stage import StageFacts
from webapp.engine.values import BadValue, convert, from_text


def check_choices(choices: Choices, facts: StageFacts, schema: Schema, profile: Profile) -> None:
    """Refuse a category or a fill that means nothing.

    Raises:
        UnknownCategory, FillRefused
    """
    known = {key for name in facts.tables for key in profile.categories_of(name)} | set(profile.categories)
    for key in choices.categories:
        if key not in known:
            raise UnknownCategory(name=key, known=", ".join(sorted(known)))
    for name, text in choices.fills.items():
        label, _, field = name.rpartition(".")
        table, _ = find_table(label, schema, profile)
        column = find_column(field, table, profile) if table else None
        if column is None:
            raise FillRefused(fill=f"{name}={text}", reason="there is no such model and field in the database")
        try:
            from_text(column, text)
        except BadValue as error:
            raise FillRefused(fill=f"{name}={text}", reason=str(error)) from None


def chosen_keys(choices: Choices, schema: Schema, profile: Profile) -> dict[str, tuple[str, ...]]:
    """The keys to match by, by table.

    Raises:
        KeyRefused: a model or a field is not there.
    """
    found = {}
    for label, text in choices.match_by.items():
        table, _ = find_table(label, schema, profile)
        if table is None:
            raise KeyRefused(model=label, key=text, reason="the database has no table for it")
        columns = []
        for name in text.split(","):
            column = find_column(name.strip(), table, profile)
            if column is None:
                raise KeyRefused(model=label, key=text, reason=f"there is no field {name.strip()}")
            columns.append(column.name)
        found[table.name] = tuple(columns)
    return found


def decide(scratch: Scratch, table: Table) -> None:
    """Carry out the decisions about records of a table, once it is matched.

    Raises:
        DecisionRefused: there is no such record or row.
    """
    for name, answer in scratch.choices.decisions.items():
        label, _, text = name.partition(":")
        if find_table(label, scratch.schema, scratch.profile)[0] is not table:
            continue
        said = f"{name}={answer}"
        rec = _record(scratch, table, text, said)
        if answer == "skip":
            scratch.run(f"UPDATE {matched(table)} SET code = 'left_out' WHERE rec = ?", (rec,))
        elif answer == "new":
            scratch.run(f"UPDATE {matched(table)} SET live = NULL, rung = NULL, code = 'taken' WHERE rec = ?", (rec,))
        else:
            row = _row(scratch, table, answer, said)
            scratch.run(f"UPDATE {matched(table)} SET live = NULL, rung = NULL, code = 'taken' WHERE live = ?", (row,))
            scratch.run(
                f"UPDATE {matched(table)} SET live = ?, rung = {DECIDED}, code = NULL WHERE rec = ?", (row, rec)
            )


def _make_new(scratch: Scratch, table: Table, rec: int) -> None:
    (name,) = table.primary_key
    taken = "SELECT 1 WHERE 0"
    if name in scratch.staged_columns[table.name]:
        taken = (
            f'SELECT 1 FROM {staged(table)} s JOIN {live(table)} l ON l.{q(name)} = s.{q(name)} WHERE s."#rec" = rec'
        )
    scratch.run(
        f"UPDATE {matched(table)} SET live = NULL, rung = NULL, code = CASE WHEN EXISTS ({taken}) THEN 'taken' END"
        " WHERE rec = ?",
        (rec,),
    )


DECIDED = 92
"""The rung of a match that a person decided."""


def _record(scratch: Scratch, table: Table, text: str, said: str) -> int:
    if text.startswith("#"):
        return int(text[1:]) if text[1:].isdigit() else 0
    key = _key(scratch, table, text, said)
    (name,) = table.primary_key
    rec = None
    if name in scratch.staged_columns[table.name]:
        rec = scratch.one(f'SELECT "#rec" FROM {staged(table)} WHERE {q(name)} IS ?', (key,))
    if not isinstance(rec, int):
        raise DecisionRefused(decision=said, reason="the file has no such record")
    return rec


def _row(scratch: Scratch, table: Table, text: str, said: str) -> int:
    key = _key(scratch, table, text, said)
    (name,) = table.primary_key
    row = scratch.one(f"SELECT _rowid_ FROM {live(table)} WHERE {q(name)} IS ?", (key,))
    if not isinstance(row, int):
        raise DecisionRefused(decision=said, reason="the database has no such row")
    return row


def _key(scratch: Scratch, table: Table, text: str, said: str) -> object:
    if len(table.primary_key) != 1:
        raise DecisionRefused(decision=said, reason="its table has no simple key")
    try:
        return convert(table.by_name[table.primary_key[0]], text)
    except BadValue as error:
        raise DecisionRefused(decision=said, reason=str(error)) from None

"""What a person decided about single records and keys, checked before anything else is done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from webapp.engine.answers import Choices
from webapp.engine.errors import DecisionRefused, DriftRefused, FillRefused, KeyRefused, UnknownCategory
from webapp.engine.labels import find_column, find_table
from webapp.engine.profile import Profile
from webapp.engine.schema import Schema, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q
from webapp.engine.stage import StageFacts
from webapp.engine.tokens import token
from webapp.engine.unfit import BadValue
from webapp.engine.values import Canonical, convert, from_text


def check_choices(choices: Choices, facts: StageFacts, schema: Schema, profile: Profile) -> None:
    """Refuse a category, a model or a fill that means nothing.

    Raises:
        UnknownCategory, DriftRefused, FillRefused
    """
    labels = [model.label for model in facts.models]
    for label in choices.drift:
        if label not in labels:
            raise DriftRefused(name=label, known=", ".join(sorted(labels)))
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
        DecisionRefused: there is no such row.
    """
    rules = scratch.profile.rules(table.name)
    stands_for = rules.protected and bool(rules.placeholder) and scratch.choices.accounts == "protect"
    for text, answer, said in about(scratch, table):
        if answer in KEEPERS:
            continue
        rec = record_of(scratch, table, text, said)
        if rec is None:
            continue
        if answer == "skip":
            scratch.run(f"UPDATE {matched(table)} SET code = 'left_out' WHERE rec = ?", (rec,))
        elif answer == "new":
            scratch.run(f"UPDATE {matched(table)} SET live = NULL, rung = NULL, code = 'taken' WHERE rec = ?", (rec,))
        elif stands_for:
            # Several people of a file may be one account here, and none of them is written over it.
            row, key = _row(scratch, table, answer, said)
            if scratch.one(f"SELECT live FROM {matched(table)} WHERE rec = ?", (rec,)) == row:
                scratch.run(f"UPDATE {matched(table)} SET rung = {DECIDED}, code = NULL WHERE rec = ?", (rec,))
            else:
                scratch.run(
                    f"UPDATE {matched(table)} SET live = NULL, rung = {DECIDED}, new = ?, code = 'mapped' WHERE rec = ?",
                    (key, rec),
                )
        else:
            row, _ = _row(scratch, table, answer, said)
            scratch.run(f"UPDATE {matched(table)} SET live = NULL, rung = NULL, code = 'taken' WHERE live = ?", (row,))
            scratch.run(
                f"UPDATE {matched(table)} SET live = ?, rung = {DECIDED}, code = NULL WHERE rec = ?", (row, rec)
            )


def lead(scratch: Scratch, table: Table) -> None:
    """Lead references to rows that the file does not hold to the rows of the site that a person named.

    Raises:
        DecisionRefused: the file has no such record and no such reference, or the site no such row.
    """
    found: dict[Canonical, tuple[int, Canonical]] = {}
    for text, answer, said in about(scratch, table):
        if answer in KEEPERS:
            continue
        if table.name in scratch.staged_columns and record_of(scratch, table, text, said) is not None:
            continue
        value = _referred(scratch, table, text)
        if value is None or answer in ("skip", "new"):
            raise DecisionRefused(decision=said, reason="the file has no such record")
        found[value] = _row(scratch, table, answer, said)
    if not found:
        return
    natural, moved, led = (q(f"{kind} {table.name}") for kind in ("natural", "moved", "led"))
    scratch.run(f"CREATE TABLE IF NOT EXISTS {natural} (token PRIMARY KEY, rec INTEGER, live INTEGER) WITHOUT ROWID")
    scratch.run(f"CREATE TABLE IF NOT EXISTS {moved} (old PRIMARY KEY, new) WITHOUT ROWID")
    scratch.run(f"CREATE TABLE {led} (value PRIMARY KEY) WITHOUT ROWID")
    for value, (row, key) in found.items():
        scratch.run(f"INSERT OR REPLACE INTO {natural} VALUES (?, NULL, ?)", (value, row))
        scratch.run(f"INSERT OR REPLACE INTO {moved} VALUES (?, ?)", (value, key))
        scratch.run(f"INSERT INTO {led} VALUES (?)", (value,))
    scratch.moved.add(table.name)
    scratch.tokens.add(table.name)
    scratch.led.add(table.name)


KEEPERS = frozenset({"backup", "database"})
"""Answers about a row that differs: whose version it gets. :mod:`webapp.engine.conflicts` carries them out."""

EVERY = "*"
"""In place of a record's key: all rows of the table that differ and that nothing else is said about."""

_NUMBER = re.compile("[0-9]{1,18}")

DECIDED = 92
"""The rung of a match that a person decided."""


def decided_tables(scratch: Scratch) -> tuple[Table, ...]:
    """The tables that decisions are about.

    Raises:
        DecisionRefused: the database has no table for one.
    """
    found = {}
    for name, answer in scratch.choices.decisions.items():
        table, _ = find_table(name.partition(":")[0], scratch.schema, scratch.profile)
        if table is None:
            raise DecisionRefused(decision=f"{name}={answer}", reason="the database has no table for it")
        found[table.name] = table
    return tuple(found.values())


def about(scratch: Scratch, table: Table) -> Iterator[tuple[str, str, str]]:
    """The decisions about a table: which record, the answer, and both as they were said."""
    for name, answer in scratch.choices.decisions.items():
        label, _, text = name.partition(":")
        if find_table(label, scratch.schema, scratch.profile)[0] is table:
            yield text, answer, f"{name}={answer}"


def record_of(scratch: Scratch, table: Table, text: str, said: str) -> int | None:
    """The record of the file that a decision names, by number in the file, primary key or natural key."""
    if text.startswith("#"):
        return int(text[1:]) if _NUMBER.fullmatch(text[1:]) else 0
    columns = scratch.staged_columns[table.name]
    for condition, bound in _meant(scratch, table, text, said):
        if all(name in columns for name in condition):
            where = " AND ".join(f"{q(name)} IS ?" for name in condition)
            rows = scratch.run(f'SELECT "#rec" FROM {staged(table)} WHERE {where} LIMIT 2', bound).fetchall()
            if len(rows) == 1:
                return int(rows[0][0])
    return None


def _row(scratch: Scratch, table: Table, text: str, said: str) -> tuple[int, Canonical]:
    """The row of the site that an answer names: its row number and its key."""
    (name,) = table.primary_key if len(table.primary_key) == 1 else ("",)
    for condition, bound in _meant(scratch, table, text, said):
        where = " AND ".join(f"{q(each)} IS ?" for each in condition)
        rows = scratch.run(f"SELECT _rowid_, {q(name)} FROM {live(table)} WHERE {where} LIMIT 2", bound).fetchall()
        if len(rows) == 1:
            return int(rows[0][0]), rows[0][1]
    raise DecisionRefused(decision=said, reason="the database has no such row")


def _meant(scratch: Scratch, table: Table, text: str, said: str) -> list[tuple[tuple[str, ...], tuple[Canonical, ...]]]:
    """What a text may mean: the primary key, or a key of as many parts; the columns and their values."""
    if len(table.primary_key) != 1:
        raise DecisionRefused(decision=said, reason="its table has no simple key")
    try:
        parts = json.loads(text) if text.startswith("[") else [text]
    except (ValueError, RecursionError):
        parts = [text]
    plain = parts == [text]
    keys: list[tuple[str, ...]] = [table.primary_key] if plain else []
    keys += [key for key, _ in scratch.profile.keys_of(table) if all(table.reference(name) is None for name in key)]
    found: list[tuple[tuple[str, ...], tuple[Canonical, ...]]] = []
    for key in keys:
        if len(key) == len(parts):
            try:
                values = tuple(convert(table.by_name[name], part) for name, part in zip(key, parts, strict=True))
            except BadValue:
                continue
            found.append((key, values))
    return found


def _referred(scratch: Scratch, table: Table, text: str) -> Canonical:
    """The staged reference that a decision names though the file does not hold its record; None when nothing refers so."""
    (name,) = table.primary_key if len(table.primary_key) == 1 else ("",)
    possible: list[Canonical] = []
    try:
        parts = json.loads(text) if text.startswith("[") else None
        possible = [token(parts)] if isinstance(parts, list) else [convert(table.by_name[name], text)]
    except (ValueError, KeyError, RecursionError):
        pass
    if not text.startswith("["):
        possible.append(token([text]))
    for other in scratch.tables:
        for key in other.foreign_keys:
            if key.target == table.name and key.target_columns == table.primary_key:
                (column,) = key.columns
                for value in possible if column in scratch.staged_columns[other.name] else ():
                    if scratch.one(f"SELECT EXISTS (SELECT 1 FROM {staged(other)} WHERE {q(column)} IS ?)", (value,)):
                        return value
    return None

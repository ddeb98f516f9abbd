"""The named problems of a plan: which record, where in the file, which field, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from webapp.engine.answers import Counts, FieldDrift, Problem, Reason
from webapp.engine.labels import field_of, label_of
from webapp.engine.places import place_of
from webapp.engine.profile import Profile
from webapp.engine.reasons import words
from webapp.engine.references import todo
from webapp.engine.schema import Table
from webapp.engine.scratch import Scratch, live, staged
from webapp.engine.sql import q
from webapp.engine.tokens import shown_token

VALUE_CODES = ("bad_value", "too_long", "out_of_range", "missing_required")
MEANT_NAMED = 4
"""Rows that an ambiguous reference may mean, as its message names them."""

NAMED_CODES = (
    *VALUE_CODES,
    "ambiguous",
    "another_email",
    "duplicate_record",
    "duplicate_key",
    "missing_reference",
    "ambiguous_reference",
    "still_referenced",
    "table_unusable",
)


def describe_problems(scratch: Scratch, tables: Sequence[str], most: int) -> tuple[list[Problem], list[Reason]]:
    """The first ``most`` problems by name, what blocks before what was left out, and all reasons with their counts."""
    reasons: list[Reason] = []
    problems: list[Problem] = []
    actions: tuple[Literal["blocked", "skipped"], ...] = ("blocked", "skipped")
    for action in actions:
        for name in tables:
            table = scratch.schema.tables.get(name)
            if table is None:
                continue
            after = q(f"after {name}")
            for code, count in scratch.run(
                f'SELECT "#code", count(*) FROM {after} WHERE "#action" = ? GROUP BY 1 ORDER BY 2 DESC', (action,)
            ).fetchall():
                reasons.append(Reason(action=action, code=str(code), table=name, text=words(code), count=count))
            if len(problems) < most:
                problems += _named(scratch, table, action, most - len(problems))
    return problems, reasons


def _named(scratch: Scratch, table: Table, action: str, most: int) -> list[Problem]:
    marks = ", ".join("?" * len(NAMED_CODES))
    # A record is called by the key that it has in the file; a row that no record stands behind by its own.
    in_file = scratch.staged_columns.get(table.name, ())
    keys = " || ',' || ".join(
        f"coalesce(s.{q(name)}, a.{q(name)}, '')" if name in in_file else f"coalesce(a.{q(name)}, '')"
        for name in table.primary_key
    )
    keys = keys or "''"
    source = f'LEFT JOIN {staged(table)} s ON s."#rec" = a."#rec"' if in_file else ""
    rows = scratch.run(
        f'SELECT a."#id", a."#rec", a."#code", a."#field", {keys}'
        f" FROM {q('after ' + table.name)} a {source}"
        f' WHERE a."#action" = ? AND a."#code" IN ({marks}) ORDER BY a."#id" LIMIT ?',
        (action, *NAMED_CODES, most),
    ).fetchall()
    found = []
    for number, rec, code, field, pk in rows:
        told = _told_by_stage(scratch, table, rec, code)
        if told:
            found += told
            continue
        column = str(field or "")
        message = _message(scratch, table, code, column, number)
        found.append(
            Problem(
                code=code,
                model=label_of(table.name, scratch.profile),
                pk=str(pk),
                field=field_of(column, table, scratch.profile) if column in table.by_name else column,
                message=message,
                place=place_of(scratch.facts.file.parts, rec),
                candidates=_candidates(scratch, table, column, number) if code == "ambiguous_reference" else (),
            )
        )
    return found


def _told_by_stage(scratch: Scratch, table: Table, rec: int | None, code: str) -> list[Problem]:
    if rec is None or code not in VALUE_CODES:
        return []
    return [
        Problem(
            code=row[3],
            model=row[0],
            pk=row[1] or "",
            field=row[2] or "",
            message=row[4],
            place=place_of(scratch.facts.file.parts, rec, row[5], row[6]),
        )
        for row in scratch.run(
            "SELECT label, pk, field, code, message, byte, line FROM stage.problems WHERE tbl = ? AND rec = ?",
            (table.name, rec),
        ).fetchall()
    ]


def _message(scratch: Scratch, table: Table, code: str, field: str, number: int) -> str:
    if code in ("missing_reference", "ambiguous_reference"):
        return _lost(scratch, table, field, number)
    if code in ("duplicate_key", "duplicate_record"):
        which = f" ({field})" if field else ""
        return words(code) + which
    if code == "missing_required":
        return f"{field} is required, the file does not have it, and no value was given to fill it in"
    if code == "still_referenced" and "." not in field:
        return f"refers by {field} to a row that would be removed"
    if code == "table_unusable":
        return f"the table {table.name} {table.remark}"
    return words(code)


def _lost(scratch: Scratch, table: Table, field: str, number: int) -> str:
    value = scratch.one(f'SELECT {q(field)} FROM {q("after " + table.name)} WHERE "#id" = ?', (number,))
    key = table.reference(field)
    if key is None:
        return words("missing_reference")
    said = f"refers to {shown_token(value)} in {scratch.profile.title_of(key.target)}"
    (target,) = key.target_columns
    if rows := scratch.doubtful.get((key.target, str(value))):
        return f"{said}, which may be {' or '.join(rows[:MEANT_NAMED])}: decide it, or say by which fields to match"
    if why := _left_out(scratch, key.target, target, value):
        return f"{said}, which the file holds but which is left out ({why})"
    if scratch.one(f"SELECT EXISTS (SELECT 1 FROM {live(key.target)} WHERE {q(target)} = ?)", (value,)):
        return (
            f"{said}, which the file does not hold. The database has a row with that number, but the backup"
            " does not seem to come from this database, so it may be another one"
        )
    return f"{said}, which is neither in the file nor in the database"


def _candidates(scratch: Scratch, table: Table, field: str, number: int) -> tuple[str, ...]:
    """The keys of the rows that an ambiguous reference may mean."""
    value = scratch.one(f'SELECT {q(field)} FROM {q("after " + table.name)} WHERE "#id" = ?', (number,))
    key = table.reference(field)
    return scratch.doubtful.get((key.target, str(value)), ()) if key else ()


def _left_out(scratch: Scratch, parent: str, target: str, value: object) -> str:
    """Why the record that a reference means is not restored, in words; empty when the file does not hold it."""
    if target not in scratch.staged_columns.get(parent, ()):
        return ""
    code = scratch.one(
        f'SELECT d.code FROM {staged(parent)} p JOIN {todo(parent)} d ON d.rec = p."#rec" WHERE p.{q(target)} = ?'
        " AND d.action = 'skipped'",
        (value,),
    )
    return words(code)


def drift_problems(scratch: Scratch, chosen: frozenset[str]) -> tuple[list[Problem], dict[str, Counts]]:
    """Models and fields that the site does not have and that nobody left out yet, and the counts of records without a table."""
    problems: list[Problem] = []
    counts: dict[str, Counts] = {}
    for model in scratch.facts.models:
        accepted = scratch.choices.accept_drift or model.label in scratch.choices.drift
        if model.table is None:
            if scratch.choices.categories or not scratch.choices.rows:
                continue
            counts[model.label] = Counts(skipped=model.records) if accepted else Counts(blocked=model.records)
            if not accepted:
                problems.append(
                    Problem(
                        code="unknown_model",
                        model=model.label,
                        message=f"The database has no table for {model.label}: {model.records:,} records",
                        count=model.records,
                    )
                )
        elif model.table in chosen and not (accepted or _left_alone(scratch.profile, model.table)):
            problems += [
                Problem(
                    code="unknown_field",
                    model=model.label,
                    field=drift.field,
                    message=f"{model.label} has no column for {drift.field}: {_carried(drift)}",
                    count=drift.records,
                )
                for drift in model.unknown
            ]
    return problems, counts


def _carried(drift: FieldDrift) -> str:
    """What is lost with a field that has no column."""
    if drift.telling:
        return f"{drift.records:,} records, {drift.filled:,} of them with a value"
    return f"{drift.records:,} records, " + (f"all with {drift.example}" if drift.filled else "all of them empty")


def _left_alone(profile: Profile, table: str) -> bool:
    return profile.rules(table).ignored or profile.rules(table).matched_only

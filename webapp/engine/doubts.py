"""Ambiguous records beside the rows of the site that they could be, so that a person can decide which one it is."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.engine.answers import Candidate, Doubt
from webapp.engine.labels import is_secret, label_of, label_sql
from webapp.engine.origin import Trust
from webapp.engine.places import place_of
from webapp.engine.references import todo
from webapp.engine.schema import Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import names, q
from webapp.engine.tokens import shown

DOUBTS_NAMED = 50
CANDIDATES_NAMED = 4
LONGEST = 200
"""Letters of a value that are shown; the whole of it is in the rows of the preview."""


def find_doubts(scratch: Scratch, trust: Trust) -> tuple[Doubt, ...]:
    """The first ambiguous records. Tables without a simple key are passed over: a decision could not name their rows."""
    found: list[Doubt] = []
    for table in scratch.tables:
        if len(table.primary_key) != 1 or len(found) >= DOUBTS_NAMED:
            continue
        records = [
            row[0]
            for row in scratch.run(
                f"SELECT rec FROM {matched(table)} WHERE code IN ('ambiguous', 'another_email')"
                f" AND rec NOT IN (SELECT rec FROM {todo(table)} WHERE rec IS NOT NULL AND code = 'protected')"
                " ORDER BY rec LIMIT ?",
                (DOUBTS_NAMED - len(found),),
            )
        ]
        if records:
            found += _of_table(scratch, table, records, trust)
    return tuple(found)


def _of_table(scratch: Scratch, table: Table, records: Sequence[int], trust: Trust) -> list[Doubt]:
    hits = _hits(scratch, table, records, trust)
    rows = _rows(scratch, table, {row for found in hits.values() for row in found})
    (key,) = table.primary_key
    label = label_of(table.name, scratch.profile)
    found = []
    for rec in records:
        columns, values = _record(scratch, table, rec)
        own = values.get(key)
        found.append(
            Doubt(
                decision=f"{label}:{own if own is not None else f'#{rec}'}",
                table=table.name,
                title=scratch.profile.title_of(table.name),
                label=_label(scratch, table, columns, rec),
                place=place_of(scratch.facts.file.parts, rec),
                values=values,
                candidates=tuple(
                    Candidate(key=rows[row][0], label=rows[row][1], why=tuple(why), values=rows[row][2])
                    for row, why in list(hits[rec].items())[:CANDIDATES_NAMED]
                ),
            )
        )
    return found


def _hits(scratch: Scratch, table: Table, records: Sequence[int], trust: Trust) -> dict[int, dict[int, list[str]]]:
    """By record and row number of the site: the keys that lead there."""
    given = scratch.staged_columns[table.name]
    keys = [(key, equal) for key, equal in scratch.profile.keys_of(table) if all(name in given for name in key)]
    if table.name in trust.tables and table.primary_key[0] in given:
        keys.append((table.primary_key, False))
    found: dict[int, dict[int, list[str]]] = {rec: {} for rec in records}
    for key, nulls_equal in keys:
        on = " AND ".join(
            f"l.{q(name)} {'IS' if nulls_equal else '='} {scratch.final(table, table.by_name[name])}" for name in key
        )
        for rec, row in scratch.run(
            f'SELECT s."#rec", l.rowid FROM (SELECT * FROM {staged(table)} WHERE "#rec" IN ({_marks(records)})) s'
            f" JOIN {live(table)} l ON {on} ORDER BY 1, 2",
            tuple(records),
        ):
            found[rec].setdefault(row, []).append("same " + " and ".join(key))
    return found


def _rows(scratch: Scratch, table: Table, rows: set[int]) -> dict[int, tuple[str, str, dict[str, str | None]]]:
    """Key, label and values of rows of the site."""
    columns = [column.name for column in table.columns if _is_shown(column.name)]
    (key,) = table.primary_key
    return {
        row[0]: (
            shown(row[1]) or "",
            str(row[2] or ""),
            {name: _short(value) for name, value in zip(columns, row[3:], strict=True)},
        )
        for row in scratch.run(
            f"SELECT rowid, {q(key)}, {label_sql(scratch.profile, table)}, {names(columns)} FROM {live(table)}"
            f" WHERE rowid IN ({_marks(rows)})",
            tuple(rows),
        )
    }


def _record(scratch: Scratch, table: Table, rec: int) -> tuple[tuple[str, ...], dict[str, str | None]]:
    """The columns that a record has, and its values as they would be written."""
    shape = scratch.one(f'SELECT "#shape" FROM {staged(table)} WHERE "#rec" = ?', (rec,))
    columns = tuple(name for name in scratch.facts.shapes[shape] if name in table.by_name)
    (key,) = table.primary_key
    cells = [f"s.{q(name)}" if name == key else scratch.final(table, table.by_name[name]) for name in columns]
    row = scratch.run(f'SELECT {", ".join(cells) or "1"} FROM {staged(table)} s WHERE s."#rec" = ?', (rec,)).fetchone()
    told = {name: _short(value) for name, value in zip(columns, row, strict=False) if _is_shown(name)}
    return columns, told


def _label(scratch: Scratch, table: Table, columns: tuple[str, ...], rec: int) -> str:
    cells = ", ".join(
        f"{scratch.final(table, column) if column.name in columns else 'NULL'} AS {q(column.name)}"
        for column in table.columns
    )
    told = scratch.one(
        f'SELECT {label_sql(scratch.profile, table)} FROM (SELECT {cells} FROM {staged(table)} s WHERE s."#rec" = ?)',
        (rec,),
    )
    return str(told or "")


def _is_shown(column: str) -> bool:
    return not is_secret(column)


def _short(value: object) -> str | None:
    told = shown(value)
    return told if told is None or len(told) <= LONGEST else told[: LONGEST - 1] + "…"


def _marks(values: Sequence[int] | set[int]) -> str:
    return ", ".join("?" * len(values))

"""Rows that differ and wait for a person's word: the backup's or the database's, row by row or for a whole table."""

from __future__ import annotations

from typing import Final

from webapp.engine.answers import Conflict, FieldChange
from webapp.engine.decisions import EVERY, KEEPERS, about, record_of
from webapp.engine.errors import DecisionRefused
from webapp.engine.labels import label_of, label_sql, told
from webapp.engine.places import place_of
from webapp.engine.schema import Table
from webapp.engine.scratch import Scratch, staged
from webapp.engine.sql import literal, names, q

CONFLICTS_NAMED: Final = 50


def word_about(scratch: Scratch, table: Table) -> str:
    """SQL for what a person said about the differing row ``m`` of a table; nothing when nobody said anything.

    Raises:
        DecisionRefused: the file has no such record.
    """
    every, single = "", {}
    for text, answer, said in about(scratch, table):
        if answer not in KEEPERS:
            continue
        rec = None if text == EVERY else record_of(scratch, table, text, said)
        if text == EVERY:
            every = answer
        elif rec is None:
            raise DecisionRefused(decision=said, reason="the file has no such record")
        else:
            single[rec] = answer
    if not every and not single:
        return ""
    given = literal(every) if every else "NULL"
    if single:
        kept = q(f"answer {table.name}")
        scratch.run(f"CREATE TABLE {kept} (rec INTEGER PRIMARY KEY, answer TEXT)")
        scratch.connection.executemany(f"INSERT INTO {kept} VALUES (?, ?)", single.items())
        given = f"coalesce((SELECT answer FROM {kept} w WHERE w.rec = m.rec), {given})"
    return given


def decided(given: str, action: str, code: str) -> tuple[str, str]:
    """SQL for action and code of a differing row: the word about it goes before the policy."""
    if not given:
        return action, code
    return (
        f"CASE {given} WHEN 'backup' THEN 'update' WHEN 'database' THEN 'skipped' ELSE {action} END",
        f"CASE {given} WHEN 'backup' THEN NULL WHEN 'database' THEN 'database_wins' ELSE {code} END",
    )


def find_conflicts(scratch: Scratch) -> tuple[tuple[Conflict, ...], int]:
    """The first rows that wait, each with what it is and what the backup would make of it; and how many there are."""
    found: list[Conflict] = []
    count = 0
    if scratch.choices.on_conflict != "manual":
        return (), 0
    for table in scratch.tables:
        after = q(f"after {table.name}")
        waiting = scratch.one(f"SELECT count(*) FROM {after} WHERE \"#code\" = 'conflict' AND \"#action\" = 'blocked'")
        count += waiting
        if waiting and len(found) < CONFLICTS_NAMED:
            found += _of_table(scratch, table, CONFLICTS_NAMED - len(found))
    return tuple(found), count


def _of_table(scratch: Scratch, table: Table, most: int) -> list[Conflict]:
    after, before = q(f"after {table.name}"), q(f"before {table.name}")
    columns = [column.name for column in table.columns if not column.generated]
    numbered = len(table.primary_key) == 1 and table.primary_key[0] in scratch.staged_columns[table.name]
    own = (
        f'(SELECT s.{q(table.primary_key[0])} FROM {staged(table)} s WHERE s."#rec" = a."#rec")' if numbered else "NULL"
    )
    label = label_of(table.name, scratch.profile)
    found = []
    for row in scratch.run(
        f'SELECT a."#rec", {own}, (SELECT {label_sql(scratch.profile, table)} FROM {before} n WHERE n."#id" = a."#id"),'
        f' {names(columns, "b")}, {names(columns, "a")} FROM {after} a LEFT JOIN {before} b ON b."#id" = a."#id"'
        f' WHERE a."#code" = \'conflict\' AND a."#action" = \'blocked\' ORDER BY a."#id" LIMIT ?',
        (most,),
    ).fetchall():
        rec, key, called, *cells = row
        pairs = zip(columns, cells[: len(columns)], cells[len(columns) :], strict=True)
        found.append(
            Conflict(
                decision=f"{label}:{f'#{rec}' if key is None else key}",
                table=table.name,
                title=scratch.profile.title_of(table.name),
                label=str(called or ""),
                place=place_of(scratch.facts.file.parts, rec),
                fields=tuple(
                    FieldChange(column=name, before=told(name, old), after=told(name, new), changed=True)
                    for name, old, new in pairs
                    if old != new
                ),
            )
        )
    return found

"""Which live row is each record? The identity ladder, table by table, referenced tables first.

For each table it leaves ``match <table>``: rec, live (row number in the site, NULL for a new record), rung (what it was
recognised by), new (its primary key in the site, where that is not the one in the file), code (why it cannot be decided);
and, where some record has another primary key in the site, ``moved <table>`` (old, new), by which references are led on.
"""

from __future__ import annotations

from typing import Final

from webapp.engine import sql
from webapp.engine.contents import CONTENT, PRIMARY, key_by_words, match_contents, nameless
from webapp.engine.creation import make_rows
from webapp.engine.decisions import DECIDED, decide, decided_tables, lead
from webapp.engine.emails import question_emails
from webapp.engine.generic import follow_generic
from webapp.engine.kin import begin_kin, kin_columns, kin_value, lead_kin
from webapp.engine.natural import natural_targets, resolve
from webapp.engine.numbers import number_rows
from webapp.engine.origin import Trust, alike, has_own_identity
from webapp.engine.schema import LEDGER, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q

LEDGERED: Final = 90
"""Rungs; 1, 2, ... are the keys of :meth:`~webapp.engine.profile.Profile.keys_of` in their order."""


def match(scratch: Scratch, trust: Trust) -> None:
    """Match all staged records."""
    key_by_words(scratch)
    decided = decided_tables(scratch)
    for name in natural_targets(scratch) | {table.name for table in decided}:
        if name not in scratch.staged_columns:
            resolve(scratch, scratch.schema.tables[name])
            lead(scratch, scratch.schema.tables[name])
            make_rows(scratch, scratch.schema.tables[name])
    for number, table in enumerate(scratch.tables):
        scratch.report("match", number, len(scratch.tables))
        _match_table(scratch, table, trust)
        scratch.matched.add(table.name)
        resolve(scratch, table)
        if table in decided:
            lead(scratch, table)
        make_rows(scratch, table)
    follow_generic(scratch)
    scratch.report("match", len(scratch.tables), len(scratch.tables))


def rung_words(scratch: Scratch, table: Table, rung: int | None) -> str:
    """What a record was recognised by, in words."""
    if rung is None:
        return "new: no row of the site is this record"
    if rung == PRIMARY:
        return "same " + " and ".join(table.primary_key)
    if rung == LEDGERED:
        return "written by an earlier restore of this backup"
    if rung == DECIDED:
        return "as you decided"
    if rung == CONTENT:
        return "same content in every column"
    return "same " + " and ".join(scratch.profile.keys_of(table)[rung - 1][0])


def _match_table(scratch: Scratch, table: Table, trust: Trust) -> None:
    scratch.run(f"CREATE TABLE {matched(table)} (rec INTEGER PRIMARY KEY, live INTEGER, rung INTEGER, new, code TEXT)")
    if table.remark:
        # Rows without a number of their own cannot be told apart here.
        scratch.run(f'INSERT INTO {matched(table)} SELECT "#rec", NULL, NULL, NULL, NULL FROM {staged(table)}')
        if not table.primary_key:
            match_contents(scratch, table, trust)
        scratch.run(f"UPDATE {matched(table)} SET code = 'table_unusable' WHERE live IS NULL")
        return
    kin = kin_columns(scratch, table)
    if kin:
        begin_kin(scratch, table)
    _look_up(scratch, table, trust, kin)
    while kin and lead_kin(scratch, table):
        scratch.run(f"DELETE FROM {matched(table)}")
        _look_up(scratch, table, trust, kin)
    question_emails(scratch, table, trust)
    decide(scratch, table)
    number_rows(scratch, table)


def _look_up(scratch: Scratch, table: Table, trust: Trust, kin: frozenset[str]) -> None:
    """Look every record up by every key; then, what no key tells, by what was noted, by its content and by its number."""
    primary = _climb(scratch, table, trust, kin)
    if scratch.live_rows[table.name]:
        _by_ledger(scratch, table)
        match_contents(scratch, table, trust)
        if primary and table.name in trust.tables - trust.mixed:
            _by_number(scratch, table, primary)


def _climb(scratch: Scratch, table: Table, trust: Trust, kin: frozenset[str]) -> str:
    """Look every record up by every key, and by its primary key; gives the join by the latter."""
    columns = scratch.staged_columns[table.name]
    joins, hits, crowded = [], [], []
    for number, (key, nulls_equal) in enumerate(scratch.profile.keys_of(table), 1):
        if not all(name in columns for name in key):
            continue
        alias, equal = f"k{number}", "IS" if nulls_equal else "="
        pairs = [
            (
                f"{alias}.{q(name)}",
                kin_value(name) if name in kin else scratch.final(table, table.by_name[name]),
            )
            for name in key
        ]
        on = " AND ".join(f"{left} {equal} {right}" for left, right in pairs)
        if not nulls_equal and key in table.unique:
            joins.append(f"LEFT JOIN {live(table)} {alias} ON {on}")
            hits.append((number, f"{alias}._rowid_"))
        else:
            _gather(scratch, table, key, number)
            joins.append(f"LEFT JOIN {q(f'key {table.name} {number}')} {alias} ON {on}")
            hits.append((number, f"{alias}.row"))
            crowded.append(f"coalesce({alias}.rows, 0) > 1")
    primary = _primary_join(scratch, table)
    if primary:
        joins.append(primary)
    scratch.run(
        f'INSERT INTO {matched(table)} SELECT s."#rec", {_decision(scratch, table, trust, hits, crowded, bool(primary))}'
        f' FROM {staged(table)} s {" ".join(joins)} ORDER BY s."#rec"'
    )
    _one_record_a_row(scratch, table)
    return primary


def _primary_join(scratch: Scratch, table: Table) -> str:
    if not all(name in scratch.staged_columns[table.name] for name in table.primary_key):
        return ""
    on = " AND ".join(f"p.{q(name)} = {scratch.final(table, table.by_name[name])}" for name in table.primary_key)
    return f"LEFT JOIN {live(table)} p ON {on}"


def _gather(scratch: Scratch, table: Table, key: tuple[str, ...], number: int) -> None:
    """The live rows by a key that the database does not keep unique."""
    name = q(f"key {table.name} {number}")
    scratch.run(f"DROP TABLE IF EXISTS {name}")
    listed = sql.names(key)
    scratch.run(
        f"CREATE TABLE {name} AS SELECT {listed}, min(_rowid_) AS row, count(*) AS rows FROM {live(table)} GROUP BY {listed}"
    )
    scratch.run(f"CREATE INDEX {q(f'by key {table.name} {number}')} ON {name} ({listed})")


def _decision(
    scratch: Scratch,
    table: Table,
    trust: Trust,
    hits: list[tuple[int, str]],
    crowded: list[str],
    primary: bool,
) -> str:
    """SQL for live, rung, new and code of one record."""
    first = hits[0][1] if len(hits) == 1 else f"coalesce({', '.join(row for _, row in hits)})" if hits else "NULL"
    trusted = primary and table.name in trust.tables
    renamed = "1"
    condition = alike(scratch, table, "p", references=True) if trusted and not has_own_identity(table) else ""
    if condition:
        # Another natural key under the same number: a renamed row if the rest agrees, else a stranger.
        renamed = f"coalesce({condition}, 0)"
    doubts = [f"coalesce({row} <> {first}, 0)" for _, row in hits[1:]] + crowded
    if trusted and hits:
        doubts.append(f"(p._rowid_ <> {first} AND {renamed})")
    live_row = first
    if trusted:
        live_row = f"CASE WHEN {first} IS NOT NULL THEN {first} WHEN {renamed} THEN p._rowid_ END"
    rungs = " ".join(f"WHEN {row} IS NOT NULL THEN {number}" for number, row in hits)
    rung = (
        f"CASE {rungs} WHEN p._rowid_ IS NOT NULL AND {renamed} THEN {PRIMARY} END"
        if trusted
        else (f"CASE {rungs} END" if rungs else "NULL")
    )
    ambiguous = " OR ".join(doubts)
    code = f"CASE WHEN {ambiguous} THEN 'ambiguous' " if ambiguous else "CASE "
    code += "WHEN p._rowid_ IS NOT NULL THEN 'taken' END" if primary else "WHEN 0 THEN NULL END"
    return f"{live_row}, {rung}, NULL, {code}"


def _one_record_a_row(scratch: Scratch, table: Table) -> None:
    """Of several records that found one live row, the one on the strongest rung keeps it, then the one of its number."""
    scratch.run("DROP TABLE IF EXISTS temp.twins")
    numbered = len(table.primary_key) == 1 and table.primary_key[0] in scratch.staged_columns[table.name]
    other = f"s.{q(table.primary_key[0])} IS NOT l.{q(table.primary_key[0])}" if numbered else "0"
    rung = f"CASE m.rung WHEN {PRIMARY} THEN 99 ELSE m.rung END"
    scratch.run(
        f"CREATE TEMP TABLE twins AS SELECT m.rec, m.rung, row_number() OVER"
        f" (PARTITION BY m.live ORDER BY {rung}, {other}, m.rec) AS place, min({rung}) OVER (PARTITION BY m.live) AS best"
        f' FROM {matched(table)} m JOIN {staged(table)} s ON s."#rec" = m.rec JOIN {live(table)} l ON l._rowid_ = m.live'
        f" WHERE m.live IN (SELECT live FROM {matched(table)} WHERE live IS NOT NULL GROUP BY live HAVING count(*) > 1)"
    )
    # A weaker key may be free when the row is changed; whether it is, is looked at where keys are settled.
    keys = enumerate((key for key, _ in scratch.profile.keys_of(table)), 1)
    kept = ", ".join(map(str, [PRIMARY, *(number for number, key in keys if key in table.unique)]))
    weaker = f"place > 1 AND rung IN ({kept}) AND {rung.replace('m.', '')} > best"
    scratch.run(
        f"UPDATE {matched(table)} SET live = NULL, rung = NULL WHERE coalesce(code, 'taken') = 'taken'"
        f" AND rec IN (SELECT rec FROM temp.twins WHERE {weaker})"
    )
    scratch.run(
        f"UPDATE {matched(table)} SET code = 'duplicate_record' WHERE live IS NOT NULL"
        " AND rec IN (SELECT rec FROM temp.twins WHERE place > 1)"
    )


def _by_ledger(scratch: Scratch, table: Table) -> None:
    """Records that an earlier restore of this file wrote: what was noted then says more than an equal number does now."""
    if LEDGER not in scratch.schema.tables or len(table.primary_key) != 1:
        return
    (key,) = table.primary_key
    if key not in scratch.staged_columns[table.name]:
        return
    weak = f"(live IS NULL OR rung = {PRIMARY})"
    scratch.run("DROP TABLE IF EXISTS temp.noted")
    scratch.run(
        f"CREATE TEMP TABLE noted AS SELECT min(m.rec) AS rec, l._rowid_ AS row"
        f' FROM {matched(table)} m JOIN {staged(table)} s ON s."#rec" = m.rec'
        f" JOIN {live(LEDGER)} g ON g.backup = ? AND g.tbl = ? AND g.old = CAST(s.{q(key)} AS TEXT)"
        f" JOIN {live(table)} l ON CAST(l.{q(key)} AS TEXT) = g.new WHERE {weak}"
        f" AND l._rowid_ NOT IN (SELECT live FROM {matched(table)} WHERE live IS NOT NULL AND NOT {weak})"
        " GROUP BY l._rowid_",
        (scratch.facts.file.sha256, table.name),
    )
    if not scratch.one("SELECT EXISTS (SELECT 1 FROM temp.noted)"):
        return
    scratch.run(
        f"UPDATE {matched(table)} SET live = NULL, rung = NULL, code = 'taken' WHERE live IN (SELECT row FROM temp.noted)"
    )
    scratch.run(
        f"UPDATE {matched(table)} SET live = noted.row, rung = {LEDGERED}, code = NULL FROM temp.noted"
        f" WHERE noted.rec = {matched(table)}.rec"
    )


def _by_number(scratch: Scratch, table: Table, primary: str) -> None:
    """In the same database, what nothing else has recognised: records without any key that were changed beyond recognition."""
    scratch.run(
        f"UPDATE {matched(table)} SET live = found.row, rung = {PRIMARY}, code = NULL FROM ("
        f' SELECT m.rec AS rec, min(p._rowid_) AS row FROM {matched(table)} m JOIN {staged(table)} s ON s."#rec" = m.rec'
        f" {primary} WHERE m.live IS NULL AND m.code = 'taken' AND {nameless(scratch, table, 's')}"
        f" AND {nameless(scratch, table, 'p')}"
        f" AND p._rowid_ NOT IN (SELECT live FROM {matched(table)} WHERE live IS NOT NULL) GROUP BY p._rowid_ HAVING count(*) = 1"
        f") AS found WHERE found.rec = {matched(table)}.rec"
    )

"""Primary keys in the site: a free one for every new record, and what has become of the keys that the file gives."""

from __future__ import annotations

import uuid

from webapp.engine.schema import Kind, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q


def number_rows(scratch: Scratch, table: Table) -> None:
    """Give new records a free primary key, and note every record whose key in the site is another one."""
    if len(table.primary_key) != 1:
        scratch.run(f"UPDATE {matched(table)} SET code = 'duplicate_key' WHERE live IS NULL AND code = 'taken'")
        scratch.run(f"UPDATE {matched(table)} SET code = NULL WHERE live IS NOT NULL AND code = 'taken'")
        return
    (name,) = table.primary_key
    key = table.by_name[name]
    given = name in scratch.staged_columns[table.name]
    own = f'(SELECT s.{q(name)} FROM {staged(table)} s WHERE s."#rec" = {matched(table)}.rec)'
    if given and scratch.one(f"SELECT EXISTS (SELECT 1 FROM {matched(table)} WHERE live IS NULL AND code = 'taken')"):
        # Two records of one number cannot both have a new one: nobody could tell which one a reference means.
        scratch.run(
            f"UPDATE {matched(table)} SET code = 'duplicate_record' WHERE live IS NULL AND code = 'taken' AND rec IN"
            f' (SELECT "#rec" FROM (SELECT "#rec", row_number() OVER (PARTITION BY {q(name)} ORDER BY "#rec") AS place'
            f" FROM {staged(table)} WHERE {q(name)} IS NOT NULL) WHERE place > 1)"
        )
    if given and scratch.live_rows[table.name]:
        _refuse_second_records(scratch, table, name)
    homeless = "live IS NULL AND (code = 'taken'" + (
        f" OR ({own} IS NULL AND coalesce(code, '') <> 'mapped'))" if given else " OR code IS NULL)"
    )
    if table.reference(name) is None and scratch.one(
        f"SELECT EXISTS (SELECT 1 FROM {matched(table)} WHERE {homeless})"
    ):
        if key.kind is Kind.INTEGER:
            top = scratch.reader.greatest_key(table.name)
            if given:
                whole = f"SELECT max({q(name)}) FROM {staged(table)} WHERE typeof({q(name)}) = 'integer'"
                top = max(top, scratch.one(whole) or 0)
            scratch.run("DROP TABLE IF EXISTS temp.numbered")
            scratch.run(
                f"CREATE TEMP TABLE numbered AS SELECT rec, ? + row_number() OVER (ORDER BY rec) AS new"
                f" FROM {matched(table)} WHERE {homeless}",
                (top,),
            )
            highest = 2**63 - 1 if key.high is None else key.high
            scratch.run(
                f"UPDATE {matched(table)} SET new = n.new, code = NULL FROM temp.numbered n"
                f" WHERE n.rec = {matched(table)}.rec AND typeof(n.new) = 'integer' AND n.new <= ?",
                (highest,),
            )
            # No number is left: whoever counted up to the highest one must decide.
            scratch.run(
                f"UPDATE {matched(table)} SET code = 'duplicate_key' WHERE new IS NULL"
                f" AND rec IN (SELECT rec FROM temp.numbered)"
            )
        elif key.kind is Kind.UUID:
            scratch.connection.create_function("fresh_uuid", 0, lambda: uuid.uuid4().hex)
            scratch.run(f"UPDATE {matched(table)} SET new = fresh_uuid(), code = NULL WHERE {homeless}")
        else:
            # A word that is a key cannot be made up.
            missing = f"{own} IS NULL" if given else "1"
            scratch.run(
                f"UPDATE {matched(table)} SET code = 'missing_required' WHERE live IS NULL AND code IS NULL AND {missing}"
            )
    scratch.run(f"UPDATE {matched(table)} SET code = 'duplicate_key' WHERE live IS NULL AND code = 'taken'")
    scratch.run(f"UPDATE {matched(table)} SET code = NULL WHERE live IS NOT NULL AND code = 'taken'")
    if given:
        note_moves(scratch, table)


def _refuse_second_records(scratch: Scratch, table: Table, name: str) -> None:
    """A new record under the number of one that is matched: nobody could tell which of them a reference means."""
    scratch.run("DROP TABLE IF EXISTS temp.fresh")
    scratch.run("CREATE TEMP TABLE fresh (number, rec INTEGER, PRIMARY KEY (number, rec)) WITHOUT ROWID")
    added = scratch.run(
        f'INSERT INTO temp.fresh SELECT s.{q(name)}, m.rec FROM {matched(table)} m JOIN {staged(table)} s ON s."#rec" = m.rec'
        f" WHERE m.live IS NULL AND m.code IS NULL AND s.{q(name)} IS NOT NULL"
    )
    if added.rowcount:
        scratch.run(
            f"UPDATE {matched(table)} SET code = 'duplicate_record' WHERE rec IN (SELECT f.rec FROM {matched(table)} m"
            f' JOIN {staged(table)} s ON s."#rec" = m.rec JOIN temp.fresh f ON f.number = s.{q(name)}'
            " WHERE m.live IS NOT NULL)"
        )


def note_moves(scratch: Scratch, table: Table) -> None:
    """Leave in ``moved <table>`` every record's key that is another one in the site."""
    (name,) = table.primary_key
    moved = q("moved " + table.name)
    own = f'FROM {matched(table)} m JOIN {staged(table)} s ON s."#rec" = m.rec'
    scratch.run(
        f"UPDATE {matched(table)} SET new = found.new FROM (SELECT m.rec AS rec, l.{q(name)} AS new"
        f" {own} JOIN {live(table)} l ON l._rowid_ = m.live WHERE s.{q(name)} IS NOT l.{q(name)}"
        f") AS found WHERE found.rec = {matched(table)}.rec"
    )
    if table.reference(name) is not None:
        # The key is another row's key: it moves when that one does.
        led = scratch.final(table, table.by_name[name])
        scratch.run(
            f"UPDATE {matched(table)} SET new = found.new FROM (SELECT m.rec AS rec, {led} AS new"
            f" {own} WHERE m.live IS NULL AND {led} IS NOT s.{q(name)}"
            f") AS found WHERE found.rec = {matched(table)}.rec"
        )
    scratch.run(f"DROP TABLE IF EXISTS {moved}")
    scratch.moved.discard(table.name)
    if scratch.one(f"SELECT EXISTS (SELECT 1 FROM {matched(table)} WHERE new IS NOT NULL)"):
        scratch.run(f"CREATE TABLE {moved} (old PRIMARY KEY, new) WITHOUT ROWID")
        scratch.run(
            f"INSERT OR IGNORE INTO {moved} SELECT s.{q(name)}, m.new {own}"
            f" WHERE m.new IS NOT NULL AND s.{q(name)} IS NOT NULL AND coalesce(m.code, '') <> 'duplicate_record'"
        )
        scratch.moved.add(table.name)

"""Records without any key are recognised by all that they hold, each live row once."""

from __future__ import annotations

from typing import Final

from webapp.engine import sql
from webapp.engine.fills import absent_value
from webapp.engine.numbers import note_moves
from webapp.engine.origin import Trust, has_own_identity
from webapp.engine.schema import Column, Kind, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q

PRIMARY: Final = 0
"""The rung of a match by primary key."""

CONTENT: Final = 91
"""The rung of a match by whole content."""


def match_contents(scratch: Scratch, table: Table, trust: Trust) -> None:
    """Records without any key, by everything but the primary key, each live row once.

    In the same database a record whose number is free was removed there: another row with its content is not it. Rows that
    refer to rows of their own table wait until those are matched.
    """
    names = [name for name in scratch.staged_columns[table.name] if name not in table.primary_key]
    wanted = f"m.live IS NULL AND coalesce(m.code, 'taken') = 'taken' AND {nameless(scratch, table, 's')}"
    if has_own_identity(table):
        wanted += "".join(f" AND {_given(scratch, table, name)} IS NULL" for name in table.primary_key)
    elif table.name in trust.proven and len(table.primary_key) == 1:
        wanted += f" AND (m.code = 'taken' OR {_given(scratch, table, table.primary_key[0])} IS NULL)"
    source = f'{matched(table)} m JOIN {staged(table)} s ON s."#rec" = m.rec'
    if not scratch.one(f"SELECT EXISTS (SELECT 1 FROM {source} WHERE {wanted})"):
        return
    # Records that say nothing but their number are the rows that they would become.
    columns = [
        column
        for column in table.columns
        if column.name in names or not (names or column.generated or column.name in table.primary_key)
    ]
    _by_same_number(scratch, table, columns, wanted)
    own = _self_references(scratch, table)
    for name in own:
        (key,) = table.primary_key
        wanted += (
            f" AND (s.{q(name)} = s.{q(key)} OR NOT EXISTS (SELECT 1 FROM {staged(table)} p"
            f' JOIN {matched(table)} pm ON pm.rec = p."#rec" WHERE p.{q(key)} = s.{q(name)} AND pm.live IS NULL))'
        )
    found = True
    while found:
        if own:
            note_moves(scratch, table)
        theirs = _content(scratch, table, columns, own, "s")
        ours = _content(scratch, table, columns, own, "l")
        scratch.run("DROP TABLE IF EXISTS temp.contents")
        scratch.run(
            "CREATE TEMP TABLE contents (content TEXT, place INTEGER, row INTEGER, PRIMARY KEY (content, place))"
        )
        scratch.run(
            f"INSERT INTO temp.contents SELECT content, row_number() OVER (PARTITION BY content ORDER BY row), row FROM"
            f" (SELECT {ours} AS content, l._rowid_ AS row FROM {live(table)} l WHERE {nameless(scratch, table, 'l')}"
            f" AND l._rowid_ NOT IN (SELECT live FROM {matched(table)} WHERE live IS NOT NULL))"
        )
        moved = scratch.run(
            f"UPDATE {matched(table)} SET live = found.row, rung = {CONTENT}, code = NULL FROM ("
            f" SELECT w.rec AS rec, c.row AS row FROM (SELECT m.rec AS rec, {theirs} AS content, row_number() OVER"
            f" (PARTITION BY {theirs} ORDER BY m.rec) AS place FROM {source} WHERE {wanted}) w"
            f" JOIN temp.contents c ON c.content = w.content AND c.place = w.place"
            f") AS found WHERE found.rec = {matched(table)}.rec"
        )
        found = bool(own) and moved.rowcount > 0


def _by_same_number(scratch: Scratch, table: Table, columns: list[Column], wanted: str) -> None:
    """Of rows with equal content, the one under the record's own number is it.

    Where rows refer to rows of their own table, those must be the same under their numbers as well: a circle of rows is
    recognised as a whole or not at all.
    """
    if len(table.primary_key) != 1 or table.primary_key[0] not in scratch.staged_columns[table.name]:
        return
    (key,) = table.primary_key
    own = _self_references(scratch, table)
    equal = " AND ".join(
        f"NOT {sql.differs(column, f'l.{q(column.name)}', _cell(scratch, table, column, own))}" for column in columns
    )
    scratch.run("DROP TABLE IF EXISTS temp.numbered")
    scratch.run(
        f"CREATE TEMP TABLE numbered AS SELECT min(m.rec) AS rec, l._rowid_ AS row, s.{q(key)} AS number"
        f' FROM {matched(table)} m JOIN {staged(table)} s ON s."#rec" = m.rec JOIN {live(table)} l ON l.{q(key)} = s.{q(key)}'
        f" WHERE {wanted} AND ({equal or '1'}) AND {nameless(scratch, table, 'l')}"
        f" AND l._rowid_ NOT IN (SELECT live FROM {matched(table)} WHERE live IS NOT NULL)"
        " GROUP BY l._rowid_"
    )
    strayed = bool(own)
    while strayed:
        elsewhere = " OR ".join(
            f"(s.{q(name)} IS NOT NULL AND s.{q(name)} NOT IN (SELECT number FROM temp.numbered) AND s.{q(name)} IN"
            f' (SELECT o.{q(key)} FROM {staged(table)} o JOIN {matched(table)} om ON om.rec = o."#rec"'
            f" LEFT JOIN {live(table)} ol ON ol._rowid_ = om.live WHERE ol.{q(key)} IS NOT o.{q(key)}))"
            for name in own
        )
        strayed = bool(
            scratch.run(
                "DELETE FROM temp.numbered WHERE rec IN (SELECT n.rec FROM temp.numbered n"
                f' JOIN {staged(table)} s ON s."#rec" = n.rec WHERE {elsewhere})'
            ).rowcount
        )
    scratch.run(
        f"UPDATE {matched(table)} SET live = n.row, rung = {CONTENT}, code = NULL FROM temp.numbered n"
        f" WHERE n.rec = {matched(table)}.rec"
    )


def _cell(scratch: Scratch, table: Table, column: Column, own: list[str]) -> str:
    """SQL for what the row of a record holds in a column, its references to the own table as the file has them."""
    if column.name in own:
        return f"s.{q(column.name)}"
    if column.name not in scratch.staged_columns[table.name]:
        return sql.value_literal(absent_value(scratch, table, column))
    return scratch.final(table, column)


def _content(scratch: Scratch, table: Table, columns: list[Column], own: list[str], alias: str) -> str:
    """SQL for one text of all that a row holds; a reference to the row itself is the same wherever the row stands."""
    parts = []
    for column in columns:
        value = _whole(scratch, table, column) if alias == "s" else f"{alias}.{q(column.name)}"
        part = sql.content(column, value)
        if column.name in own:
            part = (
                f"CASE WHEN {alias}.{q(column.name)} = {alias}.{q(table.primary_key[0])} THEN 'itself' ELSE {part} END"
            )
        parts.append(part)
    return " || '|' || ".join(parts) or "''"


def _whole(scratch: Scratch, table: Table, column: Column) -> str:
    return _cell(scratch, table, column, [])


def _self_references(scratch: Scratch, table: Table) -> list[str]:
    columns = scratch.staged_columns[table.name]
    if len(table.primary_key) != 1 or table.primary_key[0] not in columns:
        return []
    return [
        key.columns[0]
        for key in table.foreign_keys
        if key.target == table.name and key.target_columns == table.primary_key and key.columns[0] in columns
    ]


def nameless(scratch: Scratch, table: Table, alias: str, *, circles: bool = True) -> str:
    """SQL condition: no key of the table, apart from the primary key, tells which row this is.

    Without ``circles``, keys that may lead back to the table itself do not count.
    """
    conditions = ["1"]
    columns = scratch.staged_columns[table.name]
    for key, nulls_equal in scratch.profile.keys_of(table):
        through = {reference.target for name in key if (reference := table.reference(name))}
        if all(name in columns for name in key) and (circles or not through & scratch.schema.circles):
            empty = " OR ".join(f"{alias}.{q(name)} IS NULL" for name in key)
            conditions.append("0" if nulls_equal else f"({empty})")
    return " AND ".join(conditions)


def _given(scratch: Scratch, table: Table, name: str) -> str:
    return f"s.{q(name)}" if name in scratch.staged_columns[table.name] else "NULL"


def key_by_words(scratch: Scratch) -> None:
    """Tables whose key is a word that the file does not have are known by another one, if it tells all rows and records apart.

    That is what is left of records whose natural key is their primary key when both were left out of a file.
    """
    found = {}
    for table in scratch.tables:
        given = scratch.staged_columns[table.name]
        if len(table.primary_key) != 1 or table.primary_key[0] in given or not scratch.live_rows[table.name]:
            continue
        if table.by_name[table.primary_key[0]].kind is not Kind.TEXT or table.reference(table.primary_key[0]):
            continue
        if any(all(name in given for name in key) for key, _ in scratch.profile.keys_of(table)):
            continue
        words = [
            column.name
            for column in table.columns
            if column.name in given and column.kind is Kind.TEXT and not column.nullable
        ]
        told = [
            name for name in words if all(_tells_apart(scratch, place, name) for place in (staged(table), live(table)))
        ]
        if told:
            found[table.name] = (told[0],)
    if found:
        scratch.profile = scratch.profile.matching_by(found)


def _tells_apart(scratch: Scratch, place: str, name: str) -> bool:
    return bool(scratch.one(f"SELECT count(*) = count(DISTINCT {q(name)}) FROM {place}"))

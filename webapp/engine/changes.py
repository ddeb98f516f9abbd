"""The plan written down: for every touched row, how it is and how it will be.

``after <table>``: ``#id``, ``#action``, ``#code``, ``#field``, ``#rec``, ``#rung`` and every column; a row of the plan for each record
or live row that is not simply the same. ``before <table>``: ``#id`` and every column of the live row, where there is one.
"""

from __future__ import annotations

from webapp.engine import sql
from webapp.engine.candidates import compared_value
from webapp.engine.contents import CONTENT, PRIMARY, nameless
from webapp.engine.creation import made, made_value
from webapp.engine.fills import absent_value, chosen_fill
from webapp.engine.labels import label_sql
from webapp.engine.origin import Trust, has_own_identity
from webapp.engine.references import NEXT, nulled, todo
from webapp.engine.schema import Column, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import differs, q
from webapp.engine.values import Canonical, from_text, json_text

CREATED_NAMED = 50


def columns_of(table: Table) -> tuple[Column, ...]:
    """The columns that can be written."""
    return tuple(column for column in table.columns if not column.generated)


def write_changes(scratch: Scratch, table: Table) -> None:
    """Make ``after`` and ``before`` of one table."""
    columns = columns_of(table)
    after, before = q(f"after {table.name}"), q(f"before {table.name}")
    # Columns without a type: every value keeps the form in which it is stored or staged.
    listed = sql.names(column.name for column in columns)
    scratch.run(
        f'CREATE TABLE {after} ("#id" INTEGER PRIMARY KEY, "#action" TEXT, "#code" TEXT, "#field" TEXT, "#rec" INTEGER,'
        f' "#rung" INTEGER, {listed})'
    )
    scratch.run(f'CREATE TABLE {before} ("#id" INTEGER PRIMARY KEY, {listed})')
    scratch.run(
        f'INSERT INTO {before} ("#id", {listed}) SELECT d.id, {sql.names((c.name for c in columns), "l")}'
        f" FROM {todo(table)} d JOIN {live(table)} l ON l._rowid_ = d.live"
    )
    if table.name in scratch.staged_columns:
        for shape, present in scratch.shapes(table):
            _write_records(scratch, table, columns, shape, present)
        _drop_unchanged(scratch, table, columns)
    _write_rows(scratch, table, columns)
    if table.name in scratch.made:
        _write_made(scratch, table, columns)
    # A preview pages by action, and an apply picks by it.
    if scratch.one(f'SELECT count(DISTINCT "#action") FROM {after}') > 1:
        scratch.run(f'CREATE INDEX {q("by action " + table.name)} ON {after} ("#action")')


def _write_records(
    scratch: Scratch, table: Table, columns: tuple[Column, ...], shape: int, present: tuple[str, ...]
) -> None:
    after = q(f"after {table.name}")
    listed = sql.names(column.name for column in columns)
    head = f'INSERT INTO {after} ("#id", "#action", "#code", "#field", "#rec", "#rung", {listed})'
    source = f'FROM {todo(table)} d JOIN {staged(table)} s ON s."#rec" = d.rec JOIN {matched(table)} m ON m.rec = d.rec'
    bound: list[Canonical] = []
    cells = [_new_cell(scratch, table, column, present, bound) for column in columns]
    scratch.run(
        f"{head} SELECT d.id, d.action, d.code, d.field, d.rec, m.rung, {', '.join(cells)} {source}"
        f' WHERE d.live IS NULL AND s."#shape" = ? ORDER BY d.id',
        (*bound, shape),
    )
    bound = []
    cells = [_changed_cell(scratch, table, column, present, bound) for column in columns]
    scratch.run(
        f"{head} SELECT d.id, d.action, d.code, d.field, d.rec, m.rung, {', '.join(cells)} {source}"
        f' JOIN {live(table)} l ON l._rowid_ = d.live WHERE s."#shape" = ? ORDER BY d.id',
        (*bound, shape),
    )


def _new_cell(scratch: Scratch, table: Table, column: Column, present: tuple[str, ...], bound: list[Canonical]) -> str:
    if column.name in table.primary_key and len(table.primary_key) == 1:
        own = scratch.final(table, column) if column.name in present else "NULL"
        return f"coalesce(m.new, {own})"
    held = _placeholder_value(scratch, table, column)
    if held is not None:
        bound.append(held)
    if column.name not in present:
        bound.append(absent_value(scratch, table, column))
        value = "?"
    else:
        value = _staged_cell(scratch, table, column, bound)
    return value if held is None else f"CASE WHEN d.code = 'placeholder' THEN ? ELSE {value} END"


def _placeholder_value(scratch: Scratch, table: Table, column: Column) -> Canonical:
    """What an account that is only kept as a name gets in a column that gives rights or lets in."""
    value = scratch.profile.rules(table.name).placeholder.get(column.name)
    return None if value is None else from_text(column, value if isinstance(value, str) else json_text(value))


def _staged_cell(scratch: Scratch, table: Table, column: Column, bound: list[Canonical]) -> str:
    value = scratch.final(table, column)
    if not column.nullable and (fill := chosen_fill(scratch, table, column.name)) is not None:
        bound.append(fill)
        value = f"coalesce({value}, ?)"
    if scratch.one(f"SELECT EXISTS (SELECT 1 FROM {nulled(table)} WHERE col = ?)", (column.name,)):
        bound.append(column.name)
        value = f"CASE WHEN EXISTS (SELECT 1 FROM {nulled(table)} n WHERE n.rec = d.rec AND n.col = ?) THEN NULL ELSE {value} END"
    return value


def _changed_cell(
    scratch: Scratch, table: Table, column: Column, present: tuple[str, ...], bound: list[Canonical]
) -> str:
    kept = f"l.{q(column.name)}"
    if column.name not in present or column.name in table.primary_key:
        return kept
    compared = compared_value(scratch, table, column)
    emptied = bool(scratch.one(f"SELECT EXISTS (SELECT 1 FROM {nulled(table)} WHERE col = ?)", (column.name,)))
    if emptied:
        bound.append(column.name)
    # A value that is not different keeps its stored form: nothing is rewritten without need.
    cell = f"CASE WHEN {differs(column, kept, compared)} THEN {_staged_cell(scratch, table, column, bound)} ELSE {kept} END"
    if emptied:
        cell = f"CASE WHEN EXISTS (SELECT 1 FROM {nulled(table)} n WHERE n.rec = d.rec AND n.col = ?) THEN NULL ELSE {cell} END"
    return cell


def _drop_unchanged(scratch: Scratch, table: Table, columns: tuple[Column, ...]) -> None:
    """Updates that differed in nothing but references which are left empty, and which are empty already, are none."""
    if not scratch.one(f"SELECT EXISTS (SELECT 1 FROM {nulled(table)})"):
        return
    after, before = q(f"after {table.name}"), q(f"before {table.name}")
    volatile = scratch.volatile(table)
    equal = " AND ".join(f"a.{q(c.name)} IS b.{q(c.name)}" for c in columns if c.name not in volatile) or "1"
    scratch.run("DROP TABLE IF EXISTS temp.unchanged")
    scratch.run(
        f'CREATE TEMP TABLE unchanged AS SELECT a."#id" AS id FROM {after} a JOIN {before} b ON b."#id" = a."#id"'
        f" WHERE a.\"#action\" = 'update' AND {equal}"
    )
    for written in (after, before):
        scratch.run(f'DELETE FROM {written} WHERE "#id" IN (SELECT id FROM temp.unchanged)')


def _write_made(scratch: Scratch, table: Table, columns: tuple[Column, ...]) -> None:
    """Rows that are made because something refers to them by name."""
    after = q(f"after {table.name}")
    bound: list[Canonical] = []
    cells = []
    for column in columns:
        if (column.name,) == table.primary_key:
            cells.append("pk")
        elif column.name in scratch.made[table.name]:
            cells.append(q(column.name))
        else:
            given = made_value(scratch, column, table)
            bound.append(absent_value(scratch, table, column) if given is None else given)
            cells.append("?")
    first = scratch.one(f"SELECT coalesce(max(id), 0) FROM {todo(table)}")
    scratch.run(
        f'INSERT INTO {after} ("#id", "#action", "#code", {sql.names(column.name for column in columns)})'
        f" SELECT {first} + row_number() OVER (ORDER BY rowid), 'insert', 'created', {', '.join(cells)} FROM {made(table)}",
        tuple(bound),
    )


def created_rows(scratch: Scratch) -> tuple[tuple[str, ...], int]:
    """What people call the rows that are made because something refers to them, the first of them, and how many they are."""
    found: list[str] = []
    count = 0
    for name in scratch.made:
        table = scratch.schema.tables[name]
        label = label_sql(scratch.profile, table)
        where = f"FROM {q(f'after {name}')} WHERE \"#code\" = 'created'"
        count += scratch.one(f"SELECT count(*) {where}")
        title = scratch.profile.title_of(name)
        found += [f"{title}: {row[0]}" for row in scratch.run(f"SELECT {label} {where} LIMIT {CREATED_NAMED}")]
    return tuple(found[:CREATED_NAMED]), count


def _write_rows(scratch: Scratch, table: Table, columns: tuple[Column, ...]) -> None:
    """Rows that no record stands behind: removed ones, and those that refer to removed ones."""
    after = q(f"after {table.name}")
    listed = sql.names(column.name for column in columns)
    cells = ", ".join(
        f"CASE WHEN d.action = 'update' AND instr(char(10) || d.field || char(10), {sql.literal(f'{NEXT}{column.name}{NEXT}')})"
        f" THEN NULL ELSE l.{q(column.name)} END"
        for column in columns
    )
    scratch.run(
        f'INSERT INTO {after} ("#id", "#action", "#code", "#field", {listed})'
        f" SELECT d.id, d.action, d.code, d.field, {cells} FROM {todo(table)} d JOIN {live(table)} l ON l._rowid_ = d.live"
        " WHERE d.rec IS NULL"
    )


SMALL = 200
"""Rows of a table up to which the evidence for equal numbers may turn with a few rows more."""


def note_pairs(scratch: Scratch, table: Table, trust: Trust) -> bool:
    """Leave in ``noted <table>`` which row a record is, where nothing may tell it the next time.

    That are records that get another number, those of which a reference is left empty, those whose keys lead in a circle of
    references, those that were recognised by their content though their own number is another row's, which may be free
    then, and in a small table whatever was recognised by evidence.
    """
    if len(table.primary_key) != 1 or table.primary_key[0] not in scratch.staged_columns[table.name]:
        return False
    (key,) = table.primary_key
    wanted = []
    if table.name in scratch.moved:
        wanted.append(f"a.\"#action\" = 'insert' AND a.{q(key)} IS NOT s.{q(key)}")
    if scratch.one(f"SELECT EXISTS (SELECT 1 FROM {nulled(table)})"):
        wanted.append(f"a.\"#action\" IN ('insert', 'update') AND m.rec IN (SELECT rec FROM {nulled(table)})")
    held = scratch.live_rows[table.name]
    if table.name in scratch.schema.circles:
        named = "" if held else f" AND NOT ({nameless(scratch, table, 's')})"
        wanted.append(f"a.\"#action\" = 'insert' AND ({nameless(scratch, table, 's', circles=False)}){named}")
    if not has_own_identity(table):
        if 0 < held <= SMALL and scratch.one(f"SELECT count(*) FROM {matched(table)}") <= SMALL:
            wanted.append(f"m.rung IN ({PRIMARY}, {CONTENT}) OR a.\"#action\" = 'insert'")
        elif table.name in trust.proven:
            wanted.append(f"m.rung = {CONTENT} AND s.{q(key)} IS NOT l.{q(key)}")
    if not wanted:
        return False
    pairs = (
        f"SELECT s.{q(key)} AS old, coalesce(l.{q(key)}, a.{q(key)}) AS new FROM {matched(table)} m"
        f' JOIN {staged(table)} s ON s."#rec" = m.rec LEFT JOIN {live(table)} l ON l._rowid_ = m.live'
        f' LEFT JOIN {q("after " + table.name)} a ON a."#rec" = m.rec'
        f" WHERE m.code IS NULL AND s.{q(key)} IS NOT NULL AND coalesce(l.{q(key)}, a.{q(key)}) IS NOT NULL"
        f" AND (m.live IS NOT NULL OR a.\"#action\" = 'insert') AND ({' OR '.join(f'({each})' for each in wanted)})"
    )
    noted = q(f"noted {table.name}")
    scratch.run(f"CREATE TABLE {noted} (old PRIMARY KEY, new) WITHOUT ROWID")
    if scratch.run(f"INSERT OR IGNORE INTO {noted} {pairs}").rowcount:
        return True
    scratch.run(f"DROP TABLE {noted}")
    return False

"""Would two rows have the same key afterwards? The later record is named, before the database has to refuse it."""

from __future__ import annotations

from webapp.engine.fills import absent_value
from webapp.engine.references import nulled, todo
from webapp.engine.schema import Column, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import differs, literal, q, value_literal


def settle_keys(scratch: Scratch) -> bool:
    """Find double keys; True when records were left out, so that references must be looked at again."""
    skipped = False
    for table in scratch.tables:
        for key in (table.primary_key, *table.unique):
            skipped |= _settle_key(scratch, table, key)
    return skipped


def _settle_key(scratch: Scratch, table: Table, key: tuple[str, ...]) -> bool:
    primary = key == table.primary_key
    if not key or (primary and not all(name in scratch.staged_columns[table.name] for name in key)):
        return False
    parts = [
        f"coalesce(m.new, s.{q(name)})"
        if primary and len(key) == 1
        else _afterwards(scratch, table, table.by_name[name])
        for name in key
    ]
    cells = ", ".join(f"{part} AS k{number}" for number, part in enumerate(parts))
    names = ", ".join(f"k{number}" for number in range(len(parts)))
    filled = " AND ".join(f"k{number} IS NOT NULL" for number in range(len(parts)))
    source = (
        f'{todo(table)} d JOIN {staged(table)} s ON s."#rec" = d.rec JOIN {matched(table)} m ON m.rec = d.rec'
        f" LEFT JOIN {live(table)} l ON l._rowid_ = d.live"
    )
    moved = " OR ".join(
        differs(table.by_name[name], f"l.{q(name)}", part) for name, part in zip(key, parts, strict=True)
    )
    columns = ", ".join(map(literal, key))
    empty = f" AND NOT EXISTS (SELECT 1 FROM {nulled(table)} n WHERE n.rec = d.rec AND n.col IN ({columns}))"
    taking = f"(d.action = 'insert' OR (d.action = 'update' AND ({moved}))){empty}"
    scratch.run("DROP TABLE IF EXISTS temp.doubles")
    scratch.run("CREATE TEMP TABLE doubles (id INTEGER)")
    if scratch.one(
        f"SELECT EXISTS (SELECT 1 FROM (SELECT {cells} FROM {source} WHERE {taking}) WHERE {filled}"
        f" GROUP BY {names} HAVING count(*) > 1)"
    ):
        scratch.run(
            f"INSERT INTO temp.doubles SELECT id FROM (SELECT id, rec, row_number() OVER (PARTITION BY {names} ORDER BY rec) AS place"
            f" FROM (SELECT d.id AS id, d.rec AS rec, {cells} FROM {source} WHERE {taking}) WHERE {filled}) WHERE place > 1"
        )
    if scratch.live_rows[table.name] and not primary:
        # Rows of the site that keep the key: neither removed nor about to be changed.
        on = " AND ".join(f"o.{q(name)} = w.k{number}" for number, name in enumerate(key))
        scratch.run(
            f"INSERT INTO temp.doubles SELECT w.id FROM (SELECT d.id AS id, d.live AS own, {cells} FROM {source}"
            f" WHERE {taking}) w JOIN {live(table)} o ON {on} WHERE o._rowid_ IS NOT w.own"
            f" AND o._rowid_ NOT IN (SELECT live FROM {todo(table)} WHERE live IS NOT NULL AND action IN ('delete', 'update'))"
        )
    if not scratch.one("SELECT EXISTS (SELECT 1 FROM temp.doubles)"):
        return False
    skip = scratch.choices.on_invalid == "skip"
    scratch.run(
        f"UPDATE {todo(table)} SET action = ?, code = ?, field = ? WHERE id IN (SELECT id FROM temp.doubles)",
        ("skipped" if skip else "blocked", "duplicate_record" if primary else "duplicate_key", ", ".join(key)),
    )
    return skip


def _afterwards(scratch: Scratch, table: Table, column: Column) -> str:
    """SQL for what a column will hold: a record that lacks it leaves the row's value, or gets what new rows get."""
    lacking = [number for number, names in scratch.shapes(table) if column.name not in names]
    if not lacking:
        return scratch.final(table, column)
    absent = value_literal(absent_value(scratch, table, column))
    kept = f"CASE WHEN d.live IS NULL THEN {absent} ELSE l.{q(column.name)} END"
    if column.name not in scratch.staged_columns[table.name]:
        return kept
    listed = ", ".join(map(str, lacking))
    return f'CASE WHEN s."#shape" IN ({listed}) THEN {kept} ELSE {scratch.final(table, column)} END'


def exchanges_keys(scratch: Scratch, table: Table) -> bool:
    """Whether an updated row takes a unique value that another updated row still has: then rows must step aside."""
    for key in table.unique:
        if any(name in scratch.staged_columns.get(table.name, ()) for name in key):
            on = " AND ".join(f"b.{q(name)} = a.{q(name)}" for name in key)
            if scratch.one(
                f"SELECT EXISTS (SELECT 1 FROM {q('after ' + table.name)} a JOIN {q('before ' + table.name)} b ON {on}"
                f' AND b."#id" <> a."#id" JOIN {q("after " + table.name)} c ON c."#id" = b."#id"'
                f" WHERE a.\"#action\" = 'update' AND c.\"#action\" = 'update')"
            ):
                return True
    return False

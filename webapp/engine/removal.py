"""Rows that the site has and the backup has not: removed on request, and what refers to them."""

from __future__ import annotations

from webapp.engine.references import todo
from webapp.engine.schema import ForeignKey, Table
from webapp.engine.scratch import Scratch, live, matched
from webapp.engine.sql import q


def collect_removals(scratch: Scratch, chosen: frozenset[str]) -> None:
    """Plan deletions in the chosen tables that the file holds records of, and in many-to-many lists that differ."""
    for table in scratch.tables:
        rules = scratch.profile.rules(table.name)
        barred = rules.ignored or rules.matched_only or (rules.protected and scratch.choices.accounts == "protect")
        if table.name not in chosen or barred or table.remark:
            continue
        found = f"SELECT live FROM {matched(table)} WHERE live IS NOT NULL"
        if scratch.choices.remove:
            scratch.run(
                f"INSERT INTO {todo(table)} (rec, live, action) SELECT NULL, l.rowid, 'delete' FROM {live(table)} l"
                f" WHERE l.rowid NOT IN ({found})"
            )
        elif table.name in scratch.facts.links and scratch.choices.change and scratch.choices.on_conflict == "backup":
            _collect_links(scratch, table, found)


def _collect_links(scratch: Scratch, table: Table, found: str) -> None:
    """A record's list is a value of the record: where the backup wins, what the list does not name goes."""
    owner, column, _ = scratch.facts.links[table.name]
    key = scratch.schema.tables[owner].primary_key[0]
    scratch.run(
        f"INSERT INTO {todo(table)} (rec, live, action) SELECT NULL, l.rowid, 'delete' FROM {live(table)} l"
        f" JOIN {live(owner)} o ON o.{q(key)} = l.{q(column)} JOIN {matched(owner)} m ON m.live = o.rowid AND m.code IS NULL"
        f" JOIN stage.{q('list ' + table.name)} named ON named.rec = m.rec WHERE l.rowid NOT IN ({found})"
    )


def settle_referenced(scratch: Scratch) -> None:
    """Rows that refer to a removed row: block, keep the row, empty the reference or remove them too, as the person chose."""
    waiting = [table for table in reversed(scratch.tables) if _deletes(scratch, table)]
    while waiting:
        table = waiting.pop(0)
        for other in scratch.schema.tables.values():
            for key in other.foreign_keys:
                if key.target == table.name and len(key.columns) == 1 and _settle_key(scratch, table, other, key):
                    waiting.append(other)


def _deletes(scratch: Scratch, table: Table) -> bool:
    return bool(scratch.one(f"SELECT EXISTS (SELECT 1 FROM {todo(table)} WHERE action = 'delete')"))


def _settle_key(scratch: Scratch, table: Table, other: Table, key: ForeignKey) -> bool:
    """Settle the rows of ``other`` that refer to removed rows; True when more rows of it are to be removed."""
    (column,), (target,) = key.columns, key.target_columns
    known = other.name in scratch.staged_columns
    if not known:
        _open_table(scratch, other)
    pointing = (
        f"SELECT r.rowid AS row, p.rowid AS parent FROM {live(table)} p JOIN {todo(table)} d ON d.live = p.rowid"
        f" AND d.action = 'delete' JOIN {live(other)} r ON r.{q(column)} = p.{q(target)}"
        f" WHERE r.rowid NOT IN (SELECT live FROM {todo(other)} WHERE live IS NOT NULL AND action IN ('delete', 'update'))"
    )
    policy = scratch.choices.on_referenced
    if policy == "keep":
        moved = scratch.run(
            f"UPDATE {todo(table)} SET action = 'skipped', code = 'still_referenced', field = ?"
            f" WHERE action = 'delete' AND live IN (SELECT parent FROM ({pointing}))",
            (f"{other.name}.{column}",),
        )
        # A kept row may itself refer to rows that were to be removed: they are looked at again.
        if moved.rowcount:
            _keep_parents(scratch, table)
        return False
    if policy == "remove" and not other.remark:
        moved = scratch.run(
            f"INSERT INTO {todo(other)} (rec, live, action, code) SELECT DISTINCT NULL, row, 'delete', 'refers_to_removed'"
            f" FROM ({pointing})"
        )
        return moved.rowcount > 0
    if policy == "null" and other.by_name[column].nullable:
        scratch.run(
            f"INSERT INTO {todo(other)} (rec, live, action, code, field) SELECT DISTINCT NULL, row, 'update', 'refers_to_removed', ?"
            f" FROM ({pointing})",
            (column,),
        )
        return False
    scratch.run(
        f"INSERT INTO {todo(other)} (rec, live, action, code, field) SELECT DISTINCT NULL, row, 'blocked', 'still_referenced', ?"
        f" FROM ({pointing})",
        (column,),
    )
    return False


def _keep_parents(scratch: Scratch, table: Table) -> None:
    """Rows that a kept row refers to are kept as well."""
    for key in table.foreign_keys:
        parent = scratch.schema.tables[key.target]
        if len(key.columns) != 1 or parent.name not in scratch.staged_columns or parent.name == table.name:
            continue
        (column,), (target,) = key.columns, key.target_columns
        moved = scratch.run(
            f"UPDATE {todo(parent)} SET action = 'skipped', code = 'still_referenced', field = ? WHERE action = 'delete'"
            f" AND live IN (SELECT p.rowid FROM {live(parent)} p JOIN {live(table)} r ON r.{q(column)} = p.{q(target)}"
            f" JOIN {todo(table)} d ON d.live = r.rowid AND d.action = 'skipped')",
            (f"{table.name}.{column}",),
        )
        if moved.rowcount:
            _keep_parents(scratch, parent)


def _open_table(scratch: Scratch, table: Table) -> None:
    """A table that the backup has no records of takes part from now on."""
    scratch.run(
        f"CREATE TABLE IF NOT EXISTS {todo(table)}"
        " (id INTEGER PRIMARY KEY, rec INTEGER, live INTEGER, action TEXT, code TEXT, field TEXT)"
    )
    scratch.joined[table.name] = table

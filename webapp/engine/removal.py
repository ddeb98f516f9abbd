"""Rows that the site has and the backup has not: removed on request, and what refers to them."""

from __future__ import annotations

from webapp.engine.references import NEXT, nulled, todo
from webapp.engine.schema import ForeignKey, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import differs, literal, q


def collect_removals(scratch: Scratch, chosen: frozenset[str]) -> None:
    """Plan deletions in the chosen tables that the file holds records of, and in many-to-many lists that differ."""
    for table in scratch.tables:
        rules = scratch.profile.rules(table.name)
        barred = rules.ignored or rules.matched_only or (rules.protected and scratch.choices.accounts == "protect")
        if table.name not in chosen or barred or table.remark:
            continue
        found = f"SELECT live FROM {matched(table)} WHERE live IS NOT NULL"
        if scratch.choices.remove:
            _spare(scratch, table)
            scratch.run(
                f"INSERT INTO {todo(table)} (rec, live, action) SELECT NULL, l._rowid_, 'delete' FROM {live(table)} l"
                f" WHERE l._rowid_ NOT IN ({found})"
                f" AND l._rowid_ NOT IN (SELECT live FROM {todo(table)} WHERE code = 'undecided')"
            )
        elif table.name in scratch.facts.links and scratch.choices.change and scratch.choices.on_conflict == "backup":
            _collect_links(scratch, table, found)


def _spare(scratch: Scratch, table: Table) -> None:
    """Rows that a record may be of which nobody has decided which row it is are not removed."""
    asked = "m.code IN ('ambiguous', 'another_email')"
    if not scratch.one(f"SELECT EXISTS (SELECT 1 FROM {matched(table)} m WHERE {asked})"):
        return
    columns = scratch.staged_columns[table.name]
    keys = [key for key, _ in scratch.profile.keys_of(table)]
    for key in dict.fromkeys([*keys, table.primary_key]):
        if not key or not all(name in columns for name in key):
            continue
        on = " AND ".join(f"l.{q(name)} = {scratch.final(table, table.by_name[name])}" for name in key)
        scratch.run(
            f"INSERT INTO {todo(table)} (rec, live, action, code) SELECT DISTINCT NULL, l._rowid_, 'skipped', 'undecided'"
            f' FROM {matched(table)} m JOIN {staged(table)} s ON s."#rec" = m.rec JOIN {live(table)} l ON {on}'
            f" WHERE {asked} AND l._rowid_ NOT IN (SELECT live FROM {matched(table)} WHERE live IS NOT NULL)"
            f" AND l._rowid_ NOT IN (SELECT live FROM {todo(table)} WHERE code = 'undecided')"
        )


def _collect_links(scratch: Scratch, table: Table, found: str) -> None:
    """A record's list is a value of the record: where the backup wins, what the list does not name goes."""
    owner, column, _ = scratch.facts.links[table.name]
    key = scratch.schema.tables[owner].primary_key[0]
    scratch.run(
        f"INSERT INTO {todo(table)} (rec, live, action) SELECT NULL, l._rowid_, 'delete' FROM {live(table)} l"
        f" JOIN {live(owner)} o ON o.{q(key)} = l.{q(column)} JOIN {matched(owner)} m ON m.live = o._rowid_ AND m.code IS NULL"
        f" JOIN stage.{q('list ' + table.name)} named ON named.rec = m.rec WHERE l._rowid_ NOT IN ({found})"
    )


def settle_referenced(scratch: Scratch) -> None:
    """Rows that refer to a removed row: block, keep the row, empty the reference or remove them too, as the person chose."""
    waiting = [table for table in reversed(scratch.tables) if _deletes(scratch, table)]
    while waiting:
        table = waiting.pop(0)
        for other in scratch.schema.tables.values():
            for key in other.foreign_keys:
                if key.target == table.name and _settle_key(scratch, table, other, key):
                    waiting.append(other)
    if scratch.choices.on_referenced == "remove":
        _keep_for_records(scratch)


def _keep_for_records(scratch: Scratch) -> None:
    """A row that the backup holds is not removed with what it refers to: that is kept, and all that is kept refers to.

    Rows that were only to go because they refer to one that is kept now stay as well.
    """
    moved = True
    while moved:
        moved = False
        for table in (*scratch.tables, *scratch.joined.values()):
            if not _deletes(scratch, table):
                continue
            for other in scratch.schema.tables.values():
                for key in other.foreign_keys:
                    if key.target == table.name:
                        moved |= _keep_referred(scratch, table, other, key)
        for table in (*scratch.tables, *scratch.joined.values()):
            moved |= _let_stay(scratch, table)


def _keep_referred(scratch: Scratch, table: Table, other: Table, key: ForeignKey) -> bool:
    """Keep what rows that stay refer to."""
    known = other.name in scratch.staged_columns or other.name in scratch.joined
    staying = f" AND r._rowid_ NOT IN ({_letting_go(scratch, other, key)})" if known else ""
    referred = (
        f"SELECT d.id FROM {todo(table)} d JOIN {live(table)} p ON p._rowid_ = d.live"
        f" JOIN {live(other)} r ON {_joined(key)} WHERE d.action = 'delete'{staying}"
    )
    gone = scratch.run(f"DELETE FROM {todo(table)} WHERE code = 'refers_to_removed' AND id IN ({referred})")
    kept = scratch.run(
        f"UPDATE {todo(table)} SET action = 'skipped', code = 'still_referenced', field = ? WHERE id IN ({referred})",
        (f"{other.name}.{key.columns[0]}",),
    )
    return gone.rowcount + kept.rowcount > 0


def _let_stay(scratch: Scratch, table: Table) -> bool:
    """Rows that were to go with others, none of which goes any more, stay."""
    going = [
        f"SELECT r._rowid_ FROM {live(table)} r JOIN {live(parent)} p ON {_joined(key)}"
        f" JOIN {todo(parent)} d ON d.live = p._rowid_ AND d.action = 'delete'"
        for key in table.foreign_keys
        for parent in (scratch.schema.tables[key.target],)
        if parent.name in scratch.staged_columns or parent.name in scratch.joined
    ]
    if not going:
        return False
    stayed = scratch.run(
        f"DELETE FROM {todo(table)} WHERE action = 'delete' AND code = 'refers_to_removed'"
        f" AND live NOT IN ({' UNION ALL '.join(going)})"
    )
    return stayed.rowcount > 0


def _joined(key: ForeignKey) -> str:
    """SQL: the row ``r`` refers to the row ``p``."""
    return " AND ".join(
        f"r.{q(name)} = p.{q(target)}" for name, target in zip(key.columns, key.target_columns, strict=True)
    )


def _deletes(scratch: Scratch, table: Table) -> bool:
    return bool(scratch.one(f"SELECT EXISTS (SELECT 1 FROM {todo(table)} WHERE action = 'delete')"))


def _settle_key(scratch: Scratch, table: Table, other: Table, key: ForeignKey) -> bool:
    """Settle the rows of ``other`` that refer to removed rows; True when more rows of it are to be removed."""
    free = [name for name in key.columns if other.by_name[name].nullable]
    column = (free or key.columns)[0]
    if other.name not in scratch.staged_columns:
        _open_table(scratch, other)
    on = _joined(key)
    pointing = (
        f"SELECT r._rowid_ AS row, p._rowid_ AS parent FROM {live(table)} p JOIN {todo(table)} d ON d.live = p._rowid_"
        f" AND d.action = 'delete' JOIN {live(other)} r ON {on} WHERE r._rowid_ NOT IN ({_letting_go(scratch, other, key)})"
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
    kept = _is_guarded(scratch, other)
    if policy == "remove" and kept:
        # It stays, and what it refers to with it.
        return False
    if policy == "remove" and not other.remark:
        moved = scratch.run(
            f"INSERT INTO {todo(other)} (rec, live, action, code) SELECT DISTINCT NULL, row, 'delete', 'refers_to_removed'"
            f" FROM ({pointing}) WHERE row NOT IN ({_held(scratch, other)})"
        )
        return moved.rowcount > 0
    if policy == "null" and free and not kept:
        _empty(scratch, other, column, pointing)
        return False
    scratch.run(
        f"INSERT INTO {todo(other)} (rec, live, action, code, field) SELECT DISTINCT NULL, row, 'blocked', 'still_referenced', ?"
        f" FROM ({pointing}) WHERE row NOT IN (SELECT live FROM {todo(other)} WHERE action = 'blocked' AND rec IS NULL)",
        (column,),
    )
    return False


def _is_guarded(scratch: Scratch, table: Table) -> bool:
    """Whether its rows are nobody's to remove or change here: accounts and rights, and what the application keeps itself."""
    rules = scratch.profile.rules(table.name)
    return rules.matched_only or (bool(rules.protected) and scratch.choices.accounts == "protect")


def _held(scratch: Scratch, table: Table) -> str:
    """A query for the rows that a record of the backup stands behind."""
    if table.name not in scratch.staged_columns:
        return "SELECT 0 WHERE 0"
    return f"SELECT live FROM {matched(table)} WHERE live IS NOT NULL"


def _letting_go(scratch: Scratch, other: Table, key: ForeignKey) -> str:
    """A query for the rows that go themselves, or whose reference will be another one or none."""
    going = (
        f"SELECT live FROM {todo(other)} WHERE live IS NOT NULL AND (action = 'delete' OR (action = 'update' AND rec IS NULL"
        f" AND ({' OR '.join(_gives_up(name) for name in key.columns)})))"
    )
    columns = scratch.staged_columns.get(other.name, ())
    if not all(name in columns for name in key.columns):
        return going
    # A row that is changed keeps its primary key, whatever its record has.
    free = [other.by_name[name] for name in key.columns if name not in other.primary_key]
    changed = " OR ".join(differs(each, f"l.{q(each.name)}", scratch.final(other, each)) for each in free) or "0"
    lacking = [number for number, names in scratch.shapes(other) if not all(name in names for name in key.columns)]
    shaped = f' AND s."#shape" NOT IN ({", ".join(map(str, lacking))})' if lacking else ""
    emptied = (
        f"SELECT 1 FROM {nulled(other)} n WHERE n.rec = c.rec AND n.col IN ({', '.join(map(literal, key.columns))})"
    )
    return (
        f'{going} UNION ALL SELECT c.live FROM {todo(other)} c JOIN {staged(other)} s ON s."#rec" = c.rec{shaped}'
        f" JOIN {live(other)} l ON l._rowid_ = c.live WHERE c.action = 'update' AND (({changed}) OR EXISTS ({emptied}))"
    )


def _gives_up(name: str) -> str:
    return f"instr(char(10) || field || char(10), {literal(NEXT + name + NEXT)})"


def _empty(scratch: Scratch, other: Table, column: str, pointing: str) -> None:
    """Let rows give up a reference, those that are changed anyway as well."""
    rows = f"SELECT row FROM ({pointing})"
    scratch.run("DROP TABLE IF EXISTS temp.emptied")
    scratch.run(f"CREATE TEMP TABLE emptied AS SELECT DISTINCT row FROM ({rows})")
    changing = "action = 'update' AND live IN (SELECT row FROM temp.emptied)"
    if other.name in scratch.staged_columns:
        # A row that is as its record has it is changed by that record now.
        scratch.run(
            f"INSERT INTO {todo(other)} (rec, live, action, code) SELECT rec, live, 'update', 'refers_to_removed'"
            f" FROM {matched(other)} WHERE code IS NULL AND live IN (SELECT row FROM temp.emptied)"
            f" AND rec NOT IN (SELECT rec FROM {todo(other)} WHERE rec IS NOT NULL)"
        )
        scratch.run(
            f"INSERT INTO {nulled(other)} SELECT rec, ? FROM {todo(other)} WHERE {changing} AND rec IS NOT NULL",
            (column,),
        )
    scratch.run(f"UPDATE {todo(other)} SET field = field || ? WHERE {changing} AND rec IS NULL", (NEXT + column,))
    scratch.run(
        f"INSERT INTO {todo(other)} (rec, live, action, code, field) SELECT NULL, row, 'update', 'refers_to_removed', ?"
        f" FROM temp.emptied WHERE row NOT IN (SELECT live FROM {todo(other)} WHERE live IS NOT NULL AND action = 'update')",
        (column,),
    )


def _keep_parents(scratch: Scratch, table: Table) -> None:
    """Rows that a kept row refers to are kept as well."""
    for key in table.foreign_keys:
        parent = scratch.schema.tables[key.target]
        if parent.name not in scratch.staged_columns or parent.name == table.name:
            continue
        moved = scratch.run(
            f"UPDATE {todo(parent)} SET action = 'skipped', code = 'still_referenced', field = ? WHERE action = 'delete'"
            f" AND live IN (SELECT p._rowid_ FROM {live(parent)} p JOIN {live(table)} r ON {_joined(key)}"
            f" JOIN {todo(table)} d ON d.live = r._rowid_ AND d.action = 'skipped')",
            (f"{table.name}.{key.columns[0]}",),
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

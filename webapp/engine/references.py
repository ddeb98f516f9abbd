"""Can every reference be kept? Rows to be written may only refer to rows that are there, or will be.

A reference holds when the record it means (in the backup) is matched or will be written too, or when the backup does not
hold that record and the site does (and numbers mean the same there). Missing parents in the backup are added. What
remains is decided by the person's policy, and a row that is left out takes with it what hangs on it.
"""

from __future__ import annotations

from webapp.engine.natural import tokens_table
from webapp.engine.origin import Trust
from webapp.engine.schema import ForeignKey, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import differs, literal, q

NEXT = "\n"
"""Between the names of references that one row has to give up."""


def todo(table: Table | str) -> str:
    """What is to be done in a table: id, rec, live, action, code, field."""
    return q("todo " + (table if isinstance(table, str) else table.name))


def nulled(table: Table | str) -> str:
    """References that are left empty: rec, col."""
    return q("nulled " + (table if isinstance(table, str) else table.name))


def settle_references(scratch: Scratch, trust: Trust) -> None:
    """Add missing parents, and apply the policy to references that nothing can keep, until nothing moves any more."""
    order = [table.name for table in scratch.tables]
    waiting = set(order)
    while waiting:
        # Parents first, so that what is skipped is known before its children are looked at.
        name = next(each for each in order if each in waiting)
        waiting.discard(name)
        table = scratch.schema.tables[name]
        changed: set[str] = set()
        for key in table.foreign_keys:
            if len(key.columns) == 1 and key.columns[0] in scratch.staged_columns[name]:
                changed |= _settle_key(scratch, trust, table, key)
            elif all(column in scratch.staged_columns[name] for column in key.columns):
                changed |= _settle_columns(scratch, table, key)
        for other in changed:
            waiting.add(other)
            waiting |= {
                each for each in order if any(key.target == other for key in scratch.schema.tables[each].foreign_keys)
            }


def _settle_key(scratch: Scratch, trust: Trust, table: Table, key: ForeignKey) -> set[str]:
    """Settle one reference; gives the tables whose rows have changed their fate."""
    _find_lost(scratch, trust, table, key)
    if not scratch.one("SELECT EXISTS (SELECT 1 FROM temp.lost)"):
        return set()
    (column,) = key.columns
    if scratch.choices.with_parents and _add_parents(scratch, key):
        return {key.target, table.name}
    which = (
        f'rec IN (SELECT d.rec FROM {todo(table)} d JOIN {staged(table)} s ON s."#rec" = d.rec'
        f" WHERE d.action IN ('insert', 'update') AND s.{q(column)} IN (SELECT value FROM temp.lost)"
        f" AND d.rec NOT IN (SELECT rec FROM {nulled(table)} WHERE col = ?))"
    )
    policy = scratch.choices.on_missing
    if policy == "null" and may_be_emptied(scratch, table, column):
        scratch.run(f"INSERT INTO {nulled(table)} SELECT rec, ? FROM {todo(table)} WHERE {which}", (column, column))
        return set()
    action = "skipped" if policy == "skip" else "blocked"
    moved = scratch.run(
        f"UPDATE {todo(table)} SET action = ?, code = 'missing_reference', field = ? WHERE {which}",
        (action, column, column),
    )
    if moved.rowcount and _doubtful(scratch, key):
        _name_doubts(scratch, table, key)
    return {table.name} if moved.rowcount and action == "skipped" else set()


def _doubtful(scratch: Scratch, key: ForeignKey) -> list[str]:
    """Natural keys that may mean several rows of the table that a reference leads to."""
    return [token for name, token in scratch.doubtful if name == key.target]


def _name_doubts(scratch: Scratch, table: Table, key: ForeignKey) -> None:
    """References that may lead to several rows are no missing ones."""
    (column,) = key.columns
    for token in _doubtful(scratch, key):
        scratch.run(
            f"UPDATE {todo(table)} SET code = 'ambiguous_reference' WHERE code = 'missing_reference' AND field = ?"
            f' AND rec IN (SELECT "#rec" FROM {staged(table)} WHERE {q(column)} = ?)',
            (column, token),
        )


def may_be_emptied(scratch: Scratch, table: Table, column: str) -> bool:
    """Whether a reference can be left empty. A row of several key columns could not be found again without its other keys."""
    keys = [key for key, _ in scratch.profile.keys_of(table) if column in key]
    return table.by_name[column].nullable and not (keys and len(table.primary_key) > 1)


def _settle_columns(scratch: Scratch, table: Table, key: ForeignKey) -> set[str]:
    """Settle a reference of several columns, which is always meant by its values."""
    parent = scratch.schema.tables[key.target]
    values = [scratch.final(table, table.by_name[name]) for name in key.columns]
    cells = ", ".join(f"{value} AS k{number}" for number, value in enumerate(values))
    names = ", ".join(f"k{number}" for number in range(len(values)))
    filled = " AND ".join(f"{value} IS NOT NULL" for value in values)
    moved = " OR ".join(
        differs(table.by_name[name], f"l.{q(name)}", value) for name, value in zip(key.columns, values, strict=True)
    )
    scratch.run("DROP TABLE IF EXISTS temp.lost")
    scratch.run(
        f"CREATE TEMP TABLE lost AS SELECT d.id AS id, d.rec AS rec, {cells} FROM {todo(table)} d"
        f' JOIN {staged(table)} s ON s."#rec" = d.rec LEFT JOIN {live(table)} l ON l._rowid_ = d.live'
        f" WHERE (d.action = 'insert' OR (d.action = 'update' AND ({moved}))) AND {filled}"
        f" AND d.rec NOT IN (SELECT rec FROM {nulled(table)} WHERE col IN ({', '.join('?' * len(values))}))",
        key.columns,
    )
    staged_too = parent.name in scratch.staged_columns
    gone = f" WHERE _rowid_ NOT IN (SELECT live FROM {todo(parent)} WHERE action = 'delete')" if staged_too else ""
    targets = ", ".join(q(name) for name in key.target_columns)
    scratch.run(f"DELETE FROM temp.lost WHERE ({names}) IN (SELECT {targets} FROM {live(parent)}{gone})")
    if staged_too and all(name in scratch.staged_columns[parent.name] for name in key.target_columns):
        theirs = ", ".join(scratch.final(parent, parent.by_name[name]) for name in key.target_columns)
        # A row that is changed keeps its primary key, whatever its record has.
        kept = (
            ("insert", "blocked")
            if set(key.target_columns) & set(parent.primary_key)
            else ("insert", "update", "blocked")
        )
        records = f'FROM {staged(parent)} s JOIN {matched(parent)} m ON m.rec = s."#rec"'
        scratch.run(
            f"DELETE FROM temp.lost WHERE ({names}) IN (SELECT {theirs} {records} JOIN {todo(parent)} d ON d.rec = m.rec"
            f" WHERE d.action IN ({', '.join(map(literal, kept))}))"
        )
        rules = scratch.profile.rules(parent.name)
        if scratch.choices.with_parents and not (rules.ignored or rules.matched_only or rules.protected):
            added = scratch.run(
                f"INSERT INTO {todo(parent)} (rec, live, action, code) SELECT m.rec, NULL, 'insert', 'needed' {records}"
                f" WHERE m.live IS NULL AND m.code IS NULL AND ({theirs}) IN (SELECT {names} FROM temp.lost)"
                f" AND m.rec NOT IN (SELECT rec FROM {todo(parent)} WHERE rec IS NOT NULL)"
            )
            if added.rowcount:
                return {parent.name, table.name}
    free = [name for name in key.columns if may_be_emptied(scratch, table, name)]
    if scratch.choices.on_missing == "null" and free:
        scratch.run(f"INSERT INTO {nulled(table)} SELECT rec, ? FROM temp.lost", (free[0],))
        return set()
    action = "skipped" if scratch.choices.on_missing == "skip" else "blocked"
    left = scratch.run(
        f"UPDATE {todo(table)} SET action = ?, code = 'missing_reference', field = ? WHERE id IN (SELECT id FROM temp.lost)",
        (action, key.columns[-1]),
    )
    return {table.name} if left.rowcount and action == "skipped" else set()


def _find_lost(scratch: Scratch, trust: Trust, table: Table, key: ForeignKey) -> None:
    """Leave in ``temp.lost`` the staged values of a reference that nothing keeps."""
    (column,), (target,) = key.columns, key.target_columns
    parent = scratch.schema.tables[key.target]
    changed = differs(table.by_name[column], f"l.{q(column)}", scratch.reference(table, column))
    scratch.run("DROP TABLE IF EXISTS temp.lost")
    scratch.run("CREATE TEMP TABLE lost (value PRIMARY KEY) WITHOUT ROWID")
    scratch.run(
        f"INSERT OR IGNORE INTO temp.lost SELECT s.{q(column)} FROM {todo(table)} d"
        f" JOIN {staged(table)} s ON s.\"#rec\" = d.rec WHERE d.action = 'insert' AND s.{q(column)} IS NOT NULL"
    )
    scratch.run(
        f"INSERT OR IGNORE INTO temp.lost SELECT s.{q(column)} FROM {todo(table)} d"
        f' JOIN {staged(table)} s ON s."#rec" = d.rec JOIN {live(table)} l ON l._rowid_ = d.live'
        f" WHERE d.action = 'update' AND s.{q(column)} IS NOT NULL AND {changed}"
    )
    in_file = parent.name in scratch.staged_columns and target in scratch.staged_columns[parent.name]
    if trust.references or target not in parent.primary_key:
        unless = f" AND value NOT IN (SELECT p.{q(target)} FROM {staged(parent)} p)" if in_file else ""
        gone = f" AND l._rowid_ NOT IN (SELECT live FROM {todo(parent)} WHERE action = 'delete')" if in_file else ""
        scratch.run(
            f"DELETE FROM temp.lost WHERE EXISTS"
            f" (SELECT 1 FROM {live(parent)} l WHERE l.{q(target)} = temp.lost.value{gone}){unless}"
        )
    if in_file and scratch.one("SELECT EXISTS (SELECT 1 FROM temp.lost)"):
        scratch.run(
            f"DELETE FROM temp.lost WHERE value IN (SELECT p.{q(target)} FROM {staged(parent)} p"
            f' JOIN {matched(parent)} m ON m.rec = p."#rec" LEFT JOIN {todo(parent)} d ON d.rec = p."#rec"'
            f" WHERE (m.live IS NOT NULL AND m.code IS NULL) OR m.code = 'mapped' OR d.action IN ('insert', 'blocked'))"
        )
    if parent.name in scratch.tokens:
        _find_natural(scratch, parent)


def _find_natural(scratch: Scratch, parent: Table) -> None:
    """Natural keys that lead to a row of the site, or to a record that is there or will be, are not lost."""
    staged_too = parent.name in scratch.staged_columns
    records = (
        f" LEFT JOIN {matched(parent)} m ON m.rec = n.rec LEFT JOIN {todo(parent)} d ON d.rec = n.rec"
        f" LEFT JOIN {todo(parent)} g ON g.live = n.live AND g.action = 'delete'"
        if staged_too
        else ""
    )
    held = (
        "(n.rec IS NULL AND g.live IS NULL) OR (m.live IS NOT NULL AND m.code IS NULL) OR m.code = 'mapped'"
        " OR d.action IN ('insert', 'blocked')"
        if staged_too
        else "1"
    )
    scratch.run(
        f"DELETE FROM temp.lost WHERE value IN (SELECT n.token FROM {tokens_table(parent)} n{records} WHERE {held})"
    )


def _add_parents(scratch: Scratch, key: ForeignKey) -> bool:
    """Plan the insertion of lost records that the backup holds but that were not chosen.

    Accounts are not restored, but one that is referred to is added as a placeholder, where the profile says how.
    """
    parent = scratch.schema.tables[key.target]
    (target,) = key.target_columns
    rules = scratch.profile.rules(parent.name)
    protected = rules.protected and scratch.choices.accounts == "protect"
    if parent.name not in scratch.staged_columns or rules.ignored or rules.matched_only:
        return False
    if protected and not rules.placeholder:
        return False
    meant = []
    if target in scratch.staged_columns[parent.name]:
        meant.append(f"p.{q(target)} IN (SELECT value FROM temp.lost)")
    if parent.name in scratch.tokens:
        named = f"SELECT rec FROM {tokens_table(parent)} WHERE token IN (SELECT value FROM temp.lost)"
        meant.append(f'p."#rec" IN ({named})')
    if not meant:
        return False
    lost = (
        f'SELECT p."#rec" FROM {staged(parent)} p JOIN {matched(parent)} m ON m.rec = p."#rec"'
        f" WHERE ({' OR '.join(meant)}) AND m.live IS NULL AND m.code IS NULL"
    )
    if protected:
        raised = scratch.run(
            f"UPDATE {todo(parent)} SET action = 'insert', code = 'placeholder'"
            f" WHERE action = 'skipped' AND code = 'protected' AND rec IN ({lost})"
        ).rowcount
        code = "placeholder"
    else:
        raised, code = 0, "needed"
    added = scratch.run(
        f"INSERT INTO {todo(parent)} (rec, live, action, code) SELECT rec, NULL, 'insert', ? FROM"
        f' (SELECT "#rec" AS rec FROM {staged(parent)} WHERE "#rec" IN ({lost}))'
        f" WHERE rec NOT IN (SELECT rec FROM {todo(parent)} WHERE rec IS NOT NULL)",
        (code,),
    )
    return raised + added.rowcount > 0

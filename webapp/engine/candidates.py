"""What each record would do by itself: be added, change its row, or stay out, before references and keys are looked at."""

from __future__ import annotations

from webapp.engine.conflicts import decided, word_about
from webapp.engine.fills import absent_value, chosen_fill, is_required
from webapp.engine.labels import field_of
from webapp.engine.references import nulled, todo
from webapp.engine.schema import Column, Kind, Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.shapes import LINKS
from webapp.engine.sql import differs, q

_STAMPS = ("updated_at", "modified_at", "last_modified", "updated", "modified")


def chosen_tables(scratch: Scratch) -> frozenset[str]:
    """Names of the tables of the chosen categories; link tables go with their owner."""
    if not scratch.choices.rows:
        return frozenset()
    wanted = set(scratch.choices.categories)
    names = {
        table.name for table in scratch.tables if not wanted or wanted & set(scratch.profile.categories_of(table.name))
    }
    for link, (owner, _, _) in scratch.facts.links.items():
        (names.add if owner in names else names.discard)(link)
    return frozenset(names)


def collect(scratch: Scratch, chosen: frozenset[str]) -> None:
    """Fill ``todo`` for every table."""
    for table in scratch.tables:
        scratch.run(
            f"CREATE TABLE {todo(table)} (id INTEGER PRIMARY KEY, rec INTEGER, live INTEGER, action TEXT, code TEXT, field TEXT)"
        )
        scratch.run(f"CREATE TABLE {nulled(table)} (rec INTEGER, col TEXT)")
        if table.name in chosen:
            _collect_table(scratch, table)
        # Only now: filling an indexed table is slower, and references look records up by number.
        scratch.run(f"CREATE INDEX {q('by rec ' + table.name)} ON {todo(table)} (rec)")


def _collect_table(scratch: Scratch, table: Table) -> None:
    choices, volatile = scratch.choices, scratch.volatile(table)
    add = f"INSERT INTO {todo(table)} (rec, live, action, code) "
    undecided = "skipped" if choices.on_invalid == "skip" else "blocked"
    scratch.run(
        f"{add}SELECT rec, live, CASE WHEN code IN ('left_out', 'mapped') THEN 'skipped' ELSE ? END, code FROM {matched(table)}"
        " WHERE code IS NOT NULL ORDER BY rec",
        (undecided,),
    )
    new = f"FROM {matched(table)} m WHERE m.live IS NULL AND m.code IS NULL"
    barred = _barred(scratch, table)
    if table.remark:
        scratch.run(f"{add}SELECT m.rec, NULL, 'blocked', 'table_unusable' {new} ORDER BY m.rec")
    elif barred or not choices.add:
        scratch.run(f"{add}SELECT m.rec, NULL, 'skipped', ? {new} ORDER BY m.rec", (barred or "not_added",))
    else:
        scratch.run(f"{add}SELECT m.rec, NULL, 'insert', NULL {new} ORDER BY m.rec")
    word = "" if barred or table.remark or not choices.change else word_about(scratch, table)
    for shape, columns in scratch.shapes(table):
        compared = [table.by_name[name] for name in columns if name not in table.primary_key and name not in volatile]
        if not compared or not scratch.live_rows[table.name]:
            continue
        different = " OR ".join(
            differs(column, f"l.{q(column.name)}", compared_value(scratch, table, column)) for column in compared
        )
        action, code = decided(word, *_when_different(scratch, table, columns, barred))
        scratch.run(
            f"{add}SELECT m.rec, m.live, {action}, {code} FROM {matched(table)} m"
            f' JOIN {staged(table)} s ON s."#rec" = m.rec JOIN {live(table)} l ON l._rowid_ = m.live'
            f' WHERE m.code IS NULL AND s."#shape" = ? AND ({different}) ORDER BY m.rec',
            (shape,),
        )
    if not barred and not table.remark and choices.change and choices.on_conflict != "database":
        # A list that cannot be read is compared with nothing: no row with it is simply the same.
        scratch.run(
            f"{add[: -len(') ')]}, field) SELECT p.rec, m.live, ?, p.code, p.field FROM stage.problems p"
            f" JOIN {matched(table)} m ON m.rec = p.rec WHERE p.tbl = ? AND coalesce(p.col, '') = '' AND p.rec < {LINKS}"
            f" AND m.live IS NOT NULL AND m.code IS NULL AND p.rec NOT IN (SELECT rec FROM {todo(table)} WHERE rec IS NOT NULL)"
            " GROUP BY p.rec",
            (undecided, table.name),
        )
    if choices.on_conflict in ("database", "manual") and table.name in scratch.facts.links:
        _leave_links(scratch, table, word)


def compared_value(scratch: Scratch, table: Table, column: Column) -> str:
    """The staged value as it is compared with the live one."""
    # Milliseconds are compared as such; everything else as it would be written.
    if column.kind in (Kind.INSTANT, Kind.TIME):
        return f"s.{q(column.name)}"
    return scratch.final(table, column)


def _barred(scratch: Scratch, table: Table) -> str:
    rules = scratch.profile.rules(table.name)
    if rules.ignored:
        return "ignored"
    if rules.matched_only:
        # Needed in a database that has none of them yet: rights hang on them.
        return "" if scratch.choices.accounts == "restore" else "matched_only"
    return "protected" if rules.protected and scratch.choices.accounts == "protect" else ""


def _when_different(scratch: Scratch, table: Table, columns: tuple[str, ...], barred: str) -> tuple[str, str]:
    """SQL for the action and the code of a differing row."""
    choices = scratch.choices
    if scratch.profile.rules(table.name).matched_only:
        return "'skipped'", "'matched_only'"
    if barred:
        return "'skipped'", f"'{barred}'"
    if table.remark:
        return "'blocked'", "'table_unusable'"
    if not choices.change:
        return "'skipped'", "'not_changed'"
    if choices.on_conflict == "database":
        return "'skipped'", "'database_wins'"
    if choices.on_conflict == "manual":
        return "'blocked'", "'conflict'"
    if choices.on_conflict == "newest":
        stamp = _stamp(scratch, table)
        if stamp is None or stamp.name not in columns:
            return "'skipped'", "'no_stamp'"
        # A row that was spoilt past the application (a bulk update, an import) kept its stamp: the backup has it right.
        theirs = f"s.{q(stamp.name)}"
        equal = f"({theirs} IS NOT NULL AND NOT {differs(stamp, f'l.{q(stamp.name)}', theirs)})"
        fresh = f"({scratch.final(table, stamp)} >= l.{q(stamp.name)} OR {equal})"
        return (
            f"CASE WHEN {fresh} THEN 'update' ELSE 'skipped' END",
            f"CASE WHEN {fresh} THEN NULL ELSE 'database_newer' END",
        )
    return "'update'", "NULL"


def _stamp(scratch: Scratch, table: Table) -> Column | None:
    named = scratch.profile.rules(table.name).stamp
    for name in (named,) if named else _STAMPS:
        column = table.by_name.get(name)
        if column is not None and column.kind is Kind.INSTANT:
            return column
    return None


def _leave_links(scratch: Scratch, table: Table, word: str) -> None:
    """Where the database wins, the many-to-many lists of rows that it has stay as they are; or a person decides about them."""
    owner, column, _ = scratch.facts.links[table.name]
    key = scratch.schema.tables[owner].primary_key[0]
    manual = scratch.choices.on_conflict == "manual"
    policy = ("'blocked'", "'conflict'") if manual else ("'skipped'", "'database_wins'")
    action, code = decided(word, *policy)
    scratch.run(
        f"UPDATE {todo(table)} AS m SET action = replace({action}, 'update', 'insert'), code = {code}"
        f" WHERE action = 'insert' AND rec >= {LINKS}"
        f' AND rec IN (SELECT s."#rec" FROM {staged(table)} s JOIN {live(owner)} o'
        f" ON o.{q(key)} = {scratch.reference(table, column)})"
    )


# ---------------------------------------------------------------- values


def settle_values(scratch: Scratch) -> bool:
    """Leave out or block records with a value that does not fit, or without one that is required.

    True when some were left out, so that references must be looked at again.
    """
    blocked = [_settle_table_values(scratch, table) for table in scratch.tables]
    return any(blocked) and scratch.choices.on_invalid == "skip"


def _settle_table_values(scratch: Scratch, table: Table) -> bool:
    action = "skipped" if scratch.choices.on_invalid == "skip" else "blocked"
    given = {name for name in scratch.staged_columns[table.name] if chosen_fill(scratch, table, name) is not None}
    rules = scratch.profile.rules(table.name)
    held = set(rules.placeholder) if rules.protected and scratch.choices.accounts == "protect" else set()
    changed = 0
    for (column,) in scratch.run(
        "SELECT DISTINCT coalesce(col, '') FROM stage.problems WHERE tbl = ?", (table.name,)
    ).fetchall():
        known = table.by_name.get(column)
        touched = "d.action = 'insert'"
        if known is not None and column not in table.primary_key:
            touched += f" OR (d.action = 'update' AND {differs(known, f'l.{q(column)}', f's.{q(column)}')})"
        else:
            touched += " OR d.action = 'update'"
        forgiven = (
            "p.code = 'missing_required'" if column in given else "d.code = 'placeholder'" if column in held else "0"
        )
        changed += scratch.run(
            f"UPDATE {todo(table)} SET action = ?, code = found.code, field = found.field FROM ("
            f" SELECT d.id AS id, p.code AS code, p.field AS field FROM {todo(table)} d"
            f" JOIN stage.problems p ON p.rec = d.rec AND p.tbl = ? AND coalesce(p.col, '') = ?"
            f' JOIN {staged(table)} s ON s."#rec" = d.rec LEFT JOIN {live(table)} l ON l._rowid_ = d.live'
            f" WHERE ({touched}) AND NOT ({forgiven})) AS found WHERE found.id = {todo(table)}.id",
            (action, table.name, column),
        ).rowcount
    for shape, columns in scratch.shapes(table):
        for other in table.columns:
            if other.name in columns or other.name in held or not is_required(table, other):
                continue
            if absent_value(scratch, table, other) is None:
                changed += scratch.run(
                    f"UPDATE {todo(table)} SET action = ?, code = 'missing_required', field = ? WHERE action = 'insert'"
                    f' AND rec IN (SELECT "#rec" FROM {staged(table)} WHERE "#shape" = ?)',
                    (action, field_of(other.name, table, scratch.profile), shape),
                ).rowcount
    return changed > 0

"""Keys that lead through the own table: a folder's name in its parent folder, a word under another word.

Such a key means something only when the record that it refers to has been recognised. So all records of the table are
looked up again and again, with what is known of their kin so far, until nothing changes: roots first, then their children.
"""

from __future__ import annotations

from webapp.engine.schema import Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q

ROUNDS = 60
"""Generations that are followed; in a circle of rows it may never come to rest."""


def kin_columns(scratch: Scratch, table: Table) -> frozenset[str]:
    """Columns of keys that refer to the own table."""
    given = scratch.staged_columns[table.name]
    if len(table.primary_key) != 1 or table.primary_key[0] not in given or not scratch.live_rows[table.name]:
        return frozenset()
    own = {
        key.columns[0]
        for key in table.foreign_keys
        if key.target == table.name and key.target_columns == table.primary_key and key.columns[0] in given
    }
    keys = [key for key, _ in scratch.profile.keys_of(table) if all(name in given for name in key)]
    return frozenset(name for key in keys for name in key if name in own and name not in table.primary_key)


def begin_kin(scratch: Scratch, table: Table) -> None:
    """Leave in ``temp.kin`` the number that each record has in the site: of none it is known to begin with."""
    (key,) = table.primary_key
    scratch.run("DROP TABLE IF EXISTS temp.kin")
    scratch.run("CREATE TEMP TABLE kin (old PRIMARY KEY, new, round INTEGER) WITHOUT ROWID")
    scratch.run(
        f"INSERT OR IGNORE INTO temp.kin SELECT {q(key)}, NULL, 0 FROM {staged(table)} WHERE {q(key)} IS NOT NULL"
    )


def lead_kin(scratch: Scratch, table: Table) -> bool:
    """Note what was found out; True when records must be looked up again."""
    (key,) = table.primary_key
    scratch.run("DROP TABLE IF EXISTS temp.known")
    scratch.run(
        f"CREATE TEMP TABLE known AS SELECT s.{q(key)} AS old, min(l.{q(key)}) AS new FROM {staged(table)} s"
        f" JOIN {matched(table)} m ON m.rec = s.\"#rec\" AND coalesce(m.code, 'taken') = 'taken'"
        f" LEFT JOIN {live(table)} l ON l._rowid_ = m.live WHERE s.{q(key)} IS NOT NULL GROUP BY 1"
    )
    changed = scratch.run(
        "UPDATE temp.kin SET new = known.new, round = round + 1 FROM temp.known"
        " WHERE known.old = kin.old AND known.new IS NOT kin.new AND round < ?",
        (ROUNDS,),
    )
    return changed.rowcount > 0


def kin_value(column: str) -> str:
    """SQL for the number in the site of the kin of record ``s``.

    What was not recognised is nobody's kin there; what the file does not hold is taken as it is.
    """
    value = f"s.{q(column)}"
    led = f"SELECT k.new FROM temp.kin k WHERE k.old = {value}"
    return f"(CASE WHEN EXISTS ({led}) THEN ({led}) ELSE {value} END)"

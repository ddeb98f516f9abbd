"""Carrying out a plan in a SQLite site: statements over the attached plan file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from webapp.engine.databases.base import Differing, TableChanges
from webapp.engine.errors import AlreadyApplied
from webapp.engine.schema import JOURNAL, LEDGER, Column, ForeignKey, Kind, Schema, Table
from webapp.engine.sql import literal, names, q


class SQLiteWriter:
    """Statements over the attached plan file. Every name is quoted; nothing from a backup is part of a statement."""

    def __init__(self, connection: sqlite3.Connection, schema: Schema) -> None:
        self.connection = connection
        self.schema = schema

    def begin(self, job: str, digest: str, changes: Sequence[TableChanges]) -> None:
        """Take the only write lock there is, and write the marker."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute(
            f"CREATE TABLE IF NOT EXISTS {q(JOURNAL)}"
            " (job varchar(64) NOT NULL PRIMARY KEY, digest varchar(64) NOT NULL, applied_at datetime NOT NULL)"
        )
        if self.connection.execute(f"SELECT 1 FROM {q(JOURNAL)} WHERE job = ?", (job,)).fetchone():
            raise AlreadyApplied(job=job)
        self.connection.execute(
            f"INSERT INTO {q(JOURNAL)} VALUES (?, ?, ?)",
            (job, digest, datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")),
        )

    def stale(self, changes: TableChanges) -> Differing | None:
        """Old rows that are gone or changed; keys of new rows that are taken."""
        table = changes.table
        same = " AND ".join(_equal(table.by_name[name], "b") for name in changes.columns)
        moved = self._differing(
            table,
            f"SELECT {_first_key(table, 'b')} FROM plan.{q(changes.before)} b JOIN plan.{q(changes.after)} a"
            f' ON a."#id" = b."#id" AND a."#action" IN (\'update\', \'delete\')'
            f" WHERE NOT EXISTS (SELECT 1 FROM main.{q(table.name)} l WHERE {_same_key(table, 'l', 'b')} AND {same})",
        )
        if moved or not changes.inserts:
            return moved
        going = f"SELECT 1 FROM plan.{q(changes.before)} b WHERE {_same_key(table, 'b', 'l')}"
        for key in (table.primary_key, *table.unique):
            on = " AND ".join(f"l.{q(name)} = a.{q(name)}" for name in key)
            taken = self._differing(
                table,
                f"SELECT {_first_key(table, 'a')} FROM plan.{q(changes.after)} a JOIN main.{q(table.name)} l ON {on}"
                f" WHERE a.\"#action\" = 'insert' AND NOT EXISTS ({going})",
            )
            if taken:
                return taken
        return None

    def delete(self, changes: TableChanges) -> None:
        """Delete by primary key."""
        which = "IN ('delete', 'update')" if changes.parked else "= 'delete'"
        self._delete(changes, which)

    def _delete(self, changes: TableChanges, which: str) -> None:
        table = changes.table
        self.connection.execute(
            f"DELETE FROM main.{q(table.name)} AS l WHERE EXISTS (SELECT 1 FROM plan.{q(changes.before)} b"
            f' JOIN plan.{q(changes.after)} a ON a."#id" = b."#id"'
            f' WHERE a."#action" {which} AND {_same_key(table, "b", "l")})'
            if len(table.primary_key) != 1
            else f"DELETE FROM main.{q(table.name)} WHERE {q(table.primary_key[0])} IN"
            f" (SELECT b.{q(table.primary_key[0])} FROM plan.{q(changes.before)} b JOIN plan.{q(changes.after)} a"
            f' ON a."#id" = b."#id" WHERE a."#action" {which})'
        )

    def update(self, changes: TableChanges) -> None:
        """Set every column of the row to what the plan says."""
        if changes.parked or not changes.updates:
            return
        table = changes.table
        assigned = [name for name in changes.columns if name not in table.primary_key]
        if not assigned:
            return
        sets = ", ".join(f"{q(name)} = a.{q(name)}" for name in assigned)
        self.connection.execute(
            f"UPDATE main.{q(table.name)} AS l SET {sets} FROM plan.{q(changes.after)} a"
            f" WHERE a.\"#action\" = 'update' AND {_same_key(table, 'l', 'a')}"
        )

    def insert(self, changes: TableChanges, advance: Callable[[int], None]) -> None:
        """Copy the new rows, in batches so that progress can be told."""
        listed = names(changes.columns)
        which = "IN ('insert', 'update')" if changes.parked else "= 'insert'"
        last = self.connection.execute(f'SELECT max("#id") FROM plan.{q(changes.after)}').fetchone()[0] or 0
        for low in range(0, last, 20_000):
            done = self.connection.execute(
                f"INSERT INTO main.{q(changes.table.name)} ({listed}) SELECT {listed} FROM plan.{q(changes.after)}"
                f' WHERE "#id" > ? AND "#id" <= ? AND "#action" {which} ORDER BY "#id"',
                (low, low + 20_000),
            )
            advance(done.rowcount)

    def unequal(self, changes: TableChanges) -> Differing | None:
        """Compare every written row with the plan, and see that deleted ones are gone."""
        table = changes.table
        same = " AND ".join(_equal(table.by_name[name], "a") for name in changes.columns)
        return self._differing(
            table,
            f"SELECT {_first_key(table, 'a')} FROM plan.{q(changes.after)} a WHERE a.\"#action\" IN ('insert', 'update')"
            f" AND NOT EXISTS (SELECT 1 FROM main.{q(table.name)} l WHERE {_same_key(table, 'l', 'a')} AND {same})"
            f" UNION ALL SELECT {_first_key(table, 'a')} FROM plan.{q(changes.after)} a WHERE a.\"#action\" = 'delete'"
            f" AND EXISTS (SELECT 1 FROM main.{q(table.name)} l WHERE {_same_key(table, 'l', 'a')})",
        )

    def dangling(self, changes: TableChanges) -> Differing | None:
        """References of written rows, and references to deleted rows."""
        table = changes.table
        for key in table.foreign_keys:
            held = " AND ".join(f"a.{q(name)} IS NOT NULL" for name in key.columns)
            on = " AND ".join(f"p.{q(t)} = a.{q(c)}" for c, t in zip(key.columns, key.target_columns, strict=True))
            lost = self._differing(
                table,
                f"SELECT {_first_key(table, 'a')} FROM plan.{q(changes.after)} a"
                f' LEFT JOIN plan.{q(changes.before)} b ON b."#id" = a."#id"'
                f" WHERE a.\"#action\" IN ('insert', 'update') AND {held}"
                f' AND NOT (b."#id" IS NOT NULL AND {" AND ".join(f"a.{q(c)} IS b.{q(c)}" for c in key.columns)})'
                f" AND NOT EXISTS (SELECT 1 FROM main.{q(key.target)} p WHERE {on})",
            )
            if lost:
                return lost
        for other in self.schema.tables.values():
            for key in other.foreign_keys:
                if key.target == table.name and (
                    changes.deletes or not set(key.target_columns) <= set(table.primary_key)
                ):
                    lost = self._left_behind(changes, other, key)
                    if lost:
                        return lost
        return None

    def _left_behind(self, changes: TableChanges, other: Table, key: ForeignKey) -> Differing | None:
        """Rows that still refer to what a deleted or changed row was."""
        pairs = list(zip(key.columns, key.target_columns, strict=True))
        old = " AND ".join(f"l.{q(c)} = b.{q(t)}" for c, t in pairs)
        now = " AND ".join(f"p.{q(t)} = l.{q(c)}" for c, t in pairs)
        moved = " OR ".join(f"a.{q(t)} IS NOT b.{q(t)}" for t in key.target_columns)
        return self._differing(
            other,
            f"SELECT {_first_key(other, 'l')} FROM plan.{q(changes.after)} a JOIN plan.{q(changes.before)} b"
            f' ON b."#id" = a."#id" AND (a."#action" = \'delete\' OR (a."#action" = \'update\' AND ({moved})))'
            f" JOIN main.{q(other.name)} l ON {old} WHERE NOT EXISTS"
            f" (SELECT 1 FROM main.{q(changes.table.name)} p WHERE {now})",
        )

    def remember(self, changes: TableChanges, backup: str) -> None:
        """Note which rows records are."""
        self.connection.execute(
            f"CREATE TABLE IF NOT EXISTS {q(LEDGER)} (backup varchar(64) NOT NULL, tbl varchar(128) NOT NULL,"
            " old varchar(255) NOT NULL, new varchar(255) NOT NULL, PRIMARY KEY (backup, tbl, old))"
        )
        self.connection.execute(
            f"INSERT OR REPLACE INTO {q(LEDGER)} SELECT ?, ?, CAST(old AS TEXT), CAST(new AS TEXT)"
            f" FROM plan.{q('noted ' + changes.table.name)}",
            (backup, changes.table.name),
        )

    def settle_keys(self, changes: TableChanges) -> None:
        """Nothing to do: SQLite follows explicit keys by itself."""

    def commit(self) -> None:
        """Commit."""
        self.connection.set_progress_handler(None, 0)
        self.connection.execute("COMMIT")

    def _differing(self, table: Table, query: str) -> Differing | None:
        count, pk = self.connection.execute(
            f"SELECT count(*), min(pk) FROM (SELECT NULL AS pk WHERE 0 UNION ALL {query})"
        ).fetchone()
        return Differing(table.name, count, str(pk)) if count else None


def _equal(column: Column, other: str) -> str:
    """An SQL condition: the live row ``l`` holds the value of the plan, to the letter, whatever the column's collation is.

    A column declared ``STRING`` turns 0123 into 123, and then into its equal when the two are compared: so text is compared as text.
    """
    live, planned = f"l.{q(column.name)}", f"{other}.{q(column.name)}"
    if column.kind in (Kind.TEXT, Kind.OTHER, Kind.UUID):
        return f"CAST({live} AS TEXT) IS CAST({planned} AS TEXT) COLLATE BINARY"
    return f"{live} IS {planned}"


def _same_key(table: Table, left: str, right: str) -> str:
    return " AND ".join(f"{left}.{q(name)} = {right}.{q(name)}" for name in table.primary_key)


def _first_key(table: Table, alias: str) -> str:
    return " || ', ' || ".join(f"{alias}.{q(name)}" for name in table.primary_key) or literal("")

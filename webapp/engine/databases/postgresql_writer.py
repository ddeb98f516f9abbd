"""One transaction in a PostgreSQL site that carries out a plan: rows go in and are read back as lines of COPY text."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import Any, Final

import psycopg
from psycopg import Connection

from webapp.engine.databases.base import Differing, TableChanges
from webapp.engine.databases.postgresql_catalog import advance
from webapp.engine.databases.postgresql_lines import PlanLines, new_rows, old_rows, real_text, same_line
from webapp.engine.databases.postgresql_text import canonical, copied
from webapp.engine.errors import AlreadyApplied, OutcomeUnknown, SiteBusy, WriteRefused
from webapp.engine.schema import JOURNAL, LEDGER, Column, ForeignKey, Kind, Schema, Table
from webapp.engine.sql import names, q, read_only

LOCK: Final = 0x736D7274  # "smrt": one restore at a time in a database

_NUMBER = Column("#id", Kind.INTEGER, nullable=False, type="bigint")


class PostgreSQLWriter:
    """Statements whose names come from the reflected schema; every value travels by COPY."""

    def __init__(
        self, connection: Connection[Any], schema: Schema, namespace: str, plan: str, tick: Callable[[], None]
    ) -> None:
        self.connection = connection
        self.schema = schema
        self.namespace = namespace
        self.tick = tick
        self.plan = sqlite3.connect(read_only(plan), uri=True, isolation_level=None, check_same_thread=False)
        self.plan.create_function("real_text", 1, real_text, deterministic=True)
        self.job = ""
        self.changes: dict[str, TableChanges] = {}
        self._made = 0
        self._inserted: set[str] = set()
        self._waiting: list[tuple[TableChanges, str, tuple[str, ...]]] = []
        self._to_number: list[Table] = []

    def __enter__(self) -> PostgreSQLWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.plan.close()

    # ------------------------------------------------------------ beginning and end

    def begin(self, job: str, digest: str, changes: Sequence[TableChanges]) -> None:
        """Let no other restore in, lock the tables against writers, and write the marker."""
        self.job = job
        self.changes = {each.table.name: each for each in changes}
        if not self._one(f"SELECT pg_try_advisory_xact_lock({LOCK})"):
            raise SiteBusy(reason="another restore is writing to it")
        for name in sorted(self.changes):
            self._run(f"LOCK TABLE {self._name(name)} IN SHARE ROW EXCLUSIVE MODE")
        self._run("SET CONSTRAINTS ALL DEFERRED")
        journal = self._name(JOURNAL)
        if not self._one("SELECT to_regclass(%s) IS NOT NULL", (journal,)):
            self._run(
                f"CREATE TABLE {journal} (job varchar(64) NOT NULL PRIMARY KEY, digest varchar(64) NOT NULL,"
                " applied_at timestamp with time zone NOT NULL)"
            )
        if self._one(f"SELECT 1 FROM {journal} WHERE job = %s", (job,)):
            raise AlreadyApplied(job=job)
        self._run(f"INSERT INTO {journal} VALUES (%s, %s, %s)", (job, digest, datetime.now(UTC)))

    def commit(self) -> None:
        """Number on after the highest keys, and commit."""
        for table in self._to_number:
            advance(self.connection, self._name(table.name))
        try:
            self._run("COMMIT")
        except psycopg.OperationalError as error:
            if not self.connection.closed:
                raise
            # The server may have committed before the connection went: only the journal knows.
            raise OutcomeUnknown(job=self.job, reason=" ".join(str(error).split())) from None

    def remember(self, changes: TableChanges, backup: str) -> None:
        """Note which rows records are."""
        ledger = self._name(LEDGER)
        if not self._one("SELECT to_regclass(%s) IS NOT NULL", (ledger,)):
            self._run(
                f"CREATE TABLE {ledger} (backup varchar(64) NOT NULL, tbl varchar(128) NOT NULL, old varchar(255) NOT NULL,"
                " new varchar(255) NOT NULL, PRIMARY KEY (backup, tbl, old))"
            )
        noted = self.plan.execute(
            f"SELECT CAST(old AS TEXT), CAST(new AS TEXT) FROM {q('noted ' + changes.table.name)}"
        )
        with self.connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {ledger} VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (backup, tbl, old) DO UPDATE SET new = excluded.new".encode(),
                [(backup, changes.table.name, old, new) for old, new in noted],
            )

    def settle_keys(self, changes: TableChanges) -> None:
        """Sequences take no part in transactions, so they are moved just before the commit."""
        self._to_number.append(changes.table)

    # ------------------------------------------------------------ looking

    def stale(self, changes: TableChanges) -> Differing | None:
        """Old rows that are gone or changed; keys of new rows that are taken."""
        moved = None
        if changes.updates or changes.deletes:
            moved = self._unlike(changes, old_rows(changes, "IN ('update', 'delete')"))
        if (
            moved
            or not changes.inserts
            or not self._one(f"SELECT EXISTS (SELECT 1 FROM {self._name(changes.table.name)})")
        ):
            return moved
        table = changes.table
        keys = [key for key in (table.primary_key, *table.unique) if set(key) <= set(changes.columns)]
        members = [table.by_name[name] for name in dict.fromkeys(name for key in keys for name in key)]
        new = self._load(table, members, new_rows(changes, "= 'insert'"))
        going = self._load(table, _key(table), old_rows(changes, "IN ('update', 'delete')"))
        for key in keys:
            on = " AND ".join(f"l.{q(name)} = n.{q(name)}" for name in key)
            taken = self._row(
                f'SELECT count(*), min(n."#id") FROM {new} n JOIN {self._name(table.name)} l ON {on}'
                f" WHERE NOT EXISTS (SELECT 1 FROM {going} g WHERE {_same_key(table, 'g', 'l')})"
            )
            if taken[0]:
                return Differing(table.name, taken[0], self._key_of(changes.after, table, taken[1]))
        return None

    def unequal(self, changes: TableChanges) -> Differing | None:
        """Compare every written row with the plan, and see that deleted ones are gone."""
        if changes.inserts or changes.updates:
            found = self._unlike(changes, new_rows(changes, "IN ('insert', 'update')"))
            if found:
                return found
        if changes.deletes:
            table = changes.table
            gone = self._load(table, _key(table), old_rows(changes, "= 'delete'"))
            left = self._row(
                f'SELECT count(*), min(g."#id") FROM {gone} g JOIN {self._name(table.name)} l ON {_same_key(table, "l", "g")}'
            )
            if left[0]:
                return Differing(table.name, left[0], self._key_of(changes.before, table, left[1]))
        return None

    def dangling(self, changes: TableChanges) -> Differing | None:
        """Have the server check every reference now; it names the constraint that does not hold."""
        self._run("SET CONSTRAINTS ALL IMMEDIATE")
        return None

    def _unlike(self, changes: TableChanges, source: str) -> Differing | None:
        """Read the rows of a source back, in its order, and compare line by line."""
        table = changes.table
        columns = [table.by_name[name] for name in changes.columns]
        keys = self._load(table, _key(table), source)
        cells = ", ".join(canonical(column, "t") for column in columns)
        query = (
            f"SELECT {cells} FROM {keys} k LEFT JOIN {self._name(table.name)} t ON {_same_key(table, 't', 'k')}"
            ' ORDER BY k."#id"'
        )
        count, first = 0, 0
        with closing(copied(self.connection, query)) as found:
            for ids, expected in PlanLines(self.plan, source, columns, "printed").batches():
                self.tick()
                lines = list(islice(found, len(ids)))
                if b"".join(lines) == expected:
                    continue
                for number, left, right in zip(ids, expected[:-1].split(b"\n"), map(bytes, lines), strict=True):
                    if left != right[:-1] and not same_line(columns, left, right[:-1]):
                        count, first = count + 1, first or number
            count += sum(1 for _ in found)  # none: and the server has said that this was all
        name = changes.before if changes.before in source else changes.after
        return Differing(table.name, count, self._key_of(name, table, first)) if count else None

    def _key_of(self, name: str, table: Table, number: int) -> str:
        row = self.plan.execute(
            f'SELECT {names(table.primary_key)} FROM {q(name)} WHERE "#id" = ?', (number,)
        ).fetchone()
        return ", ".join(str(value) for value in row or ())

    # ------------------------------------------------------------ writing

    def delete(self, changes: TableChanges) -> None:
        """Delete by primary key."""
        table = changes.table
        which = "IN ('delete', 'update')" if changes.parked else "= 'delete'"
        if changes.parked:
            self._refuse_cascades(table)
        for other in self.changes.values():
            # References that the server checks at once must let go first.
            columns = [
                key.columns for key in _at_once(other.table) if key.target == table.name and other is not changes
            ]
            if columns and other.updates and not other.parked:
                self._assign(other, tuple(name for names_ in columns for name in names_))
        gone = self._load(table, _key(table), old_rows(changes, which))
        self._run(f"DELETE FROM {self._name(table.name)} t USING {gone} g WHERE {_same_key(table, 't', 'g')}")
        self.tick()

    def _refuse_cascades(self, table: Table) -> None:
        """Rows that step aside would take with them what the server deletes or empties by itself."""
        for other in self.schema.tables.values():
            for key in other.foreign_keys:
                if key.target == table.name and key.on_delete in ("CASCADE", "SET NULL", "SET DEFAULT"):
                    raise WriteRefused(
                        reason=f"rows of {table.name} exchange unique values, and rows of {other.name} would go with them"
                    )

    def update(self, changes: TableChanges) -> None:
        """Write the columns that change; references to rows that do not exist yet wait for them."""
        if changes.parked or not changes.updates:
            return
        late = {
            name: key.target
            for key in _at_once(changes.table)
            if key.target in self.changes and self.changes[key.target].inserts
            for name in key.columns
        }
        columns = self._changed(changes)
        self._assign(changes, tuple(name for name in columns if name not in late))
        for target in sorted(set(late.values())):
            self._waiting.append((changes, target, tuple(name for name in columns if late.get(name) == target)))

    def _changed(self, changes: TableChanges) -> tuple[str, ...]:
        candidates = [name for name in changes.columns if name not in changes.table.primary_key]
        if not candidates:
            return ()
        sums = ", ".join(f"max(a.{q(name)} IS NOT b.{q(name)})" for name in candidates)
        row = self.plan.execute(
            f'SELECT {sums} FROM {q(changes.after)} a JOIN {q(changes.before)} b ON b."#id" = a."#id"'
            " WHERE a.\"#action\" = 'update'"
        ).fetchone()
        return tuple(name for name, differs in zip(candidates, row, strict=True) if differs)

    def _assign(self, changes: TableChanges, columns: tuple[str, ...], which: str = "= 'update'") -> None:
        if not columns:
            return
        table = changes.table
        assigned = [table.by_name[name] for name in columns]
        rows = self._load(table, [*_key(table), *assigned], new_rows(changes, which))
        sets = ", ".join(f"{q(name)} = u.{q(name)}" for name in columns)
        self._run(f"UPDATE {self._name(table.name)} t SET {sets} FROM {rows} u WHERE {_same_key(table, 't', 'u')}")
        self.tick()

    def insert(self, changes: TableChanges, advance: Callable[[int], None]) -> None:
        """Copy the new rows in."""
        table = changes.table
        which = "IN ('insert', 'update')" if changes.parked else "= 'insert'"
        late = self._late(changes)
        columns = [table.by_name[name] for name in changes.columns if name not in late]
        self._copy(self._name(table.name), PlanLines(self.plan, new_rows(changes, which), columns, "sent"), advance)
        self._inserted.add(table.name)
        for name, target in late.items():
            self._waiting.append((changes, target, (name,)))
        ready = [each for each in self._waiting if each[1] in self._inserted]
        self._waiting = [each for each in self._waiting if each[1] not in self._inserted]
        for other, _, names_ in ready:
            self._assign(other, names_, "IN ('insert', 'update')")

    def _late(self, changes: TableChanges) -> dict[str, str]:
        """Columns of references that are checked at once and whose rows come later, with the table they wait for."""
        table, found = changes.table, {}
        for key in _at_once(table):
            target = self.changes.get(key.target)
            if key.target == table.name or target is None or not target.inserts or key.target in self._inserted:
                continue
            if len(key.columns) > 1 or not table.by_name[key.columns[0]].nullable:
                raise WriteRefused(
                    reason=f"{table.name} and {key.target} refer to each other, and neither reference can wait"
                )
            found[key.columns[0]] = key.target
        return found

    def _copy(self, target: str, lines: PlanLines, advance: Callable[[int], None] | None = None) -> None:
        columns = names([column.name for column in ([_NUMBER] * lines.numbered + [*lines.columns])])
        with self.connection.cursor().copy(f"COPY {target} ({columns}) FROM STDIN".encode()) as copy:
            for ids, text in lines.batches():
                copy.write(text)
                self.tick()
                if advance:
                    advance(len(ids))

    def _load(self, table: Table, columns: Sequence[Column], source: str) -> str:
        """Columns of a plan's rows in a new temporary table, with their ``#id``."""
        self._made += 1
        name = f'"smart_restore_{self._made}"'
        listed = names([column.name for column in columns], "t")
        self._run(
            f'CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT 0::bigint AS "#id", {listed}'
            f" FROM {self._name(table.name)} t WITH NO DATA"
        )
        self._copy(f"pg_temp.{name}", PlanLines(self.plan, source, columns, "sent", numbered=True))
        self._run(f"ANALYZE pg_temp.{name}")
        return f"pg_temp.{name}"

    # ------------------------------------------------------------ asking

    def _name(self, table: str) -> str:
        return f"{q(self.namespace)}.{q(table)}"

    def _run(self, statement: str, values: tuple[Any, ...] | None = None) -> None:
        self.connection.execute(statement.encode(), values)

    def _row(self, query: str, values: tuple[Any, ...] | None = None) -> tuple[Any, ...]:
        row = self.connection.execute(query.encode(), values).fetchone()
        return (None,) if row is None else tuple(row)

    def _one(self, query: str, values: tuple[Any, ...] | None = None) -> Any:
        return self._row(query, values)[0]


def _key(table: Table) -> list[Column]:
    return [table.by_name[name] for name in table.primary_key]


def _same_key(table: Table, left: str, right: str) -> str:
    return " AND ".join(f"{left}.{q(name)} = {right}.{q(name)}" for name in table.primary_key)


def _at_once(table: Table) -> list[ForeignKey]:
    """References that the server checks with each statement."""
    return [key for key in table.foreign_keys if not key.deferrable]

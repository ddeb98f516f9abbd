"""SQLite sites: attached to the scratch file, so that matching, writing and reading back are SQL in one library."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy.engine import URL

from webapp.engine.databases.base import Report
from webapp.engine.databases.sqlite_catalog import affinity, reflect, resolved
from webapp.engine.databases.sqlite_writer import SQLiteWriter
from webapp.engine.errors import (
    AddressRefused,
    OutcomeUnknown,
    SiteBusy,
    SiteUnreachable,
    WriteRefused,
)
from webapp.engine.schema import JOURNAL, OWN_TABLES, Column, Schema, Table
from webapp.engine.sql import add_functions, names, q, read_only, ticking
from webapp.engine.sqlite_types import canonical
from webapp.engine.values import Canonical

BUSY_SECONDS = 5.0

_DEFINITION = re.compile(r"CREATE\s+(TABLE|(UNIQUE\s+)?INDEX)\b", re.IGNORECASE)
"""What of a site's own definitions is carried out elsewhere: whoever may write to a SQLite file can put any text there."""


class SQLite:
    """A SQLite file."""

    dialect: ClassVar[str] = "sqlite"

    def __init__(self, url: URL) -> None:
        self.address = url.render_as_string(hide_password=True)
        if not url.database or url.database == ":memory:" or url.query:
            raise AddressRefused(address=self.address, reason="it must name a file and nothing else")
        self.path = Path(url.database).absolute()

    def _connect(self, *, write: bool = False) -> sqlite3.Connection:
        try:
            if not self.path.is_file():
                raise SiteUnreachable(address=self.address, reason="there is no such file")
            uri = self.path.as_uri() + ("?mode=rw" if write else "?mode=ro")
            connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False
            )
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except (sqlite3.Error, OSError) as error:
            if not write and getattr(error, "sqlite_errorname", "") == "SQLITE_READONLY_ROLLBACK":
                # A writer was killed. Whoever comes next rolls its transaction back, which takes the right to write.
                self._connect(write=True).close()
                return self._connect()
            raise self._refusal(error) from None
        return connection

    def _refusal(self, error: Exception) -> SiteBusy | SiteUnreachable:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return SiteBusy(reason=str(error))
        return SiteUnreachable(address=self.address, reason=str(error))

    def version(self) -> str:
        """The library's version."""
        return f"SQLite {sqlite3.sqlite_version}"

    def schema(self) -> Schema:
        """Reflect all base tables."""
        connection = self._connect()
        try:
            listed = connection.execute("PRAGMA main.table_list").fetchall()
            found = {
                row[1]: reflect(connection, row[1])
                for row in listed
                if row[2] == "table" and not row[1].startswith("sqlite_")
            }
        except sqlite3.Error as error:
            raise self._refusal(error) from None
        finally:
            connection.close()
        return Schema(self.dialect, {name: resolved(table, found) for name, table in sorted(found.items())})

    def remarks(self) -> Mapping[str, str]:
        """Tables with triggers."""
        connection = self._connect()
        try:
            rows = connection.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        finally:
            connection.close()
        return {table: f"has the trigger {name}, which may change what is written" for table, name in rows}

    @contextmanager
    def reader(self, schema: Schema) -> Iterator[SQLiteReader]:
        """Open a snapshot: a read transaction."""
        connection = self._connect()
        try:
            begun = datetime.now(UTC)
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield SQLiteReader(self, schema, connection, begun)
        finally:
            connection.close()

    @contextmanager
    def writer(self, schema: Schema, plan: str, tick: Callable[[], None]) -> Iterator[SQLiteWriter]:
        """Open the transaction that carries out a plan file."""
        connection = self._connect(write=True)
        try:
            add_functions(connection)
            # Off, so that the database deletes and empties nothing by itself: every reference is followed before the commit.
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("PRAGMA cache_size = -24000")
            connection.execute("ATTACH ? AS plan", (read_only(plan),))
            with ticking(connection, tick):
                yield SQLiteWriter(connection, schema)
        except sqlite3.Error as error:
            if "locked" in str(error) or "busy" in str(error):
                raise SiteBusy(reason=str(error)) from None
            raise WriteRefused(reason=str(error)) from error
        finally:
            # Closing rolls back whatever was not committed, also after an I/O error that ended the transaction.
            connection.close()

    def likeness(self, schema: Schema, path: Path) -> SQLite:
        """An empty file made by the site's own definitions of tables and indexes; triggers and views are left out."""
        connection = self._connect()
        try:
            listed = connection.execute("SELECT tbl_name, sql FROM sqlite_master WHERE sql > '' ORDER BY type DESC")
            definitions = [
                text for table, text in listed if table in schema.tables.keys() - OWN_TABLES and _DEFINITION.match(text)
            ]
        except sqlite3.Error as error:
            raise self._refusal(error) from None
        finally:
            connection.close()
        empty = sqlite3.connect(path, isolation_level=None)
        try:
            empty.execute("BEGIN")
            for text in definitions:
                empty.execute(text)
            empty.execute("COMMIT")
        finally:
            empty.close()
        return SQLite(URL.create("sqlite", database=str(path)))

    def settle(self, job: str) -> bool:
        """Whether the journal has the job; the write lock waits for a writer that still runs."""
        try:
            connection = self._connect(write=True)
        except (SiteBusy, SiteUnreachable) as error:
            raise OutcomeUnknown(job=job, reason=error.facts["reason"]) from None
        try:
            connection.execute("BEGIN IMMEDIATE")
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (JOURNAL,)).fetchone()
            return bool(known and connection.execute(f"SELECT 1 FROM {q(JOURNAL)} WHERE job = ?", (job,)).fetchone())
        except sqlite3.Error as error:
            raise OutcomeUnknown(job=job, reason=str(error)) from None
        finally:
            connection.close()


class SQLiteReader:
    """One snapshot: a read transaction."""

    def __init__(self, database: SQLite, schema: Schema, connection: sqlite3.Connection, begun: datetime) -> None:
        self.database = database
        self.schema = schema
        self.connection = connection
        self._begun = begun

    def instant(self) -> datetime:
        """When the snapshot was begun, by this machine's clock."""
        return self._begun

    def expose(self, scratch: sqlite3.Connection, tables: Sequence[str], report: Report) -> None:
        """Attach the file, so that it is read in place; where a table has no row numbers, copy what is needed."""
        report("match", 0, len(tables))
        listed = self.connection.execute("PRAGMA main.table_list").fetchall()
        if not {row[1] for row in listed if row[4]} & set(tables):
            scratch.execute("ATTACH ? AS live", (read_only(self.database.path),))
            return
        scratch.execute("ATTACH '' AS live")
        scratch.execute("ATTACH ? AS site", (read_only(self.database.path),))
        for number, name in enumerate(tables, 1):
            self._copy(scratch, self.schema.tables[name])
            report("match", number, len(tables))
        scratch.execute("DETACH site")

    def _copy(self, scratch: sqlite3.Connection, table: Table) -> None:
        columns = ", ".join(f"{q(column.name)} {affinity(column.type)}" for column in table.columns)
        listed = names(column.name for column in table.columns)
        scratch.execute(f"CREATE TABLE live.{q(table.name)} ({columns})")
        scratch.execute(f"INSERT INTO live.{q(table.name)} ({listed}) SELECT {listed} FROM site.{q(table.name)}")
        for number, key in enumerate((table.primary_key, *table.unique)):
            if key:
                index = q(f"{number} {table.name}")
                scratch.execute(f"CREATE INDEX live.{index} ON {q(table.name)} ({names(key)})")

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.connection.execute(f"SELECT count(*) FROM {q(table)}").fetchone()[0])

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Sequence[Canonical]]]:
        """Batches of rows in canonical values, by primary key."""
        known = self.schema.tables[table]
        wanted = ", ".join(_canonical(known.by_name[name]) for name in columns)
        order = f" ORDER BY {names(known.primary_key)}" if known.primary_key else ""
        cursor = self.connection.execute(f"SELECT {wanted} FROM {q(table)}{order}")
        while batch := cursor.fetchmany(2000):
            yield batch

    def columns(self, table: str, columns: Sequence[str]) -> Iterator[list[Sequence[Canonical]]]:
        """Batches of rows in canonical values, by primary key, column by column."""
        for batch in self.rows(table, columns):
            yield list(zip(*batch, strict=True))

    def greatest_key(self, table: str) -> int:
        """The greatest key that was ever given out."""
        (key,) = self.schema.tables[table].primary_key
        found = self.connection.execute(f"SELECT max({q(key)}) FROM {q(table)}").fetchone()[0]
        greatest = found if isinstance(found, int) else 0
        if self.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
            row = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
            greatest = max(greatest, row[0] if row and isinstance(row[0], int) else 0)
        return greatest

    def default(self, column: Column) -> Canonical:
        """What the database itself would put into the column now. The expression is its own, from the schema."""
        value: Canonical = self.connection.execute(f"SELECT {column.default}").fetchone()[0]
        return value


def _canonical(column: Column) -> str:
    return canonical(q(column.name), column.kind, column.scale)

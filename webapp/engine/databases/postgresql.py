"""PostgreSQL sites: mirrored and written by COPY, in the text that the server itself prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import psycopg
from psycopg import Connection, errors
from sqlalchemy.engine import URL

from webapp.engine.databases import postgresql_catalog
from webapp.engine.databases.likeness import Likeness
from webapp.engine.databases.postgresql_reader import PostgreSQLReader
from webapp.engine.databases.postgresql_writer import LOCK, PostgreSQLWriter
from webapp.engine.errors import AddressRefused, OutcomeUnknown, Refusal, SiteBusy, SiteUnreachable, WriteRefused
from webapp.engine.schema import JOURNAL, Schema
from webapp.engine.sql import q

ARGUMENTS: Final = frozenset(
    {"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name"}
)
"""What may stand behind the question mark of an address. Others can name files, programs or other sessions."""

_FORMS = """
SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL standard_conforming_strings = on;
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '5s'; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off
"""
"""How values are printed, whatever the server or the user has set; valid until the end of the transaction."""


class PostgreSQL:
    """The current schema of a PostgreSQL database."""

    dialect: ClassVar[str] = "postgresql"

    def __init__(self, url: URL) -> None:
        self.address = url.set(password=None).render_as_string(hide_password=True)
        if url.drivername not in ("postgresql", "postgresql+psycopg"):
            raise AddressRefused(address=self.address, reason=f"the driver {url.get_driver_name()} is not psycopg")
        unknown = sorted(url.query.keys() - ARGUMENTS)
        if unknown:
            raise AddressRefused(address=self.address, reason=f"the argument {unknown[0]} is not allowed")
        if not url.database or any(not isinstance(value, str) for value in url.query.values()):
            raise AddressRefused(address=self.address, reason="it must name one host and one database")
        given = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
        self._arguments: dict[str, Any] = {
            "connect_timeout": 10,
            "application_name": "smart-restore",
            **{name: value for name, value in given.items() if value is not None},
            **url.query,
            "dbname": url.database,
            "client_encoding": "utf8",
        }

    @contextmanager
    def _connected(self) -> Iterator[Connection[Any]]:
        try:
            connection = psycopg.connect(**self._arguments, autocommit=True)
        except psycopg.Error as error:
            raise SiteUnreachable(address=self.address, reason=self._reason(error)) from None
        try:
            yield connection
        finally:
            # The server rolls back whatever was not committed.
            connection.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection[Any]]:
        with self._connected() as connection:
            try:
                connection.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_FORMS}")
                yield connection
            except errors.LockNotAvailable as error:
                raise SiteBusy(reason=self._reason(error)) from None
            except psycopg.Error as error:
                raise SiteUnreachable(address=self.address, reason=self._reason(error)) from None

    def _reason(self, error: psycopg.Error) -> str:
        """What the server says, without what must not be shown."""
        said = error.diag.message_primary or str(error) or type(error).__name__
        text = " ".join(said.split())
        password = self._arguments.get("password")
        return text.replace(str(password), "…") if password else text

    def _namespace(self, connection: Connection[Any]) -> str:
        row = connection.execute("SELECT current_schema()").fetchone()
        if row is None or row[0] is None:
            raise SiteUnreachable(address=self.address, reason="the user's search path names no schema that exists")
        return str(row[0])

    def version(self) -> str:
        """The server's version."""
        with self._reading() as connection:
            row = connection.execute("SHOW server_version").fetchone()
            return f"PostgreSQL {row[0] if row else ''}".strip()

    def schema(self) -> Schema:
        """Reflect the tables of the current schema."""
        with self._reading() as connection:
            self._namespace(connection)
            return postgresql_catalog.reflect(connection)

    def remarks(self) -> Mapping[str, str]:
        """Triggers, rules, missing rights, tables that do not outlast a crash."""
        with self._reading() as connection:
            return postgresql_catalog.remarks(connection)

    @contextmanager
    def reader(self, schema: Schema) -> Iterator[PostgreSQLReader]:
        """Open a snapshot: a read-only transaction."""
        with self._reading() as connection:
            yield PostgreSQLReader(connection, schema, self._namespace(connection))

    @contextmanager
    def writer(self, schema: Schema, plan: str, tick: Callable[[], None]) -> Iterator[PostgreSQLWriter]:
        """Open the transaction that carries out a plan file."""
        with self._connected() as connection:
            try:
                connection.execute(f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_FORMS}")
                with PostgreSQLWriter(connection, schema, self._namespace(connection), plan, tick) as writer:
                    yield writer
            except psycopg.Error as error:
                raise self._refusal(error) from error
            finally:
                status = "closed" if connection.closed else connection.info.transaction_status.name
                # Locks go at once, not when the server notices the closed connection.
                if status in ("INTRANS", "INERROR"):
                    connection.execute("ROLLBACK")
                elif status == "ACTIVE":
                    # In the middle of a COPY: another statement would wait for ever.
                    connection.cancel_safe(timeout=5)
                    connection.close()

    def _refusal(self, error: psycopg.Error) -> Refusal:
        reason = self._reason(error)
        busy = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure, errors.QueryCanceled)
        if isinstance(error, busy):
            return SiteBusy(reason=reason)
        place = ", ".join(filter(None, (error.diag.table_name, error.diag.constraint_name or error.diag.column_name)))
        return WriteRefused(reason=f"{reason} ({place})" if place and place not in reason else reason)

    def likeness(self, schema: Schema, path: Path) -> Likeness:
        """An empty SQLite file of the same structure; nothing is made on the server."""
        return Likeness(self, schema, path)

    def settle(self, job: str) -> bool:
        """Whether the journal has the job; a writer that still runs holds the lock that is asked for here."""
        try:
            # Statement by statement, each with a view of its own: one view would be older than the lock.
            with self._connected() as connection:
                free = connection.execute("SELECT pg_try_advisory_lock_shared(%s)", (LOCK,)).fetchone()
                if not (free and free[0]):
                    raise OutcomeUnknown(job=job, reason="another restore is writing to it")
                journal = f"{q(self._namespace(connection))}.{q(JOURNAL)}"
                known = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (journal,)).fetchone()
                if not (known and known[0]):
                    return False
                return (
                    connection.execute(f"SELECT 1 FROM {journal} WHERE job = %s".encode(), (job,)).fetchone()
                    is not None
                )
        except psycopg.Error as error:
            raise OutcomeUnknown(job=job, reason=self._reason(error)) from None
        except SiteUnreachable as error:
            raise OutcomeUnknown(job=job, reason=error.facts["reason"]) from None

"""One snapshot of a PostgreSQL site, for reading."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, cast

from psycopg import Connection, DataError

from webapp.engine.databases.base import Report
from webapp.engine.databases.postgresql_catalog import sequences
from webapp.engine.databases.postgresql_text import (
    NULL,
    Line,
    batches,
    canonical,
    columns_of,
    copied,
    decoder,
    real,
    unhex,
    value_of,
)
from webapp.engine.schema import LEDGER, Column, Kind, Schema, Table
from webapp.engine.sql import declared, literal, names, q
from webapp.engine.values import Canonical

_SECONDS_PER_REPORT = 0.3


class PostgreSQLReader:
    """Canonical rows by COPY, in one read-only transaction."""

    def __init__(self, connection: Connection[Any], schema: Schema, namespace: str) -> None:
        self.connection = connection
        self.schema = schema
        self.namespace = namespace

    def expose(self, scratch: sqlite3.Connection, tables: Sequence[str], report: Report) -> None:
        """Mirror the tables in a database that SQLite keeps in a nameless temporary file and removes by itself."""
        scratch.execute("ATTACH '' AS live")
        scratch.execute("PRAGMA live.cache_size = -8000")
        scratch.create_function("exact_real", 1, real, deterministic=True)
        scratch.create_function("unhex", 1, unhex, deterministic=True)
        wanted = dict.fromkeys((*tables, *(name for name in (LEDGER,) if name in self.schema.tables)))
        scratch.execute("BEGIN")
        for number, name in enumerate(wanted):
            report("match", number, len(wanted))
            self._mirror(scratch, self.schema.tables[name], lambda at=number: report("match", at, len(wanted)))
        scratch.execute("COMMIT")
        report("match", len(wanted), len(wanted))

    def _mirror(self, scratch: sqlite3.Connection, table: Table, tick: Any) -> None:
        numbered = len(table.primary_key) == 1 and table.by_name[table.primary_key[0]].kind is Kind.INTEGER
        columns = declared(table.columns)
        if numbered:
            # The key is the row number: no index beside it.
            columns = columns.replace(
                f"{q(table.primary_key[0])} INTEGER", f"{q(table.primary_key[0])} INTEGER PRIMARY KEY", 1
            )
        name = f"live.{q(table.name)}"
        scratch.execute(f"CREATE TABLE {name} ({columns})")
        head = f"INSERT INTO {name} VALUES"
        quick = f"{head} ({', '.join(_stored(column, _nullif(column)) for column in table.columns)})"
        careful = f"{head} ({', '.join(_stored(column, '?') for column in table.columns)})"
        last = time.monotonic()
        for cells, escaped in batches(self._lines(table, table.columns)):
            if escaped:
                scratch.executemany(quick, cells)
            else:
                scratch.executemany(careful, [[value_of(cell) for cell in row] for row in cells])
            if time.monotonic() - last > _SECONDS_PER_REPORT:
                tick()
                last = time.monotonic()
        keys = (*table.unique, *(() if numbered or not table.primary_key else (table.primary_key,)))
        # An index is sorted in as much memory as the main file's cache may take.
        (cache,) = scratch.execute("PRAGMA main.cache_size").fetchone()
        scratch.execute("PRAGMA main.cache_size = -4000")
        for number, key in enumerate(keys):
            scratch.execute(f"CREATE INDEX live.{q(f'{table.name} key {number}')} ON {q(table.name)} ({names(key)})")
        scratch.execute(f"PRAGMA main.cache_size = {int(cache)}")

    def _lines(self, table: Table, columns: Sequence[Column]) -> Iterator[Line]:
        cells = ", ".join(canonical(column, "t") for column in columns)
        order = f" ORDER BY {names(table.primary_key, 't')}" if table.primary_key else ""
        return copied(self.connection, f"SELECT {cells} FROM {self._name(table.name)} t{order}")

    def _name(self, table: str) -> str:
        return f"{q(self.namespace)}.{q(table)}"

    def instant(self) -> datetime:
        """When the transaction was begun, by the server's clock; its snapshot was taken at the first query after that."""
        begun = self._one("SELECT transaction_timestamp()")
        return cast(datetime, begun).astimezone(UTC)

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self._one(f"SELECT count(*) FROM {self._name(table)}"))

    def columns(self, table: str, columns: Sequence[str]) -> Iterator[list[Sequence[Canonical]]]:
        """Batches of rows in canonical values, by primary key, column by column."""
        known = self.schema.tables[table]
        wanted = [known.by_name[name] for name in columns]
        decoders = [(at, decode) for at, column in enumerate(wanted) if (decode := decoder(column))]
        for batch in columns_of(self._lines(known, wanted), len(wanted)):
            read: list[Sequence[Any]] = list(batch)
            for at, decode in decoders:
                column = read[at]
                read[at] = (
                    [None if value is None else decode(value) for value in column]
                    if None in column
                    else list(map(decode, column))
                )
            yield read

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Sequence[Canonical]]]:
        """Batches of rows in canonical values, by primary key."""
        for batch in self.columns(table, columns):
            yield list(zip(*batch, strict=True))

    def greatest_key(self, table: str) -> int:
        """The greatest key that was ever given out."""
        (key,) = self.schema.tables[table].primary_key
        greatest = self._one(f"SELECT coalesce(max({q(key)}), 0) FROM {self._name(table)}")
        numbering = sequences(self.connection, self._name(table)).values()
        last = [self._one(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}") for name in numbering]
        return max(chain((int(greatest),), map(int, last)))

    def default(self, column: Column) -> Canonical:
        """What the database itself would put into the column now. The expression is its own, from the schema."""
        value = f"(SELECT ({column.default})::{column.type} AS {q(column.name)})"
        self.connection.execute("SAVEPOINT evaluated")
        try:
            (line,) = copied(self.connection, f"SELECT {canonical(column, 'd')} FROM {value} d")
        except DataError:
            return None
        finally:
            self.connection.execute("ROLLBACK TO SAVEPOINT evaluated")
        cell = value_of(bytes(line[:-1]).decode())
        decode = decoder(column)
        return cell if cell is None or decode is None else decode(cell)

    def _one(self, query: str) -> Any:
        row = self.connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def _nullif(column: Column) -> str:
    return f"nullif(?, {literal(NULL)})" if column.nullable else "?"


def _stored(column: Column, parameter: str) -> str:
    function = {Kind.REAL: "exact_real", Kind.BYTES: "unhex"}.get(column.kind)
    return f"{function}({parameter})" if function else parameter

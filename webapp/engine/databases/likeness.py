"""An empty SQLite file with the structure of a site that is none: types, keys, unique constraints and references as they were reflected.

Columns take canonical values as they are (:mod:`webapp.engine.values`), so a restore into it types, matches, writes and
verifies as it would in the site. What only the site's server knows (check constraints, triggers) is not tried out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from webapp.engine.databases.base import Database
from webapp.engine.databases.sqlite import SQLite, SQLiteReader
from webapp.engine.schema import OWN_TABLES, Column, Kind, Schema, Table
from webapp.engine.sql import declared, names, q
from webapp.engine.values import Canonical


class Likeness(SQLite):
    """A scratch file that shows the structure of the site that it was made of."""

    def __init__(self, site: Database, schema: Schema, path: Path) -> None:
        super().__init__(URL.create("sqlite", database=str(path)))
        self.site = site
        self.structure = Schema(
            schema.dialect, {name: table for name, table in schema.tables.items() if name not in OWN_TABLES}
        )
        connection = sqlite3.connect(path)
        try:
            for table in self.structure.tables.values():
                connection.execute(f"CREATE TABLE {q(table.name)} ({_body(table)})")
            connection.commit()
        finally:
            connection.close()

    def schema(self) -> Schema:
        """The structure of the site."""
        return self.structure

    @contextmanager
    def reader(self, schema: Schema) -> Iterator[_Reader]:
        """Open a snapshot."""
        with super().reader(schema) as reader:
            yield _Reader(self, schema, reader.connection, reader.instant())


class _Reader(SQLiteReader):
    database: Likeness

    def default(self, column: Column) -> Canonical:
        """What the site's own database would put there: the expression is in its language."""
        with self.database.site.reader(self.schema) as reader:
            return reader.default(column)


def _body(table: Table) -> str:
    key = table.primary_key
    numbered = len(key) == 1 and table.by_name[key[0]].kind is Kind.INTEGER
    parts = []
    for column in table.columns:
        text = declared((column,))
        if numbered and column.name == key[0]:
            text += " PRIMARY KEY"
        # The server computes these; here they stay empty.
        parts.append(text if column.nullable or column.generated else text + " NOT NULL")
    if key and not numbered:
        parts.append(f"PRIMARY KEY ({names(key)})")
    parts += [f"UNIQUE ({names(columns)})" for columns in table.unique]
    parts += [
        f"FOREIGN KEY ({names(each.columns)}) REFERENCES {q(each.target)} ({names(each.target_columns)})"
        for each in table.foreign_keys
    ]
    return ", ".join(parts)

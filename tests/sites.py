"""Small sites for tests, the same on SQLite and PostgreSQL, and what they hold as plain Python values.

Nothing here uses the engine: what tests compare with must not come from what they test.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.demo.school import SCHEMA

Row = dict[str, Any]

OWN_TABLES = ("smart_restore_journal", "smart_restore_ledger")

LIBRARY = """
CREATE TABLE "library_author" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(60) NOT NULL UNIQUE,
  "born" date NULL,
  "mentor_id" bigint NULL REFERENCES "library_author" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE "library_publisher" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(60) NOT NULL UNIQUE,
  "flagship_id" bigint NULL REFERENCES "library_book" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE "library_book" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "isbn" varchar(13) NOT NULL UNIQUE,
  "title" varchar(80) NOT NULL,
  "price" decimal(10, 2) NULL,
  "pages" integer unsigned NOT NULL CHECK ("pages" >= 0),
  "weight" real NULL,
  "in_print" bool NOT NULL,
  "added" datetime NOT NULL,
  "updated_at" datetime NULL,
  "facts" text NOT NULL CHECK ((JSON_VALID("facts") OR "facts" IS NULL)),
  "cover" BLOB NULL,
  "author_id" bigint NULL REFERENCES "library_author" ("id") DEFERRABLE INITIALLY DEFERRED,
  "publisher_id" bigint NOT NULL REFERENCES "library_publisher" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE "library_tag" (
  "code" varchar(20) NOT NULL PRIMARY KEY,
  "title" varchar(60) NOT NULL
);
CREATE TABLE "library_book_tags" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "book_id" bigint NOT NULL REFERENCES "library_book" ("id") DEFERRABLE INITIALLY DEFERRED,
  "tag_id" varchar(20) NOT NULL REFERENCES "library_tag" ("code") DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX "library_book_tags_book_tag_uniq" ON "library_book_tags" ("book_id", "tag_id");
CREATE TABLE "library_copy" (
  "id" char(32) NOT NULL PRIMARY KEY,
  "book_id" bigint NOT NULL REFERENCES "library_book" ("id") DEFERRABLE INITIALLY DEFERRED,
  "shelf" varchar(10) NULL,
  "number" integer NOT NULL
);
CREATE UNIQUE INDEX "library_copy_shelf_number_uniq" ON "library_copy" ("shelf", "number");
CREATE TABLE "library_loan" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "copy_id" char(32) NOT NULL REFERENCES "library_copy" ("id") DEFERRABLE INITIALLY DEFERRED,
  "reader" varchar(60) NOT NULL,
  "since" datetime NOT NULL,
  "until" date NULL,
  "due_at" time NULL,
  "note" text NULL
);
"""
"""A schema that no profile knows: self reference, a cycle that a nullable column closes, keys of every kind."""

PRECISION = {
    "percent": (5, 2),
    "percentage": (5, 2),
    "accuracy": (5, 2),
    "ms": (8, 2),
    "high_risk_threshold": (3, 2),
    "medium_risk_threshold": (3, 2),
    "performance_prediction_threshold": (3, 2),
    "attendance_warning_threshold": (5, 2),
}
"""Decimal columns (whole names or last words) that are not numeric(10, 2); Django's SQLite does not say."""


def connect(url: str) -> sa.Engine:
    """An engine that keeps no connection open."""
    return sa.create_engine(url, poolclass=sa.NullPool)


def execute(url: str, *statements: str) -> None:
    """Run SQL statements in one transaction, as somebody else would who writes to the site."""
    engine = connect(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def school_schema(url: str) -> str:
    """The empty school of the demo."""
    return build(url, SCHEMA.read_text("utf-8"))


def library_schema(url: str) -> str:
    """The empty library."""
    return build(url, LIBRARY)


def build(url: str, ddl: str) -> str:
    """A site with these tables, given as Django would make them on SQLite."""
    statements = [part.strip() for part in re.sub(r"(?m)^--.*$", "", ddl).split(";\n") if part.strip()]
    if url.startswith("postgresql"):
        # References come last: tables may form a cycle.
        tables, references = zip(*(_for_postgresql(each) for each in statements), strict=True)
        statements = [*tables, *(each for group in references for each in group)]
    execute(url, *statements)
    return url


def _for_postgresql(statement: str) -> tuple[str, list[str]]:
    """A statement as Django would write it for PostgreSQL, and the references to add when all tables are there."""
    table = re.match(r'CREATE TABLE "(\w+)"', statement)
    references = []
    lines = []
    for line in statement.rstrip(";").splitlines():
        if (found := re.match(r'  "(\w+)" .*?( REFERENCES .*? DEFERRED)', line)) and table:
            references.append(f'ALTER TABLE "{table[1]}" ADD FOREIGN KEY ("{found[1]}"){found[2]}')
            line = line.replace(found[2], "")
        if "JSON_VALID" in line:
            line = re.sub(r" CHECK \(\(JSON_VALID.*\)\)", "", line).replace(" text ", " jsonb ")
        line = re.sub(r'^(  "(\w+)") decimal( |$)', lambda m: f"{m[1]} numeric{_precision(m[2])}{m[3]}", line)
        for sqlite, postgresql in (
            (" integer NOT NULL PRIMARY KEY AUTOINCREMENT", " bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
            (" integer unsigned ", " integer "),
            (" smallint unsigned ", " smallint "),
            (" decimal(", " numeric("),
            (" datetime ", " timestamp with time zone "),
            (" real ", " double precision "),
            (" bool ", " boolean "),
            (" BLOB ", " bytea "),
            (" char(32) ", " uuid "),
            (" char(39) ", " inet "),
        ):
            line = line.replace(sqlite, postgresql)
        lines.append(line)
    return "\n".join(lines), references


def _precision(column: str) -> tuple[int, int]:
    return PRECISION.get(column) or PRECISION.get(column.rpartition("_")[2]) or (10, 2)


# ---------------------------------------------------------------- writing and reading plain values


def write(url: str, contents: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Insert rows of Python values; references may point at rows of later tables."""
    engine = connect(url)
    sqlite = engine.dialect.name == "sqlite"
    with engine.begin() as connection:
        if sqlite:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table, rows_ in contents.items():
            for row in rows_:
                columns = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join(f":{name}" for name in row)
                values = {name: _stored(value, sqlite) for name, value in row.items()}
                connection.execute(sa.text(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})'), values)
        if not sqlite:
            _advance(connection, contents)
    return url


def _advance(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Move identity columns past the keys that were written."""
    for table in tables:
        column = connection.scalar(
            sa.text(
                "SELECT column_name FROM information_schema.columns WHERE table_name = :table AND is_identity = 'YES'"
            ),
            {"table": table},
        )
        if column:
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max(\"{column}\")) FROM \"{table}\""
            )


def _stored(value: Any, sqlite: bool) -> Any:
    """A Python value as Django stores it."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None)) if sqlite else value
    if isinstance(value, UUID):
        return value.hex if sqlite else value
    if isinstance(value, date | time | Decimal):
        return str(value) if sqlite else value
    return value


def tables(url: str) -> list[str]:
    """The tables of a site, without those that a restore keeps its own books in."""
    return sorted(set(sa.inspect(connect(url)).get_table_names()) - set(OWN_TABLES))


def rows(url: str, table: str) -> list[Row]:
    """The rows of a table as plain Python values, equal on every database, in the order of the primary key."""
    engine = connect(url)
    with engine.connect() as connection:
        types = _types(connection, table)
        result = connection.exec_driver_sql(f'SELECT * FROM "{table}"')
        names = list(result.keys())
        found = [{name: _plain(value, types[name]) for name, value in zip(names, row, strict=True)} for row in result]
    return sorted(found, key=lambda row: str(row[names[0]]).rjust(40))


def _types(connection: sa.Connection, table: str) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        ddl = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).scalar_one()
        found = connection.exec_driver_sql(f'PRAGMA table_xinfo("{table}")')
        return {row[1]: "json" if f'JSON_VALID("{row[1]}")' in ddl else row[2].lower() for row in found}
    query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :table"
    return {row[0]: row[1] for row in connection.execute(sa.text(query), {"table": table})}


def _plain(value: Any, type_: str) -> Any:
    if value is None:
        return None
    if type_.startswith("bool"):
        return bool(value)
    if type_.startswith(("decimal", "numeric")):
        return Decimal(str(value)).normalize()
    if type_.startswith(("datetime", "timestamp")):
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if type_ == "date":
        return date.fromisoformat(value) if isinstance(value, str) else value
    if type_.startswith("time"):
        return time.fromisoformat(value) if isinstance(value, str) else value
    if type_.startswith("json"):
        return json.loads(value) if isinstance(value, str) else value
    if type_ in ("char(32)", "uuid"):
        return UUID(value) if isinstance(value, str) else value
    if type_ in ("char(39)", "inet"):
        return str(value)
    return bytes(value) if isinstance(value, memoryview) else value


def contents(url: str) -> dict[str, list[Row]]:
    """Everything that a site holds, by table."""
    return {table: rows(url, table) for table in tables(url)}


def dump(url: str) -> str:
    """A digest of everything that a site holds."""
    text = json.dumps(contents(url), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- files


def record(model: str, pk: object, **fields: object) -> dict[str, Any]:
    """One record of a fixture."""
    return {"model": model, "pk": pk, "fields": fields}


def fixture(path: Path, records: Iterable[Mapping[str, object]]) -> Path:
    """Write records as Django's dumpdata does."""
    path.write_text(json.dumps(list(records), indent=1, ensure_ascii=False, default=_written), "utf-8")
    return path


def _written(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date | time) else str(value)

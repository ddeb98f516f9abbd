"""What a database holds, as plain values that are equal when the contents are: read by neither Django nor the engine."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader
from sqlalchemy.engine import make_url

Rows = list[tuple[tuple[str, Any], ...]]
Contents = dict[str, Rows]

LEFT_OUT = ("smart_restore_", "django_migrations", "sqlite_")
"""Tables of other people's books."""


def contents(url: str) -> Contents:
    """All rows by table, without empty tables."""
    found = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
    return {table: sorted(rows, key=repr) for table, rows in sorted(found.items()) if rows}


def without_numbers(found: Contents) -> Contents:
    """The contents without the numbers of link rows, to which nothing refers: Django gives them out as it goes."""
    return {
        table: sorted((row[1:] for row in rows), key=repr) if _links(rows) else rows for table, rows in found.items()
    }


def _links(rows: Rows) -> bool:
    names = [name for name, _ in rows[0]]
    return len(names) == 3 and names[0] == "id" and all(name.endswith("_id") for name in names[1:])


def _sqlite(url: str) -> Contents:
    with closing(sqlite3.connect(str(make_url(url).database))) as connection:
        listed = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        found: Contents = {}
        for table, ddl in listed:
            if not table.startswith(LEFT_OUT):
                columns = connection.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
                plain = [(row[1], _plain_of("json" if f'JSON_VALID("{row[1]}")' in ddl else row[2])) for row in columns]
                found[table] = [_row(plain, row) for row in connection.execute(f'SELECT * FROM "{table}"')]
        return found


def _postgresql(url: str) -> Contents:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        set_json_loads(_json, connection)
        for name in ("timestamptz", "date"):
            connection.adapters.register_loader(name, TextLoader)  # a year before the first has no Python value
        connection.execute("SET TIME ZONE 'UTC'")
        listed = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        tables = [table for (table,) in listed if not table.startswith(LEFT_OUT)]
        filled = " UNION ALL ".join(f"SELECT '{each}' WHERE EXISTS (SELECT 1 FROM \"{each}\")" for each in tables)
        found: Contents = {}
        for (table,) in connection.execute(filled).fetchall():
            result = connection.execute(f'SELECT * FROM "{table}"')
            plain = [(each.name, _number) for each in result.description or ()]
            found[table] = [_row(plain, row) for row in result]
        return found


def _row(plain: list[tuple[str, Callable[[Any], Any]]], row: tuple[Any, ...]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, None if value is None else form(value)) for (name, form), value in zip(plain, row, strict=True))


def _plain_of(declared: str) -> Callable[[Any], Any]:
    """How to read a column of SQLite, by the name of its type."""
    name = declared.lower()
    for beginning, form in _FORMS.items():
        if name.startswith(beginning):
            return form
    return _number


def _decimal(value: Any) -> Any:
    return Decimal(str(value)).normalize() + 0


def _instant(value: Any) -> Any:
    """In UTC; what is not an instant stays the text that it is."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value
    # Django writes these forms only: another one would not be found by a comparison inside the database.
    return found.replace(tzinfo=UTC) if found.isoformat(" ") == value else value


def _number(value: Any) -> Any:
    """A float apart from a whole number of the same value; minus zero apart from zero; decimals by value."""
    if isinstance(value, float):
        return repr(value)
    return _decimal(value) if isinstance(value, Decimal) else value


_json = partial(json.loads, parse_float=Decimal)

_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "decimal": _decimal,
    "datetime": _instant,
    "json": lambda value: _json(value) if isinstance(value, str) else value,
}

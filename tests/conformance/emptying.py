"""Databases that are empty again for every fixture: a copy of the file, or the same database with its rows deleted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.conformance.reading import contents
from tests.postgresql_server import PostgreSQLServer


def sqlite_files(folder: Path) -> tuple[Callable[[], str], Callable[[str, str], str]]:
    """A new database, and a copy of one under a name."""

    def new() -> str:
        (folder / "template.sqlite").touch()
        return f"sqlite:///{folder / 'template.sqlite'}"

    def empty(template: str, name: str) -> str:
        path = folder / f"{name}.sqlite"
        shutil.copy(str(make_url(template).database), path)
        return f"sqlite:///{path}"

    return new, empty


def postgresql_databases(server: PostgreSQLServer) -> tuple[Callable[[], str], Callable[[str, str], str]]:
    """A new database, and one that is made as it is. Copying all the files of a database takes longer than deleting rows."""
    expected: dict[str, Any] = {}

    def empty(template: str, name: str) -> str:
        if not expected:
            expected.update(contents(template))
        url = server.url(f"{make_url(template).database}_{name}")
        if name not in made or not _delete(url, list(expected)) or contents(url) != expected:
            made.add(name)
            _copy(server, template, url)
        return url

    made: set[str] = set()
    return server.new_database, empty


def _copy(server: PostgreSQLServer, template: str, url: str) -> None:
    server.drop_database(url)
    names = [sql.Identifier(str(make_url(each).database)) for each in (url, template)]
    with psycopg.connect(_address(server.url()), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(*names))


def _delete(url: str, keep: list[str]) -> bool:
    """Delete all rows of the tables that are empty at first, and count their keys from one again."""
    with psycopg.connect(_address(url)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("; ".join(f'DELETE FROM "{table}"' for table in contents(url) if table not in keep))
        connection.execute("DROP TABLE IF EXISTS smart_restore_journal, smart_restore_ledger")
        connection.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences"
            " WHERE last_value IS NOT NULL AND NOT regexp_replace(sequencename, '_id_seq$', '') = ANY(%s)",
            (keep,),
        )
    return True


def _address(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

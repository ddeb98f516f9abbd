"""Dumps of PostgreSQL sites by PostgreSQL's own programs, for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.postgresql_server import find_programs


def program(name: str) -> Path | None:
    """A program of PostgreSQL of the version that the tests' server has."""
    found = find_programs() / name
    return found if found.is_file() else None


def pg_dump(url: str, output: Path, *options: str) -> Path:
    """Write a dump of a database."""
    found = program("pg_dump")
    assert found is not None
    database, _, folder = url.removeprefix("postgresql://postgres@/").partition("?host=")
    command = [found, "-h", folder, "-U", "postgres", "-f", output, *options, database]
    subprocess.run(command, check=True, capture_output=True, env={"LC_ALL": "C.UTF-8", "PGTZ": "Asia/Kolkata"})
    return output

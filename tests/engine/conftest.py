"""The demo school and a library on PostgreSQL, for tests of the engine."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import small_sites
from tests.postgresql_server import PostgreSQLServer
from webapp.demo.school import create_demo_school
from webapp.demo.site import DemoSite
from webapp.engine import commands

NOW = datetime(2026, 3, 12, 11, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoSite:
    """One demo school for all tests; none of them writes to it."""
    return create_demo_school(tmp_path_factory.mktemp("demo") / "school", now=NOW)


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of stages: the demo's backup is read once."""
    return tmp_path_factory.mktemp("stages")


@pytest.fixture
def demo_copy(demo: DemoSite, tmp_path: Path) -> str:
    """The address of a copy of the damaged school."""
    shutil.copy(demo.database, tmp_path / "school.sqlite3")
    return f"sqlite:///{tmp_path / 'school.sqlite3'}"


@pytest.fixture
def other(postgresql_server: PostgreSQLServer) -> str:
    """A second empty database."""
    return postgresql_server.new_database()


@pytest.fixture
def library(postgresql: str, tmp_path: Path) -> tuple[str, Path]:
    """A library on PostgreSQL and a backup of it."""
    small_sites.library(postgresql)
    commands.backup(postgresql, tmp_path / "library.json")
    return postgresql, tmp_path / "library.json"

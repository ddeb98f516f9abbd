"""What every test may ask for: real databases, a real Redis, and settings of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings as hypothesis_settings

from tests.postgresql_server import PostgreSQLServer
from webapp.redis_server import private_redis
from webapp.settings import Settings, read_settings

# A shared machine is slow at times; a deadline would only test the neighbours.
hypothesis_settings.register_profile("smart-restore", deadline=None)
hypothesis_settings.load_profile("smart-restore")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A private Redis for the session (for each process of a parallel run)."""
    # Not below tmp_path: a socket's path may have 107 bytes only.
    with TemporaryDirectory(prefix="sr-redis-", dir="/tmp") as folder, private_redis(Path(folder)) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQLServer]:
    """A PostgreSQL server for the session; use ``postgresql`` for a database."""
    with PostgreSQLServer() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgreSQLServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    url = postgresql_server.new_database()
    yield url
    postgresql_server.drop_database(url)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The URL of an empty SQLite database."""
    (tmp_path / "site.sqlite").touch()
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def site_database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: the test runs once on each kind."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> Settings:
    """Settings of an installation of its own, with the session's Redis."""
    return read_settings(
        {
            "SMART_RESTORE_DATA": str(tmp_path / "data"),
            "REDIS_URL": redis_url,
            "SECRET_KEY": "a key for tests that protects nothing at all",
            "SITE_FOLDERS": str(tmp_path),
        }
    )


LONG = ("conformance/", "web/flow/test_flow", "test_bench", "browser/", "engine/test_postgresql", "test_cli", "test_up")
"""Files that take long: they go first, so that no worker is left alone with one in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first."""
    items.sort(key=lambda item: next((at for at, part in enumerate(LONG) if part in item.nodeid), len(LONG)))

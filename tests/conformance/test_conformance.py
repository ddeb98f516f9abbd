"""A restore leaves what loaddata leaves; where it does not, docs/conformance.md says so and why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance import emptying
from tests.conformance.trial import BOTH_REFUSE, COLLECTION, EQUAL, ROOT, Finding, try_all
from tests.postgresql_server import PostgreSQLServer

PAGE = ROOT / "docs" / "conformance.md"
KINDS = {"sqlite": 0, "postgresql": 1}


def documented(kind: str) -> dict[str, str]:
    """The differences that the page lists for one kind of database."""
    rows = re.findall(r"^\| `([\w-]+)` \| ([^|]+) \| ([^|]+) \| \S.*\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    cells = {name: found[KINDS[kind]].strip().replace("`", "") for name, *found in rows}
    return {name: cell for name, cell in cells.items() if cell not in (EQUAL, BOTH_REFUSE)}


def judge(findings: list[Finding], kind: str) -> None:
    """Compare what was found with what is documented."""
    differences = {each.name: each.kind for each in findings if each.kind not in (EQUAL, BOTH_REFUSE)}
    assert differences == documented(kind)


@pytest.mark.slow
def test_restoring_leaves_what_loaddata_leaves_on_sqlite(tmp_path: Path) -> None:
    judge(try_all(*emptying.sqlite_files(tmp_path), tmp_path), "sqlite")


@pytest.mark.slow
def test_restoring_leaves_what_loaddata_leaves_on_postgresql(
    postgresql_server: PostgreSQLServer, tmp_path: Path
) -> None:
    judge(try_all(*emptying.postgresql_databases(postgresql_server), tmp_path), "postgresql")


def test_every_difference_is_of_a_fixture_in_the_collection() -> None:
    names = [fixture.name for fixture in COLLECTION]
    assert len(names) == len(set(names))
    assert (documented("sqlite") | documented("postgresql")).keys() <= set(names)

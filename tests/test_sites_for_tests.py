"""The sites that tests use are the same on every database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import sites, small_sites

Builder = Callable[[str], str]

SITES = [
    pytest.param(small_sites.school_small, small_sites.school_rows, id="school"),
    pytest.param(small_sites.library, small_sites.library_rows, id="library"),
]


@pytest.mark.parametrize(("build", "expected"), SITES)
def test_a_site_holds_the_rows_that_it_was_given(
    site_database: str, build: Builder, expected: Callable[[], dict[str, Any]]
) -> None:
    found = sites.contents(build(site_database))
    wanted = expected()
    assert {table: rows for table, rows in found.items() if rows} == wanted


@pytest.mark.parametrize(("build", "expected"), SITES)
def test_a_digest_is_equal_on_both_databases(
    sqlite: str, postgresql: str, build: Builder, expected: Callable[[], dict[str, Any]]
) -> None:
    assert sites.dump(build(sqlite)) == sites.dump(build(postgresql))


def test_a_digest_sees_one_changed_value(site_database: str) -> None:
    before = sites.dump(small_sites.library(site_database))
    sites.execute(site_database, "UPDATE library_loan SET note = '' WHERE id = 3")
    assert sites.dump(site_database) != before


def test_a_new_row_gets_a_new_key(site_database: str) -> None:
    small_sites.library(site_database)
    sites.execute(site_database, "INSERT INTO library_author (name) VALUES ('New')")
    assert sites.rows(site_database, "library_author")[-1]["id"] == 4


def test_a_fixture_names_references_without_id(tmp_path: Path) -> None:
    text = small_sites.fixture_of(tmp_path / "library.json", small_sites.library_rows()).read_text("utf-8")
    assert '"publisher": 2' in text
    assert '"model": "library.book_tags"' in text

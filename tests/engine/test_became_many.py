"""A field that held one reference and is a list today: read as a list where the profile says so, named drift elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import small_sites
from tests.restoring import Restoring, codes, counted

PROFILE = """
name = "library"
[tables.library_book]
title = "Books"
keys = [["isbn"]]
single = { tag = "library_book_tags", tags = "library_book_tags" }
[tables.library_tag]
keys = [["title"]]
"""


@pytest.fixture
def site(site_database: str, tmp_path: Path) -> Restoring:
    """The library, whose books have many tags, and a profile that knows that they had one."""
    (tmp_path / "library.toml").write_text(PROFILE)
    return Restoring(small_sites.library(site_database), tmp_path, profile=str(tmp_path / "library.toml"))


def book(number: int, **more: Any) -> dict[str, Any]:
    """A book of the library as its backup tells it, with other fields than its own."""
    row = next(row for row in small_sites.library_rows()["library_book"] if row["id"] == number)
    fields = {name: value for name, value in row.items() if name not in ("id", "cover")}
    return {"model": "library.book", "pk": number, "fields": {**fields, **more}}


def tags(site: Restoring, number: int) -> list[str]:
    return [row["tag_id"] for row in site.rows("library_book_tags") if row["book_id"] == number]


@pytest.mark.parametrize("told", ["old", ["Old"]])
def test_one_reference_is_a_list_of_one(site: Restoring, told: Any) -> None:
    outcome = site.restore([book(3, tag=told)])
    assert (outcome.counts.insert, outcome.counts.update) == (1, 0)
    assert tags(site, 3) == ["old"]
    assert site.plan([book(3, tag=told)]).counts.changes == 0


def test_no_reference_is_an_empty_list(site: Restoring) -> None:
    assert site.restore([book(1, tag=None)]).counts.delete == 2
    assert tags(site, 1) == []


def test_a_list_of_today_stays_a_list(site: Restoring) -> None:
    assert site.plan([book(1, tags=["new", "old"])]).counts.changes == 0
    assert site.restore([book(1, tags=[["New"]])]).counts.delete == 1
    assert tags(site, 1) == ["new"]


def test_the_database_wins_about_its_lists(site: Restoring) -> None:
    assert site.plan([book(1, tag="old")], on_conflict="database").counts.changes == 0


def test_without_a_rule_it_is_drift_and_named(site: Restoring) -> None:
    site.profile = None
    plan = site.plan([book(3, tag="old")])
    assert [(each.code, each.field) for each in plan.problems] == [("unknown_field", "tag")]
    assert counted(site.plan([book(3, tag="old")], accept_drift=True)) == {"same": 1}
    plan = site.plan([book(3, tags="old")])
    assert [(each.code, each.field) for each in plan.problems] == [("bad_value", "tags")]


def test_a_reference_to_nothing_is_lost_as_ever(site: Restoring) -> None:
    assert codes(site.plan([book(3, tag="none")]).problems) == ["missing_reference"]

"""The way from a number of a preview to the rows behind it, also where there are very many."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.restoring import Restoring
from webapp.engine import commands
from webapp.engine.answers import RowChange

ROWS = 30_000
NAMES = {7: "Zoë 100%", 29_990: "zoë_last"}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Very many new rows, and one that is changed."""
    folder = tmp_path_factory.mktemp("preview")
    with closing(sqlite3.connect(folder / "site.sqlite3")) as connection:
        connection.execute("CREATE TABLE shop_item (id integer PRIMARY KEY, code varchar(20) UNIQUE, name varchar(80))")
        connection.execute("INSERT INTO shop_item VALUES (15000, 'C15000', 'before')")
        connection.commit()
    records = (
        {"model": "shop.item", "pk": number, "fields": {"code": f"C{number}", "name": NAMES.get(number, f"n{number}")}}
        for number in range(1, ROWS + 1)
    )
    path, plan = Restoring(f"sqlite:///{folder / 'site.sqlite3'}", folder).planned(records, origin="same")
    assert (plan.counts.insert, plan.counts.update) == (ROWS - 1, 1)
    return path


def pages(plan: Path, text: str = "", action: str = "") -> Iterator[RowChange]:
    after: int | None = 0
    while after is not None:
        found = commands.plan_rows(plan, "shop_item", text=text, action=action, after=after, limit=500)
        yield from found.rows
        after = found.next


def test_paging_gives_every_row_once(plan: Path) -> None:
    assert sorted(int(row.pk) for row in pages(plan)) == list(range(1, ROWS + 1))


def test_a_text_is_found_wherever_it_is_and_in_any_case(plan: Path) -> None:
    assert [row.pk for row in pages(plan, "ZOë")] == ["7", "29990"]
    assert [row.pk for row in pages(plan, "before")] == ["15000"]
    assert not list(pages(plan, "nowhere"))


def test_signs_with_a_meaning_in_sql_are_ordinary_text(plan: Path) -> None:
    assert [row.pk for row in pages(plan, "100%")] == ["7"]
    assert [row.pk for row in pages(plan, "zoë_")] == ["29990"]
    assert not list(pages(plan, "'"))


def test_a_rare_action_has_an_index(plan: Path) -> None:
    assert [row.pk for row in pages(plan, action="update")] == ["15000"]
    assert [row.pk for row in pages(plan, action="update:name")] == ["15000"]
    with closing(sqlite3.connect(plan)) as connection:
        steps = connection.execute(
            """EXPLAIN QUERY PLAN SELECT * FROM "after shop_item" WHERE "#id" > 0 AND "#action" = 'update'"""
        ).fetchall()
    assert "by action" in str(steps)


@pytest.mark.parametrize("after", [-1, 2**62, 2**63, 10**40])
def test_any_number_may_be_a_cursor(plan: Path, after: int) -> None:
    found = commands.plan_rows(plan, "shop_item", after=after)
    assert bool(found.rows) == (after < 0)


@pytest.mark.parametrize("action", ["%", "'", "nothing", "insert' OR 1 --"])
def test_an_unknown_action_has_no_rows(plan: Path, action: str) -> None:
    assert commands.plan_rows(plan, "shop_item", action=action).rows == ()

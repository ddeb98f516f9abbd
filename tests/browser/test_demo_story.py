"""The accident in the demo school, repaired by somebody who sees this for the first time."""

from __future__ import annotations

import re
import sqlite3
import time

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def count(visit: Visit, table: str) -> int:
    """How many rows a table of the demo school has."""
    (path,) = (visit.running.data / "demo").glob("*.sqlite*")
    connection = sqlite3.connect(path)
    try:
        number: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        connection.close()
    return number


def test_the_accident_is_repaired_from_login_to_report(visit: Visit) -> None:
    page = visit.page
    began = time.monotonic()
    visit.log_in()
    visit.show("home")
    before = count(visit, "students_student")

    page.locator(".story").get_by_role("button").click()
    page.get_by_role("link", name="Choose what to restore").wait_for()
    expect(page.get_by_role("heading", level=1)).to_contain_text("This backup")
    visit.show("analysis")

    page.get_by_role("link", name="Choose what to restore").click()
    expect(page.get_by_role("radio", name=re.compile("Merge"))).to_be_checked()
    visit.show("choices")

    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="This is what would change")).to_be_visible()
    visit.show("preview")
    page.locator("a.badge.update").first.click()
    expect(page.locator("#rows-title")).to_be_in_viewport()
    page.locator("#rows summary .row-name").first.click()
    expect(page.locator("#rows table.fields tr.changed").first).to_be_visible()
    visit.show("rows")
    assert count(visit, "students_student") == before

    page.get_by_role("link", name="Go on to restore").click()
    visit.show("confirm")
    page.get_by_role("button", name="Restore now").click()
    expect(page.get_by_role("heading", name="Restored and verified")).to_be_visible()
    assert time.monotonic() - began < 120
    visit.show("report")
    assert count(visit, "students_student") == before + 80
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the receipt").click()
    assert download.value.suggested_filename.endswith(".jsonl")

    page.get_by_role("link", name="History").first.click()
    visit.show("history")
    # The newest is what the restore saved before it changed anything; the oldest is last night's.
    page.get_by_role("link", name="Restore…").last.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    visit.show("window")
    page.get_by_role("dialog").get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="There is nothing to restore")).to_be_visible()
    visit.show("nothing")

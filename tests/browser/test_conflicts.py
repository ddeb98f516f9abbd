"""Rows that differ, decided side by side by somebody with a mouse, a keyboard or a thumb."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def differing(visit: Visit) -> bytes:
    """Twenty students of the demo's own backup, three of whom are called otherwise there."""
    (kept,) = (visit.running.data / "backups").iterdir()
    records = [record for record in json.loads(kept.read_bytes()) if record["model"] == "students.student"][-20:]
    for record in records[:3]:
        record["fields"] |= {"last_name": "Anderson", "mobile_number": "5550000000"}
    return json.dumps(records).encode()


def test_rows_that_differ_are_decided_side_by_side(visit: Visit) -> None:
    page = visit.page
    visit.log_in()
    page.goto(f"{visit.running.address}/restore/")
    page.get_by_label("Choose a backup file").set_input_files(
        {"name": "students.json", "mimeType": "application/json", "buffer": differing(visit)}
    )
    page.get_by_role("button", name="Upload and analyse").click()
    page.get_by_role("link", name="Choose what to restore").click()
    page.get_by_role("radio", name="I decide").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Whose version?")).to_be_visible()
    expect(page.get_by_text("3 rows differ and wait for your word")).to_be_visible()
    visit.show("conflicts")
    # With the keyboard alone: one row from the backup, the next one as it is.
    first = page.get_by_role("group").filter(has=page.get_by_role("radio", name="Take the backup's")).first
    first.get_by_role("radio", name="Keep the database's").focus()
    page.keyboard.press("ArrowDown")
    expect(first.get_by_role("radio", name="Take the backup's")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 rows differ and wait for your word")).to_be_visible()
    visit.show("one-decided")
    page.get_by_role("button", name="Keep the database's version of all 2").click()
    expect(page.get_by_role("heading", name="This is what would change")).to_be_visible()
    expect(page.get_by_role("link", name="Go on to restore")).to_be_visible()
    visit.show("all-decided")

"""A backup from the button to its proof, its pin and its end, as somebody does it at a screen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit


def test_a_backup_is_made_proven_pinned_and_deleted(visit: Visit) -> None:
    page = visit.page
    visit.log_in()
    card = page.locator("article.health").first
    expect(card).to_contain_text("Last good backup")
    visit.show("home")
    card.get_by_role("button", name="Back up now").click()

    made = page.locator("li.entry.backup").first
    expect(made).to_contain_text(re.compile("being made|Not checked"))
    # The line asks for itself until the backup is there.
    expect(made.get_by_role("link", name="Restore…")).to_be_visible(timeout=60_000)
    expect(made).to_contain_text("Not checked")
    visit.show("history")
    made.get_by_role("link", name="Restore…").click()
    window = page.get_by_role("dialog")
    name = window.get_by_role("heading").first.inner_text()
    expect(window.get_by_role("button", name="See what is in it")).to_be_visible()
    window.get_by_role("link", name="Checks and drills").click()
    expect(window).to_contain_text("A check reads every byte")
    visit.show("window")
    window.get_by_role("link", name="Chain").click()
    expect(window).to_contain_text("It stands by itself")
    window.get_by_role("button", name="Drill now").click()

    badge = page.locator(".about .badge", has_text="Proven")
    expect(badge).to_be_visible(timeout=120_000)
    expect(badge).to_contain_text("just now in")
    page.reload()
    expect(page.get_by_text("The drill proved it")).to_be_visible()
    visit.show("proven")

    page.get_by_role("button", name="Pin").click()
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_text(f"{name} is pinned, so it is not removed.")).to_be_visible()
    visit.show("pinned")
    page.get_by_role("link", name="Back to the backup").click()
    page.get_by_role("button", name="Unpin").click()
    page.get_by_role("link", name="Delete…").click()
    visit.show("delete")
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text(f"{name} is deleted.")).to_be_visible()
    expect(page.locator("ol.line")).not_to_contain_text(name)
    page.get_by_role("link", name="1 removed backup").click()
    expect(page.locator("li.entry.gone")).to_contain_text("Deleted by root")

    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_text("Unbroken since")).to_be_visible()
    for action in ("Ask for a backup", "Make a backup", "Drill a backup", "Pin a backup", "Remove a backup"):
        expect(page.locator("table.audit")).to_contain_text(action)
    visit.show("audit")
    page.get_by_label("Action").select_option("backup.remove")
    expect(page.locator("table.audit tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("action=backup.remove"))


@pytest.mark.parametrize("visit", ["desktop"], indirect=True)
def test_the_time_line_narrows_down_and_leads_back(visit: Visit) -> None:
    page = visit.page
    visit.log_in()
    page.goto(f"{visit.running.address}/history/")
    expect(page.locator("li.entry.backup")).to_have_count(1)
    page.get_by_label("State").select_option("proven")
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    visit.show("nothing-fits")
    page.get_by_role("link", name="Show everything").click()
    page.locator(".day-ok a").first.click()
    expect(page.locator("li.entry.backup")).to_have_count(1)
    expect(page.get_by_role("textbox", name="Day")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    page.locator("details.menu summary").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"demo-school-\d{8}-\d{6}-[0-9a-f]{8}\.json", download.value.suggested_filename)
    page.get_by_role("link", name="Back up…").click()
    page.get_by_role("radio", name="Only what has changed").check()
    visit.show("choices")
    page.get_by_role("button", name="Back up now").click()
    expect(page.locator("li.entry.backup")).to_have_count(2)

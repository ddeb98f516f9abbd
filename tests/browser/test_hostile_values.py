"""Values of a backup are only ever text: a backup that is an attack from the first name to the last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '<p hx-get="/users/" hx-trigger="load" hx-target="body">',
    "<style>*{display:none}</style>",
    "{{ 7 * 7 }}<svg onload=alert(1)>",
    "javascript:alert(1)",
)
NAME = "'\"><img src=x onerror=alert(2)>.json"


def hostile(visit: Visit, path: Path) -> Path:
    """Records of the demo's own backup, with every text of a student replaced, and names that nobody knows."""
    (kept,) = (visit.running.data / "backups").iterdir()
    students = [record for record in json.loads(kept.read_bytes()) if record["model"] == "students.student"][:12]
    for number, record in enumerate(students):
        payload = PAYLOADS[number % len(PAYLOADS)]
        for field in ("first_name", "last_name", "father_name", "mother_name", "address"):
            record["fields"][field] = payload
        if number % 2:
            record["pk"] += 900_000
            record["fields"]["admission_number"] = f"<b>{number}</b>"
        record["fields"]["<svg onload=alert(3)>"] = payload
    students.append({"model": "evil.<svg onload=alert(4)>", "pk": PAYLOADS[0], "fields": {"name": PAYLOADS[2]}})
    path.write_text(json.dumps(students), "utf-8")
    return path


@pytest.mark.parametrize("visit", ["desktop"], indirect=True)
def test_nothing_of_a_hostile_backup_is_carried_out(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    visit.log_in()
    page.goto(f"{visit.running.address}/restore/")
    page.get_by_label("Choose a backup file").set_input_files(
        {"name": NAME, "mimeType": "application/json", "buffer": hostile(visit, tmp_path / "evil.json").read_bytes()}
    )
    page.get_by_role("button", name="Upload and analyse").click()
    page.get_by_role("link", name="Choose what to restore").click()
    expect(page.locator(".drift input").first).to_be_visible()
    for box in page.locator(".drift input").all():
        box.check()
    page.get_by_role("group", name="A record has a value").get_by_role("radio", name="Leave the record out").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="This is what would change")).to_be_visible()
    page.get_by_role("link", name="Students", exact=True).first.click()
    for row in page.locator("#rows summary .row-name").all():
        row.click()
    expect(page.locator("#rows")).to_contain_text(PAYLOADS[0])
    page.get_by_role("link", name="Go on to restore").click()
    page.get_by_role("button", name="Restore now").click()
    expect(page.get_by_role("heading", name="Restored and verified")).to_be_visible()
    page.goto(f"{visit.running.address}/history/")
    expect(page.locator("#line")).to_contain_text("onerror=alert(2)")
    # The newest is the copy that was made before the restore.
    line = page.locator("li.entry.backup", has_text="onerror=alert(2)").first
    line.get_by_role("link", name="Restore…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    line.get_by_role("link").first.click()
    for tab in ("Checks and drills", "Restores", "Chain"):
        page.get_by_role("dialog").get_by_role("link", name=tab).click()
        expect(page.get_by_role("dialog").locator("[aria-current]").first).to_have_text(tab)
    page.get_by_role("dialog").get_by_role("link", name="Delete…").click()
    expect(page.locator("main")).to_contain_text("onerror=alert(2)")
    page.goto(f"{visit.running.address}/audit/")
    expect(page.locator("table.audit")).to_contain_text("onerror=alert(2)")

"""A damaged file with a record that could be one student or another, restored by somebody who has to decide."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def doubtful(visit: Visit) -> bytes:
    """Students of the demo's own backup behind a line of a log; the first has the admission number of the second."""
    (kept,) = (visit.running.data / "backups").iterdir()
    students = [record for record in json.loads(kept.read_bytes()) if record["model"] == "students.student"][:20]
    first, second, *others = students
    first["fields"]["admission_number"] = second["fields"]["admission_number"]
    return b"Starting the backup\n" + json.dumps([first, *others]).encode()


def test_a_damaged_and_doubtful_file_is_restored_by_decisions(visit: Visit) -> None:
    page = visit.page
    visit.log_in()
    page.goto(f"{visit.running.address}/restore/")
    page.get_by_label("Choose a backup file").set_input_files(
        {"name": "students.json", "mimeType": "application/json", "buffer": doubtful(visit)}
    )
    page.get_by_role("button", name="Upload and analyse").click()
    expect(page.get_by_role("heading", name="This backup cannot be used")).to_be_visible()
    visit.show("damaged")
    page.get_by_role("button", name="Read it repaired").click()
    page.get_by_role("link", name="Choose what to restore").wait_for()
    expect(page.get_by_role("heading", name="How the file was repaired")).to_be_visible()
    visit.show("repaired")

    page.get_by_role("link", name="Choose what to restore").click()
    page.get_by_text("Match by", exact=True).click()
    expect(page.get_by_label("Match Students by")).to_be_visible()
    visit.show("match-by")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Which row is this?")).to_be_visible()
    visit.show("doubt")
    page.get_by_role("radio", name=re.compile("same id")).check()
    page.get_by_role("button", name="Make the preview with these decisions").click()
    # It would have the number of somebody else then: that cannot be, and is said.
    expect(page.get_by_text("another row has the same key already").first).to_be_visible()
    visit.show("contradiction")
    page.get_by_role("checkbox", name=re.compile("students.student:1")).check()
    page.get_by_role("button", name="Make the preview with these decisions").click()
    expect(page.get_by_role("heading", name="Which row is this?")).to_be_visible()
    page.get_by_role("radio", name=re.compile("Leave it out")).check()
    page.get_by_role("button", name="Make the preview with these decisions").click()
    expect(page.get_by_role("heading", name="What you decided")).to_be_visible()
    visit.show("decided")

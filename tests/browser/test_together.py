"""A backup in three files, made by people of whom some have no account any more, restored as one."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import Visit

NOW = "2026-01-14T05:00:00Z"


def account(pk: int, username: str, email: str) -> dict[str, Any]:
    fields = {"username": username, "email": email, "password": "theirs", "role": "admin", "date_joined": NOW}
    return {"model": "users.customuser", "pk": pk, "fields": {**fields, "is_superuser": True}}


ACCOUNTS = [
    account(901, "principal", "someone@elsewhere.example"),
    account(902, "office.clerk", "clerk@saraswati.example"),
    account(903, "former.teacher", "former@saraswati.example"),
]
FINES = [
    {
        "model": "fines.finetype",
        "pk": 500 + number,
        "fields": {
            "name": f"Fine {number}",
            "category": "Conduct",
            "description": "",
            "is_active": True,
            "created_by": 901 + number % 3,
        }
        | {"created_at": NOW, "updated_at": NOW, "severity": number, "campus": "Main"},
    }
    for number in range(6)
]
STOPS = [
    {"model": "transport.stoppage", "pk": 700 + number, "fields": {"name": f"New stop {number}", "route": [route]}}
    for number, route in enumerate(("Riverside", "Riverside", "Hillside"))
]
ROUTES = [{"model": "transport.route", "pk": 70, "fields": {"name": name}} for name in ("Riverside",)]
HOUSES = [{"model": "school.house", "pk": 1, "fields": {"name": "Red"}}]


def file(name: str, records: list[dict[str, Any]]) -> FilePayload:
    return {"name": name, "mimeType": "application/json", "buffer": json.dumps(records).encode()}


def test_three_files_are_restored_as_one_and_everybody_in_them_is_found(visit: Visit) -> None:
    page = visit.page
    visit.log_in()
    page.goto(f"{visit.running.address}/restore/")
    page.get_by_label("Choose a backup file").set_input_files(
        [file("fines.json", [*FINES, *HOUSES]), file("transport.json", [*STOPS, *ROUTES])]
    )
    expect(page.get_by_text("2 files (")).to_be_visible()
    visit.show("two-files")
    page.get_by_role("button", name="Upload and analyse").click()
    expect(page.get_by_role("heading", name="2 files as one")).to_be_visible()
    expect(page.get_by_role("heading", name="What is missing, and where it could come from")).to_be_visible()
    expect(page.get_by_role("heading", name="How names in the file are understood")).to_be_visible()
    visit.show("what-is-missing")

    page.get_by_text("Add more files").click()
    page.get_by_label("Upload them").set_input_files([file("accounts.json", ACCOUNTS)])
    page.get_by_role("button", name="Add and analyse together").click()
    expect(page.get_by_role("heading", name="3 files as one")).to_be_visible()
    visit.show("three-files")

    page.get_by_role("link", name="Choose what to restore").click()
    expect(page.get_by_role("heading", name="What the database has no place for")).to_be_visible()
    for box in page.locator("input[name=drift]").all():
        box.check()
    page.get_by_text("Removed rows, accounts and origin").click()
    page.get_by_role("radio", name=re.compile("Another database, and its records are wanted")).check()
    missing = page.get_by_role("group", name="A record refers to one that is nowhere")
    missing.get_by_role("radio", name=re.compile("Leave the record out")).check()
    visit.show("no-place")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    visit.show("people")

    row = page.get_by_role("row", name=re.compile("former.teacher"))
    row.get_by_label("The account of former.teacher").fill("nobody")
    page.get_by_role("button", name="Make the preview with these accounts").click()
    expect(page.get_by_text("no account of the site is called so")).to_be_visible()
    page.get_by_label("The account of former.teacher").fill("teacher07")
    page.get_by_role("button", name=re.compile("It is clerk")).click()
    expect(page.get_by_text("stands for an account").nth(1)).to_be_visible()
    page.get_by_role("button", name=re.compile("The same: principal")).click()
    expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()
    expect(page.get_by_text("stands for an account")).to_have_count(3)
    visit.show("everybody-found")
    expect(page.get_by_role("link", name="Go on to restore")).to_be_visible()

"""Rows that are only referred to, by name: made where the profile says how and the person chose it, never otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import attendance_sites as ams
from tests import sites
from tests.restoring import Restoring, codes, counted


@pytest.fixture
def site(site_database: str, tmp_path: Path) -> Restoring:
    """The small attendance system on each kind of database."""
    return Restoring(ams.small(site_database), tmp_path, profile="attendance")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sync file whose list of companies lacks two that its records name."""
    records = [ams.record(f"PP{n}", 22, name) for n, name in enumerate(("Neu", "300045", "Neu", "300046"))]
    return ams.file(tmp_path / "sync.json", records=[*ams.of_small(), *records])


CREATE: dict[str, Any] = {"on_missing": "create"}


def test_it_is_not_done_unless_chosen(site: Restoring, file: Path) -> None:
    plan = site.plan(file)
    assert codes(plan.problems) == ["missing_reference"] * 3
    assert "Neu" in plan.problems[0].message
    assert counted(site.plan(file, on_missing="skip")) == {"insert": 1, "same": 6, "skipped": 3}


def test_missing_companies_are_made_and_the_plan_shows_them(site: Restoring, file: Path) -> None:
    path, plan = site.planned(file, **CREATE)
    assert counted(plan) == {"insert": 6, "same": 6}
    assert (plan.created, plan.created_count) == (("Companies: Neu", "Companies: 300046"), 2)
    shown = site.changes(path, "core_company", "insert")
    assert [(row.label, "refer to it by name" in row.why, row.pk) for row in shown] == [
        ("Neu", True, "9"),
        ("300046", True, "10"),
    ]
    site.apply(path, plan)
    added = site.rows("core_company")[2:]
    assert [row["name"] for row in added] == ["Neu", "300046"]
    assert all(timedelta() <= datetime.now(UTC) - row["created_at"] < timedelta(hours=1) for row in added)
    names = {row["id"]: row["name"] for row in site.rows("core_company")}
    assert [names[row["company_id"]] for row in site.rows("core_attendancerecord")[4:]] == [
        "Neu",
        "300045",
        "Neu",
        "300046",
    ]
    assert counted(site.plan(file, **CREATE)) == {"same": 10}
    sites.write(site.url, {"core_company": [{"name": "After", "created_at": ams.MADE}]})


def test_new_records_of_the_file_and_made_rows_get_numbers_of_their_own(site: Restoring, tmp_path: Path) -> None:
    companies = [ams.company("One", 9), ams.company("Two", 10)]
    records = [ams.record(f"PP{n}", 22, name) for n, name in enumerate(("Three", "One", "Two"))]
    file = ams.file(tmp_path / "sync.json", companies, records)
    assert counted(site.restore(file, **CREATE)) == {"insert": 6}
    assert [row["name"] for row in site.rows("core_company")[2:]] == ["One", "Two", "Three"]


def test_no_row_is_made_for_a_record_that_is_left_out(site: Restoring, tmp_path: Path) -> None:
    records = [ams.record("PP8", 22, "Neu", in_time="24:00"), ams.record("PP9", 22, "300045")]
    file = ams.file(tmp_path / "sync.json", records=records)
    plan = site.plan(file, **CREATE, on_invalid="skip")
    assert (counted(plan), plan.created) == ({"insert": 1, "same": 2, "skipped": 1}, ())
    assert counted(site.plan(file, **CREATE, add=False, on_invalid="skip")) == {"same": 2, "skipped": 2}


def test_a_fixture_with_natural_keys_may_name_a_missing_company(site: Restoring) -> None:
    row = {name: value for name, value in ams.row(9, "PP7", 3, 0).items() if name not in ("id", "company_id")}
    records = [sites.record("core.attendancerecord", None, **row, company=["Neu"])]
    assert codes(site.plan(records).problems) == ["missing_reference"]
    assert counted(site.restore(records, **CREATE)) == {"insert": 2}


@pytest.mark.parametrize("company", ["", None])
def test_a_company_without_a_name_is_not_made(site: Restoring, tmp_path: Path, company: str | None) -> None:
    told = ams.record("PP8", 22, "x") | {"company_name": company}
    plan = site.plan(ams.file(tmp_path / "sync.json", records=[told]), **CREATE)
    assert (plan.ready, plan.created_count) == (False, 0)


def test_a_kind_of_row_that_the_profile_does_not_name_is_not_made(site: Restoring) -> None:
    """An employee is more than a name, and an account is never made."""
    summary = sites.record(
        "core.dailysummary",
        1,
        employee=["PP1"],
        punchdate="2025-11-20",
        mandays="1.0",
        ot="0.0",
        location_status="",
        created_at=ams.STAMP,
    )
    upload = sites.record(
        "core.uploadlog",
        1,
        user=["nobody"],
        filename="a",
        uploaded_at=ams.STAMP,
        success_count=0,
        updated_count=0,
        error_count=0,
        error_messages="",
    )
    for record in (summary, upload):
        plan = site.plan([record], **CREATE)
        assert (plan.ready, plan.created_count) == (False, 0)


def test_a_name_that_is_almost_the_same_is_told(site: Restoring, tmp_path: Path) -> None:
    names = ("śląsk & söhne ", "Śląsk&Söhne", "Neu", "NEU", "300046", "300045")
    companies = [ams.company(name, number) for number, name in enumerate(names)]
    plan = site.plan(ams.file(tmp_path / "sync.json", companies, []))
    assert [(twin.new, twin.other, twin.there) for twin in plan.twins] == [
        ("śląsk & söhne ", "Śląsk & Söhne", True),
        ("Śląsk&Söhne", "Śląsk & Söhne", True),
        ("Śląsk&Söhne", "śląsk & söhne ", False),
        ("NEU", "Neu", False),
    ]
    records = [ams.record("PP8", 22, "neu ")]
    plan = site.plan(ams.file(tmp_path / "more.json", companies[2:3], records), **CREATE)
    assert [(twin.new, twin.other) for twin in plan.twins] == [("neu ", "Neu")]


def test_thousands_of_names_that_are_almost_one_are_not_compared_in_pairs(site: Restoring, tmp_path: Path) -> None:
    names = [f"co{' ' * number}x" for number in range(4)]
    spaced = [f"{' ' * (number % 60)}n{' ' * (number // 60)}eu" for number in range(3_000)]
    companies = [ams.company(name, number) for number, name in enumerate((*names, *spaced))]
    plan = site.plan(ams.file(tmp_path / "sync.json", companies, []))
    assert len(plan.twins) == 20
    assert {"".join(twin.new.split()) for twin in plan.twins[:6]} == {"cox"}

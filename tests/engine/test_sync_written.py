"""A sync file of our own: as the format describes it, accepted by its rule, and nothing to do when it comes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import attendance_sites as ams
from tests import sites, small_sites
from tests.restoring import Restoring, counted
from webapp.engine import backups
from webapp.engine.answers import BackupFacts
from webapp.engine.errors import FormatRefused


@pytest.fixture
def site(site_database: str, tmp_path: Path) -> Restoring:
    """The small attendance system on each kind of database."""
    return Restoring(ams.small(site_database), tmp_path, profile="attendance")


def made(site: Restoring, **wanted: Any) -> tuple[BackupFacts, dict[str, Any]]:
    """A sync file, and what is in it."""
    path = site.folder / f"own-{next(site.numbers)}.json"
    facts = backups.make(site.url, path, profile=site.profile, format="sync", **wanted)
    return facts, json.loads(path.read_bytes())


def test_it_is_what_the_format_describes(site: Restoring) -> None:
    facts, told = made(site)
    metadata = told["metadata"]
    assert datetime.fromisoformat(metadata.pop("created_at")) <= datetime.now(UTC)
    assert metadata == {
        "version": "1.0",
        "backup_type": "full",
        "total_companies": 2,
        "total_attendance_records": 4,
    }
    for name, expected in (
        ("companies", [ams.company("Śląsk & Söhne", 7), ams.company("300045", 8)]),
        ("attendance_records", ams.of_small()),
    ):
        assert told[name] == ams.signed(expected)
        assert [list(record) for record in told[name]] == [[*record, "checksum"] for record in expected]
    assert (facts.records, facts.tables) == (6, {"core_company": 2, "core_attendancerecord": 4})
    assert any("4 of them have seconds" in remark for remark in facts.remarks)


def test_it_comes_back_as_nothing_to_do_and_fills_an_empty_site(site: Restoring, other: str) -> None:
    facts, told = made(site)
    path = Path(facts.path)
    assert counted(site.plan(path)) == {"same": 6}
    assert backups.check(path).records == 6
    second = Restoring(ams.schema(other), site.folder, profile="attendance")
    second.restore(path)
    assert made(second)[1]["attendance_records"] == told["attendance_records"]


def test_an_increment_holds_what_was_stamped_since_and_all_companies(site: Restoring) -> None:
    moment = ams.MADE + timedelta(days=1)
    stamps = {2: moment, 3: moment - timedelta(microseconds=1), 4: moment + timedelta(hours=1)}
    for number, stamp in stamps.items():
        sites.execute(
            site.url,
            f"UPDATE core_attendancerecord SET updated_at = '{stamp:%Y-%m-%d %H:%M:%S.%f}' WHERE id = {number}",
        )
    for since in (moment, moment.astimezone().replace(microsecond=moment.microsecond), moment.replace(tzinfo=None)):
        facts, told = made(site, since=since)
        assert [(each["ep_no"], each["date"]) for each in told["attendance_records"]] == [
            ("PP1", "2025-11-21"),
            ("PP2", "2025-11-21"),
        ]
        assert len(told["companies"]) == 2
        assert told["metadata"]["backup_type"] == "incremental"
        assert told["metadata"]["since_date"] == since.isoformat()
        assert told["metadata"]["total_attendance_records"] == 2
        assert (facts.kind, facts.records) == ("incremental", 4)
        assert any("deleted" in remark for remark in facts.remarks)
        assert counted(site.plan(Path(facts.path))) == {"same": 4}


def test_an_empty_site_makes_an_empty_file(sqlite: str, tmp_path: Path) -> None:
    site = Restoring(ams.schema(sqlite), tmp_path, profile="attendance")
    facts, told = made(site)
    assert (told["companies"], told["attendance_records"]) == ([], [])
    assert counted(site.plan(Path(facts.path))) == {}


def test_what_the_format_cannot_hold_is_refused(sqlite: str, tmp_path: Path) -> None:
    site = Restoring(ams.small(sqlite), tmp_path, profile="attendance")
    for wanted in ({"categories": ["people"]}, {"media": tmp_path}):
        with pytest.raises(FormatRefused):
            made(site, **wanted)
    (tmp_path / "library.sqlite").touch()
    library = Restoring(small_sites.library(f"sqlite:///{tmp_path / 'library.sqlite'}"), tmp_path)
    with pytest.raises(FormatRefused, match="knows no lists"):
        made(library)
    assert not list(tmp_path.glob("own-*"))


def test_values_of_any_kind_come_back(site: Restoring) -> None:
    odd = [
        ams.row(10, "PP<b>", 1, 7, ep_name='"; --\n\u2028\\ é', status="-0.5", shift=""),
        ams.row(11, "null", 2, 8, in_time=time(0, 0), out_time=None, overtime_to_mandays="08:00"),
    ]
    sites.write(site.url, {"core_attendancerecord": odd})
    facts, told = made(site)
    assert all(record["checksum"] == ams.checksum(record) for record in told["attendance_records"])
    assert counted(site.plan(Path(facts.path))) == {"same": 8}

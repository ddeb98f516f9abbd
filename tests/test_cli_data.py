"""The attendance system's own command names: the same work, two exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import attendance_sites as ams
from tests import sites
from webapp import cli


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMART_RESTORE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SECRET_KEY", "a key for tests that protects nothing at all")
    monkeypatch.setenv("SITE_FOLDERS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def url(sqlite: str) -> str:
    """The small attendance system, given to commands as an address."""
    return ams.small(sqlite)


def changed(folder: Path) -> str:
    """A sync file in which a row differs, one is new, and one names a company that nobody has."""
    told = [*ams.of_small(), ams.record("PP9", 20, "Neu"), ams.record("PP9", 21, "300045")]
    told[0] |= {"status": "WO"}
    return str(ams.file(folder / "changed.json", records=told))


def test_a_backup_and_its_restore(url: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert cli.main(["backup-data", "--type", "full", "--output", "full.json", "--site", url]) == 0
    told = json.loads((folder / "full.json").read_bytes())
    assert told["attendance_records"] == ams.signed(ams.of_small())
    assert "to the minute" in capsys.readouterr().err
    assert cli.main(["restore-data", "--input", "full.json", "--site", url]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert cli.main(["backup-data", "--type", "full", "--output", "full.json", "--site", url]) == 1


def test_a_backup_gets_a_name_of_its_own(url: str, folder: Path) -> None:
    assert cli.main(["backup-data", "--type", "incremental", "--since", "2025-11-22T09:00:01", "--site", url]) == 0
    (made,) = folder.glob("backup_incremental_*.json")
    told = json.loads(made.read_bytes())
    assert (len(told["companies"]), told["attendance_records"]) == (2, [])
    assert told["metadata"]["since_date"] == "2025-11-22T09:00:01+00:00"


def test_a_preview_counts_and_changes_nothing(url: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    before = sites.dump(url)
    assert cli.main(["restore-data", "--input", changed(folder), "--preview", "--site", url]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("To add: 3\nTo update: 1\nTo skip: 5\nConflicts: 0\n")
    assert "Companies: Neu" in told.out
    assert "Without --preview it is carried out" in told.err
    assert sites.dump(url) == before


@pytest.mark.parametrize(("strategy", "status"), [("backup_wins", "WO"), ("database_wins", "P")])
def test_a_strategy_says_who_wins(url: str, folder: Path, strategy: str, status: str) -> None:
    assert cli.main(["restore-data", "--input", changed(folder), "--strategy", strategy, "--site", url]) == 0
    assert sites.rows(url, "core_attendancerecord")[0]["status"] == status
    assert len(sites.rows(url, "core_attendancerecord")) == 6
    assert [row["name"] for row in sites.rows(url, "core_company")] == ["Śląsk & Söhne", "300045", "Neu"]


def test_manual_waits_until_every_row_is_decided(url: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    words = ["restore-data", "--input", changed(folder), "--strategy", "manual", "--site", url]
    before = sites.dump(url)
    assert cli.main(words) == 1
    told = capsys.readouterr()
    assert "Conflicts: 1" in told.out
    assert "status: 'P' in the database, 'WO' in the backup" in told.out
    assert "--decide core.attendancerecord:#3=backup" in told.out.replace(
        "'core.attendancerecord:#3=backup'", "core.attendancerecord:#3=backup"
    )
    assert "MODEL:*" in told.err
    assert sites.dump(url) == before
    assert cli.main([*words, "--decide", "core.attendancerecord:*=backup"]) == 0
    assert sites.rows(url, "core_attendancerecord")[0]["status"] == "WO"


def test_every_refusal_is_exit_status_1(url: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    wrong = ams.file(folder / "wrong.json", records=[ams.record("PP1", 20, "300045", checksum="0" * 64)])
    for words in (
        ["restore-data", "--input", "nothing.json", "--site", url],
        ["restore-data", "--input", str(wrong), "--site", url],
        ["backup-data", "--type", "incremental", "--site", url],
        ["backup-data", "--type", "full", "--since", "2025-01-01", "--site", url],
        ["backup-data", "--output", "nowhere/full.json", "--site", url],
    ):
        assert cli.main(words) == 1, words
        assert "Refused: " in capsys.readouterr().err
    assert cli.main(["restore-data", "--input", str(wrong), "--repair", "checksums", "--preview", "--site", url]) == 0
    assert sorted(path.name for path in folder.glob("*.json")) == ["wrong.json"]


def test_the_only_registered_site_needs_no_name(url: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert cli.main(["backup-data", "--json"]) == 1
    assert "not said which site" in capsys.readouterr().err
    assert cli.main(["sites", "add", "plant", url, "--profile", "attendance"]) == 0
    capsys.readouterr()
    assert cli.main(["backup-data", "--output", "full.json", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["format"], made["records"]) == ("sync", 6)
    (folder / "other.sqlite").touch()
    assert cli.main(["sites", "add", "other", ams.small(f"sqlite:///{folder / 'other.sqlite'}")]) == 0
    assert cli.main(["restore-data", "--input", "full.json"]) == 1
    assert "other, plant" in capsys.readouterr().err
    assert cli.main(["restore-data", "--input", "full.json", "--site", "other"]) == 0

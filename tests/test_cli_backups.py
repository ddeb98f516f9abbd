"""Backups from the command line: made, built on, looked over, refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import sites, small_sites
from webapp import cli
from webapp.cli import backup_parser
from webapp.engine import backups


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMART_RESTORE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> dict[str, object]:
    assert cli.main([*words, "--json"]) == status
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_the_command_line_offers_what_the_engine_writes() -> None:
    assert sorted(backup_parser.FORMATS) == sorted(backups.FORMATS)


def test_a_chain_is_made_verified_and_restored(sqlite: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    small_sites.library(sqlite)
    first = answer(capsys, "backup", "--site", sqlite, "--output", "0.srb")
    sites.execute(sqlite, "DELETE FROM library_loan WHERE id = 1")
    second = answer(capsys, "backup", "--site", sqlite, "--output", "1.srb", "--base", "0.srb")
    assert (second["kind"], second["base"], second["deleted"]) == ("incremental", first["id"], 1)
    loans = sites.contents(sqlite)["library_loan"]
    sites.execute(sqlite, "DELETE FROM library_loan")
    third = answer(capsys, "backup", "--site", sqlite, "--output", "2.srb", "--base", "1.srb")
    found = answer(capsys, "verify", "2.srb")
    assert (found["files"], found["records"]) == (["0.srb", "1.srb", "2.srb"], third["rows"])
    answer(capsys, "restore", "1.srb", "--site", sqlite, "--accounts", "restore", "--yes")
    assert sites.contents(sqlite)["library_loan"] == loans


def test_damage_is_told_with_exit_status_1(sqlite: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    small_sites.library(sqlite)
    answer(capsys, "backup", "--site", sqlite, "--output", "0.srb")
    answer(capsys, "backup", "--site", sqlite, "--output", "1.srb", "--base", "0.srb")
    whole = (folder / "0.srb").read_bytes()
    (folder / "0.srb").write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    for file in ("0.srb", "1.srb"):
        assert cli.main(["verify", file]) == 1
        said = capsys.readouterr()
        assert "damaged" in said.err
        assert said.out == ""
    (folder / "0.srb").unlink()
    assert answer(capsys, "verify", "1.srb", status=1)["problems"][0]["code"] == "base_missing"  # type: ignore[index]
    assert answer(capsys, "restore", "1.srb", "--site", sqlite, "--yes", status=1)["status"] == "refused"


def test_what_a_backup_by_time_misses_is_said(sqlite: str, capsys: pytest.CaptureFixture[str]) -> None:
    small_sites.school_small(sqlite)
    assert cli.main(["backup", "--site", sqlite, "--output", "new.srb", "--since", "2025-09-02"]) == 0
    assert "Deleted rows" in capsys.readouterr().err
    assert cli.main(["restore", "new.srb", "--site", sqlite, "--mode", "replace", "--yes"]) == 1
    assert "increment" in capsys.readouterr().err
    assert cli.main(["backup", "--site", sqlite, "--output", "x.srb", "--base", "new.srb"]) == 1
    assert "only rows since a time" in capsys.readouterr().err


def test_the_files_of_a_site_are_kept_once(sqlite: str, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    small_sites.library(sqlite)
    (folder / "media" / "covers").mkdir(parents=True)
    for name in ("a.png", "covers/b.png"):
        (folder / "media" / name).write_bytes(b"the same picture")
    made = answer(capsys, "backup", "--site", sqlite, "--output", "0.srb", "--media", "media")
    assert (made["files"], made["blobs"]) == (2, 1)
    (folder / "media" / "c.png").write_bytes(b"another picture")
    made = answer(capsys, "backup", "--site", sqlite, "--output", "1.srb", "--media", "media", "--base", "0.srb")
    assert (made["files"], made["blobs"]) == (3, 1)
    assert answer(capsys, "verify", "1.srb")["media"] == 3
    assert answer(capsys, "backup", "--site", sqlite, "--output", "2.srb", "--media", status=2)["status"] == "refused"

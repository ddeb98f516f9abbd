"""Drills, resets and the backup before a restore on the command line: real processes on real databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sites, small_sites
from tests.test_cli import CommandLine


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    """Runs commands."""
    return CommandLine(tmp_path)


def without_own(url: str) -> dict[str, list[sites.Row]]:
    return {name: rows for name, rows in sites.contents(url).items() if name not in sites.OWN_TABLES}


def test_a_drill_says_proven_or_why_not(run: CommandLine, site_database: str) -> None:
    small_sites.school_small(site_database)
    run.json("backup", "--site", site_database, "--output", "made.srb")
    before = sites.dump(site_database)
    assert run.json("drill", "made.srb", "--site", site_database)["proven"] is True
    shown = run("drill", "made.srb", "--site", site_database)
    assert shown.returncode == 0
    assert "Fee deposits, paid" in shown.stdout
    assert "Proven: restored whole" in shown.stdout
    assert sites.dump(site_database) == before
    made = run.folder / "made.srb"
    made.write_bytes(made.read_bytes()[:-100])
    assert run.json("drill", "made.srb", "--site", site_database, status=1)["proven"] is False


@pytest.mark.parametrize(
    "words", [[], ["made.srb"], ["--backup", "x", "--site", "school"], ["made.srb", "--backup", "x"]]
)
def test_a_drill_is_told_which_backup_is_meant(run: CommandLine, words: list[str]) -> None:
    done = run("drill", *words)
    assert done.returncode == 2
    assert "Give a file and --site, or --backup" in done.stderr


def test_a_stored_backup_that_is_not_there(run: CommandLine) -> None:
    done = run("drill", "--backup", "abc")
    assert done.returncode == 2
    assert "no stored backup whose id begins with abc" in done.stderr


def test_a_restore_saves_what_it_changes_and_that_leads_back(run: CommandLine, site_database: str) -> None:
    small_sites.school_small(site_database)
    run.json("backup", "--site", site_database, "--output", "made.srb")
    sites.execute(site_database, "UPDATE students_student SET first_name = 'Wrong' WHERE id IN (2, 3)")
    damaged = without_own(site_database)
    done = run("restore", "made.srb", "--site", site_database, "--yes", "--safety-output", "before.srb")
    assert done.returncode == 0, done.stderr
    assert "Backup from just before: before.srb" in done.stderr
    assert without_own(site_database) != damaged
    run.json("restore", "before.srb", "--site", site_database, "--mode", "replace", "--yes", "--no-safety")
    assert without_own(site_database) == damaged


def test_without_that_backup_nothing_is_changed(run: CommandLine, sqlite: str) -> None:
    small_sites.school_small(sqlite)
    run.json("backup", "--site", sqlite, "--output", "made.srb")
    sites.execute(sqlite, "UPDATE students_student SET first_name = 'Wrong' WHERE id = 2")
    before = sites.dump(sqlite)
    done = run("restore", "made.srb", "--site", sqlite, "--yes", "--safety-output", "nowhere/before.srb")
    assert done.returncode == 2
    assert sites.dump(sqlite) == before
    done = run("restore", "made.srb", "--site", sqlite, "--yes", "--no-safety")
    assert done.returncode == 0
    assert not list((run.folder / "data" / "receipts").glob("*.srb*"))


def test_a_reset_clears_behind_a_proven_backup_that_brings_all_back(run: CommandLine, site_database: str) -> None:
    small_sites.school_small(site_database)
    before = without_own(site_database)
    preview = run.json("reset", "--site", site_database, "--preview")
    rows = preview["removal"]
    assert rows > 0
    assert without_own(site_database) == before
    for words, status in (([], 2), (["--output", "b.srb"], 1), (["--output", "b.srb", "--confirm-removal", "1"], 1)):
        assert run("reset", "--site", site_database, "--yes", *words).returncode == status
        assert without_own(site_database) == before
        assert not (run.folder / "b.srb").exists()
    done = run.json("reset", "--site", site_database, "--yes", "--output", "b.srb", "--confirm-removal", str(rows))
    assert done["counts"]["delete"] == rows
    assert without_own(site_database)["students_student"] == []
    run.json("restore", "b.srb", "--site", site_database, "--yes", "--no-safety")
    assert without_own(site_database) == before


def test_a_site_without_a_reset_is_left_alone(run: CommandLine, sqlite: str) -> None:
    small_sites.library(sqlite)
    done = run("reset", "--site", sqlite, "--preview")
    assert done.returncode == 1
    assert "does not say what a reset" in done.stderr

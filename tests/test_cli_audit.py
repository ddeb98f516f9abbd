"""``smart-restore audit``: the audit from the command line."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

import pytest

from tests import small_sites
from tests.test_cli import CommandLine


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_the_audit_is_listed_exported_and_verified(run: CommandLine, tmp_path: Path) -> None:
    for name in ("meera", "=ravi"):
        run("user", "add", name, given="a horse that nobody rides\n")
    assert run("user", "add", "ravi", given="a horse that nobody rides\n").returncode == 0
    whole = run.json("audit", "verify")
    assert (whole["whole"], whole["entries"], whole["broken"]) == (True, 2, None)
    assert [row["subject"] for row in run.json("audit", "list", "--action", "user.create")] == ["ravi", "meera"]
    assert run.json("audit", "list", "--result", "failed") == []
    assert "user.create" in run("audit", "list", "--limit", "1").stdout

    file = tmp_path / "audit.csv"
    assert run("audit", "export", "--output", file).returncode == 0
    assert [row[4] for row in csv.reader(file.read_text().splitlines())] == ["subject", "meera", "ravi"]
    assert run("audit", "export", "--output", file).returncode != 0, "a file that is there is kept"
    assert [row["action"] for row in run.json("audit", "list", "--limit", "1")] == ["audit.export"]

    with sqlite3.connect(tmp_path / "data" / "app.sqlite") as database:
        database.execute("DELETE FROM audit_event WHERE id = 3")
    database.close()
    cut = run("audit", "verify")
    assert cut.returncode == 1
    assert "the last ones are missing" in cut.stderr

    assert run("audit", "renew").returncode == 0
    assert run.json("audit", "verify")["whole"]
    assert run.json("audit", "list", "--limit", "1")[0]["details"]["before"].endswith("the last ones are missing.")

    with sqlite3.connect(tmp_path / "data" / "app.sqlite") as database:
        database.execute("UPDATE audit_event SET username = 'somebody' WHERE id = 1")
    database.close()
    assert run.json("audit", "verify", status=1)["broken"] == 1
    assert run("audit", "renew").returncode == 1


def test_what_is_refused_on_a_registered_site_is_noted(run: CommandLine, tmp_path: Path) -> None:
    site = tmp_path / "site.sqlite"
    small_sites.school_small(f"sqlite:///{site}")
    assert run("sites", "add", "school", f"sqlite:///{site}").returncode == 0
    (tmp_path / "broken.json").write_text("[{")
    assert run("restore", "broken.json", "--site", "school", "--yes").returncode == 1
    assert run("backup", "--site", "school", "--output", "x.srb", "--category", "no such").returncode != 0
    said = run.json("audit", "list", "--result", "refused")
    assert [(row["action"], row["subject"], row["details"]["code"]) for row in said] == [
        ("backup", "school", "unknown_category"),
        ("restore", "school", "truncated_file"),
    ]


def test_a_day_that_is_none_is_wrong_usage(run: CommandLine) -> None:
    done = run("audit", "list", "--since", "yesterday")
    assert done.returncode == 2
    assert "2026-01-31" in done.stderr

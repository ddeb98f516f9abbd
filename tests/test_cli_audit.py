"""``smart-restore audit``: the audit from the command line."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

import pytest

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

    with sqlite3.connect(tmp_path / "data" / "app.sqlite") as database:
        database.execute("UPDATE audit_event SET username = 'somebody' WHERE id = 1")
    database.close()
    assert run.json("audit", "verify", status=1)["broken"] == 1


def test_a_day_that_is_none_is_wrong_usage(run: CommandLine) -> None:
    done = run("audit", "list", "--since", "yesterday")
    assert done.returncode == 2
    assert "2026-01-31" in done.stderr

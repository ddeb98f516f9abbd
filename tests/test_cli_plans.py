"""``smart-restore plans``: kept, changed, run and deleted from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import small_sites
from tests.test_cli import CommandLine


@pytest.fixture
def run(tmp_path: Path, sqlite: str) -> CommandLine:
    small_sites.school_small(sqlite)
    run = CommandLine(tmp_path)
    assert run("sites", "add", "school", sqlite, "--profile", "school").returncode == 0
    return run


def test_a_plan_from_its_beginning_to_its_end(run: CommandLine) -> None:
    added = run(
        "plans", "add", "school", "nightly", "--at", "01:30", "--timezone", "Asia/Kolkata", "--keep-days", "all"
    )
    assert (added.returncode, "Due next at" in added.stderr) == (0, True), added.stderr
    (plan,) = run.json("plans", "list")
    assert (plan["when"], plan["state"], plan["keep_days"], plan["keep_count"]) == (
        "daily at 01:30 (Asia/Kolkata)", "new", None, 10,
    )  # fmt: skip
    made = run.json("plans", "run", "nightly")
    assert (made["kind"], made["format"]) == ("full", "native")
    edited = run(
        "plans", "edit", "school/nightly", "--kind", "incremental", "--category", "transport", "--every", "hourly"
    )
    assert edited.returncode == 0, edited.stderr
    shown = run.json("plans", "show", str(plan["id"]))
    assert (shown["kind"], shown["categories"], shown["state"], shown["when"]) == (
        "incremental", ["transport"], "well", "every hour at minute 30",
    )  # fmt: skip
    assert [each["kept_because"] for each in shown["backups"]] == ["the last good one"]
    assert run("plans", "disable", "nightly").returncode == 0
    assert run.json("plans", "list", "--site", "school")[0]["state"] == "off"
    assert run("plans", "enable", "nightly").returncode == 0
    assert run("plans", "delete", "nightly").returncode == 2
    assert run("plans", "delete", "nightly", "--yes").returncode == 0
    assert run.json("plans", "list") == []


def test_every_template_can_be_taken(run: CommandLine) -> None:
    offered = run.json("plans", "templates")
    assert len(offered) == 7
    added = run("plans", "add", "school", "ours", "--template", "production_database_hourly", "--keep-count", "5")
    assert added.returncode == 0, added.stderr
    (plan,) = run.json("plans", "list")
    assert (plan["name"], plan["state"], plan["keep_days"], plan["keep_count"]) == ("ours", "off", 7, 5)


def test_what_cannot_be_is_refused_with_a_sentence(run: CommandLine) -> None:
    for words, sentence in (
        (("add", "school", "x", "--cron", "often"), "a cron line has five fields"),
        (("add", "school", "x", "--template", "none"), "There is no template none"),
        (("add", "school", "x", "--keep-days", "some"), "neither a number nor"),
        (("add", "nowhere", "x"), "no site named nowhere"),
        (("run", "nothing"), "no backup plan 'nothing'"),
    ):
        done = run("plans", *words)
        assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr


def test_a_run_that_fails_says_why_and_the_list_says_so_too(run: CommandLine, sqlite: str) -> None:
    assert run("plans", "add", "school", "nightly").returncode == 0
    Path(sqlite.removeprefix("sqlite:///")).write_bytes(b"this is no database any more, but a text" * 50)
    failed = run("plans", "run", "nightly")
    assert failed.returncode == 1
    assert "was not made" in failed.stderr
    (plan,) = run.json("plans", "list", status=1)
    assert plan["state"] == "failing"
    assert plan["last_problem"]

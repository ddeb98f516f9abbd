"""Restores into PostgreSQL that must not happen: they are refused, and the site is as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import sites
from tests.engine.postgresql_site import ask, planned, restore
from webapp.engine import commands
from webapp.engine.databases import open_database
from webapp.engine.errors import (
    AddressRefused,
    AlreadyApplied,
    Cancelled,
    NotVerified,
    OutcomeUnknown,
    Refusal,
    SiteBusy,
    SiteUnreachable,
    Stale,
    WriteRefused,
)


def refused(url: str, backup: Path, folder: Path, error: type[Refusal], in_between: Callable[[], None]) -> Refusal:
    """Plan a restore of spoilt books, let something happen, and see that the restore is refused and changes nothing."""
    sites.execute(url, "UPDATE library_book SET title = 'Spoilt'", "DELETE FROM library_loan")
    plan = planned(url, backup, folder)
    in_between()
    before = sites.dump(url)
    with pytest.raises(error) as caught:
        commands.apply_plan(folder / "plan", plan.digest, url, job="j1", receipt=folder / "r")
    assert sites.dump(url) == before
    assert commands.settle(url, "j1") == "absent"
    return caught.value


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE library_book SET title = 'Moved on' WHERE id = 3",
        "DELETE FROM library_book WHERE id = 4",
        "INSERT INTO library_loan (id, copy_id, reader, since) SELECT 2, id, 'Somebody', now() FROM library_copy LIMIT 1",
    ],
)
def test_a_plan_that_the_site_has_overtaken_is_stale(meanwhile: str, library: tuple[str, Path], tmp_path: Path) -> None:
    found = refused(*library, tmp_path, Stale, lambda: sites.execute(library[0], meanwhile))
    assert found.facts["pk"] in ("2", "3", "4")


def test_a_trigger_that_changes_what_is_written_is_found_out(library: tuple[str, Path], tmp_path: Path) -> None:
    function = (
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.title = upper(NEW.title); RETURN NEW; END $$",
        "CREATE TRIGGER shouting BEFORE UPDATE ON library_book FOR EACH ROW EXECUTE FUNCTION shout()",
    )
    assert refused(*library, tmp_path, NotVerified, lambda: sites.execute(library[0], *function)).facts["count"] == "3"
    assert "shouting" in " ".join(commands.check_site(library[0]).remarks)


def test_a_constraint_that_refuses_is_named(library: tuple[str, Path], tmp_path: Path) -> None:
    rule = "ALTER TABLE library_book ADD CONSTRAINT only_spoilt CHECK (title = 'Spoilt')"
    assert "only_spoilt" in refused(*library, tmp_path, WriteRefused, lambda: sites.execute(library[0], rule)).message


def test_only_one_restore_writes_at_a_time(library: tuple[str, Path], tmp_path: Path) -> None:
    database = open_database(library[0])
    sites.execute(library[0], "DELETE FROM library_loan")
    plan = planned(library[0], library[1], tmp_path)
    with database.writer(database.schema(), str(tmp_path / "plan"), lambda: None) as writer:
        writer.begin("first", "digest", [])
        with pytest.raises(SiteBusy):
            commands.apply_plan(tmp_path / "plan", plan.digest, library[0], job="j1", receipt=tmp_path / "r")
    commands.apply_plan(tmp_path / "plan", plan.digest, library[0], job="j1", receipt=tmp_path / "r")
    assert commands.settle(library[0], "first") == "absent"


def test_a_job_is_applied_once(library: tuple[str, Path], tmp_path: Path) -> None:
    for _ in range(2):
        sites.execute(library[0], "DELETE FROM library_loan")
        if commands.settle(library[0], "j1") == "absent":
            restore(*library, tmp_path)
    with pytest.raises(AlreadyApplied):
        restore(*library, tmp_path)


@pytest.mark.parametrize("phase", ["check", "write", "verify", "commit"])
def test_a_cancelled_restore_changes_nothing(phase: str, library: tuple[str, Path], tmp_path: Path) -> None:
    def report(now: str, done: int, total: int) -> None:
        if now == phase:
            raise Cancelled

    sites.execute(library[0], "UPDATE library_book SET title = 'Spoilt'", "DELETE FROM library_loan")
    before = sites.dump(library[0])
    with pytest.raises(Cancelled):
        restore(*library, tmp_path, report=report)
    assert sites.dump(library[0]) == before


@pytest.mark.parametrize("phase", ["check", "write", "verify", "commit"])
def test_a_cut_connection_leaves_the_site_as_it_was(phase: str, library: tuple[str, Path], tmp_path: Path) -> None:
    def report(now: str, done: int, total: int) -> None:
        if now == phase:
            ask(
                library[0],
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smart-restore'",
            )

    sites.execute(library[0], "UPDATE library_book SET title = 'Spoilt'", "DELETE FROM library_loan")
    before = sites.dump(library[0])
    with pytest.raises(WriteRefused):
        restore(*library, tmp_path, report=report)
    assert sites.dump(library[0]) == before
    assert commands.settle(library[0], "j1") == "absent"


def test_a_connection_that_is_lost_while_it_commits_leaves_the_question_to_the_journal(
    library: tuple[str, Path], tmp_path: Path
) -> None:
    database = open_database(library[0])
    planned(*library, tmp_path)
    with database.writer(database.schema(), str(tmp_path / "plan"), lambda: None) as writer:
        writer.begin("j1", "digest", [])
        ask(
            library[0],
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smart-restore'",
        )
        with pytest.raises(OutcomeUnknown):
            writer.commit()
    assert not database.settle("j1")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg2://u@h/d",
        "postgresql://u@h/d?options=-csearch_path=x",
        "postgresql://u@h/d?passfile=/etc/passwd",
        "postgresql://u@h/d?host=a&host=b",
        "postgresql://u@h",
    ],
)
def test_an_address_may_only_say_where(address: str) -> None:
    with pytest.raises(AddressRefused):
        open_database(address)


def test_a_password_is_told_to_nobody(tmp_path: Path) -> None:
    database = open_database(f"postgresql://clerk:hunter2@/school?host={tmp_path}&connect_timeout=2")
    assert "hunter2" not in database.address
    with pytest.raises(SiteUnreachable) as caught:
        database.schema()
    assert "hunter2" not in caught.value.message
    with pytest.raises(OutcomeUnknown):
        database.settle("j1")

"""PostgreSQL sites: every kind of column there and back, and every way in which a restore must not happen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import sites, small_sites
from tests.postgresql_server import PostgreSQLServer
from webapp.engine import commands
from webapp.engine.answers import Choices, Outcome, Plan
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

FULL = Choices(accounts="restore", accept_drift=True)

THINGS = """
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE DOMAIN code AS varchar(8) CHECK (VALUE <> '');
CREATE TABLE things (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  flag boolean, small smallint, large bigint, amount numeric(12, 3), loose numeric, single real, twice double precision,
  name varchar(40) UNIQUE, fixed char(4), note text NOT NULL DEFAULT 'none', mood mood, code code, born date, at time,
  zoned timestamptz, naive timestamp, spell interval, key uuid, doc json, docb jsonb, body bytea, address inet, net cidr,
  tags text[], numbers integer[][], span int4range, bits bit(3), loud text GENERATED ALWAYS AS (upper(name)) STORED
);
"""
ROWS = (
    r"""(true, -32768, 9223372036854775807, 123456789.125, 0.000000000000000000001, 0.1, 0.1, 'ज़ोया', 'ab',
    E'tab\t line\n return\r back\\slash \\N', 'calm', 'c1', '2024-02-29', '23:59:59.5',
    '2024-02-29 23:59:59.123456+05:30', '1999-12-31 23:59:59.1', '-1 days -02:03:04.000005',
    '00000000-0000-4000-8000-0000000000ff', '{"b": 1, "a": [1.50, null, "x\n"]}', '{"b": 1, "a": [1.50, null, "\\N"]}',
    '\x00ff5c', '192.0.2.7', '192.0.2.0/24', ARRAY['a', 'b c', NULL, '', '"q\'], '{{1,2},{3,4}}', '[1,5)', '101')""",
    r"""(false, 0, -9223372036854775808, -0.001, 12345678901234567890123, -1e-30, 1.7976931348623157e308, '', '', '\N',
    'cross', NULL, '0001-01-01', '00:00:00', '9999-12-31 23:59:59.999999+00', '0001-01-01 00:00:00', '3 days',
    NULL, 'null', '""', '', '10.0.0.0/8', NULL, '{}', NULL, 'empty', NULL)""",
    "(" + ", ".join(["NULL"] * 9) + ", 'x'" + ", NULL" * 17 + ")",
)
PLAIN = "to_jsonb(t) || jsonb_build_object('doc', t.doc::jsonb)"


def things(url: str, *rows: str) -> str:
    with psycopg.connect(url) as connection:
        connection.execute(THINGS)
        names = [
            row[0]
            for row in connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'things'::regclass AND attnum > 1 AND attgenerated = ''"
            )
        ]
        for row in rows:
            connection.execute(f"INSERT INTO things ({', '.join(names)}) VALUES {row}".encode())
    return url


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        return connection.execute(query.encode()).fetchall()


def planned(url: str, backup: Path, folder: Path, choices: Choices = FULL) -> Plan:
    return commands.make_plan(backup, url, stages=folder / "stages", output=folder / "plan", choices=choices)


def restore(
    url: str,
    backup: Path,
    folder: Path,
    choices: Choices = FULL,
    job: str = "j1",
    report: Callable[[str, int, int], None] = commands.quiet,
) -> Outcome:
    plan = planned(url, backup, folder, choices)
    assert plan.problems == ()
    return commands.apply_plan(
        folder / "plan", plan.digest, url, job=job, receipt=folder / job, confirm_removal=plan.removal, report=report
    )


@pytest.fixture
def other(postgresql_server: PostgreSQLServer) -> str:
    """A second empty database."""
    return postgresql_server.new_database()


@pytest.fixture
def library(postgresql: str, tmp_path: Path) -> tuple[str, Path]:
    """A library on PostgreSQL and a backup of it."""
    small_sites.library(postgresql)
    commands.backup(postgresql, tmp_path / "library.json")
    return postgresql, tmp_path / "library.json"


def test_every_kind_of_column_is_restored_as_it_was(postgresql: str, other: str, tmp_path: Path) -> None:
    things(postgresql, *ROWS)
    things(other)
    commands.backup(postgresql, tmp_path / "b.json")
    assert planned(postgresql, tmp_path / "b.json", tmp_path).counts.changes == 0
    assert restore(other, tmp_path / "b.json", tmp_path).counts.insert == len(ROWS)
    query = f"SELECT {PLAIN} FROM things t ORDER BY id"
    assert ask(other, query) == ask(postgresql, query)
    assert planned(other, tmp_path / "b.json", tmp_path).counts.changes == 0


def test_changed_values_of_every_kind_are_put_back(postgresql: str, tmp_path: Path) -> None:
    things(postgresql, *ROWS)
    query = f"SELECT {PLAIN} FROM things t ORDER BY id"
    before = ask(postgresql, query)
    commands.backup(postgresql, tmp_path / "b.json")
    columns = [row[0] for row in ask(postgresql, "SELECT jsonb_object_keys(to_jsonb(t)) FROM things t WHERE id = 1")]
    values = ", ".join(f"{name} = NULL" for name in columns if name not in ("id", "loud", "name", "note"))
    sites.execute(postgresql, f"UPDATE things SET {values}, note = 'lost' WHERE id < 3")
    assert restore(postgresql, tmp_path / "b.json", tmp_path).counts.update == 2
    assert ask(postgresql, query) == before


def test_values_without_a_form_in_a_backup_are_left_alone(postgresql: str, tmp_path: Path) -> None:
    things(postgresql, ROWS[2])
    strange = (
        "UPDATE things SET twice = 'NaN', single = '-Infinity', zoned = 'infinity', naive = '0044-03-15 10:00:00.5 BC',"
        " spell = '1 mon 2 days', loose = 'NaN', born = '-infinity', at = '24:00:00'"
    )
    sites.execute(postgresql, strange)
    before = ask(postgresql, "SELECT to_jsonb(t) FROM things t")
    commands.backup(postgresql, tmp_path / "b.json")
    plan = planned(postgresql, tmp_path / "b.json", tmp_path)
    assert (plan.counts.insert, plan.counts.update, plan.counts.delete) == (0, 0, 0)
    assert ask(postgresql, "SELECT to_jsonb(t) FROM things t") == before


def test_lists_as_django_writes_them_become_arrays(postgresql: str, tmp_path: Path) -> None:
    things(postgresql)
    record = sites.record("things.things", 1, note="n", tags='["a", "b c", null]', numbers=[[1, 2], [3, 4]])
    restore(postgresql, sites.fixture(tmp_path / "b.json", [record]), tmp_path)
    assert ask(postgresql, "SELECT tags, numbers FROM things") == [(["a", "b c", None], [[1, 2], [3, 4]])]


@pytest.mark.parametrize("school", [True, False], ids=["school", "library"])
def test_a_restore_into_an_empty_site_gives_the_same_site(
    school: bool, postgresql: str, other: str, tmp_path: Path
) -> None:
    (small_sites.school_small if school else small_sites.library)(postgresql)
    (sites.school_schema if school else sites.library_schema)(other)
    commands.backup(postgresql, tmp_path / "b.json")
    assert planned(postgresql, tmp_path / "b.json", tmp_path).counts.changes == 0
    restore(other, tmp_path / "b.json", tmp_path)
    ignored = {"django_migrations": [], "django_session": []} if school else {}
    assert sites.contents(other) == sites.contents(postgresql) | ignored
    assert planned(other, tmp_path / "b.json", tmp_path).counts.changes == 0


def test_new_rows_after_a_restore_get_new_keys(library: tuple[str, Path], other: str, tmp_path: Path) -> None:
    sites.library_schema(other)
    restore(other, library[1], tmp_path)
    sites.execute(other, "INSERT INTO library_author (name) VALUES ('Next')")
    assert ask(other, "SELECT id FROM library_author WHERE name = 'Next'") == [(4,)]


def test_replace_removes_and_puts_back(library: tuple[str, Path], tmp_path: Path) -> None:
    url, backup = library
    before = sites.contents(url)
    sites.execute(
        url,
        "INSERT INTO library_author (name) VALUES ('Extra')",
        "UPDATE library_book SET title = 'Spoilt', cover = 'x' WHERE id < 3",
        "DELETE FROM library_loan WHERE id = 2",
    )
    counts = restore(url, backup, tmp_path, Choices(remove=True)).counts
    assert (counts.insert, counts.update, counts.delete) == (1, 2, 1)
    assert sites.contents(url) == before


def test_rows_exchange_their_unique_values(library: tuple[str, Path], tmp_path: Path) -> None:
    url, backup = library
    before = sites.contents(url)
    sites.execute(
        url,
        "UPDATE library_publisher SET name = 'x' WHERE id = 1",
        "UPDATE library_publisher SET name = 'North' WHERE id = 2",
        "UPDATE library_publisher SET name = 'South' WHERE id = 1",
    )
    planned(url, backup, tmp_path)
    restore(url, backup, tmp_path)
    after = sites.contents(url)
    assert {row["name"] for row in after["library_publisher"]} == {"North", "South"}
    assert {name: rows for name, rows in after.items() if name not in ("library_publisher", "library_book")} == {
        name: rows for name, rows in before.items() if name not in ("library_publisher", "library_book")
    }


def test_a_cycle_of_references_that_are_checked_at_once_is_closed_by_an_update(
    postgresql: str, other: str, tmp_path: Path
) -> None:
    tables = (
        "CREATE TABLE teams (id serial PRIMARY KEY, name text UNIQUE, captain_id integer)",
        "CREATE TABLE players (id serial PRIMARY KEY, name text UNIQUE, rival_id integer REFERENCES players,"
        " team_id integer NOT NULL REFERENCES teams)",
        "ALTER TABLE teams ADD FOREIGN KEY (captain_id) REFERENCES players",
        "CREATE TABLE games (home integer REFERENCES teams, away integer REFERENCES teams, score text, PRIMARY KEY (home, away))",
    )
    for url in (postgresql, other):
        sites.execute(url, *tables)
    sites.execute(
        postgresql,
        "INSERT INTO teams (name) VALUES ('A'), ('B')",
        "INSERT INTO players (name, team_id, rival_id) VALUES ('p', 1, NULL), ('q', 2, 1), ('r', 2, NULL)",
        "UPDATE players SET rival_id = 3 WHERE id = 1",
        "UPDATE teams SET captain_id = id",
        "INSERT INTO games VALUES (1, 2, '3:1'), (2, 1, NULL)",
    )
    commands.backup(postgresql, tmp_path / "b.json")
    restore(other, tmp_path / "b.json", tmp_path)
    assert sites.contents(other) == sites.contents(postgresql)
    sites.execute(other, "UPDATE teams SET captain_id = NULL", "DELETE FROM players WHERE id = 2")
    restore(other, tmp_path / "b.json", tmp_path, job="j2")
    assert sites.contents(other) == sites.contents(postgresql)


# ---------------------------------------------------------------- refusals: nothing changes


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
    assert not database.applied("j1")


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
        database.applied("j1")

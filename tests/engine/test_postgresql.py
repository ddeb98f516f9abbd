"""PostgreSQL sites: every kind of column there and back, keys, cycles and removals."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests import sites, small_sites
from tests.engine.postgresql_site import FULL, ask, planned, restore
from webapp.demo.site import DemoSite
from webapp.engine import commands
from webapp.engine.answers import Choices

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


def test_a_table_of_many_columns_is_restored(postgresql: str, tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(250)]
    sites.execute(
        postgresql, f"CREATE TABLE wide (id serial PRIMARY KEY, {', '.join(f'{name} text' for name in names)})"
    )
    values = {name: f"{name} a\tb" if number % 3 else None for number, name in enumerate(names)}
    sites.write(postgresql, {"wide": [{"id": 7} | values]})
    before = sites.contents(postgresql)
    commands.backup(postgresql, tmp_path / "b.json")
    sites.execute(postgresql, "DELETE FROM wide")
    restore(postgresql, tmp_path / "b.json", tmp_path)
    assert sites.contents(postgresql) == before


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


def test_what_refers_to_removed_rows_goes_too_however_far(library: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = library
    kept = [sites.record("library.author", number, name=name) for number, name in ((2, "प्रेम दास"), (3, "O'Neil"))]
    sites.execute(url, "UPDATE library_author SET mentor_id = NULL", "UPDATE library_publisher SET flagship_id = NULL")
    choices = Choices(remove=True, on_referenced="remove")
    counts = restore(url, sites.fixture(tmp_path / "b.json", kept), tmp_path, choices).counts
    assert counts.delete == 1 + 2 + 2 + 2 + 3  # the author, books, tags, copies, loans
    assert ask(url, "SELECT id FROM library_book ORDER BY id") == [(2,), (3,)]


@pytest.mark.slow
def test_the_demo_school_is_repaired_as_it_is_on_sqlite(
    demo: DemoSite, demo_copy: str, postgresql: str, tmp_path: Path
) -> None:
    sites.school_schema(postgresql)
    commands.backup(demo_copy, tmp_path / "damaged.json", profile="school")
    restore(postgresql, tmp_path / "damaged.json", tmp_path, FULL, job="move")
    newest = Choices(on_conflict="newest")
    counts = restore(postgresql, demo.backup, tmp_path, newest, job="repair").counts
    assert counts == restore(demo_copy, demo.backup, tmp_path, newest, job="repair").counts
    assert counts.insert == sum(demo.lost.values())
    ignored = {"django_migrations", "django_session"}
    there, here = sites.contents(postgresql), sites.contents(demo_copy)
    for table in there.keys() - ignored:
        assert there[table] == here[table]
    assert planned(postgresql, demo.backup, tmp_path, newest).counts.changes == 0

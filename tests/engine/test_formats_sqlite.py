"""SQLite files from strangers: rows of base tables are read, and nothing that the file would have SQLite do."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import small_sites
from tests.restoring import Restoring
from webapp.engine import commands
from webapp.engine.errors import DatabaseFileRefused, FileRefused, LimitExceeded, MalformedFile
from webapp.engine.formats import recognise


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def made(path: Path, *statements: str) -> Path:
    """A database in which these were executed."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return path


def rows(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Labels and fields of all records."""
    blocks = recognise(path).blocks()
    return [(record.model, msgspec.json.decode(record.fields)) for block in blocks for record in block.records]


def test_values_are_typed_as_their_columns_are_declared(path: Path) -> None:
    made(
        path,
        "CREATE TABLE t (i integer, b bool, d decimal(10, 2), r real, s varchar(9), at datetime, day date, clock time,"
        ' u char(32), j text CHECK (json_valid("j")), x BLOB, n)',
        "INSERT INTO t VALUES (1, 1, 10.5, 0.1, 'é', '2024-05-01 10:00:00.5', '2024-05-01', '10:00', 'ab', '{\"a\": [1]}', x'00ff', 5)",
        "INSERT INTO t VALUES (9007199254740993, 0, 3, 2, '', '2024-05-01 10:00:00', NULL, '10:00:00.123', NULL, '[]', NULL, 'x')",
        "INSERT INTO t VALUES ('x', 2, 'y', 9e999, 7, 1714557600, 'z', x'00', 1, '1', 'text', NULL)",
    )
    first, second, third = [fields for _, fields in rows(path)]
    assert first == {
        "i": 1, "b": True, "d": "10.50", "r": 0.1, "s": "é", "at": "2024-05-01 10:00:00.5", "day": "2024-05-01",
        "clock": "10:00", "u": "ab", "j": {"a": [1]}, "x": "AP8=", "n": 5,
    }  # fmt: skip
    assert (second["i"], second["b"], second["d"], second["at"]) == (
        9007199254740993,
        False,
        "3.00",
        "2024-05-01T10:00:00Z",
    )
    assert second["clock"] == "10:00:00.123000"
    # What is not of the column's kind stays apart from everything that could be taken for it.
    assert (third["i"], third["b"], third["d"], third["r"], third["s"]) == ("x", 2, "y", "inf", "7")
    assert (third["clock"], third["x"]) == ({"bytes": "AA=="}, {"text": "text"})


def test_only_rows_of_base_tables_are_read(path: Path) -> None:
    made(
        path,
        "CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED NOT NULL, c text GENERATED ALWAYS AS (upper('x')) VIRTUAL)",
        "CREATE INDEX i ON t (abs(a)) WHERE lower('A') = 'a'",
        "INSERT INTO t (a) VALUES (1)",
        "CREATE VIEW v AS SELECT load_extension('/tmp/evil.so') AS a",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END",
        "CREATE VIRTUAL TABLE words USING fts5(text)",
        "INSERT INTO words VALUES ('hello')",
        "CREATE VIRTUAL TABLE places USING rtree(id, x0, x1)",
        "CREATE TABLE smart_restore_journal (job text)",
        "INSERT INTO smart_restore_journal VALUES ('x')",
        "CREATE TABLE k (id integer PRIMARY KEY AUTOINCREMENT, name text)",
        "INSERT INTO k (name) VALUES ('one')",
        'CREATE TABLE "odd ""name; DROP" ("select" text, "#" integer) ',
        'INSERT INTO "odd ""name; DROP" VALUES (\'a\', 1)',
        "CREATE TABLE w (id text PRIMARY KEY, n integer) WITHOUT ROWID",
        "INSERT INTO w VALUES ('k', 1)",
    )
    assert rows(path) == [
        ("k", {"id": 1, "name": "one"}),
        ('odd "name; DROP', {"select": "a", "#": 1}),
        ("t", {"a": 1}),
        ("w", {"id": "k", "n": 1}),
    ]


def schema_of(path: Path, *changes: str) -> Path:
    """Write into the schema itself, as nobody but an attacker would."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    for change in changes:
        connection.execute(change)
    connection.close()
    return path


REFUSED = [
    (["UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a integer, b text' WHERE name = 't'"], "its schema"),
    (["UPDATE sqlite_schema SET rootpage = 999 WHERE name = 't'"], "t"),
    (["UPDATE sqlite_schema SET rootpage = 1 WHERE name = 't'"], "t"),
    (["UPDATE sqlite_schema SET sql = 'CREATE VIEW t AS SELECT 1' WHERE name = 't'"], "t"),
    (["UPDATE sqlite_schema SET sql = 'SELECT 1' WHERE name = 't'"], "its schema"),
]


@pytest.mark.parametrize(("changes", "words"), REFUSED)
def test_a_forged_schema_is_refused(path: Path, changes: list[str], words: str) -> None:
    made(path, "CREATE TABLE t (a integer, b text)", "INSERT INTO t VALUES (1, 'x')")
    with pytest.raises(DatabaseFileRefused, match=words):
        rows(schema_of(path, *changes))


def test_a_schema_of_enormous_size_is_refused(path: Path) -> None:
    made(path, "BEGIN", *(f"CREATE TABLE t{number} (a integer)" for number in range(5_001)), "COMMIT")
    with pytest.raises(DatabaseFileRefused, match="more than 5,000 tables"):
        rows(path)


def test_an_endless_type_costs_nothing(path: Path) -> None:
    made(path, f"CREATE TABLE t (a {'very ' * 20_000} integer)", "INSERT INTO t VALUES (1)")
    assert rows(path) == [("t", {"a": 1})]


VALUES = [
    ("CREATE TABLE t (a text)", "INSERT INTO t VALUES (CAST(x'ff' AS TEXT))", DatabaseFileRefused, "UTF-8"),
    ("CREATE TABLE t (a text)", "INSERT INTO t VALUES ('a' || char(0) || 'b')", MalformedFile, "record 1"),
    ("CREATE TABLE t (a json)", "INSERT INTO t VALUES ('{}, \"b\": 1')", DatabaseFileRefused, "row 1 of the table t"),
    ("CREATE TABLE t (a json)", 'INSERT INTO t VALUES (\'{"b": 1, "b": 2}\')', DatabaseFileRefused, "no strict JSON"),
    ("CREATE TABLE t (a)", "INSERT INTO t VALUES (x'00')", DatabaseFileRefused, "says nothing of bytes"),
    ("CREATE TABLE t (a text)", "INSERT INTO t VALUES (hex(zeroblob(3000000)))", LimitExceeded, "bytes"),
]


@pytest.mark.parametrize(("table", "insert", "kind", "words"), VALUES)
def test_a_value_that_is_none_is_refused_by_its_row(
    path: Path, table: str, insert: str, kind: type[FileRefused], words: str
) -> None:
    with pytest.raises(kind, match=words):
        rows(made(path, table, insert))


def test_what_was_written_last_must_be_in_the_file(path: Path) -> None:
    made(path, "CREATE TABLE t (a integer)", "INSERT INTO t VALUES (1)")
    for ending in ("-wal", "-journal"):
        beside = path.with_name(path.name + ending)
        beside.write_bytes(b"x")
        with pytest.raises(DatabaseFileRefused, match=f"a.db{ending} beside it"):
            recognise(path)
        beside.write_bytes(b"")
        assert len(rows(path)) == 1
        beside.unlink()


def test_a_copy_of_a_database_in_wal_mode_says_so(path: Path, tmp_path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (a integer)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(DatabaseFileRefused, match="-wal beside it"):
        recognise(path)
    copy = Path(shutil.copy(path, tmp_path / "copy.db"))
    connection.close()
    assert "in WAL mode" in recognise(copy).format
    assert rows(copy) == []


def test_every_cut_is_found(path: Path) -> None:
    made(
        path,
        "CREATE TABLE t (a integer, b text)",
        "BEGIN",
        *(f"INSERT INTO t VALUES ({n}, '{'x' * 200}')" for n in range(200)),
        "COMMIT",
    )
    whole = path.read_bytes()
    for cut in (16, 50, 99, 100, 511, 4096, 4097, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(DatabaseFileRefused):
            rows(path)


def test_flipped_bytes_are_refused_or_read_and_never_a_mishap(path: Path) -> None:
    small_sites.library(f"sqlite:///{path}")
    whole = path.read_bytes()
    chance = random.Random(5)
    refused = 0
    for _ in range(300):
        text = bytearray(whole)
        for _ in range(chance.choice((1, 4, 40))):
            text[chance.randrange(16, len(text))] = chance.randrange(256)
        path.write_bytes(text)
        try:
            rows(path)
        except FileRefused:
            refused += 1
    assert refused > 50


def test_the_file_is_not_touched(path: Path, tmp_path: Path) -> None:
    small_sites.library(f"sqlite:///{path}")
    path.chmod(0o400)
    before = path.read_bytes(), path.stat().st_mtime_ns
    site = Restoring(f"sqlite:///{shutil.copy(path, tmp_path / 'site.db')}", tmp_path)
    (tmp_path / "site.db").chmod(0o600)
    assert commands.analyse(path, site.url, stages=tmp_path / "stages").origin.verdict == "same"
    assert site.plan(path, remove=True).counts.changes == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert sorted(each.name for each in tmp_path.glob("a.db*")) == ["a.db"]


def test_whole_numbers_of_a_decimal_column_keep_all_digits(path: Path) -> None:
    made(
        path,
        "CREATE TABLE t (two decimal(20, 2), none decimal(20, 0), free numeric)",
        "INSERT INTO t VALUES (9007199254740993, 9007199254740993, 1000000000000001)",
        "INSERT INTO t VALUES (-5, 0, 100)",
    )
    assert [fields for _, fields in rows(path)] == [
        {"two": "9007199254740993.00", "none": "9007199254740993", "free": "1000000000000001"},
        {"two": "-5.00", "none": "0", "free": "100"},
    ]


def test_an_infinite_number_among_bytes_is_not_lost(path: Path) -> None:
    made(path, "CREATE TABLE t (x BLOB)", "INSERT INTO t VALUES (9e999)", "INSERT INTO t VALUES (1.5)")
    assert [fields["x"] for _, fields in rows(path)] == [{"number": "inf"}, {"number": 1.5}]


def test_long_rows_are_not_gathered(path: Path) -> None:
    """A block ends with the row that fills it, so that memory does not grow with the length of rows."""
    made(path, "CREATE TABLE t (x BLOB)", *["INSERT INTO t VALUES (zeroblob(2000000))"] * 5)
    assert [len(block.records) for block in recognise(path).blocks()] == [1] * 5

"""A backup holds what the site holds, in the words of a Django fixture."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import sites, small_sites
from webapp.engine import commands, fixture, labels, profile, values
from webapp.engine.errors import Cancelled, UnknownCategory
from webapp.engine.formats import recognise
from webapp.engine.schema import Column, ForeignKey, Kind, Schema, Table
from webapp.engine.snapshot import Snapshot


def read(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found


class Given:
    """A reader of rows that a test made up."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows = rows

    def expose(self, *_: Any) -> None:
        raise NotImplementedError

    def count(self, table: str) -> int:
        return len(self._rows)

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Sequence[Any]]]:
        for start in range(0, len(self._rows), 3):
            yield self._rows[start : start + 3]

    def columns(self, table: str, columns: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        for batch in self.rows(table, columns):
            yield list(zip(*batch, strict=True))

    def greatest_key(self, table: str) -> int:
        return 0


def written(path: Path, table: Table, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    schema = Schema("sqlite", {table.name: table})
    path.unlink(missing_ok=True)
    fixture.write_fixture(
        Snapshot(
            output=path,
            site="made up",
            dialect="sqlite",
            schema=schema,
            profile=profile.load("generic"),
            reader=Given(rows),
            instant=datetime(2026, 3, 1, tzinfo=UTC),
            tables=(table.name,),
            report=commands.quiet,
        )
    )
    return read(path)


def column(name: str, kind: Kind, **facts: Any) -> Column:
    return Column(name, kind, True, kind.value, **facts)


EVERY_KIND = Table(
    "app_thing",
    (
        column("id", Kind.UUID),
        column("owner_id", Kind.INTEGER),
        column("count_id", Kind.INTEGER),
        column("flag", Kind.BOOLEAN),
        column("price", Kind.DECIMAL, scale=2, precision=10),
        column("weight", Kind.REAL),
        column("name", Kind.TEXT),
        column("day", Kind.DATE),
        column("hour", Kind.TIME),
        column("moment", Kind.INSTANT),
        column("length", Kind.DURATION),
        column("other_uuid", Kind.UUID),
        column("facts", Kind.JSON),
        column("data", Kind.BYTES),
        column("total", Kind.INTEGER, generated=True),
    ),
    ("id",),
    foreign_keys=(ForeignKey(("owner_id",), "app_owner", ("id",)),),
)


def test_every_kind_of_value_has_its_form(tmp_path: Path) -> None:
    rows = [
        (
            *("0f" * 16, 7, 8, 1, "3000.00", 0.1, 'अ\n"\\', "2026-02-01", "08:01:02.000003"),
            *("2026-02-01 03:04:05.000006", 93784000005, "ab" * 16, '{"b": [1.10, null],\n "a": "x"}', b"\x00\xff"),
        ),
        (*("1f" * 16,), *([None] * 13)),
    ]
    first, second = written(tmp_path / "x.json", EVERY_KIND, rows)
    assert first == {
        "model": "app.thing",
        "pk": "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f",
        "fields": {
            "owner": 7,
            "count_id": 8,
            "flag": True,
            "price": "3000.00",
            "weight": 0.1,
            "name": 'अ\n"\\',
            "day": "2026-02-01",
            "hour": "08:01:02.000003",
            "moment": "2026-02-01T03:04:05.000006Z",
            "length": "P1DT02H03M04.000005S",
            "other_uuid": "abababab-abab-abab-abab-abababababab",
            "facts": {"b": [1.1, None], "a": "x"},
            "data": "AP8=",
        },
    }
    assert set(second["fields"].values()) == {None}
    lines = (tmp_path / "x.json").read_text("utf-8").splitlines()
    assert len(lines) == 4, "one record on each line"
    assert "1.10" in lines[1], "numbers inside JSON stay digit for digit"


CANONICAL = {
    Kind.BOOLEAN: st.sampled_from([0, 1]),
    Kind.DECIMAL: st.decimals(-99999, 99999, places=2).map(lambda number: f"{number:.2f}".replace("-0.00", "0.00")),
    Kind.REAL: st.floats(allow_nan=False, allow_infinity=False),
    Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    Kind.DATE: st.dates().map(str),
    Kind.TIME: st.times().map(str),
    Kind.INSTANT: st.datetimes().map(str),
    Kind.DURATION: st.integers(-(10**17), 10**17),
    Kind.UUID: st.uuids().map(lambda value: value.hex),
    Kind.BYTES: st.binary(),
}


@given(data=st.data())
@pytest.mark.parametrize("kind", CANONICAL, ids=str)
def test_what_is_written_is_read_as_the_same_value(
    kind: Kind, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    facts = {"scale": 2, "precision": 10} if kind is Kind.DECIMAL else {}
    table = Table("app_thing", (column("id", Kind.INTEGER), column("value", kind, **facts)), ("id",))
    given_values = data.draw(st.lists(CANONICAL[kind] | st.none(), max_size=7))
    records = written(tmp_path_factory.getbasetemp() / f"{kind}.json", table, list(enumerate(given_values, 1)))
    found = [values.convert(table.columns[1], record["fields"]["value"]) for record in records]
    assert found == given_values


def test_what_json_has_no_word_for_is_not_written_as_null(tmp_path: Path) -> None:
    table = Table("app_thing", (column("id", Kind.INTEGER), column("weight", Kind.REAL)), ("id",))
    found = written(tmp_path / "x.json", table, [(1, float("inf")), (2, float("nan"))])
    assert [record["fields"]["weight"] for record in found] == ["inf", "nan"]


def test_odd_names_and_missing_keys_are_written(tmp_path: Path) -> None:
    table = Table("plants", (column('a "b" \\', Kind.TEXT), column("class", Kind.TEXT), column("ü", Kind.TEXT)), ())
    (found,) = written(tmp_path / "x.json", table, [("1", "2", "3")])
    assert found == {"model": "plants.plants", "fields": {'a "b" \\': "1", "class": "2", "ü": "3"}}


def test_a_backup_is_readable_by_its_owner_only_and_leaves_nothing_when_it_fails(tmp_path: Path, sqlite: str) -> None:
    small_sites.library(sqlite)
    output = tmp_path / "made.json"
    commands.backup(sqlite, output)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    before = output.read_bytes()

    def cancel(phase: str, done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        commands.backup(sqlite, output, report=cancel)
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.json", "site.sqlite"]


def test_the_reader_reads_every_record_of_a_backup(tmp_path: Path, site_database: str) -> None:
    small_sites.library(site_database)
    made = commands.backup(site_database, tmp_path / "made.json")
    source = recognise(tmp_path / "made.json")
    assert sum(len(block.records) for block in source.blocks()) == made.records
    counts = {name: len(rows) for name, rows in sites.contents(site_database).items()}
    assert dict(made.tables) == counts


def test_labels_lead_back_to_their_tables(sqlite: str, tmp_path: Path) -> None:
    small_sites.school_small(sqlite)
    commands.backup(sqlite, tmp_path / "made.json")
    schema = commands.open_database(sqlite).schema()
    school = profile.load("school")
    for label in {record["model"] for record in read(tmp_path / "made.json")}:
        table, _ = labels.find_table(label, schema, school)
        assert table is not None
        assert labels.label_of(table.name, school) == label


def test_an_unknown_category_is_refused(sqlite: str, tmp_path: Path) -> None:
    small_sites.school_small(sqlite)
    with pytest.raises(UnknownCategory):
        commands.backup(sqlite, tmp_path / "made.json", categories=("nonsense",))
    assert not (tmp_path / "made.json").exists()


def test_a_backup_is_one_moment_of_the_site(sqlite: str, tmp_path: Path) -> None:
    """Rows that are written while it runs are not in it."""
    small_sites.library(sqlite)
    path = sqlite.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    expected = {name: len(rows) for name, rows in sites.contents(sqlite).items()}
    interfered: list[int] = []

    def interfere(phase: str, done: int, total: int) -> None:
        if not interfered:
            interfered.append(done)
            sites.execute(sqlite, "INSERT INTO library_tag (code, title) VALUES ('late', 'Late')")
            sites.execute(sqlite, "DELETE FROM library_loan")

    made = commands.backup(sqlite, tmp_path / "made.json", report=interfere)
    assert interfered
    assert dict(made.tables) == expected

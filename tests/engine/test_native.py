"""A native backup gives back what the site held, and says what it holds."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import sites, small_sites
from tests.engine.conftest import NOW
from tests.engine.test_round_trips import EVERYTHING, KINDS, Builder, Restore, kept
from tests.native_files import members
from webapp.demo import attendance, documents, school
from webapp.demo.attendance import create_demo_attendance
from webapp.demo.documents import create_demo_documents
from webapp.demo.school import create_demo_school
from webapp.engine import backups, commands
from webapp.engine.errors import RowRefused
from webapp.engine.folder import OWN
from webapp.engine.formats import native_index
from webapp.engine.formats import native_layout as layout
from webapp.engine.formats.compression import Inflated
from webapp.engine.native_archive import Packed
from webapp.engine.output import appearing


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
@pytest.mark.parametrize(("build", "schema"), KINDS)
def test_a_backup_restored_into_an_empty_schema_is_equal_row_by_row(
    request: pytest.FixtureRequest, tmp_path: Path, source: str, target: str, build: Builder, schema: Builder
) -> None:
    here, there = build(request.getfixturevalue(source)), schema(request.getfixturevalue(target))
    made = backups.make(here, tmp_path / "all.srb")
    assert backups.check(tmp_path / "all.srb").records == made.records == made.rows
    restore = Restore(there, tmp_path)
    restore.run(tmp_path / "all.srb")
    assert kept(there) == kept(here)
    assert restore.plan(tmp_path / "all.srb").counts.changes == 0


def test_any_program_for_zips_can_open_it(sqlite: str, tmp_path: Path) -> None:
    small_sites.library(sqlite)
    made = backups.make(sqlite, tmp_path / "all.srb")
    with zipfile.ZipFile(tmp_path / "all.srb") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        lines = sum(archive.read(name).count(b"\n") for name in names if name.startswith("tables/"))
    assert lines == made.records
    assert names[-2:] == ["files.jsonl", "manifest.json"]


def test_a_chain_restores_the_state_of_its_last_point(site_database: str, tmp_path: Path) -> None:
    small_sites.library(site_database)
    first = backups.make(site_database, tmp_path / "0.srb")
    sites.execute(site_database, "UPDATE library_book SET title = 'renamed' WHERE id = 1")
    sites.execute(site_database, "DELETE FROM library_loan WHERE id = 1")
    expected = kept(site_database)
    second = backups.make(site_database, tmp_path / "1.srb", base=[tmp_path / "0.srb"])
    assert (second.kind, second.base, second.records, second.deleted) == ("incremental", first.id, 1, 1)
    chain = backups.find_chain(tmp_path / "1.srb")
    assert chain == [tmp_path / "0.srb", tmp_path / "1.srb"]
    assert backups.check(chain).records == second.rows == first.rows - 1
    sites.execute(site_database, "DELETE FROM library_loan")
    Restore(site_database, tmp_path).run(chain)
    assert kept(site_database) == expected


def test_of_copies_of_a_base_the_whole_one_is_taken(sqlite: str, tmp_path: Path) -> None:
    small_sites.library(sqlite)
    base = tmp_path / "b.srb"
    backups.make(sqlite, base)
    backups.make(sqlite, tmp_path / "c.srb", base=[base])
    content = bytearray(base.read_bytes())
    content[100] ^= 1
    (tmp_path / "a.srb").write_bytes(content)

    assert backups.find_chain(tmp_path / "c.srb") == [base, tmp_path / "c.srb"]


def test_the_bytes_are_those_of_the_specification() -> None:
    """docs/formats.md, "Bytes": backups that exist must stay readable, so these never change."""
    entry = layout.Entry("ab", 8, 0x11223344, 5, 6, 7)
    rest = "00" * 16
    assert layout.header("ab", 8).hex() == (
        "504b0304" "2d00" "0808" "0800" "0000" "2100" "00000000" "ffffffff" "ffffffff" "0200" "1400" "6162" f"01001000{rest}"
    )  # fmt: skip
    assert layout.descriptor(entry).hex() == "504b07084433221105000000000000000600000000000000"
    assert layout.listed(entry).hex() == (
        "504b0102" "2d03" "2d00" "0808" "0800" "0000" "2100" "44332211" "ffffffff" "ffffffff" "0200" "1c00" "000000000000"
        "00008081" "ffffffff" "6162" "01001800" "0600000000000000" "0500000000000000" "0700000000000000"
    )  # fmt: skip
    assert layout.tail(3, 9, 8).hex() == (
        "504b0606" "2c00000000000000" "2d03" "2d00" "0000000000000000" "0300000000000000" "0300000000000000"
        "0800000000000000" "0900000000000000" "504b0607" "00000000" "1100000000000000" "01000000"
        "504b0506" "00000000" "ffffffffffffffffffffffff" "7200"
    )  # fmt: skip
    assert layout.seal("0" * 64) == b"Smart Restore backup 1, sha256 of what precedes: " + b"0" * 64 + b"\n"
    (line,) = native_index.index_lines(native_index.digests_of([b"{}"]), ["7"]).splitlines()
    assert line == hashlib.blake2b(b"{}", digest_size=16).hexdigest().encode() + b" 7"


def test_equal_rows_give_equal_bytes_but_for_name_and_time(sqlite: str, tmp_path: Path) -> None:
    small_sites.library(sqlite)
    for name in ("a", "b"):
        backups.make(sqlite, tmp_path / name)
    first, second = (members((tmp_path / name).read_bytes()) for name in ("a", "b"))
    assert first[:-1] == second[:-1]
    one, other = (json.loads(parts[-1].content) for parts in (first, second))
    assert {key for key in one if one[key] != other[key]} == {"id", "instant"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("'a' || char(0) || 'b'", "NUL"),
        ("replace(hex(zeroblob(2200000)), '0', 'x')", "bytes"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(sqlite: str, tmp_path: Path, value: str, reason: str) -> None:
    small_sites.library(sqlite)
    sites.execute(sqlite, f"UPDATE library_book SET title = {value} WHERE id = 3")
    with pytest.raises(RowRefused, match=f"row 3 of library_book .*{reason}"):
        backups.make(sqlite, tmp_path / "all.srb")
    assert not (tmp_path / "all.srb").exists()


def test_documents_with_double_names_are_not_written(sqlite: str, tmp_path: Path) -> None:
    small_sites.library(sqlite)
    sites.execute(sqlite, """UPDATE library_book SET facts = '{"a": 1, "a": 2}' WHERE id = 2""")
    with pytest.raises(RowRefused, match="row 2 of library_book"):
        backups.make(sqlite, tmp_path / "all.srb")


def test_a_backup_is_one_moment_of_the_site(site_database: str, tmp_path: Path) -> None:
    """Rows that are written while it runs are not in it, and its instant lies before them."""
    small_sites.library(site_database)
    if site_database.startswith("sqlite"):
        with sqlite3.connect(site_database.removeprefix("sqlite:///")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    expected = {name: len(rows) for name, rows in sites.contents(site_database).items()}
    before = datetime.now(UTC)
    interfered: list[datetime] = []

    def interfere(phase: str, done: int, total: int) -> None:
        if not interfered:
            sites.execute(
                site_database,
                "INSERT INTO library_tag (code, title) VALUES ('late', 'Late')",
                "DELETE FROM library_loan",
            )
            interfered.append(datetime.now(UTC))

    made = backups.make(site_database, tmp_path / "all.srb", report=interfere)
    assert before <= datetime.fromisoformat(made.instant) <= interfered[0]
    assert dict(made.tables) == expected
    assert backups.check(tmp_path / "all.srb").records == sum(expected.values())


def test_a_backup_by_time_holds_what_was_stamped_since(site_database: str, tmp_path: Path) -> None:
    """And what has no stamp, or lies in a table without one: what is not known to be old."""
    small_sites.school_small(site_database)
    mark = datetime(2026, 1, 1, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    students = sites.rows(site_database, "students_student")
    sites.execute(
        site_database,
        "UPDATE students_student SET updated_at = '2026-01-01 06:29:59'",
        f"UPDATE students_student SET updated_at = '2026-01-01 06:30:00' WHERE id = {students[0]['id']}",
    )
    made = backups.make(site_database, tmp_path / "new.srb", profile="school", since=mark)
    assert made.tables["students_student"] == 1 < len(students)
    assert (made.kind, made.base, made.since) == ("incremental", "", "2026-01-01T06:30:00.000000Z")
    assert "Deleted rows" in made.remarks[0]
    said = backups.manifest(tmp_path / "new.srb")
    assert said is not None
    by_name = {table.table: table for table in said.tables}
    assert by_name["students_student"].stamp == "updated_at"
    whole = [table for table in said.tables if not table.stamp]
    assert all(table.rows == len(sites.rows(site_database, table.table)) for table in whole)
    plan = Restore(site_database, tmp_path).plan(tmp_path / "new.srb")
    assert (plan.counts.same, plan.counts.changes) == (made.records, 0)


def test_a_site_without_rows_and_one_without_tables_are_backed_up(sqlite: str, tmp_path: Path) -> None:
    assert backups.make(sqlite, tmp_path / "0.srb").records == 0
    assert backups.check(tmp_path / "0.srb").records == 0
    sites.library_schema(sqlite)
    backups.make(sqlite, tmp_path / "1.srb")
    sites.write(sqlite, small_sites.library_rows())
    made = backups.make(sqlite, tmp_path / "2.srb", base=[tmp_path / "1.srb"])
    assert backups.check([tmp_path / "1.srb", tmp_path / "2.srb"]).records == made.rows == made.records > 0


@given(
    pieces=st.lists(
        st.one_of(st.binary(max_size=2000), st.builds(bytes.__mul__, st.binary(max_size=40), st.integers(0, 40_000))),
        max_size=8,
    )
)
@settings(max_examples=40)
def test_what_is_packed_is_unpacked_as_it_was(pieces: list[bytes]) -> None:
    """Padding against bombs included: any text, in any pieces."""
    written: list[bytes] = []
    packed = Packed(written.append)
    for piece in pieces:
        packed.feed(piece)
    packed.close()
    stored, text = b"".join(written), b"".join(pieces)
    stream = Inflated(io.BytesIO(stored), "deflate", size=len(stored), members=False)
    assert b"".join(iter(lambda: stream.read(1 << 20), b"")) == text
    assert (packed.size, packed.stored, packed.part.sha256) == (
        len(text),
        len(stored),
        hashlib.sha256(text).hexdigest(),
    )


def test_a_file_appears_whole_also_where_files_need_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    (tmp_path / "made").write_text("before")
    with pytest.raises(TypeError), appearing(tmp_path / "made") as output:
        output.write([b"half", b"whole"][0:1])  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert (tmp_path / "made").read_text() == "before"
    with appearing(tmp_path / "made") as output:
        output.write(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert (tmp_path / "made").read_text() == "whole"


# ---------------------------------------------------------------- the demo sites

DEMOS = {
    "school": (create_demo_school, school.SCHEMA),
    "documents": (create_demo_documents, documents.SCHEMA),
    "attendance": (create_demo_attendance, attendance.SCHEMA),
}


def held(folder: Path) -> dict[str, bytes]:
    """The files of a site, without what a restore keeps there to be undone."""
    found = (path for path in folder.rglob("*") if path.is_file() and OWN not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_site_comes_back_row_by_row_and_file_by_file(
    name: str, tmp_path: Path, postgresql: str, sqlite: str
) -> None:
    """From SQLite to PostgreSQL and from there to SQLite again, each time into an empty schema."""
    create, ddl = DEMOS[name]
    demo = create(tmp_path / "demo", now=NOW)
    expected, files = kept(demo.url), held(demo.media) if demo.media.is_dir() else {}
    here, media = demo.url, demo.media if files else None
    for number, there in enumerate((postgresql, sqlite)):
        sites.build(there, ddl.read_text("utf-8"))
        folder = tmp_path / f"{number}"
        (folder / "media").mkdir(parents=True)
        file = folder / "all.srb"
        made = backups.make(here, file, media=media)
        assert made.files == len(files)
        target = folder / "media" if files else None
        plan = commands.make_plan(file, there, stages=folder, output=folder / "plan", choices=EVERYTHING, media=target)
        assert plan.ready, plan.problems
        done = commands.apply_plan(
            folder / "plan", plan.digest, there, job=f"job-{number}", receipt=folder / "receipt", media=target,
            source=file,
        )  # fmt: skip
        assert done.status == "done"
        assert kept(there) == expected
        assert held(folder / "media") == files
        here, media = there, target

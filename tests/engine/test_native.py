"""A native backup gives back what the site held, and says what it holds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests import sites, small_sites
from tests.engine.test_round_trips import KINDS, Builder, Restore, kept
from webapp.engine import backups


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

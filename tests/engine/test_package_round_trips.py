"""A package that is written is read again: every row, every file; and what cannot be held is told."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from tests import document_sites, sites
from tests.paper_sites import Office, files, office
from webapp.engine import backups, commands, errors, package
from webapp.engine.answers import Choices


def written(site: Office, name: str = "written.tar.gz", **options: object) -> Path:
    path = site.folder / name
    backups.make(site.url, path, profile=site.profile, format="package", media=site.media, **options)  # type: ignore[arg-type]
    return path


def test_rows_and_files_come_back_as_they_were_and_then_there_is_nothing_to_do(
    site_database: str, tmp_path: Path
) -> None:
    site = office(site_database, tmp_path)
    package = written(site)
    assert backups.check(package).media == 5
    before, held = sites.dump(site.url), site.held()
    sites.execute(site.url, "DELETE FROM office_paper")
    for path in site.media.rglob("*.txt"):
        path.unlink()
    site.bring_back(package)
    assert [row for row in sites.dump(site.url).splitlines() if "smart_restore" not in row] == before.splitlines()
    assert site.held() == held == files()
    assert site.plan_of(package)[1].changes == 0


def test_a_package_is_laid_out_as_the_document_system_reads_it(sqlite: str, tmp_path: Path) -> None:
    with tarfile.open(written(office(sqlite, tmp_path))) as archive:
        assert archive.getnames() == [
            "./metadata.json",
            "./database/backup_metadata.json",
            "./database/checksum.txt",
            "./database/database_backup.json",
            "./storage/manifest.json",
            "./storage/documents/2026/one.txt",
            "./storage/documents/2026/two.txt",
            "./storage/media/letters/three.txt",
            "./storage/media/notes/loose.txt",
            "./storage/media/photos/meera.png",
        ]
        read = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    assert json.loads(read["./database/backup_metadata.json"]) == {
        "total_records": 6,
        "model_counts": {"office.paper": 4, "office.person": 2},
    }
    assert len(json.loads(read["./database/database_backup.json"])) == 6
    assert json.loads(read["./metadata.json"])["components"] == ["database", "storage"]
    said = json.loads(read["./storage/manifest.json"])["files"]
    assert said["media/letters/three.txt"]["size"] == len(files()["letters/three.txt"])


def test_rows_alone_and_files_alone(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    rows = tmp_path / "rows.tar.gz"
    backups.make(site.url, rows, profile=site.profile, format="package")
    assert site.plan_of(rows)[1].files is None
    loose = written(site, "files.tar.gz", rows=False)
    (site.media / "letters/three.txt").write_text("spoilt")
    sites.execute(site.url, "UPDATE office_paper SET title = 'Untitled' WHERE id = 3")
    outcome = site.bring_back(loose)
    assert outcome.counts.changes == 0
    assert site.held() == files()


def test_files_alone_out_of_a_whole_package_leave_rows_as_they_are(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    package = written(site)
    sites.execute(site.url, "DELETE FROM office_paper WHERE id = 3")
    (site.media / "letters/three.txt").unlink()
    outcome = site.bring_back(package, rows=False)
    assert outcome.counts.changes == 0
    assert site.held() == files()
    assert len(site.rows("office_paper")) == 3


def test_files_that_a_package_cannot_hold_are_told_and_the_rest_is_written(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    site.lay_out({"letters/THREE.txt": b"a twin", "letters/back\\slash": b"odd"})
    (site.media / "letters/link").symlink_to("/etc/passwd")
    made = backups.make(site.url, tmp_path / "out.tar.gz", profile=site.profile, format="package", media=site.media)
    assert made.files == 5
    assert any("the first is" in remark for remark in made.remarks)
    assert any("links" in remark for remark in made.remarks)
    assert backups.check(tmp_path / "out.tar.gz").media == 5


def test_a_package_of_blank_files_is_no_bomb_to_its_own_reader(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    site.lay_out({"scans/blank.bin": bytes(8_000_000)})
    package = written(site)
    assert package.stat().st_size < 300_000
    assert backups.check(package).media == 6


@pytest.mark.parametrize(("limit", "most"), [("MEMBERS", 14), ("LONGEST_MANIFEST", 300)])
def test_what_its_own_reader_would_refuse_is_not_written(
    sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    site = office(sqlite, tmp_path)
    monkeypatch.setattr(package, limit, most)
    with pytest.raises(errors.FormatRefused, match=r"no more than 4 files|more than 300 bytes"):
        written(site)
    assert not (site.folder / "written.tar.gz").exists()


def test_long_names_and_other_scripts_survive(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    names = {"documents/" + "long/" * 40 + "name.txt": b"1", "letters/पत्र é.txt": b"2", "x" * 200 + ".txt": b"3"}
    site.lay_out(names)
    package = written(site)
    for name in names:
        (site.media / name).unlink()
    site.bring_back(package)
    assert site.held() == {**files(), **names}


def test_a_package_holds_all_rows(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    with pytest.raises(errors.FormatRefused):
        backups.make(site.url, tmp_path / "x", profile=site.profile, format="package", base=[written(site)])


@pytest.mark.parametrize("format", ["package", "native"])
def test_the_demo_document_system_gets_its_lost_documents_and_their_files_back(
    site_database: str, tmp_path: Path, format: str
) -> None:
    media = tmp_path / "media"
    url = document_sites.documents_site(site_database, tmp_path)
    everything = {path.relative_to(media): path.read_bytes() for path in media.rglob("*") if path.is_file()}
    backup = tmp_path / "backup"
    made = backups.make(url, backup, format=format, media=media)
    assert made.files == len(everything) > 300
    gone = [row for row in sites.rows(url, "document_versions") if row["document_id"] % 7 == 0]
    doomed = {row["document_id"] for row in gone}
    for table, column in (
        ("document_versions", "document_id"),
        ("document_dependencies", "document_id"),
        ("document_dependencies", "depends_on_id"),
        ("document_access_logs", "document_id"),
    ):
        sites.execute(url, f"DELETE FROM {table} WHERE {column} - ({column} / 7) * 7 = 0")
    for row in gone:
        os.unlink(media / row["file_path"])
    spoilt = next(path for path in sorted(everything) if (media / path).exists())
    (media / spoilt).write_bytes(b"overwritten by mistake")
    outcome = _restore(url, backup, media, tmp_path, "first")
    assert len(doomed) > 40
    assert outcome.counts.insert >= len(gone)
    assert outcome.files.counts.insert == len(gone)
    assert outcome.files.counts.update == 1
    assert outcome.files.missing == 0
    held = {path.relative_to(media): path.read_bytes() for path in media.rglob("*") if path.is_file()}
    assert {path: text for path, text in held.items() if path.parts[0] != ".smart-restore"} == everything
    again = _restore(url, backup, media, tmp_path, "second")
    assert again.status == "nothing"


def _restore(url: str, backup: Path, media: Path, folder: Path, job: str):  # type: ignore[no-untyped-def]
    plan = commands.make_plan(
        backup, url, stages=folder / "stages", output=folder / f"{job}.plan", choices=Choices(), media=media
    )
    assert plan.problems == ()
    return commands.apply_plan(
        folder / f"{job}.plan", plan.digest, url, job=job, receipt=folder / f"{job}.receipt", media=media, source=backup
    )

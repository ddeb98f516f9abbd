"""Packages of the document system: read in any wrapping, held against what they say of themselves, refused when hostile."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import packages
from tests.paper_sites import Office, files, office, records
from webapp.engine import commands, errors

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture
def site(sqlite: str, tmp_path: Path) -> Office:
    return office(sqlite, tmp_path, empty=True)


def whole() -> dict[str, bytes]:
    return packages.contents(records(), files())


@pytest.mark.parametrize(
    "make",
    [
        lambda path, members: packages.tar(path, members),
        lambda path, members: packages.tar(path, members, before=""),
        lambda path, members: packages.tar(path, members, before="edms_migration_package_20260311/"),
        lambda path, members: packages.tar(path, members, mode="w"),
        lambda path, members: packages.tar(path, members, mode="w:xz"),
        lambda path, members: packages.tar(path, members, mode="w:bz2"),
        lambda path, members: packages.tar(path, dict(reversed(members.items()))),
        lambda path, members: packages.zipped(path, members),
        lambda path, members: packages.zipped(path, members, before="./"),
    ],
    ids=["tar.gz", "no dots", "a folder around", "tar", "tar.xz", "tar.bz2", "backwards", "zip", "zip with dots"],
)
def test_a_package_is_read_in_any_wrapping(
    site: Office, tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    outcome = site.bring_back(make(tmp_path / "package", whole()))
    assert outcome.counts.insert == 6
    assert site.held() == files()


def test_what_is_never_restored_is_said(site: Office) -> None:
    found = commands.analyse(site.package(), site.url, stages=site.folder / "stages", profile=site.profile)
    assert found.file.format == "Package of a document system, with a Django fixture"
    assert found.file.compression == "gzip"
    notes = " ".join(advice.text for advice in found.advice if advice.code == "file_note")
    assert "configuration (1), scripts (1)" in notes
    assert "look like secrets" in notes


@pytest.mark.parametrize(
    "left_out",
    ["metadata.json", "database/backup_metadata.json", "database/checksum.txt", "storage/manifest.json"],
)
def test_optional_parts_may_be_missing(site: Office, tmp_path: Path, left_out: str) -> None:
    members = whole()
    del members[left_out]
    site.bring_back(packages.tar(tmp_path / "package", members))
    assert site.held() == files()


def test_a_package_of_files_only_restores_files(site: Office, tmp_path: Path) -> None:
    members = {name: text for name, text in whole().items() if not name.startswith("database/")}
    outcome = site.bring_back(packages.tar(tmp_path / "package", members))
    assert outcome.counts.changes == 0
    assert site.held() == files()


def test_files_that_the_manifest_promises_in_vain_are_said(site: Office, tmp_path: Path) -> None:
    members = whole()
    del members["storage/documents/2026/one.txt"]
    package = packages.tar(tmp_path / "package", members)
    found = commands.analyse(package, site.url, stages=tmp_path / "stages", profile=site.profile)
    assert any("1 files that it does not hold" in advice.text for advice in found.advice)
    assert found.files is not None
    assert found.files.missing == 1


def _fallback(members: dict[str, bytes]) -> None:
    members["database/database_backup.json"] = b'{"error": "dumpdata failed", "note": "created as a fallback"}'
    del members["database/checksum.txt"]


def _checksum(members: dict[str, bytes]) -> None:
    members["database/database_backup.json"] += b"\n"


def _counts(members: dict[str, bytes]) -> None:
    said = json.loads(members["database/backup_metadata.json"])
    said["model_counts"]["office.paper"] = 5
    members["database/backup_metadata.json"] = json.dumps(said).encode()


def _total(members: dict[str, bytes]) -> None:
    members["database/backup_metadata.json"] = b'{"total_records": 7}'


def _file(members: dict[str, bytes]) -> None:
    members["storage/documents/2026/one.txt"] = b"This is documents/2026/two.txt.\n"


def _size(members: dict[str, bytes]) -> None:
    members["storage/documents/2026/one.txt"] += b"!"


def _cut(members: dict[str, bytes]) -> None:
    members["database/database_backup.json"] = members["database/database_backup.json"][:200]
    del members["database/checksum.txt"]


def _dump(members: dict[str, bytes]) -> None:
    for name in list(members):
        del members[name]
    members.update({"database.dump": b"-- PostgreSQL", "storage.tar.gz": b"", "manifest.json": b"{}"})


def _else(members: dict[str, bytes]) -> None:
    for name in list(members):
        del members[name]
    members["holiday.jpg"] = b"\xff\xd8"


@pytest.mark.parametrize(
    ("change", "refusal", "said"),
    [
        (_fallback, errors.EmptyBackup, "dumpdata failed"),
        (_checksum, errors.PackageRefused, "checksum.txt"),
        (_counts, errors.PackageRefused, "counts 5 records of office.paper, and database/database_backup.json holds 4"),
        (_total, errors.PackageRefused, "counts 7 records, and database/database_backup.json holds 6"),
        (_file, errors.PackageRefused, "documents/2026/one.txt is not the one of its manifest"),
        (_size, errors.PackageRefused, "documents/2026/one.txt"),
        (_cut, errors.TruncatedFile, "of database/database_backup.json"),
        (_dump, errors.TruncatedFile, "of database.dump"),
        (_else, errors.PackageRefused, "holds neither"),
    ],
)
@pytest.mark.parametrize("wrap", [packages.tar, packages.zipped])
def test_a_package_that_is_not_what_it_says_is_refused(
    site: Office, tmp_path: Path, change: Change, refusal: type[errors.Refusal], said: str, wrap: Callable[..., Path]
) -> None:
    members = whole()
    change(members)
    if wrap is packages.zipped and change in (_dump, _else):
        refusal, said = errors.FileRefused, "."  # a zip with such members is no package
    with pytest.raises(refusal, match=said):
        site.plan_of(wrap(tmp_path / "package", members))
    assert site.held() == {}


def test_salvage_reads_a_cut_fixture_inside_a_package_and_counts_are_not_held_against_it(
    site: Office, tmp_path: Path
) -> None:
    members = whole()
    _cut(members)
    package = packages.tar(tmp_path / "package", members)
    _, plan = site.plan_of(package, repairs=("salvage",))
    assert plan.partial
    assert 0 < plan.counts.insert < 6


# ---------------------------------------------------------------- hostile archives


def hostile_tar(path: Path, *infos: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in whole().items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
        for info, text in infos:
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "info",
    [
        member("../evil.txt"),
        member("storage/../../evil.txt"),
        member("/etc/cron.d/evil"),
        member("storage/media//evil.txt"),
        member("storage/media/a\\b"),
        member("storage/media/.smart-restore/x"),
        member("storage/.smart-restore/x"),
        member("storage/media/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("storage/media/link", tarfile.LNKTYPE, "./metadata.json"),
        member("storage/media/device", tarfile.CHRTYPE),
        member("storage/media/device", tarfile.BLKTYPE),
        member("storage/media/pipe", tarfile.FIFOTYPE),
        member("./metadata.json"),
        member("metadata.json"),
        member("./Storage/Documents/2026/ONE.txt"),
        member("./storage/media/LETTERS/three.txt"),
        member("./storage/letters/three.txt"),
        member("storage/media/" + "x" * 300),
        member("storage/media/" + "deep/" * 300 + "x"),
    ],
    ids=lambda info: f"{info.name[:40]} {info.type!r}",
)
def test_a_hostile_tar_is_refused(site: Office, tmp_path: Path, info: tarfile.TarInfo) -> None:
    before = sorted(tmp_path.rglob("*"))
    package = hostile_tar(tmp_path / "package", (info, b""))
    with pytest.raises(errors.FileRefused):
        site.plan_of(package)
    assert site.held() == {}
    left = {path.name for path in set(tmp_path.rglob("*")) - set(before)}
    assert left <= {"package", "stages"}


@pytest.mark.parametrize("size", ["\u00b2", "9" * 5000, "-1", "1_0", ""])
def test_a_size_that_is_no_number_is_refused(site: Office, tmp_path: Path, size: str) -> None:
    info = member("storage/media/x")
    info.pax_headers = {"size": size, "path": info.name}
    with pytest.raises(errors.FileRefused, match="a header in it is damaged"):
        site.plan_of(hostile_tar(tmp_path / "package", (info, b"")))


@pytest.mark.parametrize("inner", ["../evil.txt", "/etc/evil", "documents/a\\b", "documents/one.txt"])
def test_a_hostile_archive_inside_the_archive_is_refused(site: Office, tmp_path: Path, inner: str) -> None:
    with tarfile.open(tmp_path / "files", "w:gz") as archive:
        archive.addfile(member("documents/ONE.txt"), io.BytesIO())
        archive.addfile(member(inner), io.BytesIO())
    members = {"database.dump": b"", "storage.tar.gz": (tmp_path / "files").read_bytes(), "manifest.json": b"{}"}
    with pytest.raises(errors.PackageRefused):
        site.plan_of(packages.tar(tmp_path / "package", members, before="tmp_1/"))
    assert site.held() == {}


def test_what_is_called_an_archive_inside_must_be_one(site: Office, tmp_path: Path) -> None:
    for junk in (b"x", bytes(range(256)) * 8, b"PK\x03\x04" + bytes(600)):
        members = {"database.dump": b"", "storage.tar.gz": junk, "manifest.json": b"{}"}
        with pytest.raises(errors.FileRefused):
            site.plan_of(packages.tar(tmp_path / "package", members))


def hostile_zips() -> Iterator[tuple[str, Callable[[Path], None]]]:
    def entry(name: str, mode: int = 0o100644) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            with zipfile.ZipFile(path, "a") as archive:
                info = zipfile.ZipInfo(name)
                info.external_attr = mode << 16
                archive.writestr(info, b"x")

        return write

    yield "zip slip", entry("../evil.txt")
    yield "absolute", entry("/evil.txt")
    yield "link", entry("storage/media/link", 0o120777)
    yield "twin", entry("STORAGE/manifest.json")
    yield "drive", entry("C:/evil.txt")


@pytest.mark.parametrize("spoil", [each for _, each in hostile_zips()], ids=[name for name, _ in hostile_zips()])
def test_a_hostile_zip_is_refused(site: Office, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    package = packages.zipped(tmp_path / "package", whole())
    spoil(package)
    with pytest.raises(errors.FileRefused):
        site.plan_of(package)
    assert site.held() == {}


@pytest.mark.parametrize("wrap", [packages.tar, packages.zipped])
def test_a_bomb_is_refused_while_it_is_unpacked(site: Office, tmp_path: Path, wrap: Callable[..., Path]) -> None:
    members = whole() | {"storage/media/bomb": bytes(40_000_000)}
    package = wrap(tmp_path / "package", members)
    assert package.stat().st_size < 200_000
    with pytest.raises(errors.LimitExceeded):
        site.plan_of(package)


def test_every_truncation_and_flipped_byte_of_a_package_is_refused_or_changes_nothing(
    site: Office, tmp_path: Path
) -> None:
    original = site.package().read_bytes()
    wanted = {**files()}
    spoilt = tmp_path / "spoilt"
    for at in range(0, len(original), 29):
        for text in (original[:at], original[:at] + bytes([original[at] ^ 0x10]) + original[at + 1 :]):
            spoilt.write_bytes(text)
            try:
                path, plan = site.plan_of(spoilt)
            except errors.FileRefused:
                continue
            # A gzip header has a few bytes without meaning: the time, the system.
            assert plan.counts.insert == 6
            assert {row.pk for row in site.changes(path, "#files", "insert")} == set(wanted)

"""Compressed files and archives are opened under limits, and never trusted."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.fixture_files import COMPRESSIONS, as_array, overwrite, read_back, zipped
from webapp.engine.errors import ArchiveRefused, FileRefused, LimitExceeded, MalformedFile, TruncatedFile, UnknownFormat
from webapp.engine.formats import compression as limits
from webapp.engine.formats import recognise

RECORDS = [{"model": "a.b", "pk": pk, "fields": {"x": "y" * pk}} for pk in range(50)]
TEXT = as_array(RECORDS)
STREAMS = ("gzip", "bzip2", "xz", "lzma")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.sql.gz"


@pytest.mark.parametrize("name", STREAMS)
def test_streams_that_follow_each_other_are_one_text(file: Path, name: str) -> None:
    compress = COMPRESSIONS[name]
    overwrite(file, b"".join(compress(part) for part in (TEXT[:700], b"", TEXT[700:])))
    for chunk in (10, 1 << 20):
        assert read_back(file, chunk) == RECORDS


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("garbage", [b"\x00", b"\x1f", b"garbage", b"\x00" * 70_000])
def test_bytes_after_the_compressed_data_are_refused(file: Path, name: str, garbage: bytes) -> None:
    overwrite(file, COMPRESSIONS[name](TEXT) + garbage)
    with pytest.raises(ArchiveRefused, match="belong to nothing"):
        read_back(file)


@pytest.mark.parametrize("name", STREAMS)
def test_a_truncated_stream_is_called_truncated(file: Path, name: str) -> None:
    whole = COMPRESSIONS[name](TEXT)
    for length in range(6, len(whole)):
        overwrite(file, whole[:length])
        with pytest.raises(TruncatedFile, match="no end"):
            read_back(file)


@pytest.mark.parametrize("name", STREAMS)
def test_a_damaged_stream_is_called_damaged(file: Path, name: str) -> None:
    whole = bytearray(COMPRESSIONS[name](TEXT))
    whole[len(whole) // 2] ^= 0x55
    overwrite(file, whole)
    with pytest.raises(MalformedFile):
        read_back(file)


@pytest.mark.parametrize("outer", [*STREAMS, "zip"])
@pytest.mark.parametrize("inner", [*STREAMS, "zip"])
def test_compressed_data_inside_compressed_data_is_refused(file: Path, outer: str, inner: str) -> None:
    overwrite(file, COMPRESSIONS[outer](COMPRESSIONS[inner](TEXT)))
    with pytest.raises(UnknownFormat, match=f"{inner} data inside {outer} data"):
        recognise(file)


@pytest.mark.parametrize("name", [*STREAMS, "zip"])
def test_a_bomb_is_refused_long_before_it_is_unpacked(file: Path, name: str) -> None:
    text = b'[{"model": "a.b", "fields": {"x": "' + b"y" * 4_000_000 + b'"}}, '
    bomb = text * 5
    overwrite(file, COMPRESSIONS[name](bomb))
    source = recognise(file)
    assert source.size * 100 < len(bomb)
    with pytest.raises(LimitExceeded, match="100 times its size"):
        list(source.blocks())


def test_a_text_over_the_limit_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INFLATED", 1000)
    overwrite(file, gzip.compress(TEXT))
    with pytest.raises(LimitExceeded, match="more than 1,000 bytes"):
        read_back(file, 100)


def test_white_space_that_never_ends_is_a_bomb_too(file: Path) -> None:
    overwrite(file, gzip.compress(b" " * 30_000_000))
    with pytest.raises(LimitExceeded, match="100 times"):
        recognise(file)


def test_an_xz_that_wants_all_memory_is_refused(file: Path) -> None:
    # A stream whose block header asks for a dictionary of 1 GiB.
    flags = b"\x00\x00"
    header = bytes([2, 0, 0x21, 1, 36]) + b"\x00" * 3
    text = (
        b"\xfd7zXZ\x00" + flags + struct.pack("<I", zlib.crc32(flags)) + header + struct.pack("<I", zlib.crc32(header))
    )
    overwrite(file, text + b"\x01" * 64)
    with pytest.raises(LimitExceeded, match="bytes of memory"):
        recognise(file)


def _link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("backup.json")
    entry.create_system = 3
    entry.external_attr = 0o120777 << 16
    return entry


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (zipped(), "no member|cannot be read"),
        (zipped(("folder/", b"")), "0 members"),
        (zipped(("a.json", TEXT), ("b.json", TEXT)), "2 members"),
        (zipped(("a.json", TEXT), ("A.JSON", TEXT)), "same name"),
        (zipped(("../a.json", TEXT)), "leads out"),
        (zipped(("x/../../a.json", TEXT)), "leads out"),
        (zipped(("/etc/passwd", TEXT)), "leads out"),
        (zipped(("C:a.json", TEXT)), "not allowed"),
        (zipped(("..\\a.json", TEXT)), "not allowed"),
        (zipped((_link(), TEXT)), "link"),
        (zipped(("folder/", b"content")), "folder"),
        (zipped(("a.json", TEXT), method=zipfile.ZIP_BZIP2), "method 12"),
        (zipped(("a.json", TEXT), method=zipfile.ZIP_LZMA), "method 14"),
        (b"PK\x03\x04" + zipped(("a.json", TEXT)), "beginning"),
        (zipped(("a.json", TEXT)) + b"garbage", "belong to nothing|cannot be read"),
        (zipped(("a.json", TEXT))[:-30], "cannot be read"),
    ],
)
def test_an_archive_of_another_shape_is_refused(file: Path, archive: bytes, words: str) -> None:
    overwrite(file, archive)
    with pytest.raises(ArchiveRefused, match=words):
        read_back(file)


def test_folders_do_not_count_as_members(file: Path) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        overwrite(file, zipped(("folder/", b""), ("folder/données.json", TEXT), ("other/", b""), method=method))
        assert recognise(file).compression == "zip"
        assert read_back(file) == RECORDS


def _changed(central: int, local: int | None, form: str, value: int) -> bytes:
    """A zip with one number of its directory (and of its member's header) replaced."""
    archive = bytearray(zipped(("a.json", TEXT)))
    directory = archive.rindex(b"PK\x01\x02")
    struct.pack_into(form, archive, directory + central, value)
    if local is not None:
        struct.pack_into(form, archive, local, value)
    return bytes(archive)


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (_changed(8, 6, "<H", 1), "encrypted"),
        (_changed(8, None, "<H", 1), "encrypted"),
        (_changed(10, None, "<H", 0), "contradict"),
        (_changed(24, 22, "<I", len(TEXT) - 10), "has not the"),
        (_changed(24, 22, "<I", len(TEXT) + 10), "has not the"),
        (_changed(24, 22, "<I", 5), "has not the"),
        (_changed(20, 18, "<I", 10**6), "overlap"),
        (_changed(16, 14, "<I", 0xDEADBEEF), "checksum"),
        (_changed(42, None, "<I", 7), "beginning|contradict"),
        (zipped(("a.json", TEXT)).replace(b"a.json", b"b.json", 1), "contradict"),
    ],
)
def test_an_archive_that_lies_is_refused(file: Path, archive: bytes, words: str) -> None:
    overwrite(file, archive)
    with pytest.raises(ArchiveRefused, match=words):
        read_back(file)


def test_a_member_that_claims_too_few_stored_bytes_is_refused(file: Path) -> None:
    overwrite(file, _changed(20, 18, "<I", 20))
    with pytest.raises(FileRefused):
        read_back(file)


def test_overlapping_members_are_refused(file: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writing:
        writing.writestr("a.json", TEXT)
        twin = zipfile.ZipInfo("folder/")
        twin.header_offset = 4
        twin.CRC = twin.compress_size = twin.file_size = 0
        writing.filelist.append(twin)
        writing.NameToInfo["folder/"] = twin
    overwrite(file, archive.getvalue())
    with pytest.raises(ArchiveRefused, match="overlap"):
        read_back(file)


def test_the_facts_are_those_of_the_stored_bytes(file: Path) -> None:
    whole = bz2.compress(TEXT)
    overwrite(file, whole)
    source = recognise(file, "Friday.json")
    assert (source.name, source.compression, source.size) == ("Friday.json", "bzip2", len(whole))
    assert source.format == "Django fixture, JSON array"
    assert len(source.sha256) == 64
    overwrite(file, lzma.compress(TEXT))
    with pytest.raises(FileRefused, match="no longer the one"):
        list(source.blocks())

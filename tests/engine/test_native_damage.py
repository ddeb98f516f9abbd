"""No byte of a native backup can be lost or changed without being noticed before a row is read."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import sites, small_sites
from tests.native_files import Member, changed, manifest_changed, members, put_together, sealed, write
from webapp.engine import backups, commands
from webapp.engine.errors import FileRefused, LimitExceeded
from webapp.engine.formats import native_layout as layout
from webapp.engine.formats import recognise
from webapp.engine.formats.native_index import KnownKeys, whole_lines

TRUNCATIONS = 2_000
FLIPS = 10_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small backup with rows of every kind and with files."""
    folder = tmp_path_factory.mktemp("native")
    (folder / "site.sqlite").touch()
    (folder / "media").mkdir()
    (folder / "media" / "note.txt").write_text("a file\n" * 20)
    url = small_sites.library(f"sqlite:///{folder}/site.sqlite")
    backups.make(url, folder / "all.srb", media=folder / "media")
    return (folder / "all.srb").read_bytes()


def refusal(path: Path) -> FileRefused:
    """How a file is refused: when it is opened, and so before a row can be read."""
    with pytest.raises(FileRefused) as caught:
        recognise(path, path.name)
    assert caught.value.message
    assert "not known)" not in caught.value.message
    return caught.value


def test_every_truncation_is_refused(whole: bytes, tmp_path: Path) -> None:
    chosen = random.Random(4).sample(range(len(whole)), min(TRUNCATIONS, len(whole)))
    file = tmp_path / "cut.srb"
    for length in {*chosen, 0, 1, len(whole) - 1, len(whole) - layout.SEAL_SIZE}:
        file.write_bytes(whole[:length])
        refusal(file)


def test_every_flipped_bit_is_refused(whole: bytes, tmp_path: Path) -> None:
    rng = random.Random(5)
    places = list(range(len(whole) * 8))
    chosen = places if len(places) <= FLIPS else rng.sample(places, FLIPS)
    # The first header and the seal decide what the file is taken for: all of their bits.
    ends = [*range(8 * 100), *range(8 * (len(whole) - layout.SEAL_SIZE - layout.TAIL), 8 * len(whole))]
    path = write(tmp_path / "flipped.srb", whole)
    with path.open("r+b", buffering=0) as file:
        for bit in (*chosen, *ends):
            byte = bit // 8
            file.seek(byte)
            file.write(bytes([whole[byte] ^ 1 << bit % 8]))
            refusal(path)
            file.seek(byte)
            file.write(whole[byte : byte + 1])
    assert recognise(path).sha256


def test_what_follows_the_end_is_refused(whole: bytes, tmp_path: Path) -> None:
    for added in (b"\n", b"\0", whole):
        (tmp_path / "longer.srb").write_bytes(whole + added)
        refusal(tmp_path / "longer.srb")


# ---------------------------------------------------------------- files that were made to deceive, with a right seal


def table_of(parts: list[Member], word: str) -> str:
    return next(part.name for part in parts if part.name.startswith("tables/") and word in part.name)


def test_what_is_put_together_again_is_a_backup(whole: bytes, tmp_path: Path) -> None:
    """The tests below find their reason in what they change, and not in how they write it."""
    file = write(tmp_path / "same.srb", put_together(members(whole)))
    assert backups.check(file).records == backups.check(write(tmp_path / "whole.srb", whole)).records
    assert members(file.read_bytes()) == members(whole)


def swapped(parts: list[Member]) -> list[Member]:
    return [parts[1], parts[0], *parts[2:]]


MEMBERS: dict[str, Callable[[list[Member]], list[Member]]] = {
    "one is missing": lambda parts: parts[2:],
    "one is twice there": lambda parts: [parts[0], parts[0], *parts[1:]],
    "two have changed places": swapped,
    "one too many": lambda parts: [*parts[:-1], Member("media/" + "f" * 64, b"x"), parts[-1]],
    "one leads out": lambda parts: [Member("../" + parts[0].name, parts[0].content), *parts[1:]],
    "one is absolute": lambda parts: [Member("/etc/passwd", parts[0].content), *parts[1:]],
    "the manifest is not last": lambda parts: [parts[-1], *parts[:-1]],
    "no manifest": lambda parts: parts[:-1],
    "nothing": lambda parts: [],
    "a file's name is another content's": lambda parts: [
        Member("media/" + "e" * 64, part.content) if part.name.startswith("media/") else part for part in parts
    ],
}


@pytest.mark.parametrize("which", MEMBERS)
def test_other_members_are_refused(whole: bytes, tmp_path: Path, which: str) -> None:
    file = write(tmp_path / "made.srb", put_together(MEMBERS[which](members(whole))))
    with pytest.raises(FileRefused):
        backups.check(file)


LIES: dict[str, Callable[[layout.Entry], layout.Entry]] = {
    "size": lambda entry: replace(entry, size=entry.size + 1),
    "stored": lambda entry: replace(entry, stored=entry.stored - 1),
    "crc": lambda entry: replace(entry, crc=entry.crc ^ 1),
    "offset": lambda entry: replace(entry, offset=entry.offset + 1),
    "method": lambda entry: replace(entry, method=layout.STORED, size=entry.stored),
    "unknown method": lambda entry: replace(entry, method=12),
    "overlap": lambda entry: replace(entry, offset=0),
    "huge": lambda entry: replace(entry, size=1 << 62),
}


# The first member begins where an overlap would, and media are stored anyway.
LIARS = [
    (which, whom)
    for whom in ("tables/1-", "index/1-", "files.jsonl", "media/", "manifest.json")
    for which in LIES
    if (which, whom) not in (("overlap", "tables/1-"), ("method", "media/"))
]


@pytest.mark.parametrize(("which", "whom"), LIARS)
def test_lies_in_the_directory_are_refused(whole: bytes, tmp_path: Path, which: str, whom: str) -> None:
    def lie(entry: layout.Entry) -> layout.Entry:
        return LIES[which](entry) if entry.name.startswith(whom) else entry

    with pytest.raises(FileRefused):
        backups.check(write(tmp_path / "made.srb", put_together(members(whole), lie)))


def test_headers_that_say_more_are_refused(whole: bytes, tmp_path: Path) -> None:
    """An encrypted member, a comment, a link, bytes between members: nothing of it can be said in this layout."""
    body = whole[: -layout.SEAL_SIZE]
    directory = body.rfind(b"PK\x01\x02")
    for at, value in ((directory + 8, 0x09), (directory + 32, 1), (directory + 38, 0xFF), (directory + 36, 1)):
        made = body[:at] + bytes([value]) + body[at + 1 :]
        with pytest.raises(FileRefused):
            backups.check(write(tmp_path / "made.srb", sealed(made)))
    for made in (b"junk" + body, body[:directory] + b"junk" + body[directory:], body + b"junk"):
        with pytest.raises(FileRefused):
            backups.check(write(tmp_path / "made.srb", sealed(made)))


MANIFESTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "a newer version": lambda said: said.update(version=2),
    "another format": lambda said: said.update(format="other"),
    "no end": lambda said: said.update(end=False),
    "a count too many": lambda said: said["tables"][0].update(rows=10**6, changed=10**6),
    "fewer than there are": lambda said: said["tables"][-1].update(rows=0, changed=0),
    "below zero": lambda said: said["tables"][0].update(deleted=-1),
    "another digest": lambda said: said["tables"][0].update(digest="0" * 32),
    "no digest": lambda said: said["tables"][0].update(digest="../../etc/passwd"),
    "another sha256": lambda said: said["tables"][0]["records"].update(sha256="0" * 64),
    "another size": lambda said: said["tables"][0]["records"].update(size=1),
    "another label": lambda said: said["tables"][0].update(label="auth.user"),
    "a table twice": lambda said: said["tables"][1].update(table=said["tables"][0]["table"]),
    "an increment without a base": lambda said: said.update(kind="incremental"),
    "an unknown word": lambda said: said.update(extra=1),
    "files that are not there": lambda said: said["files"].update(files=9),
    "blobs that are not there": lambda said: said["files"].update(blobs=9),
    "a wild number of blobs": lambda said: said["files"].update(blobs=2**62),
}


@pytest.mark.parametrize("which", MANIFESTS)
def test_manifests_that_lie_are_refused(whole: bytes, tmp_path: Path, which: str) -> None:
    file = write(tmp_path / "made.srb", put_together(manifest_changed(members(whole), MANIFESTS[which])))
    with pytest.raises(FileRefused):
        backups.check(file)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", b"{" * 5000, b'{"format": "smart-restore-backup"}', b"\xff"]
)
def test_manifests_that_are_none_are_refused(whole: bytes, tmp_path: Path, text: bytes) -> None:
    parts = [*members(whole)[:-1], Member(layout.MANIFEST, text)]
    with pytest.raises(FileRefused):
        backups.check(write(tmp_path / "made.srb", put_together(parts)))


def test_a_part_that_is_not_the_manifests_is_refused_while_it_is_read(whole: bytes, tmp_path: Path) -> None:
    parts = members(whole)
    name = table_of(parts, "book")
    content = next(part.content for part in parts if part.name == name)
    other = content.replace(b'"title":"', b'"title":"x', 1)
    for told in (False, True):  # also when the manifest knows the new text, but the index does not
        with pytest.raises(FileRefused):
            backups.check(write(tmp_path / "made.srb", put_together(changed(parts, name, other, told=told))))


def test_records_of_another_model_are_refused(whole: bytes, tmp_path: Path) -> None:
    """A part gives rows of its own table and of no other, so that what is chosen by table is what is read."""
    parts = members(whole)
    name = table_of(parts, "book")
    content = next(part.content for part in parts if part.name == name)
    other = content.replace(b'"model":"library.book"', b'"model":"library.loan"', 1)
    assert other != content
    source = recognise(write(tmp_path / "made.srb", put_together(changed(parts, name, other))))
    with pytest.raises(FileRefused, match=r"library\.book"):
        list(source.blocks())


@pytest.mark.parametrize(
    "line",
    [
        b'{"path":"../up","sha256":"%b","size":1,"modified":""}\n',
        b'{"path":"/etc/passwd","sha256":"%b","size":1,"modified":""}\n',
        b'{"path":"a//b","sha256":"%b","size":1,"modified":""}\n',
        b'{"path":"a\\\\b","sha256":"%b","size":1,"modified":""}\n',
        b'{"path":"a\\nb","sha256":"%b","size":1,"modified":""}\n',
        b'{"path":"x","sha256":"%b","size":1,"modified":""}\n' * 2,
        b'{"path":"x"}\n',
        b"x\n",
        b"\n",
        b'{"path":"x","sha256":"%b","size":1,"modified":""}',
    ],
)
def test_paths_of_files_that_lead_out_are_refused(whole: bytes, tmp_path: Path, line: bytes) -> None:
    parts = members(whole)
    content = line.replace(b"%b", b"0" * 64)
    with pytest.raises(FileRefused):
        backups.check(write(tmp_path / "made.srb", put_together(changed(parts, layout.FILES, content))))


FACTS = {"path": "x", "sha256": "0" * 64, "size": 1, "modified": "2024-05-01T10:00:00Z"}


@pytest.mark.parametrize(
    "lie",
    [
        {"size": -1},
        {"size": 1 << 63},
        {"size": 10**100},
        {"sha256": "../" * 21 + "x"},
        {"sha256": "A" * 64},
        {"modified": "yesterday"},
        {"modified": "2024-05-01T10:00:00"},
        {"modified": "0001-01-01T00:00:00+14:00"},
        {"modified": "9999-12-31T23:59:59-14:00"},
    ],
    ids=str,
)
def test_facts_of_files_that_cannot_be_are_refused(
    sqlite: str, whole: bytes, tmp_path: Path, lie: dict[str, Any]
) -> None:
    """Before anything is compared with them: a plan would otherwise end in an error of its own."""
    small_sites.library(sqlite)

    def tell(manifest: dict[str, Any]) -> None:
        manifest["files"]["files"] = 1

    line = json.dumps({**FACTS, **lie}, separators=(",", ":")).encode() + b"\n"
    parts = manifest_changed(changed(members(whole), layout.FILES, line), tell)
    file = write(tmp_path / "made.srb", put_together(parts))
    with pytest.raises(FileRefused, match=r"cannot be|names no file"):
        commands.analyse(file, sqlite, stages=tmp_path / "stages")


def test_a_part_whose_size_the_manifest_denies_is_refused(whole: bytes, tmp_path: Path) -> None:
    parts = members(whole)
    number = int(table_of(parts, "book").partition("/")[2].partition("-")[0])

    def tell(manifest: dict[str, Any]) -> None:
        manifest["tables"][number - 1]["records"]["size"] = 0

    source = recognise(write(tmp_path / "made.srb", put_together(manifest_changed(parts, tell))))
    with pytest.raises(FileRefused, match="not the size"):
        list(source.blocks())


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    given = 0

    def pieces() -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield bytes(1 << 20)

    with pytest.raises(LimitExceeded):
        list(whole_lines(pieces()))
    assert given < 10


def test_a_key_of_other_digits_is_a_text() -> None:
    lines = f"{'0' * 32} \u00b2\n{'1' * 32} \u0663\n".encode()
    with KnownKeys([lines]) as known:
        assert known.fresh(["0" * 32, "1" * 32], ["\u00b2", "3"]) == [False, True]


def test_a_bomb_is_refused(whole: bytes, tmp_path: Path) -> None:
    parts = members(whole)
    name = table_of(parts, "book")
    file = write(tmp_path / "made.srb", put_together(changed(parts, name, b" " * (40 << 20))))
    assert file.stat().st_size < 1 << 20
    with pytest.raises(FileRefused, match="times its size"):
        backups.check(file)


def test_rows_that_are_all_alike_are_no_bomb(sqlite: str, tmp_path: Path) -> None:
    """What packs to almost nothing is padded, so that this program reads whatever it wrote."""
    sites.execute(sqlite, "CREATE TABLE log (line TEXT)")
    sites.execute(
        sqlite,
        "INSERT INTO log WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        " SELECT replace(hex(zeroblob(4000)), '0', 'x') FROM n",
    )
    backups.make(sqlite, tmp_path / "all.srb")
    assert backups.check(tmp_path / "all.srb").records == 3000
    assert (tmp_path / "all.srb").stat().st_size < 1 << 20

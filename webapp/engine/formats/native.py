"""Native backups (``.srb``): one file whose every byte is checked before a row is read."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import msgspec

from webapp.engine.answers import FilePart, Place, StoredFile
from webapp.engine.errors import BaseMissing, FileChanged, FileRefused, MalformedFile
from webapp.engine.formats import django_lines
from webapp.engine.formats.block import Block
from webapp.engine.formats.compression import Inflated
from webapp.engine.formats.native_index import whole_lines
from webapp.engine.formats.native_layout import (
    DEFLATED,
    MEDIA,
    SEAL_SIZE,
    STORED,
    Entry,
    check_seal,
    entry_size,
    is_native,
    open_member,
    read_entries,
    read_entry,
    read_last,
)
from webapp.engine.formats.native_manifest import (
    LARGEST,
    Manifest,
    ManifestTable,
    Part,
    decode,
    index_name,
    records_name,
)
from webapp.engine.formats.said import Said
from webapp.engine.formats.source import CHUNK, Report, quiet

TITLE = "Smart Restore backup"

_MEDIA_NAME = len(MEDIA) + 64


def fits(path: Path, start: bytes) -> bool:
    """Whether a file that begins so is a native backup; a damaged one is too, as long as its beginning or end shows it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - SEAL_SIZE))
        return is_native(start, file.read(SEAL_SIZE))


def open_container(path: Path, name: str, sha256: str, size: int, repairs: frozenset[str] = frozenset()) -> Native:
    """A native backup of which every byte is as it was written. Repairs are for other formats: this one is whole or refused.

    Raises:
        FileRefused
    """
    with path.open("rb") as file:
        found = check_seal(file)
        if sha256 and found != sha256:
            raise FileChanged(found=found[:12], expected=sha256[:12])
        return Native(path, name or path.name, found, file.seek(0, 2), *_read_layout(file))


def read_manifest(path: Path) -> Manifest | None:
    """What a file says of itself, None where it is no native backup. Its bytes are not checked."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - SEAL_SIZE))
        end = file.read(SEAL_SIZE)
        if not is_native(b"", end):
            return None
        return _manifest(file, read_last(file)[0])


def _manifest(file: BinaryIO, entry: Entry) -> Manifest:
    if entry.size > LARGEST:
        raise MalformedFile(where="in its manifest", reason=f"it has more than {LARGEST:,} bytes")
    return decode(b"".join(_unpacked(file, entry, CHUNK)))


def _read_layout(file: BinaryIO) -> tuple[Manifest, Mapping[str, Entry], int]:
    """The manifest, the members before the media, and where the directory's entries of media begin.

    Raises:
        ArchiveRefused, MalformedFile
    """
    last, members, offset, _ = read_last(file)
    manifest = _manifest(file, last)
    named = manifest.names()
    if members != len(named) + manifest.files.blobs + 1:
        raise MalformedFile(where="in its directory", reason="it has not the members that its manifest names")
    found: dict[str, Entry] = {}
    first_media = offset
    before = ""
    for number, entry in enumerate(read_entries(file, members, offset)):
        if number < len(named):
            expected, method = named[number], DEFLATED
            found[entry.name] = entry
            first_media += entry_size(entry.name)
        elif number < members - 1:
            digest = entry.name.removeprefix(MEDIA)
            expected, method = MEDIA + digest, STORED
            if len(digest) != 64 or digest.strip("0123456789abcdef") or digest <= before:
                raise MalformedFile(where="in its directory", reason=f"{entry.name} is no file's content in its order")
            before = digest
        else:
            expected, method = last.name, DEFLATED
        if entry.name != expected or entry.method != method:
            raise MalformedFile(where="in its directory", reason=f"it has {entry.name} where {expected} is expected")
    return manifest, found, first_media


def _unpacked(file: BinaryIO, entry: Entry, chunk: int) -> Iterator[bytes]:
    """A member's content, with its checksum and size as the directory has them."""
    open_member(file, entry)
    if entry.method == DEFLATED:
        stream = Inflated(file, "deflate", size=entry.stored, members=False)
        pieces = iter(lambda: stream.read(chunk), b"")
    else:
        pieces = _stored(file, entry.stored, chunk)
    crc = size = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
        size += len(piece)
        if size > entry.size:
            break
        yield piece
    if size != entry.size or crc != entry.crc:
        raise MalformedFile(where=f"in {entry.name}", reason="its content is not what its checksum names")


def _stored(file: BinaryIO, size: int, chunk: int) -> Iterator[bytes]:
    while size and (piece := file.read(min(chunk, size))):
        size -= len(piece)
        yield piece


_stored_file = msgspec.json.Decoder(StoredFile)


@dataclass(frozen=True)
class Native:
    """One native backup, checked. What a stage asks of a source, answered for a full one; increments are read by a chain."""

    path: Path
    name: str
    sha256: str
    size: int
    manifest: Manifest
    entries: Mapping[str, Entry]
    first_media: int
    compression: str = ""
    asked: frozenset[str] = frozenset()
    repairs: tuple[str, ...] = ()
    parts: tuple[FilePart, ...] = ()
    partial: bool = False

    @property
    def format(self) -> str:
        """A sentence."""
        if self.manifest.since:
            return f"{TITLE}, rows changed since {self.manifest.since}"
        return f"{TITLE}, increment" if self.manifest.base else TITLE

    @property
    def said(self) -> Said:
        """What the manifest says. An increment with a base counts as whole: it is read as the state that it leads to."""
        manifest = self.manifest
        return Said(
            made=manifest.instant,
            increment=bool(manifest.since),
            since=manifest.since,
            empty=() if manifest.since else tuple(each.label for each in manifest.tables if not each.rows),
        )

    @cached_property
    def numbered(self) -> dict[str, tuple[int, ManifestTable]]:
        """Its tables with their numbers, by name."""
        return {table.table: (number, table) for number, table in enumerate(self.manifest.tables, 1)}

    def blocks(self, report: Report = quiet, chunk: int = CHUNK) -> Iterator[Block]:
        """Yield the records, table by table.

        Raises:
            BaseMissing: it is an increment, which means nothing without what it builds on.
        """
        if self.manifest.base:
            raise BaseMissing(name=self.name, id=self.manifest.base.id, reason="it was not given")
        first = 1
        for number, table in enumerate(self.manifest.tables, 1):
            for block in self.read_table(number, table, first, report, chunk):
                first = block.first + len(block.records)
                yield block
        report("read", self.size, self.size)

    def read_table(
        self, number: int, table: ManifestTable, first: int, report: Report, chunk: int = CHUNK
    ) -> Iterator[Block]:
        """The records of one table in this file, numbered from ``first``; as many and as the manifest says."""
        name = records_name(number, table.table)
        stream = Pieces(self.read_part(name, table.records, chunk))
        count = 0
        for block in blocks_of(stream, name, table.label, first, chunk):
            count += len(block.records)
            yield block
            report(
                "read",
                self.entries[name].start + stream.given * self.entries[name].stored // table.records.size,
                self.size,
            )
        if count != table.changed:
            raise MalformedFile(
                where=f"in {name}", reason=f"it has {count:,} records where {table.changed:,} are named"
            )

    def read_part(self, name: str, part: Part, chunk: int = CHUNK) -> Iterator[bytes]:
        """The text of a part, whose size and sha256 are as the manifest has them.

        Raises:
            MalformedFile
        """
        hasher = hashlib.sha256()
        size = 0
        if part.size != self.entries[name].size:
            raise MalformedFile(where=f"in {name}", reason="it has not the size that the manifest names")
        with self.path.open("rb") as file:
            for piece in _unpacked(file, self.entries[name], chunk):
                hasher.update(piece)
                size += len(piece)
                yield piece
        if size != part.size or hasher.hexdigest() != part.sha256:
            raise MalformedFile(where=f"in {name}", reason="its sha256 is not the one that the manifest names")

    def read_index(self, number: int, table: ManifestTable) -> Iterator[bytes]:
        """A table's index, in pieces of whole lines."""
        return whole_lines(self.read_part(index_name(number, table.table), table.index))

    def files(self) -> Iterator[StoredFile]:
        """The media that the site had, by their paths.

        Raises:
            MalformedFile
        """
        count = 0
        before = ""
        for text in whole_lines(self.read_part("files.jsonl", self.manifest.files.listing)):
            for line in text.split(b"\n")[:-1]:
                try:
                    found = _stored_file.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    raise MalformedFile(where="in files.jsonl", reason=f"line {count + 1:,} names no file") from None
                if found.path <= before or not is_safe(found.path):
                    raise MalformedFile(where="in files.jsonl", reason=f"the path {found.path[:80]!r} is not allowed")
                before = found.path
                count += 1
                yield found
        if count != self.manifest.files.files:
            raise MalformedFile(where="in files.jsonl", reason="it has not as many files as the manifest names")

    def find_blob(self, sha256: str) -> Entry | None:
        """The member with a file's content. Its entries have one length and an order, so that none need be kept in memory."""
        length = entry_size(MEDIA + "0" * 64)
        low, high = 0, self.manifest.files.blobs
        with self.path.open("rb") as file:
            while low < high:
                middle = (low + high) // 2
                file.seek(self.first_media + middle * length)
                entry = read_entry(file)
                found = entry.name.removeprefix(MEDIA)
                if found == sha256:
                    return entry
                low, high = (middle + 1, high) if found < sha256 else (low, middle)
        return None

    def read_file(self, sha256: str) -> Iterator[bytes]:
        """The content of a file, checked while it streams.

        Raises:
            MalformedFile: it is not in this backup, or not what its name says.
        """
        entry = self.find_blob(sha256)
        if entry is None:
            raise MalformedFile(where="in its media", reason=f"the content {sha256[:12]} is missing")
        hasher = hashlib.sha256()
        with self.path.open("rb") as file:
            for piece in _unpacked(file, entry, CHUNK):
                hasher.update(piece)
                yield piece
        if hasher.hexdigest() != sha256:
            raise MalformedFile(where=f"in {entry.name}", reason="its content is not what its name says")


class Pieces:
    """Pieces of text as the stream that a format reads."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.given = 0
        self._pieces = pieces
        self._rest = b""

    @property
    def stored(self) -> int:
        """Bytes given so far."""
        return self.given

    def read(self, size: int) -> bytes:
        """At least one byte and at most ``size``; none at the end."""
        piece = self._rest or next(self._pieces, b"")
        self._rest = piece[size:]
        self.given += len(piece) - len(self._rest)
        return piece[:size]


def blocks_of(stream: Pieces, name: str, label: str, first: int, chunk: int) -> Iterator[Block]:
    """The records of a part, numbered from ``first``, all of one label."""
    try:
        for block in django_lines.read(stream, chunk):
            if any(record.model != label for record in block.records):
                raise MalformedFile(where=f"in {name}", reason=f"it has records that are no {label}")
            block.first += first - 1
            block.recoded = True  # a byte in an unpacked part helps nobody
            yield block
    except FileRefused as refused:
        facts = dict(refused.facts)
        place = refused.place
        if place.record is not None:
            facts["place"] = Place(record=place.record + first - 1, line=place.line)
            facts["where"] = f"in {name}, line {place.line}"
        raise type(refused)(**facts) from None


def is_safe(path: str) -> bool:
    """Whether a path is relative, plain, and stays where it begins."""
    parts = path.split("/")
    return (
        bool(path) and len(path) < 4096 and path.isprintable() and "\\" not in path and not {"", ".", ".."} & set(parts)
    )

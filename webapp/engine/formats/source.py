"""A backup file as bytes: what it is, and its records."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from webapp.engine.answers import Place
from webapp.engine.errors import EmptyFile, FileChanged, FileRefused, MalformedFile, UnknownFormat
from webapp.engine.formats.archive import Member
from webapp.engine.formats.block import Block
from webapp.engine.formats.compression import MAGIC, Inflated
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.scan import quote

Report = Callable[[str, int, int], None]

CHUNK = 1 << 20
"""Bytes of text that are read at once; memory is a small multiple of it."""

HEAD = 1 << 12

_BETWEEN_REPORTS = 0.25  # seconds

_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\xef\xbb\xbf", "UTF-8"),
)

_OTHERS = (
    (b"PGDMP", "a PostgreSQL dump of pg_dump"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"-- PostgreSQL database dump", "an SQL dump of PostgreSQL"),
    (b"-- MySQL dump", "an SQL dump of MySQL"),
    (b"-- MariaDB dump", "an SQL dump of MariaDB"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
    (b"<", "markup such as HTML or XML"),
    (b"\x00\x00\x00\x00", "zeros"),
)


class Format(Protocol):
    """What a module of a format has."""

    TITLE: str

    def fits(self, head: bytes) -> bool:
        """Whether a text that begins so is of this format."""

    def read(self, stream: Stream, chunk: int) -> Iterator[Block]:
        """Yield the records of a text."""


class _Counted(Stream, Protocol):
    @property
    def stored(self) -> int: ...


class _Plain:
    def __init__(self, file: BinaryIO) -> None:
        self.stored = 0
        self._file = file

    def read(self, size: int) -> bytes:
        text = self._file.read(size)
        self.stored += len(text)
        return text


def quiet(phase: str, done: int, total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Source:
    """A recognised backup file. ``size`` and ``sha256`` are of the bytes as they are stored."""

    path: Path
    name: str
    compression: str  # "", "gzip", "bzip2", "xz", "zip"
    format: str  # a sentence
    sha256: str
    size: int
    reader: Format

    def blocks(self, report: Report = quiet, chunk: int = CHUNK) -> Iterator[Block]:
        """Yield the records in the order of the file; raise the first refusal where it stands."""
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            if size != self.size:
                raise FileChanged(found=f"of {size:,} bytes", expected=f"{self.sha256} of {self.size:,} bytes")
            stream = _unpack(file, self.compression, size)
            told = time.monotonic()
            for block in self.reader.read(stream, chunk):
                yield block
                now = time.monotonic()
                if now - told >= _BETWEEN_REPORTS:
                    report("read", stream.stored, size)
                    told = now
            report("read", size, size)


def open_source(path: Path, name: str, formats: tuple[Format, ...]) -> Source:
    """Recognise a file by its content and take its fingerprint."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        file.seek(0)
        compression = _recognise_compression(file.read(8))
        file.seek(0)
        head = _read_head(_unpack(file, compression, size))
    for form in formats:
        if form.fits(head):
            return Source(path, name or path.name, compression, form.TITLE, sha256, size, form)
    raise _unknown(head, compression)


def _recognise_compression(start: bytes) -> str:
    return next((name for name, magic in MAGIC.items() if start.startswith(magic)), "")


def _unpack(file: BinaryIO, compression: str, size: int) -> _Counted:
    if compression == "zip":
        return Member(file, size)
    return Inflated(file, compression) if compression else _Plain(file)


def _read_head(stream: Stream) -> bytes:
    """The first bytes of the text from its first that is no white space."""
    head = b""
    while len(head) < HEAD:
        piece = stream.read(HEAD)
        if not piece:
            break
        head = (head + piece).lstrip(b" \t\r\n")
    if not head:
        raise EmptyFile
    return head


def _unknown(head: bytes, compression: str) -> FileRefused:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            reason = f"it begins with the byte order mark of {encoding}; a fixture is UTF-8 without one"
            return MalformedFile(where="at byte 0", reason=reason, place=Place(byte=0))
    if head[:2] in (b"[\x00", b"{\x00", b"\x00[", b"\x00{"):
        return MalformedFile(where="at byte 0", reason="it is UTF-16, a fixture is UTF-8", place=Place(byte=0))
    inner = _recognise_compression(head)
    if inner:
        return UnknownFormat(start=f"{inner} data inside {compression} data" if compression else f"{inner} data")
    if head.startswith(b"{"):
        return UnknownFormat(start="a single JSON object, not a list of records")
    if head[257:262] == b"ustar":
        return UnknownFormat(start="a tar archive")
    known = next((title for start, title in _OTHERS if head.startswith(start)), "")
    return UnknownFormat(start=known or quote(head[:40].partition(b"\n")[0]))

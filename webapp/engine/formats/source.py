"""A backup file as bytes: what it is, and its records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from webapp.engine.answers import FilePart, Place, StoredFile
from webapp.engine.errors import FileChanged, FileRefused, TruncatedFile
from webapp.engine.formats import mojibake
from webapp.engine.formats.block import Block
from webapp.engine.formats.concatenated import Series
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.said import Said
from webapp.engine.formats.streams import Forgiving, Reading

Report = Callable[[str, int, int], None]

CHUNK = 1 << 20
"""Bytes of text that are read at once; memory is a small multiple of it."""

_BETWEEN_REPORTS = 0.25  # seconds


class Format(Protocol):
    """What a module of a format has."""

    TITLE: str

    def fits(self, head: bytes) -> bool:
        """Whether a text that begins so is of this format."""

    def read(self, stream: Stream, chunk: int) -> Iterator[Block]:
        """Yield the records of a text."""


@runtime_checkable
class Telling(Format, Protocol):
    """A format whose files say more than their records, or are repaired by the format itself."""

    def read_telling(self, stream: Stream, chunk: int, asked: frozenset[str], said: Said) -> Iterator[Block]:
        """Yield the records of a text, and what else it says."""


def quiet(phase: str, done: int, total: int) -> None:
    """Report to nobody."""


class Records(Protocol):
    """What a stage asks of a source: a plain file, several files, or a container of another shape."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def size(self) -> int:
        """Bytes as they are stored."""

    @property
    def sha256(self) -> str:
        """Of the bytes as they are stored."""

    @property
    def format(self) -> str:
        """The format, as a sentence."""

    @property
    def compression(self) -> str:
        """How it is compressed; empty where it is not."""

    @property
    def asked(self) -> frozenset[str]:
        """Repairs that may be made."""

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was repaired; complete once the records have been read."""

    @property
    def parts(self) -> tuple[FilePart, ...]:
        """The files, where it is several."""

    @property
    def partial(self) -> bool:
        """Whether records are lost; known once the records have been read."""

    def blocks(self, report: Report = quiet) -> Iterator[Block]:
        """Yield the records; raise the first refusal where it stands."""


@runtime_checkable
class Carrier(Protocol):
    """A source that carries files beside its records."""

    def files(self) -> Iterator[StoredFile]:
        """The files, once the records have been read."""

    def read_file(self, sha256: str) -> Iterator[bytes]:
        """The content of a file, checked while it streams. In the order of :meth:`files` it costs one pass."""


@runtime_checkable
class Noted(Protocol):
    """A source of which there is something to say."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for a person; complete once the records have been read."""


@runtime_checkable
class Described(Protocol):
    """A source that says more of itself than its records do."""

    @property
    def said(self) -> Said:
        """What it says; complete once the records have been read."""


class Container(Protocol):
    """What a module has that reads files which are no stream of text: an archive, a database."""

    TITLE: str

    def fits(self, path: Path, start: bytes) -> bool:
        """Whether a file is of this kind; ``start`` are its first stored bytes, and more may be looked at."""

    def open_container(self, path: Path, name: str, sha256: str, size: int, repairs: frozenset[str]) -> Records:
        """The file's records, checked as far as they can be before a row is read."""


@dataclass(frozen=True)
class Source:
    """A recognised backup file. ``size`` and ``sha256`` are of the bytes as they are stored."""

    path: Path
    name: str
    compression: str  # "", "gzip", "bzip2", "xz", "lzma", "zip"
    format: str  # a sentence
    sha256: str
    size: int
    reader: Format
    reading: Reading
    asked: frozenset[str] = frozenset()  # repairs that may be made
    made: set[str] = field(default_factory=set)  # repairs that were needed so far
    said: Said = field(default_factory=Said)  # what else the file says

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was repaired; complete once the records have been read."""
        return tuple(sorted(self.made | self.said.repairs))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of it; complete once the records have been read."""
        return tuple(self.said.notes)

    @property
    def parts(self) -> tuple[FilePart, ...]:
        """No parts: it is one file."""
        return ()

    @property
    def partial(self) -> bool:
        """Whether records are lost; known once the records have been read."""
        return "salvage" in self.made

    def blocks(self, report: Report = quiet, chunk: int = CHUNK) -> Iterator[Block]:
        """Yield the records in the order of the file; raise the first refusal where it stands."""
        codec = mojibake.find_codec(self._read(quiet, chunk)) if "mojibake" in self.asked else None
        blocks = self._read(report, chunk)
        if self.reading.encoding:
            blocks = self._without_bytes(blocks)
        if codec is None:
            return blocks
        self.made.add("mojibake")
        return mojibake.turn_blocks_back(blocks, codec)

    def _read(self, report: Report, chunk: int) -> Iterator[Block]:
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            if size != self.size:
                raise FileChanged(found=f"of {size:,} bytes", expected=f"{self.sha256} of {self.size:,} bytes")
            unpacked = Forgiving(self.reading.unpack(file)) if "salvage" in self.asked else self.reading.unpack(file)
            stream = self.reading.open(file, unpacked)
            told = time.monotonic()
            records = 0
            try:
                for block in self._records(stream, chunk):
                    records += len(block.records)
                    yield block
                    now = time.monotonic()
                    if now - told >= _BETWEEN_REPORTS:
                        report("read", stream.stored, size)
                        told = now
            except TruncatedFile as cut:
                if "salvage" not in self.asked or not records:
                    raise self._at_original(cut, "salvage" if records else "") from None
                self.made.add("salvage")
            except FileRefused as refused:
                raise self._at_original(refused) from None
            if isinstance(unpacked, Forgiving) and unpacked.cut:
                self.made.add("salvage")
            report("read", size, size)

    def _records(self, stream: Stream, chunk: int) -> Iterator[Block]:
        if isinstance(self.reader, Telling):
            self.said.clear()
            yield from self.reader.read_telling(stream, chunk, self.asked, self.said)
            return
        if "concatenated" not in self.asked or "JSON" not in self.reader.TITLE:
            yield from self.reader.read(stream, chunk)
            return
        series = Series(stream, chunk)
        try:
            yield from series.blocks()
        finally:
            if series.needed:
                self.made.add("concatenated")

    def _at_original(self, refused: FileRefused, repair: str = "") -> FileRefused:
        """The refusal with the repair that would help, and with its byte as the file counts."""
        facts = dict(refused.facts)
        if repair:
            facts["repair"] = repair
        place = refused.place
        if self.reading.encoding and place.byte is not None and "reason" in facts:
            with self.path.open("rb") as file:
                byte = self.reading.find_original(file, place.byte)
            facts["place"] = Place(record=place.record, byte=byte, line=place.line)
            facts["where"] = str(facts.get("where", "")).replace(f"byte {place.byte:,}", f"byte {byte:,}")
        return type(refused)(**facts)

    def _without_bytes(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Places inside a recoded text have no byte that would help."""
        for block in blocks:
            block.recoded = True
            yield block

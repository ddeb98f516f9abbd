"""Members of an archive, whatever it is: a tar, packed or not, or a zip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, cast, get_args
from zipfile import ZipInfo

from webapp.engine.errors import FileRefused, LimitExceeded, PackageRefused
from webapp.engine.formats.archive import Member, find_members
from webapp.engine.formats.compression import INFLATED, RATIO, RATIO_FROM, Inflated
from webapp.engine.formats.streams import Counted, Reading, recognise_compression
from webapp.engine.formats.tar import BLOCK, MEMBERS, Tar

Packing = Literal["tar", "gzip", "bzip2", "xz", "lzma", "zip"]

DIRECTORY = 1 << 24
"""Bytes of a zip's directory that are looked at."""


class Found(Protocol):
    """A member that can be read until the next one is asked for."""

    name: str
    size: int
    modified: str

    def read(self, size: int) -> bytes:
        """At least one byte and at most ``size``; none at the end."""


def packing_of(path: Path, start: bytes) -> Packing | None:
    """How an archive is packed; None for a file that is none. Of a zip only the beginning is looked at."""
    kind = recognise_compression(start)
    if kind == "zip":
        return "zip"
    head = start
    if kind:
        head = b""
        with path.open("rb") as file, suppress(FileRefused):
            stream = Inflated(file, kind)
            while len(head) < BLOCK and (piece := stream.read(BLOCK - len(head))):
                head += piece
    if len(head) < BLOCK or head[257:262] != b"ustar":
        return None
    return cast(Packing, kind or "tar") if kind in ("", *get_args(Packing)) else None


def walk(path: Path, packing: Packing, size: int) -> Iterator[Found]:
    """All regular files of an archive, in its order."""
    with path.open("rb") as file:
        if packing != "zip":
            yield from Tar(_unpacked(file, packing)).members()
            return
        for found in _in_zip(file, size):
            yield _ZipMember(file, size, found)


def inside(member: Found) -> Iterator[Found]:
    """The regular files of a tar, packed or not, that is itself a member; none where it is empty.

    Raises:
        PackageRefused: it is no tar.
    """
    stream = _Begun(member)
    if not stream.start:
        return
    kind = recognise_compression(stream.start)
    if kind == "zip":
        raise PackageRefused(reason=f"its member {member.name[:80]!r} is a zip, where a tar is expected")
    yield from Tar(Inflated(cast(BinaryIO, stream), kind) if kind else stream).members()


class _Begun:
    """A member whose first bytes were looked at."""

    def __init__(self, member: Found) -> None:
        self.stored = 0
        self.start = b""
        while len(self.start) < BLOCK and (piece := member.read(BLOCK - len(self.start))):
            self.start += piece
        self._waiting = self.start
        self._member = member

    def read(self, size: int) -> bytes:
        if self._waiting:
            piece, self._waiting = self._waiting[:size], self._waiting[size:]
        else:
            piece = self._member.read(size)
        self.stored += len(piece)
        return piece


def zip_names(path: Path) -> list[str]:
    """The names of a zip's members."""
    with path.open("rb") as file:
        return [entry.filename for entry, _ in find_members(file, file.seek(0, 2), DIRECTORY)]


def fixture_reading(packing: Packing, size: int, member: str) -> Reading:
    """How the text of one member is read."""
    return _MemberReading(packing, size, packing=packing, member=member)


@dataclass(frozen=True)
class _MemberReading(Reading):
    packing: Packing = "tar"
    member: str = ""

    def unpack(self, file: BinaryIO) -> Counted:
        """The member as it is inside the archive."""
        file.seek(0)
        if self.packing == "zip":
            for found in _in_zip(file, self.size):
                if found[0].filename == self.member:
                    return Member(file, self.size, found)
        else:
            for member in Tar(_unpacked(file, self.packing)).members():
                if member.name == self.member:
                    return member
        raise PackageRefused(reason=f"its member {self.member[:80]!r} is gone")


def _unpacked(file: BinaryIO, packing: Packing) -> Counted:
    return _Stored(file) if packing == "tar" else Inflated(file, packing)


class _Stored:
    def __init__(self, file: BinaryIO) -> None:
        self.stored = 0
        self._file = file

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        self.stored += len(piece)
        return piece


def _in_zip(file: BinaryIO, size: int) -> list[tuple[ZipInfo, int]]:
    """The members of a zip; what they claim to unpack to is held against the caps, and each is held to its claim."""
    found = find_members(file, size, DIRECTORY)
    if len(found) > MEMBERS:
        raise PackageRefused(reason=f"it has more than {MEMBERS:,} members")
    inflated = sum(entry.file_size for entry, _ in found)
    if inflated > INFLATED or (inflated > RATIO_FROM and inflated > RATIO * size):
        raise LimitExceeded(where="in its directory", reason=f"it claims to unpack to {inflated:,} bytes")
    return found


class _ZipMember:
    def __init__(self, file: BinaryIO, size: int, found: tuple[ZipInfo, int]) -> None:
        entry, _ = found
        self.name = entry.filename
        self.size = entry.file_size
        self.modified = ""
        with suppress(ValueError):
            # A zip's clock has no zone; the package's manifest, where there is one, knows better.
            self.modified = datetime(*entry.date_time, tzinfo=UTC).isoformat()
        self._inner: Member | None = None
        self._where = (file, size, found)

    def read(self, size: int) -> bytes:
        """At least one byte and at most ``size``; none at the end."""
        if self._inner is None:
            self._inner = Member(*self._where)
        return self._inner.read(size)

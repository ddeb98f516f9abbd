"""The zip container of a native backup, byte for byte: what is written, and the only thing that is read.

Every header follows from a member's name, method, checksum, sizes and offset. So a reader takes those few numbers out of
the directory, writes the headers anew and compares: whatever else a zip could say, it cannot say here. docs/formats.md
specifies it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from webapp.engine.errors import ArchiveRefused, MalformedFile, TruncatedFile

STORED, DEFLATED = 0, 8

MANIFEST = "manifest.json"
FILES = "files.jsonl"
MEDIA = "media/"

_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_EXTRA = struct.pack("<2H2Q", 1, 16, 0, 0)
_DESCRIPTOR = struct.Struct("<4sI2Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_CENTRAL_EXTRA = struct.Struct("<2H3Q")
_ZIP64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")

_VERSION, _MADE_BY = 45, 3 << 8 | 45  # Zip64; made on a Unix
_FLAGS = 0x0808  # checksum and sizes follow the data; names are UTF-8
_MIDNIGHT, _DAY = 0, 0x21  # 1980-01-01, the first day that a zip knows: equal rows give equal bytes
_MODE = 0o100600 << 16  # a regular file
_ALL16, _ALL32 = 0xFFFF, 0xFFFFFFFF  # "see Zip64"

SEAL = b"Smart Restore backup 1, sha256 of what precedes: "
"""How the archive's comment begins; 64 hexadecimal digits and a line break follow, and nothing after them."""

SEAL_SIZE = len(SEAL) + 65
TAIL = _ZIP64.size + _LOCATOR.size + _END.size
"""Bytes between the directory and the seal."""

LONGEST_NAME = 100
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A member. ``stored`` and ``size`` are its bytes in the file and unpacked; ``offset`` is where its header begins."""

    name: str
    method: int
    crc: int
    stored: int
    size: int
    offset: int

    @property
    def start(self) -> int:
        """Where its data begins."""
        return self.offset + _LOCAL.size + len(self.name) + len(_LOCAL_EXTRA)

    @property
    def end(self) -> int:
        """Where the next header begins."""
        return self.start + self.stored + _DESCRIPTOR.size


def header(name: str, method: int) -> bytes:
    """What stands before a member's data."""
    return (
        _LOCAL.pack(
            b"PK\x03\x04", _VERSION, _FLAGS, method, _MIDNIGHT, _DAY, 0, _ALL32, _ALL32, len(name), len(_LOCAL_EXTRA)
        )
        + name.encode("ascii")
        + _LOCAL_EXTRA
    )


def descriptor(entry: Entry) -> bytes:
    """What stands behind a member's data."""
    return _DESCRIPTOR.pack(b"PK\x07\x08", entry.crc, entry.stored, entry.size)


def listed(entry: Entry) -> bytes:
    """A member's entry in the directory."""
    return (
        _CENTRAL.pack(
            *(b"PK\x01\x02", _MADE_BY, _VERSION, _FLAGS, entry.method, _MIDNIGHT, _DAY, entry.crc, _ALL32, _ALL32),
            *(len(entry.name), _CENTRAL_EXTRA.size, 0, 0, 0, _MODE, _ALL32),
        )
        + entry.name.encode("ascii")
        + _CENTRAL_EXTRA.pack(1, 24, entry.size, entry.stored, entry.offset)
    )


def tail(members: int, offset: int, size: int) -> bytes:
    """What stands behind the directory, which begins at ``offset`` and has ``size`` bytes, up to the seal."""
    return (
        _ZIP64.pack(b"PK\x06\x06", 44, _MADE_BY, _VERSION, 0, 0, members, members, size, offset)
        + _LOCATOR.pack(b"PK\x06\x07", 0, offset + size, 1)
        + _END.pack(b"PK\x05\x06", 0, 0, _ALL16, _ALL16, _ALL32, _ALL32, SEAL_SIZE)
    )


def seal(sha256: str) -> bytes:
    """The archive's comment: the last bytes of the file."""
    return SEAL + sha256.encode("ascii") + b"\n"


# ---------------------------------------------------------------- reading


def is_native(start: bytes, end: bytes) -> bool:
    """Whether a file with these first and last bytes is a native backup, whole or damaged."""
    first = start[: _LOCAL.size] == header("", STORED)[: _LOCAL.size]
    named = start[_LOCAL.size :].startswith((b"tables/1-", FILES.encode("ascii")))
    return (start.startswith(b"PK\x03\x04") and (named or first)) or end[-SEAL_SIZE:].startswith(SEAL)


def check_seal(file: BinaryIO, tell: Callable[[int], None] = lambda _: None) -> str:
    """Read a file from end to end, and see that every byte is as it was written; gives the file's own sha256.

    Raises:
        TruncatedFile, MalformedFile
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - SEAL_SIZE))
    found = file.read(SEAL_SIZE)
    if size < SEAL_SIZE + TAIL or not found.startswith(SEAL):
        raise TruncatedFile(where=f"at byte {size:,}", reason="the end marker of a Smart Restore backup is missing")
    file.seek(0)
    hasher = hashlib.sha256()
    left = size - SEAL_SIZE
    while left and (block := file.read(min(_BLOCK, left))):
        hasher.update(block)
        left -= len(block)
        tell(size - left)
    if found != seal(hasher.hexdigest()):
        raise MalformedFile(
            where=f"somewhere in its {size:,} bytes",
            reason="their sha256 is not the one that its end marker names",
        )
    hasher.update(found)
    return hasher.hexdigest()


def read_last(file: BinaryIO) -> tuple[Entry, int, int, int]:
    """The manifest's entry; how many members there are, and where their directory begins and ends.

    Raises:
        ArchiveRefused
    """
    end = file.seek(0, 2) - SEAL_SIZE - TAIL
    if end < 0:
        raise ArchiveRefused(reason="it is too short for a backup")
    file.seek(end)
    found = file.read(TAIL)
    try:
        members, size, offset = struct.unpack_from("<3Q", found, 32)
        if found != tail(members, offset, size) or offset + size != end:
            raise ArchiveRefused(reason="its end is not as this program writes it")
    except struct.error:
        raise ArchiveRefused(reason="its end cannot be read") from None
    file.seek(max(offset, end - entry_size(MANIFEST)))
    entry = read_entry(file)
    if entry.name != MANIFEST or file.tell() != end or entry.end != offset:
        raise ArchiveRefused(reason="its last member is not a manifest")
    return entry, members, offset, end


def entry_size(name: str) -> int:
    """Bytes of a member's entry in the directory."""
    return _CENTRAL.size + len(name) + _CENTRAL_EXTRA.size


def read_entry(file: BinaryIO) -> Entry:
    """The next entry of the directory, which must be exactly as this program writes it.

    Raises:
        ArchiveRefused
    """
    fixed = file.read(_CENTRAL.size)
    try:
        fields = _CENTRAL.unpack(fixed)
        method, crc, length = fields[4], fields[7], fields[10]
        if length > LONGEST_NAME:
            raise ArchiveRefused(reason="the name of a member is too long")
        rest = file.read(length + _CENTRAL_EXTRA.size)
        _, _, size, stored, offset = _CENTRAL_EXTRA.unpack(rest[length:])
        entry = Entry(rest[:length].decode("ascii"), method, crc, stored, size, offset)
    except (struct.error, UnicodeDecodeError):
        raise ArchiveRefused(reason="its directory cannot be read") from None
    if method not in (STORED, DEFLATED) or listed(entry) != fixed + rest:
        raise ArchiveRefused(reason="its directory is not as this program writes it")
    if method == STORED and stored != size:
        raise ArchiveRefused(reason="the sizes of a member contradict each other")
    return entry


def read_entries(file: BinaryIO, members: int, offset: int) -> Iterator[Entry]:
    """All entries, whose members follow each other without a gap from the first byte on.

    Raises:
        ArchiveRefused
    """
    file.seek(offset)
    expected = 0
    for _ in range(members):
        entry = read_entry(file)
        if entry.offset != expected:
            raise ArchiveRefused(reason="its members do not follow each other without a gap")
        yield entry
        expected = entry.end


def open_member(file: BinaryIO, entry: Entry) -> None:
    """Stand at the beginning of a member's data, after looking at what surrounds it.

    Raises:
        ArchiveRefused
    """
    file.seek(entry.start + entry.stored)
    behind = file.read(_DESCRIPTOR.size)
    file.seek(entry.offset)
    before = file.read(entry.start - entry.offset)
    if before != header(entry.name, entry.method) or behind != descriptor(entry):
        raise ArchiveRefused(reason=f"what surrounds its member {entry.name} is not as this program writes it")

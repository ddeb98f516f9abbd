"""Members of a zip, read without trusting a word of its directory. A compressed file is a zip with exactly one."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO

from webapp.engine.errors import ArchiveRefused, TruncatedFile
from webapp.engine.formats.compression import Inflated

_DIRECTORY = 1 << 20  # bytes of a zip's directory that are looked at: thousands of members, where one is allowed
_HEADER = struct.Struct("<4s5H3I2H")
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, EOFError, OSError, OverflowError)


class Member:
    """A member of a zip, as a stream of its text; the only one where none is named."""

    def __init__(self, file: BinaryIO, size: int, found: tuple[zipfile.ZipInfo, int] | None = None) -> None:
        entry, end = found or _find_member(file, size)
        start = _find_data(file, entry, end)
        file.seek(start)
        self.name = entry.filename
        self._entry = entry
        self._crc = 0
        self._read = 0
        self._inner: Inflated | _Stored = (
            Inflated(file, "deflate", size=entry.compress_size, members=False)
            if entry.compress_type == zipfile.ZIP_DEFLATED
            else _Stored(file, entry.compress_size)
        )

    @property
    def stored(self) -> int:
        """Bytes read from the file so far."""
        return self._inner.stored

    def read(self, size: int) -> bytes:
        """At least one byte and at most ``size``; none at the end."""
        text = self._inner.read(size)
        self._read += len(text)
        self._crc = zlib.crc32(text, self._crc)
        if self._read > self._entry.file_size or (not text and self._read != self._entry.file_size):
            raise ArchiveRefused(
                reason=f"its member has not the {self._entry.file_size:,} bytes that its directory claims"
            )
        if not text and self._crc != self._entry.CRC:
            raise ArchiveRefused(reason="the checksum of its member is wrong: it is damaged")
        return text


class _Stored:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.stored = 0
        self._file = file
        self._left = size

    def read(self, size: int) -> bytes:
        text = self._file.read(min(size, self._left))
        if not text and self._left:
            raise TruncatedFile(
                where=f"after {self.stored:,} stored bytes", reason="the member of the archive has no end"
            )
        self.stored += len(text)
        self._left -= len(text)
        return text


class _Guarded(io.RawIOBase):
    """A file that gives no more than ``most`` bytes at once, since zipfile reads a directory whole."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        if size > self._most:
            raise ArchiveRefused(reason=f"its directory has more than {self._most:,} bytes")
        return self._file.read(self._most if size < 0 else size)


def _find_member(file: BinaryIO, size: int) -> tuple[zipfile.ZipInfo, int]:
    """The one regular member, and where the data of members ends."""
    regular = find_members(file, size, _DIRECTORY)
    if len(regular) != 1:
        raise ArchiveRefused(reason=f"it has {len(regular):,} members where one is expected")
    return regular[0]


def find_members(file: BinaryIO, size: int, directory: int) -> list[tuple[zipfile.ZipInfo, int]]:
    """The regular members in their order, each with where the data of the next one begins.

    ``directory`` is how many bytes of a directory are looked at.
    """
    try:
        with zipfile.ZipFile(_Guarded(file, directory)) as archive:
            entries = archive.infolist()
            end = archive.start_dir
            tail = 22 + len(archive.comment)
    except _UNREADABLE as error:
        raise ArchiveRefused(reason=f"its directory cannot be read ({error}); it may be cut off") from None
    file.seek(max(0, size - tail))
    if file.read(4) != b"PK\x05\x06":
        raise ArchiveRefused(reason="bytes that belong to nothing follow its directory")
    for entry in entries:
        _check_entry(entry)
    if len({entry.filename.casefold() for entry in entries}) != len(entries):
        raise ArchiveRefused(reason="two members have the same name")
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    if not ordered or ordered[0].header_offset != 0:
        raise ArchiveRefused(reason="it has no member at its beginning")
    for entry, following in zip(ordered, [following.header_offset for following in ordered[1:]] + [end], strict=True):
        if entry.header_offset + 30 + entry.compress_size > following:
            raise ArchiveRefused(reason="its members overlap")
    after = [entry.header_offset for entry in ordered[1:]] + [end]
    return [pair for pair in zip(ordered, after, strict=True) if not pair[0].is_dir()]


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if not name or "\x00" in name or "\\" in name or ":" in name:
        raise ArchiveRefused(reason=f"the name {name[:80]!r} of a member is not allowed")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveRefused(reason=f"the name {name[:80]!r} of a member leads out of it")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR and not entry.is_dir()):
        raise ArchiveRefused(reason=f"its member {name[:80]!r} is a link or a device, not a regular file")
    if entry.flag_bits & 0x2041:  # encrypted, strongly encrypted, or its directory is
        raise ArchiveRefused(reason="it is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveRefused(
            reason=f"its member is packed by method {entry.compress_type}, only stored and deflate are known"
        )
    if entry.compress_type == zipfile.ZIP_STORED and entry.compress_size != entry.file_size:
        raise ArchiveRefused(reason="the sizes of its member contradict each other")
    if entry.is_dir() and entry.file_size:
        raise ArchiveRefused(reason=f"its folder {name[:80]!r} has content")


def _find_data(file: BinaryIO, entry: zipfile.ZipInfo, end: int) -> int:
    """Where the member's data begins, after the header that must agree with the directory."""
    file.seek(entry.header_offset)
    header = file.read(_HEADER.size)
    if len(header) != _HEADER.size:
        raise ArchiveRefused(reason="the header of its member is cut off")
    mark, _, flags, method, _, _, _, _, _, name_size, extra_size = _HEADER.unpack(header)
    name = file.read(name_size)
    known = entry.orig_filename.encode("utf-8" if flags & 0x800 else "cp437", "replace")
    if mark != b"PK\x03\x04" or flags & 0x2041 or method != entry.compress_type or name != known:
        raise ArchiveRefused(reason="the header of its member and its directory contradict each other")
    start: int = entry.header_offset + _HEADER.size + name_size + extra_size
    if start + entry.compress_size > end:
        raise ArchiveRefused(reason="the data of its member overlaps what follows")
    return start

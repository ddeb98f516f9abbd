"""Members of a tar, one after the other, without trusting a word of their headers.

Read as a stream: what is packed is inflated once, and memory does not grow with the archive. Regular files and folders
only; what else a tar can hold (links, devices, sparse files) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from webapp.engine.errors import PackageRefused, TruncatedFile
from webapp.engine.formats.streams import Counted

BLOCK = 512
MEMBERS = 100_000
LONGEST_HEADER = 1 << 16  # bytes of a header that follows its member's own (long names)

_ZEROS = bytes(BLOCK)
_SIZE = re.compile(r"[0-9]{1,20}")
_KINDS = {b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a pipe", b"S": "a sparse file"}


class TarMember:
    """A regular file of a tar, as a stream of its content."""

    def __init__(self, tar: Tar, name: str, size: int, modified: str) -> None:
        self.name = name
        self.size = size
        self.modified = modified
        self.left = size
        self._tar = tar

    @property
    def stored(self) -> int:
        """Stored bytes of the archive that were read so far."""
        return self._tar.stored

    def read(self, size: int) -> bytes:
        """At least one byte and at most ``size``; none at the end."""
        piece = self._tar.take(min(size, self.left))
        self.left -= len(piece)
        return piece


class Tar:
    """A tar from its beginning. A member can be read until the next one is asked for."""

    def __init__(self, stream: Counted) -> None:
        self._stream = stream
        self._waiting = b""
        self._position = 0

    @property
    def stored(self) -> int:
        """Stored bytes that were read so far."""
        return self._stream.stored

    def members(self) -> Iterator[TarMember]:
        """The regular files.

        Raises:
            PackageRefused, TruncatedFile
        """
        said: dict[str, str] = {}
        for _ in range(MEMBERS):
            header = self._exactly(BLOCK)
            if header == _ZEROS:
                self._expect_end()
                return
            self._check(header)
            kind, size = header[156:157], _number(header[124:136])
            if kind in (b"x", b"L", b"g", b"K"):
                text = self._exactly_padded(self._short(size))
                if kind == b"x":
                    said.update(_records(text))
                elif kind == b"L":
                    said["path"] = _text(text.rstrip(b"\x00"))
                continue
            name, size = said.get("path") or _name(header), int(said.get("size") or size)
            if any(key.startswith("GNU.sparse") for key in said):
                kind = b"S"
            said = {}
            if kind in (b"0", b"\x00", b"7") and not name.endswith("/"):
                member = TarMember(self, name, size, _moment(header))
                yield member
                while member.read(1 << 16):
                    pass
                self._exactly(-size % BLOCK)
            elif kind == b"5" or (kind in (b"0", b"\x00") and not size):
                if size:
                    raise PackageRefused(reason=f"its folder {name[:80]!r} has content")
            else:
                what = _KINDS.get(kind, "something of an unknown kind")
                raise PackageRefused(reason=f"its member {name[:80]!r} is {what}, not a regular file")
        raise PackageRefused(reason=f"it has more than {MEMBERS:,} members")

    def take(self, size: int) -> bytes:
        """At most ``size`` bytes of a member; at least one when any is asked for."""
        if not size:
            return b""
        if not self._waiting:
            self._waiting = self._stream.read(max(size, 1 << 16))
            if not self._waiting:
                raise TruncatedFile(where=f"at byte {self._position:,}", reason="the archive has no end")
        piece, self._waiting = self._waiting[:size], self._waiting[size:]
        self._position += len(piece)
        return piece

    def _exactly(self, size: int) -> bytes:
        pieces = []
        while size:
            piece = self.take(size)
            size -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _exactly_padded(self, size: int) -> bytes:
        text = self._exactly(size)
        self._exactly(-size % BLOCK)
        return text

    def _short(self, size: int) -> int:
        if size > LONGEST_HEADER:
            raise PackageRefused(reason=f"a header in it has {size:,} bytes")
        return size

    def _check(self, header: bytes) -> None:
        said = _number(header[148:156])
        if said != sum(header[:148]) + 8 * 0x20 + sum(header[156:]):
            raise PackageRefused(reason=f"the header at byte {self._position - BLOCK:,} is damaged")

    def _expect_end(self) -> None:
        while True:
            try:
                rest = self.take(1 << 16)
            except TruncatedFile:
                return
            if rest.strip(b"\x00"):
                raise PackageRefused(reason="bytes that belong to nothing follow its end")


def _number(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \x00")
    if not digits.isdigit() and digits:
        raise PackageRefused(reason="a number in a header of it cannot be read")
    try:
        return int(digits or b"0", 8)
    except ValueError:
        raise PackageRefused(reason="a number in a header of it cannot be read") from None


def _name(header: bytes) -> str:
    name = _text(header[:100].partition(b"\x00")[0])
    prefix = _text(header[345:500].partition(b"\x00")[0]) if header[257:263] == b"ustar\x00" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise PackageRefused(reason=f"the name {name[:80]!r} of a member is no text") from None


def _records(text: bytes) -> dict[str, str]:
    """The records of a pax header: ``length key=value`` and a line break, each."""
    found: dict[str, str] = {}
    while text:
        length, blank, _ = text[:12].partition(b" ")
        if not blank or not length.isdigit() or not len(length) + 1 < int(length) <= len(text):
            raise PackageRefused(reason="a header in it is damaged")
        record, text = text[len(length) + 1 : int(length) - 1], text[int(length) :]
        key, _, value = record.partition(b"=")
        if key in (b"path", b"size") or key.startswith(b"GNU.sparse"):
            found[_text(key)] = _text(value)
    if not _SIZE.fullmatch(found.get("size", "0")):
        raise PackageRefused(reason="a header in it is damaged")
    return found


def _moment(header: bytes) -> str:
    seconds = _number(header[136:148])
    return datetime.fromtimestamp(seconds, UTC).isoformat() if 0 < seconds < 1 << 33 else ""

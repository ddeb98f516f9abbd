"""From a stored file to the text that a format reads: unpacked, and repaired on the way where that was asked for.

A repair keeps every byte at its offset where it can: what is not to be read becomes white space.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from webapp.engine.answers import Place
from webapp.engine.errors import MalformedFile, TruncatedFile
from webapp.engine.formats.archive import Member
from webapp.engine.formats.compression import MAGIC, Inflated
from webapp.engine.formats.django_json import Stream

_PIECE = 1 << 16
_BLANK = bytes(0x0A if byte == 0x0A else 0x20 for byte in range(256))


class Counted(Stream, Protocol):
    """A stream that knows how many stored bytes it has taken."""

    @property
    def stored(self) -> int: ...


@dataclass(frozen=True)
class Encoding:
    """How a text that is not UTF-8 is written. ``mark`` is the length of its byte order mark."""

    name: str
    codec: str
    mark: int


MARKED = (
    (codecs.BOM_UTF32_LE, Encoding("UTF-32", "utf-32-le", 4)),
    (codecs.BOM_UTF32_BE, Encoding("UTF-32", "utf-32-be", 4)),
    (codecs.BOM_UTF16_LE, Encoding("UTF-16", "utf-16-le", 2)),
    (codecs.BOM_UTF16_BE, Encoding("UTF-16", "utf-16-be", 2)),
    # A list or an object of JSON begins with one character of ASCII.
    (b"[\x00", Encoding("UTF-16", "utf-16-le", 0)),
    (b"{\x00", Encoding("UTF-16", "utf-16-le", 0)),
    (b"\x00[", Encoding("UTF-16", "utf-16-be", 0)),
    (b"\x00{", Encoding("UTF-16", "utf-16-be", 0)),
)
"""How texts in other encodings begin; the longer marks come first."""


@dataclass(frozen=True)
class Reading:
    """How the stored bytes become text."""

    compression: str
    size: int
    encoding: Encoding | None = None
    blank: int = 0  # bytes at the beginning that are read as white space

    def unpack(self, file: BinaryIO) -> Counted:
        """The text as it was compressed."""
        if self.compression == "zip":
            return Member(file, self.size)
        return Inflated(file, self.compression) if self.compression else _Plain(file)

    def open(self, file: BinaryIO, unpacked: Counted | None = None) -> Counted:
        """The text as a format reads it."""
        stream = self.unpack(file) if unpacked is None else unpacked
        if self.encoding:
            stream = _Recoded(stream, self.encoding)
        return _Blanked(stream, self.blank) if self.blank else stream

    def find_original(self, file: BinaryIO, offset: int) -> int:
        """The offset in the text as it was compressed, for one in the text as a format reads it."""
        if self.encoding is None:
            return offset
        stream = _Recoded(self.unpack(file), self.encoding)
        while stream.given + len(stream.waiting) < offset and stream.fill():
            pass
        before = stream.waiting[: max(0, offset - stream.given)].decode("utf-8", "ignore")
        return stream.begun + len(before.encode(self.encoding.codec))


def recognise_compression(start: bytes) -> str:
    """How a file that begins so is compressed, or nothing."""
    return next((name for name, magic in MAGIC.items() if start.startswith(magic)), "")


class Forgiving:
    """A stream that ends where the stored data breaks off, and keeps the reason."""

    def __init__(self, inner: Counted) -> None:
        self.cut: TruncatedFile | None = None
        self._inner = inner

    @property
    def stored(self) -> int:
        return self._inner.stored

    def read(self, size: int) -> bytes:
        if self.cut:
            return b""
        try:
            return self._inner.read(size)
        except TruncatedFile as cut:
            self.cut = cut
            return b""


class _Plain:
    def __init__(self, file: BinaryIO) -> None:
        self.stored = 0
        self._file = file

    def read(self, size: int) -> bytes:
        text = self._file.read(size)
        self.stored += len(text)
        return text


class _Blanked:
    def __init__(self, inner: Counted, count: int) -> None:
        self._inner = inner
        self._left = count

    @property
    def stored(self) -> int:
        return self._inner.stored

    def read(self, size: int) -> bytes:
        text = self._inner.read(size)
        if self._left:
            count = min(self._left, len(text))
            text = text[:count].translate(_BLANK) + text[count:]
            self._left -= count
        return text


class _Recoded:
    """UTF-16 or UTF-32 as UTF-8."""

    def __init__(self, inner: Counted, encoding: Encoding) -> None:
        self.given = 0  # bytes of UTF-8 before those that wait
        self.waiting = b""
        self.begun = encoding.mark  # offset in the original of what waits
        self._read = 0  # bytes of the original
        self._inner = inner
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding.codec)()

    @property
    def stored(self) -> int:
        return self._inner.stored

    def read(self, size: int) -> bytes:
        while not self.waiting and self.fill():
            pass
        text, self.waiting = self.waiting[:size], self.waiting[size:]
        self.given += len(text)
        return text

    def fill(self) -> bool:
        """Let the next piece of the original wait; False at the end. What waited before is given."""
        piece = self._inner.read(_PIECE)
        pending = len(self._decoder.getstate()[0])
        start = self._read - pending
        skipped = max(0, self._encoding.mark - self._read)
        self._read += len(piece)
        try:
            text = self._decoder.decode(piece[skipped:], not piece)
        except UnicodeDecodeError as error:
            place = Place(byte=start + skipped + error.start)
            kind = MalformedFile if piece else TruncatedFile
            raise kind(
                where=f"at byte {place.byte:,}", reason=f"it is not valid {self._encoding.name}", place=place
            ) from None
        self.given += len(self.waiting)
        self.begun = max(start, self._encoding.mark)
        self.waiting = text.encode()
        return bool(piece)

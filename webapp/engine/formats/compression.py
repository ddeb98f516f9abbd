"""Streams of uncompressed bytes: stored as they are, or inflated under caps that hold while inflating."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from webapp.engine.errors import ArchiveRefused, FileRefused, LimitExceeded, MalformedFile, TruncatedFile

MAGIC = {
    "gzip": b"\x1f\x8b",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "lzma": b"]\x00\x00",  # the usual properties, and a dictionary of whole 64 KiB
    "zip": b"PK",
}
"""How files of each compression begin."""

INFLATED = 64 << 30
"""Bytes of uncompressed text."""

RATIO = 100
"""Uncompressed bytes for each stored one, once :data:`RATIO_FROM` bytes are unpacked."""

RATIO_FROM = 1 << 20

_PIECE = 1 << 16
_XZ_MEMORY = 128 << 20  # what the largest preset of xz needs to decompress, twice


class Inflater(Protocol):
    """What the decompressors of bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Zlib:
    """A zlib decompressor with the interface of the others."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


INFLATERS: dict[str, Callable[[], Inflater]] = {
    "gzip": lambda: _Zlib(31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_XZ_MEMORY),
    "deflate": lambda: _Zlib(-15),
}


class Inflated:
    """The text of a compressed file. ``stored`` bytes are read from ``file``, no further than ``size`` if that is given.

    ``members`` says that another stream may follow the first, as with concatenated gzip files.
    """

    def __init__(self, file: BinaryIO, compression: str, *, size: int | None = None, members: bool = True) -> None:
        self.stored = 0
        self.inflated = 0
        self._file = file
        self._left = size
        self._name = "zip" if compression == "deflate" else compression
        self._make = INFLATERS[compression]
        self._magic = MAGIC.get(compression, b"")
        self._members = members
        self._inflater = self._make()
        self._ended = False

    def read(self, size: int) -> bytes:
        """At least one byte and at most ``size``; none at the end."""
        while not self._ended:
            inflater = self._inflater
            if inflater.eof:
                self._go_on()
                continue
            piece = self._next_piece() if inflater.needs_input else b""
            if not piece and inflater.needs_input:
                raise TruncatedFile(where=self._where(), reason="its compressed data has no end")
            text = self._inflate(inflater, piece, size)
            if text:
                return text
        return b""

    def _inflate(self, inflater: Inflater, piece: bytes, size: int) -> bytes:
        try:
            text = inflater.decompress(piece, size)
        except lzma.LZMAError as error:
            if "emory" in str(error):
                reason = f"unpacking it needs more than {_XZ_MEMORY:,} bytes of memory"
                raise LimitExceeded(where=self._where(), reason=reason) from None
            raise self._damaged() from None
        except (zlib.error, OSError, ValueError, EOFError):
            raise self._damaged() from None
        self._count(len(text))
        return text

    def _next_piece(self) -> bytes:
        piece = self._file.read(_PIECE if self._left is None else min(_PIECE, self._left))
        self.stored += len(piece)
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def _go_on(self) -> None:
        """After the end of a compressed stream: begin the next one, or see that nothing follows."""
        rest = self._inflater.unused_data
        while len(rest) < max(1, len(self._magic)):
            piece = self._next_piece()
            if not piece:
                break
            rest += piece
        if not rest:
            self._ended = True
        elif self._members and rest.startswith(self._magic):
            self._inflater = _Fed(self._make(), rest)
        else:
            raise ArchiveRefused(reason=f"bytes that belong to nothing follow its {self._name} data")

    def _count(self, size: int) -> None:
        self.inflated += size
        if self.inflated > INFLATED:
            raise LimitExceeded(where=self._where(), reason=f"unpacked it has more than {INFLATED:,} bytes")
        if self.inflated > RATIO_FROM and self.inflated > RATIO * self.stored:
            raise LimitExceeded(where=self._where(), reason=f"it unpacks to more than {RATIO} times its size")

    def _where(self) -> str:
        return f"after {self.stored:,} stored bytes"

    def _damaged(self) -> FileRefused:
        return MalformedFile(where=self._where(), reason=f"its {self._name} data is damaged")


class _Fed:
    """An inflater that has its first input already."""

    def __init__(self, inner: Inflater, first: bytes) -> None:
        self._inner = inner
        self._first = first

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._first and self._inner.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        data, self._first = self._first + data, b""
        return self._inner.decompress(data, max_length)

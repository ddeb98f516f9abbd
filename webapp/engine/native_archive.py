"""Writing the zip of a native backup: members one after the other, packed in a thread beside the reading of rows."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import IO, cast

from webapp.engine.formats.native_layout import DEFLATED, STORED, Entry, descriptor, header, listed, seal, tail
from webapp.engine.formats.native_manifest import Part
from webapp.engine.output import Output

_LEVEL = 1
_WAITING = 4
"""Pieces of text that may wait for the thread."""

_PIECE = 1 << 18
_RATIO = 64
"""Text is packed to no less than this part of it, so that no reader takes it for a bomb (docs/formats.md, Limits)."""

_EMPTY = b"\x00\x00\x00\xff\xff"  # a block of deflate that holds nothing
_COPY = 1 << 20


class Packed:
    """A text that is being packed; ``write`` takes what comes out."""

    def __init__(self, write: Callable[[bytes], object], wbits: int = -zlib.MAX_WBITS) -> None:
        self.crc = 0
        self.size = 0
        self.stored = 0
        self._sha256 = hashlib.sha256()
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, wbits)
        self._write = write

    @property
    def part(self) -> Part:
        """What a manifest says of it."""
        return Part(size=self.size, sha256=self._sha256.hexdigest())

    def feed(self, text: bytes) -> None:
        """Pack some text."""
        self._sha256.update(text)
        self.crc = zlib.crc32(text, self.crc)
        for start in range(0, len(text), _PIECE):
            piece = text[start : start + _PIECE]
            self.size += len(piece)
            self._put(self._deflate.compress(piece))
            if self.size > _RATIO * self.stored and self.size > _PIECE:
                self._put(self._deflate.flush(zlib.Z_SYNC_FLUSH))
                self._put(_EMPTY * (max(0, self.size // _RATIO - self.stored) // len(_EMPTY)))

    def close(self) -> None:
        """Write what is still inside."""
        self._put(self._deflate.flush())

    def _put(self, packed: bytes) -> None:
        if packed:
            self.stored += len(packed)
            self._write(packed)


class Archive:
    """A zip as :mod:`webapp.engine.formats.native_layout` has it, written from its first byte to its last."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._thread = ThreadPoolExecutor(1, "pack")
        self._waiting: deque[Future[None]] = deque()
        self._directory = self.spool()
        self._members = 0

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._directory.close()

    def spool(self) -> IO[bytes]:
        """A nameless file for what cannot be written yet, in memory while it is small."""
        return cast("IO[bytes]", tempfile.SpooledTemporaryFile(1 << 20, dir=str(self.output.folder)))

    def later(self, work: Callable[[bytes], None], text: bytes) -> None:
        """Do some work in the thread, in the order asked for; its errors are raised here or by :meth:`settle`."""
        if len(self._waiting) >= _WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(work, text))

    def settle(self) -> None:
        """Wait for all work."""
        while self._waiting:
            self._waiting.popleft().result()

    def begin(self, name: str) -> Packed:
        """Begin a packed member."""
        self.output.write(header(name, DEFLATED))
        return Packed(self.output.write)

    def end(self, name: str, packed: Packed) -> Part:
        """End the member that was begun."""
        packed.close()
        self._list(Entry(name, DEFLATED, packed.crc, packed.stored, packed.size, self._offset(name, packed.stored)))
        return packed.part

    def append(self, name: str, packed: Packed, spool: IO[bytes]) -> Part:
        """A member that was packed elsewhere."""
        packed.close()
        self.output.write(header(name, DEFLATED))
        spool.seek(0)
        while piece := spool.read(_COPY):
            self.output.write(piece)
        self._list(Entry(name, DEFLATED, packed.crc, packed.stored, packed.size, self._offset(name, packed.stored)))
        return packed.part

    def store(self, name: str, pieces: Iterable[bytes]) -> None:
        """A member as it is."""
        crc = size = 0
        self.output.write(header(name, STORED))
        for piece in pieces:
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            self.output.write(piece)
        self._list(Entry(name, STORED, crc, size, size, self._offset(name, size)))

    def finish(self) -> None:
        """Write the directory and the seal."""
        offset = self.output.size
        size = self._directory.tell()
        self._directory.seek(0)
        while piece := self._directory.read(_COPY):
            self.output.write(piece)
        self.output.write(tail(self._members, offset, size))
        self.output.write(seal(self.output.sha256))

    def _offset(self, name: str, stored: int) -> int:
        """Where the member began whose data have just been written."""
        return self.output.size - stored - len(header(name, STORED))

    def _list(self, entry: Entry) -> None:
        self.output.write(descriptor(entry))
        self._directory.write(listed(entry))
        self._members += 1

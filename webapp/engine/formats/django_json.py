"""Django fixtures as one JSON array: ``[{"model": "app.model", "pk": 1, "fields": {...}}, ...]``.

The buffer is cut at the last place that looks like the border of two records, and the part before it is decoded as a whole.
A wrong cut, inside a string or a nested list, cannot decode: what comes before it would have to be complete, and JSON values
are never the beginning of other JSON values. Then the records are found one by one by their brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import msgspec

from webapp.engine.answers import Place
from webapp.engine.errors import FileRefused, MalformedFile, TruncatedFile
from webapp.engine.formats.block import Block, RawRecord, check_record
from webapp.engine.formats.scan import RECORD, find_end, last_border, quote, skip_space

TITLE = "Django fixture, JSON array"

_BORDER = re.compile(rb'\}[ \t\r\n]*+,[ \t\r\n]*+\{[ \t\r\n]*+"(?:model|pk|fields)"')
_NEXT = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+(?=\{)")
_OPEN = re.compile(rb"[ \t\r\n]*+(?:,[ \t\r\n]*+)?\Z")  # nothing yet says what follows the record
_END = re.compile(rb"[ \t\r\n]*+\]")

_many = msgspec.json.Decoder(list[RawRecord])
_one = msgspec.json.Decoder(RawRecord)
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Stream(Protocol):
    """Uncompressed bytes, in order."""

    def read(self, size: int) -> bytes:
        """At least one byte and at most ``size``; none at the end."""


def fits(head: bytes) -> bool:
    """Whether a text that begins so is of this format."""
    return head.lstrip(b" \t\r\n").startswith(b"[")


def read(stream: Stream, chunk: int) -> Iterator[Block]:
    """Yield the records of an array, in blocks of about ``chunk`` bytes."""
    return _Array(stream, chunk).blocks()


class _Array:
    def __init__(self, stream: Stream, chunk: int) -> None:
        self.stream = stream
        self.chunk = chunk
        self.buffer = b""  # begins with a record, once the opening bracket is behind
        self.byte = 0  # offset of the buffer's first byte
        self.records = 0
        self.ended = False  # the closing bracket was seen

    def blocks(self) -> Iterator[Block]:
        self._open()
        more = True
        while not self.ended:
            block = self._take(final=not more)
            if block is not None:
                yield block
            elif more:
                # Doubling keeps the work linear when a record is longer than a chunk.
                piece = self.stream.read(max(self.chunk, len(self.buffer)))
                self.buffer += piece
                more = bool(piece)
        self._expect_nothing()

    def _open(self) -> None:
        """Step over the opening bracket, and over the closing one if nothing is between them."""
        for bracket in (b"[", b"]"):
            while not (rest := self.buffer[skip_space(self.buffer, 0) :]):
                self.byte += len(self.buffer)
                self.buffer = self.stream.read(self.chunk)
                if not self.buffer:
                    raise self._cut_off()
            self._drop(len(self.buffer) - len(rest))
            if rest.startswith(bracket):
                self._drop(1)
                self.ended = bracket == b"]"

    def _take(self, *, final: bool) -> Block | None:
        """The whole records at the start of the buffer, or None when more bytes are needed to know."""
        buffer = self.buffer
        cut = last_border(buffer, _BORDER)
        if cut is not None:
            try:
                records = _many.decode(b"[%b]" % buffer[: cut[0]])  # msgspec: the fields keep pointing into this copy
            except _UNDECODABLE:
                return self._take_singly(final=final)
            return self._block(records, *cut)
        if final or len(buffer) > RECORD:
            return self._take_singly(final=final)
        return None

    def _take_singly(self, *, final: bool) -> Block | None:
        """The same, found one by one: slower, and exact about what is wrong."""
        buffer = self.buffer
        records: list[RawRecord] = []
        start = end = 0
        while not self.ended and buffer.startswith(b"{", start):
            stop = find_end(buffer, start)
            if stop is None:
                break
            record = self._decode(buffer[start:stop], start, len(records))
            after = _NEXT.match(buffer, stop) or _END.match(buffer, stop)
            if after is None:
                if not _OPEN.match(buffer, stop):
                    raise self._misplaced(skip_space(buffer, stop), len(records) + 1)
                if not final:
                    break  # the record is decoded again when more is known
            records.append(record)
            end, start = stop, after.end() if after else len(buffer)  # it is whole, though the list is cut off
            self.ended = buffer.endswith(b"]", stop, start)
        if records:
            return self._block(records, end, start)
        self._explain(final=final)
        return None

    def _explain(self, *, final: bool) -> None:
        """Refuse a buffer that does not begin with a whole record and never will."""
        buffer = self.buffer
        if final and not buffer:
            raise self._cut_off()
        whole = buffer.startswith(b"{") and find_end(buffer, 0) is not None
        if not whole and (final or len(buffer) > RECORD or not buffer.startswith(b"{")):
            check_record(buffer, Place(record=self.records + 1, byte=self.byte), final=final)

    def _decode(self, text: bytes, start: int, index: int) -> RawRecord:
        try:
            return _one.decode(text)
        except _UNDECODABLE as error:
            place = Place(record=self.records + index + 1, byte=self.byte + start)
            check_record(text, place)
            raise MalformedFile(where=f"at byte {place.byte:,}", reason=str(error), place=place) from None

    def _block(self, records: list[RawRecord], end: int, following: int) -> Block:
        block = Block(self.buffer[:end], records, first=self.records + 1, byte=self.byte)
        self.records += len(records)
        self._drop(following)
        return block

    def _drop(self, count: int) -> None:
        self.buffer = self.buffer[count:]
        self.byte += count

    def _expect_nothing(self) -> None:
        while True:
            position = skip_space(self.buffer, 0)
            if position < len(self.buffer):
                place = Place(byte=self.byte + position)
                some = quote(self.buffer[position : position + 12])
                reason = f"{some} follows the end of the list"
                repair = "concatenated" if self.buffer[position] in b"[{" else ""
                raise MalformedFile(where=f"at byte {place.byte:,}", reason=reason, place=place, repair=repair)
            self._drop(len(self.buffer))
            self.buffer = self.stream.read(self.chunk)
            if not self.buffer:
                return

    def _misplaced(self, position: int, index: int) -> FileRefused:
        missing = "a comma or the end of the list"
        if self.buffer.startswith(b",", position):
            position = skip_space(self.buffer, position + 1)
            missing = "a record"
        place = Place(record=self.records + index, byte=self.byte + position)
        some = quote(self.buffer[position : position + 12])
        return MalformedFile(
            where=f"at byte {place.byte:,} (after record {place.record:,})",
            reason=f"{missing} is missing, there is {some} instead",
            place=place,
        )

    def _cut_off(self) -> FileRefused:
        return TruncatedFile(
            where=f"at byte {self.byte:,} (after {self.records:,} records)",
            reason="the list of records has no end",
            place=Place(byte=self.byte),
        )

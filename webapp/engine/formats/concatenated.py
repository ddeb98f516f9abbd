"""Several JSON lists of records, or several records without a list, one behind the other: read as one list.

Read only on request, since it cannot be known that they belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from webapp.engine.answers import Place
from webapp.engine.errors import FileRefused, MalformedFile, TruncatedFile
from webapp.engine.formats.block import Block, RawRecord, check_record
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.scan import RECORD, find_end, quote, skip_space

TITLE = "Django fixture, JSON objects"

_RECORD = re.compile(rb'[ \t\r\n]*+\{[ \t\r\n]*+"(?:model|pk|fields)"')

_one = msgspec.json.Decoder(RawRecord)


def fits(head: bytes) -> bool:
    """Whether a text begins with a record, which is not in a list and not on a line of its own."""
    return _RECORD.match(head) is not None


def read(stream: Stream, chunk: int) -> Iterator[Block]:
    """Yield the records of such a text."""
    return Series(stream, chunk).blocks()


class Series:
    """One pass over such a text. ``needed`` says that it is neither one list nor records on lines of their own."""

    def __init__(self, stream: Stream, chunk: int) -> None:
        self.needed = False
        self._stream = stream
        self._chunk = chunk
        self._buffer = b""
        self._byte = 0
        self._records = 0
        self._inside = False  # of a list
        self._comma = True  # a record may begin here
        self._lists = 0
        self._fresh = True  # only white space with a line break is between here and the record before

    def blocks(self) -> Iterator[Block]:
        """Yield the records; a block never reaches over a joint."""
        more = True
        while True:
            block = self._take(final=not more)
            if block is not None:
                yield block
            elif more:
                piece = self._stream.read(max(self._chunk, len(self._buffer)))
                self._buffer += piece
                more = bool(piece)
            else:
                break
        if self._inside:
            raise TruncatedFile(
                where=f"at byte {self._byte:,} (after {self._records:,} records)",
                reason="the last list of records has no end",
                place=Place(byte=self._byte),
            )

    def _take(self, *, final: bool) -> Block | None:
        buffer = self._buffer
        records: list[RawRecord] = []
        begin = end = 0
        position = 0
        while position < len(buffer):
            start, position = position, skip_space(buffer, position)
            self._fresh |= b"\n" in buffer[start:position]
            mark = buffer[position : position + 1]
            if not mark:
                break
            if mark == b"{" and (self._comma or not self._inside):
                if records and not self._inside:
                    break  # the next record has a block of its own
                stop = find_end(buffer, position)
                if stop is None:
                    break
                records.append(self._decode(buffer[position:stop], position, len(records)))
                begin, end = (begin, stop) if len(records) > 1 else (position, stop)
                self.needed |= not self._inside and (
                    not self._fresh or b"\n" in buffer[position:stop] or self._lists > 0
                )
                position = stop
                self._comma = self._fresh = False
            elif not self._inside and records:
                break
            else:
                self._step(mark, position, len(records))
                position += 1
                if mark == b"]" and records:
                    break
        if records:
            block = Block(buffer[begin:end], records, first=self._records + 1, byte=self._byte + begin)
            self._records += len(records)
            self._drop(position)
            return block
        self._drop(position)
        if self._buffer and (final or len(self._buffer) > RECORD):
            check_record(self._buffer, Place(record=self._records + 1, byte=self._byte), final=final)
        return None

    def _step(self, mark: bytes, position: int, index: int) -> None:
        """Go over a bracket or a comma, if it may stand here."""
        if mark == b"[" and not self._inside:
            self.needed |= self._records > 0 or self._lists > 0
            self._inside = self._comma = True
            self._lists += 1
        elif mark == b"]" and self._inside:
            self._inside = False
            self._comma = True
        elif mark == b"," and not self._comma:
            self._comma = True
        elif not (mark == b"," and not self._inside):
            raise self._misplaced(position, index)

    def _decode(self, text: bytes, start: int, index: int) -> RawRecord:
        try:
            return _one.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            place = Place(record=self._records + index + 1, byte=self._byte + start)
            check_record(text, place)
            raise MalformedFile(where=f"at byte {place.byte:,}", reason=str(error), place=place) from None

    def _misplaced(self, position: int, index: int) -> FileRefused:
        place = Place(record=self._records + index + 1, byte=self._byte + position)
        some = quote(self._buffer[position : position + 12])
        missing = "a comma or the end of the list" if self._inside and not self._comma else "a record or a list"
        return MalformedFile(
            where=f"at byte {place.byte:,} (record {place.record:,})",
            reason=f"{missing} is missing, there is {some} instead",
            place=place,
        )

    def _drop(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self._byte += count

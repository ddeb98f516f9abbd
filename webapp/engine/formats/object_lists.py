"""A JSON object with objects and lists of records, read as a stream: member by member, and each list in batches.

Like :mod:`.django_json`, a batch is cut at the last place that looks like the border of two records and decoded as a
whole; a wrong cut cannot decode, and then the records are found one by one by their brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from webapp.engine.answers import Place
from webapp.engine.errors import LimitExceeded, MalformedFile, TruncatedFile
from webapp.engine.formats.block import check_text
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.scan import RECORD, find_end, last_border, quote, skip_space
from webapp.engine.formats.strict import parse_value

_NAME = re.compile(rb'"([^"\\\x00-\x1f]{1,100})"')
_BORDER = re.compile(rb'\}[ \t\r\n]*+,[ \t\r\n]*+\{[ \t\r\n]*+"')
_NEXT = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+(?=\{)")
_END = re.compile(rb"[ \t\r\n]*+\]")
_OPEN = re.compile(rb"[ \t\r\n]*+(?:,[ \t\r\n]*+)?\Z")

_many = msgspec.json.Decoder(list[msgspec.Raw])
_one = msgspec.json.Decoder(msgspec.Raw)
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

MEMBERS = 10_000
"""Members of an object."""

NO_END = "a list of records has no end"


@dataclass(frozen=True)
class Batch:
    """Neighbours in a list, with correct syntax. ``first`` is the number of the first, ``byte`` where it stands."""

    found: list[msgspec.Raw]
    text: bytes
    first: int
    byte: int
    _passed: list[int] = field(default_factory=lambda: [0, 0])  # a record, and where it begins

    def place(self, index: int) -> Place:
        """Where the record with this index stands."""
        # Places are asked for in their order when many records are bad: go on from the one before.
        passed, position = self._passed if self._passed[0] <= index else (0, 0)
        for _ in range(index - passed):
            position = self.text.index(b"{", find_end(self.text, position))
        self._passed[:] = index, position
        return Place(record=self.first + index, byte=self.byte + position)


class ObjectLists:
    """One pass over such a text. Each member has to be taken, by :meth:`object` or :meth:`batches`, before the next one."""

    def __init__(self, stream: Stream, chunk: int) -> None:
        self.byte = 0  # offset of the buffer's first byte
        self.records = 0
        self._stream = stream
        self._chunk = chunk
        self._buffer = b""

    def members(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name of each member and the first byte of its value."""
        self._step(b"{", "an object is missing")
        names: set[str] = set()
        while (mark := self._peek("the object has no end")) != b"}":
            if names:
                self._step(b",", "a comma or the end of the object is missing")
                self._peek("the object has no end")
            elif mark == b",":
                raise self.misplaced("the name of a member is missing")
            name = self._name()
            if name in names:
                raise self.misplaced(f"{name} is there twice")
            if len(names) == MEMBERS:
                reason = f"the object has more than {MEMBERS:,} members"
                raise LimitExceeded(where=f"at byte {self.byte:,}", reason=reason, place=Place(byte=self.byte))
            names.add(name)
            self._step(b":", "a colon is missing")
            yield name, self._peek("a value is missing")
        self._drop(1)
        self._expect_nothing()

    def object(self) -> dict[str, object]:
        """The value of a member that is an object."""
        place = Place(byte=self.byte)
        while (end := find_end(self._buffer, 0)) is None:
            if len(self._buffer) > RECORD:
                raise LimitExceeded(where=f"at byte {self.byte:,}", reason="an object has no end", place=place)
            if not self._fill():
                check_text(self._buffer, place, final=True)
                raise self.misplaced("an object has no end")
        check_text(self._buffer[:end], place)
        given, _ = parse_value(self._buffer[:end])
        if not isinstance(given, dict):
            raise self.misplaced("an object is missing")
        self._drop(end)
        return given

    def batches(self) -> Iterator[Batch]:
        """The records of a member that is a list."""
        self._drop(1)
        if self._peek(NO_END) == b"]":
            self._drop(1)
            return
        more, ended = True, False
        while not ended:
            batch, ended = self._take(final=not more)
            if batch is not None:
                yield batch
            elif not ended:
                more = self._fill()

    def misplaced(self, reason: str) -> MalformedFile:
        """The refusal of what stands at the present byte."""
        place = Place(byte=self.byte)
        some = f", there is {quote(self._buffer[:12])} instead" if self._buffer and "missing" in reason else ""
        return MalformedFile(where=f"at byte {self.byte:,}", reason=reason + some, place=place)

    # ------------------------------------------------------------ tokens

    def _fill(self) -> bool:
        # Doubling keeps the work linear when a record is longer than a chunk.
        piece = self._stream.read(max(self._chunk, len(self._buffer)))
        self._buffer += piece
        return bool(piece)

    def _drop(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self.byte += count

    def _peek(self, missing: str) -> bytes:
        """The next byte that is no white space."""
        while True:
            self._drop(skip_space(self._buffer, 0))
            if self._buffer:
                return self._buffer[:1]
            if not self._fill():
                where = f"at byte {self.byte:,} (after {self.records:,} records)"
                raise TruncatedFile(where=where, reason=missing, place=Place(byte=self.byte))

    def _step(self, mark: bytes, missing: str) -> None:
        if self._peek(missing) != mark:
            raise self.misplaced(missing)
        self._drop(1)

    def _name(self) -> str:
        while (found := _NAME.match(self._buffer)) is None:
            buffer = self._buffer
            if len(buffer) > RECORD or buffer[:1] != b'"' or b'"' in buffer[1:] or not self._fill():
                raise self.misplaced("the name of a member is missing")
        self._drop(found.end())
        return found[1].decode("utf-8", "replace")

    def _expect_nothing(self) -> None:
        while True:
            self._drop(skip_space(self._buffer, 0))
            if self._buffer:
                raise self.misplaced(f"{quote(self._buffer[:12])} follows the end of the object")
            if not self._fill():
                return

    # ------------------------------------------------------------ lists

    def _take(self, *, final: bool) -> tuple[Batch | None, bool]:
        """The whole records at the start of the buffer, and whether the list ends behind them."""
        buffer = self._buffer
        cut = last_border(buffer, _BORDER)
        if cut is not None:
            try:
                return self._batch(_many.decode(b"[%b]" % buffer[: cut[0]]), *cut), False
            except _UNDECODABLE:
                pass
        elif not (final or len(buffer) > RECORD or b"]" in buffer):
            return None, False
        found: list[msgspec.Raw] = []
        start = end = 0
        ended = False
        while not ended and buffer.startswith(b"{", start):
            stop = find_end(buffer, start)
            if stop is None:
                break
            raw = self._decode(buffer[start:stop], start, len(found))
            after = _NEXT.match(buffer, stop) or _END.match(buffer, stop)
            if after is None:
                if not _OPEN.match(buffer, stop):
                    self._drop(skip_space(buffer, stop))
                    raise self.misplaced("a comma or the end of the list is missing")
                if not final:
                    break
            found.append(raw)
            end, start = stop, after.end() if after else len(buffer)
            ended = buffer.endswith(b"]", stop, start)
        if found:
            return self._batch(found, end, start), ended
        self._explain(final=final)
        return None, False

    def _explain(self, *, final: bool) -> None:
        """Refuse a buffer that does not begin with a whole record and never will."""
        buffer = self._buffer
        if final and not buffer:
            self._peek(NO_END)
        whole = buffer.startswith(b"{") and find_end(buffer, 0) is not None
        if not whole and (final or len(buffer) > RECORD or not buffer.startswith(b"{")):
            check_text(buffer, Place(record=self.records + 1, byte=self.byte), final=final)
        if final:
            raise self.misplaced(NO_END)

    def _decode(self, text: bytes, start: int, index: int) -> msgspec.Raw:
        try:
            return _one.decode(text)
        except _UNDECODABLE as error:
            place = Place(record=self.records + index + 1, byte=self.byte + start)
            check_text(text, place)
            raise MalformedFile(where=f"at byte {place.byte:,}", reason=str(error), place=place) from None

    def _batch(self, found: list[msgspec.Raw], end: int, following: int) -> Batch:
        batch = Batch(found, self._buffer[:end], self.records + 1, self.byte)
        self.records += len(found)
        self._drop(following)
        return batch

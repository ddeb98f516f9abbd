"""Sync files: a JSON object with ``metadata`` and lists of records, each of which carries a checksum.

``{"metadata": {"version": "1.0", "backup_type": "full", "total_<list>": 2, ...}, "<list>": [{..., "checksum": ".."}, ..], ...}``

The checksum is the SHA-256 of the record as ``json.dumps`` writes it with sorted keys, without what is in :data:`UNSIGNED`.
Every checksum and every total is verified. Which table a list means, and which columns its fields, is the profile's
word: a record's label is ``sync.<list>``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator

import msgspec

from webapp.engine.answers import Damage, Place
from webapp.engine.errors import ChecksumWrong, LimitExceeded, MalformedFile, TotalsWrong, TruncatedFile
from webapp.engine.formats.block import Block, RawRecord, check_text
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.rewritten import Rewritten
from webapp.engine.formats.said import Said
from webapp.engine.formats.scan import RECORD, find_end, quote, skip_space
from webapp.engine.formats.strict import parse_value, strict_object

TITLE = "Sync file"

LABEL = "sync."
"""Begins the label of every record; the name of its list follows."""

METADATA, VERSION = "metadata", "1.0"
KINDS = ("full", "incremental")

UNSIGNED = frozenset({"checksum", "created_at", "updated_at", "id"})
"""Fields that the checksum does not cover."""

OWN = frozenset({"checksum", "id"})
"""Fields that say nothing about the row: the number is that of the database which the file comes from."""

WRONG_NAMED = 20
"""Records with a wrong checksum that are told one by one."""

_NAME = re.compile(rb'"([^"\\\x00-\x1f]{1,100})"')
_FIRST = re.compile(
    rb'[ \t\r\n]*+\{[ \t\r\n]*+"(?:metadata"[ \t\r\n]*+:[ \t\r\n]*+\{|\w+"[ \t\r\n]*+:[ \t\r\n]*+\[[ \t\r\n]*+[{\]])'
)
_BORDER = re.compile(rb'\}[ \t\r\n]*+,[ \t\r\n]*+\{[ \t\r\n]*+"')
_NEXT = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+(?=\{)")
_END = re.compile(rb"[ \t\r\n]*+\]")
_OPEN = re.compile(rb"[ \t\r\n]*+(?:,[ \t\r\n]*+)?\Z")

_many = msgspec.json.Decoder(list[msgspec.Raw])
_one = msgspec.json.Decoder(msgspec.Raw)
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_sorted = json.JSONEncoder(sort_keys=True).encode


def checksum(record: dict[str, object]) -> str:
    """The checksum of a record."""
    signed = record.copy()
    for name in UNSIGNED:
        signed.pop(name, None)
    return hashlib.sha256(_sorted(signed).encode()).hexdigest()


def fits(head: bytes) -> bool:
    """Whether a text that begins so is of this format."""
    return _FIRST.match(head) is not None and (b'"backup_type"' in head or b'"checksum"' in head)


def read(stream: Stream, chunk: int) -> Iterator[Block]:
    """Yield the records of all lists, in blocks of about ``chunk`` bytes."""
    return read_telling(stream, chunk, frozenset(), Said())


def read_telling(stream: Stream, chunk: int, asked: frozenset[str], said: Said) -> Iterator[Block]:
    """The same; what the file says of itself goes into ``said``.

    Where ``asked`` has ``checksums``, records whose checksum is wrong are read as they stand, and noted.
    """
    return _File(stream, chunk, "checksums" in asked, said).blocks()


class _File:
    def __init__(self, stream: Stream, chunk: int, forgiving: bool, said: Said) -> None:
        self.stream = stream
        self.chunk = chunk
        self.forgiving = forgiving
        self.said = said
        self.buffer = b""
        self.byte = 0  # offset of the buffer's first byte
        self.records = 0
        self.counts: dict[str, int] = {}  # by list
        self.metadata: dict[str, object] | None = None
        self.wrong = 0

    def blocks(self) -> Iterator[Block]:
        self._step(b"{", "a sync file is an object")
        first = True
        while (mark := self._peek("the object has no end")) != b"}":
            if not first:
                self._step(b",", "a comma or the end of the object is missing")
                self._peek("the object has no end")
            elif mark == b",":
                raise self._misplaced("the name of a member is missing")
            first = False
            name = self._name()
            self._step(b":", "a colon is missing")
            mark = self._peek("a value is missing")
            if name == METADATA and mark == b"{":
                self._read_metadata()
            elif name != METADATA and mark == b"[":
                yield from self._list(name)
            else:
                what = "an object" if name == METADATA else "a list of records"
                raise self._misplaced(f"{name} is not {what}")
        self._drop(1)
        self._expect_nothing()
        self._check_totals()
        if self.wrong > len(self.said.damage):
            rest = self.wrong - len(self.said.damage)
            sentence = f"The checksums of {rest:,} more records are wrong as well."
            self.said.damage.append(Damage(kind="checksums", sentence=sentence, repairable=False))

    # ------------------------------------------------------------ tokens

    def _fill(self) -> bool:
        piece = self.stream.read(max(self.chunk, len(self.buffer)))
        self.buffer += piece
        return bool(piece)

    def _drop(self, count: int) -> None:
        self.buffer = self.buffer[count:]
        self.byte += count

    def _peek(self, missing: str) -> bytes:
        """The next byte that is no white space."""
        while True:
            self._drop(skip_space(self.buffer, 0))
            if self.buffer:
                return self.buffer[:1]
            if not self._fill():
                raise TruncatedFile(
                    where=f"at byte {self.byte:,} (after {self.records:,} records)",
                    reason=missing,
                    place=Place(byte=self.byte),
                )

    def _step(self, mark: bytes, missing: str) -> None:
        if self._peek(missing) != mark:
            raise self._misplaced(missing)
        self._drop(1)

    def _name(self) -> str:
        while (found := _NAME.match(self.buffer)) is None:
            if len(self.buffer) > RECORD or self.buffer[:1] != b'"' or b'"' in self.buffer[1:] or not self._fill():
                raise self._misplaced("the name of a member is missing")
        name = found[1].decode("utf-8", "replace")
        if name in self.counts or (name == METADATA and self.metadata is not None):
            raise self._misplaced(f"{name} is there twice")
        self._drop(found.end())
        return name

    def _misplaced(self, reason: str) -> MalformedFile:
        place = Place(byte=self.byte)
        some = f", there is {quote(self.buffer[:12])} instead" if self.buffer and "missing" in reason else ""
        return MalformedFile(where=f"at byte {self.byte:,}", reason=reason + some, place=place)

    def _expect_nothing(self) -> None:
        while True:
            self._drop(skip_space(self.buffer, 0))
            if self.buffer:
                raise self._misplaced(f"{quote(self.buffer[:12])} follows the end of the object")
            if not self._fill():
                return

    # ------------------------------------------------------------ metadata

    def _read_metadata(self) -> None:
        place = Place(byte=self.byte)
        while (end := find_end(self.buffer, 0)) is None:
            if len(self.buffer) > RECORD:
                raise LimitExceeded(where=f"at byte {self.byte:,}", reason="its metadata have no end", place=place)
            if not self._fill():
                check_text(self.buffer, place, final=True)
                raise self._misplaced("its metadata are no object")
        check_text(self.buffer[:end], place)
        given, _ = parse_value(self.buffer[:end])
        assert isinstance(given, dict)
        self.metadata = given
        self._drop(end)
        if given.get("version") != VERSION:
            reason = f"its version is {given.get('version')!r}, and only {VERSION} is known"
            raise MalformedFile(where="in its metadata", reason=reason, place=place)
        if given.get("backup_type") not in KINDS:
            reason = f"its backup_type is {given.get('backup_type')!r}, which is neither full nor incremental"
            raise MalformedFile(where="in its metadata", reason=reason, place=place)
        self.said.made = str(given.get("created_at") or "")
        self.said.increment = given["backup_type"] == "incremental"
        self.said.since = str(given.get("since_date") or "")

    def _check_totals(self) -> None:
        if self.metadata is None:
            raise MalformedFile(
                where=f"at byte {self.byte:,}", reason="it has no metadata", place=Place(byte=self.byte)
            )
        said = {
            name.removeprefix("total_"): total for name, total in self.metadata.items() if name.startswith("total_")
        }
        for name in {**said, **self.counts}:
            held = self.counts.get(name)
            if held is None:
                raise TotalsWrong(where=f"in {name}", reason="its metadata count that list, and it is not there")
            if name not in said:
                raise TotalsWrong(where=f"in {name}", reason="its metadata have no total for that list")
            if said[name] != held or isinstance(said[name], bool):
                reason = f"its metadata say {said[name]} records, and there are {held:,}"
                raise TotalsWrong(where=f"in {name}", reason=reason)

    # ------------------------------------------------------------ records

    def _list(self, name: str) -> Iterator[Block]:
        self._drop(1)
        self.counts[name] = 0
        if self._peek("a list of records has no end") == b"]":
            self._drop(1)
            return
        more = ended = True
        ended = False
        while not ended:
            block, ended = self._take(name, final=not more)
            if block is not None:
                yield block
            elif not ended:
                more = self._fill()

    def _take(self, name: str, *, final: bool) -> tuple[Block | None, bool]:
        """The whole records at the start of the buffer, and whether the list ends behind them."""
        buffer = self.buffer
        cut = _last_border(buffer)
        if cut is not None:
            try:
                return self._block(name, _many.decode(b"[%b]" % buffer[: cut[0]]), *cut), False
            except _UNDECODABLE:
                pass
        elif not (final or len(buffer) > RECORD or _could_end(buffer)):
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
                    at = skip_space(buffer, stop)
                    self._drop(at)
                    raise self._misplaced("a comma or the end of the list is missing")
                if not final:
                    break
            found.append(raw)
            end, start = stop, after.end() if after else len(buffer)
            ended = buffer.endswith(b"]", stop, start)
        if found:
            return self._block(name, found, end, start), ended
        self._explain(final=final)
        return None, False

    def _explain(self, *, final: bool) -> None:
        """Refuse a buffer that does not begin with a whole record and never will."""
        buffer = self.buffer
        if final and not buffer:
            self._peek("a list of records has no end")
        whole = buffer.startswith(b"{") and find_end(buffer, 0) is not None
        if not whole and (final or len(buffer) > RECORD or not buffer.startswith(b"{")):
            check_text(buffer, Place(record=self.records + 1, byte=self.byte), final=final)

    def _decode(self, text: bytes, start: int, index: int) -> msgspec.Raw:
        try:
            return _one.decode(text)
        except _UNDECODABLE as error:
            place = Place(record=self.records + index + 1, byte=self.byte + start)
            check_text(text, place)
            raise MalformedFile(where=f"at byte {place.byte:,}", reason=str(error), place=place) from None

    def _block(self, name: str, found: list[msgspec.Raw], end: int, following: int) -> Block:
        text = self.buffer[:end]
        places = _places(text, self.records + 1, self.byte)
        label = LABEL + name
        records = []
        for index, raw in enumerate(found):
            self._verify(bytes(raw), index, name, places)
            records.append(RawRecord(label, raw))
        block = Rewritten(records, first=self.records + 1, places=places)
        self.records += len(records)
        self.counts[name] += len(records)
        self._drop(following)
        return block

    def _verify(self, text: bytes, index: int, name: str, places: Callable[[int], Place]) -> None:
        try:
            given = strict_object(text)
        except ValueError:
            place = places(index)
            check_text(text, place)
            raise MalformedFile(where=f"at byte {place.byte:,}", reason="it is not strict JSON", place=place) from None
        told = given.get("checksum")
        found = checksum(given)
        if told == found:
            return
        place = places(index)
        where = f"at byte {place.byte:,} (record {place.record:,}, number {self.counts[name] + index + 1:,} of {name})"
        reason = (
            f"its checksum is {found[:12]}… and the file says {str(told)[:12]}…" if told else "it carries no checksum"
        )
        refusal = ChecksumWrong(where=where, reason=reason, place=place, repair="checksums")
        if not self.forgiving:
            raise refusal
        self.said.repairs.add("checksums")
        self.wrong += 1
        if len(self.said.damage) < WRONG_NAMED:
            self.said.damage.append(Damage(kind="checksums", sentence=refusal.message, repairable=False, place=place))


def _places(text: bytes, first: int, byte: int) -> Callable[[int], Place]:
    """Where each record of a block stands."""

    def place(index: int) -> Place:
        position = 0
        for _ in range(index):
            end = find_end(text, position)
            position = text.index(b"{", end)
        return Place(record=first + index, byte=byte + position)

    return place


def _could_end(buffer: bytes) -> bool:
    """Whether the list may end within the buffer."""
    return b"]" in buffer


def _last_border(buffer: bytes) -> tuple[int, int] | None:
    """Where the last record but one seems to end, and where the last one begins."""
    window = 8192
    while True:
        low = max(0, len(buffer) - window)
        last: re.Match[bytes] | None = None
        for found in _BORDER.finditer(buffer, low):
            last = found
        if last is not None:
            return last.start() + 1, buffer.index(b"{", last.start() + 1)
        if low == 0:
            return None
        window *= 8

"""Records and blocks of records: what a format yields, checked as cheaply as the check can be made sound.

The C decoder of msgspec checks the whole grammar of every record while it skips over it, half surrogates included. What it
lets through is screened here over a whole block at once, with searches that can only err towards suspicion; a suspected
block is then looked at exactly. So an ordinary block costs a few passes of C over its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from webapp.engine.answers import Place
from webapp.engine.formats.scan import DEPTH, DIGITS, RECORD, Flaw, depth_of, find_end, quote, scan, skip_space
from webapp.engine.formats.strict import is_strict


class RawRecord(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One record as the file tells it; ``fields`` is an object, and both raw values are strict JSON."""

    model: str
    fields: msgspec.Raw
    pk: msgspec.Raw = msgspec.Raw(b"null")


_one = msgspec.json.Decoder(RawRecord)

# Every digit becomes 0, so that a run of digits is one search; white space vanishes, so that `" :` cannot hide a key.
# Vanishing white space may join what was apart: that only adds suspicion.
_SQUEEZE = bytes(
    ord("0")
    if chr(byte).isdigit() and byte < 128
    else ord("e")
    if byte == ord("E")
    else ord("-")
    if byte == ord("+")
    else byte
    for byte in range(256)
)
_SPACE = b" \t\r\n"
_LONG_NUMBER = b"0" * (DIGITS + 1)
_EXPONENT = re.compile(rb"0e-?000+[,\]}]")  # three digits or more, where a number may end


class Block:
    """A run of whole records. ``byte`` and ``line`` are those of its first byte in the uncompressed text."""

    __slots__ = ("_passed", "_squeezed", "byte", "first", "line", "recoded", "records", "text")

    def __init__(
        self, text: bytes, records: list[RawRecord], *, first: int, byte: int, line: int | None = None
    ) -> None:
        self.text = text
        self.records = records
        self.first = first
        self.byte = byte
        self.line = line
        self._passed = (0, 0)  # a record, and where it begins at the earliest
        self.recoded = False  # the text is not as the file has it, byte for byte
        # Pairs of backslashes go first, from the left as JSON reads them: what is left escapes what follows it.
        escapes = b"\\" in text
        bare = text.replace(b"\\\\", b"") if escapes else text
        self._squeezed = bare.translate(_SQUEEZE, _SPACE)
        if (escapes and b"\\u0000" in bare) or not self._is_plain():
            self._check_records()

    def confirm(self, keys: int | None = None) -> None:
        """Refuse duplicate keys. ``keys`` is how many the reader of the records has consumed, at every depth.

        A duplicate makes the text's keys more than those consumed, and nothing makes them fewer, so equal numbers are
        proof. A string that begins with a colon also raises the text's number; then the block is read strictly.
        """
        squeezed = self._squeezed
        self._squeezed = b""
        found = squeezed.count(b'":')
        if b"\\" in squeezed:
            found -= squeezed.count(b'\\":')
        if found != keys and not is_strict(f"[{self._joined()}]"):
            self._refuse_first()

    def place(self, index: int) -> Place:
        """Where the record with this index in ``records`` stands."""
        # Places are asked for in their order when many records are bad: go on from the one before.
        passed, position = self._passed if self._passed[0] <= index else (0, 0)
        for number, (start, _end) in enumerate(self._spans(position), passed):
            if number == index:
                self._passed = (number, start)
                place = self._place(number, start)
                return Place(record=place.record, line=place.line) if self.recoded else place
        return Place(record=self.first + index)

    def _is_plain(self) -> bool:
        text, squeezed, records = self.text, self._squeezed, self.records
        try:
            if not text.isascii():
                text.decode()
        except UnicodeDecodeError:
            return False
        if len(text) > RECORD or _LONG_NUMBER in squeezed:
            return False
        if (b"0e000" in squeezed or b"0e-000" in squeezed) and _EXPONENT.search(squeezed):
            return False
        # A record opens at least two brackets, so with this many in all none opens more than DEPTH.
        if squeezed.count(b"{") + squeezed.count(b"[") > 2 * len(records) + DEPTH - 2 and not self._is_shallow():
            return False
        return self._has_objects()

    def _has_objects(self) -> bool:
        return {bytes(record.fields)[0] for record in self.records} <= {0x7B}  # an opening brace

    def _is_shallow(self) -> bool:
        opened = len(self.records)
        for record in self.records:
            for value in (bytes(record.fields), bytes(record.pk)):
                count = value.count(b"{") + value.count(b"[")
                if count >= DEPTH and depth_of(value) >= DEPTH:
                    return False
                opened += count
        return opened == self.text.count(b"{") + self.text.count(b"[")  # else there is a second pk, or a strange model

    def _check_records(self) -> None:
        """Find out whether the suspicion is true, and refuse the first record of which it is."""
        try:
            whole = self._joined()
        except UnicodeDecodeError:
            self._refuse_first()
            return
        if (
            (len(self.text) > RECORD and any(end - start > RECORD for start, end in self._spans()))
            or "\\u0000" in whole
            or not self._has_objects()
            or not self._is_shallow()
            or not is_strict(f"[{whole}]")
        ):
            self._refuse_first()

    def _joined(self) -> str:
        """The records with commas between them."""
        if self.line is None:
            return self.text.decode()
        return ",".join(line for line in self.text.decode().split("\n") if line.strip())

    def _refuse_first(self) -> None:
        for number, (start, end) in enumerate(self._spans()):
            check_record(self.text[start:end], self._place(number, start))

    def _spans(self, position: int = 0) -> Iterator[tuple[int, int]]:
        while (start := self.text.find(b"{", position)) >= 0:
            end = find_end(self.text, start)
            if end is None:
                return
            yield start, end
            position = end

    def _place(self, number: int, start: int) -> Place:
        line = None if self.line is None else self.line + self.text.count(b"\n", 0, start)
        return Place(record=self.first + number, byte=self.byte + start, line=line)


def check_record(text: bytes, place: Place, *, final: bool = False) -> None:
    """Read one record exactly and refuse whatever is wrong with it.

    ``final`` says that the file ends with this text, so that a record it does not complete was cut off.
    """
    check_text(text, place, final=final)
    try:
        check_shape(text)
    except Flaw as flaw:
        raise flaw.refusal(place.byte or 0, place.record or 0, place.line, final=final) from None


def check_text(text: bytes, place: Place, *, final: bool = False) -> None:
    """Read one object exactly and refuse whatever is wrong with its text, be it a record or not."""
    byte, record, line = place.byte or 0, place.record or 0, place.line
    try:
        if len(text) > RECORD:
            raise Flaw(0, f"the record has more than {RECORD:,} bytes", limit=True)
        if text[:1] != b"{":
            raise Flaw(0, f"a record is missing, there is {quote(text[:12])} instead")
        end = skip_space(text, scan(text))
        if end != len(text):
            repair = "concatenated" if text[end] in b"[{" else ""
            raise Flaw(end, f"{quote(text[end : end + 12])} follows the record", repair=repair)
    except Flaw as flaw:
        raise flaw.refusal(byte, record, line, final=final) from None


def check_shape(text: bytes) -> None:
    """Refuse well-formed objects that are no record."""
    try:
        record = _one.decode(text)
    except msgspec.ValidationError as error:
        reason = str(error).replace(" - at `$`", "").replace("`", "")
        raise Flaw(0, f"this is not a record ({reason})") from None
    if bytes(record.fields)[:1] != b"{":
        raise Flaw(0, "the fields of the record are not an object")

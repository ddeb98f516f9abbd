"""Texts that were UTF-8, read as Latin-1 or Windows-1252, and written again: "é" has become "Ã©".

Found by their look: the signs that such a reading makes of a character. Turned back only when every text that looks so, in
the whole file, can be turned back and would give the same signs again.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

import msgspec

from webapp.engine.answers import Damage, Place, Sample
from webapp.engine.errors import RepairRefused
from webapp.engine.formats.block import Block, RawRecord
from webapp.engine.formats.rewritten import Rewritten

CODECS = ("cp1252", "latin-1")
"""The readings that are tried, in this order."""

_SHOWN = 3
_FIRST = 8  # blocks that are looked at from the beginning, and then one of
_EVERY = 32

_HIGH = dict(enumerate(codecs.decode(bytes(range(0x80, 0xA0)), "cp1252", "replace"), 0x80))
# Windows-1252 leaves five bytes undefined; programs read them as Latin-1 does.
_DECODE_1252 = {byte: sign for byte, sign in _HIGH.items() if sign != "\ufffd"}
_ENCODE_1252 = {ord(sign): byte for byte, sign in _DECODE_1252.items()}

_NEXT = "[\u0080-\u00bf" + "".join(map(re.escape, _DECODE_1252.values())) + "]"
# First bytes of letters with accents, Greek, Cyrillic, Hebrew, Arabic; of the scripts of Asia and of signs; of emoji. Other
# first bytes are left out, since "É…" and "ß“" are ordinary.
_SIGNS = re.compile(f"[\u00c2-\u00c5\u00ce-\u00d1\u00d7-\u00db]{_NEXT}|[\u00e0-\u00ef]{_NEXT}{{2}}|\u00f0{_NEXT}{{3}}")
_MAYBE = re.compile(rb"\xc3[\x82-\xb0](?:\xc2[\x80-\xbf]|[\xc5\xc6\xcb][\x80-\xbf]|\xe2[\x80\x82\x84][\x80-\xbf])")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def turn_back(text: str, codec: str) -> str | None:
    """The text before it was read wrongly, or None when it cannot have been."""
    try:
        stored = (text.translate(_ENCODE_1252) if codec == "cp1252" else text).encode("latin-1")
        before = stored.decode()
    except UnicodeError:
        return None
    again = before.encode().decode("latin-1")
    return before if text == (again.translate(_DECODE_1252) if codec == "cp1252" else again) else None


def texts(raw: bytes) -> Iterator[str]:
    """The suspicious texts inside a JSON value."""
    for found in _STRING.finditer(raw):
        text = _suspicious(found.group())
        if text is not None:
            yield text


class Sampler:
    """Looks at some of a file's blocks."""

    def __init__(self) -> None:
        self._blocks = self._found = self._hopeless = 0
        self._samples: dict[str, str] = {}
        self._place = Place()

    def look(self, block: Block) -> None:
        """Look at a block, if it is one of those that are looked at."""
        self._blocks += 1
        if (self._blocks > _FIRST and self._blocks % _EVERY) or not _may_hold(block.text):
            return
        for index, record in enumerate(block.records):
            for text in texts(bytes(record.fields)):
                before = next((back for codec in CODECS if (back := turn_back(text, codec)) is not None), None)
                self._hopeless += before is None
                if before is not None and not self._found:
                    self._place = block.place(index)
                self._found += before is not None
                if before is not None and len(self._samples) < _SHOWN:
                    self._samples.setdefault(text, before)

    def damage(self) -> tuple[Damage, ...]:
        """What was found, if anything."""
        if not self._found:
            return ()
        before, after = next(iter(self._samples.items()))
        more = f" {self._hopeless:,} others are mixed and cannot be turned back." if self._hopeless else ""
        return (
            Damage(
                kind="mojibake",
                sentence=f"Texts were read in the wrong encoding before they were saved: {_short(before)} was"
                f" probably {_short(after)} ({self._found:,} such texts in the part that was looked at).{more}",
                repairable=not self._hopeless,
                place=self._place,
                samples=tuple(Sample(before=_cut(old), after=_cut(new)) for old, new in self._samples.items()),
            ),
        )


def find_codec(blocks: Iterator[Block]) -> str | None:
    """The reading that explains every suspicious text of a file; None when there is no such text.

    Raises:
        RepairRefused: no reading explains them all.
    """
    candidates = list(CODECS)
    found = False
    for block in blocks:
        if not _may_hold(block.text):
            continue
        for index, record in enumerate(block.records):
            for text in texts(bytes(record.fields)):
                found = True
                candidates = [codec for codec in candidates if turn_back(text, codec) is not None]
                if not candidates:
                    place = block.place(index)
                    reason = f"the text {_short(text)} in record {place.record:,} cannot be turned back with the others"
                    raise RepairRefused(name="mojibake", reason=reason, place=place)
    return candidates[0] if found else None


def turn_blocks_back(blocks: Iterator[Block], codec: str) -> Iterator[Block]:
    """The same blocks with every suspicious text as it was."""
    for block in blocks:
        if not _may_hold(block.text):
            yield block
            continue
        records = [
            RawRecord(record.model, _turn_value_back(bytes(record.fields), codec), record.pk)
            for record in block.records
        ]
        yield Rewritten(records, first=block.first, places=block.place, original=block)


def _turn_value_back(raw: bytes, codec: str) -> msgspec.Raw:
    def turn(found: re.Match[bytes]) -> bytes:
        text = _suspicious(found.group())
        before = None if text is None else turn_back(text, codec)
        return found.group() if before is None else json.dumps(before, ensure_ascii=False).encode()

    return msgspec.Raw(_STRING.sub(turn, raw))


def _suspicious(literal: bytes) -> str | None:
    """The text of a string of JSON, if it looks so."""
    if b"\\u00" not in literal and not _MAYBE.search(literal):
        return None
    text: str = json.loads(literal)
    return text if _SIGNS.search(text) else None


def _may_hold(text: bytes) -> bool:
    return b"\\u00" in text or (not text.isascii() and _MAYBE.search(text) is not None)


def _short(text: str) -> str:
    return f"“{_cut(text)}”"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"

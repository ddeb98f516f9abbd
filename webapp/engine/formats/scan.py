"""A walk over JSON, token by token, that says exactly what is wrong and at which byte.

It is slow, and only sees texts that are already suspected. Refused is, besides what is no JSON: duplicate keys, NaN and
Infinity, lone surrogates, NUL, invalid UTF-8, nesting over :data:`DEPTH`, numbers over :data:`DIGITS` digits, exponents
over :data:`EXPONENT`.
"""

from __future__ import annotations

import json
import re

from webapp.engine.answers import Place
from webapp.engine.errors import FileRefused, LimitExceeded, MalformedFile, TruncatedFile

DEPTH = 32
"""Objects and lists inside each other; the record itself is the first."""

DIGITS = 40
"""Digits of an integer (or of a decimal's significand)."""

EXPONENT = 400
"""Largest power of ten, either way."""

RECORD = 4 << 20
"""Bytes of one record."""

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
_NUMBER = re.compile(rb"-?(0|[1-9][0-9]*+)(?:\.([0-9]++))?(?:[eE][+-]?([0-9]++))?")
_CUT_NUMBER = re.compile(rb"\.|[eE][+-]?")
_CUT_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?")
_WORD = re.compile(rb"[A-Za-z_]++")
_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\."
)
_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]"]', re.DOTALL)


class Flaw(Exception):
    """What is wrong at byte ``at`` of a text. ``ended``: the text stops before the value does. ``limit``: it is too much.

    ``repair`` would help.
    """

    def __init__(self, at: int, reason: str, *, ended: bool = False, limit: bool = False, repair: str = "") -> None:
        self.at = at
        self.reason = reason
        self.ended = ended
        self.limit = limit
        self.repair = repair
        super().__init__(reason)

    def refusal(self, byte: int, record: int, line: int | None = None, *, final: bool = False) -> FileRefused:
        """The flaw as a refusal of the file; ``byte`` is the offset of the scanned text's first byte.

        ``final`` says that nothing follows the text: a value that it does not complete was cut off.
        """
        at = byte + self.at
        place = Place(record=record, byte=at, line=line)
        where = f"at byte {at:,} (record {record:,})" if line is None else f"in line {line:,} (byte {at:,})"
        if self.limit:
            return LimitExceeded(where=where, reason=self.reason, place=place)
        if self.ended and final:
            return TruncatedFile(where=where, reason=self.reason, place=place)
        return MalformedFile(where=where, reason=self.reason, place=place, repair=self.repair)


def skip_space(text: bytes, position: int) -> int:
    """The position of the next byte that is no white space of JSON."""
    found = _SPACE.match(text, position)
    return found.end() if found else position


def find_end(text: bytes, start: int) -> int | None:
    """Where the object that begins at ``start`` ends, by its brackets alone; None when it does not end in this text."""
    depth = 0
    for token in _BRACKET.finditer(text, start):
        first = text[token.start()]
        if first in b"{[":
            depth += 1
        elif first in b"}]":
            depth -= 1
            if depth <= 0:
                return token.end()
        elif token.end() - token.start() == 1:  # a quote that opens a string without an end
            return None
    return None


def depth_of(text: bytes) -> int:
    """How deep objects and lists are nested in a well-formed text."""
    deepest = depth = 0
    for token in _BRACKET.finditer(text):
        first = text[token.start()]
        if first in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"}]":
            depth -= 1
    return deepest


def scan(text: bytes, start: int = 0) -> int:
    """Walk one value from ``start`` and return where it ends.

    Raises:
        Flaw: at the first byte that does not belong, or at the end of the text if that comes first.
    """
    keys: list[set[str] | None] = []  # one entry per open object (the names so far) or list (None)
    position = _scan_value(text, skip_space(text, start), keys)
    fresh = True
    while keys:
        position = skip_space(text, position)
        seen = keys[-1]
        close = b"]" if seen is None else b"}"
        mark = text[position : position + 1]
        if mark == close:
            keys.pop()
            position += 1
            fresh = False
            continue
        if not fresh:
            if mark != b",":
                raise _unexpected(text, position, f"a comma or {close.decode()} is missing")
            position = skip_space(text, position + 1)
        if seen is not None:
            position = _scan_key(text, position, seen)
        depth = len(keys)
        position = _scan_value(text, position, keys)
        fresh = len(keys) > depth
    return position


def _scan_key(text: bytes, position: int, seen: set[str]) -> int:
    if text[position : position + 1] != b'"':
        raise _unexpected(text, position, "the name of a field is missing")
    end = _scan_string(text, position)
    key = str(json.loads(text[position:end].decode()))
    if key in seen:
        raise Flaw(position, f"the field {key[:60]!r} is there twice in one object")
    seen.add(key)
    end = skip_space(text, end)
    if text[end : end + 1] != b":":
        raise _unexpected(text, end, "a colon is missing")
    return skip_space(text, end + 1)


def _scan_value(text: bytes, position: int, keys: list[set[str] | None]) -> int:
    """Step over a whole scalar, or over the opening bracket of an object or list (which is then on ``keys``)."""
    mark = text[position : position + 1]
    if mark and mark in b"{[":
        if len(keys) == DEPTH:
            raise Flaw(position, f"objects and lists are nested more than {DEPTH} deep", limit=True)
        keys.append(set() if mark == b"{" else None)
        return position + 1
    if mark == b'"':
        return _scan_string(text, position)
    if mark and mark in b"-0123456789":
        return _scan_number(text, position)
    word = _WORD.match(text, position)
    if word is None:
        raise _unexpected(text, position, "a value is missing")
    if word.group() in (b"true", b"false", b"null"):
        return word.end()
    if word.end() == len(text) and any(full.startswith(word.group()) for full in (b"true", b"false", b"null")):
        raise Flaw(len(text), "the file ends within a value", ended=True)
    raise Flaw(position, f"{word.group()[:20].decode()} is no value of JSON")


def _scan_string(text: bytes, position: int) -> int:
    found = _STRING.match(text, position)
    if found is None:
        raise _unexpected(text, position, "a string is missing")
    whole, end = found.group(), found.end()
    mark = text[end : end + 1]
    ended = not mark or _CUT_ESCAPE.fullmatch(text, end) is not None
    try:
        whole.decode()
    except UnicodeDecodeError as error:
        if not ended or error.reason != "unexpected end of data":
            raise Flaw(position + error.start, "a string is not valid UTF-8") from None
    if b"\\u" in whole:
        _check_escapes(whole, position, ended=ended)
    if ended:
        raise Flaw(len(text), "the file ends within a string", ended=True)
    if mark == b"\\":
        raise Flaw(end, "a string has an escape that JSON does not know")
    if mark != b'"':
        raise Flaw(end, f"a string holds the control character {mark[0]:#04x}")
    return end + 1


def _check_escapes(string: bytes, position: int, *, ended: bool) -> None:
    for escape in _SURROGATE.finditer(string):
        start, end = escape.span()
        if string.startswith(b"\\u0000", start):
            raise Flaw(position + start, "a string holds the NUL character")
        if end - start == 6 and not (ended and end == len(string)):
            raise Flaw(position + start, f"a string holds the half character {escape.group().decode()}")


def _scan_number(text: bytes, position: int) -> int:
    found = _NUMBER.match(text, position)
    if found is None:
        if position + 1 == len(text):
            raise Flaw(len(text), "the file ends within a number", ended=True)
        raise Flaw(position, "a number has no digits")
    end = found.end()
    after = text[end : end + 1]
    if after and (after in b"+-.0123456789" or after.isalpha()):
        if _CUT_NUMBER.fullmatch(text, end):
            raise Flaw(len(text), "the file ends within a number", ended=True)
        raise Flaw(end, "a number is not written as JSON has it")
    whole, fraction, exponent = found.groups(default=b"")
    if len(whole) > DIGITS or len(fraction) > DIGITS:
        raise Flaw(position, f"a number has more than {DIGITS} digits", limit=True)
    if len(exponent) > DIGITS or int(exponent or b"0") > EXPONENT:
        raise Flaw(position, f"a number has an exponent over {EXPONENT}", limit=True)
    return end


def _unexpected(text: bytes, position: int, missing: str) -> Flaw:
    if position >= len(text):
        return Flaw(len(text), f"the file ends where {missing}", ended=True)
    return Flaw(position, f"{missing}, there is {quote(text[position : position + 12])} instead")


def quote(some: bytes) -> str:
    """A few bytes for a sentence: as text if they are text, as numbers if not."""
    try:
        text = some.decode()
    except UnicodeDecodeError as error:
        text = some[: error.start].decode() if error.start else ""
    return repr(text) if text.isprintable() and text else "the bytes " + some[:8].hex(" ")


def last_border(buffer: bytes, border: re.Pattern[bytes]) -> tuple[int, int] | None:
    """Where the last record but one seems to end, and where the last one begins. ``border`` starts with the first's brace."""
    window = 8192
    while True:
        low = max(0, len(buffer) - window)
        last: re.Match[bytes] | None = None
        for found in border.finditer(buffer, low):
            last = found
        if last is not None:
            return last.start() + 1, buffer.index(b"{", last.start() + 1)
        if low == 0:
            return None
        window *= 8

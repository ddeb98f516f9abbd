"""What PostgreSQL prints for a value, as the JSON value that a fixture would have for it.

The type is the one that the dump declares. What has no JSON counterpart (arrays, enumerations, addresses, ranges) stays
the text that PostgreSQL printed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from webapp.engine.errors import FileRefused
from webapp.engine.formats.strict import parse_value

Convert = Callable[[str], Any]

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_REAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]{1,3})?\Z")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(\+00)?\Z", re.ASCII)
_OTHER_ZONE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,6}))?([+-]\d\d(?::\d\d){0,2})\Z", re.ASCII)
_TIME = re.compile(r"(\d\d:\d\d:\d\d)\.(\d{1,6})\Z", re.ASCII)
_INTERVAL = re.compile(r"(?:([+-]?\d{1,12}) days?)? ?(?:([+-]?)(\d{1,12}):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?\Z", re.ASCII)
_OCTAL = re.compile(r"\\(?:([0-3][0-7]{2})|\\)")


class Unreadable(ValueError):
    """A value that is not of the type that the dump declares for it; the text says why."""


def _whole(text: str) -> int | str:
    return int(text) if _WHOLE.match(text) else text


def _boolean(text: str) -> bool | str:
    return {"t": True, "f": False, "true": True, "false": False}.get(text, text)


def _real(text: str) -> float | str:
    # What is too large for a number of this kind would be infinite, and JSON would say null for that.
    return number if _REAL.match(text) and math.isfinite(number := float(text)) else text


def _instant(text: str) -> str:
    """All six digits of a second's fraction: three would mean that the rest was cut off."""
    if found := _INSTANT.match(text):
        day, time, fraction, _ = found.groups()
        return f"{day}T{time}.{fraction:0<6}Z" if fraction else f"{day}T{time}Z"
    if found := _OTHER_ZONE.match(text):
        at, fraction, zone = found.groups()
        return f"{at}.{fraction:0<6}{zone}" if fraction else text
    return text


def _time(text: str) -> str:
    found = _TIME.match(text)
    return f"{found[1]}.{found[2]:0<6}" if found else text


def _interval(text: str) -> str:
    """Days and a time of day, as ISO 8601 writes them. Months and years have no length, and stay as they are."""
    found = _INTERVAL.match(text)
    if not text or not found:
        return text
    days, sign, hours, minutes, seconds, fraction = found.groups()
    clock = (int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)) * 1_000_000
    clock += int((fraction or "").ljust(6, "0"))
    total = int(days or 0) * 86_400_000_000 + (-clock if sign == "-" else clock)
    whole, rest = divmod(abs(total), 1_000_000)
    return f"{'-' if total < 0 else ''}PT{whole}.{rest:06d}S"


def _bytes(text: str) -> bytes | str:
    """Bytes as hexadecimal digits, or in the older notation with octal escapes."""
    if text.startswith("\\x"):
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            return text
    plain = _OCTAL.sub(lambda found: chr(int(found[1], 8)) if found[1] else "\\", text)
    try:
        return plain.encode("latin-1")
    except UnicodeEncodeError:
        return text


def _json(text: str) -> msgspec.Raw:
    raw = text.encode()
    if text not in ("{}", "[]"):
        try:
            parse_value(raw)
        except FileRefused as refused:
            raise Unreadable(f"is no strict JSON: {refused.facts['reason']}") from None
    return msgspec.Raw(raw)


_BY_TYPE: Mapping[str, Convert] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "int2", "int4", "int8", "int", "oid"), _whole),
    **dict.fromkeys(("smallserial", "serial", "bigserial"), _whole),
    **dict.fromkeys(("real", "double precision", "float4", "float8", "float"), _real),
    **dict.fromkeys(("boolean", "bool"), _boolean),
    **dict.fromkeys(("timestamp", "timestamptz"), _instant),
    **dict.fromkeys(("timestamp with time zone", "timestamp without time zone"), _instant),
    **dict.fromkeys(("time", "time without time zone"), _time),
    **dict.fromkeys(("json", "jsonb"), _json),
    "interval": _interval,
    "bytea": _bytes,
}


def converter(declared: str) -> Convert | None:
    """What makes a value of a type from its text; None where the text is the value."""
    return _BY_TYPE.get(declared.removeprefix("pg_catalog."))


# ---------------------------------------------------------------- COPY text

_ESCAPED = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def unescape(cell: str) -> str:
    """The text of a cell of COPY, without its escapes.

    Raises:
        Unreadable: escaped bytes are not valid UTF-8.
    """
    bytewise = False

    def meant(found: re.Match[str]) -> str:
        nonlocal bytewise
        octal, hexadecimal, letter = found.groups()
        if letter:
            return _LETTERS.get(letter, letter)
        bytewise = True
        return chr(0xDC00 + ((int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF))

    text = _ESCAPED.sub(meant, cell)
    if not bytewise:
        return text
    try:
        whole = b"".join(
            bytes([ord(each) - 0xDC00]) if 0xDC00 <= ord(each) < 0xDD00 else each.encode() for each in text
        )
        return whole.decode()
    except UnicodeDecodeError:
        raise Unreadable("has escaped bytes that are not valid UTF-8") from None

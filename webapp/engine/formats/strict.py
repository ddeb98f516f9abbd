"""Strict JSON values by the C decoders, which are fast; the reason of a refusal is then found by :mod:`.scan`."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec

from webapp.engine.errors import FileRefused, LimitExceeded, MalformedFile
from webapp.engine.formats.scan import DEPTH, DIGITS, EXPONENT, Flaw, quote, scan, skip_space

_raw = msgspec.json.Decoder(msgspec.Raw)


class _Refused(ValueError):
    pass


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS:
        raise _Refused
    return int(digits)


def _decimal(digits: str) -> Decimal:
    significand, _, exponent = digits.lower().partition("e")
    whole, _, fraction = significand.lstrip("-").partition(".")
    if max(len(whole), len(fraction), len(exponent.lstrip("+-"))) > DIGITS or abs(int(exponent or "0")) > EXPONENT:
        raise _Refused
    return Decimal(digits)


def _constant(name: str) -> object:
    raise _Refused


def _nothing(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _Refused


_silent = json.JSONDecoder(
    object_pairs_hook=_nothing, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)


def _floating(digits: str) -> float:
    """A number as the program that wrote it had it; the rules on digits are the same."""
    return float(_decimal(digits))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused
    return found


_object = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_floating, parse_constant=_constant
)


def strict_object(text: bytes) -> dict[str, object]:
    """An object whose syntax and depth are already checked, its numbers as other programs have them.

    Raises:
        ValueError: it does not keep the rules on keys and numbers, or is no object.
    """
    found = _object.decode(text.decode())
    if not isinstance(found, dict):
        raise _Refused
    return found


def is_strict(text: str) -> bool:
    """Whether a well-formed text (syntax and depth are already checked) keeps the rules on keys and numbers."""
    try:
        _silent.decode(text)
    except ValueError:
        return False
    return True


def parse_value(text: bytes) -> tuple[object, int]:
    """A strict JSON value and the number of object keys in it. Non-integers become :class:`~decimal.Decimal`.

    Raises:
        MalformedFile: without a place, since the caller knows where the value comes from.
        LimitExceeded: likewise.
    """
    keys = 0

    def collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal keys
        keys += len(pairs)
        found = dict(pairs)
        if len(found) != len(pairs):
            raise _Refused
        return found

    decoder = json.JSONDecoder(
        object_pairs_hook=collect, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
    )
    try:
        if b"\\u0000" in text or text.count(b"{") + text.count(b"[") > DEPTH:
            _scan_whole(text)
        _raw.decode(text)  # msgspec refuses half surrogates, which the json module lets through
        return decoder.decode(text.decode()), keys
    except Flaw as flaw:
        raise _value_refused(flaw) from None
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise _value_refused(_find_flaw(text)) from None


def _value_refused(flaw: Flaw) -> FileRefused:
    kind = LimitExceeded if flaw.limit else MalformedFile
    return kind(where=f"at byte {flaw.at:,} of the value", reason=flaw.reason)


def _find_flaw(text: bytes) -> Flaw:
    try:
        _scan_whole(text)
    except Flaw as flaw:
        return flaw
    return Flaw(0, "the value is not strict JSON")


def _scan_whole(text: bytes) -> None:
    end = skip_space(text, scan(text))
    if end != len(text):
        raise Flaw(end, f"{quote(text[end : end + 12])} follows the value")

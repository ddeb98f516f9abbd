"""Canonical values: one form for each kind of column, the same on every database.

========  =================================================================================
integer   int
boolean   0 or 1
decimal   text at the column's scale, ``"3000.00"``; without a scale: no trailing zeros, no exponent
real      float
text      str
date      ``YYYY-MM-DD``
time      ``HH:MM:SS`` or ``HH:MM:SS.ffffff``
instant   ``YYYY-MM-DD HH:MM:SS`` or with ``.ffffff``, in UTC, without a zone
duration  int, microseconds
uuid      32 hexadecimal digits, lower case
json      JSON text; equality is by content
bytes     bytes
other     text as the database prints it
========  =================================================================================

These are the forms that Django itself stores in SQLite, so that writing to a SQLite site is a plain copy. A staged
instant or time may also carry exactly three digits of a second: Django's encoder cuts to milliseconds, so such a value
equals every live value of the same millisecond. A staged time may also be ``HH:MM``, if the file gives it to the minute:
it equals every live time of that minute. (:func:`webapp.engine.sql.settled` gives the form that is written.)
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from ipaddress import IPv6Address, ip_interface
from typing import Annotated, Any

import msgspec

from webapp.engine.errors import Refusal
from webapp.engine.formats.strict import parse_value
from webapp.engine.moments import CLOCK_DURATION, ISO_DURATION, any_time, to_date, to_duration, to_instant
from webapp.engine.schema import Column, Kind
from webapp.engine.unfit import BadValue, quoted

Canonical = str | int | float | bytes | None


AFFINITY = {
    Kind.INTEGER: "INTEGER",
    Kind.BOOLEAN: "INTEGER",
    Kind.DURATION: "INTEGER",
    Kind.REAL: "REAL",
    Kind.BYTES: "BLOB",
}
"""SQLite column types under which canonical values of a kind are kept; TEXT for the rest."""

_INTEGER = re.compile(r"[+-]?\d{1,40}\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\Z")


WIDE = Context(prec=1000)
"""Decimals have at most 40 digits and exponents up to 400: nothing is rounded in this context."""


def _integer(column: Column, value: Any) -> int:
    if isinstance(value, bool):
        raise BadValue("bad_value", f"{quoted(value)} is not a whole number")
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.match(text):
            value = int(text)
        elif column.type.lower() == "bigint" and (ISO_DURATION.match(text) or CLOCK_DURATION.match(text)):
            # SQLite has no type for a length of time: the application keeps microseconds in a bigint.
            value = to_duration(column, text)
    if not isinstance(value, int):
        raise BadValue("bad_value", f"{quoted(value)} is not a whole number")
    low, high = column.low, column.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise BadValue("out_of_range", f"{value} is outside {low} to {high}")
    return value


def _boolean(_column: Column, value: Any) -> int:
    if value is True or value is False:
        return int(value)
    if value in (0, 1) and isinstance(value, int):
        return value
    if isinstance(value, str) and value in ("True", "true", "t", "1", "False", "false", "f", "0"):
        return int(value in ("True", "true", "t", "1"))
    raise BadValue("bad_value", f"{quoted(value)} is neither true nor false")


def _decimal(column: Column, value: Any) -> str:
    if isinstance(value, str) and _DECIMAL.match(value.strip()):
        value = Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadValue("bad_value", f"{quoted(value)} is not a number")
    return decimal_text(Decimal(value), column)


def decimal_text(number: Decimal, column: Column) -> str:
    """A number at its column's scale; refuses rather than rounds."""
    digits = number.as_tuple()
    exponent = digits.exponent
    if not isinstance(exponent, int):
        raise BadValue("bad_value", f"{number} is not a finite number")
    if column.exact is not None and not _kept(number, column, column.exact):
        raise BadValue("out_of_range", f"{number} has more than the {column.exact} digits that are kept exactly")
    if column.scale is None:
        text = format(number, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text in ("-0", "") else text
    try:
        at_scale = number.quantize(Decimal(1).scaleb(-column.scale), context=WIDE) if abs(exponent) < 400 else None
    except InvalidOperation:
        at_scale = None
    if at_scale is None or (column.precision is not None and at_scale.adjusted() + 1 + column.scale > column.precision):
        raise BadValue("out_of_range", f"{number} has more digits than the {column.precision} that fit")
    if at_scale != number:
        raise BadValue("out_of_range", f"{number} has more than {column.scale} decimal places")
    return format(abs(at_scale) if at_scale == 0 else at_scale, "f")


def _kept(number: Decimal, column: Column, exact: int) -> bool:
    """Whether a binary number keeps it, or it is written as a whole number that fits into 64 bits."""
    if number == 0 or (not column.scale and number == number.to_integral_value() and -(2**63) <= number < 2**63):
        return True
    return len(number.normalize(WIDE).as_tuple().digits) <= exact and number.adjusted() < exact


def _real(_column: Column, value: Any) -> float:
    if isinstance(value, str) and _DECIMAL.match(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadValue("bad_value", f"{quoted(value)} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise BadValue("out_of_range", f"{quoted(value)} is greater than any number that fits")
    return number


def _text(column: Column, value: Any) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadValue("bad_value", f"{quoted(value)} is not text")
    if column.length is not None and len(value) > column.length:
        raise BadValue("too_long", f"has {len(value)} characters, {column.length} fit")
    return value


def _uuid(_column: Column, value: Any) -> str:
    if isinstance(value, str) and _UUID.match(value):
        return value.replace("-", "").lower()
    raise BadValue("bad_value", f"{quoted(value)} is not a UUID")


def _bytes(_column: Column, value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise BadValue("bad_value", "is not base64")


def _json(_column: Column, value: Any) -> str:
    return json_text(value)


def _other(column: Column, value: Any) -> str:
    if column.type.endswith("[]") and not (isinstance(value, str) and value.startswith("{")):
        return _array(value)
    if column.type == "inet":
        return _address(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        raise BadValue("bad_value", f"{quoted(value)} is not text")
    return json_text(value)


def _address(value: Any) -> str:
    """An address of a network as PostgreSQL prints it: in short, and with the length of a network's part only."""
    try:
        found = ip_interface(value.strip())
    except (ValueError, AttributeError):
        raise BadValue("bad_value", f"{quoted(value)} is not an address of a network") from None
    mapped = found.ip.ipv4_mapped if isinstance(found.ip, IPv6Address) else None
    text = f"::ffff:{mapped}" if mapped else str(found.ip)
    return text if found.network.prefixlen == found.max_prefixlen else f"{text}/{found.network.prefixlen}"


def _array(value: Any) -> str:
    """A list, or the JSON text of one as Django writes it, in PostgreSQL's notation."""
    if isinstance(value, str):
        try:
            value = parse_value(value.encode())[0]
        except Refusal:
            value = None
    if not isinstance(value, list):
        raise BadValue("bad_value", f"{quoted(value)} is not a list")
    return "{" + ",".join(_array(item) if isinstance(item, list) else _element(item) for item in value) + "}"


def _element(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "t", False: "f"}[value]
    text = value if isinstance(value, str) else json_text(value)
    if text and text.upper() != "NULL" and not re.search(r'[\s{},"\\]', text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_CONVERT: dict[Kind, Callable[[Column, Any], Canonical]] = {
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.DECIMAL: _decimal,
    Kind.REAL: _real,
    Kind.TEXT: _text,
    Kind.DATE: to_date,
    Kind.TIME: any_time,
    Kind.INSTANT: to_instant,
    Kind.DURATION: to_duration,
    Kind.UUID: _uuid,
    Kind.JSON: _json,
    Kind.BYTES: _bytes,
    Kind.OTHER: _other,
}


def convert(column: Column, value: Any) -> Canonical:
    """The canonical form of a JSON value (numbers with a point as Decimal).

    Raises:
        BadValue: the column cannot hold it. Nothing is cut, rounded or replaced.
    """
    if value is None:
        # A JSON column that takes no NULL can still hold the JSON value null.
        return "null" if column.kind is Kind.JSON and not column.nullable else None
    return _CONVERT[column.kind](column, value)


def convert_given(column: Column, value: Any) -> Canonical:
    """The same for a value of a file, which may be less exact than what its column holds: a time to the minute stays one."""
    found = convert(column, value)
    if column.kind is Kind.TIME and isinstance(found, str) and value.count(":") == 1:
        return found[:5]
    return found


def from_text(column: Column, text: str) -> Canonical:
    """The canonical form of a value that a person or a profile gives as text."""
    if column.kind is Kind.JSON:
        return json_text(parse_value(text.encode())[0])
    return convert(column, text)


# ---------------------------------------------------------------- fast typing


def decoded_type(column: Column) -> Any:
    """The type that msgspec decodes a well-formed value of the column into; anything else goes the slow way."""
    match column.kind:
        case Kind.INTEGER:
            limits = msgspec.Meta(ge=column.low, le=column.high) if column.low is not None else None
            return (Annotated[int, limits] if limits else int) | None
        case Kind.BOOLEAN:
            return bool | None
        case Kind.REAL:
            return float | None
        case Kind.TEXT if column.length is not None:
            return Annotated[str, msgspec.Meta(max_length=column.length)] | None
        case Kind.JSON:
            return msgspec.Raw
        case _:
            return str | None


def finisher(column: Column) -> Callable[[Any], Canonical] | None:
    """What remains to be done to a decoded value (None stays None); None where it is canonical already.

    Days, times and amounts repeat, so their results are remembered.
    """
    convert_one = _CONVERT[column.kind]

    def finish(value: Any) -> Canonical:
        return None if value is None else convert_one(column, value)

    def finish_time(value: Any) -> Canonical:
        return None if value is None else convert_given(column, value)

    match column.kind:
        case Kind.INTEGER | Kind.BOOLEAN | Kind.REAL | Kind.TEXT | Kind.JSON:
            return None
        case Kind.TIME:
            return lru_cache(maxsize=1 << 14)(finish_time)
        case Kind.DATE | Kind.DECIMAL:
            return lru_cache(maxsize=1 << 14)(finish)
        case _:
            return finish


# ---------------------------------------------------------------- JSON


def json_text(value: Any) -> str:
    """JSON text of a strictly parsed value, numbers digit for digit as they were written."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(json_text(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value)

"""Dates, times of day, instants and lengths of time in their canonical forms; see :mod:`webapp.engine.values`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any

from webapp.engine.schema import Column
from webapp.engine.unfit import BadValue, quoted

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?(?:Z|\+00:00)\Z", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?\Z", re.ASCII)
CLOCK_DURATION = re.compile(
    r"(?:(-?\d{1,19}) (?:days?,? )?)?(-?)(\d{1,19}):([0-5]\d):([0-5]\d)(?:[.,](\d{1,6}))?\Z", re.ASCII
)
ISO_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,19})D)?(?:T(?:(\d{1,19})H)?(?:(\d{1,19})M)?(?:(\d{1,19})(?:[.,](\d{1,6}))?S)?)?\Z", re.ASCII
)


def to_date(_column: Column, value: Any) -> str:
    if isinstance(value, str):
        try:
            if len(value) == 10 and _DATE.match(value):
                date.fromisoformat(value)
                return value
            if len(value) > 10 and value[10] in "T " and _DATE.match(value):
                # A date that was written as an instant at midnight is the date; another time of day is not.
                at = datetime.fromisoformat(value)
                if at.time() == time():
                    return at.date().isoformat()
        except ValueError:
            pass
    raise BadValue("bad_value", f"{quoted(value)} is not a date (year-month-day)")


def any_time(_column: Column, value: Any) -> str:
    found = _TIME.match(value) if isinstance(value, str) else None
    if not found:
        raise BadValue("bad_value", f"{quoted(value)} is not a time of day (hours:minutes:seconds)")
    hour, minute, second, fraction = found.groups()
    return f"{hour}:{minute}:{second or '00'}" + _fraction(fraction)


def to_instant(_column: Column, value: Any) -> str:
    if isinstance(value, str):
        if _ZULU.match(value):
            # What Django and this program write, in fixtures and in sync files. The C parser checks it; the text is cut, not formatted anew.
            try:
                datetime.fromisoformat(value)
            except ValueError:
                raise BadValue("bad_value", f"{quoted(value)} is not a date with a time") from None
            fraction = value[19:-1] if value.endswith("Z") else value[19:-6]
            return f"{value[:10]} {value[11:19]}" + ("" if fraction == ".000000" else fraction)
        return any_instant(value)
    raise BadValue("bad_value", f"{quoted(value)} is not a date with a time")


def any_instant(value: str) -> str:
    digits = re.search(r"[.,](\d+)", value)
    try:
        if not _DATE.match(value) or (digits and digits[1][6:].strip("0")):
            # Weeks and days of a year are not dates to a database; more than microseconds would be cut off.
            raise ValueError
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue("bad_value", f"{quoted(value)} is not a date with a time") from None
    text = at.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
    if digits and len(digits[1]) == 3:
        return f"{text}.{digits[1]}"
    return text + (f".{at.microsecond:06d}" if at.microsecond else "")


def _fraction(digits: str | None) -> str:
    if digits is None:
        return ""
    if len(digits) == 3:
        return "." + digits
    digits = digits.ljust(6, "0")
    return "" if digits == "000000" else "." + digits


def to_duration(_column: Column, value: Any) -> int:
    if isinstance(value, str):
        if found := ISO_DURATION.match(value):
            sign, days, hours, minutes, seconds, fraction = found.groups()
            total = _microseconds(days, hours, minutes, seconds, fraction)
            return _in_64_bits(-total if sign == "-" else total)
        if found := CLOCK_DURATION.match(value):
            # Django writes -90 minutes as "-1 22:30:00": the sign before the days is theirs alone.
            days, sign, hours, minutes, seconds, fraction = found.groups()
            rest = _microseconds(None, hours, minutes, seconds, fraction)
            return _in_64_bits(int(days or 0) * 86_400_000_000 + (-rest if sign else rest))
    raise BadValue("bad_value", f"{quoted(value)} is not a length of time")


def _in_64_bits(microseconds: int) -> int:
    if -(2**63) <= microseconds < 2**63:
        return microseconds
    raise BadValue("out_of_range", "is longer than any length of time that fits")


def _microseconds(
    days: str | None, hours: str | None, minutes: str | None, seconds: str | None, fraction: str | None
) -> int:
    whole = int(days or 0) * 86_400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole * 1_000_000 + int((fraction or "").ljust(6, "0"))

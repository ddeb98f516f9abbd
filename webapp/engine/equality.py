"""Is a stored value the staged one, though its form differs? Called inside SQL, and only for forms that do differ."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from webapp.engine.moments import any_instant, any_time
from webapp.engine.schema import Column, Kind
from webapp.engine.unfit import BadValue
from webapp.engine.values import WIDE


def json_key(text: str) -> str:
    """A text that is equal for JSON texts of equal content: keys sorted, numbers by value."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, str):
            return "'" + value
        if isinstance(value, Decimal) and value.is_finite():
            return int(value) if value == value.to_integral_value() else str(value.normalize(WIDE))
        return value

    return json.dumps(plain(json.loads(text, parse_float=Decimal)), sort_keys=True)


def same_json(left: Any, right: Any) -> int:
    """1 when two JSON texts have the same content. For use inside SQL."""
    if not isinstance(left, str) or not isinstance(right, str):
        return 0
    try:
        return int(json_key(left) == json_key(right))
    except (ValueError, RecursionError, InvalidOperation):
        return 0


def same_instant(live: Any, staged: Any) -> int:
    """1 when a live value in any ISO form is the staged instant. For use inside SQL."""
    if not isinstance(live, str) or not isinstance(staged, str):
        return 0
    try:
        found = any_instant(live)
    except BadValue:
        return 0
    if len(staged) == 23:
        return int((found + ".000000" if len(found) == 19 else found)[:23] == staged)
    return int((found[:19] if found[19:] == ".000" else found) == staged)


def same_time(live: Any, staged: Any) -> int:
    """1 when a live value in any ISO form is the staged time of day. For use inside SQL."""
    if not isinstance(live, str) or not isinstance(staged, str):
        return 0
    try:
        found = any_time(Column("", Kind.TIME, True, ""), live)
    except BadValue:
        return 0
    if len(staged) == 12:
        return int((found + ".000000" if len(found) == 8 else found)[:12] == staged)
    if len(staged) == 5:
        return int(found[:5] == staged)  # given to the minute
    return int(found == staged)

"""References that are not primary keys, as a stage keeps them until :mod:`webapp.engine.natural` has led them to a row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

MARK = "\x1f"
"""Begins a token. Tokens only stand in references, where no other text can be confused with one."""


def token(value: Iterable[Any]) -> str:
    """A natural key."""
    return MARK + json.dumps(list(_flat(value)), ensure_ascii=False, default=str)


def owner_token(rec: int) -> str:
    """A record that has no primary key in the file, as its many-to-many rows refer to it."""
    return f"{MARK}#{rec}"


def shown_token(value: object) -> str:
    """A staged reference for a person."""
    return str(value).removeprefix(MARK)


def shown(value: object) -> str | None:
    """A stored value as text."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return f"{len(value):,} bytes, {value[:8].hex(' ')}" + (" …" if len(value) > 8 else "")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return shown_token(value)


def _flat(value: Iterable[Any]) -> Iterable[Any]:
    for item in value:
        if isinstance(item, list | tuple):
            yield from _flat(item)
        else:
            yield item

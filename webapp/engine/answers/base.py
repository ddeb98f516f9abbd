"""What all answers are made of."""

from __future__ import annotations

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of all answers."""


class Place(Answer):
    """Where in the file: record number from 1, byte offset from 0 in the uncompressed text, line from 1 for JSON lines."""

    record: int | None = None
    byte: int | None = None
    line: int | None = None
    file: str = ""  # named when several files are restored together; record and byte then count in it


class Problem(Answer):
    """One reason why something cannot be restored as it is. ``message`` is a sentence for a person."""

    code: str
    model: str = ""
    pk: str = ""
    field: str = ""
    message: str = ""
    place: Place = Place()
    count: int = 1  # how many records share it, when it is told once for all (drift)
    repair: str = ""  # what would help, when the file is damaged and that can be undone
    candidates: tuple[str, ...] = ()  # rows that an ambiguous reference may mean

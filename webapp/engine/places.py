"""Where a record stands: its number in the file, or in one of several files."""

from __future__ import annotations

from webapp.engine.answers import FilePart, Place
from webapp.engine.shapes import LINKS


def place_of(parts: tuple[FilePart, ...], rec: object, byte: object = None, line: object = None) -> Place:
    """The place of a staged record; no place for rows that no record stands for."""
    if not isinstance(rec, int) or rec >= LINKS:
        return Place()
    part = next((each for each in reversed(parts) if each.first <= rec), None)
    return Place(
        record=rec if part is None else rec - part.first + 1,
        byte=byte if isinstance(byte, int) else None,
        line=line if isinstance(line, int) else None,
        file=part.name if part else "",
    )

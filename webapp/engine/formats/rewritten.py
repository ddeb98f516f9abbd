"""Blocks whose text is not the file's own: records of a format that is not JSON, or repaired ones.

Their JSON is checked like any other; places are those of the file.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from webapp.engine.answers import Place
from webapp.engine.errors import FileRefused
from webapp.engine.formats.block import Block, RawRecord, check_record


class Rewritten(Block):
    """A run of records. ``places`` gives the place of each; ``original`` is the block that they were made from."""

    __slots__ = ("_original", "_places")

    def __init__(
        self, records: list[RawRecord], *, first: int, places: Callable[[int], Place], original: Block | None = None
    ) -> None:
        self._places = places
        self._original = original
        super().__init__(msgspec.json.encode(records)[1:-1], records, first=first, byte=places(0).byte or 0)

    def confirm(self, keys: int | None = None) -> None:
        """Refuse duplicate keys. A reader of another format has refused them itself."""
        if self._original is not None:
            self._original.confirm()

    def place(self, index: int) -> Place:
        """Where the record with this index in ``records`` stands in the file."""
        return self._places(index)

    def _refuse_first(self) -> None:
        for index, (start, end) in enumerate(self._spans()):
            try:
                check_record(self.text[start:end], Place(record=self.first + index))
            except FileRefused as refused:
                place = self._places(index)
                raise type(refused)(where=where(place), reason=refused.facts["reason"], place=place) from None


def where(place: Place) -> str:
    """A place in words, for a refusal."""
    if place.line is None and place.byte is None:
        return f"in record {place.record or 0:,}"
    if place.line is None:
        return f"at byte {place.byte or 0:,} (record {place.record or 0:,})"
    return f"in line {place.line:,}" + (f" (record {place.record:,})" if place.record else "")

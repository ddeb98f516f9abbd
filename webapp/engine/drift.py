"""What the fields carry that a live table has no column for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from webapp.engine.answers import FieldDrift
from webapp.engine.formats import RawRecord
from webapp.engine.formats.strict import parse_value

_NULL = b"null"


class Drift:
    """What the unknown fields of a label carry."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Any]] = {}  # records, filled, first value, constant

    def note(self, unknown: Sequence[str], record: RawRecord) -> int:
        """Count these fields of a record; gives the number of names inside their values."""
        given = _raw_fields(record.fields)
        nested = 0
        for name in unknown:
            raw = bytes(given[name])
            if raw[:1] in (b"{", b"["):
                nested += parse_value(raw)[1]
            entry = self.seen.get(name)
            if entry is None:
                entry = self.seen[name] = [0, 0, raw, True]
            entry[0] += 1
            entry[1] += raw not in (_NULL, b'""')
            entry[3] = entry[3] and raw == entry[2]
        return nested

    def facts(self) -> tuple[FieldDrift, ...]:
        """By field."""
        return tuple(
            FieldDrift(field=name, records=entry[0], filled=entry[1], constant=entry[3], example=_short(entry[2]))
            for name, entry in self.seen.items()
        )


_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _short(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return text if len(text) <= 40 else text[:39] + "…"

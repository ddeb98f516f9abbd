"""Writing a site's rows as a Django fixture: a JSON array with one record on each line.

Rows come in canonical form (:mod:`webapp.engine.values`), a few thousand at a time and column by column where a column
needs work, so that the cost of a row is the cost of encoding it. Link tables are written as records of their own, so
that a restore finds every row again.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import msgspec

from webapp.engine import labels
from webapp.engine.answers import BackupFacts
from webapp.engine.databases.base import Reader
from webapp.engine.errors import FormatRefused
from webapp.engine.output import appearing
from webapp.engine.profile import Profile
from webapp.engine.schema import Kind, Table
from webapp.engine.snapshot import Snapshot, utc_text

_DAY, _HOUR, _MINUTE, _SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000

_TRUTH: Mapping[Any, Any] = {0: False, 1: True}


def write_fixture(snapshot: Snapshot) -> BackupFacts:
    """Write a JSON array; the file appears under its name only when it is whole."""
    if snapshot.base or snapshot.since or snapshot.media:
        raise FormatRefused(format="fixture", reason="it holds all rows, and no files")
    total = sum(snapshot.reader.count(name) for name in snapshot.tables)
    counts: dict[str, int] = {}
    done = 0
    with appearing(snapshot.output) as output:
        output.write(b"[")
        for name in snapshot.tables:
            counts[name] = 0
            for lines in lines_of(snapshot.schema.tables[name], snapshot.profile, snapshot.reader):
                output.write(b",\n" if done else b"\n")
                # Inside JSON text a line break is always escaped, so each one that is left ends a record.
                output.write(lines.text[:-1].replace(b"\n", b",\n"))
                counts[name] += len(lines.keys)
                done += len(lines.keys)
                snapshot.report("backup", done, max(done, total))
        output.write(b"\n]\n")
    return BackupFacts(
        path=str(snapshot.output),
        size=output.size,
        sha256=output.sha256,
        records=done,
        tables=counts,
        instant=utc_text(snapshot.instant),
        rows=done,
    )


def field_names(table: Table, profile: Profile) -> dict[str, str]:
    """The columns that are fields of a fixture, and how they are called; a primary key of one column is none."""
    return {
        column.name: labels.field_of(column.name, table, profile)
        for column in table.columns
        if not column.generated and (column.name,) != table.primary_key
    }


class _Record(msgspec.Struct, gc=False):
    model: str
    pk: Any
    fields: Any


class _Keyless(msgspec.Struct, gc=False):
    model: str
    fields: Any


def _fields(names: Sequence[str]) -> Callable[..., Any]:
    """Makes the fields of one record from its values. A struct takes a quarter of the time of a dictionary."""
    if any(mark in name or not name.isprintable() for name in names for mark in '"\\'):
        # The few names that a struct does not take.
        return lambda *values: dict(zip(names, values, strict=True))
    places = [f"f{at}" for at in range(len(names))]
    return msgspec.defstruct(
        "Fields", [(place, Any) for place in places], rename=dict(zip(places, names, strict=True)), gc=False
    )


@dataclass(frozen=True, slots=True)
class Lines:
    """Some records, each on a line that has a line break, and their primary keys (lists where a key has several columns)."""

    text: bytes
    keys: Sequence[Any]


def lines_of(table: Table, profile: Profile, reader: Reader, *, stamp: str = "", since: str = "") -> Iterator[Lines]:
    """The rows of a table as records, in the order of the reader; with ``stamp`` only those stamped ``since`` then, or not at all."""
    label = labels.label_of(table.name, profile)
    names = field_names(table, profile)
    kept = [column for column in table.columns if not column.generated]
    places = [at for at, column in enumerate(kept) if column.name in names]
    fields = _fields([names[kept[at].name] for at in places])
    listed = [column.name for column in kept]
    key_places = [listed.index(name) for name in table.primary_key]
    writers = [(at, writer) for at, column in enumerate(kept) if (writer := _WRITERS.get(column.kind))]
    encode = msgspec.json.Encoder().encode_lines
    for columns in reader.columns(table.name, listed):
        if stamp:
            columns = _stamped(columns, listed.index(stamp), since)
        count = len(columns[0])
        if not count:
            continue
        for at, writer in writers:
            columns[at] = _written(columns[at], writer)
        values = zip(*(columns[at] for at in places), strict=True) if places else [()] * count
        keys: Sequence[Any]
        records: list[_Keyless] | list[_Record]
        if len(key_places) == 1:
            keys = columns[key_places[0]]
            records = [_Record(label, pk, fields(*row)) for pk, row in zip(keys, values, strict=True)]
        else:
            keys = list(zip(*(columns[at] for at in key_places), strict=True)) if key_places else [None] * count
            records = [_Keyless(label, fields(*row)) for row in values]
        yield Lines(encode(records), keys)


def _written(values: Sequence[Any], writer: Callable[[Any], Any]) -> Sequence[Any]:
    """A column as a fixture holds it. What nearly all columns are, canonical throughout, is done without a call a value."""
    if writer is _instant and _are_instants(values):
        return [value if value is None else f"{value[:10]}T{value[11:]}Z" for value in values]
    if writer is _boolean and set(map(type, values)) <= _WHOLE:
        return [_TRUTH.get(value, value) for value in values]
    return [None if value is None else writer(value) for value in values]


_WHOLE = {int, type(None)}


def _are_instants(values: Sequence[Any]) -> bool:
    if not set(map(type, values)) <= {str, type(None)}:
        return False
    given = list(filter(None, values))
    return set(map(len, given)) <= {19, 26} and {value[10] for value in given} <= {" "} and "" not in values


def _stamped(columns: Sequence[Sequence[Any]], at: int, since: str) -> list[Sequence[Any]]:
    """The rows stamped since a moment. A stamp that is shorter (a day) counts from where it begins."""
    kept = [not isinstance(value, str) or value >= since[: len(value)] for value in columns[at]]
    return [list(compress(column, kept)) for column in columns]


# ---------------------------------------------------------------- canonical values as a fixture holds them
#
# A value that is not canonical (SQLite holds whatever it was given) is written as it is, bytes as base64.


def _boolean(value: Any) -> Any:
    return _TRUTH.get(value, value) if isinstance(value, int) else _any(value)


def _instant(value: Any) -> Any:
    if isinstance(value, str) and len(value) in (19, 26) and value[10] == " ":
        return f"{value[:10]}T{value[11:]}Z"
    return _any(value)


def _uuid(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 32:
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
    return _any(value)


def _duration(value: Any) -> Any:
    """Microseconds as Django writes them: ``P1DT02H03M04.000005S``."""
    if not isinstance(value, int):
        return _any(value)
    days, rest = divmod(abs(value), _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    seconds, micro = divmod(rest, _SECOND)
    fraction = f".{micro:06d}" if micro else ""
    return f"{'-' if value < 0 else ''}P{days}DT{hours:02d}H{minutes:02d}M{seconds:02d}{fraction}S"


_valid_json = msgspec.json.Decoder(msgspec.Raw).decode


def _json(value: Any) -> Any:
    """JSON by content, on one line."""
    if isinstance(value, str):
        try:
            _valid_json(value)
        except msgspec.DecodeError:
            return value
        return msgspec.Raw(msgspec.json.format(value.encode(), indent=-1) if "\n" in value else value.encode())
    return _any(value)


def _real(value: Any) -> Any:
    # JSON has no word for these, and the encoder would write null: as text they are refused by name when read.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else _any(value)


def _any(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


_WRITERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INSTANT: _instant,
    Kind.REAL: _real,
    Kind.UUID: _uuid,
    Kind.DURATION: _duration,
    Kind.JSON: _json,
    Kind.BYTES: _any,
}

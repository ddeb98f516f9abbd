"""Writing a site's rows as a Django fixture: a JSON array with one record on each line.

Rows come in canonical form (:mod:`webapp.engine.values`), a few thousand at a time and column by column where a column
needs work, so that the cost of a row is the cost of encoding it. Link tables are written as records of their own, so
that a restore finds every row again.
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from webapp.engine import labels
from webapp.engine.answers import BackupFacts
from webapp.engine.databases.base import Reader
from webapp.engine.errors import UnknownCategory
from webapp.engine.profile import Profile
from webapp.engine.schema import OWN_TABLES, Kind, Schema, Table

Report = Callable[[str, int, int], None]

_DAY, _HOUR, _MINUTE, _SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000

_TRUTH: Mapping[Any, Any] = {0: False, 1: True}


def write_fixture(
    output: Path,
    schema: Schema,
    profile: Profile,
    reader: Reader,
    *,
    tables: Sequence[str],
    report: Report,
) -> BackupFacts:
    """Write the rows of ``tables``, referenced tables first; the file appears under its name only when it is whole."""
    total = sum(reader.count(name) for name in tables)
    counts: dict[str, int] = {}
    descriptor, name = tempfile.mkstemp(dir=output.absolute().parent, prefix=f".{output.name[:40]}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as file:
            target = _Digest(file)
            target.write(b"[")
            done = 0
            for table in (schema.tables[name] for name in schema.order() if name in tables):
                counts[table.name] = 0
                for text, records in _lines(table, profile, reader):
                    target.write(b",\n" if done else b"\n")
                    target.write(text)
                    counts[table.name] += records
                    done += records
                    report("backup", done, max(done, total))
            target.write(b"\n]\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o600)
        temporary.rename(output)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(output.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return BackupFacts(path=str(output), size=target.size, sha256=target.sha256, records=done, tables=counts)


def tables_of(schema: Schema, profile: Profile, categories: Sequence[str]) -> tuple[str, ...]:
    """The tables of the categories, or of the whole site; never sessions, migrations and our own.

    Raises:
        UnknownCategory: no table of the site is in it.
    """
    kept = [name for name in schema.order() if name not in OWN_TABLES and not profile.rules(name).ignored]
    found = {name: profile.categories_of(name) for name in kept}
    known = sorted({key for keys in found.values() for key in keys})
    for name in categories:
        if name not in known:
            raise UnknownCategory(name=name, known=", ".join(known))
    return tuple(name for name in kept if not categories or set(categories) & set(found[name]))


class _Digest:
    """A file that knows its size and sha256 while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.size = 0

    def write(self, text: bytes) -> None:
        self._file.write(text)
        self._sha256.update(text)
        self.size += len(text)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


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


def _lines(table: Table, profile: Profile, reader: Reader) -> Iterator[tuple[bytes, int]]:
    """Each batch as the text of its records, without a comma at the end, and how many they are."""
    label = labels.label_of(table.name, profile)
    names = field_names(table, profile)
    kept = [column for column in table.columns if not column.generated]
    places = [at for at, column in enumerate(kept) if column.name in names]
    fields = _fields([names[kept[at].name] for at in places])
    key = next((at for at, column in enumerate(kept) if (column.name,) == table.primary_key), None)
    writers = [(at, writer) for at, column in enumerate(kept) if (writer := _WRITERS.get(column.kind))]
    encode = msgspec.json.Encoder().encode_lines
    for rows in reader.rows(table.name, [column.name for column in kept]):
        if not rows:
            continue
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for at, writer in writers:
            columns[at] = [None if value is None else writer(value) for value in columns[at]]
        values = zip(*(columns[at] for at in places), strict=True) if places else [()] * len(rows)
        records: list[_Keyless] | list[_Record]
        if key is None:
            records = [_Keyless(label, fields(*row)) for row in values]
        else:
            records = [_Record(label, pk, fields(*row)) for pk, row in zip(columns[key], values, strict=True)]
        # Inside JSON text a line break is always escaped, so each one that is left ends a record.
        yield encode(records)[:-1].replace(b"\n", b",\n"), len(records)


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

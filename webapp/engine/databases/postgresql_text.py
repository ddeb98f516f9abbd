"""Canonical values on their way to and from PostgreSQL: both sides speak the text of COPY, so that rows compare as bytes.

What the server reads and what it prints differ for a few kinds (bytes, lengths of time); everything else is one form.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from psycopg import Connection

from webapp.engine.schema import Column, Kind
from webapp.engine.sql import literal, q
from webapp.engine.values import Canonical, same_json

BATCH: Final = 2_000
NULL: Final = "\\N"

_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_FREE = (Kind.TEXT, Kind.JSON, Kind.OTHER)
"""Kinds whose text may hold a character that COPY escapes."""


# ---------------------------------------------------------------- what the server prints


def canonical(column: Column, alias: str) -> str:
    """PostgreSQL's expression for the canonical form of a column."""
    value = f"{alias}.{q(column.name)}"
    match column.kind:
        case Kind.BOOLEAN:
            return f"{value}::int"
        case Kind.DECIMAL if column.scale is None:
            return f"trim_scale({value})"
        case Kind.UUID:
            return f"replace({value}::text, '-', '')"
        case Kind.BYTES:
            return f"encode({value}, 'hex')"
        case Kind.INSTANT:
            return _six_digits(f"{value}::timestamp", 19, "0001-01-01")  # in the session's zone, which is UTC
        case Kind.TIME:
            return _six_digits(value, 8, "00:00:00")
        case Kind.DURATION:
            # Months have no length: such a value stays as the database prints it.
            return (
                f"CASE WHEN isfinite({value}) AND extract(year FROM {value}) = 0 AND extract(month FROM {value}) = 0 THEN"
                f" (extract(day FROM {value})::bigint * 86400000000 + extract(hour FROM {value})::bigint * 3600000000"
                f" + extract(minute FROM {value})::bigint * 60000000 + extract(microseconds FROM {value})::bigint)::text"
                f" ELSE {value}::text END"
            )
        case _:
            return value


def _six_digits(value: str, whole: int, lowest: str) -> str:
    """All six digits of a second's fraction, or none; ``whole`` is the width without one."""
    text = f"{value}::text"
    # Before our era the text ends with BC, and nothing can be appended.
    return (
        f"CASE WHEN strpos({text}, '.') = {whole + 1} AND {value} >= '{lowest}' THEN rpad({text}, {whole + 7}, '0')"
        f" ELSE {text} END"
    )


def copied(connection: Connection[Any], query: str) -> Generator[bytes, None, None]:
    """The lines of a query's rows, each with its line break."""
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT".encode()) as copy:
        for line in copy:
            yield bytes(line)


def batches(lines: Iterator[bytes], rows: int = BATCH) -> Iterator[tuple[list[list[str]], bool]]:
    """Lines split into cells. The flag tells whether they are still escaped text, in which only ``\\N`` is special."""
    while text := b"".join(islice(lines, rows)):
        cells = [line.split("\t") for line in text[:-1].decode().split("\n")]
        yield cells, b"\\" not in text.replace(b"\\N", b"")


def value_of(cell: str) -> str | None:
    """The value of one cell."""
    if cell == NULL:
        return None
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[1]), cell) if "\\" in cell else cell


def decoder(column: Column) -> Callable[[str], Canonical] | None:
    """From a cell's value to the canonical one; None where it is that already."""
    return _DECODERS.get(column.kind)


def real(text: str | None) -> Canonical:
    """A number as Python reads it: SQLite's own reading is not exact in the last digit, and it has no NaN."""
    return text if text is None or text == "NaN" else float(text)


def unhex(text: str | None) -> bytes | None:
    """Bytes from hexadecimal digits."""
    return None if text is None else bytes.fromhex(text)


def _microseconds(text: str) -> Canonical:
    return int(text) if text.lstrip("-").isdigit() else text


_DECODERS: Mapping[Kind, Callable[[str], Canonical]] = {
    Kind.INTEGER: int,
    Kind.BOOLEAN: int,
    Kind.REAL: real,
    Kind.BYTES: bytes.fromhex,
    Kind.DURATION: _microseconds,
}


# ---------------------------------------------------------------- what a plan holds


@dataclass(frozen=True)
class PlanLines:
    """Rows of a plan file as lines of COPY text, by ``#id``.

    ``source`` is ``FROM .. WHERE ..`` with the rows as ``x``. With ``numbered``, each line begins with the ``#id``.
    ``sent`` lines are for the server to read, ``printed`` ones are as it prints the canonical forms.
    """

    connection: sqlite3.Connection
    source: str
    columns: Sequence[Column]
    form: Literal["sent", "printed"]
    numbered: bool = False

    def batches(self) -> Iterator[tuple[list[int], bytes]]:
        """The ``#id`` of each row, and their lines."""
        plain, careful = (
            f'SELECT x."#id", {self._line(escape=escape)} {self.source} AND x."#id" > ? ORDER BY x."#id" LIMIT {BATCH}'
            for escape in (False, True)
        )
        tabs = len(self.columns) - 1 + self.numbered
        last = -1
        while rows := self.connection.execute(plain, (last,)).fetchall():
            ids = [row[0] for row in rows]
            text = "\n".join([row[1] for row in rows])
            if "\\" in text or "\r" in text or text.count("\n") != len(ids) - 1 or text.count("\t") != tabs * len(ids):
                text = "\n".join([row[1] for row in self.connection.execute(careful, (last,))])
            yield ids, text.replace("\0N", "\\N").replace("\0x", "\\\\x").encode() + b"\n"
            last = ids[-1]

    def _line(self, *, escape: bool) -> str:
        # No text in PostgreSQL holds a NUL: it marks what must not be escaped.
        cells = [f"coalesce({self._cell(column, escape=escape)}, char(0, 78))" for column in self.columns]
        return " || char(9) || ".join(['x."#id"'] * self.numbered + cells)

    def _cell(self, column: Column, *, escape: bool) -> str:
        value = f"x.{q(column.name)}"
        sent = self.form == "sent"
        match column.kind:
            case Kind.REAL:
                return f"real_text({value})"
            case Kind.BYTES:
                digits = f"lower(hex({value}))"
                return f"CASE WHEN {value} IS NOT NULL THEN {f'char(0, 120) || {digits}' if sent else digits} END"
            case Kind.DURATION if sent:
                length = f"({value} / 86400000000) || ' days ' || ({value} % 86400000000) || ' microseconds'"
                return f"CASE typeof({value}) WHEN 'integer' THEN {length} ELSE {value} END"
            case kind if kind in _FREE and escape:
                for found, written in (
                    ("char(92)", "\\\\"),
                    ("char(9)", "\\t"),
                    ("char(10)", "\\n"),
                    ("char(13)", "\\r"),
                ):
                    value = f"replace({value}, {found}, {literal(written)})"
                return value
            case _:
                return value


def real_text(value: Canonical) -> str | None:
    """A number with all its digits, in the shortest form, as PostgreSQL prints most of them."""
    return None if value is None else repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def same_line(columns: Sequence[Column], expected: bytes, found: bytes) -> bool:
    """Whether two lines, unequal as text, hold the same values: JSON by content, numbers by value."""
    pairs = zip(expected.decode().split("\t"), bytes(found).decode().split("\t"), strict=True)
    return all(
        left == right or _same(column, left, right) for column, (left, right) in zip(columns, pairs, strict=True)
    )


def _same(column: Column, expected: str, found: str) -> bool:
    left, right = value_of(expected), value_of(found)
    if left is None or right is None:
        return False
    if column.kind is Kind.JSON:
        return bool(same_json(left, right))
    return column.kind is Kind.REAL and real(left) == real(right)

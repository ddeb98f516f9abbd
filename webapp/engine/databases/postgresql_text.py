"""What PostgreSQL prints: canonical values as lines of COPY text, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from psycopg import Connection, errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from webapp.engine.schema import Column, Kind
from webapp.engine.sql import q
from webapp.engine.values import Canonical

BATCH: Final = 2_000
NULL: Final = "\\N"

Line = bytes | bytearray | memoryview
"""A row as the server sends it, with its line break."""

_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


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


def copied(connection: Connection[Any], query: str) -> Generator[Line, None, None]:
    """The lines of a query's rows, each with its line break."""
    server = connection.pgconn
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT".encode()) as copy:
        while line := copy.read():  # which waits, and can be broken off
            yield line
            # What has arrived by then is taken as it is: a row takes half the time.
            size, line = server.get_copy_data(1)
            while size > 0:
                yield line
                size, line = server.get_copy_data(1)
            if size < 0:
                _end(server)
                return


def _end(server: PGconn) -> None:
    """Take the result that follows the last row."""
    while result := server.get_result():
        if result.status != ExecStatus.COMMAND_OK:
            raise errors.error_from_result(result)


def batches(lines: Iterator[Line], rows: int = BATCH) -> Iterator[tuple[list[list[str]], bool]]:
    """Lines split into cells. The flag tells whether they are still escaped text, in which only ``\\N`` is special."""
    while text := b"".join(islice(lines, rows)):
        cells = [line.split("\t") for line in text[:-1].decode().split("\n")]
        yield cells, b"\\" not in text.replace(b"\\N", b"")


def columns_of(lines: Iterator[Line], count: int) -> Iterator[list[Sequence[str | None]]]:
    """Lines as columns of values, ``count`` of them. No row is ever an object of its own, which halves the time."""
    while text := b"".join(islice(lines, BATCH)):
        # Inside a cell neither character stands as itself.
        cells = text[:-1].decode().replace("\n", "\t").split("\t")
        read: list[Sequence[str | None]] = [cells[at::count] for at in range(count)]
        if b"\\" in text.replace(b"\\N", b""):
            yield [[None if cell is None else value_of(cell) for cell in column] for column in read]
        else:
            yield [[None if cell == NULL else cell for cell in column] if NULL in column else column for column in read]


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

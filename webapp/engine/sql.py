"""Pieces of SQL for the scratch files (SQLite). Names come from a reflected schema and are quoted; values are bound."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from webapp.engine import equality, values
from webapp.engine.errors import Refusal
from webapp.engine.schema import Column, Kind

STEPS_PER_TICK = 200_000
"""Steps of SQLite's virtual machine between two ticks."""


def q(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def names(columns: Iterable[str], prefix: str = "") -> str:
    """A quoted list of identifiers, each behind ``prefix.`` when one is given."""
    return ", ".join((f"{prefix}." if prefix else "") + q(name) for name in columns)


def literal(text: str) -> str:
    """A quoted string, for the few places where SQLite takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def value_literal(value: values.Canonical) -> str:
    """A canonical value as it is written in a statement that is put together of many parts."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    return literal(value) if isinstance(value, str) else repr(value)


def declared(columns: Iterable[Column]) -> str:
    """Column definitions under which canonical values keep their form."""
    return ", ".join(f"{q(column.name)} {values.AFFINITY.get(column.kind, 'TEXT')}" for column in columns)


def connect(path: Path | str, *, durable: bool = False) -> sqlite3.Connection:
    """A scratch file: fast and, unless asked for, without a journal. It is remade, never repaired, after a crash."""
    connection = sqlite3.connect(path, isolation_level=None, uri=str(path).startswith("file:"), check_same_thread=False)
    connection.execute(f"PRAGMA journal_mode = {'DELETE' if durable else 'OFF'}")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
    connection.execute("PRAGMA cache_size = -12000")
    connection.execute("PRAGMA temp_store = FILE")
    connection.execute("PRAGMA trusted_schema = OFF")
    add_functions(connection)
    return connection


def add_functions(connection: sqlite3.Connection) -> None:
    """The comparisons of :mod:`webapp.engine.equality` that SQL has no words for."""
    connection.create_function("same_json", 2, equality.same_json, deterministic=True)
    connection.create_function("same_instant", 2, equality.same_instant, deterministic=True)
    connection.create_function("same_time", 2, equality.same_time, deterministic=True)


@contextmanager
def ticking(connection: sqlite3.Connection, tick: Callable[[], None]) -> Iterator[None]:
    """Call ``tick`` some fifty times a second while statements run, so that the longest one can be cancelled."""
    stopped: list[Refusal] = []

    def interrupted() -> int:
        try:
            tick()
        except Refusal as reason:
            # SQLite swallows exceptions here: keep it, stop the statement, and raise it again below.
            stopped.append(reason)
            return 1
        return 0

    connection.set_progress_handler(interrupted, STEPS_PER_TICK)
    try:
        yield
    except sqlite3.Error:
        if stopped:
            raise stopped[0] from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


def read_only(path: Path | str) -> str:
    """The URI of a SQLite file that is only read."""
    return Path(path).absolute().as_uri() + "?mode=ro"


def differs(column: Column, live: str, staged: str) -> str:
    """An SQL condition: the live value is not the staged one.

    The plain comparison comes first, so that the costly ones are only made for values whose stored forms differ.
    """
    plain = f"{live} IS NOT {staged}"
    match column.kind:
        case Kind.DECIMAL:
            # SQLite keeps decimals as binary numbers; arithmetic in the application leaves noise behind the scale.
            form = "%.15g" if column.scale is None else f"%.{column.scale}f"
            return (
                f"({plain} AND (typeof({live}) NOT IN ('real', 'integer') OR {staged} IS NULL"
                f" OR printf('{form}', {live}) <> printf('{form}', {staged})))"
            )
        case Kind.INSTANT:
            return (
                f"({plain} AND ({live} IS NULL OR {staged} IS NULL OR NOT"
                f" ((length({staged}) = 23 AND substr({live} || '.000000', 1, 23) = {staged})"
                f" OR same_instant({live}, {staged}))))"
            )
        case Kind.TIME:
            return (
                f"({plain} AND ({live} IS NULL OR {staged} IS NULL OR NOT"
                f" ((length({staged}) = 12 AND substr({live} || '.000000', 1, 12) = {staged})"
                f" OR (length({staged}) = 5 AND substr({live}, 1, 5) = {staged})"
                f" OR same_time({live}, {staged}))))"
            )
        case Kind.JSON:
            # A fixture has one word for no value and for the JSON value null.
            return f"({plain} AND NOT same_json(coalesce({live}, 'null'), coalesce({staged}, 'null')))"
        case Kind.TEXT | Kind.UUID | Kind.OTHER:
            # Equal letter for letter, whatever collation the live column has.
            return f"{staged} COLLATE BINARY IS NOT {live}"
        case _:
            return plain


def settled(column: Column, staged: str) -> str:
    """The staged value as it is written: milliseconds become microseconds, minutes full times."""
    width = {Kind.INSTANT: 23, Kind.TIME: 12}.get(column.kind)
    if width is None:
        return staged
    minute = f"WHEN length({staged}) = 5 THEN {staged} || ':00' " if column.kind is Kind.TIME else ""
    return (
        f"CASE {minute}WHEN length({staged}) = {width} THEN"
        f" CASE substr({staged}, -4) WHEN '.000' THEN substr({staged}, 1, {width - 4}) ELSE {staged} || '000' END"
        f" ELSE {staged} END"
    )


def content(column: Column, value: str) -> str:
    """A text that is equal for values that :func:`differs` calls equal (JSON left out: it is compared afterwards)."""
    match column.kind:
        case Kind.DECIMAL:
            form = "%.15g" if column.scale is None else f"%.{column.scale}f"
            return f"coalesce(CASE WHEN {value} IS NOT NULL THEN printf('{form}', {value}) END, '~')"
        case Kind.INSTANT:
            return f"coalesce(substr(replace({value}, 'T', ' ') || '.000000', 1, 23), '~')"
        case Kind.TIME:
            return f"coalesce(substr({value} || '.000000', 1, 12), '~')"
        case Kind.JSON:
            return "''"
        case _:
            return f"quote({value})"

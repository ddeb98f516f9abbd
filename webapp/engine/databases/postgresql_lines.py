"""What a plan holds, as lines of COPY text, so that rows are sent in bulk and compare as bytes with what the server prints.

What the server reads and what it prints differ for a few kinds (bytes, lengths of time); everything else is one form.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from webapp.engine.databases.base import TableChanges
from webapp.engine.databases.postgresql_text import BATCH, real, value_of
from webapp.engine.equality import same_json
from webapp.engine.schema import Column, Kind
from webapp.engine.sql import literal, q
from webapp.engine.values import Canonical

_FREE = (Kind.TEXT, Kind.JSON, Kind.OTHER)
"""Kinds whose text may hold a character that COPY escapes."""

_NULL, _BYTES = secrets.token_hex(8), secrets.token_hex(8)
"""What must not be escaped, under names that no value can know: no value, and the sign before bytes."""

_ARGUMENTS = 100
"""Arguments of one call of a function in SQLite, which takes 127."""


def new_rows(changes: TableChanges, which: str) -> str:
    """A source of lines: the rows as they will be, of the actions ``which``."""
    return f'FROM {q(changes.after)} x WHERE x."#action" {which}'


def old_rows(changes: TableChanges, which: str) -> str:
    """A source of lines: the rows as they were, of the actions ``which``."""
    return (
        f'FROM {q(changes.before)} x WHERE EXISTS (SELECT 1 FROM {q(changes.after)} a WHERE a."#id" = x."#id"'
        f' AND a."#action" {which})'
    )


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
            yield ids, text.replace(_NULL, "\\N").replace(_BYTES, "\\\\x").encode() + b"\n"
            last = ids[-1]

    def _line(self, *, escape: bool) -> str:
        cells = [f"coalesce({self._cell(column, escape=escape)}, {literal(_NULL)})" for column in self.columns]
        cells = ['x."#id"'] * self.numbered + cells
        # One call builds a line at half the cost of joining its cells one by one.
        groups = [cells[start : start + _ARGUMENTS] for start in range(0, len(cells), _ARGUMENTS)]
        tab = "\t"
        return " || char(9) || ".join(
            f"printf({literal(tab.join(['%s'] * len(part)))}, {', '.join(part)})" for part in groups
        )

    def _cell(self, column: Column, *, escape: bool) -> str:
        value = f"x.{q(column.name)}"
        sent = self.form == "sent"
        match column.kind:
            case Kind.REAL:
                return f"real_text({value})"
            case Kind.BYTES:
                digits = f"lower(hex({value}))"
                return f"CASE WHEN {value} IS NOT NULL THEN {f'{literal(_BYTES)} || {digits}' if sent else digits} END"
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
    if left == right:  # the server escapes a few characters more
        return True
    if column.kind is Kind.JSON:
        return bool(same_json(left, right))
    return column.kind is Kind.REAL and real(left) == real(right)

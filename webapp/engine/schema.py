"""A live database's structure, as it was reflected: the only source of names that may be written to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

JOURNAL = "smart_restore_journal"
LEDGER = "smart_restore_ledger"
OWN_TABLES = frozenset({JOURNAL, LEDGER})
"""Our own tables in a site: never a target of a restore, never part of a backup."""


class Kind(StrEnum):
    """What a column holds. The canonical form of each kind is defined in :mod:`webapp.engine.values`."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    REAL = "real"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    INSTANT = "instant"
    DURATION = "duration"
    UUID = "uuid"
    JSON = "json"
    BYTES = "bytes"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``length`` in characters; ``precision``/``scale`` in decimal digits; ``low``/``high`` inclusive.

    ``exact``: decimal digits beyond which the database would round without a word.
    """

    name: str
    kind: Kind
    nullable: bool
    type: str  # the database's own name of the type
    default: str = ""  # the database's own expression, empty for none
    generated: bool = False
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    low: int | None = None
    high: int | None = None
    exact: int | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``columns`` of the owning table refer to ``target_columns`` of ``target``."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    deferrable: bool = False
    on_delete: str = ""  # "", or what the database itself does: "CASCADE", "SET NULL", ...


@dataclass(frozen=True)
class Table:
    """A base table. ``unique`` lists the unique constraints and full unique indexes, without the primary key."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    remark: str = ""  # why it cannot be restored into, empty when it can

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    def reference(self, column: str) -> ForeignKey | None:
        """The single-column foreign key of a column."""
        for key in self.foreign_keys:
            if key.columns == (column,):
                return key
        return None


@dataclass(frozen=True)
class Schema:
    """All base tables that a session of this database sees by default."""

    dialect: str
    tables: Mapping[str, Table]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over names, types, keys and references, without our own tables; a stage typed under another one is not reused."""
        text = repr([(name, repr(table)) for name, table in sorted(self.tables.items()) if name not in OWN_TABLES])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def circles(self) -> frozenset[str]:
        """Tables from which references lead back to themselves."""
        needs = {
            name: {key.target for key in table.foreign_keys if key.target in self.tables}
            for name, table in self.tables.items()
        }
        return frozenset(name for name in needs if name in _reached(name, needs))

    def order(self) -> tuple[str, ...]:
        """Tables with referenced ones first; members of a cycle follow each other in name order."""
        waiting = {
            name: {key.target for key in table.foreign_keys if key.target != name and key.target in self.tables}
            for name, table in self.tables.items()
        }
        done: list[str] = []
        while waiting:
            free = sorted(name for name, needs in waiting.items() if not needs & waiting.keys())
            if not free:
                # A cycle: start with the member whose references can best stay empty for a while; what only hangs on
                # the cycle comes after it.
                cyclic = [name for name in waiting if name in _reached(name, waiting)]
                free = [
                    min(
                        cyclic,
                        key=lambda name: (self._required(name, waiting), len(waiting[name] & waiting.keys()), name),
                    )
                ]
            for name in free:
                del waiting[name]
            done += free
        return tuple(done)

    def _required(self, name: str, waiting: Mapping[str, set[str]]) -> int:
        """How many references of a table to waiting ones cannot be empty."""
        table = self.tables[name]
        return sum(
            key.target in waiting and not all(table.by_name[column].nullable for column in key.columns)
            for key in table.foreign_keys
            if key.target != name
        )


def _reached(start: str, needs: Mapping[str, set[str]]) -> set[str]:
    """The tables that a table waits for, directly or through others."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = (needs[waiting.pop()] & needs.keys()) - found
        found |= new
        waiting += new
    return found

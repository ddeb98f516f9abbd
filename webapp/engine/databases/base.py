"""What the pipeline asks of a site's database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

from sqlalchemy.engine import URL

from webapp.engine.schema import Column, Schema, Table
from webapp.engine.values import Canonical

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class TableChanges:
    """The changes of one table in a plan file.

    The plan file has a table ``after <name>`` (``#id``, ``#action``, ... and every column that can be written) and a table
    ``before <name>`` (``#id`` and the same columns) for the updated and deleted rows. ``parked`` updates exchange unique
    values with other rows and are done as a deletion and an insertion.
    """

    table: Table
    columns: tuple[str, ...]
    inserts: int
    updates: int
    deletes: int
    parked: bool = False
    noted: bool = False  # some record must be found again by what is noted now: the plan has "noted <name>"

    @property
    def after(self) -> str:
        """Name of the plan file's table of new rows."""
        return f"after {self.table.name}"

    @property
    def before(self) -> str:
        """Name of the plan file's table of old rows."""
        return f"before {self.table.name}"


@dataclass(frozen=True, slots=True)
class Differing:
    """Rows that are not as planned: how many, and the primary key of the first."""

    table: str
    count: int
    pk: str


class Reader(Protocol):
    """One consistent snapshot of a site, for reading."""

    def expose(self, scratch: sqlite3.Connection, tables: Sequence[str], report: Report) -> None:
        """Make the live tables readable in a scratch connection as ``live."<name>"``, in canonical or stored form, with row numbers."""

    def instant(self) -> datetime:
        """When the snapshot was begun, in UTC: everything committed before is in it. By the database's clock where it has one."""

    def count(self, table: str) -> int:
        """Rows of a table."""

    def columns(self, table: str, columns: Sequence[str]) -> Iterator[list[Sequence[Canonical]]]:
        """Batches of rows in canonical values, by primary key, column by column."""

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Sequence[Canonical]]]:
        """Batches of rows in canonical values, by primary key."""

    def greatest_key(self, table: str) -> int:
        """The greatest integer primary key that was ever given out, as far as the database knows; 0 for none."""

    def default(self, column: Column) -> Canonical:
        """What the database itself would put into a column with a default now."""


class Writer(Protocol):
    """One transaction that carries out a plan. Leaving it without :meth:`commit` rolls everything back."""

    def begin(self, job: str, digest: str, changes: Sequence[TableChanges]) -> None:
        """Lock the tables that will change and write the marker.

        Raises:
            AlreadyApplied, SiteBusy
        """

    def stale(self, changes: TableChanges) -> Differing | None:
        """Rows that are no longer as the plan found them: changed, gone, or standing where a new one would go."""

    def delete(self, changes: TableChanges) -> None:
        """Delete the rows to be deleted, and the parked ones."""

    def update(self, changes: TableChanges) -> None:
        """Write the updated rows, without the parked ones."""

    def insert(self, changes: TableChanges, advance: Callable[[int], None]) -> None:
        """Write the new rows and the parked ones; ``advance(rows)`` after each batch."""

    def unequal(self, changes: TableChanges) -> Differing | None:
        """Read every touched row back: those that are not as planned."""

    def dangling(self, changes: TableChanges) -> Differing | None:
        """Rows that would be left with a reference to nothing."""

    def settle_keys(self, changes: TableChanges) -> None:
        """Move the key generator of the table past the highest key."""

    def remember(self, changes: TableChanges, backup: str) -> None:
        """Note in the site's ledger which rows records of this backup are, where the next restore could not tell."""

    def commit(self) -> None:
        """Make it so."""


class Database(Protocol):
    """A site's database. Opening one does not connect."""

    dialect: ClassVar[str]
    address: str  # without a password

    def schema(self) -> Schema:
        """Reflect all base tables."""

    def version(self) -> str:
        """The server's or library's version."""

    def remarks(self) -> Mapping[str, str]:
        """By table: what stands against restoring into it (triggers, kinds of tables without transactions)."""

    def reader(self, schema: Schema) -> AbstractContextManager[Reader]:
        """Open a snapshot."""

    def writer(self, schema: Schema, plan: str, tick: Callable[[], None]) -> AbstractContextManager[Writer]:
        """Open the transaction for the plan file at path ``plan``; ``tick()`` is called now and then and may raise Cancelled."""

    def likeness(self, schema: Schema, path: Path) -> Database:
        """Make an empty SQLite file at ``path`` with the structure of this database, to try a restore out in."""

    def settle(self, job: str) -> bool:
        """Whether the journal has the job, asked under the lock that a writer holds, so that no answer is given too early.

        Raises:
            OutcomeUnknown: it cannot be asked, or somebody is still writing.
        """


class Opener(Database, Protocol):
    """A kind of database, as the register knows it."""

    def __init__(self, url: URL) -> None: ...

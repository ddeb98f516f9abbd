"""The file in which a plan is worked out: the stage and the live rows side by side, in one SQL dialect.

``stage.*`` is the backup's stage, ``live.*`` the site (attached, or a mirror of it), ``main.*`` what becomes the plan.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from webapp.engine import sql
from webapp.engine.answers import Choices, NaturalKey
from webapp.engine.databases.base import Reader, Report
from webapp.engine.formats import sync
from webapp.engine.labels import find_table
from webapp.engine.profile import Profile
from webapp.engine.schema import LEDGER, Column, Schema, Table
from webapp.engine.sql import q
from webapp.engine.stage import StageFacts


@dataclass
class Scratch:
    """An open scratch file. Identical queries are asked of it by matching, planning and analysis."""

    connection: sqlite3.Connection
    reader: Reader
    schema: Schema
    profile: Profile
    facts: StageFacts
    choices: Choices
    report: Report
    joined: dict[str, Table] = field(default_factory=dict)  # tables without records that removal reaches
    generic: dict[tuple[str, str], str] = field(default_factory=dict)  # SQL of references to any table
    matched: set[str] = field(default_factory=set)  # tables that are matched already
    tokens: set[str] = field(default_factory=set)  # tables that natural keys of the file lead to
    led: set[str] = field(default_factory=set)  # tables to rows of which decisions lead references
    doubtful: dict[tuple[str, str], tuple[str, ...]] = field(
        default_factory=dict
    )  # tables and natural keys that mean more than one row, and these
    natural_keys: list[NaturalKey] = field(default_factory=list)  # what natural keys of the file were found to mean
    made: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # tables with rows made for references, and their keys
    moved: set[str] = field(default_factory=set)  # tables of which some record has another primary key in the site

    @cached_property
    def chosen(self) -> frozenset[str]:
        """Tables whose key to match by a person chose."""
        found = (find_table(label, self.schema, self.profile)[0] for label in self.choices.match_by)
        return frozenset(table.name for table in found if table is not None)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Live tables with staged rows, referenced ones first."""
        staged = set(self.facts.tables)
        return tuple(self.schema.tables[name] for name in self.schema.order() if name in staged)

    @cached_property
    def staged_columns(self) -> Mapping[str, tuple[str, ...]]:
        """By table: the columns that at least one record has."""
        found: dict[str, set[str]] = {}
        for model in self.facts.models:
            if model.table:
                found.setdefault(model.table, set()).update(model.columns)
        for link, (_, owner, other) in self.facts.links.items():
            found.setdefault(link, set()).update((owner, other))
        return {
            name: tuple(column.name for column in self.schema.tables[name].columns if column.name in columns)
            for name, columns in found.items()
        }

    @cached_property
    def live_rows(self) -> Mapping[str, int]:
        """By table: rows of the site."""
        return {table.name: self.reader.count(table.name) for table in self.tables}

    def volatile(self, table: Table) -> frozenset[str]:
        """Columns that make no difference by themselves; more of them where the records come from a sync file."""
        rules = self.profile.rules(table.name)
        synced = any(model.table == table.name and model.label.startswith(sync.LABEL) for model in self.facts.models)
        return frozenset(rules.volatile) | (frozenset(rules.sync.volatile) if rules.sync and synced else frozenset())

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run a statement whose names are quoted and whose values are bound."""
        return self.connection.execute(statement, values)

    def one(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """The first column of the first row."""
        row = self.connection.execute(statement, values).fetchone()
        return None if row is None else row[0]

    def shapes(self, table: Table) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """The shapes that a table's records have, with their columns."""
        numbers = [row[0] for row in self.run(f'SELECT DISTINCT "#shape" FROM {staged(table)}')]
        return tuple((number, self.facts.shapes[number]) for number in numbers)

    def reference(self, table: Table, column: str, alias: str = "s") -> str:
        """The staged value of a column, a reference led to the key that its record has in the site."""
        value = f"{alias}.{q(column)}"
        key = table.reference(column)
        if key is None or key.target not in self.moved:
            return value
        if key.target_columns != self.schema.tables[key.target].primary_key:
            return value
        return f"coalesce((SELECT m.new FROM {q('moved ' + key.target)} m WHERE m.old = {value}), {value})"

    def final(self, table: Table, column: Column, alias: str = "s") -> str:
        """The value that would be written: references led on, milliseconds made whole."""
        if table.reference(column.name) is not None:
            return self.reference(table, column.name, alias)
        if (table.name, column.name) in self.generic:
            return self.generic[table.name, column.name]
        return sql.settled(column, f"{alias}.{q(column.name)}")


def staged(table: Table | str) -> str:
    """The stage's rows of a table."""
    return f"stage.{q('rows ' + (table if isinstance(table, str) else table.name))}"


def live(table: Table | str) -> str:
    """The site's rows of a table."""
    return f"live.{q(table if isinstance(table, str) else table.name)}"


def matched(table: Table | str) -> str:
    """What :mod:`webapp.engine.match` found for a table: rec, live, rung, new, code."""
    return q("match " + (table if isinstance(table, str) else table.name))


def needed_tables(
    schema: Schema, facts: StageFacts, choices: Choices, profile: Profile | None = None
) -> tuple[str, ...]:
    """Live tables that a plan must see: the staged ones, those that they refer to, and those that refer to them.

    Where the backup carries files, those that the ``profile`` says name files as well.
    """
    staged_names = set(facts.tables)
    around = {key.target for name in staged_names for key in schema.tables[name].foreign_keys}
    around |= {
        name for name, table in schema.tables.items() if any(key.target in staged_names for key in table.foreign_keys)
    }
    if facts.naturals:
        # A natural key may pass through a table that is only referred to.
        around |= {key.target for name in around for key in schema.tables[name].foreign_keys}
    while choices.on_referenced == "remove":
        # What refers to a removed row is removed as well, and so on.
        known = staged_names | around
        more = {name for name, table in schema.tables.items() if any(key.target in known for key in table.foreign_keys)}
        if more <= known:
            break
        around |= more
    if LEDGER in schema.tables:
        around.add(LEDGER)
    if profile is not None and facts.files and choices.files:
        around |= {name for name in schema.tables if profile.rules(name).files}
    return tuple(name for name in schema.order() if name in staged_names | around)


@contextmanager
def open_scratch(path: Path, stage_path: Path, report: Report) -> Iterator[sqlite3.Connection]:
    """A new scratch file with the stage attached. While its statements run, ``report`` is called and may cancel."""
    path.unlink(missing_ok=True)
    connection = sql.connect(path)
    try:
        connection.execute("ATTACH ? AS stage", (sql.read_only(stage_path),))
        with sql.ticking(connection, lambda: report("plan", 0, 0)):
            yield connection
    finally:
        connection.close()

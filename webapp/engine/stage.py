"""A private SQLite file with the records of one backup: typed against the live schema, and queryable.

Tables of a stage (names that begin with ``#`` cannot be columns of a site):

- ``rows <table>``: one row a record: ``#rec`` (its number in the file; link rows made from a many-to-many list count on
  from :data:`LINKS`), ``#shape`` (which fields it has) and every column that can be written, canonical.
- ``list <link table>``: the records that carry a many-to-many list, be it empty.
- ``files``: files that the backup carries, in its order; only where it carries any.
- ``problems``: values that do not fit. The value is staged as it stands, so that a row which the site has just so is
  still recognised; the problem counts only when the value would be written.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import msgspec

from webapp.engine import sql
from webapp.engine.answers import FieldDrift, FileFacts, Place, Problem
from webapp.engine.databases.base import Report
from webapp.engine.errors import ArchiveRefused
from webapp.engine.folder import flaw_of
from webapp.engine.formats import Block, Carrier, Noted, RawRecord, Records
from webapp.engine.formats.mojibake import Sampler
from webapp.engine.formats.several import said_of
from webapp.engine.labels import FoundBy, find_table
from webapp.engine.places import place_of
from webapp.engine.profile import Profile
from webapp.engine.schema import Schema, Table
from webapp.engine.shapes import LINKS, Shape, Shapes, Staged
from webapp.engine.sql import q
from webapp.engine.tokens import owner_token

VERSION = 7
"""Of the stage's layout; part of its name."""

_SHA256 = re.compile("[0-9a-f]{64}")
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class StagedModel(msgspec.Struct, frozen=True):
    """What was staged of one label."""

    label: str
    table: str | None
    found_by: FoundBy
    records: int
    unknown: tuple[FieldDrift, ...]
    columns: tuple[str, ...]  # columns that at least one record has
    partial: tuple[str, ...]  # of these, columns that some record has not


class StageFacts(msgspec.Struct, frozen=True):
    """The facts of a stage, kept in it as JSON."""

    file: FileFacts
    models: tuple[StagedModel, ...]
    shapes: Mapping[int, tuple[str, ...]]  # columns of each shape
    links: Mapping[str, tuple[str, str, str]]  # link table -> owning table, owner column, other column
    naturals: tuple[tuple[str, str], ...] = ()  # tables and columns that hold natural keys
    files: int = 0  # how many the backup carries
    empty: tuple[StagedModel, ...] = ()  # what the file holds whole and that has no records: its rows may be removed

    @property
    def tables(self) -> tuple[str, ...]:
        """Live tables that have staged rows."""
        named = [model.table for model in self.models if model.table]
        return tuple(dict.fromkeys([*named, *self.links]))


def stage(source: Records, schema: Schema, profile: Profile, folder: Path, report: Report) -> tuple[Path, StageFacts]:
    """The stage of a backup; made, unless the folder has it already."""
    made_with = f"{VERSION} {schema.fingerprint} {profile!r} {sorted(source.asked)}"
    typed = hashlib.sha256(made_with.encode()).hexdigest()[:16]
    path = folder / f"{source.sha256}-{typed}.sqlite"
    if path.exists():
        connection = sqlite3.connect(sql.read_only(path), uri=True)
        try:
            return path, msgspec.json.decode(
                connection.execute("SELECT facts FROM meta").fetchone()[0], type=StageFacts
            )
        finally:
            connection.close()
    folder.mkdir(parents=True, exist_ok=True)
    making = path.with_suffix(f".{os.getpid()}-{id(source):x}.part")
    making.unlink(missing_ok=True)
    connection = sql.connect(making)
    try:
        facts = _Stager(connection, schema, profile).run(source, report)
        connection.close()
        making.replace(path)
    finally:
        connection.close()
        making.unlink(missing_ok=True)
    return path, facts


class _Stager:
    """The state of one pass over a file; nothing of it outlives :meth:`run`."""

    def __init__(self, connection: sqlite3.Connection, schema: Schema, profile: Profile) -> None:
        self.connection = connection
        self.schema = schema
        self.profile = profile
        self.models: dict[str, Shapes] = {}
        self.made: set[str] = set()
        self.shape_columns: dict[int, tuple[str, ...]] = {}
        self.links: dict[str, tuple[str, str, str]] = {}
        self.link_rows = LINKS
        self.records = 0

    def run(self, source: Records, report: Report) -> StageFacts:
        """Stage every record."""
        run = self.connection.execute
        run("CREATE TABLE meta (facts TEXT)")
        run(
            "CREATE TABLE problems (rec INTEGER, tbl TEXT, label TEXT, pk TEXT, field TEXT, col TEXT, code TEXT,"
            " message TEXT, byte INTEGER, line INTEGER)"
        )
        run("BEGIN")
        sampler = Sampler()
        for block in source.blocks(report):
            sampler.look(block)
            self._block(block)
        run("CREATE INDEX problem_places ON problems (tbl, col)")
        said = said_of(source)
        file = FileFacts(
            name=source.name,
            size=source.size,
            sha256=source.sha256,
            format=source.format,
            compression=source.compression,
            records=self.records,
            repairs=source.repairs,
            parts=source.parts,
            partial=source.partial,
            notes=source.notes if isinstance(source, Noted) else (),
            damage=(*said.damage, *sampler.damage()),
            made=said.made,
            increment=said.increment,
            since=said.since,
        )
        facts = StageFacts(
            file,
            tuple(self._model(label, shapes) for label, shapes in self.models.items()),
            self.shape_columns,
            self.links,
            self._naturals(),
            stage_files(self.connection, source),
            self._empty(said.empty),
        )
        run("INSERT INTO meta VALUES (?)", (msgspec.json.encode(facts).decode(),))
        run("COMMIT")
        return facts

    def _empty(self, labels: tuple[str, ...]) -> tuple[StagedModel, ...]:
        """Tables that the file holds without a record of them, where the site has them."""
        found = []
        for label in labels:
            table, found_by = find_table(label, self.schema, self.profile)
            if label not in self.models and table is not None and table.name not in self.made:
                self._make(table)
                found.append(StagedModel(label, table.name, found_by, 0, (), (), ()))
        return tuple(found)

    def _block(self, block: Block) -> None:
        index = inside = 0
        for label, grouped in groupby(block.records, attrgetter("model")):
            records = list(grouped)
            shapes = self.models.get(label) or self._shapes(label)
            shapes.records += len(records)
            inside += self._run(shapes, block, index, records)
            index += len(records)
        self.records += len(block.records)
        read = inside
        for shapes in self.models.values():
            for shape in shapes.known.values():
                read += shape.keys_read
                shape.keys_read = 0
        block.confirm(read)

    def _run(self, shapes: Shapes, block: Block, start: int, records: list[RawRecord]) -> int:
        """Stage neighbours of one label; gives the number of names inside the values of unknown fields."""
        first = block.first + start
        likely = shapes.latest or self._shape(shapes, first, records[0])
        rows = likely.run(first, records) if shapes.table and not likely.unknown else None
        if rows is not None:
            self.connection.executemany(likely.statement, rows)
            return 0
        inside = 0
        pending: dict[Shape, list[tuple[object, ...]]] = {}
        for index, record in enumerate(records):
            shape = shapes.latest
            row = shape.fast(first + index, record) if shape else None
            quick = row is not None
            if shape is None or row is None:
                shape, row, quick = self._slow(shapes, block, start + index, record)
            if shapes.table is not None:
                pending.setdefault(shape, []).append(row)
            if shape.unknown:
                named = shapes.drift.note(shape.unknown, record)
                inside += named if quick else 0
        for each, staged_rows in pending.items():
            self.connection.executemany(each.statement, staged_rows)
        return inside

    def _shapes(self, label: str) -> Shapes:
        table, found_by = find_table(label, self.schema, self.profile)
        self.models[label] = shapes = Shapes(label, table, found_by, self.schema, self.profile)
        if table is not None:
            self._make(table)
        return shapes

    def _make(self, table: Table) -> None:
        if table.name not in self.made:
            self.made.add(table.name)
            columns = sql.declared(column for column in table.columns if not column.generated)
            self.connection.execute(
                f'CREATE TABLE {q("rows " + table.name)} ("#rec" INTEGER PRIMARY KEY, "#shape" INTEGER, {columns})'
            )

    def _slow(
        self, shapes: Shapes, block: Block, index: int, record: RawRecord
    ) -> tuple[Shape, tuple[object, ...], bool]:
        """A record with other fields than the one before it, with values that do not fit, or with lists of references."""
        shape = self._shape(shapes, block.first + index, record)
        row = shape.fast(block.first + index, record)
        if row is not None:
            return shape, row, True
        staged = shape.carefully(block.first + index, record)
        if staged.problems or staged.links:
            self._keep(shapes, staged, block, index)
        return shape, staged.row, False

    def _shape(self, shapes: Shapes, rec: int, record: RawRecord) -> Shape:
        shape, fresh = shapes.of(rec, record)
        if fresh:
            shape.number = sum(1 for known in self.shape_columns if known > 0) + 1
            self.shape_columns[shape.number] = shape.columns
        return shape

    def _keep(self, shapes: Shapes, staged: Staged, block: Block, index: int) -> None:
        rec = block.first + index
        place = block.place(index) if staged.problems else Place(record=rec)
        table = shapes.table.name if shapes.table else None
        self.connection.executemany(
            "INSERT INTO problems VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    rec,
                    table,
                    shapes.label,
                    staged.pk,
                    each.field,
                    each.column,
                    each.code,
                    each.message,
                    place.byte,
                    place.line,
                )
                for each in staged.problems
            ],
        )
        for link, others in staged.links:
            joint = self.schema.tables[link.table]
            if link.table not in self.links:
                assert shapes.table is not None
                self._make(joint)
                self.links[link.table] = (shapes.table.name, link.owner, link.other)
                self.connection.execute(f"CREATE TABLE {q('list ' + link.table)} (rec INTEGER PRIMARY KEY)")
            number = self._link_shape(joint, link.owner, link.other)
            self.connection.execute(f"INSERT INTO {q('list ' + link.table)} VALUES (?)", (rec,))
            owner = owner_token(rec) if staged.key is None else staged.key
            rows = [(self.link_rows + n, number, owner, other) for n, other in enumerate(others)]
            self.link_rows += len(rows)
            self.connection.executemany(
                f'INSERT INTO {q("rows " + link.table)} ("#rec", "#shape", {q(link.owner)}, {q(link.other)}) VALUES (?, ?, ?, ?)',
                rows,
            )

    def _link_shape(self, joint: Table, owner: str, other: str) -> int:
        for number, columns in self.shape_columns.items():
            if columns == (owner, other) and number < 0:
                return number
        number = -1 - sum(1 for known in self.shape_columns if known < 0)
        self.shape_columns[number] = (owner, other)
        return number

    def _naturals(self) -> tuple[tuple[str, str], ...]:
        found = {
            (shapes.table.name, column)
            for shapes in self.models.values()
            if shapes.table is not None
            for shape in shapes.known.values()
            for column in shape.naturals | shape.named
        }
        # Lists of keys are not looked through: their links are asked for tokens either way.
        found |= {(link, column) for link, (_, owner, other) in self.links.items() for column in (owner, other)}
        return tuple(sorted(found))

    def _model(self, label: str, shapes: Shapes) -> StagedModel:
        present = [set(shape.columns) for shape in shapes.known.values()]
        some, every = set().union(*present), set.intersection(*present) if present else set()
        order = [column.name for column in shapes.table.columns] if shapes.table else []
        return StagedModel(
            label,
            shapes.table.name if shapes.table else None,
            shapes.found_by,
            shapes.records,
            shapes.drift.facts(),
            tuple(name for name in order if name in some),
            tuple(name for name in order if name in some - every),
        )


def stage_files(connection: sqlite3.Connection, source: Records) -> int:
    """Stage the list of the files that a source carries, and give their number. Asked for after its records were read."""
    if not isinstance(source, Carrier):
        return 0
    connection.execute(
        "CREATE TABLE files (rec INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER, sha256 TEXT, modified TEXT)"
    )
    number = 0
    for number, file in enumerate(source.files(), 1):
        if flaw := flaw_of(file.path):
            raise ArchiveRefused(reason=f"the file {file.path[:80]!r} in it is not allowed: {flaw}")
        if not (0 <= file.size < 1 << 63 and _SHA256.fullmatch(file.sha256) and _is_instant(file.modified)):
            raise ArchiveRefused(reason=f"what it says of the file {file.path[:80]!r} cannot be")
        try:
            connection.execute(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?)",
                (number, file.path, file.size, file.sha256, file.modified),
            )
        except sqlite3.IntegrityError:
            raise ArchiveRefused(reason=f"it holds the file {file.path[:80]!r} twice") from None
    return number


def _is_instant(text: str) -> bool:
    """Whether a time has its zone and is one that every system's clock knows; files may also have none."""
    try:
        moment = datetime.fromisoformat(text) if text else _FIRST
        return moment.tzinfo is not None and _FIRST <= moment < _LAST
    except (ValueError, OverflowError):
        return False


def problem_of(file: FileFacts, row: sqlite3.Row | tuple[object, ...]) -> Problem:
    """A row of ``problems`` (rec, label, pk, field, code, message, byte, line) as a problem."""
    rec, label, pk, field, code, message, byte, line = row
    return Problem(
        code=str(code),
        model=str(label),
        pk=str(pk or ""),
        field=str(field or ""),
        message=str(message),
        place=place_of(file.parts, rec, byte, line),
    )

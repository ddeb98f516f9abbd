"""How records become rows. A shape is the set of fields that a record has; records of one shape are typed alike.

Most files have one shape a model, so the shape of the record before is tried first, with one typed decode in C. What it
refuses is looked at field by field, which names the field and the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Any

import msgspec

from webapp.engine import values
from webapp.engine.drift import Drift
from webapp.engine.errors import FileRefused, MalformedFile
from webapp.engine.formats import RawRecord, sync
from webapp.engine.formats.strict import parse_value
from webapp.engine.labels import FoundBy, Link, find_column, find_link, find_synced_column, own_column
from webapp.engine.profile import Profile
from webapp.engine.schema import Column, Kind, Schema, Table
from webapp.engine.sql import q
from webapp.engine.tokens import MARK, token
from webapp.engine.unfit import BadValue
from webapp.engine.values import Canonical

LINKS = 1 << 40
"""Record numbers of link rows that were made from lists begin here."""

_NULL = b"null"
_astuple = msgspec.structs.astuple


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A value that does not fit."""

    field: str
    column: str
    code: str
    message: str


@dataclass(slots=True)
class Staged:
    """A record that was looked at field by field."""

    row: tuple[object, ...]
    key: Canonical  # its primary key, when that is one column
    pk: str
    problems: list[FieldProblem] = field(default_factory=list)
    links: list[tuple[Link, list[Canonical]]] = field(default_factory=list)


class Shape:
    """Records of one table with one set of fields."""

    def __init__(
        self, label: str, table: Table | None, fields: tuple[str, ...], has_pk: bool, schema: Schema, profile: Profile
    ) -> None:
        synced = label.startswith(sync.LABEL)
        rules = profile.rules(table.name if table else "")
        self.table = table
        self.stored = "." not in label  # records are rows of a database: columns by their names, values as stored
        self.has_pk = has_pk
        self.fields = fields
        self.number = 0
        self.keys = len(fields) + (3 if has_pk else 2)  # names in the text of a record without nested objects
        self.keys_read = 0  # names in all records that were read since the last look
        self.unknown: list[str] = []
        self.links: list[tuple[str, Link, Column]] = []
        self.naturals: set[str] = set()  # columns in which some record has a natural key
        self.named: set[str] = set()  # columns in which every record has one, as a word
        self.blank = rules.blank
        self.single = rules.single
        placed: list[tuple[str, Column]] = []
        key_columns = table.primary_key if table is not None and has_pk else ()
        for name in fields:
            if synced and name in sync.OWN:
                continue
            find = find_synced_column if synced else own_column if self.stored else find_column
            several = name in rules.single and not self.stored
            column = find(name, table, profile) if table is not None and not several else None
            link = self._link(name, column, schema, profile)
            if column is not None and column.name not in key_columns:
                placed.append((name, column))
            elif link is not None:
                self.links.append((name, link, schema.tables[link.table].by_name[link.other]))
            elif table is None or synced or name not in table.by_name:  # else the database computes it
                self.unknown.append(name)
        self.placed = tuple(placed)
        if synced and table is not None:
            self.named = {column.name for _, column in placed if table.reference(column.name) is not None}
        self.keys_of = tuple(table.by_name[name] for name in key_columns) if table is not None else ()
        self.columns = tuple(column.name for column in self.keys_of) + tuple(column.name for _, column in placed)
        marks = ", ".join("?" * (len(self.columns) + 2))
        listed = ", ".join(q(name) for name in ("#rec", "#shape", *self.columns))
        self.statement = f"INSERT INTO {q('rows ' + table.name)} ({listed}) VALUES ({marks})" if table else ""
        self._finish = tuple(
            (index, done) for index, (_, column) in enumerate(placed) if (done := self._finisher(column)) is not None
        )
        # Few tables have such columns: references, and what is referred to, that are words.
        self._finish += tuple(
            (index, _unmarked) for index, (_, column) in enumerate(placed) if self._is_word(column.name)
        )
        self._json = tuple(index for index, (_, column) in enumerate(placed) if column.kind is Kind.JSON)
        self._required = tuple(index for index, (_, column) in enumerate(placed) if not column.nullable)
        self._whole_key = len(self.keys_of) == 1 and self.keys_of[0].kind is Kind.INTEGER
        # Only such shapes can go the fast way.
        self.simple = not self.links and len(self.keys_of) <= 1 and all(map(_is_plain, fields))

    def _finisher(self, column: Column) -> Callable[[Any], Canonical] | None:
        if column.name in self.named:
            return lru_cache(maxsize=1 << 14)(lambda value: None if value is None else token([value]))
        done = values.finisher(column)
        if column.name not in self.blank:
            return done
        return lambda value: "" if value is None else value if done is None else done(value)

    def _link(self, name: str, column: Column | None, schema: Schema, profile: Profile) -> Link | None:
        if self.table is None or self.stored or column is not None:
            return None
        return find_link(name, self.table, schema, profile)

    def _is_word(self, name: str) -> bool:
        """Whether a column refers, or is referred to, by a word, with which a natural key must not be confused."""
        table = self.table
        if table is None or table.by_name[name].kind is not Kind.TEXT:
            return False
        return name in table.primary_key or table.reference(name) is not None

    @cached_property
    def _decode(self) -> Callable[[msgspec.Raw], Any]:
        return self._decoder()

    def _decoder(self) -> Callable[[msgspec.Raw], Any]:
        known = {
            name: str | None if column.name in self.named else values.decoded_type(column)
            for name, column in self.placed
        }
        members = [(f"f{index}", known.get(name, msgspec.Raw)) for index, name in enumerate(self.fields)]
        # Columns first, in the order of the statement; the rest behind them, to be cut off.
        order = [name for name, _ in self.placed] + [name for name in self.fields if name not in known]
        position = {name: index for index, name in enumerate(self.fields)}
        struct = msgspec.defstruct(
            "Fields",
            [members[position[name]] for name in order],
            rename={f"f{index}": name for name, index in position.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        return msgspec.json.Decoder(struct).decode

    def run(self, first: int, records: list[RawRecord]) -> Iterator[tuple[object, ...]] | None:
        """The rows of many records at once, column by column, when each of them fits; else None.

        This is where the time of a large file goes: per row only the decoding is left.
        """
        if not self.simple or self.naturals or self._json:
            return None
        decode = self._decode
        try:
            decoded = [_astuple(decode(record.fields)) for record in records]
            columns: list[Any] = list(zip(*decoded, strict=True))[: len(self.placed)]
            for index, done in self._finish:
                columns[index] = list(map(done, columns[index]))
            if any(None in columns[index] for index in self._required):
                return None
            if not self.keys_of:
                if self.has_pk or any(bytes(record.pk) != _NULL for record in records):
                    return None
            elif self._whole_key:
                keys = [bytes(record.pk) for record in records]
                if not all(map(bytes.isdigit, keys)) or max(map(len, keys)) > 18:
                    return None
                columns.insert(0, list(map(int, keys)))
            else:
                columns.insert(0, [_key(self.keys_of[0], bytes(record.pk)) for record in records])
                if None in columns[0]:
                    return None
        except (msgspec.DecodeError, BadValue, UnicodeDecodeError, FileRefused):
            return None
        self.keys_read += self.keys * len(records)
        return zip(range(first, first + len(records)), repeat(self.number), *columns, strict=False)

    def fast(self, rec: int, record: RawRecord) -> tuple[object, ...] | None:
        """The row of a record that fits without a question, else None. Counts the keys that it has read."""
        if not self.simple or self.naturals:
            return None
        try:
            cells = list(_astuple(self._decode(record.fields))[: len(self.placed)])
            nested = 0
            for index in self._json:
                raw = bytes(cells[index])
                if raw == _NULL:
                    cells[index] = None
                elif raw != b"{}" and raw != b"[]":
                    value, keys = parse_value(raw)
                    cells[index] = values.json_text(value)
                    nested += keys
                else:
                    cells[index] = raw.decode()
            row = self._build(rec, record, cells)
        except (msgspec.DecodeError, BadValue, UnicodeDecodeError, FileRefused):
            return None
        if row is not None:
            self.keys_read += self.keys + nested
        return row

    def _build(self, rec: int, record: RawRecord, cells: list[Any]) -> tuple[object, ...] | None:
        for index, done in self._finish:
            cells[index] = done(cells[index])
        if None in cells:
            for index in self._required:
                if cells[index] is None:
                    return None
        if not self.keys_of:
            # A record that has a key after one that had none is of another shape.
            return (rec, self.number, *cells) if self.has_pk or bytes(record.pk) == _NULL else None
        pk = bytes(record.pk)
        if pk == _NULL:
            return None
        if self._whole_key:
            key = self.keys_of[0]
            number = int(pk) if pk.isdigit() and len(pk) < 19 else _key(key, pk)
            return (rec, self.number, number, *cells)
        return (rec, self.number, _key(self.keys_of[0], pk), *cells)

    def carefully(self, rec: int, record: RawRecord) -> Staged:
        """The row of a record, with every value that does not fit named."""
        given, keys_read = parse_value(bytes(record.fields))
        if not isinstance(given, dict):
            raise MalformedFile(where=f"in record {rec:,}", reason="its fields are not an object")
        self.keys_read += self.keys - len(self.fields) + keys_read
        problems: list[FieldProblem] = []
        keys = self._keys(record, problems)
        cells = [self._cell(name, column, given.get(name), problems) for name, column in self.placed]
        pk, _ = parse_value(bytes(record.pk))
        key = keys[0] if len(keys) == 1 else self._key_among(cells)
        called = _text(pk) if pk is not None or key is None else str(key)
        staged = Staged((rec, self.number, *keys, *cells), key, called, problems)
        for name, link, column in self.links:
            staged.links.append((link, self._others(name, column, given.get(name), problems)))
        return staged

    def _key_among(self, cells: list[Canonical]) -> Canonical:
        """The primary key of a record that has it among its fields, as the key of a derived model is."""
        named = dict(zip(self.columns, cells, strict=True)) if not self.keys_of else {}
        return named.get(self.table.primary_key[0]) if self.table and len(self.table.primary_key) == 1 else None

    def _keys(self, record: RawRecord, problems: list[FieldProblem]) -> list[Canonical]:
        if not self.keys_of:
            return []
        given, _ = parse_value(bytes(record.pk))
        parts = given if isinstance(given, list) and len(self.keys_of) > 1 else [given]
        if len(parts) != len(self.keys_of):
            problems.append(FieldProblem("pk", self.keys_of[0].name, "bad_value", "has not as many parts as the key"))
            return [None] * len(self.keys_of)
        return [self._cell("pk", column, part, problems) for column, part in zip(self.keys_of, parts, strict=True)]

    def _cell(self, name: str, column: Column, value: Any, problems: list[FieldProblem]) -> Canonical:
        if value is None and column.name in self.blank:
            return ""
        if column.name in self.named and isinstance(value, str):
            return token([value])
        try:
            # SQLite keeps a length of time as a number of microseconds, which is its canonical form.
            length = self.stored and column.kind is Kind.DURATION and type(value) is int
            found = value if length else values.convert_given(column, value)
            if self._is_word(column.name):
                _unmarked(found)
        except Marked as error:
            problems.append(FieldProblem(name, column.name, error.code, f"{name}: {error}"))
            return None
        except BadValue as error:
            if self._is_natural(column, value):
                self.naturals.add(column.name)
                return token(value if isinstance(value, list) else [value])
            problems.append(FieldProblem(name, column.name, error.code, f"{name}: {error}"))
            return value if isinstance(value, str) else _text(value)
        if found is None and not column.nullable:
            problems.append(
                FieldProblem(name, column.name, "missing_required", f"{name} is empty, but a value is required")
            )
        return found

    def _is_natural(self, column: Column, value: Any) -> bool:
        """Whether a value that the column cannot hold may name the row that it refers to."""
        if self.stored or self.table is None or self.table.reference(column.name) is None:
            return False
        return isinstance(value, list) or (isinstance(value, str) and value != "")

    def _others(self, name: str, column: Column, value: Any, problems: list[FieldProblem]) -> list[Canonical]:
        if name in self.single:
            value = self._as_list(name, column, value)
        if not isinstance(value, list) or any(isinstance(item, dict) or item is None for item in value):
            problems.append(FieldProblem(name, "", "bad_value", f"{name} is not a list of keys"))
            return []
        return list(dict.fromkeys(self._other(name, column, item, problems) for item in value))

    def _as_list(self, name: str, column: Column, value: Any) -> Any:
        """What held one reference as a list of it: nothing, a key, or a natural key, which is a list itself.

        Where today's list has the field's old name, a list of keys is one.
        """
        if value is None:
            return []
        if not isinstance(value, list):
            return [value]
        if self.table is None or self.single[name] != f"{self.table.name}_{name}":
            return [value]
        try:
            for item in value:
                if not isinstance(item, list):
                    values.convert(column, item)
        except BadValue:
            return [value]
        return value

    def _other(self, name: str, column: Column, item: Any, problems: list[FieldProblem]) -> Canonical:
        if isinstance(item, list):
            return token(item)
        try:
            return _unmarked(values.convert(column, item))
        except BadValue as error:
            if isinstance(item, str) and item and not isinstance(error, Marked):
                return token([item])
            problems.append(FieldProblem(name, "", error.code, f"{name}: {error}"))
            return _text(item).removeprefix(MARK)


class Shapes:
    """The shapes of one label."""

    def __init__(self, label: str, table: Table | None, found_by: FoundBy, schema: Schema, profile: Profile) -> None:
        self.label = label
        self.table = table
        self.found_by = found_by
        self.schema = schema
        self.profile = profile
        self.records = 0
        self.known: dict[tuple[bool, tuple[str, ...]], Shape] = {}
        self.latest: Shape | None = None
        self.drift = Drift()

    def of(self, rec: int, record: RawRecord) -> tuple[Shape, bool]:
        """The shape of a record, and whether it is seen for the first time."""
        given, _ = parse_value(bytes(record.fields))
        if not isinstance(given, dict):
            raise MalformedFile(where=f"in record {rec:,}", reason="its fields are not an object")
        has_pk = bytes(record.pk) != _NULL
        which = (has_pk, tuple(given))
        shape = self.known.get(which)
        fresh = shape is None
        if shape is None:
            shape = self.known[which] = Shape(self.label, self.table, which[1], has_pk, self.schema, self.profile)
        self.latest = shape
        return shape, fresh


def _is_plain(name: str) -> bool:
    """Whether a field's name needs no escape in JSON; the decoder takes no others."""
    return name.isprintable() and '"' not in name and "\\" not in name


def _key(column: Column, pk: bytes) -> Canonical:
    return _unmarked(values.convert(column, parse_value(pk)[0]))


class Marked(BadValue):
    """A text that begins as natural keys do in a stage."""


def _unmarked(value: Canonical) -> Canonical:
    """A word that refers to something, or is referred to; it must not look like a natural key."""
    if isinstance(value, str) and value.startswith(MARK):
        raise Marked("bad_value", "begins with a control character (U+001F), which no key does")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else values.json_text(value)

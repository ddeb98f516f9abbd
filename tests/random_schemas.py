"""Random databases: tables with keys of every kind and references that form any graph, what they hold, and related states.

Values come from small sets, so that equal keys, crossed keys and rows of equal content are common.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Row = dict[str, Any]
State = dict[str, list[Row]]

SQL = {"integer": "integer", "text": "varchar(12)", "boolean": "boolean", "uuid": "uuid"}
WORDS = ("", "a", "A", "b", "b ", "é", "7")


@dataclass
class Column:
    """A column that is no reference."""

    name: str
    type: str
    nullable: bool


@dataclass
class Reference:
    """Columns of a table that refer to the primary key of another one (or of its own)."""

    columns: tuple[str, ...]
    target: str
    nullable: bool


@dataclass
class Table:
    """A table; the primary key is one column, or two."""

    name: str
    key: tuple[Column, ...]
    columns: list[Column] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    unique: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def key_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.key)

    @property
    def label(self) -> str:
        app, _, model = self.name.partition("_")
        return f"{app}.{model}"


Schema = dict[str, Table]


def any_schema(chance: random.Random) -> Schema:
    """Two to six tables. References go anywhere; only those that may be empty close a cycle."""
    names = [f"{chance.choice('pq')}_{letter}" for letter in "abcdef"[: chance.randint(2, 6)]]
    schema = {name: Table(name, _key(chance)) for name in names}
    for at, table in enumerate(schema.values()):
        if chance.random() < 0.15 and at:
            _derive(chance, table, schema[names[chance.randrange(at)]])
    for at, table in enumerate(schema.values()):
        for number in range(chance.randint(1, 3)):
            kind = chance.choice(("text", "text", "integer", "boolean", "uuid"))
            table.columns.append(Column(f"c{number}", kind, chance.random() < 0.4))
        for number in range(chance.choice((0, 1, 1, 2))):
            target = schema[chance.choice(names)]
            nullable = names.index(target.name) >= at or chance.random() < 0.4
            if len(target.key) > 1:
                columns = tuple(f"r{number}_{column.name}" for column in target.key)
            else:
                columns = (f"r{number}_id",)
            table.references.append(Reference(columns, target.name, nullable))
        _add_keys(chance, table)
    return schema


def _key(chance: random.Random) -> tuple[Column, ...]:
    kind = chance.choice(("integer", "integer", "integer", "text", "uuid", "two"))
    if kind == "two":
        return tuple(Column(name, chance.choice(("integer", "text")), False) for name in ("k", "n"))
    return (Column("id", kind, False),)


def _derive(chance: random.Random, table: Table, parent: Table) -> None:
    """The primary key is a reference to another table's, as that of an inherited model is."""
    if len(parent.key) == 1:
        table.key = (Column("parent_id", parent.key[0].type, False),)
        table.references.append(Reference(("parent_id",), parent.name, False))


def _add_keys(chance: random.Random, table: Table) -> None:
    names = [column.name for column in table.columns if column.type != "boolean"]
    names += [name for reference in table.references for name in reference.columns if name not in table.key_names]
    for _ in range(chance.choice((0, 1, 1, 2))):
        size = min(chance.choice((1, 1, 2)), len(names))
        if size:
            key = tuple(sorted(chance.sample(names, size)))
            if key not in table.unique:
                table.unique.append(key)


def ddl(schema: Schema, *, postgresql: bool) -> list[str]:
    """The statements that make the database."""
    made, later = [], []
    for table in schema.values():
        types = _types(schema, table)
        nullable = {name: _is_nullable(table, name) for name in types}
        lines = [
            f'"{name}" {SQL[kind] if postgresql or kind != "uuid" else "char(32)"}{"" if nullable[name] else " NOT NULL"}'
            for name, kind in types.items()
        ]
        lines.append(f"PRIMARY KEY ({_listed(table.key_names)})")
        lines += [f"UNIQUE ({_listed(key)})" for key in table.unique]
        for reference in table.references:
            refers = (
                f'FOREIGN KEY ({_listed(reference.columns)}) REFERENCES "{reference.target}"'
                f" ({_listed(schema[reference.target].key_names)}) DEFERRABLE INITIALLY DEFERRED"
            )
            if postgresql:
                later.append(f'ALTER TABLE "{table.name}" ADD {refers}')
            else:
                lines.append(refers)
        made.append(f'CREATE TABLE "{table.name}" ({", ".join(lines)})')
    return made + later


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _types(schema: Schema, table: Table) -> dict[str, str]:
    types = {column.name: column.type for column in (*table.key, *table.columns)}
    for reference in table.references:
        for name, column in zip(reference.columns, schema[reference.target].key, strict=True):
            types.setdefault(name, column.type)
    return types


def _is_nullable(table: Table, name: str) -> bool:
    if name in table.key_names:
        return False
    for column in table.columns:
        if column.name == name:
            return column.nullable
    return all(reference.nullable for reference in table.references if name in reference.columns)


# ---------------------------------------------------------------- what they hold


def any_value(chance: random.Random, type_: str) -> Any:
    """A value out of a few."""
    if type_ == "integer":
        return chance.randint(1, 6)
    if type_ == "boolean":
        return chance.random() < 0.5
    if type_ == "uuid":
        return UUID(int=chance.randint(1, 6))
    return chance.choice(WORDS)


def any_state(chance: random.Random, schema: Schema) -> State:
    """Rows that the database accepts."""
    state: State = {}
    for table in schema.values():
        kinds = [column.type for column in table.key]
        keys = {tuple(any_value(chance, kind) for kind in kinds) for _ in range(chance.randint(0, 5))}
        state[table.name] = [dict(zip(table.key_names, key, strict=True)) for key in sorted(keys, key=repr)]
    for table in schema.values():
        for row in state[table.name]:
            for column in table.columns:
                row[column.name] = None if column.nullable and chance.random() < 0.3 else any_value(chance, column.type)
            for reference in table.references:
                refer(chance, schema, state, row, reference)
    return settle(schema, state)


def refer(chance: random.Random, schema: Schema, state: State, row: Row, reference: Reference) -> None:
    """Let a row refer to any row of the target, or to none."""
    rows = state[reference.target]
    if not rows or (reference.nullable and chance.random() < 0.3):
        row.update(dict.fromkeys(reference.columns))
        return
    target = chance.choice(rows)
    row.update(zip(reference.columns, (target[name] for name in schema[reference.target].key_names), strict=True))


def settle(schema: Schema, state: State) -> State:
    """The state without rows that the database would not take."""
    settled = False
    while not settled:
        settled = True
        keys = {name: {_values(row, schema[name].key_names) for row in rows} for name, rows in state.items()}
        for name, rows in state.items():
            kept = list(_accepted(schema[name], rows, keys))
            settled &= len(kept) == len(rows)
            state[name] = kept
    return state


def _accepted(table: Table, rows: list[Row], keys: dict[str, set[tuple[Any, ...]]]) -> Iterator[Row]:
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        if any(value is None and not _is_nullable(table, name) for name, value in row.items()):
            continue
        if not all(
            None in (values := _values(row, each.columns)) or values in keys[each.target] for each in table.references
        ):
            continue
        own = [(key, *_values(row, key)) for key in (table.key_names, *table.unique)]
        own = [each for each in own if None not in each]
        if seen.isdisjoint(own):
            seen.update(own)
            yield row


def _values(row: Row, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


# ---------------------------------------------------------------- related states


def related(chance: random.Random, schema: Schema, state: State) -> State:
    """What the same database held at another time, or what another one holds."""
    kind = chance.choice(("copy", "edited", "edited", "renumbered", "rebuilt", "fewer", "stranger", "empty"))
    if kind == "stranger":
        return any_state(chance, schema)
    if kind == "empty":
        return {name: [] for name in schema}
    found = {name: [dict(row) for row in rows] for name, rows in state.items()}
    if kind in ("renumbered", "rebuilt"):
        _renumber(chance, schema, found, uuids=kind == "rebuilt")
    if kind in ("edited", "rebuilt"):
        _edit(chance, schema, found)
    if kind in ("edited", "fewer"):
        for name, rows in found.items():
            found[name] = [row for row in rows if chance.random() < 0.7]
    if kind == "edited":
        more = any_state(chance, schema)
        for name, rows in found.items():
            rows += more[name][:2]
    return settle(schema, found)


def _edit(chance: random.Random, schema: Schema, state: State) -> None:
    for table in schema.values():
        for row in state[table.name]:
            for column in table.columns:
                if chance.random() < 0.2:
                    row[column.name] = None if column.nullable else any_value(chance, column.type)
            for reference in table.references:
                if chance.random() < 0.2 and not set(reference.columns) & set(table.key_names):
                    refer(chance, schema, state, row, reference)


def _renumber(chance: random.Random, schema: Schema, state: State, *, uuids: bool) -> None:
    """Other primary keys for the same rows; references follow."""
    for table in schema.values():
        (first, *more) = table.key
        if more or any(first.name in reference.columns for reference in table.references):
            continue
        if first.type == "text" or (first.type == "uuid" and not uuids):
            continue
        old = [row[first.name] for row in state[table.name]]
        new = list(range(1, 9)) if first.type == "integer" else [UUID(int=number) for number in range(1, 13)]
        chance.shuffle(new)
        moved = dict(zip(old, new, strict=False))
        for row in state[table.name]:
            row[first.name] = moved[row[first.name]]
        _follow(schema, state, table.name, moved)
    if uuids:
        for table in schema.values():
            for column in table.columns:
                if column.type == "uuid":
                    for row in state[table.name]:
                        row[column.name] = UUID(int=chance.randint(7, 12))


def _follow(schema: Schema, state: State, target: str, moved: dict[Any, Any]) -> None:
    """References to renumbered rows, and the keys that are such references, wherever they lead on to."""
    for table in schema.values():
        for reference in table.references:
            if reference.target != target or len(reference.columns) != 1:
                continue
            (name,) = reference.columns
            for row in state[table.name]:
                row[name] = moved.get(row[name], row[name])
            if (name,) == table.key_names:
                _follow(schema, state, table.name, moved)


# ---------------------------------------------------------------- files and choices


def any_file(chance: random.Random, schema: Schema, state: State) -> list[dict[str, Any]]:
    """The state as records in any order; at times with records that are missing, doubled, spoilt, or known by name only."""
    records = [_record(schema, table, row) for table in schema.values() for row in state[table.name]]
    if chance.random() < 0.3:
        _use_names(chance, schema, state, records)
    if chance.random() < 0.3:
        records = [record for record in records if chance.random() < 0.8]
    if chance.random() < 0.2 and records:
        records.append({**chance.choice(records)})
    if chance.random() < 0.2:
        for record in records:
            for name in list(record["fields"]):
                if chance.random() < 0.05:
                    spoilt = chance.choice((None, "much too long for it", "absent", 5))
                    record["fields"][name] = spoilt
                    if spoilt == "absent":
                        del record["fields"][name]
    chance.shuffle(records)
    return records


def _record(schema: Schema, table: Table, row: Row) -> dict[str, Any]:
    key = [row[name] for name in table.key_names]
    fields = {name: value for name, value in row.items() if name not in table.key_names}
    return {"model": table.label, "pk": key if len(key) > 1 else key[0], "fields": fields}


def _use_names(chance: random.Random, schema: Schema, state: State, records: list[dict[str, Any]]) -> None:
    """References by natural key, to tables that have one of a single column; at times their records have no number at all."""
    for target in schema.values():
        named = [key[0] for key in target.unique if len(key) == 1 and _types(schema, target)[key[0]] == "text"]
        numbered = len(target.key) == 1 and target.key[0].type != "text"
        if not named or not numbered or any(set(target.key_names) & set(each.columns) for each in target.references):
            continue
        names = {row[target.key_names[0]]: row[named[0]] for row in state[target.name] if row[named[0]] is not None}
        for record in records:
            table = next(each for each in schema.values() if each.label == record["model"])
            for reference in table.references:
                (name, *_) = reference.columns
                if reference.target == target.name and record["fields"].get(name) in names:
                    record["fields"][name] = [names[record["fields"][name]]]
        if chance.random() < 0.5 and len(names) == len(state[target.name]) and not _numbered(records, schema, target):
            for record in records:
                if record["model"] == target.label:
                    del record["pk"]


def _numbered(records: list[dict[str, Any]], schema: Schema, target: Table) -> bool:
    """Whether some reference to a table still is a number."""
    for record in records:
        table = next(each for each in schema.values() if each.label == record["model"])
        for reference in table.references:
            if reference.target == target.name:
                value = record["fields"].get(reference.columns[0], record.get("pk"))
                if value is not None and not isinstance(value, list):
                    return True
    return False


def any_choices(chance: random.Random) -> dict[str, Any]:
    """Whatever a person may choose."""
    merge = chance.random() < 0.6
    return {
        "add": merge or chance.random() < 0.8,
        "change": merge or chance.random() < 0.8,
        "remove": not merge,
        "on_conflict": chance.choice(("backup", "backup", "database", "newest")),
        "on_missing": chance.choice(("fail", "null", "skip")),
        "on_invalid": chance.choice(("fail", "skip", "skip")),
        "on_referenced": chance.choice(("fail", "keep", "null", "remove")),
        "origin": chance.choice(("auto", "same", "other")),
        "with_parents": chance.random() < 0.8,
        "categories": chance.choice(((), (), (), ("p",), ("q",))),
    }

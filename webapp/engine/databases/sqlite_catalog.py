"""The structure of a SQLite site, from its own pragmas and definitions."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from webapp.engine.schema import Column, ForeignKey, Kind, Table
from webapp.engine.sql import q
from webapp.engine.sqlite_types import declaration


def reflect(connection: sqlite3.Connection, name: str) -> Table:
    definition = str(connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0])
    rows = connection.execute(f"PRAGMA table_xinfo({q(name)})").fetchall()
    key = tuple(row[1] for row in sorted((row for row in rows if row[5]), key=lambda row: int(row[5])))
    columns = tuple(_column(row, definition) for row in rows if row[6] != 1)
    unique = []
    for index in connection.execute(f"PRAGMA index_list({q(name)})").fetchall():
        if index[2] and index[3] != "pk" and not index[4]:
            members = [row[2] for row in connection.execute(f"PRAGMA index_info({q(index[1])})").fetchall()]
            if all(member is not None for member in members):
                unique.append(tuple(members))
    references: dict[int, list[tuple[str, str, str | None, str]]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({q(name)})").fetchall():
        references.setdefault(row[0], []).append((row[2], row[3], row[4], row[6]))
    return Table(
        name,
        columns,
        key,
        tuple(sorted(set(unique))),
        tuple(
            ForeignKey(
                tuple(part[1] for part in parts),
                parts[0][0],
                tuple(part[2] or "" for part in parts),
                deferrable=True,
                on_delete="" if parts[0][3] == "NO ACTION" else parts[0][3],
            )
            for _, parts in sorted(references.items())
        ),
        remark="has no primary key" if not key else _unfit(columns),
    )


def _unfit(columns: tuple[Column, ...]) -> str:
    """Names that a plan has another use for."""
    for column in columns:
        if column.name.startswith("#") or column.name.lower() == "_rowid_":
            return f"has a column named {column.name}"
    return ""


def resolved(table: Table, tables: Mapping[str, Table]) -> Table:
    """References with the names that the target really has: SQLite compares names without case, and may leave columns out."""
    folded = {name.lower(): name for name in tables}
    references = []
    for key in table.foreign_keys:
        target = tables.get(folded.get(key.target.lower(), ""))
        if target is None:
            continue
        targets = key.target_columns if all(key.target_columns) else target.primary_key
        if len(targets) == len(key.columns):
            own = {column.name.lower(): column.name for column in table.columns}
            theirs = {column.name.lower(): column.name for column in target.columns}
            references.append(
                ForeignKey(
                    tuple(own.get(name.lower(), name) for name in key.columns),
                    target.name,
                    tuple(theirs.get(name.lower(), name) for name in targets),
                    key.deferrable,
                    key.on_delete,
                )
            )
    return Table(table.name, table.columns, table.primary_key, table.unique, tuple(references), table.remark)


def _column(row: Sequence[object], definition: str) -> Column:
    _, name, declared, not_null, default, in_key, hidden = row[:7]
    name = str(name)
    found = declaration(name, str(declared or ""), definition)
    kind, text = found.kind, found.type
    whole = kind is Kind.INTEGER
    return Column(
        name,
        kind,
        nullable=not not_null and not in_key,
        type=text,
        default=str(default) if default is not None else "",
        generated=hidden in (2, 3) or name.startswith("#"),
        length=found.first if kind is Kind.TEXT else None,
        precision=found.first if kind is Kind.DECIMAL else None,
        scale=found.scale,
        low=(0 if found.unsigned else -(2**63)) if whole else None,
        high=2**63 - 1 if whole else None,
        # SQLite keeps decimals as binary numbers, unless they are text to it.
        exact=15 if kind is Kind.DECIMAL else None,
    )


def affinity(declared: str) -> str:
    """The type by which SQLite treats values as it does under the declared one (datatype3.html, 3.1)."""
    for parts, kind in (
        (("int",), "INTEGER"),
        (("char", "clob", "text"), "TEXT"),
        (("blob",), "BLOB"),
        (("real", "floa", "doub"), "REAL"),
    ):
        if any(part in declared for part in parts):
            return kind
    return "NUMERIC" if declared else "BLOB"

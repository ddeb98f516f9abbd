"""Rows that are only referred to, by name, and that are made for it: where the profile says how, and only on request.

For each table with such rows there is ``made <table>``: token, the primary key that the row gets, and the columns of its
natural key. References lead there like to any other row; which of them are written is known when everything else is.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from webapp.engine import sql
from webapp.engine.natural import tokens_of, tokens_table
from webapp.engine.references import nulled, todo
from webapp.engine.schema import Column, Kind, Table
from webapp.engine.scratch import Scratch, matched, staged
from webapp.engine.sql import q
from webapp.engine.tokens import MARK
from webapp.engine.unfit import BadValue
from webapp.engine.values import Canonical, convert, from_text, json_text

NOW = "now"
"""The word for the moment at which the plan is made."""


def made(table: Table | str) -> str:
    """Rows that are made because something refers to them."""
    return q("made " + (table if isinstance(table, str) else table.name))


def make_rows(scratch: Scratch, table: Table) -> None:
    """Give every natural key that leads nowhere a row of its own, once the table is matched."""
    if scratch.choices.on_missing != "create" or not scratch.choices.add or not _is_creatable(scratch, table):
        return
    lost = [text for text in tokens_of(scratch, table) if not _leads(scratch, table, MARK + text)]
    rows: dict[tuple[Canonical, ...], tuple[tuple[str, ...], Canonical, list[str]]] = {}
    number = _greatest(scratch, table)
    for text in lost:
        key = _key(scratch, table, json.loads(text))
        if key is None:
            continue
        columns, values = key
        if values not in rows:
            number += 1
            rows[values] = (columns, _primary(table, columns, values, number), [])
        rows[values][2].append(MARK + text)
    if not rows:
        return
    names = sorted({name for columns, _, _ in rows.values() for name in columns})
    scratch.run(f"CREATE TABLE {made(table)} (token, pk, {sql.names(names)})")
    for values, (columns, key_in_site, tokens) in rows.items():
        given = dict(zip(columns, values, strict=True))
        scratch.run(
            f"INSERT INTO {made(table)} VALUES (?, ?, {', '.join('?' * len(names))})",
            (tokens[0], key_in_site, *(given.get(name) for name in names)),
        )
        _lead(scratch, table, tokens, key_in_site)
    scratch.made[table.name] = tuple(names)
    scratch.moved.add(table.name)
    scratch.tokens.add(table.name)


def keep_needed(scratch: Scratch) -> None:
    """Keep only rows to which something refers that will be written; their tables take part in the plan from now on."""
    for name in list(scratch.made):
        table = scratch.schema.tables[name]
        needed = [
            f'SELECT m.new FROM {todo(other)} d JOIN {staged(other)} s ON s."#rec" = d.rec'
            f" JOIN {q('moved ' + name)} m ON m.old = s.{q(column)} WHERE d.action IN ('insert', 'update')"
            f" AND d.rec NOT IN (SELECT rec FROM {nulled(other)} WHERE col = {sql.literal(column)})"
            for other, column in scratch.facts.naturals
            if (key := scratch.schema.tables[other].reference(column)) is not None and key.target == name
        ]
        scratch.run(f"DELETE FROM {made(table)} WHERE pk NOT IN ({' UNION ALL '.join(needed)})")
        if name not in scratch.staged_columns:
            scratch.run(
                f"CREATE TABLE IF NOT EXISTS {todo(table)}"
                " (id INTEGER PRIMARY KEY, rec INTEGER, live INTEGER, action TEXT, code TEXT, field TEXT)"
            )
            scratch.joined[name] = table


def made_value(scratch: Scratch, column: Column, table: Table) -> Canonical:
    """The value that the profile gives every such row in a column, if it gives one."""
    given = (scratch.profile.rules(table.name).create or {}).get(column.name)
    return None if given is None else _value(column, given)


def _is_creatable(scratch: Scratch, table: Table) -> bool:
    """Whether the profile says how, and a value is known for everything that a row must have."""
    rules = scratch.profile.rules(table.name)
    if rules.create is None or rules.protected or rules.ignored or rules.matched_only or table.remark:
        return False
    named = {name for key in rules.keys for name in key} | {*rules.create, *rules.defaults, *table.primary_key}
    return len(table.primary_key) == 1 and all(
        column.nullable or column.generated or column.default or column.name in named for column in table.columns
    )


def _leads(scratch: Scratch, table: Table, token: str) -> bool:
    """Whether a natural key leads somewhere, or to several rows: then no row is missing."""
    if (table.name, token) in scratch.doubtful:
        return True
    found = f"SELECT EXISTS (SELECT 1 FROM {tokens_table(table)} WHERE token = ?)"
    return table.name in scratch.tokens and bool(scratch.one(found, (token,)))


def _key(scratch: Scratch, table: Table, parts: list[Any]) -> tuple[tuple[str, ...], tuple[Canonical, ...]] | None:
    """The columns of the natural key with as many parts, and their values; no row is made with a part that does not fit."""
    for key in scratch.profile.rules(table.name).keys:
        if len(key) == len(parts) and all(table.reference(name) is None for name in key):
            try:
                values = tuple(convert(table.by_name[name], part) for name, part in zip(key, parts, strict=True))
            except BadValue:
                continue
            if all(value not in (None, "") for value in values):
                return key, values
    return None


def _greatest(scratch: Scratch, table: Table) -> int:
    """The greatest number that a row has, or will have."""
    (name,) = table.primary_key
    if table.by_name[name].kind is not Kind.INTEGER:
        return 0
    found = [scratch.reader.greatest_key(table.name)]
    if table.name in scratch.matched:
        found.append(scratch.one(f"SELECT max(new) FROM {matched(table)} WHERE typeof(new) = 'integer'") or 0)
    if name in scratch.staged_columns.get(table.name, ()):
        found.append(
            scratch.one(f"SELECT max({q(name)}) FROM {staged(table)} WHERE typeof({q(name)}) = 'integer'") or 0
        )
    return max(found)


def _primary(table: Table, columns: tuple[str, ...], values: tuple[Canonical, ...], number: int) -> Canonical:
    (name,) = table.primary_key
    if name in columns:
        return values[columns.index(name)]
    return uuid.uuid4().hex if table.by_name[name].kind is Kind.UUID else number


def _lead(scratch: Scratch, table: Table, tokens: list[str], key: Canonical) -> None:
    moved = q("moved " + table.name)
    scratch.run(
        f"CREATE TABLE IF NOT EXISTS {tokens_table(table)} (token PRIMARY KEY, rec INTEGER, live INTEGER) WITHOUT ROWID"
    )
    scratch.run(f"CREATE TABLE IF NOT EXISTS {moved} (old PRIMARY KEY, new) WITHOUT ROWID")
    for token in tokens:
        scratch.run(f"INSERT INTO {tokens_table(table)} VALUES (?, NULL, NULL)", (token,))
        scratch.run(f"INSERT INTO {moved} VALUES (?, ?)", (token, key))


def _value(column: Column, given: Any) -> Canonical:
    if given == NOW and column.kind in (Kind.INSTANT, Kind.DATE):
        moment = datetime.now(UTC)
        return convert(column, moment.isoformat() if column.kind is Kind.INSTANT else moment.date().isoformat())
    return from_text(column, given if isinstance(given, str) else json_text(given))

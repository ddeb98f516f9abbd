"""A first profile for a live database, guessed from its structure: for a person to read and correct."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from webapp.engine import profile
from webapp.engine.schema import OWN_TABLES, Column, Kind, Schema, Table

STAMPS = ("updated_at", "modified_at", "modified", "last_modified", "updated", "changed_at", "date_modified")
"""Columns that say when a row was last changed, the most usual first."""

VOLATILE = ("last_login", "last_seen", "last_accessed", "last_activity")
"""Columns that change without anybody having changed the record."""

ACCOUNT = re.compile(r"(^|_)(\w*user|users|account|accounts|token|tokens|password\w*|api_?keys?|credentials?)$")
"""Tables of accounts, and of what opens them."""

RIGHTS = re.compile(r"(permission|privilege|(^|_)roles?|(^|_)groups?)(s?$|_)")
"""Tables of what accounts may do."""

PERSON = ("first_name", "last_name")
CALLED = ("name", "title", "label", "full_name", "username", "code", "number", "slug", "email", "subject")
"""Columns that a person would call a row by, the best first."""


def draft(schema: Schema, name: str = "draft") -> str:
    """The text of a profile (TOML). It can be used as it is; every guess is marked as one."""
    known = profile.bundled()["django"] if profile.bundled()["django"].recognises(schema) else None
    tables = [
        table for key, table in schema.tables.items() if key not in OWN_TABLES and not (known and key in known.tables)
    ]
    tables.sort(key=lambda table: table.name)
    lines = [
        "# Drafted from a live database. Guesses are marked; correct them, and delete what is not wanted.",
        f"name = {_text(name)}",
        f"title = {_text(name.replace('_', ' ').capitalize())}",
        *([f"extends = {_text(known.name)}  # Django's own tables are there"] if known else []),
        f"recognise = {_list(_marks(tables))}  # guess: the tables that tell this kind of site",
    ]
    lines += _categories(tables)
    for table in tables:
        lines += _table(table)
    return "\n".join(lines) + "\n"


def _marks(tables: Sequence[Table]) -> list[str]:
    """The tables that the most others refer to."""
    referred: dict[str, int] = defaultdict(int)
    names = {table.name for table in tables}
    for table in tables:
        for key in table.foreign_keys:
            if key.target in names and key.target != table.name:
                referred[key.target] += 1
    ranked = sorted(names, key=lambda name: (-referred[name], name))
    return sorted(ranked[:3])


def _categories(tables: Iterable[Table]) -> list[str]:
    """One for each first word of the tables' names: the application, in a Django database."""
    found: dict[str, list[str]] = defaultdict(list)
    for table in tables:
        found[table.name.partition("_")[0] or table.name].append(table.name)
    lines = []
    for key, names in sorted(found.items()):
        pattern = f"{key}_*"
        listed = [pattern] if all(name.startswith(f"{key}_") for name in names) else names
        lines += ["", f"[categories.{_key(key)}]", f"title = {_text(_words(key))}", f"tables = {_list(listed)}"]
    return lines


def _table(table: Table) -> list[str]:
    lines = ["", f"[tables.{_key(table.name)}]", f"title = {_text(_words(table.name))}"]
    if called := _called(table):
        lines.append(f"name = {_text(called)}  # guess")
    keys = [key for key in table.unique if set(key) != set(table.primary_key)]
    if keys:
        lines.append(f"keys = [{', '.join(_list(key) for key in sorted(keys, key=_strength(table)))}]")
    else:
        lines.append("# keys = []  # no unique constraint tells one row from another: add what does")
    if any(table.by_name[column].nullable for key in keys for column in key):
        lines.append("# nulls_equal = true  # when empty equals empty in a key")
    stamp = next((column for column in STAMPS if _is_instant(table.by_name.get(column))), None)
    if stamp:
        lines.append(f"stamp = {_text(stamp)}  # guess")
    volatile = [column for column in (*([stamp] if stamp else []), *VOLATILE) if column in table.by_name]
    if volatile:
        lines.append(f"volatile = {_list(volatile)}  # guess")
    if ACCOUNT.search(table.name) or RIGHTS.search(table.name) or "password" in table.by_name:
        lines.append("protected = true  # guess: accounts or rights")
    return lines


def _strength(table: Table) -> Callable[[tuple[str, ...]], tuple[bool, bool, int, tuple[str, ...]]]:
    """Natural keys before generated ones: few columns, never null, and not a uuid."""

    def rank(key: tuple[str, ...]) -> tuple[bool, bool, int, tuple[str, ...]]:
        columns = [table.by_name[name] for name in key]
        generated = any(column.kind is Kind.UUID for column in columns)
        return generated, any(column.nullable for column in columns), len(key), key

    return rank


def _called(table: Table) -> str:
    names = table.by_name
    if all(name in names for name in PERSON):
        number = next((name for key in table.unique if len(key) == 1 for name in key if _is_text(names[name])), None)
        return "{first_name} {last_name}" + (f" ({{{number}}})" if number else "")
    exact = next((name for name in CALLED if name in names and _is_text(names[name])), None)
    ending = next(
        (
            column.name
            for end in CALLED
            for column in table.columns
            if column.name.endswith(f"_{end}") and _is_text(column)
        ),
        None,
    )
    found = exact or ending
    return f"{{{found}}}" if found else ""


def _is_text(column: Column) -> bool:
    return column.kind is Kind.TEXT


def _is_instant(column: Column | None) -> bool:
    return column is not None and column.kind in (Kind.INSTANT, Kind.DATE)


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def _key(name: str) -> str:
    return name if _BARE.match(name) else _text(name)


def _text(value: str) -> str:
    # A JSON string is a TOML basic string, but for the DEL character, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"

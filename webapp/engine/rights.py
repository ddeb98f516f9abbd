"""What a plan does to accounts: who is added without rights, and who gains which rights."""

from __future__ import annotations

from webapp.engine.answers import Gain
from webapp.engine.labels import label_sql
from webapp.engine.schema import ForeignKey, Kind, Table
from webapp.engine.scratch import Scratch, live
from webapp.engine.sql import q
from webapp.engine.tokens import shown
from webapp.engine.values import from_text, json_text

NAMED = 200
"""Placeholders that are named. Who gains rights is named in full."""


def placeholders(scratch: Scratch) -> tuple[tuple[str, ...], int]:
    """What people call the accounts that are added without rights, the first of them, and how many there are."""
    found: list[str] = []
    count = 0
    for table in _protected(scratch):
        if scratch.profile.rules(table.name).placeholder:
            wanted = f"FROM {_after(table)} WHERE \"#action\" = 'insert' AND \"#code\" = 'placeholder'"
            count += scratch.one(f"SELECT count(*) {wanted}")
            label = label_sql(scratch.profile, table)
            found += [str(row[0]) for row in scratch.run(f'SELECT {label} {wanted} ORDER BY "#id" LIMIT {NAMED}')]
    return tuple(found[:NAMED]), count


def gains(scratch: Scratch) -> tuple[Gain, ...]:
    """Who has more after the restore. Nobody has, unless accounts and rights are restored."""
    if scratch.choices.accounts != "restore":
        return ()
    found: dict[str, list[str]] = {}
    for table in _protected(scratch):
        told = (
            _of_accounts(scratch, table)
            if scratch.profile.rules(table.name).placeholder
            else _of_rights(scratch, table)
        )
        for who, what in told:
            found.setdefault(who, []).append(what)
    return tuple(Gain(who=who, what=tuple(dict.fromkeys(what))) for who, what in found.items())


def _protected(scratch: Scratch) -> list[Table]:
    return [table for table in scratch.tables if scratch.profile.rules(table.name).protected]


def _after(table: Table) -> str:
    return q(f"after {table.name}")


def _of_accounts(scratch: Scratch, table: Table) -> list[tuple[str, str]]:
    """Columns by which an account may do something: those that a placeholder has without any right."""
    found = _renamed(scratch, table)
    label = label_sql(scratch.profile, table)
    for name, powerless in scratch.profile.rules(table.name).placeholder.items():
        column = table.by_name.get(name)
        if column is None:
            continue
        nothing = from_text(column, powerless if isinstance(powerless, str) else json_text(powerless))
        for who, value in scratch.run(
            f"SELECT {label}, {q(name)} FROM (SELECT a.* FROM {_after(table)} a"
            f' LEFT JOIN {q(f"before {table.name}")} b ON b."#id" = a."#id"'
            f" WHERE a.\"#action\" IN ('insert', 'update') AND coalesce(a.\"#code\", '') <> 'placeholder'"
            f' AND a.{q(name)} IS NOT ? AND (b."#id" IS NULL OR a.{q(name)} IS NOT b.{q(name)})'
            ' ORDER BY a."#id")',
            (nothing,),
        ):
            # A boolean is a right that is had or not; a password is never shown.
            bare = column.kind is Kind.BOOLEAN or "password" in name.lower()
            found.append((str(who), name if bare else f"{name} {shown(value)}"))
    return found


def _renamed(scratch: Scratch, table: Table) -> list[tuple[str, str]]:
    """Accounts that get another name keep what they can do: somebody else can do it then."""
    keys = [key for key, _ in scratch.profile.keys_of(table) if all(table.reference(name) is None for name in key)]
    label = label_sql(scratch.profile, table)
    if not keys:
        return []
    changed = " OR ".join(f"a.{q(name)} IS NOT b.{q(name)}" for name in keys[0])
    old = f'SELECT {label} FROM {q(f"before {table.name}")} o WHERE o."#id" = b."#id"'
    new = f'SELECT {label} FROM {_after(table)} n WHERE n."#id" = a."#id"'
    rows = scratch.run(
        f'SELECT ({new}), ({old}) FROM {_after(table)} a JOIN {q(f"before {table.name}")} b ON b."#id" = a."#id"'
        f' WHERE a."#action" = \'update\' AND ({changed}) ORDER BY a."#id"'
    )
    return [(str(who), f"all that {before} had") for who, before in rows]


def _of_rights(scratch: Scratch, table: Table) -> list[tuple[str, str]]:
    """Rows that give somebody something (a group, a permission, a token), and new groups and roles themselves."""
    title = scratch.profile.title_of(table.name)
    holders = [key for key in table.foreign_keys if len(key.columns) == 1 and _is_protected(scratch, key.target)]
    order = [column.name for column in table.columns]
    # An account rather than a group; who must be there rather than who gave it.
    holders.sort(
        key=lambda key: (
            not scratch.profile.rules(key.target).placeholder,
            table.by_name[key.columns[0]].nullable,
            order.index(key.columns[0]),
        )
    )
    given = [key for key in table.foreign_keys if len(key.columns) == 1 and key not in holders[:1]]
    given.sort(key=lambda key: order.index(key.columns[0]))
    cells = [_called(scratch, key) for key in (*holders[:1], *given)]
    found = []
    for row in scratch.run(
        f"SELECT {', '.join((label_sql(scratch.profile, table), *cells))} FROM {_after(table)} a"
        f" WHERE a.\"#action\" IN ('insert', 'update') ORDER BY a.\"#id\""
    ):
        things = ", ".join(str(thing) for thing in row[len(holders[:1]) + 1 :] if thing is not None)
        if holders:
            found.append((str(row[1] or "?"), f"{title}: {things}" if things else title))
        else:
            found.append((f"{title}: {row[0]}", "added or changed"))
    return found


def _is_protected(scratch: Scratch, table: str) -> bool:
    return bool(scratch.profile.rules(table).protected)


def _called(scratch: Scratch, key: ForeignKey) -> str:
    """SQL for what people call the row that a reference of the row ``a`` leads to, in the plan or in the site."""
    target = scratch.schema.tables[key.target]
    (column,), (to,) = key.columns, key.target_columns
    label = label_sql(scratch.profile, target)
    places = [live(target)]
    if target in scratch.tables:
        places.insert(0, _after(target))
    found = ", ".join(f"(SELECT {label} FROM {place} t WHERE t.{q(to)} = a.{q(column)} LIMIT 1)" for place in places)
    return f"coalesce({found}, a.{q(column)})"

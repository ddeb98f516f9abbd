"""Rows of a plan or of a receipt, a page at a time."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import msgspec

from webapp.engine.answers import FILES, FieldChange, FilePart, RowChange, RowPage
from webapp.engine.labels import is_secret, told
from webapp.engine.places import place_of
from webapp.engine.plan import PlanFacts, PlannedTable, open_plan
from webapp.engine.reasons import words
from webapp.engine.sql import q
from webapp.engine.tokens import shown

SEARCHED = 20_000
"""Rows in which a text is looked for at once."""

SEARCH_SECONDS = 0.5
"""How long a page may be searched for: a text in all columns of a million rows takes some seconds. The next page goes on."""

LARGEST = 2**62
"""Above every ``#id``, and far enough below the largest number of SQLite to add to it."""


def rows(path: Path, table: str, *, action: str = "", text: str = "", after: int = 0, limit: int = 50) -> RowPage:
    """A page of one table: keyset paging by ``#id``, so that the last page costs what the first one does."""
    connection, facts = open_plan(path)
    try:
        known = next((each for each in facts.tables if each.table == table), None)
        if known is None:
            return RowPage(rows=(), next=None)
        page = _page(connection, known, action, text, min(max(after, 0), LARGEST), min(max(limit, 1), 500))
        return RowPage(rows=tuple(_placed(facts.parts, row) for row in page.rows), next=page.next)
    finally:
        connection.close()


def read_facts(path: Path) -> PlanFacts:
    """The facts of a plan file."""
    connection, facts = open_plan(path)
    connection.close()
    return facts


def _page(
    connection: sqlite3.Connection, known: PlannedTable, action: str, text: str, after: int, limit: int
) -> RowPage:
    new, old = q(f"after {known.table}"), q(f"before {known.table}")
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({old})").fetchall()][1:]
    kind, _, column = action.partition(":")
    conditions: list[str] = []
    wanted: list[object] = []
    if kind:
        conditions.append('a."#action" = ?')
        wanted.append(kind)
    if column in names:
        conditions.append(f'b."#id" IS NOT NULL AND a.{q(column)} IS NOT b.{q(column)}')
    if text:
        open_names = [name for name in names if not is_secret(name)]
        conditions.append(f'({_holds("a", open_names)} OR b."#id" IS NOT NULL AND {_holds("b", open_names)})')
        wanted += [_pattern(text)] * 2
    query = _query(known, names, new, old, ['a."#id" > ?', 'a."#id" <= ?', *conditions])
    last = connection.execute(f'SELECT coalesce(max("#id"), 0) FROM {new}').fetchone()[0]
    found: list[tuple[object, ...]] = []
    over = time.monotonic() + SEARCH_SECONDS
    while len(found) <= limit and after < last and time.monotonic() < over:
        until = after + SEARCHED if text else last
        found += connection.execute(query, (after, until, *wanted, limit + 1 - len(found))).fetchall()
        after = until
    changes = tuple(_row(known, names, row) for row in found[:limit])
    if len(found) > limit:
        return RowPage(rows=changes, next=changes[-1].id)
    return RowPage(rows=changes, next=after if after < last else None)


def _holds(alias: str, names: list[str]) -> str:
    """Whether a row has the text in any column. One comparison with all of them joined is faster than one with each."""
    joined = " || char(31) || ".join(f"coalesce({alias}.{q(name)}, '')" for name in names)
    return f"({joined}) LIKE ? ESCAPE '!'"


def _pattern(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, "!" + special)
    return f"%{text}%"


def _query(known: PlannedTable, names: list[str], new: str, old: str, conditions: list[str]) -> str:
    inner = ", ".join(f"a.{q(name)} AS {q(name)}" for name in names)
    before = ", ".join(f"b.{q(name)} AS {q('before ' + name)}" for name in names)
    return (
        f'SELECT "#id", "#action", "#code", "#field", "#rec", "#rung", "#old", {known.label_sql} AS "#label",'
        f" {', '.join(q(name) for name in names)}, {', '.join(q('before ' + name) for name in names)} FROM ("
        f'SELECT a."#id" AS "#id", a."#action" AS "#action", a."#code" AS "#code", a."#field" AS "#field",'
        f' a."#rec" AS "#rec", a."#rung" AS "#rung", b."#id" IS NOT NULL AS "#old", {inner}, {before}'
        f' FROM {new} a LEFT JOIN {old} b ON b."#id" = a."#id" WHERE {" AND ".join(conditions)}'
        f' ORDER BY a."#id" LIMIT ?)'
    )


def _placed(parts: tuple[FilePart, ...], row: RowChange) -> RowChange:
    return msgspec.structs.replace(row, place=place_of(parts, row.place.record)) if parts else row


def _row(known: PlannedTable, names: list[str], row: tuple[object, ...]) -> RowChange:
    number, action, code, _field, rec, rung, old, label = row[:8]
    news = dict(zip(names, row[8 : 8 + len(names)], strict=True))
    olds = dict(zip(names, row[8 + len(names) :], strict=True))
    inserted, deleted = not old, action == "delete"
    fields = tuple(
        FieldChange(
            column=name,
            before=None if inserted else told(name, olds[name]),
            after=None if deleted else told(name, news[name]),
            changed=inserted or deleted or olds[name] != news[name],
        )
        for name in names
    )
    why = words(str(code)) if code else known.rungs.get(rung, "") if isinstance(rung, int) else ""
    if not why:
        why = "new: no row of the site is this record" if action == "insert" else "the backup does not have it"
    return RowChange(
        id=int(str(number)),
        table=known.table,
        action=str(action),  # type: ignore[arg-type]  # one of Action: the plan wrote it
        pk=", ".join(shown(news[key]) or "" for key in known.primary_key),
        label=str(label or ""),
        why=why,
        place=place_of((), None if known.table == FILES else rec),
        fields=fields,
    )

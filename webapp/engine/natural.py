"""References by natural key: a list of values instead of a primary key, as Django writes them on request.

``["author01"]``, ``["can_review", "documents", "document"]``: a key may pass through references, whose own keys then stand
in its place. The stage keeps such a reference as a *token* (a mark and the list as JSON); when the table that it means has
been matched, the token is led to a record of the file or to a row of the site, and from there on it is a moved key like
any other. Which columns the values belong to is the profile's word; where it is silent, the unique constraint of as many
values that resolves most of them, in any order, is taken.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal

from webapp.engine import values
from webapp.engine.answers import NaturalKey
from webapp.engine.schema import Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q
from webapp.engine.tokens import MARK, owner_token, token
from webapp.engine.unfit import BadValue
from webapp.engine.values import Canonical

Key = tuple[Any, ...]
Path = tuple[str, ...]

LOST_NAMED = 20


def tokens_table(table: Table | str) -> str:
    """Where the tokens of a table lead: token, rec, live."""
    return q("natural " + (table if isinstance(table, str) else table.name))


@dataclass(frozen=True, slots=True)
class Target:
    """What a natural key means: a record of the file, else a row of the site, and its primary key in the site."""

    rec: int | None
    live: int | None
    key: Canonical


def has_natural_keys(scratch: Scratch) -> bool:
    """Whether any reference of the file is a natural key."""
    return any(tokens_of(scratch, scratch.schema.tables[name]) for name in natural_targets(scratch))


def natural_targets(scratch: Scratch) -> frozenset[str]:
    """Tables that the natural keys of the file mean."""
    found = (scratch.schema.tables[name].reference(column) for name, column in scratch.facts.naturals)
    return frozenset(key.target for key in found if key is not None)


def resolve(scratch: Scratch, table: Table) -> None:
    """Lead all tokens that mean rows of a table, once it is matched."""
    wanted = tokens_of(scratch, table)
    owners = [link for link, (owner, _, _) in scratch.facts.links.items() if owner == table.name]
    if not wanted and not owners:
        return
    found = {MARK + text: target for text, target in _lookup_texts(scratch, table, wanted).items()}
    for link in owners:
        found |= _owners(scratch, table, link)
    if not found:
        return
    scratch.run(f"CREATE TABLE {tokens_table(table)} (token PRIMARY KEY, rec INTEGER, live INTEGER) WITHOUT ROWID")
    scratch.connection.executemany(
        f"INSERT INTO {tokens_table(table)} VALUES (?, ?, ?)",
        [(text, target.rec, target.live) for text, target in found.items()],
    )
    scratch.run(f"CREATE TABLE IF NOT EXISTS {q('moved ' + table.name)} (old PRIMARY KEY, new) WITHOUT ROWID")
    scratch.connection.executemany(
        f"INSERT OR IGNORE INTO {q('moved ' + table.name)} VALUES (?, ?)",
        [(text, target.key) for text, target in found.items()],
    )
    scratch.moved.add(table.name)
    scratch.tokens.add(table.name)


def tokens_of(scratch: Scratch, table: Table) -> list[str]:
    """The natural keys of the file that mean rows of a table, as JSON."""
    found: dict[str, None] = {}
    for name, column in scratch.facts.naturals:
        key = scratch.schema.tables[name].reference(column)
        if key is not None and key.target == table.name and key.target_columns == table.primary_key:
            found |= {
                row[0][1:]: None
                for row in scratch.run(
                    f"SELECT DISTINCT {q(column)} FROM {staged(name)} WHERE {q(column)} GLOB ?", (MARK + "[[]*",)
                )
            }
    return list(found)


def _owners(scratch: Scratch, table: Table, link: str) -> dict[str, Target]:
    (name,) = table.primary_key
    own = f"s.{q(name)} IS NULL" if name in scratch.staged_columns[table.name] else "1"
    return {
        owner_token(rec): Target(rec, None, key)
        for rec, key in scratch.run(
            f"SELECT m.rec, {_site_key(scratch, table)} FROM stage.{q('list ' + link)} n JOIN {matched(table)} m ON m.rec = n.rec"
            f' JOIN {staged(table)} s ON s."#rec" = m.rec LEFT JOIN {live(table)} l ON l._rowid_ = m.live WHERE {own}'
        )
    }


def _lookup_texts(scratch: Scratch, table: Table, texts: list[str]) -> dict[str, Target]:
    lists = {text: tuple(json.loads(text)) for text in texts}
    targets: dict[Key, Target] = {}
    for size in sorted({len(key) for key in lists.values()}):
        some = {key for key in lists.values() if len(key) == size}
        columns, found = _best(scratch, table, some, size)
        scratch.natural_keys.append(_told(scratch, table, columns, some, found))
        targets |= found
    return {text: targets[key] for text, key in lists.items() if key in targets}


def _told(
    scratch: Scratch, table: Table, columns: tuple[str, ...], wanted: set[Key], found: dict[Key, Target]
) -> NaturalKey:
    """What keys of one width were taken to mean, for a person to check."""
    doubtful = {key for key in wanted if (table.name, token(key)) in scratch.doubtful}
    lost = sorted(json.dumps(list(key), ensure_ascii=False) for key in wanted - found.keys())
    source: Literal["profile", "chosen", "inferred"] = "inferred"
    if columns in scratch.profile.rules(table.name).keys:
        source = "chosen" if table.name in scratch.chosen else "profile"
    return NaturalKey(
        table=table.name,
        title=scratch.profile.title_of(table.name),
        columns=columns,
        source=source,
        values=len(wanted),
        resolved=len(found),
        ambiguous=len(doubtful - found.keys()),
        lost=tuple(lost[:LOST_NAMED]),
    )


def lookup(scratch: Scratch, table: Table, wanted: set[Key], path: Path = ()) -> dict[Key, Target]:
    """The records or rows of a table that natural keys mean. What is not there, or may be one or another, is not in the answer.

    ``path`` are the tables whose keys lead through this one: a key that leads back to one of them holds its number instead.
    """
    found: dict[Key, Target] = {}
    for size in {len(key) for key in wanted}:
        found |= _best(scratch, table, {key for key in wanted if len(key) == size}, size, path)[1]
    return found


def _best(
    scratch: Scratch, table: Table, wanted: set[Key], size: int, path: Path = ()
) -> tuple[tuple[str, ...], dict[Key, Target]]:
    """The columns that keys of one width mean, and where they lead; the first candidates where nothing leads anywhere."""
    first: tuple[str, ...] = ()
    path = (*path, table.name)
    for rank in _candidates(scratch, table, size, path):
        first = first or rank[0]
        columns, answer = _agreed(scratch, table, rank, wanted, path)
        if answer:
            return columns, answer
    return first, {}


def _agreed(
    scratch: Scratch, table: Table, rank: list[tuple[str, ...]], wanted: set[Key], path: Path
) -> tuple[tuple[str, ...], dict[Key, Target]]:
    """The answer with the most keys; of several such ones, what they have in common."""
    answers = [(columns, _by_columns(scratch, table, columns, wanted, path)) for columns in rank]
    most = max(len(answer) for _, answer in answers)
    (columns, first), *others = (each for each in answers if len(each[1]) == most)
    for _, other in others:
        for key in [key for key, target in first.items() if other.get(key) != target]:
            meant = [first.pop(key), *([other[key]] if key in other else [])]
            scratch.doubtful[table.name, token(key)] = tuple(str(each.key) for each in meant)
    return columns, first


def _candidates(scratch: Scratch, table: Table, size: int, path: Path) -> list[list[tuple[str, ...]]]:
    """Columns that a key of so many values may mean: the profile's, then unique ones in any order, then the primary key."""
    stated = scratch.profile.rules(table.name).keys
    ranks: list[list[tuple[str, ...]]] = []
    guessed: dict[tuple[str, ...], None] = {}
    for key, _ in scratch.profile.keys_of(table):
        if _width(scratch, table, key, path) == size:
            if key in stated:
                ranks.append([key])
            guessed |= dict.fromkeys(permutations(key) if len(key) <= 3 else [key])
    if guessed:
        ranks.append(list(guessed))
    if size == 1 and len(table.primary_key) == 1:
        ranks.append([table.primary_key])
    return ranks


def _width(scratch: Scratch, table: Table, key: Sequence[str], path: Path) -> int:
    return sum(_part_width(scratch, table, name, path) for name in key)


def _part_width(scratch: Scratch, table: Table, column: str, path: Path) -> int:
    """How many values stand for a column: those of the key of the row that it refers to, else one."""
    reference = table.reference(column)
    if reference is None or reference.target in path:
        return 1
    parent = scratch.schema.tables[reference.target]
    keys = scratch.profile.keys_of(parent)
    return _width(scratch, parent, keys[0][0], (*path, parent.name)) if keys else 1


def _by_columns(
    scratch: Scratch, table: Table, columns: tuple[str, ...], wanted: set[Key], path: Path
) -> dict[Key, Target]:
    rows: dict[Key, list[Canonical]] = {key: [] for key in wanted}
    position = 0
    for name in columns:
        width = _part_width(scratch, table, name, path)
        parts = {key: key[position : position + width] for key in rows}
        cells = _cells(scratch, table, name, set(parts.values()), path)
        rows = {key: [*row, cells[parts[key]]] for key, row in rows.items() if parts[key] in cells}
        position += width
    return _find(scratch, table, columns, rows)


def _cells(scratch: Scratch, table: Table, name: str, parts: set[Key], path: Path) -> dict[Key, Canonical]:
    """The values of one column that parts of keys stand for."""
    reference = table.reference(name)
    known = reference is not None and (
        reference.target in scratch.matched or reference.target not in scratch.staged_columns
    )
    if reference is not None and known and reference.target not in path:
        parent = scratch.schema.tables[reference.target]
        return {part: target.key for part, target in lookup(scratch, parent, parts, path).items()}
    column = table.by_name[name]
    found: dict[Key, Canonical] = {}
    for part in parts:
        try:
            found[part] = values.convert(column, part[0])
        except BadValue:
            continue
    return found


def _find(
    scratch: Scratch, table: Table, columns: tuple[str, ...], rows: dict[Key, list[Canonical]]
) -> dict[Key, Target]:
    keys = list(rows)
    (primary,) = table.primary_key if len(table.primary_key) == 1 else ("",)
    if not keys or not primary:
        return {}
    scratch.run("DROP TABLE IF EXISTS temp.wanted")
    cells = ", ".join(f"k{number}" for number in range(len(columns)))
    scratch.run(f"CREATE TEMP TABLE wanted (n INTEGER PRIMARY KEY, {cells})")
    scratch.connection.executemany(
        f"INSERT INTO temp.wanted VALUES (?, {', '.join('?' * len(columns))})",
        [(number, *rows[key]) for number, key in enumerate(keys)],
    )
    rows_found: dict[Key, list[Target]] = {}
    on = " AND ".join(f"l.{q(name)} IS w.k{number}" for number, name in enumerate(columns))
    for number, row, key in scratch.run(
        f"SELECT w.n, l._rowid_, l.{q(primary)} FROM temp.wanted w JOIN {live(table)} l ON {on}"
    ):
        rows_found.setdefault(keys[number], []).append(Target(None, row, key))
    records_found: dict[Key, list[Target]] = {}
    if table.name in scratch.matched and all(name in scratch.staged_columns[table.name] for name in columns):
        on = " AND ".join(
            f"{scratch.final(table, table.by_name[name])} IS w.k{number}" for number, name in enumerate(columns)
        )
        for number, rec, key in scratch.run(
            f"SELECT w.n, m.rec, {_site_key(scratch, table)} FROM temp.wanted w JOIN {staged(table)} s ON {on}"
            f' JOIN {matched(table)} m ON m.rec = s."#rec" LEFT JOIN {live(table)} l ON l._rowid_ = m.live'
            " WHERE coalesce(m.code, '') <> 'duplicate_record' ORDER BY w.n, m.rec"
        ):
            records_found.setdefault(keys[number], []).append(Target(rec, None, key))
    found = rows_found | records_found
    for key, targets in found.items():
        if len(targets) > 1:
            scratch.doubtful[table.name, token(key)] = tuple(str(each.key) for each in targets)
    return {key: targets[0] for key, targets in found.items() if len(targets) == 1}


def _site_key(scratch: Scratch, table: Table) -> str:
    """SQL for the primary key in the site of a record ``s`` that is matched as ``m`` to ``l``."""
    (name,) = table.primary_key
    own = f"s.{q(name)}" if name in scratch.staged_columns[table.name] else "NULL"
    return f"CASE WHEN m.live IS NOT NULL THEN l.{q(name)} ELSE coalesce(m.new, {own}) END"

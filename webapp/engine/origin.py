"""The same-database verdict: does a backup come from this database?

The evidence are rows under equal primary keys. They are *alike* when a natural key agrees that does not lead through a
reference, or when most of the telling columns do (telling: the site has many different values in them). Tables with
neither say nothing. At most :data:`SAMPLE` records of a table are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from webapp.engine.answers import Evidence, Origin
from webapp.engine.schema import LEDGER, Kind, Table
from webapp.engine.scratch import Scratch, live, staged
from webapp.engine.sql import differs, literal, q

SAMPLE = 2000
ENOUGH = 10
"""Pairs from which on a table speaks for itself."""

MIXED = 0.8
"""The share of alike rows below which an unlike row under an equal number is taken for a stranger."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What follows from the verdict: where equal primary keys, and references by key to the site, mean the same row."""

    origin: Origin
    tables: frozenset[str]
    mixed: frozenset[str]  # of these, tables with many strangers: only rows that are alike are the same
    proven: frozenset[str]  # of these, tables whose own rows prove it: a number that is free there was given up there
    references: bool
    stranger: bool  # another database's backup, and nobody has said that it is wanted here


def find_origin(scratch: Scratch) -> Trust:
    """Weigh the evidence, and let the person's word overrule it."""
    evidence = []
    for table in scratch.tables:
        rules = scratch.profile.rules(table.name)
        if not (rules.ignored or rules.matched_only or table.remark) and len(table.primary_key) == 1:
            found = _weigh(scratch, table)
            if found is not None:
                evidence.append(found)
    origin = _verdict(scratch, tuple(evidence))
    asked = scratch.choices.origin
    same = asked == "same" or (asked == "auto" and origin.verdict == "same")
    speaking = {table.name for table in scratch.tables if has_own_identity(table)}
    trusted = {table.name for table in scratch.tables if same} | speaking
    mixed: set[str] = set()
    proven = set(trusted) if asked == "same" else set()
    for each in evidence:
        if asked == "auto" and each.pairs >= ENOUGH and each.table not in speaking:
            (trusted.add if 2 * each.alike >= each.pairs else trusted.discard)(each.table)
            (mixed if each.alike < MIXED * each.pairs else proven).add(each.table)
    strangers = {each.table for each in evidence if each.pairs >= ENOUGH and each.table not in trusted}
    for table in scratch.tables:
        # What hangs on strangers, and does not speak for itself, is not theirs by number either.
        if any(key.target in strangers for key in table.foreign_keys) and table.name not in speaking:
            mixed.add(table.name)
            strangers.add(table.name)
    references = same or (asked == "auto" and origin.verdict in ("empty", "unproven"))
    pairs = sum(each.pairs for each in evidence)
    stranger = asked == "auto" and origin.verdict == "another" and pairs >= ENOUGH
    return Trust(origin, frozenset(trusted), frozenset(mixed), frozenset(proven), references, stranger)


def has_own_identity(table: Table) -> bool:
    """Whether a primary key is more than a number that was counted up: a uuid, a word, or another row's key."""
    return any(
        table.by_name[name].kind is not Kind.INTEGER or table.reference(name) is not None for name in table.primary_key
    )


def telling_columns(scratch: Scratch, table: Table, *, references: bool) -> tuple[str, ...]:
    """Columns whose values tell rows apart; the primary key is not among them."""
    names = [
        name
        for name in scratch.staged_columns[table.name]
        if name not in table.primary_key and (references or table.reference(name) is None)
    ]
    if not names:
        return ()
    counts = ", ".join(f"count(DISTINCT {q(name)})" for name in names)
    rows, *distinct = scratch.run(f"SELECT count(*), {counts} FROM (SELECT * FROM {live(table)} LIMIT 500)").fetchone()
    return tuple(name for name, values in zip(names, distinct, strict=True) if values > max(1, rows // 5) or rows <= 1)


def alike(scratch: Scratch, table: Table, row: str = "l", *, references: bool = False) -> str:
    """An SQL condition over a staged row ``s`` and a live row; empty where the table says nothing.

    References count only when the rows that they lead to have been matched.
    """
    conditions = []
    for key, _ in scratch.profile.keys_of(table):
        if all(table.reference(name) is None and name in scratch.staged_columns[table.name] for name in key):
            conditions.append("(" + " AND ".join(f"{row}.{q(name)} = s.{q(name)}" for name in key) + ")")
    columns = telling_columns(scratch, table, references=references)
    if columns:
        equal = " + ".join(
            f"({row}.{q(name)} IS NOT NULL"
            f" AND NOT {differs(table.by_name[name], f'{row}.{q(name)}', scratch.reference(table, name))})"
            for name in columns
        )
        shapes = scratch.shapes(table)
        lacking = {name: [number for number, names in shapes if name not in names] for name in columns}
        filled = " + ".join(
            f"(s.{q(name)} IS NOT NULL OR ({row}.{q(name)} IS NOT NULL"
            # What a record does not have says nothing about it.
            + (f' AND s."#shape" NOT IN ({", ".join(map(str, lacking[name]))})' if lacking[name] else "")
            + "))"
            for name in columns
        )
        conditions.append(f"(2 * ({equal}) > ({filled}) AND ({filled}) > 0)")
    return " OR ".join(conditions)


def _weigh(scratch: Scratch, table: Table) -> Evidence | None:
    condition = alike(scratch, table)
    if not condition or not scratch.live_rows[table.name]:
        return None
    (key,) = table.primary_key
    if key not in scratch.staged_columns[table.name]:
        return None
    total = scratch.one(f"SELECT count(*) FROM {staged(table)}")
    step = max(1, total // SAMPLE)
    some = f'(SELECT * FROM {staged(table)} WHERE "#rec" % {step} = 0{_unnoted(scratch, table, key)})'
    renewed = _renewed(scratch, table)
    pairs, same = scratch.run(
        f"SELECT count(*), coalesce(sum(coalesce({condition}, 0) AND NOT coalesce({renewed}, 0)), 0) FROM {some} s"
        f" JOIN {live(table)} l ON l.{q(key)} = s.{q(key)}"
    ).fetchone()
    moved = 0
    names = _own_key(scratch, table)
    if names:
        on = " AND ".join(f"l.{q(name)} = s.{q(name)}" for name in names)
        moved = scratch.one(
            f"SELECT count(*) FROM {some} s JOIN {live(table)} l ON {on} WHERE l.{q(key)} <> s.{q(key)} OR {renewed}"
        )
    if not pairs and not moved:
        return None
    return Evidence(table=table.name, records=-(-total // step), pairs=pairs, alike=same, moved=moved)


def _unnoted(scratch: Scratch, table: Table, key: str) -> str:
    """SQL: the record was not written by an earlier restore of this backup, as far as was noted. That would prove nothing."""
    if LEDGER not in scratch.schema.tables:
        return ""
    written = f"SELECT old FROM {live(LEDGER)} WHERE backup = {literal(scratch.facts.file.sha256)} AND tbl = {literal(table.name)} AND old = new"
    return f" AND CAST({q(key)} AS TEXT) NOT IN ({written})"


def _own_key(scratch: Scratch, table: Table) -> tuple[str, ...]:
    """The key by which people know a row: not through references, and rather not a uuid."""
    columns = scratch.staged_columns[table.name]
    keys = [
        key
        for key, _ in scratch.profile.keys_of(table)
        if all(table.reference(name) is None and name in columns for name in key)
    ]
    named = [key for key in keys if all(table.by_name[name].kind is not Kind.UUID for name in key)]
    return next(iter([*named, *keys]), ())


def _renewed(scratch: Scratch, table: Table) -> str:
    """An SQL condition: the row has another uuid than the record, as a row that was made anew has."""
    columns = scratch.staged_columns[table.name]
    uuids = [
        key[0]
        for key in table.unique
        if len(key) == 1 and key[0] in columns and table.by_name[key[0]].kind is Kind.UUID
    ]
    return "(" + (" OR ".join(f"l.{q(name)} <> s.{q(name)}" for name in uuids) or "0") + ")"


def _verdict(scratch: Scratch, evidence: tuple[Evidence, ...]) -> Origin:
    business = [
        name
        for name in (table.name for table in scratch.tables)
        if not (scratch.profile.rules(name).ignored or scratch.profile.rules(name).matched_only)
    ]
    pairs, same = (sum(getattr(each, part) for each in evidence) for part in ("pairs", "alike"))
    if not any(scratch.live_rows[name] for name in business):
        return Origin(verdict="empty", sentence="The database holds none of this file's kinds of records yet.")
    # Tables have one vote each: what a first restore added under its old numbers must not outweigh what was renumbered.
    votes = sum((each.moved > each.alike) - (each.alike > each.moved) for each in evidence)
    if pairs and 2 * same >= pairs and votes <= 0:
        return Origin(
            verdict="same",
            sentence=f"The backup comes from this database: of {pairs:,} records that were compared under the same"
            f" number, {same:,} are recognisably the same.",
            evidence=evidence,
        )
    if votes > 0 and any(2 * each.moved >= each.records or each.moved >= ENOUGH for each in evidence):
        return Origin(
            verdict="rebuilt",
            sentence=f"This system was rebuilt after the backup: {_moved_words(scratch, evidence)} here by the same name"
            " under another number or uuid. Records are matched by their names and other keys, never by number.",
            evidence=evidence,
        )
    if pairs:
        return Origin(
            verdict="another",
            sentence=f"The backup seems to come from another database: of {pairs:,} records that were compared under"
            f" the same number, {same:,} are the same. Numbers are not used to match records.",
            evidence=evidence,
        )
    if not any(set(table.primary_key) & set(scratch.staged_columns[table.name]) for table in scratch.tables):
        return Origin(
            verdict="unproven",
            sentence="The file knows its records by name, not by number, so numbers play no part in matching them.",
        )
    return Origin(
        verdict="unproven",
        sentence="No record of this file has a counterpart under the same number in the database, so there is no proof"
        " that it comes from here. References to records outside the file are taken as they are.",
        evidence=evidence,
    )


def _moved_words(scratch: Scratch, evidence: tuple[Evidence, ...]) -> str:
    most = sorted((each for each in evidence if each.moved), key=lambda each: -each.moved)[:3]
    words = [f"{each.moved:,} of {each.records:,} {scratch.profile.title_of(each.table).lower()}" for each in most]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) + " are"

"""A plan: what a restore would do, row by row, in a file. The preview shows it and apply does it; nothing else is computed later.

Steps: match every record, let each say what it would do by itself, settle references, removals and double keys, write the
changes down, sum them up. Each step is set-based SQL over the scratch file.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Literal

import msgspec

from webapp.engine import sql
from webapp.engine.answers import FILES, Counts, FilePart, FilesPlan, Plan, Problem, Reason, TablePlan
from webapp.engine.candidates import chosen_tables, collect, settle_values
from webapp.engine.changes import columns_of, created_rows, note_pairs, write_changes
from webapp.engine.conflicts import find_conflicts
from webapp.engine.creation import keep_needed
from webapp.engine.databases.base import TableChanges
from webapp.engine.decisions import check_choices
from webapp.engine.doubts import find_doubts
from webapp.engine.errors import PlanChanged
from webapp.engine.labels import label_of, label_sql
from webapp.engine.match import match, rung_words
from webapp.engine.media import plan_files
from webapp.engine.origin import Trust, find_origin
from webapp.engine.people import find_people, settle_questions
from webapp.engine.problems import describe_problems, drift_problems
from webapp.engine.reasons import words
from webapp.engine.references import settle_references
from webapp.engine.removal import collect_removals, settle_referenced
from webapp.engine.rights import gains, placeholders
from webapp.engine.schema import Schema, Table
from webapp.engine.scratch import Scratch, staged
from webapp.engine.sql import q
from webapp.engine.twins import find_twins
from webapp.engine.unique import exchanges_keys, settle_keys

REMOVAL_BUDGET = 100
"""Rows of one table that may be removed without typing the number, unless a tenth of the table is fewer."""

PROBLEMS_NAMED = 200
GAINS_NAMED = 5000


class PlannedTable(msgspec.Struct, frozen=True):
    """What apply needs to know of one table of a plan file."""

    table: str
    primary_key: tuple[str, ...]
    inserts: int
    updates: int
    deletes: int
    parked: bool
    label_sql: str  # what a person calls a row, over the columns of ``after`` and ``before``
    rungs: dict[int, str]


class PlanFacts(msgspec.Struct, frozen=True):
    """The facts of a plan file, kept in it as JSON. ``plan`` has no digest there: the digest is the file's."""

    plan: Plan
    tables: tuple[PlannedTable, ...]
    backup: str  # sha256
    fingerprint: str  # of the schema that it was made against
    dialect: str
    profile: str
    noted: tuple[str, ...] = ()  # tables that have "noted <table>"
    parts: tuple[FilePart, ...] = ()  # where the backup is several files
    media: str = ""  # the site's folder of files, where the plan has any


def plan(scratch: Scratch, media: Path | None = None) -> Plan:
    """Work out the plan in the scratch file; the digest is still empty. ``media`` is the site's folder of files."""
    check_choices(scratch.choices, scratch.facts, scratch.schema, scratch.profile)
    trust = find_origin(scratch)
    match(scratch, trust)
    chosen = chosen_tables(scratch)
    steps = ("records", "removals", "references", "keys", "changes")
    scratch.report("plan", 0, len(steps))
    collect(scratch, chosen)
    scratch.report("plan", 1, len(steps))
    collect_removals(scratch, chosen)
    scratch.report("plan", 2, len(steps))
    settle_values(scratch)
    settle_references(scratch, trust)
    scratch.report("plan", 3, len(steps))
    # Parents that were added have values of their own, and what is left out takes other rows with it.
    while settle_values(scratch) or settle_keys(scratch):
        settle_references(scratch, trust)
    settle_referenced(scratch)
    while scratch.choices.remove and settle_keys(scratch):
        # A row that stays after all may hold the key of a record.
        settle_references(scratch, trust)
        settle_referenced(scratch)
    settle_questions(scratch)
    keep_needed(scratch)
    scratch.report("plan", 4, len(steps))
    for table in (*scratch.tables, *scratch.joined.values()):
        write_changes(scratch, table)
    noted = frozenset(table.name for table in scratch.tables if note_pairs(scratch, table, trust))
    answer = _sum_up(scratch, trust, chosen, noted, media)
    scratch.report("plan", len(steps), len(steps))
    return answer


# ---------------------------------------------------------------- summing up


def _sum_up(scratch: Scratch, trust: Trust, chosen: frozenset[str], noted: frozenset[str], media: Path | None) -> Plan:
    planned, tables, removal, over = [], [], 0, False
    for table in (*scratch.tables, *scratch.joined.values()):
        counts = _counts(scratch, table, chosen)
        if counts == Counts():
            continue
        live_rows = scratch.live_rows.get(table.name) or scratch.reader.count(table.name)
        removal += counts.delete
        over |= counts.delete > min(REMOVAL_BUDGET, live_rows // 10)
        tables.append(
            TablePlan(
                table=table.name,
                label=label_of(table.name, scratch.profile),
                title=scratch.profile.title_of(table.name),
                category=_category(scratch, table),
                counts=counts,
                columns=_changed_columns(scratch, table, counts.update),
                live_rows=live_rows,
            )
        )
        planned.append(_planned(scratch, table, counts))
    problems, reasons = describe_problems(scratch, [each.table for each in tables], PROBLEMS_NAMED)
    unplaced, unplaced_counts = drift_problems(scratch, chosen)
    for model, counts in unplaced_counts.items():
        tables.append(TablePlan(table=model, label=model, title=model, category="", counts=counts))
        action: Literal["skipped", "blocked"] = "skipped" if counts.skipped else "blocked"
        reasons.append(
            Reason(
                action=action,
                code="unknown_model",
                table=model,
                text=words("unknown_model"),
                count=counts.skipped + counts.blocked,
            )
        )
    total = sum((each.counts for each in tables), Counts())
    files, barred = plan_files(scratch, media, chosen)
    if files and files.state == "planned":
        planned.append(_planned_files(files))
    reduced, reduced_count = placeholders(scratch)
    created, created_count = created_rows(scratch)
    conflicts, conflict_count = find_conflicts(scratch)
    gained = gains(scratch)
    people, people_count, accounts = find_people(scratch, trust)
    strange = (
        (Problem(code="another_site", message=words("another_site")),)
        if trust.stranger and total.changes + total.blocked + (files.counts.changes if files else 0)
        else ()
    )
    answer = Plan(
        digest="",
        choices=scratch.choices,
        counts=total,
        tables=tuple(tables),
        reasons=tuple(reasons),
        problems=(*strange, *unplaced, *barred, *problems),
        problem_count=len(strange)
        + len(unplaced)
        + (files.counts.blocked if files else 0)
        + sum(each.counts.blocked for each in tables if each.table not in unplaced_counts),
        origin=trust.origin,
        removal=removal,
        removal_needs_word=over,
        doubts=find_doubts(scratch, trust),
        conflicts=conflicts,
        conflict_count=conflict_count,
        placeholders=reduced,
        placeholder_count=reduced_count,
        created=created,
        created_count=created_count,
        twins=find_twins(scratch),
        people=people,
        people_count=people_count,
        accounts=accounts,
        gains=gained[:GAINS_NAMED],
        gain_count=len(gained),
        partial=scratch.facts.file.partial,
        files=files,
    )
    facts = PlanFacts(
        plan=answer,
        tables=tuple(planned),
        backup=scratch.facts.file.sha256,
        fingerprint=scratch.schema.fingerprint,
        dialect=scratch.schema.dialect,
        profile=scratch.profile.name,
        noted=tuple(sorted(noted)),
        parts=scratch.facts.file.parts,
        media=str(media.absolute()) if media and files and files.state == "planned" else "",
    )
    scratch.run("CREATE TABLE meta (facts TEXT)")
    scratch.run("INSERT INTO meta VALUES (?)", (msgspec.json.encode(facts).decode(),))
    return answer


def _counts(scratch: Scratch, table: Table, chosen: frozenset[str]) -> Counts:
    after = q(f"after {table.name}")
    found = dict(scratch.run(f'SELECT "#action", count(*) FROM {after} GROUP BY 1').fetchall())
    same = 0
    if table.name in chosen and table.name in scratch.staged_columns:
        records = scratch.one(f"SELECT count(*) FROM {staged(table)}")
        same = records - scratch.one(f'SELECT count(*) FROM {after} WHERE "#rec" IS NOT NULL')
    return Counts(
        same=same, **{action: found.get(action, 0) for action in ("insert", "update", "delete", "skipped", "blocked")}
    )


def _category(scratch: Scratch, table: Table) -> str:
    if table.name in scratch.facts.links:
        return scratch.profile.categories_of(scratch.facts.links[table.name][0])[0]
    keys = scratch.profile.categories_of(table.name)
    return next((key for key in keys if key in scratch.choices.categories), keys[0])


def _changed_columns(scratch: Scratch, table: Table, updates: int) -> dict[str, int]:
    if not updates:
        return {}
    names = [column.name for column in columns_of(table)]
    sums = ", ".join(f"sum(a.{q(name)} IS NOT b.{q(name)})" for name in names)
    row = scratch.run(
        f'SELECT {sums} FROM {q("after " + table.name)} a JOIN {q("before " + table.name)} b ON b."#id" = a."#id"'
        " WHERE a.\"#action\" = 'update'"
    ).fetchone()
    return {name: count for name, count in zip(names, row, strict=True) if count}


def _planned(scratch: Scratch, table: Table, counts: Counts) -> PlannedTable:
    rungs = [
        row[0]
        for row in scratch.run(f'SELECT DISTINCT "#rung" FROM {q("after " + table.name)} WHERE "#rung" IS NOT NULL')
    ]
    return PlannedTable(
        table.name,
        table.primary_key,
        counts.insert,
        counts.update,
        counts.delete,
        exchanges_keys(scratch, table) if counts.update > 1 else False,
        label_sql(scratch.profile, table),
        {rung: rung_words(scratch, table, rung) for rung in rungs},
    )


def _planned_files(files: FilesPlan) -> PlannedTable:
    counts = files.counts
    return PlannedTable(FILES, ("path",), counts.insert, counts.update, counts.delete, False, '"path"', {})


# ---------------------------------------------------------------- plan files


def file_digest(path: Path) -> str:
    """sha256 of a plan file: what an approval names.

    Raises:
        PlanChanged: it is not there any more.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise PlanChanged from None


def open_plan(path: Path) -> tuple[sqlite3.Connection, PlanFacts]:
    """A plan file or a receipt, read-only, and its facts.

    Raises:
        PlanChanged: it is not there or not a plan any more.
    """
    try:
        connection = sqlite3.connect(sql.read_only(path), uri=True, check_same_thread=False)
        connection.execute("PRAGMA trusted_schema = OFF")
        text = connection.execute("SELECT facts FROM meta").fetchone()[0]
        return connection, msgspec.json.decode(text, type=PlanFacts)
    except (sqlite3.Error, TypeError, msgspec.DecodeError):
        raise PlanChanged from None


def table_changes(facts: PlanFacts, schema: Schema) -> tuple[TableChanges, ...]:
    """The tables of a plan that would be written, referenced ones first."""
    known = {each.table: each for each in facts.tables}
    found = []
    for name in schema.order():
        each = known.get(name)
        if each and each.inserts + each.updates + each.deletes:
            table = schema.tables[name]
            found.append(
                TableChanges(
                    table,
                    tuple(column.name for column in columns_of(table)),
                    each.inserts,
                    each.updates,
                    each.deletes,
                    each.parked,
                    name in facts.noted,
                )
            )
    return tuple(found)

"""Carry out a plan file in one transaction in the site, or change nothing.

1. Lock what the plan touches and write the marker (the job's id) into the site's journal.
2. Look before writing: every touched row is still as the plan found it, every new key is still free.
3. Write: deletions with the referring rows first, then changes, then new rows with the referenced ones first.
4. Read every touched row back, and follow every reference (:mod:`webapp.engine.verify`).
5. Write the receipt and force it to disk. Commit.

Files that go with the rows are written beside their places before 1, looked at with 2, read back with 4 and renamed after 5
(:mod:`webapp.engine.placement`).

A refusal on the way leaves the site as it was. Whether step 5 happened is only ever asked of the journal.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from webapp.engine import sql
from webapp.engine.answers import Outcome
from webapp.engine.databases.base import Database, Report, TableChanges, Writer
from webapp.engine.errors import (
    AlreadyApplied,
    FilesUnreadable,
    FolderRefused,
    OutcomeUnknown,
    PlanBlocked,
    PlanChanged,
    RemovalNotConfirmed,
    Stale,
)
from webapp.engine.formats import Carrier, Records
from webapp.engine.placement import Move, Placement, moves_of, placed, settle_folder
from webapp.engine.plan import PlanFacts, file_digest, open_plan, table_changes
from webapp.engine.reasons import counted
from webapp.engine.verify import verify


def apply(
    path: Path,
    digest: str,
    database: Database,
    *,
    job: str,
    receipt: Path,
    confirm_removal: int | None,
    report: Report,
    media: Path | None = None,
    carrier: Callable[[], Records] | None = None,
) -> Outcome:
    """Do what the plan file says. Where it has files, ``carrier`` opens the backup that holds them, for the folder ``media``.

    Raises:
        PlanChanged, PlanBlocked, RemovalNotConfirmed: before the site is touched.
        Stale, NotVerified, WriteRefused, SiteBusy, AlreadyApplied, Cancelled: rolled back.
        FolderRefused, PathRefused, FilesUnreadable: likewise.
        FilesUnfinished: it was committed, and files wait to be renamed.
    """
    started = time.monotonic()
    if file_digest(path) != digest:
        raise PlanChanged
    connection, facts = open_plan(path)
    moves = moves_of(connection) if facts.media else ()
    connection.close()
    plan = facts.plan
    if not plan.ready:
        raise PlanBlocked(count=plan.problem_count)
    if plan.removal_needs_word and confirm_removal != plan.removal:
        raise RemovalNotConfirmed(removal=plan.removal)
    schema = database.schema()
    if schema.fingerprint != facts.fingerprint:
        raise Stale(count="some", model="the structure of", pk="the database")
    changes = table_changes(facts, schema)
    if not changes and not moves:
        outcome = _outcome(
            job, facts, "nothing", "Nothing to do: the database already is as the backup has it.", started, {}
        )
        _write_receipt(path, receipt, outcome)
        return outcome
    total = sum(each.inserts + each.updates + each.deletes for each in changes)
    latest = ("lock", 0, 1)

    def tell(phase: str, done: int, whole: int) -> None:
        nonlocal latest
        latest = (phase, done, whole)
        report(*latest)

    with _placed(facts, database, media, job, moves) as placement:
        if placement:
            placement.fetch(_carrier(carrier), tell)
        with database.writer(schema, str(path), lambda: report(*latest)) as writer:
            tell("lock", 0, 1)
            writer.begin(job, digest, changes)
            _look(writer, changes, tell)
            if placement:
                placement.look()
            _write(writer, changes, facts.backup, total, tell)
            checked = verify(writer, changes, tell)
            if placement:
                checked["files"] = placement.verify()
            outcome = _outcome(job, facts, "done", _verdict(checked), started, checked)
            _write_receipt(path, receipt, outcome)
            tell("commit", 0, 1)
            if placement:
                placement.deciding = True
            writer.commit()
        if placement:
            placement.finish()
    # Nothing is reported from here on: a cancel that came too late must not look as if nothing had happened.
    return outcome


@contextmanager
def _placed(
    facts: PlanFacts, database: Database, media: Path | None, job: str, moves: tuple[Move, ...]
) -> Iterator[Placement | None]:
    """The place for the files of a plan, if it has any."""
    if not moves:
        yield None
        return
    if media is None or str(media.absolute()) != facts.media:
        raise FolderRefused(path=media or facts.media, reason="the plan was made for another one")
    with suppress(OutcomeUnknown):
        settle_folder(media, database.settle)
    if database.settle(job):
        raise AlreadyApplied(job=job)
    with placed(media, job, moves) as placement:
        yield placement


def _carrier(opened: Callable[[], Records] | None) -> Carrier:
    source = opened() if opened else None
    if not isinstance(source, Carrier):
        raise FilesUnreadable(path="", reason="the backup that holds it was not given")
    return source


def _verdict(checked: dict[str, int]) -> str:
    verdict = "Verified: every changed row was read back and is as planned"
    if checked["references"]:
        verdict += ", and every reference of these tables holds"
    if checked.get("files"):
        verdict += f". {counted(checked['files'], 'file', 'files')} were read back as well"
    return f"{verdict}."


def _look(writer: Writer, changes: tuple[TableChanges, ...], report: Report) -> None:
    for number, each in enumerate(changes):
        report("check", number, len(changes))
        moved = writer.stale(each)
        if moved:
            raise Stale(count=f"{moved.count:,}", model=moved.table, pk=moved.pk)
    report("check", len(changes), len(changes))


def _write(writer: Writer, changes: tuple[TableChanges, ...], backup: str, total: int, report: Report) -> None:
    done = 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        report("write", done, total)

    for each in reversed(changes):
        if each.deletes or each.parked:
            writer.delete(each)
            advance(each.deletes)
    for each in changes:
        if each.updates and not each.parked:
            writer.update(each)
            advance(each.updates)
    for each in changes:
        if each.inserts or each.parked:
            writer.insert(each, advance)
            writer.settle_keys(each)
        if each.noted:
            writer.remember(each, backup)


def _outcome(job: str, facts: PlanFacts, status: str, verdict: str, started: float, checked: dict[str, int]) -> Outcome:
    return Outcome(
        job=job,
        status="nothing" if status == "nothing" else "done",
        verdict=verdict,
        counts=facts.plan.counts,
        tables=facts.plan.tables,
        problems=facts.plan.problems,
        seconds=round(time.monotonic() - started, 3),
        checked=checked,
        files=facts.plan.files,
    )


def _write_receipt(path: Path, receipt: Path, outcome: Outcome) -> None:
    """The plan as it was done: the plan file with the outcome in it, on disk before the commit."""
    receipt.parent.mkdir(parents=True, exist_ok=True)
    making = receipt.with_name(receipt.name + ".part")
    try:
        shutil.copyfile(path, making)
        connection = sql.connect(making)
        try:
            connection.execute("CREATE TABLE outcome (answer TEXT)")
            connection.execute("INSERT INTO outcome VALUES (?)", (msgspec.json.encode(outcome).decode(),))
        finally:
            connection.close()
        _force(making)
        making.replace(receipt)
    finally:
        making.unlink(missing_ok=True)
    _force(receipt.parent)


def _force(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def read_outcome(receipt: Path) -> Outcome | None:
    """The outcome that a receipt carries. It counts only when the site's journal has the job."""
    try:
        connection = sqlite3.connect(sql.read_only(receipt), uri=True)
    except sqlite3.Error:
        return None
    try:
        return msgspec.json.decode(connection.execute("SELECT answer FROM outcome").fetchone()[0], type=Outcome)
    except (sqlite3.Error, TypeError, msgspec.DecodeError):
        return None
    finally:
        connection.close()

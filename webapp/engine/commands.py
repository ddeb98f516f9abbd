"""The engine's front door: what pages, jobs, the API and the command line call.

Each command takes plain values and gives an answer of :mod:`webapp.engine.answers` or raises a
:class:`~webapp.engine.errors.Refusal`. ``report(phase, done, total)`` is called a few times a second at most; it may
raise :class:`~webapp.engine.errors.Cancelled`, and then nothing has changed. Phases, in order: ``read``, ``match``,
``plan``; then ``lock``, ``check``, ``write``, ``verify``, ``commit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from webapp.engine.analysis import analyse_stage
from webapp.engine.answers import (
    Analysis,
    BackupFacts,
    Choices,
    Damage,
    DrillAnswer,
    Outcome,
    Plan,
    RowPage,
    SiteCheck,
    SiteTable,
)
from webapp.engine.apply import apply, read_outcome
from webapp.engine.backups import make
from webapp.engine.databases import open_database
from webapp.engine.decisions import chosen_keys
from webapp.engine.draft import draft
from webapp.engine.drill import drill as try_out
from webapp.engine.drill import failed_drill
from webapp.engine.errors import FileChanged, FileRefused, OutcomeUnknown
from webapp.engine.formats import Carrier, diagnose
from webapp.engine.formats.native import read_manifest
from webapp.engine.formats.native_chain import Chain
from webapp.engine.guard import guarded
from webapp.engine.moved import moved_rows
from webapp.engine.pipeline import opened, planned, recognised_as_one
from webapp.engine.placement import forget, settle_folder
from webapp.engine.plan import file_digest
from webapp.engine.preview import read_facts, rows
from webapp.engine.profile import bundled, choose, recognised, source_of
from webapp.engine.reset import plan_reset
from webapp.engine.schema import OWN_TABLES

Report = Callable[[str, int, int], None]


def quiet(phase: str, done: int, total: int) -> None:
    """Report to nobody."""


def check_site(url: str, profile: str | None = None) -> SiteCheck:
    """Connect, reflect and say what is there. Writes nothing."""
    database = open_database(url)
    schema = database.schema()
    known = guarded(choose(profile, schema), schema)
    remarks = database.remarks()
    with database.reader(schema) as reader:
        tables = tuple(
            SiteTable(
                table=table.name,
                title=known.title_of(table.name),
                categories=known.categories_of(table.name),
                rows=reader.count(table.name),
                key=next((key for key, _ in known.keys_of(table)), table.primary_key),
                remark=table.remark or remarks.get(table.name, ""),
            )
            for table in schema.tables.values()
            if table.name not in OWN_TABLES
        )
    notes = tuple(f"{each.table} {each.remark}" for each in tables if each.remark)
    return SiteCheck(
        dialect=database.dialect,
        version=database.version(),
        address=database.address,
        profile=known.name,
        recognised=recognised(schema),
        tables=tables,
        usable=bool(tables),
        remarks=notes if tables else ("The database has no tables.",),
    )


def analyse(
    source: Path | Sequence[Path],
    url: str,
    *,
    stages: Path,
    name: str | Sequence[str] = "",
    profile: str | None = None,
    choices: Choices = Choices(),
    report: Report = quiet,
) -> Analysis:
    """Read a backup, or several files as one, against a site. ``stages`` is a folder where the stage is kept for the next call.

    ``name`` is what a person calls it, or what they call each of the files.
    """
    file = recognised_as_one(source, name, choices)
    stages.mkdir(parents=True, exist_ok=True)
    path = stages / f"{file.sha256[:16]}.{id(file):x}.scratch"
    try:
        with opened(file, open_database(url), profile, choices, stages, path, report) as scratch:
            return analyse_stage(scratch)
    finally:
        path.unlink(missing_ok=True)


def make_plan(
    source: Path | Sequence[Path],
    url: str,
    *,
    stages: Path,
    output: Path,
    name: str | Sequence[str] = "",
    profile: str | None = None,
    choices: Choices = Choices(),
    expected_sha256: str = "",
    media: Path | None = None,
    report: Report = quiet,
) -> Plan:
    """Compute what a restore would do and write it to the plan file ``output``. Leaves the site untouched.

    ``media`` is the site's folder of files; without one, the files that a backup carries are left out and counted.

    Raises:
        FolderRefused: the folder cannot be opened.
        FileChanged: the backup is not the one with ``expected_sha256``.
        PartialReplace, IncrementReplace: rows would be removed because a file that is only a part does not hold them.
    """
    file = recognised_as_one(source, name, choices)
    if expected_sha256 and file.sha256 != expected_sha256:
        raise FileChanged(found=file.sha256[:12], expected=expected_sha256[:12])
    database = open_database(url)
    if media is not None and isinstance(file, Carrier):
        with suppress(OutcomeUnknown):
            settle_folder(media, database.settle)
    return planned(file, database, profile, choices, stages, output, report, media)


def make_reset_plan(url: str, *, output: Path, profile: str | None = None, report: Report = quiet) -> Plan:
    """Compute what a reset of a site would remove, as its profile declares it. Leaves the site untouched.

    Raises:
        NoReset: the profile declares nothing.
    """
    return plan_reset(open_database(url), profile, output, report)


def check_keys(url: str, choices: Choices, *, profile: str | None = None) -> None:
    """Whether the chosen keys to match by can be used; nothing else is looked at.

    Raises:
        KeyRefused: a model or a field is not there.
    """
    schema = open_database(url).schema()
    chosen_keys(choices, schema, guarded(choose(profile, schema), schema))


def read_plan(path: Path) -> Plan:
    """The summary of a plan file (or of a receipt)."""
    return msgspec.structs.replace(read_facts(path).plan, digest=file_digest(path))


def compare_plans(approved: Path, now: Path) -> Mapping[str, int]:
    """By title of a table: rows of which two plans of one restore say different things. Empty: they would do the same."""
    return moved_rows(approved, now)


def plan_rows(
    path: Path,
    table: str,
    *,
    action: str = "",
    text: str = "",
    after: int = 0,
    limit: int = 50,
) -> RowPage:
    """A page of rows of one table of a plan, filtered by action, by changed column (``action="update:status"``) and by text."""
    return rows(path, table, action=action, text=text, after=after, limit=limit)


def apply_plan(
    path: Path,
    digest: str,
    url: str,
    *,
    job: str,
    receipt: Path,
    confirm_removal: int | None = None,
    media: Path | None = None,
    source: Path | Sequence[Path] = (),
    report: Report = quiet,
) -> Outcome:
    """Do exactly what the plan file says, in one transaction, or nothing; ``receipt`` is written before the commit.

    A plan that has files needs the backup again, as ``source``, and the site's folder ``media``.
    """
    return apply(
        path,
        digest,
        open_database(url),
        job=job,
        receipt=receipt,
        confirm_removal=confirm_removal,
        report=report,
        media=media,
        carrier=(lambda: recognised_as_one(source, "", read_plan(path).choices)) if source else None,
    )


def settle(url: str, job: str, *, media: Path | None = None) -> Literal["applied", "absent"]:
    """Ask the site's journal whether a job was committed, once nobody is writing; its files in ``media`` follow the answer.

    Raises:
        OutcomeUnknown: the site cannot be asked, or files that belong to a committed job cannot be put in place yet.
    """
    applied = open_database(url).settle(job)
    if media is not None:
        settle_folder(media, lambda _: applied, only=job)
    return "applied" if applied else "absent"


def forget_replaced(media: Path, before: datetime) -> int:
    """Remove what restores that ended before an instant (UTC) kept aside in a site's folder; gives how many they were."""
    return forget(media, before)


def receipt_outcome(receipt: Path) -> Outcome | None:
    """The outcome in a receipt. It counts only when :func:`settle` says that the job was applied."""
    return read_outcome(receipt)


def backup(
    url: str,
    output: Path,
    *,
    profile: str | None = None,
    categories: tuple[str, ...] = (),
    report: Report = quiet,
) -> BackupFacts:
    """Write a Django fixture (JSON array) of a whole site or of categories: :func:`webapp.engine.backups.make`."""
    return make(url, output, profile=profile, categories=categories, format="fixture", report=report)


def drill(
    source: Path | Sequence[Path],
    url: str,
    *,
    scratch: Path,
    profile: str | None = None,
    report: Report = quiet,
) -> DrillAnswer:
    """Try out whether a backup restores whole into today's structure of its site. The site is only read.

    ``scratch`` is a folder for the files of the trial, which are gone afterwards.
    """
    try:
        file = recognised_as_one(source, "", Choices())
        last = source if isinstance(source, Path) else source[-1]
        one = isinstance(source, Path) or isinstance(file, Chain)
        said = read_manifest(last) if one else None
    except FileRefused as refusal:
        return failed_drill(refusal)
    return try_out(file, open_database(url), profile, scratch, report, said)


def diagnose_backup(source: Path) -> tuple[Damage, ...]:
    """What is wrong with a backup file, and which repairs (:attr:`Choices.repairs`) would undo it. Reads it several times."""
    return diagnose(source)


def draft_profile(url: str) -> str:
    """A first profile (TOML text) for a live database."""
    return draft(open_database(url).schema())


def profiles() -> Mapping[str, str]:
    """The bundled profiles: titles by name."""
    return {name: each.title for name, each in bundled().items()}


def profile_text(name: str) -> str:
    """A bundled profile as it is written (TOML).

    Raises:
        UnknownProfile
    """
    return source_of(name)

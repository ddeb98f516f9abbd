"""The front door of backups: make one, look every byte of one over, say what one is.

Like :mod:`webapp.engine.commands`, it takes plain values and gives answers or raises a
:class:`~webapp.engine.errors.Refusal`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from webapp.engine.answers import BackupCheck, BackupFacts
from webapp.engine.databases import open_database
from webapp.engine.errors import FileRefused, FormatRefused
from webapp.engine.fixture import write_fixture
from webapp.engine.formats.native import read_manifest
from webapp.engine.formats.native_manifest import Manifest
from webapp.engine.guard import guarded
from webapp.engine.inspection import inspect
from webapp.engine.native import write_native
from webapp.engine.package import write_package
from webapp.engine.profile import choose
from webapp.engine.safety import tables_at_risk
from webapp.engine.snapshot import Report, Snapshot, tables_of
from webapp.engine.sync_file import write_sync

__all__ = ["FORMATS", "Manifest", "check", "find_chain", "make", "make_before", "manifest"]

FORMATS: Mapping[str, Callable[[Snapshot], BackupFacts]] = {
    "native": write_native,
    "fixture": write_fixture,
    "sync": write_sync,
    "package": write_package,
}
"""The formats that can be written, and what writes them."""


def _quiet(phase: str, done: int, total: int) -> None:
    """Report to nobody."""


def make(
    url: str,
    output: Path,
    *,
    profile: str | None = None,
    categories: Sequence[str] = (),
    format: str = "native",
    media: Path | None = None,
    base: Sequence[Path] = (),
    since: datetime | None = None,
    site: str = "",
    rows: bool = True,
    report: Report = _quiet,
) -> BackupFacts:
    """Write a backup of a whole site or of categories, from one consistent snapshot; ``output`` appears when it is whole.

    Args:
        media: the folder of the site's files, which are then part of the backup.
        base: the chain that an increment builds on, the full backup first.
        since: only rows stamped since then; what that misses is said in ``remarks``.
        site: what the site is called in the backup.
        rows: False for a backup of the files alone.

    Raises:
        UnknownCategory, FormatRefused, BaseUnfit, DiskFull, MediaMissing, MediaChanged
    """
    write = FORMATS.get(format)
    if write is None:
        raise FormatRefused(format=format, reason=f"known are {', '.join(FORMATS)}")
    database = open_database(url)
    schema = database.schema()
    known = guarded(choose(profile, schema), schema)
    with database.reader(schema) as reader:
        return write(
            Snapshot(
                output=output,
                site=site or database.address,
                dialect=database.dialect,
                schema=schema,
                profile=known,
                reader=reader,
                instant=reader.instant(),
                tables=tables_of(schema, known, categories) if rows else (),
                report=report,
                categories=tuple(categories),
                media=media,
                base=tuple(base),
                since=since,
            )
        )


def make_before(
    plan: Path, url: str, output: Path, *, profile: str | None = None, site: str = "", report: Report = _quiet
) -> BackupFacts | None:
    """Write a native backup of what a plan file would change, before it does: the whole site where that is small.

    None, and nothing is written, when the plan changes nothing.
    """
    database = open_database(url)
    schema = database.schema()
    known = guarded(choose(profile, schema), schema)
    with database.reader(schema) as reader:
        tables = tables_at_risk(plan, schema, known, reader)
        if not tables:
            return None
        made = write_native(
            Snapshot(
                output=output,
                site=site or database.address,
                dialect=database.dialect,
                schema=schema,
                profile=known,
                reader=reader,
                instant=reader.instant(),
                tables=tables,
                report=lambda _phase, done, total: report("safety", done, total),
            )
        )
    part = set(tables) < set(tables_of(schema, known, ()))
    return msgspec.structs.replace(made, kind="partial") if part else made


def check(paths: Path | Sequence[Path], report: Report = _quiet) -> BackupCheck:
    """Look every byte and every record of a backup over, or of a chain (the full backup first).

    Raises:
        FileRefused: it is damaged, incomplete, or its parts do not belong together.
    """
    return inspect([paths] if isinstance(paths, Path) else list(paths), report)


def manifest(path: Path) -> Manifest | None:
    """What a native backup says of itself, None for other files. Cheap; only :func:`check` finds damage.

    Raises:
        FileRefused
    """
    return read_manifest(path)


def find_chain(path: Path) -> list[Path]:
    """A backup with the backups that it builds on, the full one first, as far as they are in the same folder.

    What is damaged, or missing, is found when they are read.
    """
    found = [path]
    said = _said(path)
    if said is None or said.base is None:
        return found
    others: dict[str, list[Path]] = {}
    for other in sorted(path.parent.iterdir()):
        if each := _said(other):
            others.setdefault(each.id, []).append(other)
    while said and said.base and (candidates := others.pop(said.base.id, None)):
        # Copies of one backup lie beside each other when somebody was unsure of one of them.
        whole = (each for each in candidates if len(candidates) == 1 or _sha256(each) == said.base.sha256)
        before = next(whole, candidates[0])
        said = _said(before)
        found.insert(0, before)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _said(path: Path) -> Manifest | None:
    try:
        return read_manifest(path) if path.is_file() else None
    except (FileRefused, OSError):
        return None

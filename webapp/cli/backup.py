"""``smart-restore backup`` and ``smart-restore verify``."""

from __future__ import annotations

import argparse
from pathlib import Path

from webapp.cli import sites, terminal, text
from webapp.engine import backups
from webapp.engine.answers import BackupCheck, BackupFacts
from webapp.engine.errors import FolderNeeded


def run(given: argparse.Namespace) -> int:
    """Write a backup and say what is in it."""
    output = sites.fresh(given.output, force=given.force)
    target = sites.find(given.site, given.profile)
    progress = terminal.Progress()
    try:
        made = backups.make(
            target.url,
            output,
            profile=target.profile,
            categories=tuple(given.category),
            format=given.format,
            media=_media(given.media, target),
            base=backups.find_chain(sites.existing(given.base)) if given.base else (),
            since=given.since,
            site="" if target.name == "URL" else target.name,
            report=progress,
        )
    finally:
        progress.clear()
    sites.note(target, "backup", "done", file=output.name, sha256=made.sha256, records=made.records)
    if given.json:
        terminal.answer_json(made)
        return 0
    terminal.answer("\n".join(lines(made)))
    for remark in made.remarks:
        terminal.say(f"Note: {remark}")
    return 0


def _media(folder: str | None, target: sites.Target) -> Path | None:
    if folder is None:
        return None
    if not folder and not target.media:
        raise FolderNeeded
    return Path(folder) if folder else target.media


def lines(made: BackupFacts) -> list[str]:
    rows = [(name, rows) for name, rows in made.tables.items() if rows]
    lines = [*text.table(("Table", "Rows"), rows), ""] if rows else []
    said = f"{made.path}: {made.records:,} records, {text.size(made.size)}"
    if made.base:
        said += f"; an increment, {made.deleted:,} rows deleted since its base; together {made.rows:,} rows"
    if made.files:
        said += f"; {made.files:,} files, of which {made.blobs:,} contents are in it"
    return [*lines, said, f"sha256 {made.sha256}"]


def verify(given: argparse.Namespace) -> int:
    """Look backups over; the first that is damaged ends it."""
    progress = terminal.Progress()
    found: list[BackupCheck] = []
    try:
        for file in given.file:
            found.append(backups.check(backups.find_chain(sites.existing(file)), progress))
    finally:
        progress.clear()
    if given.json:
        terminal.answer_json(found[0] if len(found) == 1 else found)
        return 0
    for each in found:
        beside = f" (with {', '.join(each.files[:-1])})" if len(each.files) > 1 else ""
        media = f", {each.media:,} files" if each.media else ""
        terminal.answer(f"{each.files[-1]}{beside}: whole. {each.format}, {each.records:,} records{media}.")
        terminal.answer(f"sha256 {each.sha256}")
    return 0

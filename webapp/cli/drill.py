"""``smart-restore drill``."""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path

from webapp.cli import sites, terminal, text
from webapp.engine import backups, commands
from webapp.engine.answers import DrillAnswer
from webapp.engine.errors import NotOneBackup


def run(given: argparse.Namespace) -> int:
    """Try a backup out and say what came of it."""
    if bool(given.file) == bool(given.backup) or bool(given.backup) == bool(given.site):
        raise NotOneBackup
    answer = _stored(given.backup) if given.backup else _file(given)
    if given.json:
        terminal.answer_json(answer)
    else:
        terminal.answer("\n".join(lines(answer)))
    return 0 if answer.proven else 1


def _file(given: argparse.Namespace) -> DrillAnswer:
    target = sites.find(given.site, given.profile)
    source = sites.all_existing(given.file)
    chain = backups.find_chain(source) if isinstance(source, Path) else source
    progress = terminal.Progress()
    with tempfile.TemporaryDirectory(prefix="smart-restore-drill-") as folder:
        try:
            answer = commands.drill(chain, target.url, scratch=Path(folder), profile=target.profile, report=progress)
        finally:
            progress.clear()
    sites.note(target, "drill", "proven" if answer.proven else "failed", file=", ".join(given.file))
    return answer


def _stored(backup: str) -> DrillAnswer:
    # Stored backups are in the app database; only they need the web application.
    answer: DrillAnswer = importlib.import_module("webapp.cli.stored").drill(backup)
    return answer


def lines(answer: DrillAnswer) -> list[str]:
    """What came of a drill, for a person."""
    shown = text.table(
        ("Table", "In the backup", "Restored", ""),
        [
            (each.title, each.records, each.rows, "" if each.equal else "differs")
            for each in answer.tables
            if each.records
        ],
    )
    if answer.probes:
        shown += ["", *text.table(
            ("Probe", "In the backup", "Restored", ""),
            [(each.title, each.backup, each.scratch, each.problem and "differs") for each in answer.probes],
        )]  # fmt: skip
    if answer.beside:
        shown += ["", f"Tried beside the site's own rows of: {', '.join(answer.beside)}."]
    if answer.files:
        shown += ["", f"{answer.files:,} files, {text.size(answer.file_bytes)}, read and found right."]
    shown += ["", *(f"! {each.message}" for each in answer.problems[:20])]
    return [*shown, answer.verdict, f"{answer.records:,} records in {answer.seconds:.1f} seconds."]

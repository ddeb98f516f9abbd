"""``smart-restore backup``."""

from __future__ import annotations

import argparse

from webapp.cli import sites, terminal, text
from webapp.engine import commands


def run(given: argparse.Namespace) -> int:
    """Write a fixture and say what is in it."""
    output = sites.fresh(given.output, force=given.force)
    target = sites.find(given.site, given.profile)
    progress = terminal.Progress()
    try:
        made = commands.backup(
            target.url, output, profile=target.profile, categories=tuple(given.category), report=progress
        )
    finally:
        progress.clear()
    sites.note(target, "backup", "done", file=output.name, sha256=made.sha256, records=made.records)
    if given.json:
        terminal.answer_json(made)
        return 0
    lines = text.table(("Table", "Rows"), [(name, rows) for name, rows in made.tables.items() if rows])
    lines += ["", f"{made.path}: {made.records:,} records, {text.size(made.size)}", f"sha256 {made.sha256}"]
    terminal.answer("\n".join(lines))
    return 0

"""``smart-restore analyze``."""

from __future__ import annotations

import argparse

from webapp.cli import folders, sites, terminal, text
from webapp.engine import commands


def run(given: argparse.Namespace) -> int:
    """Say what a backup holds, what fits, and what to do about the rest."""
    source = sites.existing(given.file)
    target = sites.find(given.site, given.profile)
    progress = terminal.Progress()
    with folders.work() as work:
        try:
            found = commands.analyse(
                source, target.url, stages=work.stages, name=source.name, profile=target.profile, report=progress
            )
        finally:
            progress.clear()
    if given.json:
        terminal.answer_json(found)
        return 0
    terminal.answer(text.analysis(found))
    terminal.say(f"\nNext: smart-restore restore {given.file} --site {target.name} --preview")
    return 0

"""``smart-restore analyze``."""

from __future__ import annotations

import argparse

from webapp.cli import folders, sites, terminal, text
from webapp.engine import commands
from webapp.engine.answers import Choices


def run(given: argparse.Namespace) -> int:
    """Say what a backup holds, what fits, and what to do about the rest."""
    source = sites.existing(given.file)
    target = sites.find(given.site, given.profile)
    progress = terminal.Progress()
    with folders.work() as work:
        try:
            found = commands.analyse(
                source,
                target.url,
                stages=work.stages,
                name=source.name,
                profile=target.profile,
                choices=Choices(repairs=tuple(given.repair)),
                report=progress,
            )
        finally:
            progress.clear()
    if given.json:
        terminal.answer_json(found)
        return 0
    terminal.answer(text.analysis(found))
    repairs = "".join(f" --repair {kind}" for kind in given.repair)
    terminal.say(f"\nNext: smart-restore restore {given.file} --site {target.name}{repairs} --preview")
    return 0

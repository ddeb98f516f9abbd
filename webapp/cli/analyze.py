"""``smart-restore analyze``."""

from __future__ import annotations

import argparse
import shlex

from webapp.cli import files, folders, sites, terminal, text
from webapp.engine import commands
from webapp.engine.answers import Choices


def run(given: argparse.Namespace) -> int:
    """Say what a backup holds, what fits, and what to do about the rest."""
    source = sites.all_existing(given.file)
    target = sites.find(given.site, given.profile)
    progress = terminal.Progress()
    with folders.work() as work:
        try:
            found = commands.analyse(
                source,
                target.url,
                stages=work.stages,
                profile=target.profile,
                choices=Choices(
                    repairs=tuple(dict.fromkeys(given.repair)),
                    origin=given.origin,
                    match_by=dict(given.match_by),
                    decisions=dict(given.decide),
                ),
                report=progress,
            )
        finally:
            progress.clear()
    if given.json:
        terminal.answer_json(found)
        return 0
    terminal.answer("\n".join([text.analysis(found), *files.of_analysis(found)]))
    words = ["smart-restore", "restore", *given.file, "--site", target.name, *_chosen(given), "--preview"]
    terminal.say(f"\nNext: {text.plain(shlex.join(words))}")
    return 0


def _chosen(given: argparse.Namespace) -> list[str]:
    """The options that a restore has to be given again."""
    words = [word for kind in given.repair for word in ("--repair", kind)]
    words += ["--origin", given.origin] if given.origin != "auto" else []
    words += [word for model, fields in given.match_by for word in ("--match-by", f"{model}={fields}")]
    words += [word for record, answer in given.decide for word in ("--decide", f"{record}={answer}")]
    return words

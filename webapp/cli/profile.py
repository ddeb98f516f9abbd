"""``smart-restore profile``."""

from __future__ import annotations

import argparse

from webapp.cli import sites, terminal, text
from webapp.engine import commands


def draft(given: argparse.Namespace) -> int:
    """Write a first profile for a live database."""
    output = sites.fresh(given.output, force=given.force) if given.output else None
    written = commands.draft_profile(sites.find(given.site).url)
    if output is None:
        terminal.answer(written.rstrip("\n"))
        return 0
    output.write_text(written, encoding="utf-8")
    terminal.say(f"{output}: read it, correct it, then use it with --profile {output}")
    return 0


def list_profiles(given: argparse.Namespace) -> int:
    """List the bundled profiles."""
    found = commands.profiles()
    if given.json:
        terminal.answer_json([{"name": name, "title": title} for name, title in found.items()])
        return 0
    terminal.answer("\n".join(text.table(("Name", "Title"), list(found.items()))))
    return 0


def show(given: argparse.Namespace) -> int:
    """Print a bundled profile as it is written."""
    terminal.answer(commands.profile_text(given.name).rstrip("\n"))
    return 0

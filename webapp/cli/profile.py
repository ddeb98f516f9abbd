"""``smart-restore profile``."""

from __future__ import annotations

import argparse
from importlib import resources

from webapp.cli import sites, terminal, text
from webapp.engine import commands, profile


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
    found = profile.bundled().values()
    if given.json:
        terminal.answer_json([{"name": each.name, "title": each.title, "recognise": each.recognise} for each in found])
        return 0
    rows = [(each.name, each.title, ", ".join(each.recognise)) for each in found]
    terminal.answer("\n".join(text.table(("Name", "Title", "Recognised by"), rows)))
    return 0


def show(given: argparse.Namespace) -> int:
    """Print a bundled profile as it is written."""
    profile.load(given.name)
    file = resources.files("webapp.engine") / "profiles" / f"{given.name}.toml"
    terminal.answer(file.read_text("utf-8").rstrip("\n"))
    return 0

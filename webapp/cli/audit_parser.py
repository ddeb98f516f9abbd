"""The words of ``smart-restore audit``."""

from __future__ import annotations

import argparse
from datetime import date

from webapp.cli.parts import Commands, command, group, json_option, whole


def add(commands: Commands) -> None:
    """Add the command with its verbs."""
    verbs = group(commands, "audit", "who did what in this installation", example="smart-restore audit verify")
    verify = command(
        verbs,
        "verify",
        "say whether every entry is as it was written and none is missing; exit status 1 when not",
        example="smart-restore audit verify",
        run="webapp.cli.audit:verify",
    )
    json_option(verify, "what was found")
    command(
        verbs,
        "renew",
        "count the entries anew, after the secret key was changed or the app database was restored; that is an entry, too",
        example="smart-restore audit renew",
        run="webapp.cli.audit:renew",
    )
    listing = command(
        verbs,
        "list",
        "list the newest entries",
        example="smart-restore audit list --action login --result refused",
        run="webapp.cli.audit:list_entries",
    )
    _filters(listing)
    listing.add_argument("--limit", type=whole, default=50, metavar="N", help="how many (default: 50)")
    json_option(listing, "the entries")
    export = command(
        verbs,
        "export",
        "write the entries, oldest first, as CSV",
        example="smart-restore audit export --since 2026-01-01 --output audit.csv",
        run="webapp.cli.audit:export",
    )
    _filters(export)
    export.add_argument("--output", metavar="FILE", help="the file to write (default: standard output)")
    export.add_argument("--force", action="store_true", help="replace the file when it exists")


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--person", default="", metavar="NAME", help="only what this person did")
    parser.add_argument("--action", default="", metavar="NAME", help="only this action, such as login or backup.remove")
    parser.add_argument("--site", default="", metavar="NAME", help="only what concerns this site")
    parser.add_argument("--result", default="", metavar="WORD", help="only this result: done, refused, failed, ...")
    parser.add_argument("--since", type=day, metavar="DATE", help="from this day on (UTC), as 2026-01-31")
    parser.add_argument("--until", type=day, metavar="DATE", help="up to and with this day (UTC)")


def day(text: str) -> date:
    """A day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it as 2026-01-31") from None

"""The words of ``smart-restore backup`` and ``smart-restore verify``."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from webapp.cli.parts import Commands, command, json_option, site_option

FORMATS = ("native", "fixture", "sync", "package")
"""What ``--format`` takes; the engine's register has the same names."""


def add(commands: Commands) -> None:
    """Add both commands."""
    _backup(commands)
    _verify(commands)


def _backup(commands: Commands) -> None:
    parser = command(
        commands,
        "backup",
        "write a backup of a whole site, or of categories of it, from one moment of its database",
        example=(
            "smart-restore backup --site school --output sunday.srb\n"
            "  smart-restore backup --site school --output monday.srb --base sunday.srb\n"
            "  smart-restore backup --site school --output students.json --format fixture --category students"
        ),
        run="webapp.cli.backup:run",
    )
    site_option(parser)
    parser.add_argument("--output", required=True, metavar="FILE", help="the file to write")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="native",
        help="native: one file that checks itself, with increments and files; fixture: what Django's loaddata reads;"
        " sync: the sync file of an attendance system; package: the migration package of a document system (default: native)",
    )
    parser.add_argument(
        "--category",
        action="append",
        default=[],
        metavar="KEY",
        help="only this category of the profile; may be given several times",
    )
    less = parser.add_mutually_exclusive_group()
    less.add_argument(
        "--base",
        metavar="FILE",
        help="write an increment: what was added, changed and deleted since this backup, found by comparing every row;"
        " the backups that it builds on must be in its folder",
    )
    less.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="write only rows stamped since then (2026-03-01 or 2026-03-01T18:00+05:30; UTC without an offset): fast,"
        " but deleted rows and rows changed without a new stamp are missed, and nothing can build on it",
    )
    parser.add_argument(
        "--media",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="the site's files as well; FOLDER is where they lie (default: as registered)",
    )
    parser.add_argument("--force", action="store_true", help="replace the file when it exists")
    json_option(parser, "what was written")


def _verify(commands: Commands) -> None:
    parser = command(
        commands,
        "verify",
        "look every byte and every record of a backup over, and of the backups that it builds on; exit status 1 and the"
        " reason when anything is wrong",
        example="smart-restore verify monday.srb",
        run="webapp.cli.backup:verify",
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="+", help="the backup file; what it builds on is looked for beside it"
    )
    json_option(parser, "what was found")


def moment(text: str) -> datetime:
    """A time in ISO form; UTC where it has no offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-03-01 or 2026-03-01T18:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)

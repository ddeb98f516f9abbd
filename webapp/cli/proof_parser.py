"""The words of ``smart-restore drill`` and ``smart-restore reset``, and of the backup before a restore."""

from __future__ import annotations

import argparse

from webapp.cli.parts import Commands, command, json_option, site_option, whole


def add(commands: Commands) -> None:
    """Add both commands."""
    _drill(commands)
    _reset(commands)


def safety_options(parser: argparse._ArgumentGroup) -> None:
    """Where the backup before a restore goes."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--safety-output",
        metavar="FILE",
        help="where the backup of what will change is written before it does (default: beside the receipt)",
    )
    where.add_argument("--no-safety", action="store_true", help="change rows without that backup")


def _drill(commands: Commands) -> None:
    parser = command(
        commands,
        "drill",
        "restore a backup for trial into an empty scratch database with today's structure of its site, and say whether that"
        " is proven; the site is only read; exit status 1 when it is not",
        example="smart-restore drill monday.srb --site school\n  smart-restore drill --backup 3f2a9c",
        run="webapp.cli.drill:run",
    )
    parser.add_argument("file", metavar="FILE", nargs="*", help="the backup file, or several that belong together")
    parser.add_argument(
        "--backup", metavar="ID", help="a stored backup, by the beginning of its id; its history tells it"
    )
    site_option(parser)
    for action in parser._actions:
        # A stored backup knows its site.
        action.required = action.required and action.dest != "site"
    json_option(parser, "the answer")


def _reset(commands: Commands) -> None:
    parser = command(
        commands,
        "reset",
        "clear the business data of a site as its profile declares, behind a backup that is made and proven first; accounts,"
        " types, settings and backups stay",
        example=(
            "smart-restore reset --site school --preview\n"
            "  smart-restore reset --site school --output before.srb --yes --confirm-removal 1204"
        ),
        run="webapp.cli.reset:run",
    )
    site_option(parser)
    parser.add_argument("--output", metavar="FILE", help="the backup to write first; restoring it undoes the reset")
    far = parser.add_mutually_exclusive_group()
    far.add_argument("--preview", action="store_true", help="print what would go and leave the site untouched")
    far.add_argument("--yes", action="store_true", help="carry it out without asking")
    parser.add_argument(
        "--confirm-removal", type=whole, metavar="N", help="the number of rows that go, needed with --yes"
    )
    json_option(parser, "the outcome")

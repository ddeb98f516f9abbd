"""The words of ``smart-restore backup-data`` and ``smart-restore restore-data``, named as an attendance system names them."""

from __future__ import annotations

import argparse

from webapp.cli.backup_parser import moment
from webapp.cli.parts import SITE_HELP, Commands, command, decision, json_option, repair_option

STRATEGIES = {"backup_wins": "backup", "database_wins": "database", "manual": "manual"}
"""Strategies, and what ``restore --on-conflict`` calls them."""

ONLY_SITE = f"{SITE_HELP} (default: the only registered site)"


def add(commands: Commands) -> None:
    """Add both commands."""
    _backup(commands)
    _restore(commands)


def _backup(commands: Commands) -> None:
    parser = command(
        commands,
        "backup-data",
        "write a sync file of a site; exit status 0, or 1 when nothing was written",
        example=(
            "smart-restore backup-data --type full --output full.json\n"
            "  smart-restore backup-data --type incremental --since 2026-03-01 --output march.json --site plant"
        ),
        run="webapp.cli.data:backup",
    )
    parser.add_argument(
        "--type",
        choices=("full", "incremental"),
        default="full",
        help="full: every row; incremental: all companies, and the attendance that was stamped since --since (default: full)",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="the file to write (default: backup_<type>_<time>.json in this folder)"
    )
    parser.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="from when on (2026-03-01 or 2026-03-01T18:00+05:30; UTC without an offset); needed for incremental. Deleted rows,"
        " and rows changed without a new stamp, are missed",
    )
    parser.add_argument("--force", action="store_true", help="replace the file when it exists")
    _site(parser)
    json_option(parser, "what was written")


def _restore(commands: Commands) -> None:
    parser = command(
        commands,
        "restore-data",
        "restore a sync file, or show what that would change; missing companies are made; exit status 0, or 1 when nothing"
        " was changed",
        example=(
            "smart-restore restore-data --input full.json --strategy backup_wins --preview\n"
            "  smart-restore restore-data --input full.json --strategy manual --decide 'core.attendancerecord:*=database'"
        ),
        run="webapp.cli.data:restore",
    )
    parser.add_argument("--input", required=True, metavar="FILE", help="the sync file, plain or compressed")
    parser.add_argument(
        "--strategy",
        choices=tuple(STRATEGIES),
        default="backup_wins",
        help="whose version a row gets that differs; database_wins leaves it byte for byte; manual restores nothing before"
        " --decide has said so for every such row (default: backup_wins)",
    )
    parser.add_argument("--preview", action="store_true", help="print the plan and leave the site untouched")
    parser.add_argument(
        "--decide",
        action="append",
        default=[],
        type=decision,
        metavar="MODEL:KEY=ANSWER",
        help="whose version a row gets: backup or database, and MODEL:* is every row that differs; may be given several times",
    )
    repair_option(parser)
    _site(parser)
    json_option(parser, "the outcome")


def _site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", metavar="SITE", help=ONLY_SITE)
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="read the site as this kind of application (default: as registered or recognised)",
    )

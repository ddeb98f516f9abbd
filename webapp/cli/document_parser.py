"""The words of ``create-backup``, ``restore-backup`` and ``restore-from-package``, as a document system calls them."""

from __future__ import annotations

import argparse

from webapp.cli.data_parser import ONLY_SITE
from webapp.cli.parts import Commands, command, json_option, media_option, repair_option

TYPES = {
    "full": "every row and every file, as a native backup",
    "database": "every row, as a native backup",
    "files": "the files alone, as a package",
    "export": "every row and every file, as a package for another system",
    "incremental": "what was added, changed and deleted since the latest native backup in the same folder",
}


def add(commands: Commands) -> None:
    """Add the three commands."""
    _create(commands)
    parser = command(
        commands,
        "restore-backup",
        "restore rows, files or both from a backup of any format: show what would change, then do exactly that, or nothing",
        example=(
            "smart-restore restore-backup --from-file edms_20260311.srb --type full --dry-run\n"
            "  smart-restore restore-backup --from-file edms_20260311.srb --type files --force"
        ),
        run="webapp.cli.documents:restore",
    )
    parser.add_argument("--from-file", required=True, metavar="FILE", dest="file", help="the backup file")
    _far(parser, "--force", "carry the plan out without asking")
    _rest(parser)
    parser = command(
        commands,
        "restore-from-package",
        "restore rows, files or both from a migration package: show what would change, then do exactly that, or nothing",
        example=(
            "smart-restore restore-from-package edms_migration_package_20260311.tar.gz --dry-run\n"
            "  smart-restore restore-from-package edms_migration_package_20260311.tar.gz --type database --confirm"
        ),
        run="webapp.cli.documents:restore",
    )
    parser.add_argument("file", metavar="FILE", help="the package")
    _far(parser, "--confirm", "carry the plan out without asking")
    _rest(parser)


def _create(commands: Commands) -> None:
    parser = command(
        commands,
        "create-backup",
        "make a backup of a document system",
        example=(
            "smart-restore create-backup --type full --output /srv/backups/edms.srb --verify\n"
            "  smart-restore create-backup --type export --output edms_migration_package.tar.gz"
        ),
        run="webapp.cli.documents:create",
    )
    parser.add_argument(
        "--type",
        choices=tuple(TYPES),
        default="full",
        help="; ".join(f"{name}: {text}" for name, text in TYPES.items()) + " (default: full)",
    )
    parser.add_argument("--output", metavar="FILE", help="the file to write (default: <type>_<time> in this folder)")
    parser.add_argument("--verify", action="store_true", help="look every byte and every record over afterwards")
    parser.add_argument("--force", action="store_true", help="replace the file when it exists")
    _site(parser)
    json_option(parser, "what was written")


def _far(parser: argparse.ArgumentParser, option: str, text: str) -> None:
    far = parser.add_mutually_exclusive_group()
    far.add_argument("--dry-run", action="store_true", help="print the plan and leave the site untouched")
    far.add_argument(option, action="store_true", dest="agreed", help=text)


def _rest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--type",
        choices=("full", "database", "files"),
        default="full",
        help="full: rows and files; database: rows alone; files: files alone (default: full)",
    )
    repair_option(parser)
    _site(parser)
    json_option(parser, "the outcome")


def _site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", metavar="SITE", help=ONLY_SITE)
    media_option(parser)
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="read the site as this kind of application (default: as registered or recognised)",
    )

"""The words of the command line: every command with its options and an example.

A command names the function that runs it as text (``module:function``). It is imported only when that command runs, so
that ``restore --site sqlite:////path`` works without loading the web application.
"""

from __future__ import annotations

import argparse

from webapp.cli import audit_parser, backup_parser, data_parser, document_parser, key_parser, plans_parser, proof_parser
from webapp.cli.parts import (
    SITE_HELP,
    Commands,
    command,
    fill,
    group,
    identity_options,
    json_option,
    media_option,
    repair_option,
    site_option,
    whole,
)


def build() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = argparse.ArgumentParser(
        prog="smart-restore",
        description="Read a backup, see exactly what would change, restore it whole or not at all, and prove it.",
        epilog="Exit status: 0 done or nothing to do, 1 refused or failed with nothing changed, 2 wrong usage.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        _analyze,
        _restore,
        backup_parser.add,
        data_parser.add,
        document_parser.add,
        _sites,
        _user,
        _profile,
        audit_parser.add,
        key_parser.add,
        plans_parser.add,
        proof_parser.add,
        _up,
    ):
        add(commands)
    return parser


def _analyze(commands: Commands) -> None:
    parser = command(
        commands,
        "analyze",
        "say what a backup holds, what fits the site, and what to do about the rest; the site is left untouched",
        example="smart-restore analyze backup.json --site school",
        run="webapp.cli.analyze:run",
    )
    parser.add_argument("file", metavar="FILE", nargs="+", help="the backup file, or several that belong together")
    site_option(parser)
    repair_option(parser)
    identity_options(parser)
    json_option(parser, "the analysis")


def _restore(commands: Commands) -> None:
    parser = command(
        commands,
        "restore",
        "show what restoring a backup would change, then do exactly that, or nothing",
        example=(
            "smart-restore restore backup.json --site school --category students --preview\n"
            "  smart-restore restore backup.json --site school --category students --yes"
        ),
        run="webapp.cli.restore:run",
    )
    parser.add_argument("file", metavar="FILE", nargs="+", help="the backup file, or several that belong together")
    site_option(parser)
    repair_option(parser)
    what = parser.add_argument_group("what may happen")
    what.add_argument(
        "--category",
        action="append",
        default=[],
        metavar="KEY",
        help="restore only this category of the profile; may be given several times (default: everything in the file)",
    )
    what.add_argument(
        "--mode",
        choices=("merge", "replace"),
        default="merge",
        help="merge adds missing rows and changes differing ones; replace also removes rows that the backup does not"
        " hold (default: merge)",
    )
    what.add_argument(
        "--on-conflict",
        choices=("backup", "database", "newest", "manual"),
        default="backup",
        help="who wins where a row differs; manual: nobody, before --decide has said so (default: backup)",
    )
    what.add_argument(
        "--on-missing",
        choices=("fail", "null", "skip", "create"),
        default="fail",
        help="a reference to a row that is neither in the backup nor in the database: refuse, leave it empty, leave the"
        " record out, or make the row, where it is known by name and the profile says how (default: fail)",
    )
    what.add_argument(
        "--on-invalid",
        choices=("fail", "skip"),
        help="a record that the table cannot hold: refuse, or leave it out (default: skip with --on-missing skip,"
        " else fail)",
    )
    what.add_argument(
        "--on-referenced",
        choices=("fail", "keep", "null", "remove"),
        default="fail",
        help="a row elsewhere that refers to one to be removed: refuse, keep the row that it refers to, empty the"
        " reference, or remove it too (default: fail)",
    )
    what.add_argument(
        "--accept-drift",
        nargs="?",
        action="append",
        const="",
        default=[],
        metavar="MODEL",
        help="leave out fields that the site does not have, and whole models: of this model, or of every one when none is"
        " named; may be given several times",
    )
    what.add_argument(
        "--fill",
        action="append",
        default=[],
        type=fill,
        metavar="MODEL.FIELD=VALUE",
        help="the value of a required column that the backup does not have; may be given several times",
    )
    what.add_argument(
        "--accounts",
        choices=("protect", "restore"),
        default="protect",
        help="accounts, passwords and rights: leave as they are, or restore them as well (default: protect)",
    )
    only = what.add_mutually_exclusive_group()
    only.add_argument("--no-files", action="store_true", help="leave the files of the site alone")
    only.add_argument("--no-rows", action="store_true", help="leave all rows as they are, and restore files alone")
    media_option(parser)
    identity_options(parser)
    how = parser.add_argument_group("how far to go")
    far = how.add_mutually_exclusive_group()
    far.add_argument("--preview", action="store_true", help="print the plan and leave the site untouched")
    far.add_argument("--yes", action="store_true", help="carry the plan out without asking")
    how.add_argument(
        "--confirm-removal",
        type=whole,
        metavar="N",
        help="the number of rows that the plan removes, needed with --yes where it removes many",
    )
    proof_parser.safety_options(how)
    json_option(parser, "the outcome")


def _sites(commands: Commands) -> None:
    verbs = group(commands, "sites", "the registered sites", example="smart-restore sites list")
    add = command(
        verbs,
        "add",
        "check a database and register it under a name",
        example="smart-restore sites add school postgresql://school@db.example.org/school --profile school",
        run="webapp.cli.register:add_site",
    )
    add.add_argument("name", metavar="NAME", help="a short name: lower-case letters, digits and hyphens")
    add.add_argument("url", metavar="URL", help="sqlite:////path/to/file or postgresql://user:password@host/name")
    add.add_argument("--title", default="", help="the name that people see (default: NAME)")
    add.add_argument("--profile", metavar="NAME", help="the kind of application (default: as recognised)")
    add.add_argument("--media", metavar="DIR", help="the folder in which the application keeps its files")
    add.add_argument(
        "--password-stdin", action="store_true", help="read the database password from standard input, not from URL"
    )
    listing = command(
        verbs,
        "list",
        "list the registered sites",
        example="smart-restore sites list",
        run="webapp.cli.register:list_sites",
    )
    json_option(listing, "the list")
    check = command(
        verbs,
        "check",
        "connect to a site and say what is there; nothing is written",
        example="smart-restore sites check school",
        run="webapp.cli.register:check_site",
    )
    check.add_argument("site", metavar="SITE", help=SITE_HELP)
    check.add_argument("--profile", metavar="NAME", help="read the site as this kind of application")
    json_option(check, "what was found")
    remove = command(
        verbs,
        "remove",
        "forget a site; its database is left as it is",
        example="smart-restore sites remove school",
        run="webapp.cli.register:remove_site",
    )
    remove.add_argument("name", metavar="NAME", help="the site's name")


def _user(commands: Commands) -> None:
    verbs = group(commands, "user", "the people who may log in", example="smart-restore user list")
    add = command(
        verbs,
        "add",
        "add a person; the password is asked for, or read from standard input",
        example="smart-restore user add meera --role admin --site school",
        run="webapp.cli.accounts:add_user",
    )
    add.add_argument("name", metavar="NAME", help="the name to log in with")
    add.add_argument(
        "--role",
        choices=("root", "admin", "viewer"),
        default="viewer",
        help="root: everything; admin: back up and restore its own sites; viewer: look (default: viewer)",
    )
    add.add_argument(
        "--site",
        action="append",
        default=[],
        metavar="NAME",
        help="a site the person may use; may be given several times",
    )
    listing = command(
        verbs, "list", "list the people", example="smart-restore user list", run="webapp.cli.accounts:list_users"
    )
    json_option(listing, "the list")
    for verb, text, run in (
        ("password", "set a person's password and end their sessions", "set_password"),
        ("disable", "keep a person from logging in and end their sessions", "disable_user"),
        ("enable", "let a disabled person log in again", "enable_user"),
    ):
        parser = command(
            verbs, verb, text, example=f"smart-restore user {verb} meera", run=f"webapp.cli.accounts:{run}"
        )
        parser.add_argument("name", metavar="NAME", help="the name to log in with")


def _profile(commands: Commands) -> None:
    verbs = group(commands, "profile", "what is known about kinds of sites", example="smart-restore profile list")
    draft = command(
        verbs,
        "draft",
        "write a first profile (TOML) for a live database",
        example="smart-restore profile draft --site sqlite:////srv/shop/db.sqlite3 > shop.toml",
        run="webapp.cli.profile:draft",
    )
    draft.add_argument("--site", required=True, metavar="SITE", help=SITE_HELP)
    draft.add_argument("--output", metavar="FILE", help="the file to write (default: standard output)")
    draft.add_argument("--force", action="store_true", help="replace the file when it exists")
    listing = command(
        verbs,
        "list",
        "list the bundled profiles",
        example="smart-restore profile list",
        run="webapp.cli.profile:list_profiles",
    )
    json_option(listing, "the list")
    show = command(
        verbs,
        "show",
        "print a bundled profile",
        example="smart-restore profile show school",
        run="webapp.cli.profile:show",
    )
    show.add_argument("name", metavar="NAME", help="the profile's name")


def _up(commands: Commands) -> None:
    parser = command(
        commands,
        "up",
        "start everything on this machine: Redis, worker, clock and web",
        example="smart-restore up --port 8000",
        run="webapp.cli.start:run",
    )
    parser.add_argument("--host", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=whole, help="the port to listen on (default: 8000, or the next free one)")
    parser.add_argument("--data", metavar="DIR", help="the data folder (default: SMART_RESTORE_DATA, else ./var)")

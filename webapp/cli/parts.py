"""The parts of which :mod:`webapp.cli.arguments` makes commands."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from webapp.engine.errors import REPAIRS

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

SITE_HELP = "a registered site's name, or a database address: sqlite:////path/to/file, postgresql://user@host/name"


def command(
    commands: Commands,
    name: str,
    text: str,
    *,
    example: str,
    run: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"Example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
    return parser


def group(commands: Commands, name: str, text: str, *, example: str) -> Commands:
    parser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"Example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)


def json_option(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--json", action="store_true", help=f"print {what} as one line of JSON, the last of standard output"
    )


def site_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", required=True, metavar="SITE", help=SITE_HELP)
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="read the site as this kind of application (default: as registered or recognised)",
    )


def media_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--media", metavar="DIR", help="the folder in which the application keeps its files (default: as registered)"
    )


def repair_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repair",
        action="append",
        default=[],
        choices=tuple(REPAIRS),
        help="undo this damage while the file is read, where it is damaged so; the file itself stays as it is; may be"
        " given several times",
    )


def identity_options(parser: argparse.ArgumentParser) -> None:
    who = parser.add_argument_group("which row a record is")
    who.add_argument(
        "--origin",
        choices=("auto", "same", "other"),
        default="auto",
        help="whether the backup comes from this very database, so that equal keys mean equal rows (default: auto,"
        " as the rows show)",
    )
    who.add_argument(
        "--match-by",
        action="append",
        default=[],
        type=named,
        metavar="MODEL=FIELD,FIELD",
        help="recognise the records of a model by these fields before all other keys; may be given several times",
    )
    who.add_argument(
        "--decide",
        action="append",
        default=[],
        type=decision,
        metavar="MODEL:KEY=ANSWER",
        help="which row of the database an ambiguous record is: the key of that row, new to add it, or skip to leave it"
        " out; where a row differs, whose version it gets: backup or database, and MODEL:* is every such row; may be given"
        " several times",
    )


def named(text: str) -> tuple[str, str]:
    """``model=field,field`` as (model, fields)."""
    model, equals, fields = text.partition("=")
    if not (equals and model.strip() and fields.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form model=field,field")
    return model.strip(), fields


def decision(text: str) -> tuple[str, str]:
    """``model:key=answer`` as (record, answer). A key may hold an equals sign, an answer does not."""
    record, equals, answer = text.rpartition("=")
    model, colon, key = record.partition(":")
    if not (equals and colon and model and key and answer):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form model:key=KEY, =new, =skip, =backup or =database"
        )
    return record, answer


def fill(text: str) -> tuple[str, str]:
    """``model.field=value`` as (field, value)."""
    name, equals, value = text.partition("=")
    model, dot, field = name.rpartition(".")
    if not (equals and dot and model and field):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form model.field=value")
    return name, value


def whole(text: str) -> int:
    """A number of rows."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return int(text)

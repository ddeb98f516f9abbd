"""The words of ``smart-restore plans``."""

from __future__ import annotations

import argparse

from webapp.cli.parts import Commands, command, group, json_option

PLAN = "the plan's number, its name, or SITE/NAME where several sites have one of that name"


def add(commands: Commands) -> None:
    """Add the command with its verbs."""
    verbs = group(
        commands, "plans", "backup plans: what is backed up when, and for how long", example="smart-restore plans list"
    )
    _look(verbs)
    new = _verb(
        verbs, "add", "keep a new plan of a site, from a template or from what is given",
        example="smart-restore plans add school nightly --every daily --at 02:00 --timezone Asia/Kolkata\n"
        "  smart-restore plans add edms daily_full_backup --template daily_full_backup",
    )  # fmt: skip
    new.add_argument("site", metavar="SITE", help="the name of a registered site")
    new.add_argument("name", metavar="NAME", help="what the plan is called")
    new.add_argument("--template", metavar="NAME", help="begin with this one; 'plans templates' lists them")
    _wish(new)
    edit = _verb(
        verbs, "edit", "change what is given of a plan, and leave the rest",
        example="smart-restore plans edit nightly --at 03:30 --keep-count 20",
    )  # fmt: skip
    edit.add_argument("plan", metavar="PLAN", help=PLAN)
    edit.add_argument("--name", help="another name")
    _wish(edit)
    for verb, text in (
        ("run", "make a backup of a plan now, here, and wait for it"),
        ("enable", "switch a plan on; what was due meanwhile is not caught up"),
        ("disable", "switch a plan off"),
        ("delete", "delete a plan; its backups stay"),
    ):
        parser = _verb(verbs, verb, text, example=f"smart-restore plans {verb} nightly")
        parser.add_argument("plan", metavar="PLAN", help=PLAN)
        if verb == "run":
            json_option(parser, "the backup")
        if verb == "delete":
            parser.add_argument("--yes", action="store_true", help="delete it without asking")


def _look(verbs: Commands) -> None:
    listing = _verb(
        verbs, "list", "list the plans, those that need somebody first; the exit status is 1 when one is overdue or failing",
        example="smart-restore plans list --site school",
    )  # fmt: skip
    listing.add_argument("--site", metavar="SITE", help="only those of this site")
    json_option(listing, "the list")
    show = _verb(
        verbs,
        "show",
        "say what a plan does, how it stands, what it keeps and what goes next",
        example="smart-restore plans show nightly",
    )
    show.add_argument("plan", metavar="PLAN", help=PLAN)
    json_option(show, "the plan")
    templates = _verb(
        verbs, "templates", "list the plans that are ready to use", example="smart-restore plans templates"
    )
    json_option(templates, "the list")


def _verb(verbs: Commands, name: str, text: str, *, example: str) -> argparse.ArgumentParser:
    function = {"list": "list_plans", "add": "add_plan"}.get(name, name)
    return command(verbs, name, text, example=example, run=f"webapp.cli.plans:{function}")


def _wish(parser: argparse.ArgumentParser) -> None:
    when = parser.add_argument_group("when")
    when.add_argument(
        "--every", choices=("hourly", "daily", "weekly", "monthly", "demand", "cron"), help="how often (default: daily)"
    )
    when.add_argument("--at", metavar="HH:MM", help="the time of day; hourly, only its minute counts (default: 02:00)")
    when.add_argument("--weekday", type=int, metavar="N", help="the day of the week, 0 is Sunday (default: 0)")
    when.add_argument("--day", type=int, metavar="N", help="the day of the month, 1 to 28 (default: 1)")
    when.add_argument(
        "--cron", metavar="LINE", help="five fields: minute, hour, day, month, weekday; means --every cron"
    )
    when.add_argument("--timezone", metavar="ZONE", help="in which the times are meant, as Asia/Kolkata (default: UTC)")
    what = parser.add_argument_group("what")
    what.add_argument(
        "--kind", choices=("full", "incremental"), help="everything every time, or what has changed (default: full)"
    )
    what.add_argument(
        "--category",
        action="append",
        metavar="KEY",
        help="only this category of the profile; may be given several times",
    )
    what.add_argument("--media", action=argparse.BooleanOptionalAction, help="with the site's files, or without")
    what.add_argument("--format", metavar="NAME", help="native, fixture, package or sync (default: native)")
    what.add_argument("--encrypted", action=argparse.BooleanOptionalAction, help="encrypted for the site's key, or not")
    keep = parser.add_argument_group("how long")
    keep.add_argument(
        "--keep-days",
        metavar="N",
        help="none that is more days older than the newest; 'all' for no limit (default: 30)",
    )
    keep.add_argument("--keep-count", metavar="N", help="so many at most; 'all' for no limit (default: 10)")
    keep.add_argument("--disabled", action="store_const", const=True, help="keep the plan, but switched off")

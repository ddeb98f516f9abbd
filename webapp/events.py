"""The entries of the audit, to be read by people: found by filters, a page at a time, and written as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import msgspec
from sqlalchemy import Select, or_, select

from webapp.models import AuditEvent, db

ACTIONS: Mapping[str, str] = {
    "login": "Sign in",
    "logout": "Sign out",
    "permission": "Ask for what is not theirs",
    "user.create": "Add an account",
    "user.password": "Change a password",
    "user.role": "Change a role",
    "user.sites": "Change the sites of a person",
    "user.disable": "Disable an account",
    "user.enable": "Enable an account",
    "user.sign_out_everywhere": "End all sessions",
    "site.add": "Register a site",
    "site.check": "Check a site",
    "site.people": "Change the people of a site",
    "site.media": "Name the folder of a site's files",
    "site.remove": "Remove a site",
    "backup.make": "Ask for a backup",
    "backup.ended": "Make a backup",
    "verify.ended": "Check a backup",
    "drill.ended": "Drill a backup",
    "backup.upload": "Upload a backup",
    "backup.download": "Download a backup",
    "backup.verify": "Ask for a check",
    "backup.drill": "Ask for a drill",
    "backup.pin": "Pin a backup",
    "backup.unpin": "Unpin a backup",
    "backup.remove": "Remove a backup",
    "plan.add": "Add a plan",
    "plan.change": "Change a plan",
    "plan.enable": "Switch a plan on",
    "plan.disable": "Switch a plan off",
    "plan.remove": "Delete a plan",
    "plan.run": "Run a plan",
    "restore.begin": "Look into a backup",
    "restore.files": "Choose the files of a restore",
    "restore.choose": "Choose what to restore",
    "restore.decide": "Decide about single records",
    "restore.repair": "Read a damaged file repaired",
    "restore.analyse": "Read a backup against the site",
    "restore.plan": "Make a preview",
    "restore.confirm": "Start a restore",
    "restore.schedule": "Set a restore for a time",
    "restore.take_back": "Take a set restore back",
    "restore.due": "Begin a set restore",
    "restore.cancel": "Cancel a restore",
    "restore.ended": "Restore",
    "restore.receipt": "Download a receipt",
    "task.cancel": "Cancel work on a backup",
    "reset.begin": "Look at what a reset clears",
    "reset.confirm": "Start a reset",
    "password.confirm": "Give the password once more",
    "reset": "Reset, by command line",
    "restore": "Restore, by command line",
    "backup": "Back up, by command line",
    "work.prune": "Remove old working files",
    "audit.renew": "Count the audit anew",
    "key.make": "Make a key for backups",
    "key.use": "Use a key for backups",
    "key.give": "Give a key for backups",
    "key.forget": "Forget a key for backups",
    "key.stop": "Stop encrypting backups",
    "key.download": "Download a key",
    "audit.export": "Export the audit",
}
"""What an action is called. One that is not listed is shown under its own name."""

RESULTS: Mapping[str, tuple[str, str]] = {
    "done": ("done", "good"),
    "refused": ("refused", "warn"),
    "failed": ("failed", "bad"),
    "cancelled": ("cancelled", "calm"),
    "stale": ("the database had changed", "warn"),
    "nothing": ("nothing to do", "calm"),
    "unknown": ("not known", "warn"),
}
"""What a result is called, and the tone of its badge."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""

HEADINGS = ("number", "time (UTC)", "person", "action", "subject", "result", "address", "details", "digest")


@dataclass(frozen=True)
class Wanted:
    """Which entries are asked for; what is empty does not matter. Days are whole days, UTC."""

    person: str = ""
    action: str = ""
    site: str = ""
    result: str = ""
    text: str = ""
    since: date | None = None
    until: date | None = None


def find(wanted: Wanted, *, before: int = 0, limit: int = 50) -> list[AuditEvent]:
    """The newest entries that are wanted, older than the one with the number ``before`` (0 for all)."""
    statement = _statement(wanted).order_by(AuditEvent.id.desc()).limit(limit)
    return list(db.session.scalars(statement.where(AuditEvent.id < before) if before else statement))


def people() -> list[str]:
    """Everybody who is named in the audit."""
    return list(db.session.scalars(select(AuditEvent.username).distinct().order_by(AuditEvent.username)))


def actions() -> list[str]:
    """Every kind of action in the audit."""
    return list(db.session.scalars(select(AuditEvent.action).distinct().order_by(AuditEvent.action)))


def results() -> list[str]:
    """Every result in the audit."""
    return list(db.session.scalars(select(AuditEvent.result).distinct().order_by(AuditEvent.result)))


def details(event: AuditEvent) -> dict[str, Any]:
    """What an entry says besides."""
    found: dict[str, Any] = msgspec.json.decode(event.detail_json)
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def as_csv(wanted: Wanted) -> Iterator[str]:
    """The entries, oldest first, line by line. Nothing in them is taken for a formula by a spreadsheet."""
    yield _line(HEADINGS)
    statement = _statement(wanted).order_by(AuditEvent.id).execution_options(yield_per=500)
    for event in db.session.scalars(statement):
        stamp = event.at.isoformat(sep=" ", timespec="seconds")
        who, said = event.username, event.detail_json if event.detail_json != "{}" else ""
        cells = (event.id, stamp, who, event.action, event.subject, event.result, event.address, said, event.digest)
        yield _line(plain(str(cell)) for cell in cells)


def plain(text: str) -> str:
    """A text that a spreadsheet shows and does not calculate."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _statement(wanted: Wanted) -> Select[AuditEvent]:
    statement = select(AuditEvent)
    for column, value in (
        (AuditEvent.username, wanted.person),
        (AuditEvent.action, wanted.action),
        (AuditEvent.result, wanted.result),
    ):
        statement = statement.where(column == value) if value else statement
    if wanted.site:
        # The name of a site has no character that means anything in a pattern but its hyphen.
        in_detail = AuditEvent.detail_json.contains(f'"site":"{wanted.site}"', autoescape=True)
        statement = statement.where(or_(AuditEvent.subject == wanted.site, in_detail))
    if wanted.text:
        said = (AuditEvent.subject, AuditEvent.detail_json, AuditEvent.username, AuditEvent.address)
        statement = statement.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in said)))
    if wanted.since:
        statement = statement.where(AuditEvent.at >= datetime.combine(wanted.since, time()))
    if wanted.until:
        statement = statement.where(AuditEvent.at <= datetime.combine(wanted.until, time.max))
    return statement

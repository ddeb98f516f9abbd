"""The entries of the audit, to be read by people: found by filters, a page at a time, and written as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import Select, or_, select

from webapp.models import AuditEvent, db

ACTIONS: Mapping[str, str] = {
    "login": "Signed in",
    "logout": "Signed out",
    "permission": "Asked for something not theirs",
    "user.create": "Added an account",
    "user.password": "Changed a password",
    "user.role": "Changed a role",
    "user.sites": "Changed whose sites are whose",
    "user.disable": "Disabled an account",
    "user.enable": "Enabled an account",
    "user.sign_out_everywhere": "Ended all sessions",
    "site.add": "Registered a site",
    "site.check": "Checked a site",
    "site.people": "Changed who works with a site",
    "site.media": "Named a site's folder of files",
    "site.remove": "Removed a site",
    "backup.make": "Asked for a backup",
    "backup.ended": "Backup made",
    "verify.ended": "Backup checked",
    "drill.ended": "Backup drilled",
    "backup.upload": "Uploaded a backup",
    "backup.download": "Downloaded a backup",
    "backup.verify": "Checked a backup",
    "backup.drill": "Drilled a backup",
    "backup.pin": "Pinned a backup",
    "backup.unpin": "Unpinned a backup",
    "backup.remove": "Removed a backup",
    "plan.add": "Added a plan",
    "plan.change": "Changed a plan",
    "plan.enable": "Switched a plan on",
    "plan.disable": "Switched a plan off",
    "plan.remove": "Deleted a plan",
    "plan.run": "Ran a plan",
    "restore.begin": "Began a restore",
    "restore.choose": "Chose what to restore",
    "restore.decide": "Decided about single records",
    "restore.repair": "Had a damaged file repaired",
    "restore.confirm": "Started a restore",
    "restore.cancel": "Cancelled a restore",
    "restore.ended": "Restore ended",
    "restore.receipt": "Downloaded a receipt",
    "task.cancel": "Cancelled work on a backup",
    "restore": "Restored on the command line",
    "backup": "Backed up on the command line",
    "work.prune": "Removed old working files",
    "audit.export": "Exported the audit",
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
        statement = statement.where(AuditEvent.at < datetime.combine(wanted.until, time()) + timedelta(days=1))
    return statement

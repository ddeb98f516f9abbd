"""How numbers, times and states are said on a page: filters and words for the templates."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from flask import Flask
from markupsafe import Markup

from webapp.engine.answers import FILES
from webapp.models import now

STATUS = {
    "draft": ("being prepared", "calm"),
    "analysing": ("being analysed", "moving"),
    "analysed": ("analysed", "calm"),
    "planning": ("preview is being made", "moving"),
    "planned": ("ready to restore", "ready"),
    "queued": ("waiting to start", "moving"),
    "running": ("running", "moving"),
    "done": ("done and verified", "good"),
    "failed": ("failed, nothing changed", "bad"),
    "cancelled": ("cancelled, nothing changed", "calm"),
    "stale": ("the database has changed", "warn"),
    "unknown": ("outcome being asked for", "warn"),
}
"""What a restore job's status is called, and the tone of its badge."""

PLAN_STATE = {
    "running": ("being made", "moving"),
    "overdue": ("overdue", "bad"),
    "failing": ("last run failed", "bad"),
    "new": ("no run yet", "calm"),
    "well": ("in order", "good"),
    "off": ("off", "calm"),
}
"""What a backup plan's state is called, and the tone of its badge."""

MOVING = frozenset({"analysing", "planning", "queued", "running", "unknown"})
"""States that end by themselves; only these are polled."""

ROLE_WORDS = {
    "root": "everything, including accounts and sites",
    "admin": "backs up, previews and restores assigned sites",
    "viewer": "looks at assigned sites, changes nothing",
}


def install(app: Flask) -> None:
    """Give the words to the templates of an app."""
    app.add_template_filter(thousands)
    app.add_template_filter(file_size)
    app.add_template_filter(ago)
    app.add_template_filter(until)
    app.add_template_filter(categories)
    app.add_template_filter(moment)
    app.add_template_filter(span)
    app.add_template_filter(count)
    app.jinja_env.globals.update(
        FILES=FILES, PLAN_STATE=PLAN_STATE, STATUS=STATUS, MOVING=MOVING, ROLE_WORDS=ROLE_WORDS
    )


def thousands(number: int | None) -> str:
    """1234567 as "1,234,567"; nothing as a dash."""
    return "–" if number is None else f"{number:,}"


def count(number: int, one: str, many: str = "") -> str:
    """ "1 student", "39 students"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def file_size(size: int | None) -> str:
    """Bytes as a person says them."""
    if size is None:
        return "–"
    if size < 1000:
        return count(size, "byte")
    amount, unit = next((size / base, unit) for base, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if size >= base)
    return f"{amount:,.1f} {unit}" if amount < 100 else f"{amount:,.0f} {unit}"


def ago(at: datetime | None) -> Markup | str:
    """How long ago, with the exact instant as a tooltip."""
    if at is None:
        return "never"
    seconds = max(0, int((now() - at).total_seconds()))
    if seconds < 60:
        said = "just now"
    elif seconds < 3600:
        said = f"{count(seconds // 60, 'minute')} ago"
    elif seconds < 2 * 86400:
        said = f"{count(seconds // 3600, 'hour')} ago"
    else:
        said = f"{count(seconds // 86400, 'day')} ago"
    return _time(at, said)


def until(at: datetime | None) -> Markup | str:
    """How long until then, with the exact instant as a tooltip."""
    if at is None:
        return "never"
    seconds = int((at - now()).total_seconds())
    if seconds < 60:
        said = "now"
    elif seconds < 3600:
        said = f"in {count(seconds // 60, 'minute')}"
    elif seconds < 2 * 86400:
        said = f"in {count(seconds // 3600, 'hour')}"
    else:
        said = f"in {count(seconds // 86400, 'day')}"
    return _time(at, said)


def span(length: timedelta) -> str:
    """How long something is, about: "20 minutes", "9 hours", "3 days"."""
    minutes = max(1, int(length.total_seconds() // 60))
    if minutes < 90:
        return count(minutes, "minute")
    return count(minutes // 60, "hour") if minutes < 48 * 60 else count(minutes // 1440, "day")


def moment(at: datetime | None) -> Markup | str:
    """Date and time of day, UTC."""
    # Without script the page says UTC; app.js says the reader's own time.
    return "–" if at is None else _time(at, f"{at.day} {at:%b %Y, %H:%M} UTC", exact=True)


def _time(at: datetime, said: str, *, exact: bool = False) -> Markup:
    stamp = at.isoformat(timespec="seconds")
    element = (
        '<time datetime="{0}Z" title="{1} UTC" data-moment>' if exact else '<time datetime="{0}Z" title="{1} UTC">'
    )
    return Markup(element + "{2}</time>").format(stamp, stamp.replace("T", " "), said)  # noqa: S704 - constant text


def categories(text: str) -> list[str]:
    """The stored names of categories."""
    return msgspec.json.decode(text, type=list[str])

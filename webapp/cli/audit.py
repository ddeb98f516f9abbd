"""``smart-restore audit``: the audit of an installation, where its web pages cannot be reached or are not trusted."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from webapp import audit, events
from webapp.cli import register, sites, terminal, text


def verify(given: argparse.Namespace) -> int:
    """Say whether every entry is as it was written and none is missing."""
    with register.app():
        chain = audit.check()
        broken = chain.broken
        answer = {
            "whole": chain.whole,
            "entries": chain.entries,
            "since": chain.since,
            "problem": chain.problem,
            "broken": broken.id if broken else None,
        }
        said = f" Entry {broken.id} ({broken.at:%Y-%m-%d %H:%M} UTC, {broken.action}):" if broken else ""
    if given.json:
        terminal.answer_json(answer)
    elif chain.whole:
        since = f" since {chain.since:%Y-%m-%d %H:%M} UTC" if chain.since else ""
        terminal.answer(f"Unbroken{since}: {chain.entries:,} entries, each as it was written, none missing.")
    else:
        terminal.say(f"The audit is not as it was written.{said} {chain.problem}")
    return 0 if chain.whole else 1


def renew(given: argparse.Namespace) -> int:
    """Have the witness count anew, after the secret key was changed or the app database was restored."""
    with register.app():
        found = audit.renew()
    terminal.say(
        f"The witness counts anew, from {found.entries:,} entries."
        + (f" Before: {found.problem}" if found.problem else "")
    )
    return 0


def list_entries(given: argparse.Namespace) -> int:
    """List the newest entries."""
    with register.app():
        found = [
            {
                "number": event.id,
                "at": event.at,
                "person": event.username or str(events.details(event).get("by", "")),
                "action": event.action,
                "subject": event.subject,
                "result": event.result,
                "address": event.address,
                "details": events.details(event),
            }
            for event in events.find(_wanted(given), limit=given.limit)
        ]
    if given.json:
        terminal.answer_json(found)
        return 0
    columns = ("number", "at", "person", "action", "subject", "result")
    lines = [
        tuple(f"{row[name]:%Y-%m-%d %H:%M:%S}" if name == "at" else str(row[name]) for name in columns) for row in found
    ]
    terminal.answer("\n".join(text.table(("Number", "Time (UTC)", "Who", "Action", "About", "Result"), lines)))
    return 0


def export(given: argparse.Namespace) -> int:
    """Write the entries as CSV."""
    output: Path | None = sites.fresh(given.output, force=given.force) if given.output else None
    with register.app():
        lines = events.as_csv(_wanted(given))
        if output is None:
            sys.stdout.writelines(lines)
        else:
            with output.open("w", newline="", encoding="utf-8") as file:
                file.writelines(lines)
    register.note("", "audit.export", "done", file=output.name if output else "standard output")
    return 0


def _wanted(given: argparse.Namespace) -> events.Wanted:
    return events.Wanted(
        person=given.person,
        action=given.action,
        site=given.site,
        result=given.result,
        since=given.since,
        until=given.until,
    )

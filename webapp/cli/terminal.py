"""Where the command line's output goes: answers to standard output, everything else to standard error."""

from __future__ import annotations

import sys
import time
from typing import Any

import msgspec

from webapp.engine.errors import Refusal

PHASES = {
    "read": "Reading the backup",
    "match": "Finding the records in the database",
    "plan": "Working out the changes",
    "lock": "Waiting for the database",
    "check": "Looking before writing",
    "write": "Writing",
    "verify": "Reading back and comparing",
    "commit": "Committing",
    "backup": "Writing the backup",
    "media": "Reading files",
}

OPTIONS = {"removal_not_confirmed": "--confirm-removal"}
"""How the command line is told what a page asks for."""

PAUSE = 0.1
"""Seconds between two drawings of the progress line: often enough to look alive, seldom enough to cost nothing."""


class Progress:
    """One line on standard error that is rewritten in place; nothing at all when that is not a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._phase = ""
        self._drawn = 0.0

    def __call__(self, phase: str, done: int, total: int) -> None:
        """The report callback of :mod:`webapp.engine.commands`; ``done`` below zero only says that it is alive."""
        now = time.monotonic()
        if not self._shown or done < 0 or (phase == self._phase and now - self._drawn < PAUSE):
            return
        self._phase, self._drawn = phase, now
        of = f" of {total:,}" if total else ""
        count = f"  {done:,}{of}" if done or total else ""
        sys.stderr.write(f"\r\x1b[K{PHASES.get(phase, phase)}{count}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away before anything else is written."""
        if self._shown and self._phase:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._phase = ""


def say(text: str) -> None:
    """Tell a person something that is not the answer."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def answer(text: str) -> None:
    """Give the answer."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answer_json(value: Any) -> None:
    """Give the answer as one line of JSON."""
    answer(msgspec.json.encode(value).decode())


def refuse(refusal: Refusal) -> None:
    """Say why not, where, and what to do next."""
    place = refusal.place
    where = [
        f"{name} {value:,}"
        for name, value in (("record", place.record), ("line", place.line), ("byte", place.byte))
        if value is not None
    ]
    say(f"Refused: {refusal.message}" + (f" ({', '.join(where)})" if where else ""))
    if refusal.hint:
        say(f"  {refusal.hint}")
    if refusal.code in OPTIONS:
        say(f"  Give it with {OPTIONS[refusal.code]}.")


def interactive() -> bool:
    """Whether a person can be asked: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """A person's answer to a question, without surrounding white space; empty at the end of input."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()

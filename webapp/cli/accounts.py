"""``smart-restore user``: accounts of the web application."""

from __future__ import annotations

import argparse
import getpass
import sys

from webapp import accounts
from webapp.cli import register, terminal, text
from webapp.refusals import PasswordRefused


def add_user(given: argparse.Namespace) -> int:
    """Add an account."""
    with register.app():
        found = [register.registered(name) for name in given.site]
        user = accounts.create_user(given.name, _password(), given.role, found)
        terminal.say(f"Added {user.username} ({user.role}).")
    return 0


def list_users(given: argparse.Namespace) -> int:
    """List the accounts."""
    with register.app():
        rows = [
            {
                "name": user.username,
                "role": user.role,
                "active": user.active,
                "sites": [site.name for site in user.sites],
            }
            for user in accounts.list_users()
        ]
    if given.json:
        terminal.answer_json(rows)
        return 0
    lines = [
        (str(row["name"]), str(row["role"]), "active" if row["active"] else "disabled", _sites(row)) for row in rows
    ]
    terminal.answer("\n".join(text.table(("Name", "Role", "State", "Sites"), lines)))
    return 0


def _sites(row: dict[str, object]) -> str:
    names = row["sites"]
    return "all" if row["role"] == "root" else ", ".join(names) if isinstance(names, list) else ""


def set_password(given: argparse.Namespace) -> int:
    """Give an account a new password."""
    with register.app():
        user = accounts.find_user(given.name)
        accounts.set_password(user, _password())
        terminal.say(f"{user.username} has a new password; all sessions have ended.")
    return 0


def disable_user(given: argparse.Namespace) -> int:
    """Close an account."""
    with register.app():
        user = accounts.find_user(given.name)
        accounts.disable(user)
        terminal.say(f"{user.username} can no longer log in; all sessions have ended.")
    return 0


def enable_user(given: argparse.Namespace) -> int:
    """Open an account again."""
    with register.app():
        user = accounts.find_user(given.name)
        accounts.enable(user)
        terminal.say(f"{user.username} can log in again.")
    return 0


def _password() -> str:
    """Asked for twice at a terminal, else the first line of standard input; never an argument, which others can see."""
    if not terminal.interactive():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise PasswordRefused(reason="the two entries differ")
    return first

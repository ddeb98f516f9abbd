"""``smart-restore sites``: the register of sites, which is in the app database."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from webapp import audit
from webapp import sites as register
from webapp.app import create_app
from webapp.cli import terminal, text
from webapp.cli.sites import Target
from webapp.engine import commands
from webapp.engine.errors import AddressRefused, FolderRefused
from webapp.models import Site, db
from webapp.seal import site_url


@contextlib.contextmanager
def app() -> Iterator[None]:
    """The web application's context, with its database brought up to date."""
    application = create_app()
    with application.app_context():
        flask_migrate.upgrade()
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def registered(name: str) -> Site:
    """The site of that name."""
    return register.find(name)


def target(name: str, profile: str | None) -> Target:
    """Where a registered site is, and how it is read unless something else is asked for."""
    with app():
        site = registered(name)
        return Target(
            url=site_url(site),
            profile=profile or site.profile,
            name=name,
            registered=True,
            media=site.media,
        )


def names() -> list[str]:
    """The names of all registered sites."""
    with app():
        return [site.name for site in register.list_sites()]


def note(name: str, action: str, result: str, **detail: object) -> None:
    """Say in the audit what was done from the command line, and by which user of this machine."""
    with app():
        audit.note(action, name, result=result, user=None, by=f"command line, {getpass.getuser()}", **detail)
        db.session.commit()


def add_site(given: argparse.Namespace) -> int:
    """Check a database and register it."""
    folder = Path(given.media).absolute() if given.media else None
    if folder is not None and not folder.is_dir():
        raise FolderRefused(path=given.media, reason="there is no such folder")
    url = _absolute(given.url, sys.stdin.readline().rstrip("\n") if given.password_stdin else "")
    found = commands.check_site(url, given.profile)
    terminal.answer(text.check(found))
    if not found.usable:
        terminal.say("It was not registered.")
        return 1
    with app():
        site = register.register(given.name, given.title or given.name, url, found, profile=given.profile)
        if folder is not None:
            register.set_media(site, str(folder))
        terminal.say(f"Registered as {site.name} with the profile {site.profile}.")
    return 0


def list_sites(given: argparse.Namespace) -> int:
    """List the registered sites, without passwords."""
    with app():
        rows = [
            {
                "name": site.name,
                "title": site.title,
                "address": site.address,
                "dialect": site.dialect,
                "profile": site.profile,
            }
            for site in register.list_sites()
        ]
    if given.json:
        terminal.answer_json(rows)
        return 0
    headings = ("Name", "Title", "Profile", "Address")
    lines = [tuple(row[heading.lower()] for heading in headings) for row in rows]
    terminal.answer("\n".join(text.table(headings, lines)))
    return 0


def check_site(given: argparse.Namespace) -> int:
    """Connect to a site and say what is there; keep that when the site is registered."""
    if "://" in given.site:
        found = commands.check_site(given.site, given.profile)
    else:
        with app():
            found = register.check_again(registered(given.site), given.profile)
    if given.json:
        terminal.answer_json(found)
    else:
        terminal.answer(text.check(found))
    return 0 if found.usable else 1


def remove_site(given: argparse.Namespace) -> int:
    """Forget a site."""
    with app():
        register.remove(registered(given.name))
        terminal.say(f"{given.name} is no longer registered. Its database was left as it is.")
    return 0


def _absolute(address: str, password: str) -> str:
    """The address as it means the same from every folder, with the password when it was given apart."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # What cannot be read may hold a password anywhere, so it is not shown.
        raise AddressRefused(address="given", reason="it cannot be read") from None
    if password:
        url = url.set(password=password)
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(Path(url.database).absolute()))
    return url.render_as_string(hide_password=False)

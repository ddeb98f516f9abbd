"""What a new installation is given: the demo school, with its backup and its story; and what it is offered besides."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import msgspec
from flask import current_app
from sqlalchemy import delete, select

from webapp import sites
from webapp.demo.attendance import ATTENDANCE
from webapp.demo.documents import DOCUMENTS
from webapp.demo.school import SCHOOL
from webapp.demo.site import DemoSite, Recipe, create
from webapp.engine import commands
from webapp.models import Backup, Setting, Site, db
from webapp.refusals import UnknownSite
from webapp.settings import Settings
from webapp.storage import storage

STORY = "demo story"
MOST_LOST = 5
RECIPES = (SCHOOL, DOCUMENTS, ATTENDANCE)
"""The demo sites; a new installation is given the first one."""


class Story(msgspec.Struct, frozen=True):
    """What happened at a demo site: sentence by sentence, and the rows that only the backup still has, by title."""

    sentences: tuple[str, ...]
    lost: tuple[tuple[str, int], ...]


def ensure_demo_site() -> Site | None:
    """Make and register the demo school. None when that was done before, also when it was removed since."""
    if db.session.get(Setting, STORY):
        return None
    return _add(SCHOOL, create(SCHOOL, _folder(SCHOOL)))


def offered() -> tuple[Recipe, ...]:
    """The demo sites that are not registered."""
    names = set(db.session.scalars(select(Site.name)))
    return tuple(recipe for recipe in RECIPES if recipe.name not in names)


def add_demo_site(name: str) -> Site:
    """Make a demo site afresh and register it with its backup; takes some seconds.

    Raises:
        UnknownSite: none of that name is offered.
    """
    recipe = next((each for each in offered() if each.name == name), None)
    if recipe is None:
        raise UnknownSite(name=name)
    return _add(recipe, create(recipe, _folder(recipe), fresh=True))


def story_of(site: Site) -> Story | None:
    """What happened at a demo site, as it was told when the site was made."""
    story = db.session.get(Setting, _key(site.name)) if site.is_demo else None
    return msgspec.json.decode(story.value, type=Story) if story else None


def first_backup(site: Site) -> Backup | None:
    """The oldest kept backup of a site: at a demo site, that of before the accident."""
    backups = select(Backup).where(Backup.site_id == site.id, Backup.path != "")
    return db.session.scalars(backups.order_by(Backup.created_at).limit(1)).first()


def is_first(site: Site) -> bool:
    """Whether it is the demo site that every installation begins with."""
    return site.is_demo and site.name == SCHOOL.name


def _add(recipe: Recipe, demo: DemoSite) -> Site:
    # A start that broke off in between has registered the site already.
    site = db.session.scalar(select(Site).where(Site.is_demo, Site.name == recipe.name)) or _register(demo)
    with demo.backup.open("rb") as file:
        received = storage().receive(file, expected=None, limit=demo.backup.stat().st_size)
    db.session.add(
        Backup(
            site=site,
            name=demo.backup.name,
            size=received.size,
            sha256=received.sha256,
            path=received.key,
            origin="made",
            records=demo.backup_records,
            created_at=demo.backup_made.astimezone(UTC).replace(tzinfo=None),
        )
    )
    db.session.execute(delete(Setting).where(Setting.key == _key(site.name)))
    db.session.add(Setting(key=_key(site.name), value=msgspec.json.encode(_story(demo, site)).decode()))
    db.session.commit()
    return site


def _folder(recipe: Recipe) -> Path:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.demo_dir if recipe is SCHOOL else settings.demo_dir.with_name(recipe.name)


def _key(name: str) -> str:
    return STORY if name == SCHOOL.name else f"{STORY}: {name}"


def _story(demo: DemoSite, site: Site) -> Story:
    check = sites.last_check(site)
    titles = {table.table: table.title for table in check.tables} if check else {}
    lost = sorted(((count, titles.get(table, table)) for table, count in demo.lost.items() if count), reverse=True)
    return Story(demo.story, tuple((title, count) for count, title in lost[:MOST_LOST]))


def _register(demo: DemoSite) -> Site:
    check = commands.check_site(demo.url, demo.profile)
    site = sites.register(demo.name, demo.title, demo.url, check, profile=demo.profile, is_demo=True)
    if demo.media.is_dir():
        sites.set_media(site, str(demo.media))
    return site

"""What a new installation is given once: the demo school, with its backup and its story."""

from __future__ import annotations

from datetime import UTC

import msgspec
from flask import current_app
from sqlalchemy import select

from webapp import sites
from webapp.demo.school import create_demo_school
from webapp.demo.site import DemoSite
from webapp.engine import commands
from webapp.models import Backup, Setting, Site, db
from webapp.settings import Settings
from webapp.storage import storage

STORY = "demo story"
MOST_LOST = 5


class Story(msgspec.Struct, frozen=True):
    """What happened at the demo school: sentence by sentence, and the rows that only the backup still has, by title."""

    sentences: tuple[str, ...]
    lost: tuple[tuple[str, int], ...]


def ensure_demo_site() -> Site | None:
    """Make and register the demo school. None when that was done before, also when it was removed since."""
    if db.session.get(Setting, STORY):
        return None
    settings: Settings = current_app.config["SETTINGS"]
    demo = create_demo_school(settings.demo_dir)
    # A start that broke off in between has registered the site already.
    site = db.session.scalar(select(Site).where(Site.is_demo)) or _register(demo)
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
    db.session.add(Setting(key=STORY, value=msgspec.json.encode(_story(demo, site)).decode()))
    db.session.commit()
    return site


def demo_story() -> Story | None:
    """What happened at the demo school, as it was told when the school was made."""
    story = db.session.get(Setting, STORY)
    return msgspec.json.decode(story.value, type=Story) if story else None


def _story(demo: DemoSite, site: Site) -> Story:
    check = sites.last_check(site)
    titles = {table.table: table.title for table in check.tables} if check else {}
    lost = sorted(((count, titles.get(table, table)) for table, count in demo.lost.items() if count), reverse=True)
    return Story(demo.story, tuple((title, count) for count, title in lost[:MOST_LOST]))


def _register(demo: DemoSite) -> Site:
    check = commands.check_site(demo.url, demo.profile)
    return sites.register(demo.name, demo.title, demo.url, check, profile=demo.profile, is_demo=True)

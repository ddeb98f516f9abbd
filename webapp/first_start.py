"""What a new installation is given once: the demo school, with its backup and its story."""

from __future__ import annotations

from datetime import UTC

import msgspec
from flask import current_app
from sqlalchemy import select

from webapp import sites
from webapp.demo.school import DemoSite, create_demo_school
from webapp.engine import commands
from webapp.models import Backup, Setting, Site, db
from webapp.settings import Settings
from webapp.storage import storage

STORY = "demo story"


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
    db.session.add(Setting(key=STORY, value=msgspec.json.encode(demo.story).decode()))
    db.session.commit()
    return site


def demo_story() -> tuple[str, ...]:
    """What happened at the demo school, sentence by sentence."""
    story = db.session.get(Setting, STORY)
    return msgspec.json.decode(story.value, type=tuple[str, ...]) if story else ()


def _register(demo: DemoSite) -> Site:
    check = commands.check_site(demo.url, demo.profile)
    return sites.register(demo.name, demo.title, demo.url, check, profile=demo.profile, is_demo=True)

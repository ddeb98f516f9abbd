"""The register of sites: for the pages and for the command line.

Each function commits what it did together with its line in the audit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, func, select

from webapp import audit
from webapp.engine import commands
from webapp.engine.answers import SiteCheck
from webapp.models import Backup, BackupPlan, RestoreJob, Site, User, db
from webapp.refusals import SiteInUse, SiteNameRefused, UnknownSite
from webapp.seal import seal, site_url

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


def list_sites() -> list[Site]:
    """All sites, by title."""
    return list(db.session.scalars(select(Site).order_by(Site.title)))


def find(name: str) -> Site:
    """The site of that name.

    Raises:
        UnknownSite: there is none.
    """
    site = db.session.scalar(select(Site).where(Site.name == name))
    if site is None:
        raise UnknownSite(name=name)
    return site


def suggest_name(title: str) -> str:
    """A free name made of a title: "St. Mary's School" gives "st-mary-s-school"."""
    base = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:50] or "site"
    taken = set(db.session.scalars(select(Site.name)))
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if name not in taken)


def register(
    name: str, title: str, url: str, check: SiteCheck, *, profile: str | None = None, is_demo: bool = False
) -> Site:
    """Add a site that was checked. Its address is kept encrypted.

    Raises:
        SiteNameRefused: the name is taken or cannot stand in an address.
    """
    if not NAME.fullmatch(name):
        raise SiteNameRefused(name=name, reason="use small letters, digits and hyphens, at most 60", field="name")
    if db.session.scalar(select(Site.id).where(Site.name == name)):
        raise SiteNameRefused(name=name, reason="it is taken", field="name")
    site = Site(
        name=name,
        title=title.strip()[:120] or name,
        url_sealed=seal(url),
        address=check.address,
        dialect=check.dialect,
        profile=profile or check.profile,
        is_demo=is_demo,
        check_json=_text(check),
    )
    db.session.add(site)
    audit.note("site.add", name, address=check.address, profile=site.profile)
    db.session.commit()
    return site


def check_again(site: Site, profile: str | None = None) -> SiteCheck:
    """Connect to a site again, perhaps read it as another kind of application, and keep what was found."""
    check = commands.check_site(site_url(site), profile or site.profile)
    before, site.profile = site.profile, profile or site.profile
    site.check_json = _text(check)
    audit.note("site.check", site.name, before=before, profile=site.profile)
    db.session.commit()
    return check


def last_check(site: Site) -> SiteCheck | None:
    """What the last check of a site found."""
    return msgspec.json.decode(site.check_json, type=SiteCheck) if site.check_json else None


def set_people(site: Site, people: Sequence[User]) -> None:
    """Say which admins and viewers work with a site. Roots see every site anyway."""
    site.users = list(people)
    audit.note("site.people", site.name, people=[user.username for user in people])
    db.session.commit()


def set_media(site: Site, folder: str) -> None:
    """Say where the application keeps its files; an empty path for nowhere."""
    before, site.media_root = site.media_root, folder
    audit.note("site.media", site.name, before=before, folder=folder)
    db.session.commit()


def remove(site: Site) -> None:
    """Forget a site that has no history yet, and its plans. Its database is left as it is.

    Raises:
        SiteInUse: there are backups or restores of it.
    """
    for kind in (Backup, RestoreJob):
        if db.session.scalar(select(func.count()).select_from(kind).where(kind.site_id == site.id)):
            raise SiteInUse(title=site.title)
    db.session.execute(delete(BackupPlan).where(BackupPlan.site_id == site.id))
    db.session.delete(site)
    audit.note("site.remove", site.name)
    db.session.commit()


def _text(check: SiteCheck) -> str:
    return msgspec.json.encode(check).decode()

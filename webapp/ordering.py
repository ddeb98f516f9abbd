"""Asking for a backup by hand: what it is to hold, checked against what the site has, and the task that makes it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import select

from webapp import audit, plans, tasks
from webapp.engine.errors import Refusal
from webapp.models import Backup, Site, Task, User, db, now


class OrderRefused(Refusal):
    """This backup cannot be made: {reason}."""

    code = "order_refused"
    hint = "Choose again."
    exit_code = 2


@dataclass(frozen=True)
class Order:
    """A backup as a person wants it; no categories for everything."""

    kind: str = "full"
    format: str = "native"
    categories: tuple[str, ...] = ()
    media: bool = False
    encrypted: bool = False


def usual(site: Site) -> Order:
    """What one click asks for: everything that the site has, for its key where it has one."""
    return Order(media=bool(site.media_root), encrypted=bool(site.recipient))


def order(site: Site, wanted: Order, person: User) -> Task:
    """Ask for a backup; one that is being made as wanted is not asked for twice. Commits; the caller rings.

    Raises:
        OrderRefused
    """
    reason, field = _objection(site, wanted)
    if reason:
        raise OrderRefused(reason=reason, field=field)
    categories = msgspec.json.encode(sorted(set(wanted.categories))).decode()
    same = select(Backup).where(
        Backup.site_id == site.id,
        Backup.origin == "made",
        Backup.path == "",
        Backup.note == "",
        Backup.removed_at.is_(None),
        Backup.format == wanted.format,
        Backup.kind == wanted.kind,
        Backup.categories_json == categories,
        Backup.media.is_(wanted.media),
        Backup.encrypted.is_(wanted.encrypted),
    )
    backup = db.session.scalars(same).first()
    if backup is None:
        backup = Backup(
            site_id=site.id,
            name=f"{site.name}-{now():%Y%m%d-%H%M%S}{plans.FORMATS[wanted.format][0]}",
            size=0,
            sha256="",
            path="",
            origin="made",
            kind=wanted.kind,
            format=wanted.format,
            categories_json=categories,
            media=wanted.media,
            encrypted=wanted.encrypted,
            created_by_id=person.id,
        )
        db.session.add(backup)
        audit.note(
            "backup.make", backup.name, site=site.name, kind=wanted.kind, format=wanted.format,
            categories=wanted.categories, media=wanted.media, encrypted=wanted.encrypted,
        )  # fmt: skip
    task = tasks.ask("backup", backup, person=person)
    db.session.commit()
    return task


def _objection(site: Site, wanted: Order) -> tuple[str, str]:
    """What stands against it, and the field of the form that this is about."""
    strange = sorted(set(wanted.categories) - set(plans.known_categories(site)))
    if wanted.format not in plans.formats():
        return f"there is no format {wanted.format!r}", "format"
    if wanted.kind not in plans.KINDS:
        return f"there is no kind {wanted.kind!r}", "kind"
    if wanted.kind == "incremental" and wanted.format != "native":
        return "only Smart Restore's own format can hold what has changed", "kind"
    if strange:
        return f"this site has no category {strange[0]!r}", "category"
    if wanted.media and not site.media_root:
        return "nobody has said where the files of this site are", "media"
    if wanted.media and wanted.format not in plans.WITH_FILES:
        return f"the format {wanted.format} holds no files", "media"
    if wanted.encrypted and not site.recipient:
        return "this site has no key to encrypt for", "encrypted"
    return "", ""

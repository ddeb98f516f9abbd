"""One instant of a site, and what of it is to be written to a backup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from webapp.engine.databases.base import Reader
from webapp.engine.errors import UnknownCategory
from webapp.engine.profile import Profile
from webapp.engine.schema import OWN_TABLES, Schema

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Snapshot:
    """What a writer of backups is given. ``tables`` stand in an order in which referenced ones come first.

    ``base`` are the files of the chain that an increment builds on; ``since`` asks for rows stamped since then instead.
    """

    output: Path
    site: str
    dialect: str
    schema: Schema
    profile: Profile
    reader: Reader
    instant: datetime
    tables: tuple[str, ...]
    report: Report
    categories: tuple[str, ...] = ()
    media: Path | None = None
    base: tuple[Path, ...] = ()
    since: datetime | None = None


def tables_of(schema: Schema, profile: Profile, categories: Sequence[str]) -> tuple[str, ...]:
    """The tables of the categories, or of the whole site; never sessions, migrations and our own.

    Raises:
        UnknownCategory: no table of the site is in it.
    """
    kept = [name for name in schema.order() if name not in OWN_TABLES and not profile.rules(name).ignored]
    found = {name: profile.categories_of(name) for name in kept}
    known = sorted({key for keys in found.values() for key in keys})
    for name in categories:
        if name not in known:
            raise UnknownCategory(name=name, known=", ".join(known))
    return tuple(name for name in kept if not categories or set(categories) & set(found[name]))


def utc_text(moment: datetime) -> str:
    """An instant in UTC as it is written in a backup."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

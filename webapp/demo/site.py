"""A demo site: made, backed up last night, damaged this morning."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

import msgspec

from webapp.demo.ledger import Ledger
from webapp.demo.morning import Morning
from webapp.engine import commands


class DemoSite(msgspec.Struct, frozen=True, kw_only=True):
    """A site to try restores on. ``story`` tells a newcomer what happened; the counts are by table."""

    name: str
    title: str
    profile: str
    folder: Path
    story: tuple[str, ...]
    backup_made: datetime  # UTC
    backup_records: int
    lost: Mapping[str, int]  # rows that only the backup still has
    spoilt: Mapping[str, int]  # column -> rows that the backup has right
    emptied: int = 0  # references to lost rows that were emptied
    added: Mapping[str, int]  # rows that are newer than the backup

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / f"{self.profile}.sqlite3"

    @property
    def url(self) -> str:
        """The database as an SQLAlchemy URL."""
        return f"sqlite:///{self.database}"

    @property
    def media(self) -> Path:
        """The folder of its files, where it has any."""
        return self.folder / "media"

    @property
    def backup(self) -> Path:
        """The backup made last night."""
        return self.folder / f"{self.profile}_{self.backup_made:%Y%m%d_%H%M}.json"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one of the demo sites is made."""

    name: str
    title: str
    summary: str  # what somebody gets who asks for it
    profile: str
    schema: Path  # SQLite DDL
    seed: int
    build: Callable[[Ledger, Path], None]  # everything up to last night; files go into the folder
    strike: Callable[[Ledger, Path, datetime], Morning]  # a morning's work, then the accident
    tell: Callable[[Ledger, Morning, int], tuple[str, ...]]  # the story; the number is the backup's records


def create(recipe: Recipe, folder: Path, *, fresh: bool = False, now: datetime | None = None) -> DemoSite:
    """The demo site in ``folder``: the one that is there, else (or when ``fresh``) a new one.

    ``now`` (UTC) places the story: the backup is of the evening before, the accident of this morning.
    """
    folder = folder.resolve()
    story = folder / "demo.json"
    if story.exists() and not fresh:
        found = msgspec.json.decode(story.read_bytes(), type=DemoSite, dec_hook=_path)
        if found.folder == folder and found.database.exists() and found.backup.exists():
            return found
    now = now or datetime.now(UTC)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".demo-") as scratch:
        making = Path(scratch) / "site"
        making.mkdir()
        made = _make(recipe, making, folder, now)
        # An interrupted start leaves no half of a site: it appears under its name only when it is complete.
        shutil.rmtree(folder, ignore_errors=True)
        making.rename(folder)
    return made


def open_ledger(recipe: Recipe, database: Path, today: date) -> Ledger:
    """The site as it was last night, in a new SQLite file; the caller commits and closes its connection."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON; " + recipe.schema.read_text("utf-8"))
    connection.execute("BEGIN")
    ledger = Ledger(connection, Random(recipe.seed), today)
    recipe.build(ledger, database.parent)
    return ledger


def _make(recipe: Recipe, making: Path, folder: Path, now: datetime) -> DemoSite:
    database = making / f"{recipe.profile}.sqlite3"
    ledger = open_ledger(recipe, database, now.date())
    ledger.connection.execute("COMMIT")
    name = f"{recipe.profile}_{ledger.last_night:%Y%m%d_%H%M}.json"
    facts = commands.backup(f"sqlite:///{database}", making / name, profile=recipe.profile)
    # Just past midnight there is no morning yet: then the accident was half an hour ago.
    moment = min(datetime.combine(now.date(), time(8, 10), UTC), now - timedelta(minutes=30))
    ledger.connection.execute("BEGIN")
    morning = recipe.strike(ledger, making, moment)
    ledger.connection.execute("COMMIT")
    story = recipe.tell(ledger, morning, facts.records)
    ledger.connection.close()
    made = DemoSite(
        name=recipe.name,
        title=recipe.title,
        profile=recipe.profile,
        folder=folder,
        story=story,
        backup_made=ledger.last_night,
        backup_records=facts.records,
        lost=morning.lost,
        spoilt=morning.spoilt,
        emptied=morning.emptied,
        added=morning.added,
    )
    (making / "demo.json").write_bytes(msgspec.json.encode(made, enc_hook=str))
    return made


def _path(kind: type, value: object) -> object:
    return Path(str(value)) if kind is Path else value

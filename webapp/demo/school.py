"""The demo school: made, backed up last night, damaged this morning."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

import msgspec

from webapp.demo.accident import Morning, strike
from webapp.demo.ledger import Ledger
from webapp.demo.office import furnish
from webapp.demo.staff import hire
from webapp.demo.students import LOST_CLASS, enrol
from webapp.engine import commands

SEED = 1987
SCHEMA = Path(__file__).with_name("schema.sql")


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
    spoilt: Mapping[str, int]  # column of students_student -> rows that the backup has right
    added: Mapping[str, int]  # rows that are newer than the backup

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "school.sqlite3"

    @property
    def url(self) -> str:
        """The database as an SQLAlchemy URL."""
        return f"sqlite:///{self.database}"

    @property
    def backup(self) -> Path:
        """The backup made last night."""
        return self.folder / f"school_{self.backup_made:%Y%m%d_%H%M}.json"


def create_demo_school(folder: Path, *, fresh: bool = False, now: datetime | None = None) -> DemoSite:
    """The demo school in ``folder``: the one that is there, else (or when ``fresh``) a new one.

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
        made = _make(Path(scratch) / "school", folder, now)
        # An interrupted start leaves no half of a school: it appears under its name only when it is complete.
        shutil.rmtree(folder, ignore_errors=True)
        (Path(scratch) / "school").rename(folder)
    return made


def build_school(database: Path, today: date) -> Ledger:
    """A school as it was last night, in a new SQLite file; the caller commits and closes its connection."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON; " + SCHEMA.read_text("utf-8"))
    connection.execute("BEGIN")
    school = Ledger(connection, Random(SEED), today)
    hire(school)
    furnish(school)
    enrol(school)
    return school


def _make(scratch: Path, folder: Path, now: datetime) -> DemoSite:
    scratch.mkdir()
    school = build_school(scratch / "school.sqlite3", now.date())
    school.connection.execute("COMMIT")
    name = f"school_{school.last_night:%Y%m%d_%H%M}.json"
    facts = commands.backup(f"sqlite:///{scratch / 'school.sqlite3'}", scratch / name, profile="school")
    # Just past midnight there is no morning yet: then the accident was half an hour ago.
    moment = min(datetime.combine(now.date(), time(8, 10), UTC), now - timedelta(minutes=30))
    school.connection.execute("BEGIN")
    morning = strike(school, moment)
    school.connection.execute("COMMIT")
    school.connection.close()
    made = DemoSite(
        name="demo-school",
        title="Saraswati Vidya Niketan (demo)",
        profile="school",
        folder=folder,
        story=_tell(school, morning, facts.records),
        backup_made=school.last_night,
        backup_records=facts.records,
        lost=morning.lost,
        spoilt=morning.spoilt,
        added=morning.added,
    )
    (scratch / "demo.json").write_bytes(msgspec.json.encode(made, enc_hook=str))
    return made


def _tell(school: Ledger, morning: Morning, records: int) -> tuple[str, ...]:
    lost, added = morning.lost, morning.added
    return (
        f"Last night at {school.last_night:%H:%M} a backup was made: {records:,} records of the whole school.",
        f"This morning {'-'.join(LOST_CLASS)} was deleted by mistake, and with it {lost['students_student']:,} students, "
        f"{lost['attendance_attendance']:,} attendance entries, {lost['student_fees_feedeposit']:,} fee deposits and "
        f"{lost['transport_transportassignment']:,} transport assignments.",
        f"A careless import then overwrote the mobile numbers of {morning.spoilt['mobile_number']} other students and "
        f"broke the Hindi first names of {morning.spoilt['first_name']}.",
        f"Meanwhile {added['students_student']} new students, {added['student_fees_feedeposit']} fee deposits and "
        f"{added['attendance_attendance']:,} attendance entries were entered and {morning.corrected} addresses corrected. "
        "Those must stay.",
    )


def _path(kind: type, value: object) -> object:
    return Path(str(value)) if kind is Path else value

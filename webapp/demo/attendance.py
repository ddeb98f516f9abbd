"""The demo attendance system: made, backed up last night, robbed of a month this morning."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from webapp.demo.attendance_days import LOST_COMPANY, SPOILT_COMPANY, lost_month, strike, write_days
from webapp.demo.attendance_people import COMPANIES, hire
from webapp.demo.ledger import Ledger
from webapp.demo.morning import Morning
from webapp.demo.site import DemoSite, Recipe, create

SCHEMA = Path(__file__).with_name("attendance.sql")


def create_demo_attendance(folder: Path, *, fresh: bool = False, now: datetime | None = None) -> DemoSite:
    """The demo attendance system in ``folder``; see :func:`webapp.demo.site.create`."""
    return create(ATTENDANCE, folder, fresh=fresh, now=now)


def _build(system: Ledger, _folder: Path) -> None:
    hire(system)
    write_days(system)


def _tell(system: Ledger, morning: Morning, records: int) -> tuple[str, ...]:
    called = dict(system.connection.execute("SELECT id, name FROM core_company").fetchall())
    month = f"{lost_month(system)[0]:%B}"
    return (
        f"Last night at {system.last_night:%H:%M} a backup was made: {records:,} records of {COMPANIES} companies.",
        f"This morning the whole {month} of {called[LOST_COMPANY]} was deleted: "
        f"{morning.lost['core_attendancerecord']:,} attendance records.",
        f"A wrong file then marked {morning.spoilt['status']:,} present days of {called[SPOILT_COMPANY]} in {month} as absent.",
        f"Meanwhile {morning.added['core_attendancerecord']:,} records of today were uploaded, {morning.added['employees']} "
        f"employees hired and {morning.corrected} records corrected. Those must stay.",
    )


ATTENDANCE = Recipe(
    name="demo-attendance",
    title="Plant Attendance (demo)",
    summary="An attendance system that lost a month: 104 companies, 1,250 employees, 100,000 attendance records. Takes some seconds to make.",
    profile="attendance",
    schema=SCHEMA,
    seed=1618,
    build=_build,
    strike=strike,
    tell=_tell,
)

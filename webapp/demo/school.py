"""The demo school: made, backed up last night, damaged this morning."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from webapp.demo.accident import strike
from webapp.demo.ledger import Ledger
from webapp.demo.morning import Morning
from webapp.demo.office import furnish
from webapp.demo.site import DemoSite, Recipe, create
from webapp.demo.staff import hire
from webapp.demo.students import LOST_CLASS, enrol

SCHEMA = Path(__file__).with_name("schema.sql")


def create_demo_school(folder: Path, *, fresh: bool = False, now: datetime | None = None) -> DemoSite:
    """The demo school in ``folder``; see :func:`webapp.demo.site.create`."""
    return create(SCHOOL, folder, fresh=fresh, now=now)


def _build(school: Ledger, _folder: Path) -> None:
    hire(school)
    furnish(school)
    enrol(school)


def _strike(school: Ledger, _folder: Path, moment: datetime) -> Morning:
    return strike(school, moment)


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


SCHOOL = Recipe(
    name="demo-school",
    title="Saraswati Vidya Niketan (demo)",
    summary="A school that lost a class: 2,000 students, 100,000 attendance entries.",
    profile="school",
    schema=SCHEMA,
    seed=1987,
    build=_build,
    strike=_strike,
    tell=_tell,
)

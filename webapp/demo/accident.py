"""What happens to the demo school after its backup: good work and one bad morning."""

from __future__ import annotations

from datetime import datetime, timedelta

from webapp.demo import names
from webapp.demo.ledger import Ledger, text
from webapp.demo.morning import Morning, delete
from webapp.demo.staff import SECTIONS
from webapp.demo.students import LOST_CLASS, STUDENTS, attendance, deposit, student

SET_NULL = frozenset(
    {
        ("fees_feesgroup", "related_class_section_id"),
        ("fines_finestudent", "waived_by_id"),
        ("subjects_subjectassignment", "teacher_id"),
    }
)
"""References that the application empties when their target is deleted; it deletes what holds any other one."""

LOST_SECTION = SECTIONS.index(LOST_CLASS) + 1


def strike(school: Ledger, moment: datetime) -> Morning:
    """Do a morning's work up to ``moment``, then the accident."""
    morning = Morning()
    _work(school, moment, morning)
    _spoil(school, morning)
    delete(school, "subjects_classsection", [LOST_SECTION], morning, SET_NULL)
    return morning


def _pupils(school: Ledger, condition: str) -> list[int]:
    """Students outside the lost class, by a condition of this module."""
    return school.ids(
        f"SELECT id FROM students_student WHERE class_section_id <> ? AND {condition} ORDER BY id",  # noqa: S608 - names are our own
        LOST_SECTION,
    )


def _work(school: Ledger, moment: datetime, morning: Morning) -> None:
    """Entries and corrections that a restore must not take back."""
    newcomers = [
        student(school, STUDENTS + number, 4 + number) | {"created_at": text(at), "updated_at": text(at)}
        for number in (1, 2, 3)
        for at in (moment - timedelta(minutes=50 - number, microseconds=number),)
    ]
    school.insert("students_student", newcomers)
    payers = school.chance.sample(_pupils(school, "id <= 1000"), 12)
    school.insert(
        "student_fees_feedeposit",
        [
            deposit(school, pupil, 9000 + order, moment - timedelta(minutes=40 - order, microseconds=pupil))
            for order, pupil in enumerate(payers)
        ],
    )
    entries = [
        row
        for section in (4, 5, 6, 7, 8)
        for row in attendance(
            school,
            school.today,
            moment - timedelta(minutes=25),
            [(pupil, section) for pupil in _pupils(school, f"class_section_id = {section} AND id <= {STUDENTS}")],
        )
    ]
    school.insert("attendance_attendance", entries)
    movers = school.chance.sample(_pupils(school, "id > 1500"), 5)
    for order, pupil in enumerate(movers):
        school.connection.execute(
            "UPDATE students_student SET address = ?, updated_at = ? WHERE id = ?",
            (f"{order + 31} New Colony Road", text(moment - timedelta(minutes=35 - order, microseconds=7)), pupil),
        )
    morning.added = {
        "students_student": len(newcomers),
        "student_fees_feedeposit": len(payers),
        "attendance_attendance": len(entries),
    }
    morning.corrected = len(movers)


def _spoil(school: Ledger, morning: Morning) -> None:
    """A careless import: it writes past the application, so updated_at stays as it was."""
    phones = school.chance.sample(_pupils(school, "id BETWEEN 1001 AND 1500"), 40)
    school.connection.executemany(
        "UPDATE students_student SET mobile_number = '5550000000' WHERE id = ?", [(pupil,) for pupil in phones]
    )
    hindi = [name for name in (*names.GIRLS, *names.BOYS) if not name[0].isascii()]
    marks = ", ".join("?" for _ in hindi)
    candidates = school.ids(
        f"SELECT id FROM students_student WHERE id <= 1000 AND class_section_id <> ? AND first_name IN ({marks})",  # noqa: S608 - names are our own
        LOST_SECTION,
        *hindi,
    )
    garbled = school.chance.sample(candidates, 12)
    school.connection.executemany(
        "UPDATE students_student SET first_name = '?????' WHERE id = ?", [(pupil,) for pupil in garbled]
    )
    morning.spoilt = {"mobile_number": len(phones), "first_name": len(garbled)}

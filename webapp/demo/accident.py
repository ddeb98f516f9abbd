"""What happens to the demo school after its backup: good work and one bad morning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from webapp.demo import names
from webapp.demo.ledger import Ledger, text
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


@dataclass
class Morning:
    """What was done, counted."""

    lost: dict[str, int] = field(default_factory=dict)  # table -> rows deleted
    spoilt: dict[str, int] = field(default_factory=dict)  # column of students_student -> rows overwritten
    emptied: int = 0  # references emptied by the deletion
    added: dict[str, int] = field(default_factory=dict)  # table -> rows entered since the backup
    corrected: int = 0  # addresses corrected since the backup


def strike(school: Ledger, moment: datetime) -> Morning:
    """Do a morning's work up to ``moment``, then the accident."""
    morning = Morning()
    _work(school, moment, morning)
    _spoil(school, morning)
    _delete(school, "subjects_classsection", [LOST_SECTION], morning)
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


def _delete(school: Ledger, table: str, ids: Sequence[int], morning: Morning) -> None:
    """Delete rows as the application does: everything that refers to them goes first."""
    marks = ", ".join("?" for _ in ids)
    for holder, column in _holders(school, table):
        where = f'FROM "{holder}" WHERE "{column}" IN ({marks})'
        if (holder, column) in SET_NULL:
            emptied = school.connection.execute(
                f'UPDATE "{holder}" SET "{column}" = NULL WHERE "{column}" IN ({marks})',  # noqa: S608 - names are our own
                ids,
            )
            morning.emptied += emptied.rowcount
        elif doomed := school.ids(f"SELECT id {where}", *ids):
            for start in range(0, len(doomed), 500):
                _delete(school, holder, doomed[start : start + 500], morning)
    gone = school.connection.execute(f'DELETE FROM "{table}" WHERE id IN ({marks})', ids)  # noqa: S608 - names are our own
    morning.lost[table] = morning.lost.get(table, 0) + gone.rowcount


def _holders(school: Ledger, table: str) -> list[tuple[str, str]]:
    """Tables and columns that refer to a table."""
    return school.connection.execute(
        'SELECT m.name, k."from" FROM sqlite_master m, pragma_foreign_key_list(m.name) k'
        " WHERE m.type = 'table' AND k.\"table\" = ? ORDER BY 1, 2",
        (table,),
    ).fetchall()

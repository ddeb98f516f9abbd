"""Students of the demo school, and what hangs on them: attendance, fees, transport, fines, messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice

from webapp.demo import names
from webapp.demo.ledger import Ledger, text
from webapp.demo.staff import ACCOUNTANT, PRINCIPAL, SECTIONS

STUDENTS = 2000
SCHOOL_DAYS = 50
LOST_CLASS = ("Class 7", "B")
LOST_CLASS_SIZE = 80


def enrol(school: Ledger) -> None:
    """Write all students and their records up to last night."""
    sections = _sections()
    school.insert(
        "students_student",
        [student(school, number, section) for number, section in enumerate(sections, 1)],
    )
    _enrolments(school, sections)
    for day in reversed(list(islice(_school_days(school.last_night.date()), SCHOOL_DAYS))):
        begun = datetime.combine(day, time(9), UTC)
        school.insert("attendance_attendance", attendance(school, day, begun, list(enumerate(sections, 1))))
    _fees(school)
    _transport(school)
    _fines(school)
    _messages(school, sections)


def student(school: Ledger, number: int, section: int) -> dict[str, object]:
    """A child of a class section; ``number`` makes its admission number."""
    girl = school.chance.random() < 0.5
    last = school.pick(*names.SURNAMES)
    age = 4 + section // 2
    joined = school.before(school.chance.randint(60, 365 * max(1, age - 4) + 60)).date()
    return {
        "admission_number": f"SVN-{joined.year}-{number:04d}",
        "first_name": school.pick(*(names.GIRLS if girl else names.BOYS)),
        "last_name": last,
        "father_name": f"{school.pick(*names.BOYS)} {last}",
        "mother_name": f"{school.pick(*names.GIRLS)} {last}",
        "date_of_birth": str(school.before(365 * age + school.chance.randrange(365)).date()),
        "date_of_admission": str(joined),
        "aadhaar_number": f"0{school.chance.randrange(10**3):03d}-{school.chance.randrange(10**4):04d}-{number:04d}",
        "pen_number": None if number % 4 else f"0{number:010d}",
        "class_section_id": section,
        "gender": "Female" if girl else "Male",
        "religion": school.pick("Hindu", "Muslim", "Christian", "Sikh", "Other"),
        "caste_category": school.pick("General", "OBC", "SC", "ST", "EBC"),
        "address": school.pick(*names.PLACES),
        "mobile_number": school.mobile(),
        "email": school.pick("", f"family{number}@mail.example"),
        "blood_group": school.pick("A+", "B+", "O+", "AB+", "O-", ""),
        "student_image": school.pick("", f"students/images/{number}.jpg"),
        "aadhar_card": "",
        "transfer_certificate": "",
        "due_amount": f"{school.chance.randrange(50) * 100}.{school.pick('00', '50')}",
        "status": "ACTIVE",
        "status_reason": None,
        "status_changed_date": None,
        "status_changed_by": None,
    } | school.created(school.chance.randint(60, 300))


def attendance(
    school: Ledger, day: date, begun: datetime, pupils: Sequence[tuple[int, int]]
) -> Iterator[dict[str, object]]:
    """One day's entries of (student, class section) pairs, written down one after the other from ``begun`` on."""
    for order, (pupil, section) in enumerate(pupils):
        written = text(begun + timedelta(microseconds=order * 731_003 + school.chance.randrange(700_000)))
        yield {
            "created_at": written,
            "updated_at": written,
            "student_id": pupil,
            "date": str(day),
            "status": "Present" if school.chance.random() < 0.93 else school.pick("Absent", "Leave", "Late"),
            "class_section_id": section,
        }


def deposit(school: Ledger, pupil: int, receipt: int, moment: datetime) -> dict[str, object]:
    """A payment of a student. Receipt numbers repeat: every receipt book begins again."""
    amount = school.chance.randrange(9, 40) * 100
    discount = school.chance.choice((0, 0, 0, 50, 100))
    cash = school.chance.random() < 0.7
    return {
        "student_id": pupil,
        "amount": f"{amount}.00",
        "discount": f"{discount}.00",
        "paid_amount": f"{amount - discount}.00",
        "receipt_no": f"R-{receipt % 4000 + 1:05d}",
        "deposit_date": text(moment),
        "payment_mode": "Cash" if cash else "UPI",
        "transaction_no": None if cash else f"TX{school.chance.randrange(10**10):010d}",
        "payment_source": None if cash else "Parent",
        "note": school.chance.choice((None, None, "", "शुल्क प्राप्त", "Paid by grandmother ")),
    }


def _sections() -> list[int]:
    """The class section of every student, in the order of their primary keys."""
    lost = SECTIONS.index(LOST_CLASS) + 1
    others = [number for number in range(1, len(SECTIONS) + 1) if number != lost]
    sizes = dict.fromkeys(others, (STUDENTS - LOST_CLASS_SIZE) // len(others)) | {lost: LOST_CLASS_SIZE}
    for number in islice(others, STUDENTS - sum(sizes.values())):
        sizes[number] += 1
    return [number for number in sorted(sizes) for _ in range(sizes[number])]


def _school_days(day: date) -> Iterator[date]:
    """Days that are not Sundays, backwards from ``day``."""
    return (back for days in count() if (back := day - timedelta(days=days)).weekday() != 6)


def _enrolments(school: Ledger, sections: Sequence[int]) -> None:
    school.insert(
        "students_studentenrollment",
        [
            {
                "student_id": number,
                "enrollment_date": f"{school.year[:4]}-04-01",
                "class_name": SECTIONS[section - 1][0],
                "section": SECTIONS[section - 1][1] or "",
            }
            | school.created(150)
            for number, section in enumerate(sections, 1)
        ],
    )
    school.insert(
        "promotion_studentpromotion",
        [
            {
                "student_id": number,
                "from_class_section_id": section - 2,
                "to_class_section_id": section,
                "academic_year": school.year,
                "promotion_date": f"{school.year[:4]}-04-01",
                "remarks": school.pick("", "With distinction", "उत्तीर्ण"),
            }
            | school.created(155)
            for number, section in enumerate(sections, 1)
            if section > 5 and number % 3
        ],
    )


def _fees(school: Ledger) -> None:
    pupils = range(1, STUDENTS + 1)
    monthly = school.ids("SELECT id FROM fees_feestype WHERE fee_group_id = 1 ORDER BY id")
    school.insert(
        "fee_management_studentfee",
        [
            {
                "student_id": pupil,
                "fee_type_id": fee,
                "amount": "1200.00",
                "due_date": f"{school.year[:4]}-{4 + order:02d}-10",
                "is_paid": order == 0,
                "paid_date": f"{school.year[:4]}-04-08" if order == 0 else None,
                "academic_year": school.year,
            }
            | school.created(140)
            for pupil in pupils
            for order, fee in enumerate(school.chance.sample(monthly, 2))
        ],
    )
    payers = [pupil for pupil in pupils for _ in range(school.chance.choice((1, 2, 3)))]
    school.chance.shuffle(payers)
    length = len(payers)
    school.insert(
        "student_fees_feedeposit",
        [
            deposit(school, pupil, order, school.before(140 * (length - order) / length))
            for order, pupil in enumerate(payers)
        ],
    )
    # Every other first deposit pays the student's first fee.
    pairs = school.connection.execute(
        "SELECT min(d.id), f.id FROM student_fees_feedeposit d JOIN fee_management_studentfee f USING (student_id)"
        " WHERE f.is_paid AND d.id % 2 GROUP BY d.student_id, f.id ORDER BY 1"
    ).fetchall()
    school.insert(
        "fee_management_paymentallocation",
        [
            {"fee_deposit_id": paid, "student_fee_id": fee, "applied_fine_id": None, "allocated_amount": "900.00"}
            | {"allocation_date": text(school.before(100))}
            | school.created(100)
            for paid, fee in pairs
        ],
    )


def _transport(school: Ledger) -> None:
    stops = school.connection.execute("SELECT id, route_id FROM transport_stoppage ORDER BY id").fetchall()
    riders = sorted(school.chance.sample(range(1, STUDENTS + 1), 600))
    school.insert(
        "transport_transportassignment",
        [
            {"student_id": rider, "route_id": route, "stoppage_id": stop, "assigned_date": f"{school.year[:4]}-04-05"}
            for rider in riders
            for stop, route in (school.chance.choice(stops),)
        ],
    )


def _fines(school: Ledger) -> None:
    school.insert(
        "fines_fine",
        [
            {
                "class_section_id": section if section % 2 else None,
                "fine_type_id": school.chance.randint(1, 4),
                "fees_group_id": 1,
                "amount": "50.00",
                "dynamic_amount_percent": None if section % 4 else "2.50",
                "reason": school.pick("Paid late", "Book not returned", "देर से भुगतान"),
                "due_date": str(school.before(30).date()),
                "delay_days": 0,
                "applied_date": text(school.before(40)),
                "auto_generated": False,
                "is_active": True,
                "target_scope": "Class" if section % 2 else "Individual",
                "created_by_id": ACCOUNTANT,
            }
            | school.created(40)
            for section in range(4, len(SECTIONS) + 1)
        ],
    )
    fines = school.connection.execute("SELECT id, class_section_id FROM fines_fine").fetchall()
    school.insert("fines_fine_fees_types", [{"fine_id": fine, "feestype_id": 1 + fine % 60} for fine, _ in fines])
    everyone = range(1, STUDENTS + 1)
    school.insert(
        "fines_finestudent",
        [
            {
                "fine_id": fine,
                "student_id": pupil,
                "is_paid": pupil % 2 == 0,
                "is_waived": False,
                "waived_by_id": None,
                "waived_date": None,
                "payment_date": str(school.before(20).date()) if pupil % 2 == 0 else None,
                "calculated_amount": "50.00" if pupil % 3 else None,
            }
            | school.created(30)
            for fine, section in fines
            for pupil in sorted(
                school.chance.sample(
                    school.ids("SELECT id FROM students_student WHERE class_section_id = ?", section)
                    if section
                    else everyone,
                    15,
                )
            )
        ],
    )


def _messages(school: Ledger, sections: Sequence[int]) -> None:
    chosen = sorted(school.chance.sample(range(1, STUDENTS + 1), 200))
    school.insert(
        "messaging_messagelog",
        [
            {
                "sender_id": PRINCIPAL,
                "message_type": "SMS",
                "recipient_type": "INDIVIDUAL",
                "message_content": school.pick("The fee is due on Monday.", "कल विद्यालय बंद रहेगा।", "Réunion à 10 h"),
                "total_recipients": 1,
                "successful_sends": 1,
                "failed_sends": 0,
                "status": "SENT",
                "source_module": "messaging",
                "class_section_filter_id": sections[pupil - 1],
                "recipient_phone": school.mobile(),
                "recipient_name": "Parent",
                "msg91_message_id": f"{school.chance.getrandbits(48):012x}",
                "error_message": "",
                "student_id": pupil,
            }
            | school.created(school.chance.randint(1, 90))
            for pupil in chosen
        ],
    )
    school.insert(
        "messaging_messagerecipient",
        [
            {"message_log_id": log, "student_id": pupil, "teacher_id": None, "phone_number": school.mobile()}
            | {"name": "Parent", "role": "Student", "status": "SENT", "error_message": ""}
            | school.created(school.chance.randint(1, 90))
            for log, pupil in enumerate(chosen, 1)
        ],
    )

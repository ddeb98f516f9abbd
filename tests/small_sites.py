"""Sites of a few rows that tests can count in their heads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from tests import sites

MORNING = datetime(2025, 9, 1, 9, 30, 15, 123456, tzinfo=UTC)
STAMPS = {"created_at": MORNING, "updated_at": MORNING}

STUDENT: Mapping[str, Any] = {
    "first_name": "Meera",
    "last_name": "Rao",
    "father_name": "Dev Rao",
    "mother_name": "Lakshmi Rao",
    "date_of_birth": date(2012, 5, 17),
    "date_of_admission": date(2018, 4, 2),
    "aadhaar_number": None,
    "pen_number": None,
    "class_section_id": 1,
    "gender": "Female",
    "religion": "Hindu",
    "caste_category": "General",
    "address": "12 Temple Road",
    "mobile_number": "5551234567",
    "email": "",
    "blood_group": "O+",
    "student_image": "",
    "aadhar_card": "",
    "transfer_certificate": "",
    "due_amount": Decimal("0.00"),
    "status": "ACTIVE",
    "status_reason": None,
    "status_changed_date": None,
    "status_changed_by": None,
    **STAMPS,
}
"""A student without its primary key and admission number."""

APPS = ("fee_management", "school_profile", "student_fees")
"""Applications whose names have an underscore."""

FRAMEWORK = {
    "django_content_type": "contenttypes.contenttype",
    "django_migrations": "migrations.migration",
    "django_session": "sessions.session",
}

REFERENCES: frozenset[tuple[str, str]] = frozenset(
    (table, column)
    for ddl in (sites.SCHEMA.read_text("utf-8"), sites.LIBRARY)
    for table, body in re.findall(r'CREATE TABLE "(\w+)" \((.*?)\n\);', ddl, re.DOTALL)
    for column in re.findall(r'"(\w+)" [^\n]* REFERENCES', body)
)

KEYS: Mapping[str, str] = {
    table: column
    for ddl in (sites.SCHEMA.read_text("utf-8"), sites.LIBRARY)
    for table, column in re.findall(r'CREATE TABLE "(\w+)" \(\n  "(\w+)" [^\n]* PRIMARY KEY', ddl)
}
"""The primary key of every table; elsewhere it is the first column."""

NAMES = (
    ("Meera", "Rao"),
    ("अर्जुन", "शर्मा"),
    ("Zoë", "D'Souza"),
    ("José", "Núñez "),
    ("Riya", "Das"),
    ("देव", "गुप्ता"),
    ("Kabir", "Khan"),
    ("Diya", "Jha"),
    ("Aarav", "Mehta"),
    ("Tara", "Iyer"),
    ("Yash", "Sinha"),
    ("Renée", "Fernandes"),
)


def school_small(url: str) -> str:
    """Twelve students in three class sections, with a little of everything that a school has."""
    return sites.write(sites.school_schema(url), school_rows())


def school_rows() -> dict[str, list[dict[str, Any]]]:
    """The rows of :func:`school_small`, referenced tables first."""
    pupils = range(1, len(NAMES) + 1)
    user = {"password": "!unusable", "last_login": None, "is_superuser": False, "is_staff": False, "is_active": True}
    user |= {"first_name": "", "last_name": "", "email": "", "date_joined": MORNING, "profile_picture": None}
    return {
        "django_content_type": [
            {"id": 1, "app_label": "students", "model": "student"},
            {"id": 2, "app_label": "subjects", "model": "subject"},
        ],
        "auth_permission": [
            {"id": 1, "name": "Can add student", "content_type_id": 1, "codename": "add_student"},
            {"id": 2, "name": "Can add subject", "content_type_id": 2, "codename": "add_subject"},
        ],
        "django_migrations": [{"id": 1, "app": "students", "name": "0001_initial", "applied": MORNING}],
        "django_session": [{"session_key": "s" * 32, "session_data": "e30", "expire_date": MORNING}],
        "auth_group": [{"id": 1, "name": "Office"}],
        "auth_group_permissions": [{"id": 1, "group_id": 1, "permission_id": 1}],
        "users_customuser": [
            {"id": 1, "username": "principal", "role": "admin", "mobile": None} | user | {"is_superuser": True},
            {"id": 2, "username": "Superuser", "role": "admin", "mobile": "5550000002"} | user,
            {"id": 3, "username": "SuperUser", "role": "teacher", "mobile": "5550000003"} | user,
        ],
        "users_customuser_groups": [{"id": 1, "customuser_id": 2, "group_id": 1}],
        "subjects_classsection": [
            {"id": 1, "class_name": "Class 7", "section_name": "A", "room_number": "R1", "created_at": MORNING},
            {"id": 2, "class_name": "Class 7", "section_name": "B", "room_number": None, "created_at": MORNING},
            {"id": 3, "class_name": "Nursery", "section_name": None, "room_number": None, "created_at": MORNING},
        ],
        "teachers_teacher": [
            {"id": number, "name": name, "mobile": "5550000010", "email": email, "qualification": "B.Ed"}
            | {"joining_date": date(2020, 4, 1), "photo": "", "resume": None, "joining_letter": None}
            for number, name, email in ((1, "Siân Mehta", "sian@school.example"), (2, "गौतम झा", None))
        ],
        "subjects_subject": [
            {"id": number, "name": name, "created_at": MORNING}
            for number, name in enumerate(("English", "हिन्दी", "Physics"), 1)
        ],
        "subjects_subjectassignment": [
            {"id": number, "class_section_id": section, "subject_id": subject, "teacher_id": teacher}
            | {"created_at": MORNING}
            for number, (section, subject, teacher) in enumerate(((1, 1, 1), (1, 2, 2), (2, 1, 1), (3, 3, None)), 1)
        ],
        "transport_route": [{"id": 1, "name": "Route 1"}, {"id": 2, "name": "Route 2"}],
        "transport_stoppage": [
            {"id": 1, "route_id": 1, "name": "Clock Tower"},
            {"id": 2, "route_id": 1, "name": "Lake Gate"},
            {"id": 3, "route_id": 2, "name": "Ferry Point"},
        ],
        "students_student": [
            {**STUDENT, "id": pupil, "admission_number": f"A-{pupil:03d}", "first_name": first, "last_name": last}
            | {"class_section_id": (pupil - 1) % 3 + 1, "due_amount": Decimal(pupil * 50) / 4}
            for pupil, (first, last) in zip(pupils, NAMES, strict=True)
        ],
        "transport_transportassignment": [
            {"id": pupil, "student_id": pupil, "route_id": 1, "stoppage_id": 2, "assigned_date": date(2025, 4, 5)}
            for pupil in (1, 2, 3)
        ],
        "fees_feesgroup": [
            {"id": 1, "fee_group": "Monthly", "group_type": "Tuition Fee", "fee_type": "Class Based", **STAMPS}
            | {"related_class_section_id": 2, "related_stoppage_id": None}
        ],
        "fees_feestype": [
            {"id": number, "fee_group_id": 1, "amount": Decimal("900.50"), "amount_type": "Monthly", **STAMPS}
            | {"context_type": "general", "context_data": {"class": name, "n": [1, 2.5, None]}, "month_name": None}
            | {"class_name": name, "stoppage_name": None, "related_stoppage_id": None}
            for number, name in ((1, "Class 7"), (2, None))
        ],
        "fee_management_studentfee": [
            {"id": pupil, "student_id": pupil, "fee_type_id": 1, "amount": Decimal("900.50"), **STAMPS}
            | {"due_date": date(2025, 9, 10), "is_paid": False, "paid_date": None, "academic_year": "2025-26"}
            for pupil in (1, 2)
        ],
        "student_fees_feedeposit": [
            # Two receipts carry the same number, as they do.
            {"id": number, "student_id": pupil, "amount": Decimal("1000.00"), "discount": Decimal("0.00")}
            | {"paid_amount": Decimal("1000.00"), "receipt_no": receipt, "deposit_date": MORNING}
            | {"payment_mode": "Cash", "transaction_no": None, "payment_source": "", "note": None}
            for number, (pupil, receipt) in enumerate(((1, "R-1"), (2, "R-1"), (2, "R-2"), (5, "R-3")), 1)
        ],
        "fines_finetype": [
            {"id": 1, "name": "Late fee", "category": "Late Fee", "description": "", "is_active": True, **STAMPS}
            | {"created_by_id": 1}
        ],
        "fines_fine": [
            {
                "id": 1,
                "class_section_id": 1,
                "fine_type_id": 1,
                "fees_group_id": 1,
                "amount": Decimal("50.00"),
                **STAMPS,
            }
            | {"dynamic_amount_percent": None, "reason": "Late", "due_date": date(2025, 9, 9), "delay_days": 0}
            | {"applied_date": MORNING, "auto_generated": False, "is_active": True, "target_scope": "Class"}
            | {"created_by_id": 1}
        ],
        "fines_fine_fees_types": [{"id": 1, "fine_id": 1, "feestype_id": 1}],
        "fines_finestudent": [
            {"id": 1, "fine_id": 1, "student_id": 1, "is_paid": False, "is_waived": False, "waived_by_id": None}
            | {"waived_date": None, "payment_date": None, "calculated_amount": None, **STAMPS}
        ],
        "attendance_attendance": [
            {"id": number, "student_id": pupil, "date": date(2025, 9, day), "status": "Present", **STAMPS}
            | {"class_section_id": (pupil - 1) % 3 + 1}
            for number, (day, pupil) in enumerate(((day, pupil) for day in (1, 2) for pupil in pupils), 1)
        ],
        "core_auditlog": [
            {"id": 1, "user_id": 1, "action": "login", "module": None, "details": {}, "ip_address": "192.0.2.7"}
            | {"user_agent": None, "created_at": MORNING}
        ],
        "core_exportjob": [
            {"id": 1, "request_id": UUID(int=7), "user_id": 1, "module": "fees", "data_type": "deposits"}
            | {"format": "csv", "filters": {"month": "April"}, "status": "done", "created_at": MORNING}
            | {"completed_at": None, "file_path": None, "file_size": None, "error_message": None, "task_id": None}
        ],
    }


def library(url: str) -> str:
    """Three authors, two publishers, four books, with copies, tags and loans."""
    return sites.write(sites.library_schema(url), library_rows())


def library_rows() -> dict[str, list[dict[str, Any]]]:
    """The rows of :func:`library`; the publisher's flagship closes a cycle."""
    return {
        "library_author": [
            {"id": 1, "name": "Anaïs Ray", "born": date(1950, 2, 28), "mentor_id": None},
            {"id": 2, "name": "प्रेम दास", "born": None, "mentor_id": 1},
            {"id": 3, "name": "O'Neil", "born": date(1899, 12, 31), "mentor_id": 3},
        ],
        "library_publisher": [
            {"id": 1, "name": "North", "flagship_id": 1},
            {"id": 2, "name": "South", "flagship_id": None},
        ],
        "library_book": [
            {"id": number, "isbn": f"978000000000{number}", "title": title, "price": price, "pages": 100 * number}
            | {"weight": 0.1 * number, "in_print": number % 2 == 1, "added": MORNING, "updated_at": MORNING}
            | {"facts": {"languages": ["en", "हि"], "n": number}, "cover": b"\x00\xff" if number == 1 else None}
            | {"author_id": author, "publisher_id": 1 + number % 2}
            for number, title, price, author in (
                (1, "Rivers", Decimal("10.50"), 1),
                (2, "रेत", Decimal("0.00"), 2),
                (3, "Zero, or nothing", None, None),
                (4, "Rivers", Decimal("99999999.99"), 1),
            )
        ],
        "library_tag": [{"code": "new", "title": "New"}, {"code": "old", "title": "Old"}],
        "library_book_tags": [
            {"id": number, "book_id": book, "tag_id": tag}
            for number, (book, tag) in enumerate(((1, "new"), (1, "old"), (2, "new")), 1)
        ],
        "library_copy": [
            {"id": UUID(int=number), "book_id": book, "shelf": shelf, "number": number}
            for number, (book, shelf) in enumerate(((1, "A"), (1, "A"), (2, None)), 1)
        ],
        "library_loan": [
            {"id": number, "copy_id": UUID(int=1), "reader": reader, "since": MORNING, "until": None, "note": None}
            | {"due_at": time(17, 45)}
            for number, reader in enumerate(("Riya", "Riya", "Yash"), 1)
        ],
    }


def fixture_of(path: Path, contents: Mapping[str, list[dict[str, Any]]]) -> Path:
    """Write rows by table as a fixture; every table stands under ``app.model``."""
    return sites.fixture(path, records_of(contents))


def records_of(contents: Mapping[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Rows by table as records of a fixture, written as Django writes them."""
    for table, rows in contents.items():
        for row in rows:
            key = KEYS.get(table, next(iter(row)))
            fields = {_field(table, name): value for name, value in row.items() if name != key}
            yield {"model": label(table), "pk": row[key], "fields": fields}


def label(table: str) -> str:
    """The label of a table's model."""
    if table in FRAMEWORK:
        return FRAMEWORK[table]
    app = next((app for app in APPS if table.startswith(f"{app}_")), table.partition("_")[0])
    return f"{app}.{table.removeprefix(f'{app}_')}"


def _field(table: str, column: str) -> str:
    return column.removesuffix("_id") if (table, column) in REFERENCES else column

"""Accounts, classes and teachers of the demo school."""

from __future__ import annotations

import json

from webapp.demo import names
from webapp.demo.framework import install, unusable_password
from webapp.demo.ledger import Ledger, text

SECTIONS = (
    ("Nursery", None),
    ("LKG", "A"),
    ("UKG", "A"),
    *((f"Class {number}", letter) for number in range(1, 13) for letter in "AB"),
)
"""Class sections in the order of their primary keys, from 1. The nursery has no sections: its name is NULL."""

TEACHERS = 60
PRINCIPAL, ACCOUNTANT = 1, 2


def hire(school: Ledger) -> None:
    """Write accounts, classes, teachers and what they teach."""
    _framework(school)
    _accounts(school)
    _classes(school)
    _teaching(school)


def _framework(school: Ledger) -> None:
    install(school, names.MODELS)
    school.insert("auth_group", [{"name": name} for name in ("Office", "Teachers", "Accounts")])
    school.insert(
        "auth_group_permissions",
        [{"group_id": number % 3 + 1, "permission_id": number} for number in range(1, len(names.MODELS) * 4 + 1)],
    )


def _accounts(school: Ledger) -> None:
    # Two people whose names differ by case only: user names are case-sensitive.
    chiefs = ("principal", "accountant", "clerk", "Superuser", "SuperUser")
    people = [*chiefs, *(f"teacher{number:02d}" for number in range(1, TEACHERS + 1))]
    school.insert(
        "users_customuser",
        [
            {
                "password": unusable_password(school),
                "last_login": text(school.before(school.chance.randint(0, 30))) if number % 3 else None,
                "is_superuser": name == "principal",
                "username": name,
                "first_name": school.pick(*names.GIRLS, *names.BOYS),
                "last_name": school.pick(*names.SURNAMES),
                "email": f"{name}@saraswati.example",
                "is_staff": name in chiefs,
                "is_active": True,
                "date_joined": text(school.before(300)),
                "role": "admin" if name in chiefs else "teacher",
                "mobile": f"5551{number:06d}" if number % 2 else None,
                "profile_picture": "",
            }
            for number, name in enumerate(people)
        ],
    )
    school.insert(
        "users_customuser_groups",
        [{"customuser_id": number, "group_id": 1 if number < 6 else 2} for number in range(1, len(people) + 1)],
    )
    modules = [row[1] for row in school.connection.execute("PRAGMA table_info(users_module_permissions)")]
    rights = [column for column in modules if column.endswith(("_view", "_edit"))]
    school.insert(
        "users_module_permissions",
        [
            {"user_id": user, **{right: user == PRINCIPAL or right.endswith("_view") for right in rights}}
            | school.created(290)
            for user in range(1, len(chiefs) + 1)
        ],
    )
    school.insert(
        "settings_userpreferences",
        [
            {
                "user_id": user,
                "theme": school.pick("light", "dark"),
                "language": school.pick("en", "hi"),
                "dashboard_layout": "detailed",
                "items_per_page": 25,
                "email_notifications": True,
                "sms_notifications": False,
                "desktop_notifications": True,
                "module_settings": json.dumps({"students": {"columns": ["name", "class"], "page": user}}),
            }
            | school.created(200)
            for user in range(1, 20)
        ],
    )


def _classes(school: Ledger) -> None:
    school.insert(
        "school_profile_class",
        [{"name": name, "display_order": order} for order, name in enumerate(names.CLASSES, 1)],
    )
    school.insert(
        "school_profile_promotionrule",
        [
            {"current_class_id": order, "next_class_id": order + 1, "is_active": True}
            for order in range(1, len(names.CLASSES))
        ],
    )
    school.insert("subjects_class", [{"name": name} for name in names.CLASSES])
    school.insert("subjects_section", [{"name": name} for name in "AB"])
    school.insert(
        "subjects_classsection",
        [
            {
                "class_name": name,
                "section_name": section,
                "room_number": f"R{100 + number}" if number % 5 else None,
                "created_at": text(school.before(350)),
            }
            for number, (name, section) in enumerate(SECTIONS, 1)
        ],
    )
    school.insert(
        "promotion_promotionrule",
        [
            {
                "from_class_section_id": number,
                "to_class_section_id": number + 2,
                "minimum_percentage": "33.00",
                "academic_year": school.year,
                "current_class_section_id": number,
                "next_class_section_id": number + 2,
                "name": f"{SECTIONS[number - 1][0]} onwards",
                "min_marks": None,
            }
            | school.created(180)
            for number in range(4, len(SECTIONS) - 1)
        ],
    )


def _teaching(school: Ledger) -> None:
    school.insert(
        "teachers_teacher",
        [
            {
                "name": f"{school.pick(*names.GIRLS, *names.BOYS)} {school.pick(*names.SURNAMES)}",
                "mobile": school.mobile(),
                "email": f"teacher{number:02d}@saraswati.example" if number % 9 else None,
                "qualification": school.pick("B.Ed", "M.A, B.Ed", "M.Sc, B.Ed", "Ph.D", ""),
                "joining_date": str(school.before(school.chance.randint(200, 4000)).date()),
                "photo": f"teacher_photos/{number}.jpg",
                "resume": school.pick("", f"teacher_resumes/{number}.pdf"),
                "joining_letter": None,
            }
            for number in range(1, TEACHERS + 1)
        ],
    )
    school.insert(
        "subjects_subject",
        [{"name": name, "created_at": text(school.before(350))} for name in names.SUBJECTS],
    )
    school.insert(
        "subjects_subjectassignment",
        [
            {
                "class_section_id": section,
                "subject_id": subject,
                "teacher_id": school.chance.randint(1, TEACHERS) if subject % 7 else None,
                "created_at": text(school.before(340)),
            }
            for section in range(1, len(SECTIONS) + 1)
            for subject in sorted(school.chance.sample(range(1, len(names.SUBJECTS) + 1), 7))
        ],
    )

"""Routes, fees and settings of the demo school."""

from __future__ import annotations

import json

from webapp.demo import names
from webapp.demo.ledger import Ledger, text
from webapp.demo.staff import ACCOUNTANT, PRINCIPAL, SECTIONS


def furnish(school: Ledger) -> None:
    """Write what the office keeps besides people."""
    _transport(school)
    _fees(school)
    _settings(school)


def _transport(school: Ledger) -> None:
    school.insert("transport_route", [{"name": name} for name in names.ROUTES])
    school.insert(
        "transport_stoppage",
        [{"route_id": route, "name": name} for route, stops in enumerate(names.ROUTES.values(), 1) for name in stops],
    )


def _fees(school: Ledger) -> None:
    groups = (
        ("Monthly", "Tuition Fee", "Class Based", None),
        ("Monthly", "Transport", "Stoppage Based", None),
        ("Annual", "Development Fee", "General", None),
        ("One Time", "Admission Fee", "General", None),
        ("Monthly", "Laboratory Fee", "Class Based", SECTIONS.index(("Class 7", "B")) + 1),
    )
    school.insert(
        "fees_feesgroup",
        [
            {"fee_group": period, "group_type": kind, "fee_type": basis, "related_class_section_id": section}
            | {"related_stoppage_id": None}
            | school.created(330)
            for period, kind, basis, section in groups
        ],
    )
    stops = [name for route in names.ROUTES.values() for name in route]
    types: list[tuple[int, str, str | None, str | None, int | None, int]] = [
        (1, "Monthly", month, name, None, 900 + 100 * order)
        for order, name in enumerate(names.CLASSES)
        for month in names.MONTHS
    ]
    types += [(2, "Monthly", None, None, stop, 400 + 25 * stop) for stop in range(1, len(stops) + 1)]
    types += [(3, "Yearly", None, None, None, 1500), (4, "One Time", None, None, None, 2500)]
    types += [(5, "Monthly", None, "Class 7", None, 250)]
    school.insert(
        "fees_feestype",
        [
            {
                "fee_group_id": group,
                "amount": f"{amount}.00",
                "amount_type": kind,
                "context_type": "general",
                "context_data": json.dumps({"class": name} if name else {}),
                "month_name": month,
                "class_name": name,
                "stoppage_name": stops[stop - 1] if stop else None,
                "related_stoppage_id": stop,
            }
            | school.created(320)
            for group, kind, month, name, stop, amount in types
        ],
    )
    school.insert(
        "fines_finetype",
        [
            {"name": name, "category": category, "description": f"{name}.", "is_active": True}
            | {"created_by_id": ACCOUNTANT}
            | school.created(310)
            for name, category in (
                ("Late fee", "Late Fee"),
                ("Library book lost", "Damage"),
                ("No uniform", "Discipline"),
                ("पुस्तकालय विलंब", "Late Fee"),
            )
        ],
    )
    school.insert(
        "fines_finetemplate",
        [
            {
                "name": "Late fee after a week",
                "fine_type_id": 1,
                "amount": "50.00",
                "dynamic_amount_percent": None,
                "reason": "The fee was not paid in time.",
                "delay_days": 7,
                "fees_group_id": 1,
                "fees_type_id": None,
                "created_by_id": ACCOUNTANT,
            }
            | school.created(300)
        ],
    )


def _settings(school: Ledger) -> None:
    night = school.last_night
    start = int(school.year[:4])
    school.insert(
        "school_profile_schoolprofile",
        [
            {
                "school_name": "Saraswati Vidya Niketan",
                "principal_name": "Dr. Meera Kulkarni",
                "address": "1 School Road, शिक्षा नगर",
                "email": "office@saraswati.example",
                "mobile": "5550000001",
                "registration_number": "SVN/1987/042",
                "website": "https://saraswati.example",
                "logo": "school/logo.png",
                "academic_calendar": "",
                "start_date": f"{start}-04-01",
                "end_date": f"{start + 1}-03-31",
                "academic_session_start_month": 4,
            }
        ],
    )
    school.insert(
        "messaging_messagingconfig",
        [
            {"sender_name": "Saraswati", "sender_phone": "5550000001", "sms_enabled": True, "is_active": True}
            | school.created(300)
        ],
    )
    school.insert(
        "messaging_messagetemplate",
        [
            {"name": name, "message_type": kind, "template_content": content, "created_by_id": PRINCIPAL}
            | {"is_active": True}
            | school.created(280)
            for name, kind, content in (
                ("Fee reminder", "fee", "Dear {parent}, the fee of {student} is due on {date}."),
                ("अनुपस्थिति", "attendance", "प्रिय अभिभावक, {student} आज अनुपस्थित है।"),
            )
        ],
    )
    school.insert(
        "core_auditlog",
        [
            {
                "user_id": school.chance.choice((PRINCIPAL, ACCOUNTANT, None)),
                "action": school.pick("login", "export", "update"),
                "module": school.pick("students", "fees", "attendance"),
                "details": json.dumps({"rows": school.chance.randrange(100), "note": "नियमित"}),
                "ip_address": f"192.0.2.{school.chance.randrange(1, 255)}",
                "user_agent": "Mozilla/5.0",
                "created_at": text(school.before(days / 2)),
            }
            for days in range(300, 0, -1)
        ],
    )
    school.insert(
        "core_exportjob",
        [
            {
                "request_id": f"{school.chance.getrandbits(128):032x}",
                "user_id": ACCOUNTANT,
                "module": "fees",
                "data_type": "deposits",
                "format": "xlsx",
                "filters": json.dumps({"month": month}),
                "status": "done",
                "created_at": text(school.before(30 * order + 2)),
                "completed_at": text(school.before(30 * order)),
                "file_path": f"exports/{month}.xlsx",
                "file_size": school.chance.randrange(10**5),
                "error_message": None,
                "task_id": None,
            }
            for order, month in enumerate(names.MONTHS)
        ],
    )
    school.insert(
        "scheduled_backups",
        [
            {
                "name": "Every night",
                "backup_type": "full",
                "cron_expression": "0 22 * * *",
                "is_active": True,
                "last_run": text(night),
                "last_status": "done",
                "description": "",
                "created_by_id": PRINCIPAL,
                "created_at": text(school.before(200)),
            }
        ],
    )

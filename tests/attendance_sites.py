"""A small attendance system, and sync files of it made by a rule of their own.

What tests compare with must not come from what they test: the checksum is computed here as the format describes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from tests import sites
from webapp.demo.attendance import SCHEMA

MADE = datetime(2025, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)
STAMP = "2025-11-22T09:00:00.123456+00:00"

TIMES = ("in_time", "out_time", "in_time_2", "out_time_2", "in_time_3", "out_time_3", "overtime")

UNTOLD: Mapping[str, Any] = {
    "hours": "08:00",
    "cont_code": "300001",
    "trade": "Fitter",
    "contract": "C-1",
    "mandays": None,
    "regular_manday_hr": "",
    "ot": "02:00",
    "actual_overstay": "",
    "approved_overtime": "",
    "approved_regular_manday_hours": "",
    "contractor_ot_reason": "शटडाउन",
    "contractor_ot_remarks": "",
    "ot_request_status": "APPROVED",
    "requested_eic_code": "",
    "requested_eic_name": "",
    "requested_overtime": "",
    "requested_regular_manday_hours": "",
}
"""Columns that a sync file does not have."""


def schema(url: str) -> str:
    """An empty attendance system."""
    return sites.build(url, SCHEMA.read_text("utf-8"))


def row(number: int, ep_no: str, day: int, company: int, **more: Any) -> dict[str, Any]:
    """A row of the attendance table."""
    return {
        "id": number,
        "ep_no": ep_no,
        "ep_name": f"Person {ep_no}",
        "date": date(2025, 11, day),
        "shift": "G",
        "overstay": "00:00",
        "status": "P",
        "in_time": time(8, 35, 12),
        "out_time": time(17, 4, 59),
        "in_time_2": None,
        "out_time_2": None,
        "in_time_3": None,
        "out_time_3": None,
        "overtime": None,
        "overtime_to_mandays": "",
        "created_at": MADE,
        "updated_at": MADE,
        "company_id": company,
        **UNTOLD,
        **more,
    }


def small(url: str) -> str:
    """Two companies (one is called by a number) and four days of two people."""
    schema(url)
    return sites.write(
        url,
        {
            "core_company": [
                {"id": 7, "name": "Śląsk & Söhne", "created_at": MADE},
                {"id": 8, "name": "300045", "created_at": MADE},
            ],
            "core_attendancerecord": [
                row(1, "PP1", 20, 7),
                row(2, "PP1", 21, 7, overtime=time(1, 30), overtime_to_mandays="0.25"),
                row(3, "PP2", 20, 8, status="A", in_time=None, out_time=None),
                row(4, "PP2", 21, 8, in_time=time(20, 0), out_time=time(4, 0)),
            ],
        },
    )


def company(name: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """A company as a sync file tells it."""
    return {"id": number, "name": name, "created_at": STAMP, **more}


def record(ep_no: str, day: int, company_name: str, **more: Any) -> dict[str, Any]:
    """An attendance record as a sync file tells it; like :func:`row`, with times to the minute."""
    return {
        "ep_no": ep_no,
        "ep_name": f"Person {ep_no}",
        "company_name": company_name,
        "date": f"2025-11-{day:02d}",
        "shift": "G",
        "overstay": "00:00",
        "status": "P",
        **dict.fromkeys(TIMES),
        "in_time": "08:35",
        "out_time": "17:04",
        "overtime_to_mandays": None,
        "created_at": STAMP,
        "updated_at": STAMP,
        **more,
    }


def of_small() -> list[dict[str, Any]]:
    """What a sync file of :func:`small` says of attendance."""
    return [
        record("PP1", 20, "Śląsk & Söhne"),
        record("PP1", 21, "Śląsk & Söhne", overtime="01:30", overtime_to_mandays="0.25"),
        record("PP2", 20, "300045", status="A", in_time=None, out_time=None),
        record("PP2", 21, "300045", in_time="20:00", out_time="04:00"),
    ]


def checksum(told: Mapping[str, Any]) -> str:
    """The rule of the format, word for word."""
    signed = {name: value for name, value in told.items() if name not in ("checksum", "created_at", "updated_at", "id")}
    return hashlib.sha256(json.dumps(signed, sort_keys=True).encode()).hexdigest()


def signed(told: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Records with their checksums; one that has a checksum keeps it."""
    return [{**each, "checksum": each.get("checksum", checksum(each))} for each in told]


def content(
    companies: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]], **metadata: Any
) -> dict[str, Any]:
    """A sync file as a value."""
    return {
        "metadata": {
            "version": "1.0",
            "created_at": STAMP,
            "backup_type": "full",
            "total_companies": len(companies),
            "total_attendance_records": len(records),
            **metadata,
        },
        "companies": signed(companies),
        "attendance_records": signed(records),
    }


def file(
    path: Path,
    companies: Sequence[Mapping[str, Any]] = (company("Śląsk & Söhne", 3), company("300045", 1)),
    records: Sequence[Mapping[str, Any]] | None = None,
    **metadata: Any,
) -> Path:
    """A sync file of :func:`small`, or of other companies and records."""
    told = of_small() if records is None else records
    path.write_text(json.dumps(content(companies, told, **metadata), indent=2), "utf-8")
    return path

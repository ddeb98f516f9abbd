"""Attendance day by day, up to last night; then the morning on which a month was lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from webapp.demo.attendance_people import ADMINS, EMPLOYEES, TRADES, company_of, employee, ep_no
from webapp.demo.ledger import Ledger, text
from webapp.demo.morning import Morning

DAYS = 80
"""Up to last night. The whole month before the present one is always among them."""

LOST_COMPANY, SPOILT_COMPANY = 1, 2
HIRED, CORRECTED = 3, 8
UPLOADING = (3, 4, 5, 6, 7)
"""Companies whose attendance of today is in already."""

Staff = Sequence[tuple[int, str]]
"""Employees: number and name."""


def write_days(system: Ledger) -> None:
    """Write the attendance of all days, and the log of the uploads that brought it."""
    staff = _staff(system, range(1, EMPLOYEES + 1))
    last = system.last_night.date()
    for day in (last - timedelta(days=back) for back in range(DAYS, 0, -1)):
        uploaded = datetime.combine(day + timedelta(days=1), time(1, 30), UTC)
        system.insert("core_attendancerecord", attendance(system, day, uploaded, staff))
        _log(system, f"attendance_{day:%Y%m%d}.xlsx", uploaded, EMPLOYEES)


def attendance(system: Ledger, day: date, uploaded: datetime, staff: Staff) -> Iterator[dict[str, object]]:
    """One day's records of these employees, as one upload brings them."""
    written = text(uploaded.replace(microsecond=system.chance.randrange(1, 1_000_000)))
    rest = day.weekday() == 6
    for number, name in staff:
        luck = system.chance.random()
        there = luck < 0.86 and not rest
        late = int(luck * 1000) % 25
        over = there and late < 4
        yield {
            "ep_no": ep_no(number),
            "ep_name": name,
            "date": str(day),
            "shift": "ABG"[number % 3],
            "overstay": "02:00" if over else "00:00",
            "status": "P" if there else "WO" if rest else "PD" if luck < 0.9 else "A",
            "in_time": f"08:{35 + late:02d}:00" if there else None,
            "out_time": f"{19 if over else 17}:{late:02d}:00" if there else None,
            "in_time_2": None,
            "out_time_2": None,
            "in_time_3": None,
            "out_time_3": None,
            "overtime": "02:00:00" if over else None,
            "overtime_to_mandays": "0.25" if over else "",
            "created_at": written,
            "updated_at": written,
            "company_id": company_of(number),
            "hours": ("10:00" if over else "08:00") if there else "",
            "cont_code": str(300_000 + company_of(number)),
            "trade": TRADES[number % len(TRADES)],
            "contract": f"C-{company_of(number):03d}",
            "mandays": "1.00" if there else "0.00",
            "regular_manday_hr": "08:00" if there else "",
            "ot": "02:00" if over else "",
            "actual_overstay": "02:00" if over else "",
            "approved_overtime": "02:00" if over and late else "",
            "approved_regular_manday_hours": "",
            "contractor_ot_reason": "शटडाउन" if over and late == 1 else "",
            "contractor_ot_remarks": "",
            "ot_request_status": "APPROVED" if over and late else "",
            "requested_eic_code": "",
            "requested_eic_name": "",
            "requested_overtime": "",
            "requested_regular_manday_hours": "",
        }


def lost_month(system: Ledger) -> tuple[date, date]:
    """The first day of the month before the present one, and the first day after it."""
    end = system.last_night.date().replace(day=1)
    return (end - timedelta(days=1)).replace(day=1), end


def strike(system: Ledger, _folder: Path, moment: datetime) -> Morning:
    """Do a morning's work up to ``moment``, then the accident."""
    morning = Morning()
    _work(system, moment, morning)
    _lose(system, morning)
    return morning


def _work(system: Ledger, moment: datetime, morning: Morning) -> None:
    """Uploads and corrections that a restore must not take back."""
    hired = range(EMPLOYEES + 1, EMPLOYEES + HIRED + 1)
    at = text(moment - timedelta(minutes=55, microseconds=3))
    system.insert("employees", [employee(system, number) | {"created_at": at, "updated_at": at} for number in hired])
    uploaded = moment - timedelta(minutes=30)
    present = [number for number in range(1, EMPLOYEES + 1) if company_of(number) in UPLOADING]
    rows = list(attendance(system, system.today, uploaded, _staff(system, present)))
    system.insert("core_attendancerecord", rows)
    _log(system, f"attendance_{system.today:%Y%m%d}.xlsx", uploaded, len(rows))
    wrong = system.ids(
        "SELECT id FROM core_attendancerecord WHERE status = 'A' AND company_id > ? AND date < ? ORDER BY id DESC LIMIT 300",
        SPOILT_COMPANY,
        str(system.today),
    )
    for order, number in enumerate(system.chance.sample(wrong, CORRECTED)):
        system.connection.execute(
            "UPDATE core_attendancerecord SET status = 'P', in_time = '08:40:00', updated_at = ? WHERE id = ?",
            (text(moment - timedelta(minutes=20 - order, microseconds=number)), number),
        )
    morning.corrected = CORRECTED
    morning.added = {"employees": HIRED, "core_attendancerecord": len(rows), "core_uploadlog": 1}


def _lose(system: Ledger, morning: Morning) -> None:
    """One company's month is deleted; another's is overwritten by a wrong file, past the application's stamps."""
    begin, end = lost_month(system)
    within = "company_id = ? AND date >= ? AND date < ?"
    gone = system.connection.execute(
        f"DELETE FROM core_attendancerecord WHERE {within}",  # noqa: S608 - names are our own
        (LOST_COMPANY, str(begin), str(end)),
    )
    spoilt = system.connection.execute(
        "UPDATE core_attendancerecord SET status = 'A', in_time = NULL, out_time = NULL, hours = '', mandays = '0.00'"  # noqa: S608
        f" WHERE status = 'P' AND {within}",
        (SPOILT_COMPANY, str(begin), str(end)),
    )
    morning.lost = {"core_attendancerecord": gone.rowcount}
    morning.spoilt = {"status": spoilt.rowcount}


def _staff(system: Ledger, numbers: Sequence[int]) -> Staff:
    called = dict(system.connection.execute("SELECT ep_no, ep_name FROM employees").fetchall())
    return [(number, called[ep_no(number)]) for number in numbers]


def _log(system: Ledger, name: str, uploaded: datetime, rows: int) -> None:
    system.insert(
        "core_uploadlog",
        [
            {"uploaded_at": text(uploaded), "filename": name, "success_count": rows, "updated_count": 0}
            | {"error_count": 0, "error_messages": "", "user_id": system.chance.choice(ADMINS)}
        ],
    )

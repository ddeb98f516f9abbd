"""The generated data: 100 companies and attendance records with 16 mixed columns, the same on every run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

COMPANIES = 100
EMPLOYEES = 5_000
CHANGED_EACH = 10
"""In the changed file every tenth record differs in two columns."""

COLUMNS = (
    "id",
    "ep_no",
    "ep_name",
    "company_id",
    "date",
    "shift",
    "overstay",
    "status",
    "in_time",
    "out_time",
    "hours",
    "overtime",
    "mandays",
    "is_active",
    "created_at",
    "updated_at",
    "remarks",
)

Row = tuple[int, str, str, int, str, str, str, str, str, str | None, str, str, str, bool, str, str, str]


def company(number: int) -> tuple[int, str]:
    """A parent row: its key and its name."""
    return number, f"Fïrma {number:03d} एण्ड सन्स"


def row(number: int, *, changed: bool = False) -> Row:
    """An attendance record. Instants are in UTC, to the millisecond, as Django's encoder writes them."""
    employee, day = (number - 1) % EMPLOYEES, (number - 1) // EMPLOYEES
    minute = number % 60
    return (
        number,
        f"E{employee:05d}",
        f"Näme {employee} कुमार",
        1 + employee % COMPANIES,
        f"{2001 + day // 336}-{1 + day // 28 % 12:02d}-{1 + day % 28:02d}",
        "GABC"[employee % 4],
        f"0:{minute:02d}",
        "A" if changed else "P",
        f"08:{minute:02d}:02",
        None if number % 7 == 0 else f"17:{minute:02d}:00",
        f"09:{minute:02d}",
        f"1.{number % 10}",
        f"{number % 100}.{minute:02d}",
        number % 11 != 0,
        f"2026-03-01 04:{minute:02d}:06.{number % 1000:03d}",
        f"2026-03-0{2 if changed else 1} 05:{minute:02d}:06.{(number * 7) % 1000:03d}",
        f'remark {number} "quoted", line',
    )


def batches(rows: int, size: int = 5_000) -> Iterator[list[Row]]:
    """The records in lists."""
    for start in range(1, rows + 1, size):
        yield [row(number) for number in range(start, min(start + size, rows + 1))]


def write_fixture(path: Path, rows: int, *, changed: bool = False) -> None:
    """Write the data as dumpdata writes it. An existing file of that name is the same data and is kept."""
    if path.exists():
        return
    temporary = path.with_suffix(".part")
    with temporary.open("w", encoding="utf-8") as file:
        file.write("[\n")
        for number in range(1, COMPANIES + 1):
            key, name = company(number)
            record = {"model": "bench.company", "pk": key, "fields": {"name": name}}
            file.write(json.dumps(record, ensure_ascii=False) + ",\n")
        for number in range(1, rows + 1):
            values = row(number, changed=changed and number % CHANGED_EACH == 0)
            fields = dict(zip(COLUMNS[1:], values[1:], strict=True))
            fields["company"] = fields.pop("company_id")
            for name in ("created_at", "updated_at"):
                fields[name] = f"{str(fields[name]).replace(' ', 'T')}Z"
            record = {"model": "bench.attendance", "pk": number, "fields": fields}
            file.write(json.dumps(record, ensure_ascii=False) + (",\n" if number < rows else "\n"))
        file.write("]\n")
    temporary.rename(path)

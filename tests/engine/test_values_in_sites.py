"""What a value is, the site holds afterwards, to the last digit; else the record is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import sites
from tests.restoring import Restoring, codes, counted

THINGS = """
CREATE TABLE "box_thing" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "whole" bigint NULL,
  "small" smallint NULL,
  "truth" bool NULL,
  "amount" decimal(18, 4) NULL,
  "wide" decimal(30, 10) NULL,
  "ratio" real NULL,
  "name" varchar(12) NULL,
  "story" text NULL,
  "day" date NULL,
  "hour" time NULL,
  "moment" datetime NULL,
  "token" char(32) NULL,
  "facts" text NULL CHECK ((JSON_VALID("facts") OR "facts" IS NULL)),
  "blob" BLOB NULL
);
"""


@pytest.fixture
def box(site_database: str, tmp_path: Path) -> Restoring:
    """An empty box."""
    return Restoring(sites.build(site_database, THINGS), tmp_path)


def thing(pk: object, **fields: Any) -> dict[str, object]:
    return sites.record("box.thing", pk, **fields)


EXACT: list[tuple[str, Any, Any]] = [
    ("whole", 0, 0),
    ("whole", -(2**63), -(2**63)),
    ("whole", 2**63 - 1, 2**63 - 1),
    ("whole", "42", 42),
    ("truth", 1, True),
    ("truth", 0, False),
    ("truth", "True", True),
    ("amount", "0.0000", "0"),
    ("amount", "-0.00", "0"),
    ("amount", "3", "3"),
    ("amount", "12345678901.2345", "12345678901.2345"),
    ("amount", 0.1, "0.1"),
    ("wide", "1e3", "1000"),
    ("ratio", 0.1, 0.1),
    ("ratio", -0.0, 0.0),
    ("ratio", 1e308, 1e308),
    ("ratio", 5e-324, 5e-324),
    ("name", "", ""),
    ("name", "हिन्दी 🙂", "हिन्दी 🙂"),
    ("name", " trailing ", " trailing "),
    ("name", "no\u00a0break\u2028", "no\u00a0break\u2028"),
    ("name", "0123", "0123"),
    ("name", "1e5", "1e5"),
    (
        "story",
        "line\r\nline\ttab \\ \\N 'quoted' \"twice\" %s {0}",
        "line\r\nline\ttab \\ \\N 'quoted' \"twice\" %s {0}",
    ),
    ("story", "\\.", "\\."),
    ("day", "0001-01-01", "0001-01-01"),
    ("day", "9999-12-31", "9999-12-31"),
    ("day", "2024-02-29T00:00:00Z", "2024-02-29"),
    ("hour", "23:59:59.999999", "23:59:59.999999"),
    ("hour", "07:30", "07:30:00"),
    ("moment", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00:00"),
    ("moment", "9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999+00:00"),
    ("moment", "2025-03-30T01:30:00.123+05:30", "2025-03-29 20:00:00.123000+00:00"),
    ("moment", "2025-03-30T01:30:00.5Z", "2025-03-30 01:30:00.500000+00:00"),
    ("moment", "2025-03-30 01:30:00", "2025-03-30 01:30:00+00:00"),
    ("token", "00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000007"),
    ("token", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB", "abcdefab-cdef-abcd-efab-cdefabcdefab"),
    ("facts", {"b": [1, 2.50, None, True], "a": {"": "हि"}}, {"a": {"": "हि"}, "b": [1, 2.5, None, True]}),
    ("facts", [], []),
    ("facts", 12, 12),
    ("blob", "AP/+", b"\x00\xff\xfe"),
    ("blob", "", b""),
]


@pytest.mark.parametrize(("field", "given", "held"), EXACT, ids=[f"{field}-{given!r:.20}" for field, given, _ in EXACT])
def test_a_value_is_held_as_it_is_given(box: Restoring, field: str, given: Any, held: Any) -> None:
    file = box.file([thing(1, **{field: given}), thing(2, **{field: None})])
    box.restore(file)
    one, two = box.rows("box_thing")
    assert two[field] is None
    assert _told(one[field]) == _told(held)
    assert counted(box.plan(file)) == {"same": 2}
    assert counted(box.plan(box.own_backup())) == {"same": 2}


def _told(value: Any) -> Any:
    """Decimals, moments and uuids as text."""
    if isinstance(value, str | int | float | dict | list | bytes):
        return value
    if value.__class__.__name__ == "Decimal":
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return str(value)


BAD: list[tuple[str, Any, str]] = [
    ("whole", 2**63, "out_of_range"),
    ("whole", 10**39, "out_of_range"),
    ("whole", 1.5, "bad_value"),
    ("whole", True, "bad_value"),
    ("whole", "१२", "bad_value"),
    ("whole", "", "bad_value"),
    ("truth", 2, "bad_value"),
    ("truth", "yes", "bad_value"),
    ("amount", "1.23456", "out_of_range"),
    ("amount", "123456789012345.0", "out_of_range"),
    ("amount", "NaN", "bad_value"),
    ("amount", "1,5", "bad_value"),
    ("amount", True, "bad_value"),
    ("ratio", "1e999", "out_of_range"),
    ("ratio", "inf", "bad_value"),
    ("name", "thirteen char", "too_long"),
    ("name", ["list"], "bad_value"),
    ("day", "2025-02-29", "bad_value"),
    ("day", "2025-W36-1", "bad_value"),
    ("day", "01.02.2025", "bad_value"),
    ("day", "2025-02-28T12:00:00Z", "bad_value"),
    ("hour", "24:00:00", "bad_value"),
    ("hour", "१२:00:00", "bad_value"),
    ("moment", "2025-W36-1T09:30:15.123Z", "bad_value"),
    ("moment", "2025-09-01T09:30:15.1234567Z", "bad_value"),
    ("moment", "2025-09-01T09:60:00Z", "bad_value"),
    ("moment", "9999-12-31T23:59:59-05:00", "bad_value"),
    ("token", "not-a-uuid", "bad_value"),
    ("blob", "***", "bad_value"),
]


@pytest.mark.parametrize(("field", "given", "code"), BAD, ids=[f"{field}-{given!r:.20}" for field, given, _ in BAD])
def test_a_value_that_does_not_fit_is_refused_by_name(box: Restoring, field: str, given: Any, code: str) -> None:
    before = sites.dump(box.url)
    plan = box.plan([thing(1, name="good"), thing(2, **{"name": "bad", field: given}), thing(3, name="good")])
    assert [(each.code, each.model, each.pk, each.field, each.place.record) for each in plan.problems] == [
        (code, "box.thing", "2", field, 2)
    ]
    assert sites.dump(box.url) == before


def test_digits_that_sqlite_would_round_are_refused(sqlite: str, tmp_path: Path) -> None:
    box = Restoring(sites.build(sqlite, THINGS), tmp_path)
    plan = box.plan(
        [thing(1, wide="1234567890.1234567890"), thing(2, wide="1234567890123450000"), thing(3, wide="0.1")]
    )
    assert [(each.code, each.pk, each.field) for each in plan.problems] == [
        ("out_of_range", "1", "wide"),
        ("out_of_range", "2", "wide"),
    ]
    box.restore([thing(2, wide="123456789012345"), thing(3, amount="12345678901.1234")])
    assert [str(row["wide"] or row["amount"]) for row in box.rows("box_thing")] == [
        "123456789012345",
        "12345678901.1234",
    ]


def test_digits_that_postgresql_keeps_are_kept(postgresql: str, tmp_path: Path) -> None:
    box = Restoring(sites.build(postgresql, THINGS), tmp_path)
    box.restore([thing(1, wide="12345678901234567890.1234567890")])
    assert counted(box.plan(box.own_backup())) == {"same": 1}
    assert '"12345678901234567890.1234567890"' in box.own_backup().read_text("utf-8")


def test_a_column_of_a_type_that_sqlite_turns_into_numbers_is_not_spoilt(sqlite: str, tmp_path: Path) -> None:
    """A column declared STRING keeps 0123 as 123: such a restore is refused, not done wrong."""
    ddl = 'CREATE TABLE "box_phone" ("id" integer NOT NULL PRIMARY KEY, "number" STRING NULL);\n'
    box = Restoring(sites.build(sqlite, ddl), tmp_path)
    path, plan = box.planned([sites.record("box.phone", 1, number="0123")])
    if plan.problem_count:
        assert codes(plan.problems) == ["bad_value"]
        return
    with pytest.raises(Exception, match="not as planned"):
        box.apply(path, plan)
    assert box.rows("box_phone") == []


LIVE_FORMS = [
    ("moment", "2025-09-01T09:30:15Z", "2025-09-01T09:30:15Z"),
    ("moment", "2025-09-01 09:30:15.000000", "2025-09-01T09:30:15Z"),
    ("moment", "2025-09-01 09:30:15+00:00", "2025-09-01T09:30:15Z"),
    ("moment", "2025-09-01 15:00:15+05:30", "2025-09-01T09:30:15Z"),
    ("moment", "2025-09-01 09:30:15.123456", "2025-09-01T09:30:15.123Z"),
    ("hour", "07:30", "07:30:00"),
    ("hour", "07:30:00.000000", "07:30:00"),
    ("amount", 3000, "3000.0000"),
    ("amount", 0.1 + 0.2, "0.3000"),
    ("facts", '{"b":1,  "a":2.0}', {"a": 2, "b": 1}),
    ("truth", 1, True),
]


@pytest.mark.parametrize(("field", "stored", "given"), LIVE_FORMS, ids=str)
def test_another_form_of_the_same_value_is_the_same(
    sqlite: str, tmp_path: Path, field: str, stored: Any, given: Any
) -> None:
    box = Restoring(sites.build(sqlite, THINGS), tmp_path)
    sites.write(box.url, {"box_thing": [{"id": 1, field: stored}]})
    assert counted(box.plan([thing(1, **{field: given})], origin="same")) == {"same": 1}
    assert counted(box.plan(box.own_backup())) == {"same": 1}


@pytest.mark.parametrize(
    ("field", "stored", "given"),
    [
        ("name", "", None),
        ("name", None, ""),
        ("name", "a", "a "),
        ("name", "a", "A"),
        ("name", "a", "á"),
        ("name", "a b", "a\u00a0b"),
        ("whole", 0, None),
        ("facts", '{"#": "1.5"}', 1.5),
        ("facts", "1", True),
        ("facts", "0.12345678901234567890123456789012345", 0.123),
        ("truth", 0, None),
    ],
    ids=str,
)
def test_what_is_not_quite_the_same_differs(sqlite: str, tmp_path: Path, field: str, stored: Any, given: Any) -> None:
    box = Restoring(sites.build(sqlite, THINGS), tmp_path)
    sites.write(box.url, {"box_thing": [{"id": 1, field: stored}]})
    assert counted(box.plan([thing(1, **{field: given})], origin="same")) == {"update": 1}

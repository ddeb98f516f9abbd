"""A row of the site is only ever touched by the record that it is, whatever numbers the backup uses."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests import sites
from tests.restoring import Restoring, codes, counted
from tests.small_sites import library_rows, records_of, school_rows
from tests.strategies import Contents

SHOP = """
CREATE TABLE "shop_clerk" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "email" varchar(60) NULL UNIQUE,
  "name" varchar(60) NOT NULL
);
CREATE TABLE "shop_receipt" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "clerk_id" bigint NULL REFERENCES "shop_clerk" ("id") DEFERRABLE INITIALLY DEFERRED,
  "total" decimal(10, 2) NOT NULL,
  "note" varchar(60) NULL
);
CREATE TABLE "shop_line" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "receipt_id" bigint NOT NULL REFERENCES "shop_receipt" ("id") DEFERRABLE INITIALLY DEFERRED,
  "article" varchar(60) NOT NULL
);
CREATE TABLE "shop_shelf" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "title" varchar(60) NOT NULL,
  "above_id" bigint NULL REFERENCES "shop_shelf" ("id") DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE "shop_settings" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "title" varchar(60) NOT NULL,
  "opens" varchar(20) NOT NULL
);
CREATE TABLE "shop_person" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(60) NOT NULL
);
CREATE TABLE "shop_customer" (
  "person_id" bigint NOT NULL PRIMARY KEY REFERENCES "shop_person" ("id") DEFERRABLE INITIALLY DEFERRED,
  "points" integer NOT NULL
);
CREATE TABLE "shop_wish" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "customer_id" bigint NOT NULL REFERENCES "shop_customer" ("person_id") DEFERRABLE INITIALLY DEFERRED,
  "article" varchar(60) NOT NULL
);
CREATE TABLE "shop_colour" (
  "code" varchar(20) NOT NULL PRIMARY KEY,
  "title" varchar(60) NOT NULL
);
CREATE TABLE "shop_token" (
  "id" char(32) NOT NULL PRIMARY KEY,
  "title" varchar(60) NOT NULL
);
"""
"""Tables whose rows have no key but their number: receipts, lines, shelves on shelves, settings, people."""


@pytest.fixture
def shop(site_database: str, tmp_path: Path) -> Restoring:
    """An empty shop."""
    return Restoring(sites.build(site_database, SHOP), tmp_path)


def a_shop(of: str, count: int = 12) -> Contents:
    """A shop whose rows say whose they are; every shop counts from 1."""
    return {
        "shop_clerk": [
            {"id": 1, "email": f"first@{of}.example", "name": f"First of {of}"},
            {"id": 2, "email": None, "name": f"Second of {of}"},
        ],
        "shop_receipt": [
            {"id": at, "clerk_id": at % 2 + 1, "total": 10 * (at // 3), "note": f"{of} {at // 3}"}
            for at in range(1, count + 1)
        ],
        "shop_line": [{"id": at, "receipt_id": at, "article": f"{of} {at // 4}"} for at in range(1, count + 1)],
        "shop_shelf": [
            {"id": 1, "title": f"Root of {of}", "above_id": None},
            {"id": 2, "title": f"Middle of {of}", "above_id": 1},
            {"id": 3, "title": f"Leaf of {of}", "above_id": 2},
            {"id": 4, "title": f"Leaf of {of}", "above_id": 2},
            {"id": 5, "title": f"Loop of {of}", "above_id": 5},
        ],
        "shop_settings": [{"id": 1, "title": f"Shop {of}", "opens": f"{of} o'clock"}],
        "shop_person": [{"id": at, "name": f"{of} {at}"} for at in (1, 2, 3)],
        "shop_customer": [{"person_id": at, "points": 100 * at} for at in (2, 3)],
        "shop_wish": [{"id": at, "customer_id": at + 1, "article": f"of {of} {at + 1}"} for at in (1, 2)],
    }


def test_another_shop_with_equal_numbers_is_added_beside(shop: Restoring) -> None:
    ours = a_shop("north")
    sites.write(shop.url, ours)
    before = sites.contents(shop.url)
    theirs = shop.file(records_of(a_shop("south")))
    assert codes(shop.plan(theirs).problems) == ["another_site"]
    outcome = shop.restore(theirs, origin="other")
    assert counted(outcome) == {"insert": sum(map(len, ours.values()))}
    after = sites.contents(shop.url)
    for table, rows in before.items():
        assert [row for row in after[table] if row in rows] == rows
    assert_whole(shop, "north")
    assert_whole(shop, "south")
    assert counted(shop.plan(theirs)) == {"same": sum(map(len, ours.values()))}


def assert_whole(shop: Restoring, of: str) -> None:
    """Whatever refers to a row of this shop is of this shop."""
    found = sites.contents(shop.url)
    by_id = {table: {row.get("id"): row for row in rows} for table, rows in found.items()}
    lines = [row for row in found["shop_line"] if row["article"].startswith(of)]
    receipts = [by_id["shop_receipt"][row["receipt_id"]] for row in lines]
    assert len({row["id"] for row in receipts}) == len(receipts) == 12
    assert all(row["note"].startswith(of) for row in receipts)
    assert all(by_id["shop_clerk"][row["clerk_id"]]["name"].endswith(of) for row in receipts)
    shelves = {row["id"]: row for row in found["shop_shelf"] if row["title"].endswith(of)}
    chains = []
    for row in shelves.values():
        chain = [row["title"].split()[0]]
        while row["above_id"] not in (None, row["id"]):
            row = shelves[row["above_id"]]
            chain.append(row["title"].split()[0])
        chains.append(chain)
    middle = ["Middle", "Root"]
    assert sorted(chains) == sorted([["Root"], middle, ["Leaf", *middle], ["Leaf", *middle], ["Loop"]])
    people = {row["id"]: row["name"] for row in found["shop_person"]}
    wishes = [row for row in found["shop_wish"] if row["article"].startswith(f"of {of}")]
    assert [f"of {people[row['customer_id']]}" for row in wishes] == [row["article"] for row in wishes]
    assert len(wishes) == 2


def test_half_a_shop_is_found_again_under_its_new_numbers(shop: Restoring) -> None:
    """Of the rows that were added, some kept their number and some did not: the numbers must not win over the content."""
    sites.write(
        shop.url, {"shop_receipt": a_shop("north", 10)["shop_receipt"], "shop_clerk": a_shop("north")["shop_clerk"]}
    )
    before = shop.rows("shop_receipt")
    theirs = shop.file(
        records_of({"shop_receipt": [row | {"clerk_id": None} for row in a_shop("south", 60)["shop_receipt"]]})
    )
    assert counted(shop.restore(theirs, origin="other")) == {"insert": 60}
    assert counted(shop.plan(theirs, origin="other")) == {"same": 60}
    assert [row for row in shop.rows("shop_receipt") if row in before] == before


def test_what_was_deleted_comes_back_though_another_row_is_the_same(shop: Restoring) -> None:
    """In one database two equal receipts are two receipts."""
    rows = [{"id": at, "clerk_id": None, "total": 7, "note": f"day {at // 2}"} for at in range(1, 31)]
    sites.write(shop.url, {"shop_receipt": rows})
    own = shop.own_backup()
    sites.execute(shop.url, 'DELETE FROM "shop_receipt" WHERE "id" = 4')
    sites.write(shop.url, {"shop_receipt": [rows[3] | {"id": 31}]})
    assert counted(shop.restore(own)) == {"insert": 1, "same": 29}
    assert [row["id"] for row in shop.rows("shop_receipt")] == list(range(1, 32))


def test_in_the_same_database_a_row_changed_beyond_recognition_is_still_that_row(shop: Restoring) -> None:
    sites.write(shop.url, a_shop("north"))
    own = shop.own_backup()
    sites.execute(shop.url, """UPDATE "shop_receipt" SET "total" = 999, "note" = 'spoilt' WHERE "id" = 3""")
    assert counted(shop.restore(own))["update"] == 1
    assert counted(shop.plan(own)).keys() == {"same"}


def test_a_settings_row_of_another_shop_is_not_overwritten(shop: Restoring) -> None:
    sites.write(shop.url, a_shop("north"))
    plan = shop.plan(records_of(a_shop("south")))
    assert {each.table: each.counts.update for each in plan.tables}["shop_settings"] == 0


def test_a_uuid_and_a_word_are_the_row_wherever_they_stand(shop: Restoring) -> None:
    sites.write(
        shop.url,
        a_shop("north")
        | {
            "shop_colour": [{"code": "red", "title": "Red"}],
            "shop_token": [{"id": UUID(int=5), "title": "Old"}],
        },
    )
    theirs = a_shop("south") | {
        "shop_colour": [{"code": "red", "title": "Rouge"}, {"code": "Red", "title": "Other"}],
        "shop_token": [{"id": UUID(int=5), "title": "New"}, {"id": UUID(int=6), "title": "Six"}],
    }
    path, plan = shop.planned(records_of(theirs), origin="other")
    counts = {each.table: counted(each) for each in plan.tables}  # type: ignore[arg-type]
    assert counts["shop_colour"] == {"update": 1, "insert": 1}
    assert counts["shop_token"] == {"update": 1, "insert": 1}
    shop.apply(path, plan)
    assert [row["title"] for row in shop.rows("shop_colour")] in (["Other", "Rouge"], ["Rouge", "Other"])


def test_two_records_of_one_number_do_not_both_become_new(shop: Restoring) -> None:
    sites.write(shop.url, a_shop("north"))
    theirs = a_shop("south")
    theirs["shop_receipt"].append(theirs["shop_receipt"][0] | {"note": "south again"})
    plan = shop.plan(records_of(theirs), origin="other")
    assert codes(plan.problems) == ["duplicate_record"]
    assert counted(shop.restore(records_of(theirs), on_invalid="skip", origin="other"))["skipped"] == 1


@pytest.mark.parametrize("top", [2**31 - 1, 2**63 - 1])
def test_numbers_do_not_run_over(shop: Restoring, top: int) -> None:
    """A file may claim the highest number that there is; the others must still get one, or be refused by name."""
    sites.write(shop.url, a_shop("north"))
    theirs = a_shop("south")
    theirs["shop_receipt"][-1]["id"] = top
    theirs["shop_line"][-1]["receipt_id"] = top
    plan = shop.plan(records_of(theirs), origin="other")
    assert set(codes(plan.problems)) <= {"duplicate_key", "missing_reference", "out_of_range"}


# ---------------------------------------------------------------- a school that was rebuilt


def renumbered(contents: Contents, by: int = 1000) -> Contents:
    """The same rows under other numbers, references led on."""
    found = deepcopy(contents)
    for rows in found.values():
        for row in rows:
            for column, value in row.items():
                if (
                    isinstance(value, int)
                    and not isinstance(value, bool)
                    and (column == "id" or column.endswith("_id"))
                ):
                    row[column] = value + by
    return found


@pytest.fixture
def school(site_database: str, tmp_path: Path) -> Restoring:
    """An empty school."""
    return Restoring(sites.school_schema(site_database), tmp_path)


def test_a_school_that_was_rebuilt_with_other_numbers_is_the_same_school(school: Restoring) -> None:
    sites.write(school.url, renumbered(school_rows()))
    before = sites.contents(school.url)
    backup = school.file(records_of(school_rows()))
    plan = school.plan(backup)
    assert plan.origin.verdict == "rebuilt"
    assert plan.counts.changes == 0, [each for each in plan.tables if each.counts.changes]
    assert sites.contents(school.url) == before


def test_what_a_rebuilt_school_lost_comes_back_and_refers_to_its_rows(school: Restoring) -> None:
    contents = renumbered(school_rows())
    for table in ("student_fees_feedeposit", "attendance_attendance", "transport_transportassignment"):
        del contents[table]
    sites.write(school.url, contents)
    backup = school.file(records_of(school_rows()))
    outcome = school.restore(backup)
    assert counted(outcome)["insert"] == 4 + 24 + 3
    pupils = {row["id"]: row["admission_number"] for row in school.rows("students_student")}
    assert len(pupils) == 12
    deposits = [(pupils[row["student_id"]], row["receipt_no"]) for row in school.rows("student_fees_feedeposit")]
    assert sorted(deposits) == [("A-001", "R-1"), ("A-002", "R-1"), ("A-002", "R-2"), ("A-005", "R-3")]
    assert counted(school.plan(backup)).keys() <= {"same", "skipped"}


def another_school() -> Contents:
    """Equal numbers, other people."""
    contents = school_rows()
    for row in contents["students_student"]:
        row["admission_number"] = row["admission_number"].replace("A-", "B-")
        row |= {"first_name": row["first_name"][::-1], "last_name": "Elsewhere", "address": f"{row['id']} Other Street"}
    for row in contents["teachers_teacher"]:
        row |= {"name": f"Other {row['id']}", "email": f"other{row['id']}@elsewhere.example"}
    for row in contents["student_fees_feedeposit"]:
        row |= {"receipt_no": f"X-{row['id']}", "amount": 77, "paid_amount": 77}
    return contents


def test_a_backup_of_another_school_changes_nobody(school: Restoring) -> None:
    sites.write(school.url, school_rows())
    before = sites.contents(school.url)
    backup = school.file(records_of(another_school()))
    outcome = school.restore(backup, categories=("students",))
    assert outcome.counts.update == 0
    after = sites.contents(school.url)
    for table, rows in before.items():
        assert [row for row in after[table] if row in rows] == rows
    pupils = {row["id"]: row["admission_number"] for row in after["students_student"]}
    theirs = [row for row in after["student_fees_feedeposit"] if row["receipt_no"].startswith("X-")]
    assert [pupils[row["student_id"]] for row in theirs] == ["B-001", "B-002", "B-002", "B-005"]
    assert school.plan(backup, categories=("students",)).counts.changes == 0


def test_lists_of_references_follow_their_rows(site_database: str, tmp_path: Path) -> None:
    """Books of another library get new numbers: their tags, publishers and flagships follow."""
    library = Restoring(sites.library_schema(site_database), tmp_path)
    sites.write(library.url, library_rows())
    theirs: dict[str, Any] = deepcopy(library_rows())
    for table in ("library_copy", "library_loan"):
        del theirs[table]
    for book in theirs["library_book"]:
        book |= {"isbn": f"99{book['id']}", "title": f"Their {book['id']}", "pages": 7 * book["id"], "price": 3}
    for name in ("library_author", "library_publisher"):
        for row in theirs[name]:
            row["name"] += " of theirs"
    backup = library.file(records_of(theirs))
    library.restore(backup, origin="other")
    found = sites.contents(library.url)
    books = {row["id"]: row for row in found["library_book"]}
    flagship = next(row for row in found["library_publisher"] if row["name"] == "North of theirs")["flagship_id"]
    assert books[flagship]["isbn"] == "991"
    tagged = [(books[row["book_id"]]["isbn"], row["tag_id"]) for row in found["library_book_tags"]]
    assert sorted(tagged)[3:] == [("991", "new"), ("991", "old"), ("992", "new")]
    authors = {row["id"]: row for row in found["library_author"]}
    pupil = next(row for row in authors.values() if row["name"] == "प्रेम दास of theirs")
    assert authors[pupil["mentor_id"]]["name"] == "Anaïs Ray of theirs"
    assert library.plan(backup, origin="other").counts.changes == 0

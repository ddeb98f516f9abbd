"""Which row is it? Natural keys, references to any table, chosen keys, decisions, placeholders and the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sites
from tests.restoring import Record, Restoring, codes
from webapp.engine import commands
from webapp.engine.errors import DecisionRefused, KeyRefused

TABLES = (
    "CREATE TABLE django_content_type (id integer PRIMARY KEY, app_label varchar(100) NOT NULL,"
    " model varchar(100) NOT NULL, UNIQUE (app_label, model))",
    "CREATE TABLE lib_account (id integer PRIMARY KEY, username varchar(30) NOT NULL UNIQUE, password varchar(128) NOT NULL,"
    " is_superuser boolean NOT NULL, is_active boolean NOT NULL)",
    "CREATE TABLE lib_author (id integer PRIMARY KEY, name varchar(50) NOT NULL UNIQUE)",
    "CREATE TABLE lib_tag (id integer PRIMARY KEY, slug varchar(50) NOT NULL UNIQUE)",
    "CREATE TABLE lib_book (id integer PRIMARY KEY, title varchar(50) NOT NULL, shelf varchar(20),"
    " author_id integer NOT NULL REFERENCES lib_author (id) DEFERRABLE INITIALLY DEFERRED,"
    " sequel_to_id integer REFERENCES lib_book (id) DEFERRABLE INITIALLY DEFERRED, UNIQUE (author_id, title))",
    "CREATE TABLE lib_book_tags (id integer PRIMARY KEY,"
    " book_id integer NOT NULL REFERENCES lib_book (id) DEFERRABLE INITIALLY DEFERRED,"
    " tag_id integer NOT NULL REFERENCES lib_tag (id) DEFERRABLE INITIALLY DEFERRED, UNIQUE (book_id, tag_id))",
    "CREATE TABLE lib_loan (id integer PRIMARY KEY, who varchar(20) NOT NULL,"
    " book_id integer NOT NULL REFERENCES lib_book (id) DEFERRABLE INITIALLY DEFERRED,"
    " by_id integer REFERENCES lib_account (id) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE lib_log (id integer PRIMARY KEY, code varchar(20) NOT NULL UNIQUE,"
    " content_type_id integer REFERENCES django_content_type (id), object_id varchar(50) NOT NULL)",
)

PROFILE = """
name = "lib"
extends = "django"
[tables.lib_account]
keys = [["username"]]
protected = true
placeholder = { password = "!", is_superuser = false, is_active = false }
[tables.lib_log]
generic = [["content_type_id", "object_id"]]
"""


@pytest.fixture
def library(site_database: str, tmp_path: Path) -> Restoring:
    sites.execute(site_database, *TABLES)
    profile = tmp_path / "lib.toml"
    profile.write_text(PROFILE, "utf-8")
    return Restoring(site_database, tmp_path, profile=str(profile))


def record(model: str, pk: object = None, /, **fields: object) -> Record:
    return {"model": model, **({} if pk is None else {"pk": pk}), "fields": fields}


BOOKS = [
    record("lib.book", title="Second", shelf=None, author=["Bert"], sequel_to=["Anna", "First"], tags=[["x"], ["y"]]),
    record("lib.loan", 4, who="me", book=["Bert", "Second"], by=None),
    record("lib.book", title="First", shelf="A", author=["Anna"], sequel_to=None, tags=[["x"]]),
    *(record("lib.author", name=name) for name in ("Anna", "Bert")),
    *(record("lib.tag", slug=slug) for slug in ("x", "y")),
]


def test_records_without_numbers_find_each_other_by_name(library: Restoring) -> None:
    sites.execute(library.url, "INSERT INTO lib_author VALUES (70, 'Anna')", "INSERT INTO lib_tag VALUES (50, 'x')")
    library.restore(BOOKS)
    authors = {row["name"]: row["id"] for row in library.rows("lib_author")}
    books = {row["title"]: row for row in library.rows("lib_book")}
    tags = {row["slug"]: row["id"] for row in library.rows("lib_tag")}
    assert authors["Anna"] == 70
    assert books["Second"]["author_id"] == authors["Bert"]
    assert books["Second"]["sequel_to_id"] == books["First"]["id"]
    assert {(row["book_id"], row["tag_id"]) for row in library.rows("lib_book_tags")} == {
        (books["Second"]["id"], tags["x"]),
        (books["Second"]["id"], tags["y"]),
        (books["First"]["id"], 50),
    }
    assert [row["book_id"] for row in library.rows("lib_loan")] == [books["Second"]["id"]]
    assert library.plan(BOOKS).counts.changes == 0


def test_a_name_that_nobody_has_is_named(library: Restoring) -> None:
    library.restore(BOOKS)
    plan = library.plan([record("lib.loan", 9, who="you", book=["Nobody", "Second"], by=None)])
    assert codes(plan.problems) == ["missing_reference"]
    assert '["Nobody", "Second"]' in plan.problems[0].message


@pytest.mark.parametrize("content_type", [5, ["lib", "book"]])
def test_a_history_follows_the_rows_that_it_tells_of(library: Restoring, content_type: object) -> None:
    sites.execute(
        library.url,
        "INSERT INTO django_content_type VALUES (8, 'lib', 'book')",
        "INSERT INTO lib_author VALUES (1, 'Zoe')",
        "INSERT INTO lib_book VALUES (1, 'Other', NULL, 1, NULL)",
    )
    records = [
        record("contenttypes.contenttype", 5, app_label="lib", model="book"),
        record("lib.author", 2, name="Anna"),
        record("lib.book", 1, title="First", shelf=None, author=2, sequel_to=None),
        record("lib.log", 1, code="a", content_type=content_type, object_id="1"),
        record("lib.log", 2, code="b", content_type=content_type, object_id="77"),
    ]
    library.restore(records, origin="other")
    first = next(row["id"] for row in library.rows("lib_book") if row["title"] == "First")
    assert first != 1
    assert [(row["content_type_id"], row["object_id"]) for row in library.rows("lib_log")] == [
        (8, str(first)),
        (8, "77"),
    ]
    assert library.plan(records, origin="other").counts.changes == 0


def test_a_missing_account_that_is_referred_to_becomes_a_placeholder(library: Restoring) -> None:
    records = [
        record("lib.author", 1, name="Anna"),
        record("lib.book", 1, title="First", shelf=None, author=1, sequel_to=None),
        *(
            record("lib.account", at, username=name, password="pbkdf2$secret", is_superuser=True, is_active=True)
            for at, name in ((3, "boss"), (4, "nobody"))
        ),
        record("lib.loan", 1, who="me", book=1, by=3),
    ]
    library.restore(records)
    (account,) = library.rows("lib_account")
    assert (account["username"], account["password"]) == ("boss", "!")
    assert not account["is_superuser"]
    assert not account["is_active"]
    assert library.plan(records).counts.changes == 0


def test_secrets_are_compared_and_never_shown(library: Restoring) -> None:
    sites.execute(library.url, "INSERT INTO lib_account VALUES (3, 'boss', 'old-hash', false, true)")
    records = [record("lib.account", 3, username="boss", password="new-hash", is_superuser=False, is_active=True)]
    path, plan = library.planned(records, accounts="restore", origin="same")
    assert plan.counts.update == 1
    (row,) = library.changes(path, "lib_account")
    (password,) = (each for each in row.fields if each.column == "password")
    assert (password.before, password.after, password.changed) == ("(not shown)", "(not shown)", True)
    assert commands.plan_rows(path, "lib_account", text="hash").rows == ()


def test_a_person_may_choose_the_key_and_decide_single_records(library: Restoring) -> None:
    sites.execute(
        library.url,
        "INSERT INTO lib_author VALUES (1, 'Anna')",
        "INSERT INTO lib_book VALUES (11, 'First', 'A', 1, NULL)",
        "INSERT INTO lib_book VALUES (12, 'Second', 'B', 1, NULL)",
    )
    renamed = [
        record("lib.author", 1, name="Anna"),
        record("lib.book", 1, title="The first", shelf="A", author=1, sequel_to=None),
    ]
    assert library.plan(renamed, categories=("lib",), origin="other").counts.insert == 1
    by_shelf = library.plan(renamed, match_by={"lib.book": "shelf"}, origin="other")
    assert (by_shelf.counts.insert, by_shelf.counts.update) == (0, 1)
    decided = library.plan(renamed, decisions={"lib.book:1": "12"}, origin="other")
    assert (decided.counts.insert, decided.counts.update) == (0, 1)
    left_out = library.plan(renamed, decisions={"lib.book:1": "skip"}, origin="other")
    assert (left_out.counts.skipped, left_out.counts.changes) == (1, 0)
    with pytest.raises(KeyRefused):
        library.plan(renamed, match_by={"lib.book": "colour"})
    with pytest.raises(DecisionRefused):
        library.plan(renamed, decisions={"lib.book:1": "99"})


def test_a_record_that_got_another_number_is_found_again_though_it_was_edited(library: Restoring) -> None:
    sites.execute(
        library.url,
        "INSERT INTO lib_author VALUES (1, 'Zoe')",
        "INSERT INTO lib_book VALUES (1, 'Other', NULL, 1, NULL)",
        "INSERT INTO lib_loan VALUES (1, 'somebody', 1, NULL)",
    )
    records = [
        record("lib.author", 2, name="Anna"),
        record("lib.book", 2, title="First", shelf=None, author=2, sequel_to=None),
        record("lib.loan", 1, who="me", book=2, by=None),
    ]
    library.restore(records, origin="other")
    sites.execute(library.url, "UPDATE lib_loan SET who = 'edited' WHERE who = 'me'")
    plan = library.plan(records, origin="other")
    assert (plan.counts.insert, plan.counts.update) == (0, 1)

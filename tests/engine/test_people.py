"""The people whom a backup's records refer to: recognised, mapped to an account, kept as a name, or asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sites
from tests.restoring import Record, Restoring, codes, counted
from webapp.engine.answers import Person, Plan
from webapp.engine.errors import DecisionRefused, DriftRefused

TABLES = (
    "CREATE TABLE club_account (id integer PRIMARY KEY, username varchar(30) NOT NULL UNIQUE, email varchar(60) NOT NULL,"
    " password varchar(128) NOT NULL, is_superuser boolean NOT NULL, is_active boolean NOT NULL)",
    "CREATE TABLE club_note (id integer PRIMARY KEY, text varchar(50) NOT NULL UNIQUE,"
    " by_id integer REFERENCES club_account (id) DEFERRABLE INITIALLY DEFERRED,"
    " checked_by_id integer REFERENCES club_account (id) DEFERRABLE INITIALLY DEFERRED)",
)

PROFILE = """
name = "club"
[tables.club_account]
name = "{username}"
keys = [["username"]]
protected = true
email = "email"
placeholder = { password = "!", is_superuser = false, is_active = false }
"""

LIVE = (
    "INSERT INTO club_account VALUES (11, 'anna', 'anna@club.example', 'hash', false, true)",
    "INSERT INTO club_account VALUES (12, 'b.king', 'bert@club.example', 'hash', false, true)",
    "INSERT INTO club_account VALUES (13, 'root', 'root@club.example', 'hash', true, true)",
)


@pytest.fixture
def club(site_database: str, tmp_path: Path) -> Restoring:
    sites.execute(site_database, *TABLES, *LIVE)
    profile = tmp_path / "club.toml"
    profile.write_text(PROFILE, "utf-8")
    return Restoring(site_database, tmp_path, profile=str(profile))


def account(pk: int | None, username: str, email: str = "") -> Record:
    fields = {"username": username, "email": email, "password": "theirs", "is_superuser": True, "is_active": True}
    return {"model": "club.account", **({} if pk is None else {"pk": pk}), "fields": fields}


def note(pk: int, text: str, by: object = None, checked_by: object = None) -> Record:
    return {"model": "club.note", "pk": pk, "fields": {"text": text, "by": by, "checked_by": checked_by}}


def people(plan: Plan) -> dict[str, Person]:
    return {each.label: each for each in plan.people}


def test_everybody_who_is_referred_to_is_listed_with_what_becomes_of_them(club: Restoring) -> None:
    plan = club.plan(
        [
            account(1, "anna", "Anna@Club.example"),
            account(2, "bert", "bert@club.example"),
            account(3, "root", "evil@elsewhere.example"),
            account(4, "nobody"),
            note(1, "a", 1, 2),
            note(2, "b", 1, 3),
            note(3, "c", 99),
        ],
        origin="other",
    )
    found = people(plan)
    assert {name: (each.state, each.references) for name, each in found.items()} == {
        "anna": ("matched", 2),
        "bert": ("placeholder", 1),
        "root": ("question", 1),
        "99": ("missing", 1),
    }
    assert plan.people_count == 4
    assert [each.state for each in plan.people] == ["question", "missing", "placeholder", "matched"]
    assert found["anna"].account is not None
    assert found["anna"].account.key == "11"
    assert [(each.key, each.why) for each in found["bert"].candidates] == [("12", ("same email",))]
    assert found["root"].email == "evil@elsewhere.example"
    assert [each.label for each in plan.accounts] == ["anna", "b.king", "root"]
    assert codes(plan.problems) == ["another_email", "missing_reference"]


@pytest.mark.parametrize("with_numbers", [True, False])
def test_a_person_is_led_to_an_account_and_references_follow(club: Restoring, with_numbers: bool) -> None:
    who: object = 2 if with_numbers else ["bert"]
    records = [account(2 if with_numbers else None, "bert", "bert@club.example"), note(1, "a", who, who)]
    (person,) = club.plan(records, origin="other").people
    assert person.decision == 'club.account:["bert"]'
    decided = {person.decision: person.candidates[0].key}
    before = club.rows("club_account")
    club.restore(records, origin="other", decisions=decided)
    assert club.rows("club_account") == before
    assert [(row["by_id"], row["checked_by_id"]) for row in club.rows("club_note")] == [(12, 12)]
    again = club.plan(records, origin="other", decisions=decided)
    assert (again.counts.changes, people(again)) == (0, {})


@pytest.mark.parametrize("decision", ["club.account:77=b.king", 'club.account:77=["b.king"]', "club.account:77=12"])
def test_a_number_that_the_file_does_not_explain_is_led_to_an_account(club: Restoring, decision: str) -> None:
    name, _, answer = decision.partition("=")
    records = [note(1, "a", 77), note(2, "b", 11)]
    club.restore(records, origin="same", decisions={name: answer})
    assert [row["by_id"] for row in club.rows("club_note")] == [12, 11]
    assert club.plan(records, origin="same", decisions={name: answer}).counts.changes == 0


def test_a_name_that_nobody_has_is_led_to_an_account(club: Restoring) -> None:
    records = [note(1, "a", ["bert"]), note(2, "b", ["anna"])]
    plan = club.plan(records)
    assert people(plan)["bert"].state == "missing"
    decided = {people(plan)["bert"].decision: "12"}
    assert people(club.plan(records, decisions=decided))["bert"].state == "mapped"
    club.restore(records, decisions=decided)
    assert [row["by_id"] for row in club.rows("club_note")] == [12, 11]


def test_two_people_may_be_one_account(club: Restoring) -> None:
    records = [account(1, "bert"), account(2, "bert2"), note(1, "a", 1, 2)]
    club.restore(records, origin="other", decisions={"club.account:bert": "b.king", "club.account:2": "12"})
    assert [(row["by_id"], row["checked_by_id"]) for row in club.rows("club_note")] == [(12, 12)]
    assert len(club.rows("club_account")) == 3


def test_the_same_name_with_another_address_is_a_question_only_when_something_depends_on_it(club: Restoring) -> None:
    impostor = account(3, "root", "evil@elsewhere.example")
    assert counted(club.plan([impostor, note(1, "a")], origin="other")) == {"insert": 1, "skipped": 1}
    records = [impostor, note(1, "a", 3)]
    plan = club.plan(records, origin="other")
    assert codes(plan.problems) == ["another_email"]
    (doubt,) = plan.doubts
    assert [row.key for row in doubt.candidates] == ["13"]
    before = club.rows("club_account")
    same = club.plan(records, origin="other", decisions={doubt.decision: "13"})
    assert (same.problem_count, people(same)["root"].state) == (0, "mapped")
    club.restore(records, origin="other", decisions={doubt.decision: "anna"})
    assert [row["by_id"] for row in club.rows("club_note")] == [11]
    assert club.rows("club_account") == before


def test_a_new_address_under_the_same_number_is_no_question(club: Restoring) -> None:
    plan = club.plan([account(11, "anna", "new@club.example"), note(1, "a", 11)], origin="same")
    assert (plan.problem_count, people(plan)["anna"].state) == (0, "matched")


def test_an_unknown_account_cannot_be_named(club: Restoring) -> None:
    records = [account(2, "bert"), note(1, "a", 2)]
    with pytest.raises(DecisionRefused):
        club.plan(records, decisions={"club.account:bert": "somebody"})
    with pytest.raises(DecisionRefused):
        club.plan(records, decisions={"club.account:stranger": "12"})


def test_what_has_no_place_is_left_out_model_by_model(club: Restoring) -> None:
    records: list[Record] = [
        {"model": "club.note", "pk": 1, "fields": {"text": "a", "colour": "red", "size": "", "shape": "round"}},
        {"model": "club.note", "pk": 2, "fields": {"text": "b", "colour": "blue", "size": None, "shape": "round"}},
        {"model": "club.badge", "pk": 1, "fields": {"metal": "tin"}},
    ]
    plan = club.plan(records)
    assert codes(plan.problems) == ["unknown_field"] * 3 + ["unknown_model"]
    told = {problem.field: problem.message for problem in plan.problems}
    assert told["colour"].endswith("2 records, 2 of them with a value")
    assert told["size"].endswith("2 records, all of them empty")
    assert told["shape"].endswith('2 records, all with "round"')
    some = club.plan(records, drift=("club.note",))
    assert (codes(some.problems), counted(some)) == (["unknown_model"], {"insert": 2, "blocked": 1})
    both = club.plan(records, drift=("club.note", "club.badge"))
    assert (codes(both.problems), counted(both)) == ([], {"insert": 2, "skipped": 1})
    with pytest.raises(DriftRefused):
        club.plan(records, drift=("club.cup",))

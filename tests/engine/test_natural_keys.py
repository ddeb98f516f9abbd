"""What references by name mean: as the profile says, as a person chose, or as the unique keys suggest; and told in any case."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sites
from tests.restoring import Record, Restoring, codes
from webapp.engine import commands
from webapp.engine.answers import Analysis, Choices

TABLES = (
    "CREATE TABLE yard_part (id integer PRIMARY KEY, code varchar(20) NOT NULL UNIQUE, name varchar(20) NOT NULL UNIQUE,"
    " bin varchar(20))",
    "CREATE TABLE yard_use (id integer PRIMARY KEY, place varchar(20) NOT NULL UNIQUE,"
    " part_id integer REFERENCES yard_part (id) DEFERRABLE INITIALLY DEFERRED)",
    "INSERT INTO yard_part VALUES (1, 'P1', 'bolt', 'left'), (2, 'P2', 'nut', 'left'), (3, 'bolt', 'P1', 'right')",
)


@pytest.fixture
def yard(site_database: str, tmp_path: Path) -> Restoring:
    sites.execute(site_database, *TABLES)
    return Restoring(site_database, tmp_path)


def use(pk: int, part: object) -> Record:
    return {"model": "yard.use", "pk": pk, "fields": {"place": f"place {pk}", "part": part}}


def analysed(yard: Restoring, records: list[Record], **choices: object) -> Analysis:
    return commands.analyse(
        yard.file(records), yard.url, stages=yard.folder / "stages", profile=yard.profile, choices=Choices(**choices)
    )


def test_an_inferred_key_is_told_with_how_many_names_it_resolves(yard: Restoring) -> None:
    found = analysed(yard, [use(1, ["nut"]), use(2, ["nut"]), use(3, ["nobody"])])
    (key,) = found.natural_keys
    assert (key.table, key.columns, key.source) == ("yard_part", ("name",), "inferred")
    assert (key.values, key.resolved, key.ambiguous, key.lost) == (2, 1, 0, ('["nobody"]',))
    assert "names_lost" in {advice.code for advice in found.advice}
    (key,) = analysed(yard, [use(1, ["nut"])]).natural_keys
    assert (key.values, key.resolved) == (1, 1)
    assert "key_inferred" in {advice.code for advice in analysed(yard, [use(1, ["nut"])]).advice}


def test_a_profile_or_a_person_says_what_a_name_means(yard: Restoring) -> None:
    records = [use(1, ["bolt"])]
    (key,) = analysed(yard, records, match_by={"yard.part": "code"}).natural_keys
    assert (key.columns, key.source, key.resolved) == (("code",), "chosen", 1)
    yard.restore(records, match_by={"yard.part": "code"})
    assert [row["part_id"] for row in yard.rows("yard_use")] == [3]
    profile = yard.folder / "yard.toml"
    profile.write_text('name = "yard"\n[tables.yard_part]\nkeys = [["name"]]\n', "utf-8")
    stated = Restoring(yard.url, yard.folder, profile=str(profile), numbers=yard.numbers)
    (key,) = analysed(stated, records).natural_keys
    assert (key.columns, key.source) == (("name",), "profile")
    stated.restore([use(2, ["bolt"])])
    assert sorted(str(row["part_id"]) for row in yard.rows("yard_use")) == ["1", "3"]


def test_a_name_of_several_rows_is_a_problem_of_its_own_and_can_be_decided(yard: Restoring) -> None:
    records = [use(1, ["bolt"]), use(2, ["nobody"])]
    plan = yard.plan(records)
    assert codes(plan.problems) == ["ambiguous_reference", "missing_reference"]
    assert sorted(plan.problems[0].candidates) == ["1", "3"]
    assert "1 or 3" in plan.problems[0].message or "3 or 1" in plan.problems[0].message
    yard.restore([use(1, ["bolt"])], decisions={'yard.part:["bolt"]': "3"})
    assert [row["part_id"] for row in yard.rows("yard_use")] == [3]


def test_names_that_a_column_does_not_keep_unique_are_named_with_their_rows(yard: Restoring) -> None:
    (problem,) = yard.plan([use(1, ["left"])], match_by={"yard.part": "bin"}).problems
    assert (problem.code, sorted(problem.candidates)) == ("ambiguous_reference", ["1", "2"])


def test_a_text_of_a_file_is_never_taken_for_a_natural_key(site_database: str, tmp_path: Path) -> None:
    sites.execute(
        site_database,
        "CREATE TABLE yard_kind (code varchar(40) PRIMARY KEY, name varchar(20) NOT NULL UNIQUE)",
        "CREATE TABLE yard_thing (id integer PRIMARY KEY, name varchar(20) NOT NULL UNIQUE,"
        " kind_id varchar(40) REFERENCES yard_kind (code) DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO yard_kind VALUES ('secret', 'treasure')",
    )
    yard = Restoring(site_database, tmp_path)
    disguised = '\x1f["treasure"]'
    thing: Record = {"model": "yard.thing", "pk": 1, "fields": {"name": "a", "kind": disguised}}
    kind: Record = {"model": "yard.kind", "pk": disguised, "fields": {"name": "b"}}
    named: Record = {"model": "yard.thing", "pk": 2, "fields": {"name": "c", "kind": ["treasure"]}}
    plan = yard.plan([thing, kind, named])
    assert sorted((each.code, each.model) for each in plan.problems) == [
        ("bad_value", "yard.kind"),
        ("bad_value", "yard.thing"),
    ]
    yard.restore([thing, kind, named], on_invalid="skip")
    assert [(row["name"], row["kind_id"]) for row in yard.rows("yard_thing")] == [("c", "secret")]


def test_records_whose_natural_key_is_their_absent_primary_key_are_known_by_another_word(
    site_database: str, tmp_path: Path
) -> None:
    sites.execute(
        site_database,
        "CREATE TABLE yard_state (code varchar(20) PRIMARY KEY, name varchar(20) NOT NULL, note varchar(20) NOT NULL)",
        "CREATE TABLE yard_job (id integer PRIMARY KEY, name varchar(20) NOT NULL UNIQUE,"
        " state_id varchar(20) NOT NULL REFERENCES yard_state (code) DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO yard_state VALUES ('DRAFT', 'Draft', 'same'), ('DONE', 'Done', 'same')",
    )
    yard = Restoring(site_database, tmp_path)
    records: list[Record] = [
        {"model": "yard.job", "pk": 1, "fields": {"name": "a", "state": ["DONE"]}},
        {"model": "yard.state", "fields": {"name": "Draft", "note": "same"}},
        {"model": "yard.state", "fields": {"name": "Done", "note": "other"}},
    ]
    yard.restore(records)
    assert [row["state_id"] for row in yard.rows("yard_job")] == ["DONE"]
    assert [(row["code"], row["note"]) for row in yard.rows("yard_state")] == [("DONE", "other"), ("DRAFT", "same")]
    assert yard.plan(records).counts.changes == 0
    unknown: list[Record] = [{"model": "yard.state", "fields": {"name": "New", "note": "same"}}]
    assert codes(yard.plan(unknown).problems) == ["missing_required"]


def test_a_record_that_is_nothing_but_its_number_is_added_once(site_database: str, tmp_path: Path) -> None:
    sites.execute(
        site_database,
        "CREATE TABLE yard_ticket (id integer PRIMARY KEY)",
        "CREATE TABLE yard_seat (id integer PRIMARY KEY, row varchar(5), taken boolean)",
    )
    yard = Restoring(site_database, tmp_path)
    records: list[Record] = [{"model": f"yard.{name}", "pk": 3, "fields": {}} for name in ("ticket", "seat")]
    for origin in ("auto", "other"):
        yard.restore(records, origin=origin)
        assert (len(yard.rows("yard_ticket")), len(yard.rows("yard_seat"))) == (1, 1)


def test_a_column_that_became_narrower_or_another_kind_is_told(yard: Restoring) -> None:
    long = "x" * 30
    records: list[Record] = [
        {"model": "yard.part", "pk": 8, "fields": {"code": "P8", "name": long, "bin": long}},
        {"model": "yard.part", "pk": 9, "fields": {"code": "P9", "name": long + "y", "bin": True}},
    ]
    found = {(each.column, each.code): each for each in analysed(yard, records).changed_columns}
    assert {key: each.records for key, each in found.items()} == {
        ("name", "too_long"): 2,
        ("bin", "too_long"): 1,
        ("bin", "bad_value"): 1,
    }
    assert "2 values are longer than fits" in found["name", "too_long"].sentence
    problems = analysed(yard, records).problems
    assert sorted((each.pk, each.field) for each in problems) == [
        ("8", "bin"),
        ("8", "name"),
        ("9", "bin"),
        ("9", "name"),
    ]

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

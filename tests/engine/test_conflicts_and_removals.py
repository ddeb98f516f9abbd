"""Who wins where rows differ, and what happens to rows that the backup does not have."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests import sites
from tests.restoring import Restoring, codes, counted
from webapp.engine import errors

CLUB = (
    'CREATE TABLE "club_team" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(20) NOT NULL UNIQUE)',
    'CREATE TABLE "club_player" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(20) NOT NULL UNIQUE, "born" integer NULL,'
    ' "team_id" integer NULL REFERENCES "club_team" ("id"), "second_id" integer NULL REFERENCES "club_team" ("id"))',
    'CREATE TABLE "club_match" ("id" integer NOT NULL PRIMARY KEY, "title" varchar(20) NOT NULL UNIQUE,'
    ' "host_id" integer NOT NULL REFERENCES "club_team" ("id"))',
)


@pytest.fixture
def club(site_database: str, tmp_path: Path) -> Restoring:
    """Four teams; one player in two of them, one in the first only, and a match."""
    sites.execute(
        site_database,
        *CLUB,
        """INSERT INTO "club_team" VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')""",
        """INSERT INTO "club_player" VALUES (1, 'ann', 1990, 2, 3), (2, 'bob', 1991, 1, NULL), (3, 'cy', 1992, 2, 1)""",
        """INSERT INTO "club_match" VALUES (1, 'final', 2)""",
    )
    return Restoring(site_database, tmp_path)


def teams(*numbers: int) -> list[dict[str, Any]]:
    names = ("one", "two", "three", "four")
    return [sites.record("club.team", number) | {"fields": {"name": names[number - 1]}} for number in numbers]


def player(number: int, name: str, **fields: Any) -> dict[str, Any]:
    return {"model": "club.player", "pk": number, "fields": {"name": name, **fields}}


def test_what_refers_to_a_removed_row_blocks_until_it_is_decided(club: Restoring) -> None:
    before = sites.dump(club.url)
    plan = club.plan(teams(1, 4), remove=True)
    assert set(codes(plan.problems)) == {"still_referenced"}
    assert {each.model for each in plan.problems} == {"club.player", "club.match"}
    assert sites.dump(club.url) == before


def test_rows_that_are_referred_to_may_be_kept(club: Restoring) -> None:
    before = sites.dump(club.url)
    assert counted(club.restore(teams(1), remove=True, on_referenced="keep")) == {"delete": 1, "same": 1, "skipped": 2}
    assert [row["id"] for row in club.rows("club_team")] == [1, 2, 3]
    assert sites.dump(club.url) != before


def test_one_row_gives_up_two_references_at_once(club: Restoring) -> None:
    sites.execute(club.url, 'DELETE FROM "club_match"')
    outcome = club.restore(teams(1, 4), remove=True, on_referenced="null")
    assert counted(outcome) == {"delete": 2, "same": 2, "update": 2}
    assert [(row["team_id"], row["second_id"]) for row in club.rows("club_player")] == [
        (None, None),
        (1, None),
        (None, 1),
    ]


def test_a_reference_that_may_not_be_empty_still_blocks(club: Restoring) -> None:
    plan = club.plan(teams(1, 4), remove=True, on_referenced="null")
    assert [(each.code, each.model) for each in plan.problems] == [("still_referenced", "club.match")]


def test_what_refers_to_removed_rows_may_go_with_them(club: Restoring) -> None:
    outcome = club.restore(teams(1, 4), remove=True, on_referenced="remove")
    assert counted(outcome) == {"delete": 5, "same": 2}
    assert [row["name"] for row in club.rows("club_player")] == ["bob"]
    assert club.rows("club_match") == []


@pytest.mark.parametrize("policy", ["fail", "keep", "null", "remove"])
def test_a_row_that_is_changed_and_still_refers_to_a_removed_one(club: Restoring, policy: str) -> None:
    """The backup has the player, with another year, in a team that it does not have: the player is not removed with it."""
    sites.execute(club.url, 'DELETE FROM "club_match"')
    records = [
        *teams(1, 3, 4),
        player(1, "ann", born=1989, team=2, second=3),
        player(2, "bob", born=1991, team=1, second=None),
        player(3, "cy", born=1992, team=1, second=1),
    ]
    path, plan = club.planned(records, remove=True, on_referenced=policy, origin="same")
    if policy == "fail":
        assert set(codes(plan.problems)) <= {"still_referenced", "missing_reference"}
        assert plan.problem_count
        return
    assert plan.problem_count == 0, plan.problems
    club.apply(path, plan, confirm_removal=plan.removal)
    found = {row["name"]: (row["born"], row["team_id"], row["second_id"]) for row in club.rows("club_player")}
    assert found.pop("cy") == (1992, 1, 1)
    assert found.pop("bob") == (1991, 1, None)
    assert (
        found
        == {
            "keep": {"ann": (1989, 2, 3)},
            "null": {"ann": (1989, None, 3)},
            "remove": {"ann": (1989, 2, 3)},
        }[policy]
    )


def test_only_tables_that_the_file_holds_lose_rows(club: Restoring) -> None:
    records = [player(1, "ann", born=1990, team=2, second=3)]
    assert counted(club.restore(records, remove=True)) == {"same": 1, "delete": 2}
    assert len(club.rows("club_team")) == 4
    assert len(club.rows("club_match")) == 1


def test_a_removal_over_the_budget_needs_its_number(club: Restoring) -> None:
    path, plan = club.planned([player(1, "ann", born=1990, team=2, second=3)], remove=True)
    assert (plan.removal, plan.removal_needs_word) == (2, True)
    before = sites.dump(club.url)
    for word in (None, 1, 3):
        with pytest.raises(errors.RemovalNotConfirmed):
            club.apply(path, plan, confirm_removal=word)
    assert sites.dump(club.url) == before
    assert club.apply(path, plan, confirm_removal=2).counts.delete == 2


# ---------------------------------------------------------------- who wins

NOTES = """
CREATE TABLE "pad_note" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(20) NOT NULL UNIQUE,
  "text" varchar(20) NOT NULL,
  "seen" integer NULL,
  "updated_at" datetime NULL
);
"""

STORED = ("2025-09-01T10:00:00.123456Z", "2025-09-01T10:00:00.123Z")
"""A stamp in the site, and the same stamp as Django writes it into a backup."""


@pytest.fixture
def pad(site_database: str, tmp_path: Path) -> Restoring:
    """One note that was written in the site."""
    profile = tmp_path / "pad.toml"
    profile.write_text('name = "pad"\n[tables.pad_note]\nstamp = "updated_at"\nvolatile = ["seen"]\n', "utf-8")
    url = sites.build(site_database, NOTES)
    stamp = datetime.fromisoformat(STORED[0])
    sites.write(url, {"pad_note": [{"id": 1, "name": "n", "text": "site", "seen": 5, "updated_at": stamp}]})
    return Restoring(url, tmp_path, str(profile))


def note(text: str, stamp: str | None, seen: int = 5) -> list[dict[str, Any]]:
    fields = {"name": "n", "text": text, "seen": seen, "updated_at": stamp}
    return [{"model": "pad.note", "pk": 1, "fields": fields}]


@pytest.mark.parametrize(
    ("policy", "stamp", "winner"),
    [
        ("backup", "2020-01-01T00:00:00Z", "backup"),
        ("database", "2030-01-01T00:00:00Z", "site"),
        ("newest", "2025-09-01T10:00:00.124Z", "backup"),
        ("newest", "2025-09-01T10:00:00.122Z", "site"),
        ("newest", STORED[1], "backup"),  # spoilt past the application, which would have set a new stamp
        ("newest", STORED[0], "backup"),
        ("newest", "2025-09-01T15:30:00.122+05:30", "site"),
        ("newest", None, "site"),
    ],
)
def test_who_wins(pad: Restoring, policy: str, stamp: str | None, winner: str) -> None:
    file = note("backup", stamp)
    before = pad.rows("pad_note")
    outcome = pad.restore(file, on_conflict=policy)
    assert pad.rows("pad_note")[0]["text"] == winner
    assert counted(outcome) == ({"update": 1} if winner == "backup" else {"skipped": 1})
    if winner == "site":
        assert pad.rows("pad_note") == before
    assert pad.plan(file, on_conflict=policy).counts.changes == 0


def test_a_stamp_cut_to_milliseconds_is_no_difference(pad: Restoring) -> None:
    assert counted(pad.plan(note("site", STORED[1]))) == {"same": 1}


def test_a_volatile_column_makes_no_difference_by_itself(pad: Restoring) -> None:
    assert counted(pad.plan(note("site", STORED[1], seen=99))) == {"same": 1}
    pad.restore(note("backup", STORED[1], seen=99))
    assert pad.rows("pad_note")[0]["text"] == "backup"

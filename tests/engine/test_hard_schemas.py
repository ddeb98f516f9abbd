"""Databases that nobody would design, and that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import sites
from tests.restoring import Restoring, codes, counted
from webapp.engine import errors

Record = dict[str, Any]


def site_of(url: str, folder: Path, *statements: str) -> Restoring:
    """A site with these tables; every statement is understood by both databases."""
    sites.execute(url, *statements)
    return Restoring(url, folder)


def plain(label: str, **fields: Any) -> Record:
    """A record without a primary key of its own."""
    return {"model": label, "fields": fields}


NAMES = """
CREATE TABLE "Select" (
  "order" integer NOT NULL PRIMARY KEY, "from" varchar(20) NULL, "two words" varchar(20) NULL,
  "quote""d" varchar(20) NULL, "rec" varchar(20) NULL, "live" varchar(20) NULL, "new" varchar(20) NULL,
  "rowid" varchar(20) NULL, "code" varchar(20) NULL, "rung" varchar(20) NULL, "id" varchar(20) NULL,
  "field" varchar(20) NULL, "action" varchar(20) NULL, "k0" varchar(20) NULL, "naïve;--" varchar(20) NULL,
  "UPPER" varchar(20) NULL UNIQUE
)
"""


def test_any_name_of_a_column_is_only_a_name(site_database: str, tmp_path: Path) -> None:
    site = site_of(site_database, tmp_path, NAMES)
    names = [
        "from",
        "two words",
        'quote"d',
        "rec",
        "live",
        "new",
        "rowid",
        "code",
        "rung",
        "id",
        "field",
        "action",
        "k0",
    ]
    records = [
        {
            "model": "x.Select",
            "pk": number,
            "fields": {name: f"{name} {number}" for name in [*names, "naïve;--", "UPPER"]},
        }
        for number in range(1, 6)
    ]
    file = site.file(records)
    assert counted(site.restore(file)) == {"insert": 5}
    assert counted(site.plan(site.own_backup())) == {"same": 5}
    records[2]["fields"]["rowid"] = "changed"
    records[3]["fields"]["rowid"] = records[4]["fields"]["rowid"]
    assert counted(site.restore(records)) == {"update": 2, "same": 3}
    assert [row["rowid"] for row in site.rows("Select")][2:] == ["changed", "rowid 5", "rowid 5"]
    records.pop()
    assert counted(site.restore(records, remove=True)) == {"delete": 1, "same": 4}


def test_any_name_of_a_table_is_only_a_name(site_database: str, tmp_path: Path) -> None:
    tables = [
        "x",
        "after x",
        "rows x",
        "todo x",
        "by rec x",
        "match x",
        "meta",
        "problems",
        "outcome",
        "lost",
        "#x",
        'q"x',
    ]
    quoted = {name: name.replace('"', '""') for name in tables}
    site = site_of(
        site_database,
        tmp_path,
        *(
            f'CREATE TABLE "{quoted[name]}" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(20) NOT NULL UNIQUE,'
            f' "x_id" integer NULL REFERENCES "x" ("id"))'
            for name in tables
        ),
    )
    for name in tables:
        sites.execute(site.url, f"""INSERT INTO "{quoted[name]}" VALUES (1, 'one', NULL), (2, 'two', 1)""")
    own = site.own_backup()
    assert counted(site.plan(own)) == {"same": 2 * len(tables)}
    for name in reversed(tables):
        sites.execute(site.url, f"""DELETE FROM "{quoted[name]}" WHERE "id" = 2""")
        sites.execute(site.url, f"""UPDATE "{quoted[name]}" SET "x_id" = 1""")
    assert counted(site.restore(own, origin="same")) == {"insert": len(tables), "update": len(tables)}
    assert counted(site.plan(own)) == {"same": 2 * len(tables)}


@pytest.mark.parametrize("column", ["#rec", "#id", "#shape", "_rowid_", "oid"])
def test_a_column_called_like_ours_is_restored_or_refused(sqlite: str, tmp_path: Path, column: str) -> None:
    site = site_of(
        sqlite, tmp_path, f'CREATE TABLE "odd_thing" ("id" integer NOT NULL PRIMARY KEY, "{column}" varchar(20) NULL)'
    )
    sites.execute(site.url, """INSERT INTO "odd_thing" VALUES (1, 'one'), (2, 'two')""")
    before = site.rows("odd_thing")
    file = [{"model": "odd.thing", "pk": number, "fields": {column: f"new {number}"}} for number in (1, 2, 3)]
    path, plan = site.planned(file, origin="same", accept_drift=True)
    if plan.problem_count:
        assert set(codes(plan.problems)) == {"table_unusable"}
        assert site.rows("odd_thing") == before
        return
    site.apply(path, plan)
    assert [row[column] for row in site.rows("odd_thing")] == ["new 1", "new 2", "new 3"]


def test_a_table_without_a_primary_key_is_refused_by_name(site_database: str, tmp_path: Path) -> None:
    site = site_of(site_database, tmp_path, 'CREATE TABLE "odd_log" ("at" date NULL, "text" varchar(20) NULL)')
    sites.execute(site.url, """INSERT INTO "odd_log" VALUES ('2025-01-01', 'one'), ('2025-01-01', 'one')""")
    own = site.own_backup()
    assert counted(site.plan(own)) == {"same": 2}
    plan = site.plan([plain("odd.log", at="2025-01-01", text="one"), plain("odd.log", at="2025-01-01", text="two")])
    assert (counted(plan), codes(plan.problems)) == ({"same": 1, "blocked": 1}, ["table_unusable"])


def test_a_table_without_rowid_is_restored_or_refused_by_name(sqlite: str, tmp_path: Path) -> None:
    site = site_of(
        sqlite,
        tmp_path,
        'CREATE TABLE "odd_pair" ("a" integer NOT NULL, "b" varchar(20) NOT NULL, "c" integer NULL,'
        ' PRIMARY KEY ("a", "b")) WITHOUT ROWID',
        'CREATE TABLE "odd_child" ("id" integer NOT NULL PRIMARY KEY, "text" varchar(20) NULL)',
    )
    sites.execute(site.url, """INSERT INTO "odd_pair" VALUES (1, 'x', 10), (1, 'y', 20)""")
    before = sites.dump(site.url)
    assert counted(site.plan(site.own_backup())) == {"same": 2}
    path, plan = site.planned([plain("odd.pair", a=1, b="x", c=11), plain("odd.pair", a=2, b="x", c=1)])
    if plan.problem_count:
        assert set(codes(plan.problems)) == {"table_unusable"}
        assert sites.dump(site.url) == before
    else:
        assert counted(site.apply(path, plan)) == {"insert": 1, "update": 1}


COMPOSITE = (
    'CREATE TABLE "geo_country" ("code" varchar(2) NOT NULL PRIMARY KEY, "name" varchar(40) NOT NULL)',
    'CREATE TABLE "geo_city" ("country" varchar(2) NOT NULL REFERENCES "geo_country" ("code"), "code" varchar(3) NOT NULL,'
    ' "name" varchar(40) NOT NULL, PRIMARY KEY ("country", "code"))',
    'CREATE TABLE "geo_street" ("id" integer NOT NULL PRIMARY KEY, "country" varchar(2) NULL, "city" varchar(3) NULL,'
    ' "name" varchar(40) NOT NULL, FOREIGN KEY ("country", "city") REFERENCES "geo_city" ("country", "code"))',
)


def geography() -> list[Record]:
    return [
        {"model": "geo.country", "pk": "in", "fields": {"name": "India"}},
        plain("geo.city", country="in", code="del", name="दिल्ली"),
        plain("geo.city", country="in", code="bom", name="Mumbai"),
        {"model": "geo.street", "pk": 1, "fields": {"country": "in", "city": "del", "name": "Ring"}},
        {"model": "geo.street", "pk": 2, "fields": {"country": None, "city": None, "name": "Nowhere"}},
    ]


def test_keys_and_references_of_two_columns(site_database: str, tmp_path: Path) -> None:
    site = site_of(site_database, tmp_path, *COMPOSITE)
    file = site.file(geography())
    assert counted(site.restore(file)) == {"insert": 5}
    assert counted(site.plan(file)) == {"same": 5}
    assert counted(site.plan(site.own_backup(), remove=True)) == {"same": 5}
    changed = geography()
    changed[1]["fields"]["name"] = "Delhi"
    assert counted(site.restore(changed)) == {"update": 1, "same": 4}


def test_a_reference_of_two_columns_that_leads_nowhere_is_refused(site_database: str, tmp_path: Path) -> None:
    site = site_of(site_database, tmp_path, *COMPOSITE)
    site.restore(geography())
    before = sites.dump(site.url)
    bad = {"model": "geo.street", "pk": 3, "fields": {"country": "in", "city": "zzz", "name": "Lost"}}
    path, plan = site.planned([*geography(), bad])
    assert codes(plan.problems) == ["missing_reference"]
    with pytest.raises(errors.PlanBlocked):
        site.apply(path, plan)
    assert sites.dump(site.url) == before
    assert counted(site.restore([*geography(), bad], on_missing="skip")) == {"same": 5, "skipped": 1}


def test_a_removed_row_that_two_columns_refer_to_is_shown(site_database: str, tmp_path: Path) -> None:
    site = site_of(site_database, tmp_path, *COMPOSITE)
    site.restore(geography())
    before = sites.dump(site.url)
    without = [record for record in geography() if record["model"] == "geo.city" and record["fields"]["code"] == "bom"]
    plan = site.plan(without, remove=True)
    assert "still_referenced" in codes(plan.problems)
    assert counted(site.restore(without, remove=True, on_referenced="keep")) == {"same": 1, "skipped": 1}
    assert sites.dump(site.url) == before
    assert counted(site.restore(without, remove=True, on_referenced="remove")) == {"same": 1, "delete": 2}


def test_references_to_a_key_that_is_not_the_primary_key(site_database: str, tmp_path: Path) -> None:
    site = site_of(
        site_database,
        tmp_path,
        'CREATE TABLE "k_unit" ("id" integer NOT NULL PRIMARY KEY, "code" varchar(9) NOT NULL UNIQUE, "name" varchar(9) NULL)',
        'CREATE TABLE "k_item" ("id" integer NOT NULL PRIMARY KEY, "unit" varchar(9) NULL REFERENCES "k_unit" ("code"),'
        ' "name" varchar(9) NOT NULL UNIQUE)',
    )
    sites.execute(
        site.url,
        """INSERT INTO "k_unit" VALUES (1, 'kg', 'Kilo')""",
        """INSERT INTO "k_item" VALUES (1, 'kg', 'rice')""",
    )
    other = [
        {"model": "k.unit", "pk": 1, "fields": {"code": "l", "name": "Litre"}},
        {"model": "k.unit", "pk": 2, "fields": {"code": "kg", "name": "Kilogram"}},
        {"model": "k.item", "pk": 7, "fields": {"unit": "l", "name": "milk"}},
    ]
    site.restore(other, origin="other")
    assert [(row["name"], row["unit"]) for row in site.rows("k_item")] == [("rice", "kg"), ("milk", "l")]
    assert counted(site.plan(other, origin="other")) == {"same": 3}
    bad = {"model": "k.item", "pk": 8, "fields": {"unit": "m", "name": "rope"}}
    assert codes(site.plan([*other, bad], origin="other").problems) == ["missing_reference"]


CASCADE = (
    'CREATE TABLE "c_room" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(9) NOT NULL UNIQUE)',
    'CREATE TABLE "c_chair" ("id" integer NOT NULL PRIMARY KEY, "room_id" integer NULL'
    ' REFERENCES "c_room" ("id") ON DELETE CASCADE, "legs" integer NOT NULL)',
)


def rooms(*names: str) -> list[Record]:
    return [{"model": "c.room", "pk": number, "fields": {"name": name}} for number, name in enumerate(names, 1)]


@pytest.fixture
def cascading(site_database: str, tmp_path: Path) -> Restoring:
    """Rooms with chairs, which the database removes with their room."""
    site = site_of(site_database, tmp_path, *CASCADE)
    sites.execute(
        site.url,
        """INSERT INTO "c_room" VALUES (1, 'one'), (2, 'two'), (3, 'three')""",
        """INSERT INTO "c_chair" VALUES (1, 1, 4), (2, 2, 4), (3, NULL, 3)""",
    )
    return site


def test_exchanged_names_take_nothing_with_them(cascading: Restoring) -> None:
    """Two rows that exchange a unique value must step aside; nothing that hangs on them may be lost by it."""
    chairs = cascading.rows("c_chair")
    path, plan = cascading.planned(rooms("two", "one", "three"), origin="same")
    if plan.problem_count:
        assert set(codes(plan.problems)) == {"ambiguous"}
        return
    try:
        cascading.apply(path, plan)
    except errors.WriteRefused:
        assert [row["name"] for row in cascading.rows("c_room")] == ["one", "two", "three"]
    assert cascading.rows("c_chair") == chairs


def test_what_the_database_would_remove_by_itself_is_shown_first(cascading: Restoring) -> None:
    before = sites.dump(cascading.url)
    without = rooms("one")
    assert codes(cascading.plan(without, remove=True).problems) == ["still_referenced"]
    assert sites.dump(cascading.url) == before
    outcome = cascading.restore(without, remove=True, on_referenced="remove")
    assert counted(outcome) == {"same": 1, "delete": 3}
    assert [row["id"] for row in cascading.rows("c_chair")] == [1, 3]


def test_a_reference_that_is_emptied_keeps_its_row(cascading: Restoring) -> None:
    outcome = cascading.restore(rooms("one"), remove=True, on_referenced="null")
    assert counted(outcome) == {"same": 1, "delete": 2, "update": 1}
    assert [(row["id"], row["room_id"]) for row in cascading.rows("c_chair")] == [(1, 1), (2, None), (3, None)]


def test_unique_values_are_exchanged(site_database: str, tmp_path: Path) -> None:
    site = site_of(
        site_database,
        tmp_path,
        'CREATE TABLE "s_seat" ("id" integer NOT NULL PRIMARY KEY, "person" varchar(9) NOT NULL UNIQUE, "row" integer NOT NULL,'
        ' "place" integer NOT NULL, UNIQUE ("row", "place"))',
    )
    sites.execute(
        site.url, """INSERT INTO "s_seat" VALUES (1, 'ann', 1, 1), (2, 'bob', 1, 2), (3, 'cy', 1, 3), (4, 'di', 9, 9)"""
    )
    file = [
        {"model": "s.seat", "pk": number, "fields": {"person": person, "row": 1, "place": place}}
        for number, person, place in ((1, "ann", 2), (2, "bob", 3), (3, "cy", 1), (5, "new", 4))
    ]
    profile = tmp_path / "seats.toml"
    profile.write_text('name = "seats"\n[tables.s_seat]\nkeys = [["person"]]\n', "utf-8")
    site.profile = str(profile)
    path, plan = site.planned(file, origin="same")
    if plan.problem_count:
        assert set(codes(plan.problems)) == {"ambiguous"}
        return
    site.apply(path, plan)
    assert [(row["person"], row["place"]) for row in site.rows("s_seat")] == [
        ("ann", 2),
        ("bob", 3),
        ("cy", 1),
        ("di", 9),
        ("new", 4),
    ]
    assert counted(site.plan(file, origin="same")) == {"same": 4}


def test_two_labels_for_one_table_do_not_write_a_row_twice(site_database: str, tmp_path: Path) -> None:
    site = site_of(
        site_database,
        tmp_path,
        'CREATE TABLE "core_tag" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(9) NOT NULL UNIQUE)',
    )
    records = [
        {"model": "core.tag", "pk": 1, "fields": {"name": "one"}},
        {"model": "old.tag", "pk": 1, "fields": {"name": "one"}},
        {"model": "old.tag", "pk": 2, "fields": {"name": "two"}},
    ]
    plan = site.plan(records)
    assert counted(plan) == {"insert": 2, "blocked": 1}
    assert codes(plan.problems) == ["duplicate_record"]
    assert counted(site.restore(records, on_invalid="skip")) == {"insert": 2, "skipped": 1}
    assert len(site.rows("core_tag")) == 2


def test_letters_of_either_case_may_be_one_key(sqlite: str, tmp_path: Path) -> None:
    site = site_of(
        sqlite,
        tmp_path,
        'CREATE TABLE "n_user" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(9) NOT NULL COLLATE NOCASE UNIQUE)',
    )
    sites.execute(site.url, """INSERT INTO "n_user" VALUES (1, 'Ann')""")
    assert counted(site.restore([{"model": "n.user", "pk": 9, "fields": {"name": "ann"}}], origin="other")) == {
        "update": 1
    }
    assert site.rows("n_user") == [{"id": 1, "name": "ann"}]
    both = [{"model": "n.user", "pk": pk, "fields": {"name": name}} for pk, name in ((5, "Bob"), (6, "BOB"))]
    path, plan = site.planned(both)
    if plan.problem_count:
        assert codes(plan.problems) == ["duplicate_key"]
        return
    with pytest.raises(errors.WriteRefused):
        site.apply(path, plan)
    assert len(site.rows("n_user")) == 1


def test_generated_columns_are_left_to_the_database(site_database: str, tmp_path: Path) -> None:
    site = site_of(
        site_database,
        tmp_path,
        'CREATE TABLE "g_sum" ("id" integer NOT NULL PRIMARY KEY, "a" integer NOT NULL,'
        ' "twice" integer GENERATED ALWAYS AS ("a" * 2) STORED)',
    )
    sites.execute(site.url, 'INSERT INTO "g_sum" ("id", "a") VALUES (1, 1), (2, 2)')
    own = site.own_backup()
    assert "twice" not in own.read_text()
    sites.execute(site.url, 'DELETE FROM "g_sum" WHERE "id" = 2', 'UPDATE "g_sum" SET "a" = 5')
    assert counted(site.restore(own, origin="same")) == {"insert": 1, "update": 1}
    assert [row["twice"] for row in site.rows("g_sum")] == [2, 4]


def test_a_trigger_that_changes_what_is_written_is_found_out(sqlite: str, tmp_path: Path) -> None:
    site = site_of(
        sqlite,
        tmp_path,
        'CREATE TABLE "t_note" ("id" integer NOT NULL PRIMARY KEY, "text" varchar(20) NOT NULL)',
        'CREATE TRIGGER "shout" AFTER INSERT ON "t_note" BEGIN UPDATE "t_note" SET "text" = upper("text"); END',
        'CREATE VIEW "t_view" AS SELECT * FROM "t_note"',
    )
    path, plan = site.planned([{"model": "t.note", "pk": 1, "fields": {"text": "quiet"}}])
    with pytest.raises(errors.NotVerified):
        site.apply(path, plan)
    assert site.rows("t_note") == []
    assert codes(site.plan([{"model": "t.view", "pk": 1, "fields": {"text": "x"}}]).problems) == ["unknown_model"]


def test_a_partial_record_changes_only_what_it_has(site_database: str, tmp_path: Path) -> None:
    """A record that lacks part of a key keeps the site's part: the two together may be taken."""
    site = site_of(
        site_database,
        tmp_path,
        'CREATE TABLE "p_slot" ("id" integer NOT NULL PRIMARY KEY, "day" integer NOT NULL, "hour" integer NOT NULL,'
        ' "note" varchar(20) NULL, "room" varchar(20) NULL, UNIQUE ("day", "hour"))',
    )
    sites.execute(
        site.url, """INSERT INTO "p_slot" VALUES (1, 1, 1, 'a', 'x'), (2, 2, 1, 'b', 'y'), (3, 3, 3, 'c', 'z')"""
    )
    before = sites.dump(site.url)
    records = [
        {"model": "p.slot", "pk": 1, "fields": {"day": 2, "note": "a", "room": "x"}},
        {"model": "p.slot", "pk": 3, "fields": {"day": 3, "hour": 3, "note": "c"}},
    ]
    plan = site.plan(records, origin="same")
    assert codes(plan.problems) == ["duplicate_key"]
    assert sites.dump(site.url) == before
    records[0]["fields"]["day"] = 7
    assert counted(site.restore(records, origin="same")) == {"update": 1, "same": 1}
    assert site.rows("p_slot")[0] == {"id": 1, "day": 7, "hour": 1, "note": "a", "room": "x"}


def test_a_text_key_that_a_record_lacks_is_missing(site_database: str, tmp_path: Path) -> None:
    site = site_of(
        site_database,
        tmp_path,
        'CREATE TABLE "w_state" ("code" varchar(9) NOT NULL PRIMARY KEY, "name" varchar(9) NOT NULL)',
    )
    plan = site.plan([plain("w.state", name="Open"), {"model": "w.state", "pk": "x", "fields": {"name": "Shut"}}])
    assert [(each.code, each.place.record) for each in plan.problems] == [("missing_required", 1)]


def test_records_without_numbers_refer_to_rows_of_the_site(site_database: str, tmp_path: Path) -> None:
    """Some records of a table have no number: references to the site's rows hold nevertheless."""
    site = site_of(
        site_database,
        tmp_path,
        'CREATE TABLE "r_group" ("id" integer NOT NULL PRIMARY KEY, "name" varchar(9) NOT NULL UNIQUE)',
        'CREATE TABLE "r_member" ("id" integer NOT NULL PRIMARY KEY, "group_id" integer NOT NULL REFERENCES "r_group" ("id"))',
    )
    sites.execute(site.url, """INSERT INTO "r_group" VALUES (1, 'one')""")
    records = [plain("r.group", name="two"), {"model": "r.member", "pk": 1, "fields": {"group_id": 1}}]
    assert counted(site.restore(records, origin="same")) == {"insert": 2}

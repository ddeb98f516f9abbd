"""Sync files: restored by name and by the minute, what they do not have is left alone, every sum is verified."""

from __future__ import annotations

import gzip
import json
import random
import shutil
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import attendance_sites as ams
from tests import sites
from tests.engine.conftest import NOW
from tests.restoring import Restoring, codes, counted
from webapp.demo.attendance import create_demo_attendance
from webapp.engine import backups, commands
from webapp.engine.answers import Analysis, Choices
from webapp.engine.errors import (
    ChecksumWrong,
    FileRefused,
    IncrementReplace,
    LimitExceeded,
    MalformedFile,
    TotalsWrong,
    TruncatedFile,
)
from webapp.engine.formats import diagnose, recognise

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "attendance"


@pytest.fixture
def site(site_database: str, tmp_path: Path) -> Restoring:
    """The small attendance system on each kind of database."""
    return Restoring(ams.small(site_database), tmp_path, profile="attendance")


@pytest.fixture
def quick(sqlite: str, tmp_path: Path) -> Restoring:
    """The same on one kind of database."""
    return Restoring(ams.small(sqlite), tmp_path, profile="attendance")


def analysed(site: Restoring, file: Path, **choices: Any) -> Analysis:
    return commands.analyse(
        file, site.url, stages=site.folder / "stages", profile=site.profile, choices=Choices(**choices)
    )


def test_its_own_rows_are_the_same_to_the_minute(site: Restoring, tmp_path: Path) -> None:
    file = ams.file(tmp_path / "sync.json")
    found = analysed(site, file)
    assert [(model.table, model.records, model.unknown_fields) for model in found.models] == [
        ("core_company", 2, ()),
        ("core_attendancerecord", 4, ()),
    ]
    assert (found.file.format, found.file.made, found.file.increment) == ("Sync file", ams.STAMP, False)
    assert counted(site.plan(file)) == {"same": 6}


def test_a_row_is_changed_in_what_the_file_tells_and_nowhere_else(site: Restoring, tmp_path: Path) -> None:
    before = site.rows("core_attendancerecord")
    told = ams.of_small()
    told[0] |= {"status": "WO", "in_time": "08:36", "overtime_to_mandays": "0.5"}
    told[1] |= {"overtime_to_mandays": None}
    outcome = site.restore(ams.file(tmp_path / "sync.json", records=told))
    assert counted(outcome) == {"update": 2, "same": 4}
    changed = {"status": "WO", "in_time": time(8, 36), "overtime_to_mandays": "0.5"}
    expected = [before[0] | changed, before[1] | {"overtime_to_mandays": ""}, *before[2:]]
    assert site.rows("core_attendancerecord") == expected


def test_people_and_companies_that_are_missing_are_added_companies_first(site: Restoring, tmp_path: Path) -> None:
    companies = [ams.company("300045", 7), ams.company("Neu & Söhne", 8), ams.company("Śląsk & Söhne", 9)]
    records = [*ams.of_small(), ams.record("PP3", 20, "Neu & Söhne"), ams.record("PP4", 20, "300045")]
    file = ams.file(tmp_path / "sync.json", companies, records)
    outcome = site.restore(file)
    assert counted(outcome) == {"insert": 3, "same": 6}
    names = {row["id"]: row["name"] for row in site.rows("core_company")}
    added = {row["ep_no"]: row for row in site.rows("core_attendancerecord")}
    assert [names[added[ep_no]["company_id"]] for ep_no in ("PP3", "PP4")] == ["Neu & Söhne", "300045"]
    assert (added["PP3"]["in_time"], added["PP3"]["hours"]) == (time(8, 35), "")
    assert counted(site.plan(file)) == {"same": 9}


def test_a_person_who_changed_company_is_one_row(site: Restoring, tmp_path: Path) -> None:
    told = ams.of_small()
    told[0] |= {"company_name": "300045"}
    outcome = site.restore(ams.file(tmp_path / "sync.json", records=told))
    assert counted(outcome) == {"update": 1, "same": 5}
    assert [row["company_id"] for row in site.rows("core_attendancerecord")] == [8, 7, 8, 8]


@pytest.mark.parametrize("winner", ["newest", "database", "backup"])
def test_who_wins_is_asked_as_ever(site: Restoring, tmp_path: Path, winner: str) -> None:
    before = site.rows("core_attendancerecord")
    told = ams.of_small()
    told[0] |= {"status": "A", "updated_at": "2025-11-21T09:00:00+00:00"}
    told[1] |= {"status": "A", "updated_at": "2025-11-23T09:00:00+00:00"}
    file = ams.file(tmp_path / "sync.json", records=told)
    changed = {"newest": [1], "database": [], "backup": [0, 1]}[winner]
    outcome = site.restore(file, on_conflict=winner)
    assert outcome.counts.update == len(changed)
    assert outcome.counts.skipped == 2 - len(changed)
    after = site.rows("core_attendancerecord")
    assert [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == changed


def test_an_increment_says_so_and_removes_nothing(quick: Restoring, tmp_path: Path) -> None:
    file = ams.file(
        tmp_path / "sync.json",
        records=ams.of_small()[:1],
        backup_type="incremental",
        since_date="2025-11-21T00:00:00",
    )
    found = analysed(quick, file)
    assert (found.file.increment, found.file.since) == (True, "2025-11-21T00:00:00")
    assert [advice.code for advice in found.advice] == ["increment"]
    assert counted(quick.plan(file)) == {"same": 3}
    with pytest.raises(IncrementReplace):
        quick.plan(file, remove=True)


def test_a_wrong_checksum_is_refused_with_its_record_and_read_only_on_request(quick: Restoring, tmp_path: Path) -> None:
    told = ams.of_small()
    told[2] = {**told[2], "checksum": ams.checksum(told[2]), "status": "P"}
    file = ams.file(tmp_path / "sync.json", records=told)
    with pytest.raises(ChecksumWrong, match="record 5, number 3 of attendance_records") as caught:
        quick.plan(file)
    assert caught.value.place.record == 5
    assert file.read_bytes()[caught.value.place.byte :].lstrip().startswith(b'{\n      "ep_no": "PP2"')
    assert caught.value.repair == "checksums"
    assert [damage.kind for damage in diagnose(file)] == ["checksums"]
    found = analysed(quick, file, repairs=("checksums",))
    assert found.file.repairs == ("checksums",)
    assert [(damage.place.record, damage.repairable) for damage in found.file.damage] == [(5, False)]
    assert {"repaired", "checksums"} == {advice.code for advice in found.advice}
    assert counted(quick.plan(file, repairs=("checksums",))) == {"update": 1, "same": 5}


def test_a_record_without_a_checksum_is_no_better(tmp_path: Path) -> None:
    value = ams.content([ams.company("A")], [])
    del value["companies"][0]["checksum"]
    file = tmp_path / "sync.json"
    file.write_text(json.dumps(value))
    with pytest.raises(ChecksumWrong, match="carries no checksum"):
        list(recognise(file).blocks())


def test_many_wrong_checksums_are_counted(quick: Restoring, tmp_path: Path) -> None:
    told = [ams.record(f"PP{number}", 20, "300045", checksum="0" * 64) for number in range(50)]
    found = analysed(quick, ams.file(tmp_path / "sync.json", records=told), repairs=("checksums",))
    assert len(found.file.damage) == 21
    assert "30 more records" in found.file.damage[-1].sentence


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        ({"total_attendance_records": 3}, "say 3 records, and there are 4"),
        ({"total_companies": 3}, "say 3 records, and there are 2"),
        ({"total_companies": "2"}, "say 2 records"),
        ({"total_others": 0}, "it is not there"),
    ],
)
def test_totals_that_are_wrong_are_refused(tmp_path: Path, metadata: dict[str, Any], what: str) -> None:
    file = ams.file(tmp_path / "sync.json", **metadata)
    with pytest.raises(TotalsWrong, match=what):
        list(recognise(file).blocks())


@pytest.mark.parametrize(
    ("metadata", "what"),
    [({"version": "2.0"}, "version is '2.0'"), ({"backup_type": "some"}, "neither full nor incremental")],
)
def test_what_it_says_of_itself_must_be_known(tmp_path: Path, metadata: dict[str, Any], what: str) -> None:
    with pytest.raises(MalformedFile, match=what):
        list(recognise(ams.file(tmp_path / "sync.json", **metadata)).blocks())


def test_the_order_of_members_and_the_size_of_blocks_do_not_matter(tmp_path: Path) -> None:
    value = ams.content([ams.company(f"C{n}", n) for n in range(20)], ams.of_small())
    records = []
    for number, names in enumerate((list(value), sorted(value), list(reversed(value)))):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps({name: value[name] for name in names}, indent=number or None, ensure_ascii=False))
        for chunk in (1, 7, 64, 5000, 1 << 20):
            found = [
                (each.model, bytes(each.fields))
                for block in recognise(file).blocks(chunk=chunk)
                for each in block.records
            ]
            records.append(sorted((model, json.dumps(json.loads(text), sort_keys=True)) for model, text in found))
    assert len(records[0]) == 24
    assert all(each == records[0] for each in records)


def test_places_are_those_of_the_file(tmp_path: Path) -> None:
    file = ams.file(tmp_path / "sync.json")
    text = file.read_bytes()
    for chunk in (64, 1 << 20):
        for block in recognise(file).blocks(chunk=chunk):
            for index, each in enumerate(block.records):
                place = block.place(index)
                assert place.byte is not None
                assert text[place.byte :].startswith(bytes(each.fields))
                assert place.record == block.first + index


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    text = ams.file(tmp_path / "whole.json", records=ams.of_small()[:2]).read_bytes()
    file = tmp_path / "cut.json"
    for size in range(1, len(text) - 1):
        file.write_bytes(text[:size])
        with pytest.raises(FileRefused):
            list(recognise(file).blocks(chunk=512))


def test_what_is_left_of_a_cut_file_is_read_on_request(quick: Restoring, tmp_path: Path) -> None:
    text = ams.file(tmp_path / "whole.json").read_bytes()
    file = tmp_path / "cut.json"
    file.write_bytes(text[: text.rindex(b'"ep_no"')])
    with pytest.raises(TruncatedFile):
        quick.plan(file)
    assert counted(quick.plan(file, repairs=("salvage",))) == {"same": 5}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"status": "P"', '"status": "P", "status": "A"'),
        ('"status": "P"', '"status": NaN'),
        ('"status": "P"', '"status": "\\ud800"'),
        ('"status": "P"', '"status": "\\u0000"'),
        ('"status": "P"', '"status": ' + "[" * 40 + "]" * 40),
        ('"status": "P"', '"status": ' + "1" * 41),
        ('"status": "P"', '"status": 1e999'),
        ('"status": "P"', '"status" "P"'),
        ('"companies": [', '"companies": ['),
        ('"attendance_records": [', '"others": 5, "attendance_records": ['),
        ('"attendance_records": [', '"attendance_records": [5, '),
        ('"attendance_records": [', '"companies": [], "attendance_records": ['),
        ('"metadata": {', '"metadata": [], "more": {'),
    ],
)
def test_json_is_read_as_strictly_as_elsewhere(tmp_path: Path, before: str, after: str) -> None:
    file = ams.file(tmp_path / "sync.json")
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1) + ("]" if before == after else ""))
    for repairs in ((), ("checksums",)):
        with pytest.raises(FileRefused) as caught:
            list(recognise(file, repairs=repairs).blocks())
        assert not isinstance(caught.value, TotalsWrong)
    if '"status"' in before:
        assert caught.value.place.record == 3


def test_a_list_that_the_profile_does_not_know_is_drift(quick: Restoring, tmp_path: Path) -> None:
    value = ams.content([], [])
    value["metadata"]["total_visits"] = 1
    value["visits"] = ams.signed([{"ep_no": "PP1"}])
    value["companies"] = ams.signed([ams.company("300045", 1, city="Nagpur")])
    value["metadata"]["total_companies"] = 1
    file = tmp_path / "sync.json"
    file.write_text(json.dumps(value))
    plan = quick.plan(file)
    assert set(codes(plan.problems)) == {"unknown_model", "unknown_field"}
    assert counted(quick.plan(file, accept_drift=True)) == {"same": 1, "skipped": 1}


@pytest.mark.parametrize("value", ["24:00", "8:35", "08:60", "nine", 8])
def test_a_time_that_is_none_is_named(quick: Restoring, tmp_path: Path, value: Any) -> None:
    told = ams.of_small()
    told[0]["in_time"] = value
    plan = quick.plan(ams.file(tmp_path / "sync.json", records=told))
    assert [(each.code, each.field, each.place.record) for each in plan.problems] == [("bad_value", "in_time", 3)]


def test_a_company_that_is_there_twice_is_named(quick: Restoring, tmp_path: Path) -> None:
    companies = [ams.company("300045", 1), ams.company("Śląsk & Söhne", 2), ams.company("300045", 3)]
    plan = quick.plan(ams.file(tmp_path / "sync.json", companies))
    assert [(each.code, each.place.record) for each in plan.problems] == [("duplicate_record", 3)]


def test_names_are_the_same_letter_for_letter(quick: Restoring, tmp_path: Path) -> None:
    companies = [
        ams.company("300045", 1),
        ams.company("śląsk & söhne ", 2),
        ams.company("NULL", 3),
        ams.company("<b>x</b>", 4),
    ]
    records = [ams.record(f"PP{number}", 22, each["name"]) for number, each in enumerate(companies)]
    quick.restore(ams.file(tmp_path / "sync.json", companies, records))
    assert len(quick.rows("core_company")) == 5
    names = {row["id"]: row["name"] for row in quick.rows("core_company")}
    assert [names[row["company_id"]] for row in quick.rows("core_attendancerecord")[4:]] == [
        each["name"] for each in companies
    ]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_samples_restore_into_the_demo(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not SAMPLES.exists():
        pytest.skip("the samples are not here")
    if kind == "sqlite":
        demo = create_demo_attendance(tmp_path / "demo", now=NOW)
        shutil.copy(demo.database, tmp_path / "live.sqlite3")
        site = Restoring(f"sqlite:///{tmp_path / 'live.sqlite3'}", tmp_path)
    else:
        site = Restoring(ams.small(request.getfixturevalue("postgresql")), tmp_path)
    full, increment = SAMPLES / "full.json", SAMPLES / "incremental.json"
    assert counted(site.restore(full))["insert"] >= 9
    assert counted(site.plan(full)) == {"same": 10}
    assert counted(site.plan(increment)) == {"same": 8}
    written = tmp_path / "written.json"
    backups.make(site.url, written, format="sync")
    ours = json.loads(written.read_bytes())
    for name, key in (("companies", ("name",)), ("attendance_records", ("ep_no", "date"))):
        assert all(each["checksum"] == ams.checksum(each) for each in ours[name])
        sums = {tuple(each[part] for part in key): each["checksum"] for each in ours[name]}
        for told in json.loads(full.read_bytes())[name]:
            assert sums[tuple(told[part] for part in key)] == told["checksum"]
    added = {(row["ep_no"], str(row["date"])): row for row in site.rows("core_attendancerecord")}
    names = {row["id"]: row["name"] for row in site.rows("core_company")}
    for told in json.loads(full.read_bytes())["attendance_records"]:
        row = added[told["ep_no"], told["date"]]
        assert names[row["company_id"]] == told["company_name"]
        assert row["overtime_to_mandays"] == (told["overtime_to_mandays"] or "")
        for name in ams.TIMES:
            assert (row[name] and row[name].strftime("%H:%M")) == told[name]


def test_a_time_to_the_minute_is_the_same_minute_in_a_fixture_too(site: Restoring, tmp_path: Path) -> None:
    row = {name: value for name, value in ams.row(1, "PP1", 20, 7).items() if name not in ("id", "company_id")}
    told = [sites.record("core.attendancerecord", 1, **row, company=7)]
    told[0]["fields"] |= {"in_time": "08:35", "out_time": "17:05"}
    outcome = site.restore(sites.fixture(tmp_path / "fixture.json", told))
    assert counted(outcome) == {"update": 1}
    changed = site.rows("core_attendancerecord")[0]
    assert (changed["in_time"], changed["out_time"]) == (time(8, 35, 12), time(17, 5))


def test_it_may_be_compressed_marked_or_in_another_encoding(quick: Restoring, tmp_path: Path) -> None:
    text = ams.file(tmp_path / "sync.json").read_bytes()
    packed = tmp_path / "sync.json.gz"
    packed.write_bytes(gzip.compress(text))
    assert counted(quick.plan(packed)) == {"same": 6}
    for name, content, repair in (
        ("bom", b"\xef\xbb\xbf" + text, "bom"),
        ("utf16", text.decode().encode("utf-16"), "utf16"),
    ):
        file = tmp_path / f"{name}.json"
        file.write_bytes(content)
        with pytest.raises(MalformedFile) as caught:
            quick.plan(file)
        assert caught.value.repair == repair
        assert counted(quick.plan(file, repairs=(repair,))) == {"same": 6}


@pytest.mark.parametrize("seed", range(4))
def test_no_change_of_a_byte_goes_unnoticed(tmp_path: Path, seed: int) -> None:
    """But for what no checksum covers: white space, numbers and stamps of rows, when the file was made."""
    chance = random.Random(seed)
    text = ams.file(tmp_path / "whole.json", records=ams.of_small()[:2]).read_bytes()
    whole = signed_parts(tmp_path / "whole.json")
    file = tmp_path / "changed.json"
    refused = 0
    for _ in range(250):
        changed = bytearray(text)
        changed[chance.randrange(len(text))] = chance.choice(b'x0"{}[],: \n\\\xff')
        file.write_bytes(changed)
        try:
            assert signed_parts(file) == whole
        except FileRefused:
            refused += 1
    assert refused > 150


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES, max_size=5), max_size=8),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
    st.sampled_from([1, 40, 1 << 20]),
)
def test_whatever_is_written_is_read(
    tmp_path: Path, records: list[dict[str, Any]], indent: int | None, ascii_only: bool, chunk: int
) -> None:
    value = ams.content([], [{name: each for name, each in record.items() if name != "checksum"} for record in records])
    file = tmp_path / "any.json"
    file.write_text(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "utf-8")
    found = [json.loads(bytes(each.fields)) for block in recognise(file).blocks(chunk=chunk) for each in block.records]
    assert found == value["attendance_records"]


def signed_parts(file: Path) -> list[dict[str, Any]]:
    """What the checksums of a file cover."""
    found = [
        json.loads(bytes(record.fields)) for block in recognise(file).blocks(chunk=700) for record in block.records
    ]
    return [
        {name: value for name, value in each.items() if name not in ("id", "created_at", "updated_at")}
        for each in found
    ]


def test_an_object_with_members_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "many.json"
    lists = "".join(f', "l{number}": []' for number in range(10_001))
    file.write_text('{"metadata": {"version": "1.0", "backup_type": "full"}' + lists + "}")
    with pytest.raises(LimitExceeded, match="members"):
        list(recognise(file).blocks())

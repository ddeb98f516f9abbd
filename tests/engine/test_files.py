"""Files go with the rows that name them: added, changed and removed as they are, and never anywhere else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests import packages, sites
from tests.paper_sites import files, office, records
from tests.restoring import counted
from webapp.engine import commands, errors
from webapp.engine.answers import FILES, Choices, Counts, Plan


def files_of(plan: Plan) -> dict[str, int]:
    """The counts of a plan's files that are not zero."""
    assert plan.files is not None
    return {
        name: count
        for name in ("insert", "update", "delete", "same", "skipped", "blocked")
        if (count := getattr(plan.files.counts, name))
    }


def test_an_empty_site_gets_its_rows_and_its_files_back_and_then_there_is_nothing_to_do(
    site_database: str, tmp_path: Path
) -> None:
    site = office(site_database, tmp_path, empty=True)
    package = site.package()
    path, plan = site.plan_of(package)
    assert counted(plan) == {"insert": 6}
    assert files_of(plan) == {"insert": 5}
    outcome = site.carry_out(package, path, plan)
    assert (outcome.status, outcome.checked["files"]) == ("done", 5)
    assert "5 files were read back" in outcome.verdict
    assert site.held() == files()
    path, again = site.plan_of(package)
    assert again.changes == 0
    assert files_of(again) == {"same": 5}
    assert site.carry_out(package, path, again).status == "nothing"


def test_files_that_are_lost_or_spoilt_come_back_though_no_row_differs(site_database: str, tmp_path: Path) -> None:
    site = office(site_database, tmp_path)
    package = site.package()
    (site.media / "documents/2026/one.txt").unlink()
    (site.media / "letters/three.txt").write_text("spoilt")
    (site.media / "letters/newer.txt").write_text("nobody's")
    path, plan = site.plan_of(package)
    assert counted(plan) == {"same": 6}
    assert files_of(plan) == {"insert": 1, "update": 1, "same": 3}
    changed = {row.pk: row.action for row in site.changes(path, FILES) if row.action != "same"}
    assert changed == {"documents/2026/one.txt": "insert", "letters/three.txt": "update"}
    assert site.carry_out(package, path, plan).status == "done"
    assert site.held() == {**files(), "letters/newer.txt": b"nobody's"}
    kept = [each.read_text() for each in (site.media / ".smart-restore").rglob("old-*")]
    assert kept == ["spoilt"]


@pytest.mark.parametrize(
    ("choices", "found"),
    [
        ({"add": False}, {"skipped": 1, "update": 1, "same": 3}),
        ({"change": False}, {"insert": 1, "skipped": 1, "same": 3}),
        ({"on_conflict": "database"}, {"insert": 1, "skipped": 1, "same": 3}),
        ({"on_conflict": "newest"}, {"insert": 1, "skipped": 1, "same": 3}),
    ],
)
def test_the_switches_and_who_wins_hold_for_files_too(
    sqlite: str, tmp_path: Path, choices: dict[str, object], found: dict[str, int]
) -> None:
    site = office(sqlite, tmp_path)
    (site.media / "documents/2026/one.txt").unlink()
    (site.media / "letters/three.txt").write_text("edited since")
    _, plan = site.plan_of(site.package(), **choices)
    assert files_of(plan) == found


def test_an_older_file_in_the_folder_gives_way_to_the_newest(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    spoilt = site.media / "letters/three.txt"
    spoilt.write_text("older")
    before = packages.MOMENT.timestamp() - 60
    os.utime(spoilt, (before, before))
    site.bring_back(site.package(), on_conflict="newest")
    assert site.held() == files()
    assert spoilt.stat().st_mtime == packages.MOMENT.timestamp()


def test_a_file_goes_only_with_the_rows_that_named_it(site_database: str, tmp_path: Path) -> None:
    site = office(site_database, tmp_path)
    rows = [row for row in records() if row["fields"].get("title") not in ("Paper 1", "Paper 3")]
    held = {path: text for path, text in files().items() if "one" not in path and "three" not in path}
    shared = {"model": "office.person", "pk": 3, "fields": {"name": "Person 3", "photo": "letters/three.txt"}}
    site.lay_out({"notes/more.txt": b"no row names this, and no backup holds it"})
    package = site.package(held, [*rows, shared])
    assert site.plan_of(package)[1].counts.delete == 0
    assert files_of(site.plan_of(package)[1]) == {"same": 3}
    outcome = site.bring_back(package, remove=True)
    assert outcome.counts.delete == 2
    assert outcome.files is not None
    assert outcome.files.counts.delete == 1
    assert set(site.held()) == {*files(), "notes/more.txt"} - {"documents/2026/one.txt"}
    assert [each.read_bytes() for each in (site.media / ".smart-restore").rglob("old-*")] == [
        files()["documents/2026/one.txt"]
    ]


def test_a_chosen_category_brings_the_files_of_its_rows_and_no_others(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    shutil.rmtree(site.media / "letters")
    shutil.rmtree(site.media / "photos")
    shutil.rmtree(site.media / "notes")
    site.bring_back(site.package(), categories=("people",))
    assert set(site.held()) == {"photos/meera.png", "documents/2026/one.txt", "documents/2026/two.txt"}


def test_rows_that_name_a_file_which_is_nowhere_are_told_and_keep_their_path(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path, empty=True)
    held = {path: text for path, text in files().items() if path.startswith("documents/")}
    rows = [
        *records(),
        {"model": "office.paper", "pk": 9, "fields": {"title": "Paper 9", "file_path": "../../etc/passwd"}},
    ]
    path, plan = site.plan_of(package := site.package(held, rows))
    assert plan.files is not None
    assert plan.files.missing == 3
    assert {(gap.title, gap.rows, gap.examples) for gap in plan.files.gaps} == {
        ("Papers", 2, ("../../etc/passwd", "letters/three.txt")),
        ("People", 1, ("photos/meera.png",)),
    }
    assert {row.pk for row in site.changes(path, FILES, "missing")} == {
        "../../etc/passwd",
        "letters/three.txt",
        "photos/meera.png",
    }
    assert site.carry_out(package, path, plan).status == "done"
    assert "letters/three.txt" in [row["file_path"] for row in site.rows("office_paper")]


def test_without_a_folder_or_by_choice_files_are_left_and_that_is_said(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    package = site.package()
    assert files_of(site.plan_of(package, files=False)[1]) == {}
    assert site.plan_of(package, files=False)[1].files.state == "not_chosen"  # type: ignore[union-attr]
    plan = commands.make_plan(
        package, site.url, stages=tmp_path / "stages", output=tmp_path / "plan", profile=site.profile
    )
    assert plan.files is not None
    assert (plan.files.state, plan.files.held) == ("no_folder", 5)


def test_a_backup_without_files_says_nothing_of_files(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    shutil.rmtree(site.media)
    _, plan = site.plan_of(sites.fixture(tmp_path / "rows.json", records()))
    assert plan.files is None


def test_the_analysis_counts_files_and_the_rows_that_name_them(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    held = {path: text for path, text in files().items() if path != "photos/meera.png"}
    found = commands.analyse(site.package(held), site.url, stages=tmp_path / "stages", profile=site.profile).files
    assert found is not None
    assert (found.count, found.named, found.missing, found.loose) == (4, 3, 1, 1)
    assert found.size == sum(len(text) for text in held.values())


def test_a_file_that_changes_after_the_preview_makes_it_stale(site_database: str, tmp_path: Path) -> None:
    site = office(site_database, tmp_path)
    spoilt = site.media / "letters/three.txt"
    spoilt.write_text("spoilt")
    package = site.package()
    path, plan = site.plan_of(package)
    spoilt.write_text("worked on")
    with pytest.raises(errors.Stale, match=r"letters/three\.txt"):
        site.carry_out(package, path, plan)
    assert spoilt.read_text() == "worked on"
    assert list((site.media / ".smart-restore").iterdir()) == []


def test_a_link_on_the_way_is_never_followed(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(site.media / "letters")
    (site.media / "letters").symlink_to(outside, target_is_directory=True)
    (site.media / "documents/2026/one.txt").unlink()
    (site.media / "documents/2026/one.txt").symlink_to(tmp_path / "office.toml")
    path, plan = site.plan_of(package := site.package())
    assert files_of(plan) == {"same": 3, "blocked": 2}
    assert not plan.ready
    assert sorted(problem.pk for problem in plan.problems) == ["documents/2026/one.txt", "letters/three.txt"]
    with pytest.raises(errors.PlanBlocked):
        site.carry_out(package, path, plan)
    assert list(outside.iterdir()) == []


def test_a_folder_of_our_own_that_is_a_link_or_somebody_elses_is_not_used(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path, empty=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (site.media / ".smart-restore").symlink_to(outside, target_is_directory=True)
    with pytest.raises(errors.FolderRefused):
        site.bring_back(site.package())
    assert list(outside.iterdir()) == []
    assert site.held() == {}


def test_a_name_that_a_folder_has_already_stands_in_the_way(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path, empty=True)
    site.lay_out({"letters": b"a file where a folder should be"})
    (site.media / "notes/loose.txt").mkdir(parents=True)
    _, plan = site.plan_of(site.package())
    assert files_of(plan) == {"insert": 3, "blocked": 2}
    assert not plan.ready


def test_files_that_differ_in_case_only_are_left_out(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path, empty=True)
    # A package cannot hold such twins, so two of them do.
    first, second = site.package({"letters/a.txt": b"a"}, []), site.package({"letters/A.txt": b"A"})
    plan = commands.make_plan(
        [first, second],
        site.url,
        stages=tmp_path / "stages",
        output=tmp_path / "plan",
        profile=site.profile,
        media=site.media,
    )
    assert files_of(plan) == {"skipped": 2}
    assert plan.files is not None
    assert [reason.code for reason in plan.files.reasons] == ["file_twin"]


def test_another_backup_cannot_be_slipped_in_between_preview_and_restore(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path, empty=True)
    path, plan = site.plan_of(site.package())
    other = site.package(dict.fromkeys(files(), b"something else"))
    with pytest.raises(errors.FilesUnreadable):
        site.carry_out(other, path, plan)
    assert site.held() == {}
    assert site.rows("office_paper") == []
    assert list((site.media / ".smart-restore").iterdir()) == []


def test_new_files_can_be_read_by_the_application(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    one, three = site.media / "documents/2026/one.txt", site.media / "letters/three.txt"
    one.unlink()
    three.write_text("spoilt")
    three.chmod(0o640)
    site.bring_back(site.package())
    assert (one.stat().st_mode & 0o777, three.stat().st_mode & 0o777) == (0o644, 0o640)


def test_what_was_kept_aside_can_be_forgotten_and_a_backup_never_holds_it(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path)
    (site.media / "letters/three.txt").write_text("spoilt")
    site.bring_back(site.package())
    assert len(list((site.media / ".smart-restore").rglob("old-*"))) == 1
    assert commands.forget_replaced(site.media, packages.MOMENT) == 0
    assert commands.forget_replaced(site.media, packages.MOMENT.replace(year=2100)) == 1
    assert list((site.media / ".smart-restore").rglob("old-*")) == []


def test_counts_of_files_are_no_counts_of_rows(sqlite: str, tmp_path: Path) -> None:
    site = office(sqlite, tmp_path, empty=True)
    plan = site.plan_of(site.package(rows=[]))[1]
    assert plan.counts == Counts()
    assert plan.changes == 5
    assert Choices().files

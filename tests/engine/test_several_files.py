"""Several files in one restore, and the sample files that belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sites
from tests.restoring import codes
from webapp.demo.school import create_demo_school
from webapp.engine import commands
from webapp.engine.answers import Choices
from webapp.engine.errors import MalformedFile

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "school"


@pytest.fixture
def two_files(tmp_path: Path) -> list[Path]:
    routes = [{"model": "transport.route", "pk": 71, "fields": {"name": "Lake road"}}]
    stops = [
        {"model": "transport.stoppage", "pk": 81, "fields": {"route": 71, "name": "Lake"}},
        {"model": "transport.stoppage", "pk": 82, "fields": {"route": 99, "name": "Nowhere"}},
    ]
    return [sites.fixture(tmp_path / "stops.json", stops), sites.fixture(tmp_path / "routes.json", routes)]


def planned(files: list[Path], url: str, folder: Path, **choices: object) -> commands.Plan:
    return commands.make_plan(
        files,
        url,
        stages=folder / "stages",
        output=folder / "plan",
        choices=Choices(**choices),  # type: ignore[arg-type]
    )


def test_references_are_found_across_files_and_problems_name_theirs(two_files: list[Path], tmp_path: Path) -> None:
    url = create_demo_school(tmp_path / "demo").url
    plan = planned(two_files, url, tmp_path)
    assert [(each.code, each.pk, each.place.file, each.place.record) for each in plan.problems] == [
        ("missing_reference", "82", "stops.json", 2)
    ]
    plan = planned([*two_files, two_files[0]], url, tmp_path, on_missing="skip")
    assert (plan.counts.insert, plan.counts.skipped) == (2, 1)


def test_damage_names_the_file(two_files: list[Path], tmp_path: Path) -> None:
    url = create_demo_school(tmp_path / "demo").url
    two_files[1].write_text('[{"model": 7}]')
    with pytest.raises(MalformedFile, match=r"of routes\.json"):
        planned(two_files, url, tmp_path)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not on this machine")
def test_the_five_samples_are_restored_together_and_once(tmp_path: Path) -> None:
    url = create_demo_school(tmp_path / "demo").url
    files = sorted(SAMPLES.glob("*.json"))
    plan = planned(files, url, tmp_path)
    assert {"another_site", "unknown_field", "missing_reference"} <= set(codes(plan.problems))
    wanted = {"accept_drift": True, "origin": "same"}
    plan = planned(files, url, tmp_path, **wanted)
    # Two assignments stand twice in the file.
    assert [(each.code, each.pk) for each in plan.problems] == [("duplicate_record", "130"), ("duplicate_key", "114")]
    plan = planned(files, url, tmp_path, **wanted, on_invalid="skip")
    assert (plan.counts.insert + plan.counts.update, plan.counts.skipped, plan.counts.blocked) == (604, 2, 0)
    outcome = commands.apply_plan(tmp_path / "plan", plan.digest, url, job="five", receipt=tmp_path / "receipt")
    assert outcome.status == "done"
    again = planned(files, url, tmp_path, **wanted, on_invalid="skip")
    assert (again.counts.changes, again.counts.same, again.counts.skipped) == (0, 604, 2)

"""A sync file in the browser: what it says of itself, and a checksum that is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import cast

import pytest

from tests import attendance_sites as ams
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import approve, upload
from webapp.models import Site, db
from webapp.restores import outcome_of, plan_of, problem_of


@pytest.fixture
def site_url(sqlite: str) -> str:
    """One kind of database is enough."""
    return sqlite


@pytest.fixture
def plant(installation: Installation) -> Installation:
    """The installation, its site being the small attendance system beside the school's tables."""
    ams.sites.execute(installation.site_url, *drops(installation.site_url))
    ams.small(installation.site_url)
    site = cast(Site, db.session.get(Site, installation.site_id))
    site.profile = "attendance"
    db.session.commit()
    return installation


def drops(url: str) -> list[str]:
    """Statements that empty the school's database."""
    return [f'DROP TABLE "{name}"' for name in ams.sites.tables(url)]


def test_a_sync_file_is_analysed_previewed_and_restored(
    plant: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    client = plant.client("admin")
    records = [ams.record("PP1", 20, "Śląsk & Söhne", status="<i>WO</i>"), ams.record("PP7", 20, "<b>Neu</b>")]
    file = ams.file(
        tmp_path / "sync.json",
        (ams.company("300045"), ams.company("śląsk & söhne")),
        records,
        backup_type="incremental",
        since_date="2025-11-20T00:00:00",
    )
    job_id = upload(plant, client, file)
    assert plant.wait(job_id).status == "analysed"
    page = client.get(f"/restores/{job_id}/analysis/").text
    assert "only what was changed since 2025-11-20T00:00:00" in page
    assert "The file is an increment" in page
    data = {"mode": "merge", "on_conflict": "manual", "on_missing": "create"}
    assert client.post(f"/restores/{job_id}/choose/", data=data).status_code == 303
    assert plant.wait(job_id).status == "planned"
    page = client.get(f"/restores/{job_id}/").text
    assert "1 row would be made because records refer to it" in page
    assert "Companies: &lt;b&gt;Neu&lt;/b&gt;" in page
    assert "Attendance: 1 row" in page
    assert "Almost the same name" in page
    assert "“śląsk &amp; söhne”" in page
    answer = {"decide:core.attendancerecord:*": "backup"}
    assert client.post(f"/restores/{job_id}/decisions/", data=answer).status_code == 303
    plan = plan_of(plant.wait(job_id))
    assert plan is not None
    assert plan.ready
    approve(client, plant, job_id)
    outcome = outcome_of(plant.wait(job_id))
    assert outcome is not None
    assert (outcome.counts.insert, outcome.counts.update) == (3, 1)


def test_a_wrong_checksum_is_told_and_read_only_on_request(
    plant: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    client = plant.client("admin")
    file = ams.file(tmp_path / "sync.json", records=[ams.record("PP1", 20, "300045", checksum="0" * 64)])
    job_id = upload(plant, client, file)
    job = plant.wait(job_id)
    problem = problem_of(job)
    assert problem is not None
    assert (job.status, problem.code, problem.place.record) == ("failed", "checksum_wrong", 3)
    assert "Read it as it stands" in client.get(f"/restores/{job_id}/").text
    assert client.post(f"/restores/{job_id}/repairs/", data={"repair": "checksums"}).status_code == 303
    assert plant.wait(job_id).status == "analysed"
    page = client.get(f"/restores/{job_id}/analysis/").text
    assert "number 1 of attendance_records" in page

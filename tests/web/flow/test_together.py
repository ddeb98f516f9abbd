"""Several files in one restore: sent together, ticked in the history, added to a restore and taken out of it again."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import doubtful, sites
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import JSON, RAW, approve
from webapp.models import Backup, Site, db
from webapp.restores import analysis_of, plan_of, problem_of
from webapp.seal import seal


@pytest.fixture
def site_url(sqlite: str) -> str:
    """One kind of database is enough."""
    return sqlite


PARTS = {
    "students.json": {"students.student"},
    "classes.json": {"subjects.classsection"},
    "deposits.json": {"student_fees.feedeposit"},
}


@pytest.fixture
def files(installation: Installation, tmp_path: Path) -> dict[str, Path]:
    """A backup in three files, of which each refers to another; then the school loses all three tables."""
    records = doubtful.backup_of(installation.site_url, tmp_path)
    found = {
        name: sites.fixture(tmp_path / name, [record for record in records if record["model"] in labels])
        for name, labels in PARTS.items()
    }
    tables = [
        name for name in sites.tables(installation.site_url) if name.split("_")[0] not in {"auth", "django", "users"}
    ]
    sites.execute(installation.site_url, *(f'DELETE FROM "{name}"' for name in tables))
    return found


def sent(path: Path) -> tuple[io.BytesIO, str]:
    return io.BytesIO(path.read_bytes()), path.name


def backup_id(installation: Installation, name: str) -> str:
    db.session.rollback()
    found = db.session.query(Backup).filter_by(name=name).one()
    return found.id


def test_files_that_are_sent_together_are_one_restore_in_the_order_of_their_references(
    installation: Installation, worker: subprocess.Popen[bytes], files: dict[str, Path]
) -> None:
    client = installation.client("admin")
    form: dict[str, Any] = {"site": str(installation.site_id), "file": [sent(path) for path in files.values()]}
    answer = client.post("/restore/upload/", data=form, headers=JSON, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.text
    job_id = answer.json["job"]
    assert len(answer.json["more"]) == 2
    analysis = analysis_of(installation.wait(job_id))
    assert analysis is not None
    assert {part.name: part.records for part in analysis.file.parts} == {
        "students.json": 12,
        "classes.json": 3,
        "deposits.json": 4,
    }
    page = client.get(f"/restores/{job_id}/").text
    assert "3 files as one" in page
    assert "students.json and 2 other files" in page
    assert client.post(f"/restores/{job_id}/choose/", data={"mode": "merge"}).status_code == 303
    job = installation.wait(job_id)
    assert job.status == "planned", problem_of(job)
    plan = plan_of(job)
    assert plan is not None
    assert (plan.problem_count, plan.counts.insert) == (0, 19)
    approve(client, installation, job_id)
    assert installation.wait(job_id).status == "done"
    assert len(sites.rows(installation.site_url, "student_fees_feedeposit")) == 4
    # What one file says of itself is still only about that file.
    for name in files:
        assert db.session.get(Backup, backup_id(installation, name)).analysis_json is None  # type: ignore[union-attr]


def test_a_file_is_missed_found_in_the_history_added_and_taken_out(
    installation: Installation, worker: subprocess.Popen[bytes], files: dict[str, Path]
) -> None:
    client = installation.client("admin")
    jobs = {}
    for name in ("classes.json", "students.json"):
        address = f"/restore/upload/?site={installation.site_id}&name={name}"
        jobs[name] = client.post(address, data=files[name].read_bytes(), headers=RAW).json["job"]
        assert installation.wait(jobs[name]).status == "analysed"
    job_id = jobs["students.json"]
    page = client.get(f"/restores/{job_id}/").text
    assert "What is missing, and where it could come from" in page
    assert "3 rows of Class sections" in page
    assert "Add classes.json" in page
    viewer = installation.client("viewer").get(f"/restores/{job_id}/").text
    assert "What is missing" in viewer
    assert '<button class="button small">Add' not in viewer
    classes = backup_id(installation, "classes.json")
    assert client.post(f"/restores/{job_id}/files/", data={"backup": classes}).status_code == 303
    analysis = analysis_of(installation.wait(job_id))
    assert analysis is not None
    assert len(analysis.file.parts) == 2
    assert "What is missing" not in client.get(f"/restores/{job_id}/").text
    form = {"file": [sent(files["deposits.json"])], "remove": classes}
    client.post(f"/restores/{job_id}/files/", data=form, content_type="multipart/form-data")
    analysis = analysis_of(installation.wait(job_id))
    assert analysis is not None
    assert [part.name for part in analysis.file.parts] == ["students.json", "deposits.json"]
    client.post(f"/restores/{job_id}/files/", data={"remove": backup_id(installation, "deposits.json")})
    analysis = analysis_of(installation.wait(job_id))
    assert analysis is not None
    assert analysis.file.parts == ()


def test_backups_that_are_ticked_in_the_history_are_analysed_together(
    installation: Installation, worker: subprocess.Popen[bytes], files: dict[str, Path]
) -> None:
    client = installation.client("admin")
    kept = [
        client.post(
            f"/restore/upload/?site={installation.site_id}&name={name}&keep=yes", data=path.read_bytes(), headers=RAW
        ).json["backup"]
        for name, path in files.items()
    ]
    assert client.get("/restore/").text.count('form="several"') == 3
    answer = client.post("/restore/analyze/", data={"backup": kept}, headers=JSON)
    twice = client.post("/restore/analyze/", data={"backup": kept[:1] + kept[:0:-1]}, headers=JSON)
    assert answer.json["job"] == twice.json["job"]
    alone = client.post("/restore/analyze/", data={"backup": kept[0]}, headers=JSON)
    assert alone.json["job"] != answer.json["job"]
    assert installation.wait(answer.json["job"]).status == "analysed"
    preview = client.post(f"/restore/history/{kept[0]}/", data={"more": kept[1:], "mode": "merge"}, headers=JSON)
    assert sorted(preview.json["more"]) == sorted(kept[1:])
    assert client.post("/restore/analyze/", data={}).status_code == 422


def test_backups_of_other_sites_do_not_get_in(installation: Installation, tmp_path: Path) -> None:
    own = installation.backup()
    other = Site(
        name="other", title="Other", url_sealed=seal("sqlite:////nowhere"), address="", dialect="sqlite", profile=""
    )
    db.session.add(other)
    db.session.commit()
    foreign = Backup(site_id=other.id, name="theirs.json", size=2, sha256="0" * 64, path="backups/backup.json")
    db.session.add(foreign)
    db.session.commit()
    job_id, foreign_id = installation.job("analysed", backup_id=own), foreign.id
    admin, root = installation.client("admin"), installation.client("root")
    assert admin.post("/restore/analyze/", data={"backup": [own, foreign_id]}).status_code == 404
    assert admin.post(f"/restores/{job_id}/files/", data={"backup": foreign_id}).status_code == 404
    for address in ("/restore/analyze/", f"/restores/{job_id}/files/"):
        answer = root.post(address, data={"backup": [own, foreign_id]}, headers=JSON)
        assert answer.status_code == 422
    assert installation.read(job_id).more == []
    running = installation.job("running", backup_id=own)
    assert root.post(f"/restores/{running}/files/", data={"backup": own}).status_code == 422
    assert installation.client("viewer").post(f"/restores/{job_id}/files/", data={"backup": own}).status_code == 403

"""Files through the pages: the folder is named, a package is uploaded, previewed and restored, and a broken end is mended."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests import sites
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import approve, both, previewed, upload
from webapp import jobs, settling
from webapp.engine import backups
from webapp.models import AuditEvent, Site, db
from webapp.restores import as_text, outcome_of, plan_of

PORTRAIT = b"a portrait"


@pytest.fixture
def media(installation: Installation, tmp_path: Path) -> Path:
    """The folder of the school's files, with a picture of one student."""
    folder = tmp_path / "media"
    (folder / "students").mkdir(parents=True)
    (folder / "students/one.png").write_bytes(PORTRAIT)
    (folder / "students/two.png").write_bytes(b"another portrait")
    sites.execute(
        installation.site_url,
        "UPDATE students_student SET student_image = 'students/one.png' WHERE id = 1",
        "UPDATE students_student SET student_image = 'students/gone.png' WHERE id = 2",
    )
    return folder


def name_folder(installation: Installation, client: FlaskClient, folder: Path | str) -> int:
    return client.post(f"/sites/{installation.site_id}/files", data={"folder": str(folder)}).status_code


@pytest.fixture
def package(installation: Installation, media: Path, tmp_path: Path) -> Path:
    """A package of the school, whose files are lost and spoilt after it."""
    path = tmp_path / "package.tar.gz"
    backups.make(installation.site_url, path, profile="school", format="package", media=media)
    (media / "students/one.png").unlink()
    (media / "students/two.png").write_bytes(b"spoilt")
    return path


def test_a_root_names_the_folder_and_nobody_else_and_not_any_folder(
    installation: Installation, media: Path, tmp_path: Path
) -> None:
    root = installation.client("root")
    assert name_folder(installation, installation.client("admin"), media) == 403
    outside = tmp_path.parent / "outside"
    for wrong in ("media", outside, tmp_path / "nowhere", media / "students/one.png", installation.settings.data_dir):
        answer = root.post(f"/sites/{installation.site_id}/files", data={"folder": str(wrong)})
        assert answer.status_code == 422
        assert "cannot be used" in answer.text
    assert name_folder(installation, root, media) == 303
    site = db.session.get(Site, installation.site_id)
    assert site is not None
    assert site.media == media
    event = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "site.media")).one()
    assert str(media) in event.detail_json
    assert name_folder(installation, root, "") == 303


@both
def test_lost_files_come_back_through_the_pages(
    installation: Installation, worker: subprocess.Popen[bytes], package: Path, media: Path
) -> None:
    client = installation.client("root")
    job_id = upload(installation, client, package)
    assert installation.wait(job_id).status == "analysed"
    page = client.get(f"/restores/{job_id}/").text
    assert "2 files" in page
    assert "has no folder of files" in page
    assert name_folder(installation, client, media) == 303
    assert str(media) in client.get(f"/restores/{job_id}/").text

    client.post(f"/restores/{job_id}/choose/", data={"mode": "merge", "on_conflict": "backup"})
    assert installation.wait(job_id).status == "planned"
    page = client.get(f"/restores/{job_id}/preview/").text
    assert "In the folder of files it adds <b>1</b>, changes <b>1</b>" in page
    assert "1 row names a file that is nowhere" in page
    rows = client.get(f"/restores/{job_id}/rows/%23files/?action=update").text
    assert "students/two.png" in rows
    assert "students/one.png" not in rows
    assert "students/gone.png" in client.get(f"/restores/{job_id}/rows/%23files/?action=missing").text

    assert approve(client, installation, job_id).status_code == 303
    job = installation.wait(job_id)
    assert job.status == "done"
    assert (media / "students/one.png").read_bytes() == PORTRAIT
    assert (media / "students/two.png").read_bytes() == b"another portrait"
    page = client.get(f"/restores/{job_id}/").text
    assert "2 files checked" in page
    receipt = client.get(f"/restores/{job_id}/receipt/").text
    assert "students/one.png" in receipt
    assert "students/two.png" in receipt
    again = previewed(installation, client, package)
    assert "There is nothing to restore" in client.get(f"/restores/{again}/preview/").text


def test_files_can_be_left_alone(
    installation: Installation, worker: subprocess.Popen[bytes], package: Path, media: Path
) -> None:
    client = installation.client("root")
    name_folder(installation, client, media)
    job_id = previewed(installation, client, package, files="no")
    assert "left out, as you chose" in client.get(f"/restores/{job_id}/preview/").text
    plan = plan_of(installation.read(job_id))
    assert plan is not None
    assert plan.changes == 0


def test_a_commit_whose_files_could_not_be_put_in_place_is_carried_on_with(
    installation: Installation,
    worker: subprocess.Popen[bytes],
    package: Path,
    media: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = installation.client("root")
    name_folder(installation, client, media)
    job_id = previewed(installation, client, package, on_conflict="backup")
    worker.kill()
    worker.wait()
    approve(client, installation, job_id)
    full = [True]
    rename = os.rename

    def fails(source: str, target: str, **more: int) -> None:
        if full and str(source).startswith("new-"):
            raise OSError(28, "No space left on device")
        rename(source, target, **more)

    monkeypatch.setattr(os, "rename", fails)
    jobs.work(job_id)
    job = installation.read(job_id)
    assert job.status == "unknown"
    assert "files still wait" in str(job.error_json)
    full.clear()
    settling.settle(job)
    job = installation.read(job_id)
    assert job.status == "done"
    outcome = outcome_of(job)
    assert outcome is not None
    assert "files" in as_text(outcome)
    assert (media / "students/one.png").read_bytes() == PORTRAIT
    assert (media / "students/two.png").read_bytes() == b"another portrait"

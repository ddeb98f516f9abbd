"""A reset through the pages: root only, behind words, password and a proven backup, and nothing when that fails."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient

from tests import sites
from tests.restoring import Restoring
from tests.web.flow.conftest import PASSWORD, Installation
from webapp import accounts, jobs, leases, resets
from webapp.engine.answers import DrillAnswer
from webapp.models import AuditEvent, Backup, RestoreJob, Site, db
from webapp.restores import outcome_of, plan_of, problem_of
from webapp.storage import storage

both = pytest.mark.parametrize("site_url", ["sqlite", "postgresql"], indirect=True)


def planned(installation: Installation) -> str:
    """The id of a reset whose plan is made, asked for by a root."""
    site = db.session.get_one(Site, installation.site_id)
    job = resets.begin(site, accounts.find_user("root"))
    jobs.work(job.id)
    assert installation.read(job.id).status == "planned", problem_of(job)
    return job.id


def approve(client: FlaskClient, installation: Installation, job_id: str, **changed: str) -> int:
    form = {"words": "reset school", "password": PASSWORD, "digest": installation.read(job_id).plan_digest or ""}
    return client.post(f"/restores/{job_id}/reset/", data={**form, **changed}).status_code


def contents(installation: Installation) -> dict[str, list[sites.Row]]:
    return {t: rows for t, rows in sites.contents(installation.site_url).items() if t not in sites.OWN_TABLES}


@both
def test_a_root_clears_a_school_and_takes_it_back(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    before = contents(installation)
    client = installation.client("root")
    assert "Reset…" in client.get(f"/sites/{installation.site_id}/").text
    assert "Show what would go" in client.get(f"/sites/{installation.site_id}/reset/").text
    address = client.post(f"/sites/{installation.site_id}/reset/").headers["Location"]
    job_id = address.rstrip("/").rpartition("/")[2]
    assert installation.wait(job_id).status == "planned"
    preview = client.get(address).text
    assert "This is what would go" in preview
    assert "Students" in preview
    assert contents(installation) == before
    line = client.get("/history/").text
    assert "ready to approve" in line
    assert "before-reset-" not in line, "its backup is not there yet, and has not failed"
    assert "Type “reset school” to go on." in client.get(f"/restores/{job_id}/reset/").text
    assert approve(client, installation, job_id) == 303
    job = installation.wait(job_id)
    assert job.status == "done", problem_of(job)
    assert "Cleared and verified" in client.get(address).text
    cleared = contents(installation)
    assert cleared["students_student"] == []
    assert cleared["users_customuser"] == before["users_customuser"]

    backup = job.backup
    assert (backup.note, backup.format, backup.origin, backup.proven_at is not None) == ("", "native", "safety", True)
    assert msgspec.json.decode(backup.drill_json or "", type=DrillAnswer).proven
    Restoring(installation.site_url, tmp_path, "school").restore(storage().path(backup.path))
    assert contents(installation) == before


def test_only_a_root_may(installation: Installation) -> None:
    job_id = planned(installation)
    before = contents(installation)
    for name in ("admin", "viewer"):
        client = installation.client(name)
        for method, address in (
            ("GET", f"/sites/{installation.site_id}/reset/"),
            ("POST", f"/sites/{installation.site_id}/reset/"),
            ("GET", f"/restores/{job_id}/reset/"),
        ):
            assert client.open(address, method=method).status_code == 403, (name, address)
        assert approve(client, installation, job_id) == 403
        assert "Go on to approve" not in client.get(f"/restores/{job_id}/").text
    # Not by the way of an ordinary restore either.
    client = installation.client("admin")
    plan = plan_of(installation.read(job_id))
    assert plan is not None
    answer = client.post(f"/restores/{job_id}/confirm/", data={"digest": plan.digest, "removal": plan.removal})
    assert answer.status_code == 422
    client.post(f"/restores/{job_id}/choose/", data={"mode": "merge"})
    jobs.work(job_id)
    client.post(
        f"/restores/{job_id}/confirm/", data={"digest": installation.read(job_id).plan_digest, "removal": plan.removal}
    )
    jobs.work(job_id)
    assert installation.read(job_id).status == "planned"
    assert contents(installation) == before


@pytest.mark.parametrize(
    "changed", [{"words": "reset"}, {"words": "Reset School"}, {"password": "not the password"}, {"digest": "0" * 64}]
)
def test_words_password_and_plan_must_be_right(installation: Installation, changed: dict[str, str]) -> None:
    job_id = planned(installation)
    client = installation.client("root")
    assert approve(client, installation, job_id, **changed) == 422
    assert installation.read(job_id).status == "planned"
    refused = db.session.query(AuditEvent).filter_by(action="reset.confirm", result="refused").one()
    assert changed.get("password", "?") not in refused.detail_json


def test_a_root_who_is_none_any_more_when_it_starts_clears_nothing(installation: Installation) -> None:
    job_id = planned(installation)
    assert approve(installation.client("root"), installation, job_id) == 303
    accounts.create_user("second", "another long password", "root")
    accounts.set_role(accounts.find_user("root"), "admin")
    before = contents(installation)
    jobs.work(job_id)
    problem = problem_of(installation.read(job_id))
    assert (problem.code if problem else "") == "not_permitted"
    assert contents(installation) == before


def test_without_a_proven_backup_nothing_is_cleared(installation: Installation) -> None:
    job_id = planned(installation)
    assert approve(installation.client("root"), installation, job_id) == 303
    # A table without a key can be backed up, and cannot be restored.
    sites.execute(installation.site_url, "CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('x')")
    before = contents(installation)
    jobs.work(job_id)
    job = installation.read(job_id)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == ("failed", "reset_not_proven")
    assert contents(installation) == before
    page = installation.client("root").get(f"/restores/{job_id}/").text
    assert "It failed. Nothing was changed" in page


def test_without_room_nothing_is_cleared(installation: Installation) -> None:
    job_id = planned(installation)
    assert approve(installation.client("root"), installation, job_id) == 303
    before = contents(installation)
    folder = storage().root / "backups"
    kept = folder.rename(folder.with_name("away"))
    try:
        jobs.work(job_id)
    finally:
        kept.rename(folder)
    problem = problem_of(installation.read(job_id))
    assert (problem.code if problem else "") == "reset_not_proven"
    assert contents(installation) == before


def test_rows_that_moved_since_the_preview_stop_it(installation: Installation) -> None:
    job_id = planned(installation)
    assert approve(installation.client("root"), installation, job_id) == 303
    sites.execute(installation.site_url, "UPDATE students_student SET first_name = 'Later' WHERE id = 1")
    before = contents(installation)
    jobs.work(job_id)
    assert installation.read(job_id).status == "stale"
    assert contents(installation) == before


def test_a_double_click_and_two_workers_reset_once(installation: Installation) -> None:
    client = installation.client("root")
    addresses = {client.post(f"/sites/{installation.site_id}/reset/").headers["Location"] for _ in range(3)}
    assert len(addresses) == 1
    job_id = addresses.pop().rstrip("/").rpartition("/")[2]
    jobs.work(job_id)
    assert approve(client, installation, job_id) == 303
    assert approve(client, installation, job_id) == 303

    def work(_number: int) -> None:
        with installation.app.app_context():
            jobs.work(job_id)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    job = installation.read(job_id)
    assert job.status == "done"
    assert db.session.query(RestoreJob).count() == db.session.query(Backup).count() == 1
    outcome = outcome_of(job)
    assert outcome is not None
    assert outcome.counts.delete > 0


@pytest.mark.parametrize("phase", ["backup", "drill", "lock", "verify"])
def test_a_worker_that_is_lost_in_any_phase_before_the_commit_has_cleared_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    job_id = planned(installation)
    assert approve(installation.client("root"), installation, job_id) == 303
    before = contents(installation)

    class Killed(BaseException):
        """Nothing catches it, as nothing catches SIGKILL."""

    extend = leases.Lease.extend

    def die(lease: leases.Lease, **values: object) -> None:
        if values.get("phase") == phase:
            raise Killed
        extend(lease, **values)

    monkeypatch.setattr(leases.Lease, "extend", die)
    with pytest.raises(Killed):
        jobs.work(job_id)
    monkeypatch.undo()
    assert contents(installation) == before
    installation.expire(job_id)
    assert installation.wait(job_id).status == "failed"
    assert contents(installation) == before
    assert list(storage().drills.iterdir()) == []


def test_after_a_failure_it_can_be_done_again_with_a_backup_of_its_own(installation: Installation) -> None:
    job_id = planned(installation)
    client = installation.client("root")
    assert approve(client, installation, job_id) == 303
    sites.execute(installation.site_url, "UPDATE students_student SET first_name = 'Later' WHERE id = 1")
    jobs.work(job_id)
    first = installation.read(job_id).backup_id
    assert client.post(f"/restores/{job_id}/again/").status_code == 303
    jobs.work(job_id)
    assert approve(client, installation, job_id) == 303
    jobs.work(job_id)
    job = installation.read(job_id)
    assert (job.status, job.backup_id != first) == ("done", True)
    assert db.session.get_one(Backup, first).path


def test_a_new_preview_is_made_before_there_is_a_backup(installation: Installation) -> None:
    job_id = planned(installation)
    client = installation.client("root")
    for status, plan in (("failed", None), ("stale", installation.read(job_id).plan_json)):
        job = installation.read(job_id)
        job.status, job.plan_json = status, plan
        db.session.commit()
        assert client.post(f"/restores/{job_id}/again/").status_code == 303
        jobs.work(job_id)
        assert installation.read(job_id).status == "planned", status


def test_a_line_that_was_put_away_is_not_the_one_that_is_used(installation: Installation) -> None:
    job_id = planned(installation)
    client = installation.client("root")
    waiting = installation.read(job_id).backup_id
    assert client.post(f"/backups/{waiting}/delete/").status_code == 303
    assert approve(client, installation, job_id) == 303
    jobs.work(job_id)
    job = installation.read(job_id)
    assert (job.status, job.backup_id == waiting, job.backup.removed_at) == ("done", False, None)


def test_a_site_without_a_reset_says_so(installation: Installation) -> None:
    site = db.session.get_one(Site, installation.site_id)
    site.profile = "generic"
    db.session.commit()
    job = resets.begin(site, accounts.find_user("root"))
    jobs.work(job.id)
    problem = problem_of(installation.read(job.id))
    assert (problem.code if problem else "") == "no_reset"

"""From an upload to the report, through the pages, with a real worker on a real database."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests import sites
from tests.web.flow.conftest import Installation, horse_of, kill
from webapp import settling
from webapp.engine import commands
from webapp.models import db
from webapp.restores import as_text, outcome_of, plan_of, problem_of

JSON = {"Accept": "application/json"}
RAW = {**JSON, "Content-Type": "application/octet-stream"}
HX = {"HX-Request": "true"}


both = pytest.mark.parametrize("site_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def damaged(installation: Installation, tmp_path: Path) -> Path:
    """A backup of the school, which is damaged after it: a name is wrong, and a day of attendance is gone."""
    backup = tmp_path / "school.json"
    commands.backup(installation.site_url, backup, profile="school")
    sites.execute(
        installation.site_url,
        "UPDATE students_student SET first_name = 'WRONG' WHERE id = 1",
        "DELETE FROM attendance_attendance WHERE date = '2025-09-02'",
    )
    return backup


def upload(installation: Installation, client: FlaskClient, backup: Path) -> str:
    """The id of the restore that an upload begins."""
    address = f"/restore/upload/?site={installation.site_id}&name={backup.name}"
    answer = client.post(address, data=backup.read_bytes(), headers=RAW)
    assert answer.json is not None
    return str(answer.json["job"])


def previewed(installation: Installation, client: FlaskClient, backup: Path, **choices: Any) -> str:
    """The id of a restore whose preview is ready."""
    job_id = upload(installation, client, backup)
    assert installation.wait(job_id).status == "analysed"
    assert client.post(f"/restores/{job_id}/choose/", data={"mode": "merge", **choices}).status_code == 303
    job = installation.wait(job_id)
    assert job.status == "planned", problem_of(job)
    return job_id


def approve(client: FlaskClient, installation: Installation, job_id: str, **more: Any) -> Any:
    """Press *Restore now*."""
    digest = installation.read(job_id).plan_digest
    return client.post(f"/restores/{job_id}/confirm/", data={"digest": digest, **more})


@both
def test_an_admin_gets_the_lost_data_back(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    client = installation.client("admin")
    job_id = upload(installation, client, damaged)
    assert "Reading the backup" in client.get(f"/restores/{job_id}/").text
    assert installation.wait(job_id).status == "analysed"

    page = client.get(f"/restores/{job_id}/").text
    assert "Choose what to restore" in page
    assert "hx-trigger" not in page
    assert "Attendance" in client.get(f"/restores/{job_id}/analysis/").text
    assert client.get(f"/restore/categories/?job={job_id}", headers=JSON).json["analysed"]
    before = sites.dump(installation.site_url)

    client.post(f"/restores/{job_id}/choose/", data={"mode": "merge", "category": "students"})
    assert installation.wait(job_id).status == "planned"
    plan = plan_of(installation.read(job_id))
    assert plan is not None
    assert (plan.counts.insert, plan.counts.update, plan.counts.delete) == (12, 1, 0)
    assert "Adds <b>12</b>, changes <b>1</b> and removes <b>0</b>" in client.get(f"/restores/{job_id}/").text
    rows = client.get(f"/restores/{job_id}/rows/students_student/?action=update", headers=HX).text
    assert "WRONG" in rows
    assert "<html" not in rows
    assert sites.dump(installation.site_url) == before

    assert "Restore now" in client.get(f"/restores/{job_id}/confirm/").text
    assert approve(client, installation, job_id).status_code == 303
    job = installation.wait(job_id)
    assert job.status == "done", problem_of(job)
    outcome = outcome_of(job)
    assert outcome is not None
    assert outcome.counts == plan.counts
    assert "Restored and verified" in client.get(f"/restores/{job_id}/").text
    receipt = client.get(f"/restores/{job_id}/receipt/")
    lines = [json.loads(line) for line in receipt.text.splitlines()]
    assert sorted(line["action"] for line in lines[1:]) == ["insert"] * 12 + ["update"]
    assert receipt.headers["Content-Disposition"].startswith("attachment")
    names = {row["first_name"] for row in sites.rows(installation.site_url, "students_student")}
    assert "WRONG" not in names
    assert "Restore</b> from school.json" in client.get("/history/").text

    again = previewed(installation, client, damaged)
    second = plan_of(installation.read(again))
    assert second is not None
    assert second.counts.changes == 0
    assert "There is nothing to restore" in client.get(f"/restores/{again}/").text


def test_a_double_click_is_one_restore(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    client = installation.client("root")
    job_id = previewed(installation, client, damaged)
    answers = [approve(client, installation, job_id) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert installation.wait(job_id).status == "done"
    assert approve(client, installation, job_id).status_code == 303
    assert installation.read(job_id).status == "done"


def test_only_the_plan_that_was_shown_can_be_approved(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    client = installation.client("root")
    job_id = previewed(installation, client, damaged)
    answer = client.post(f"/restores/{job_id}/confirm/", data={"digest": "f" * 64})
    assert answer.status_code == 422
    assert "no longer the one that was approved" in answer.text
    assert installation.read(job_id).status == "planned"


@both
def test_rows_that_changed_since_the_preview_make_it_stale(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    client = installation.client("root")
    job_id = previewed(installation, client, damaged)
    sites.execute(installation.site_url, "UPDATE students_student SET first_name = 'Newer' WHERE id = 1")
    before = sites.dump(installation.site_url)
    approve(client, installation, job_id)
    assert installation.wait(job_id).status == "stale"
    assert "Make a new preview" in client.get(f"/restores/{job_id}/").text
    assert sites.dump(installation.site_url) == before
    client.post(f"/restores/{job_id}/again/")
    assert installation.wait(job_id).status == "planned"
    approve(client, installation, job_id)
    assert installation.wait(job_id).status == "done"


def test_rights_that_were_withdrawn_after_the_approval_stop_it(
    installation: Installation, start_worker: Callable[[], Any], damaged: Path
) -> None:
    client = installation.client("admin")
    first = start_worker()
    job_id = previewed(installation, client, damaged)
    first.terminate()
    first.wait(20)
    approve(client, installation, job_id)
    installation.read(job_id).created_by.active = False
    db.session.commit()
    before = sites.dump(installation.site_url)
    start_worker()
    job = installation.wait(job_id)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == ("failed", "not_permitted")
    assert sites.dump(installation.site_url) == before


@pytest.mark.parametrize("fields", [{"mode": "replace"}, {"accounts": "restore"}, {"origin": "same"}])
def test_an_admin_may_merge_and_no_more(installation: Installation, damaged: Path, fields: dict[str, str]) -> None:
    client = installation.client("admin")
    found = commands.analyse(damaged, installation.site_url, stages=installation.settings.data_dir / "stages")
    job_id = installation.job("analysed", analysis_json=as_text(found))
    answer = client.post(f"/restores/{job_id}/choose/", data=fields)
    assert answer.status_code == 422
    assert "are for root" in answer.text
    assert installation.read(job_id).status == "analysed"


def test_a_viewer_looks_and_does_nothing(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    job_id = previewed(installation, installation.client("admin"), damaged)
    client = installation.client("viewer")
    for address in ("", "analysis/", "preview/", "rows/students_student/"):
        assert client.get(f"/restores/{job_id}/{address}").status_code == 200
    assert "Go on to restore" not in client.get(f"/restores/{job_id}/").text
    for action in ("choose/", "confirm/", "cancel/", "again/"):
        assert client.post(f"/restores/{job_id}/{action}").status_code == 403
    assert installation.read(job_id).status == "planned"


def test_replacing_asks_for_the_number_of_rows(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    sites.execute(
        installation.site_url,
        "INSERT INTO transport_route (id, name) VALUES (77, 'Newer route')",
    )
    client = installation.client("root")
    job_id = previewed(installation, client, damaged, mode="replace", category="transport")
    plan = plan_of(installation.read(job_id))
    assert plan is not None
    assert plan.removal == 1
    assert approve(client, installation, job_id).status_code == 422
    assert approve(client, installation, job_id, removal="2").status_code == 422
    assert approve(client, installation, job_id, removal="1").status_code == 303
    assert installation.wait(job_id).status == "done"
    assert [row["id"] for row in sites.rows(installation.site_url, "transport_route")] == [1, 2]


def test_a_flushed_redis_loses_nothing(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    worker.send_signal(signal.SIGSTOP)
    job_id = upload(installation, installation.client("root"), damaged)
    with Redis.from_url(installation.settings.redis_url) as redis:
        redis.flushall()
    worker.send_signal(signal.SIGCONT)
    assert installation.wait(job_id).status == "analysed"


@both
def test_a_killed_horse_is_settled_by_the_journal(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    client = installation.client("root")
    job_id = previewed(installation, client, damaged)
    before = sites.dump(installation.site_url)
    approve(client, installation, job_id)
    end = time.monotonic() + 20
    while installation.read(job_id).status == "queued" and time.monotonic() < end:
        time.sleep(0.002)
    if (horse := horse_of(worker)) is not None:
        kill(horse)
    if installation.read(job_id).owner is not None:
        installation.expire(job_id)
    job = installation.wait(job_id)
    if job.status == "failed":
        assert commands.settle(installation.site_url, job_id) == "absent"
        assert sites.dump(installation.site_url) == before
        client.post(f"/restores/{job_id}/again/")
        assert installation.wait(job_id).status == "planned"
        approve(client, installation, job_id)
        job = installation.wait(job_id)
    assert job.status == "done", problem_of(job)
    assert commands.settle(installation.site_url, job_id) == "applied"


@contextmanager
def held(installation: Installation) -> Iterator[None]:
    """Somebody else writes to the site for as long as this lasts."""
    connection = sqlite3.connect(installation.site_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_a_killed_worker_takes_its_horse_along_and_nothing_is_changed(
    installation: Installation, start_worker: Callable[[], Any], damaged: Path
) -> None:
    client = installation.client("root")
    worker = start_worker()
    job_id = previewed(installation, client, damaged)
    before = sites.dump(installation.site_url)
    with held(installation):
        approve(client, installation, job_id)
        assert installation.wait(job_id, until=("running",)).status == "running"
        horse = horse_of(worker)
        assert horse is not None
        worker.kill()
        worker.wait()
        end = time.monotonic() + 5
        while Path(f"/proc/{horse}").exists() and "Z" not in Path(f"/proc/{horse}/stat").read_text():
            assert time.monotonic() < end, "the horse runs on as an orphan"
            time.sleep(0.05)
    installation.expire(job_id)
    start_worker()
    job = installation.wait(job_id)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == ("failed", "worker_lost")
    assert sites.dump(installation.site_url) == before
    client.post(f"/restores/{job_id}/again/")
    assert installation.wait(job_id).status == "planned"
    approve(client, installation, job_id)
    assert installation.wait(job_id).status == "done"


def test_a_person_stops_a_restore_and_it_rolls_back(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    client = installation.client("admin")
    job_id = previewed(installation, client, damaged)
    before = sites.dump(installation.site_url)
    with held(installation):
        approve(client, installation, job_id)
        assert installation.wait(job_id, until=("running",)).status == "running"
        assert client.post(f"/restores/{job_id}/cancel/").status_code == 303
        assert "Stopping" in client.get(f"/restore/job/{job_id}/", headers=HX).text
    assert installation.wait(job_id).status == "cancelled"
    assert "Cancelled. Nothing was changed" in client.get(f"/restores/{job_id}/").text
    assert sites.dump(installation.site_url) == before


def test_a_second_restore_of_a_site_is_told_that_it_is_busy(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path
) -> None:
    client = installation.client("root")
    first, second = (previewed(installation, client, damaged) for _ in range(2))
    with held(installation):
        approve(client, installation, first)
        assert installation.wait(first, until=("running",)).status == "running"
        answer = approve(client, installation, second)
        assert answer.status_code == 422
        assert "busy" in answer.text
        assert installation.read(second).status == "planned"


def test_a_job_that_was_committed_by_a_lost_worker_is_done(
    installation: Installation, start_worker: Callable[[], Any], damaged: Path
) -> None:
    client = installation.client("root")
    first = start_worker()
    job_id = previewed(installation, client, damaged)
    first.kill()
    first.wait()
    job = installation.read(job_id)
    folder = installation.settings.data_dir
    commands.apply_plan(
        folder / "plans" / f"{job_id}.sqlite",
        job.plan_digest or "",
        installation.site_url,
        job=job_id,
        receipt=folder / "receipts" / f"{job_id}.sqlite",
    )
    job.status, job.owner = "running", "lost"
    db.session.commit()
    installation.expire(job_id)
    settling.sweep()
    job = installation.read(job_id)
    outcome = outcome_of(job)
    assert job.status == "done"
    assert outcome is not None
    assert outcome.counts.insert == 12


def test_a_site_that_cannot_be_asked_leaves_the_job_unknown_until_it_can(
    installation: Installation, damaged: Path
) -> None:
    job_id = installation.job("running", owner="lost")
    installation.expire(job_id)
    path = Path(installation.site_url.removeprefix("sqlite:///"))
    hidden = path.rename(path.with_suffix(".away"))
    settling.sweep()
    assert installation.read(job_id).status == "unknown"
    assert "Asking the database" in installation.client("viewer").get(f"/restores/{job_id}/").text
    hidden.rename(path)
    settling.settle(installation.read(job_id))
    assert installation.read(job_id).status == "failed"


def test_a_worker_that_is_asked_to_stop_gives_its_job_back(
    installation: Installation, start_worker: Callable[[], Any], damaged: Path
) -> None:
    first = start_worker()
    job_id = upload(installation, installation.client("root"), damaged)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) is not None
    assert installation.read(job_id).status in {"analysing", "analysed"}
    assert installation.read(job_id).owner is None
    start_worker()
    assert installation.wait(job_id).status == "analysed"


def test_a_backup_is_made_on_request(installation: Installation, worker: subprocess.Popen[bytes]) -> None:
    client = installation.client("admin")
    assert client.post(f"/sites/{installation.site_id}/backup/").status_code == 303
    assert "being made" in client.get("/history/").text or "made here" in client.get("/history/").text
    end = time.monotonic() + 120
    while "being made" in (page := client.get("/history/").text) and time.monotonic() < end:
        settling.sweep()
        db.session.rollback()  # what others have written since
        time.sleep(0.2)
    assert "Restore…" in page


def test_a_damaged_file_is_refused_with_its_place(
    installation: Installation, worker: subprocess.Popen[bytes], damaged: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.json"
    cut.write_bytes(damaged.read_bytes()[:-4000])
    client = installation.client("admin")
    job_id = upload(installation, client, cut)
    job = installation.wait(job_id)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == ("failed", "truncated_file")
    assert "ends too early" in client.get(f"/restores/{job_id}/").text

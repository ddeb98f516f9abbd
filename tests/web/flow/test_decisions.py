"""What only a person can decide: which row a record is, where a backup comes from, whether it is read repaired."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import doubtful, sites
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import approve, previewed, upload
from webapp.memory import remembered
from webapp.restores import analysis_of, choices_of, plan_of, problem_of


@pytest.fixture
def site_url(sqlite: str) -> str:
    """One kind of database is enough: what is decided is the same on the other."""
    return sqlite


def decided(installation: Installation, client: FlaskClient, job_id: str, **answers: str) -> Any:
    """The plan once the decisions about students are taken."""
    data = {f"decide:students.student:{number[1:]}": answer for number, answer in answers.items()}
    assert client.post(f"/restores/{job_id}/decisions/", data=data).status_code == 303
    job = installation.wait(job_id)
    assert job.status == "planned", problem_of(job)
    return plan_of(job)


def students(installation: Installation, tmp_path: Path) -> Path:
    """The students of a backup, number 1 with the admission number of number 2."""
    labels = {"students.student", "subjects.classsection"}
    records = [each for each in doubtful.backup_of(installation.site_url, tmp_path) if each["model"] in labels]
    records = [each for each in records if (each["model"], each["pk"]) != ("students.student", 2)]
    first = next(each for each in records if each["model"] == "students.student")
    first["fields"]["admission_number"] = "A-002"
    return sites.fixture(tmp_path / "students.json", records)


def test_an_ambiguous_record_is_decided_side_by_side_and_remembered(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    client = installation.client("admin")
    file = students(installation, tmp_path)
    job_id = previewed(installation, client, file)
    page = client.get(f"/restores/{job_id}/").text
    assert "Which row is this?" in page
    assert page.count('name="decide:students.student:1"') == 4
    assert "Make the preview with these decisions" in page
    assert "Make the preview with these decisions" not in installation.client("viewer").get(f"/restores/{job_id}/").text

    for record, answer in (("students.student:1", "7"), ("students.student:5", "new"), ("nothing:1", "skip")):
        refused = client.post(f"/restores/{job_id}/decisions/", data={f"decide:{record}": answer})
        assert refused.status_code == 422
        assert "cannot be carried out" in refused.text
    assert not choices_of(installation.read(job_id)).decisions

    plan = decided(installation, client, job_id, _1="skip")
    assert (plan.ready, plan.counts.skipped) == (True, 1)
    assert "students.student:1: left out" in client.get(f"/restores/{job_id}/").text
    assert not decided(installation, client, job_id, _1="").ready
    plan = decided(installation, client, job_id, _1="2")
    assert (plan.ready, plan.counts.update) == (True, 1)
    assert client.post(f"/restores/{job_id}/choose/", data={"mode": "merge"}).status_code == 303
    installation.wait(job_id)
    assert choices_of(installation.read(job_id)).decisions == {"students.student:1": "2"}
    approve(client, installation, job_id)
    assert installation.wait(job_id).status == "done"

    sites.execute(installation.site_url, "UPDATE students_student SET first_name = 'Other' WHERE id = 2")
    again = previewed(installation, client, file)
    page = client.get(f"/restores/{again}/").text
    assert "As last time" in page
    assert not plan_of(installation.read(again)).ready  # type: ignore[union-attr]


def test_the_key_to_match_by_is_chosen_and_offered_again(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    client = installation.client("admin")
    file = students(installation, tmp_path)
    job_id = upload(installation, client, file)
    installation.wait(job_id)
    page = client.get(f"/restores/{job_id}/choose/").text
    assert 'name="match:students.student"' in page
    assert "admission_number" in page
    wrong = client.post(f"/restores/{job_id}/choose/", data={"mode": "merge", "match:students.student": "colour"})
    assert wrong.status_code == 422
    assert "there is no field colour" in wrong.text
    assert installation.read(job_id).status == "analysed"
    key = {"match:students.student": " first_name , last_name,", "match:subjects.classsection": " "}
    assert client.post(f"/restores/{job_id}/choose/", data={"mode": "merge", **key}).status_code == 303
    assert installation.wait(job_id).status == "planned"
    assert choices_of(installation.read(job_id)).match_by == {"students.student": "first_name, last_name"}
    assert remembered(installation.site_id).match_by == {"students.student": "first_name, last_name"}
    second = upload(installation, client, file)
    installation.wait(second)
    page = client.get(f"/restores/{second}/choose/").text
    assert "As last time" in page
    assert 'value="first_name, last_name"' in page


def test_only_root_says_that_another_sites_backup_is_wanted(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    labels = {"students.student", "subjects.classsection"}
    records = [each for each in doubtful.backup_of(installation.site_url, tmp_path) if each["model"] in labels]
    sites.execute(
        installation.site_url,
        "UPDATE students_student SET admission_number = 'Z' || id, first_name = 'Q' || id, last_name = 'Z' || id,"
        " due_amount = id + 1000",
    )
    admin, root = installation.client("admin"), installation.client("root")
    job_id = previewed(installation, admin, sites.fixture(tmp_path / "theirs.json", records))
    assert "Ask a root" in admin.get(f"/restores/{job_id}/").text
    assert f"/restores/{job_id}/choose/#origin" in root.get(f"/restores/{job_id}/").text
    form = {"mode": "merge", "origin": "other"}
    assert admin.post(f"/restores/{job_id}/choose/", data=form).status_code == 422
    assert root.post(f"/restores/{job_id}/choose/", data=form).status_code == 303
    assert installation.wait(job_id).status == "planned"
    plan = plan_of(installation.read(job_id))
    assert plan is not None
    assert (plan.ready, plan.counts.insert, plan.counts.update) == (True, 12, 0)


def test_a_damaged_file_is_read_repaired_when_somebody_says_so(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    client = installation.client("admin")
    records = doubtful.backup_of(installation.site_url, tmp_path)
    file = tmp_path / "log.json"
    file.write_text("Starting the backup\n" + json.dumps(records))
    job_id = upload(installation, client, file)
    assert installation.wait(job_id).status == "failed"
    page = client.get(f"/restores/{job_id}/").text
    assert '<input type="hidden" name="repair" value="prefix">' in page
    assert client.post(f"/restores/{job_id}/repairs/", data={"repair": ["prefix", "nothing"]}).status_code == 303
    job = installation.wait(job_id)
    assert job.status == "analysed", problem_of(job)
    assert choices_of(job).repairs == ("prefix",)
    assert "How the file was repaired" in client.get(f"/restores/{job_id}/analysis/").text
    assert client.post(f"/restores/{job_id}/choose/", data={"mode": "merge"}).status_code == 303
    assert installation.wait(job_id).status == "planned"


def test_texts_in_the_wrong_encoding_are_shown_before_and_after(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    client = installation.client("admin")
    records = doubtful.backup_of(installation.site_url, tmp_path)
    broken = json.dumps(records, ensure_ascii=False).encode().decode("latin-1").encode()
    file = tmp_path / "mojibake.json"
    file.write_bytes(broken)
    job_id = upload(installation, client, file)
    assert installation.wait(job_id).status == "analysed"
    page = client.get(f"/restores/{job_id}/analysis/").text
    assert "How the file is damaged" in page
    found = analysis_of(installation.read(job_id))
    assert found is not None
    (damage,) = found.file.damage
    assert damage.samples[0].before in page
    assert damage.samples[0].after in page
    client.post(f"/restores/{job_id}/repairs/", data={"repair": "mojibake"})
    job = installation.wait(job_id)
    found = analysis_of(job)
    assert found is not None
    assert found.file.repairs == ("mojibake",)


def test_what_is_left_of_a_cut_off_file_is_for_root_and_said_on_every_screen(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    admin, root = installation.client("admin"), installation.client("root")
    text = json.dumps(doubtful.backup_of(installation.site_url, tmp_path))
    file = tmp_path / "cut.json"
    file.write_text(text[: len(text) * 3 // 4])
    job_id = upload(installation, admin, file)
    assert installation.wait(job_id).status == "failed"
    assert "is for root" in admin.get(f"/restores/{job_id}/").text
    assert admin.post(f"/restores/{job_id}/repairs/", data={"repair": "salvage"}).status_code == 422
    assert root.post(f"/restores/{job_id}/repairs/", data={"repair": "salvage"}).status_code == 303
    assert installation.wait(job_id).status == "analysed"
    sites.execute(installation.site_url, "UPDATE students_student SET first_name = 'WRONG' WHERE id = 1")
    root.post(f"/restores/{job_id}/choose/", data={"mode": "merge"})
    assert installation.wait(job_id).status == "planned"
    for step in ("analysis", "choose", "preview", "confirm"):
        assert "Only part of a backup" in root.get(f"/restores/{job_id}/{step}/").text, step
    assert approve(admin, installation, job_id).status_code == 422
    approve(root, installation, job_id)
    assert installation.wait(job_id).status == "done"
    assert "Only part of a backup" in root.get(f"/restores/{job_id}/").text


def test_who_gains_what_is_told_before_accounts_are_restored(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    client = installation.client("root")
    records = doubtful.backup_of(installation.site_url, tmp_path)
    sites.execute(
        installation.site_url,
        "DELETE FROM users_customuser_groups",
        "UPDATE users_customuser SET is_superuser = FALSE",
        "DELETE FROM users_customuser WHERE id = 3",
    )
    stamps = {"created_at": "2025-09-01T09:30:00Z", "updated_at": "2025-09-01T09:30:00Z"}
    kind = {"name": "Late", "category": "x", "description": "", "is_active": True, "created_by": 3, **stamps}
    file = sites.fixture(tmp_path / "accounts.json", [*records, sites.record("fines.finetype", 50, **kind)])
    job_id = previewed(installation, client, file, accounts="restore")
    page = client.get(f"/restores/{job_id}/").text
    assert "Who gains what" in page
    assert "is_superuser" in page
    job_id = previewed(installation, client, file)
    page = client.get(f"/restores/{job_id}/").text
    assert "Who gains what" not in page
    assert "1 account would be added without rights" in page
    assert "SuperUser" in page
    approve(client, installation, job_id)
    assert installation.wait(job_id).status == "done"
    assert "1 account was added without rights" in client.get(f"/restores/{job_id}/").text

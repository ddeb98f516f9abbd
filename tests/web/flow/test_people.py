"""The people that a backup refers to, on the preview; what has no place, model by model; what names mean."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import doubtful, sites
from tests.restoring import Record
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import approve, previewed, upload
from webapp.engine.answers import Plan
from webapp.memory import remembered
from webapp.restores import analysis_of, choices_of, plan_of, problem_of


@pytest.fixture
def site_url(sqlite: str) -> str:
    """One kind of database is enough."""
    return sqlite


def fines(installation: Installation, tmp_path: Path, *accounts: Record) -> list[Record]:
    """The fines of the school's backup, made by these accounts; the fines themselves are gone from the school."""
    records = doubtful.backup_of(installation.site_url, tmp_path)
    sites.execute(
        installation.site_url,
        "UPDATE users_customuser SET email = username || '@school.example'",
        "DELETE FROM fines_finestudent",
        "DELETE FROM fines_fine_fees_types",
        "DELETE FROM fines_fine",
    )
    (fine,) = [record for record in records if record["model"] == "fines.fine"]
    made = [
        {
            "model": "fines.fine",
            "pk": 50 + number,
            "fields": {**fine["fields"], "reason": f"No {number}", "created_by": each["pk"]},
        }
        for number, each in enumerate(accounts)
    ]
    others = [record for record in records if record["model"].split(".")[0] in {"fees", "subjects", "transport"}]
    types = [record for record in records if record["model"] == "fines.finetype"]
    for record in types:
        record["fields"]["created_by"] = None
    return [*accounts, *others, *types, *made]


def account(pk: int, username: str, email: str) -> Record:
    fields = {"username": username, "email": email, "password": "theirs", "is_superuser": True, "role": "admin"}
    return {"model": "users.customuser", "pk": pk, "fields": {**fields, "date_joined": "2025-01-01T00:00:00Z"}}


def answered(installation: Installation, client: FlaskClient, job_id: str, **form: str) -> Plan:
    """The plan once an answer was given."""
    assert client.post(f"/restores/{job_id}/decisions/", data=form).status_code == 303
    job = installation.wait(job_id)
    assert job.status == "planned", problem_of(job)
    plan = plan_of(job)
    assert plan is not None
    return plan


def test_people_are_led_to_accounts_and_a_stranger_of_the_same_name_is_a_question(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    records = fines(
        installation,
        tmp_path,
        account(91, "principal", "other@elsewhere.example"),
        account(92, "gone", "superuser@school.example"),
    )
    file = sites.fixture(tmp_path / "fines.json", records)
    client = installation.client("admin")
    job_id = previewed(installation, client, file)
    page = client.get(f"/restores/{job_id}/").text
    assert "Who is this?" in page
    assert "the same person?" in page
    assert "becomes a placeholder" in page
    assert "Which row is this?" not in page
    assert "Superuser · Superuser@school.example" in page
    assert "has the same name and another e-mail address" in page
    viewer = installation.client("viewer").get(f"/restores/{job_id}/").text
    assert "the same person?" in viewer
    assert 'name="account:' not in viewer

    plan = plan_of(installation.read(job_id))
    assert plan is not None
    assert not plan.ready
    people = {person.label: person for person in plan.people}
    asked, gone = people["principal"].decision, people["gone"].decision
    for typed, reason in (("nobody", "no account of the site is called so"), ("superuser", "more than one account")):
        refused = client.post(f"/restores/{job_id}/decisions/", data={f"account:{gone}": typed})
        assert refused.status_code == 422
        assert reason in refused.text
    for wrong in ({f"decide:{asked}": "77"}, {f"decide:{gone}": "skip"}, {"decide:nobody:1": "1"}):
        assert client.post(f"/restores/{job_id}/decisions/", data=wrong).status_code == 422
    assert not choices_of(installation.read(job_id)).decisions

    before = sites.rows(installation.site_url, "users_customuser")
    plan = answered(installation, client, job_id, **{f"decide:{asked}": "1", f"account:{gone}": ""})
    assert plan.ready, plan.problems
    assert {person.label: person.state for person in plan.people} == {"principal": "mapped", "gone": "placeholder"}
    plan = answered(installation, client, job_id, **{f"account:{gone}": " PRINCIPAL · principal@SCHOOL.example "})
    assert {person.state for person in plan.people} == {"mapped"}
    plan = answered(installation, client, job_id, **{f"account:{gone}": ""})
    assert {person.label: person.state for person in plan.people} == {"principal": "mapped", "gone": "placeholder"}
    answered(installation, client, job_id, **{f"account:{gone}": "Superuser"})
    approve(client, installation, job_id)
    assert installation.wait(job_id).status == "done"
    assert sites.rows(installation.site_url, "users_customuser") == before
    assert [row["created_by_id"] for row in sites.rows(installation.site_url, "fines_fine")] == [1, 2]
    assert remembered(installation.site_id).decisions == {asked: "1", gone: "2"}

    sites.execute(installation.site_url, "DELETE FROM fines_fine")
    page = client.get(f"/restores/{previewed(installation, client, file)}/").text
    assert page.count("As last time") == 2


def test_what_has_no_place_is_left_out_model_by_model_and_remembered(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    records: list[dict[str, Any]] = doubtful.backup_of(installation.site_url, tmp_path)
    students = [record for record in records if record["model"] == "students.student"]
    sections = [record for record in records if record["model"] == "subjects.classsection"]
    for number, record in enumerate(students):
        record["fields"] |= {"house": f"House {number % 3}", "campus": "Main", "hobby": ""}
    for record in sections:
        record["fields"]["floor"] = record["pk"]
    houses = [{"model": "school.house", "pk": 1, "fields": {"name": "Red"}}]
    file = sites.fixture(tmp_path / "drifted.json", [*students, *sections, *houses])
    client = installation.client("admin")
    job_id = upload(installation, client, file)
    installation.wait(job_id)
    page = client.get(f"/restores/{job_id}/choose/").text
    assert page.count('name="drift"') == 3
    assert "12 records with a value of their own" in page
    assert "the same everywhere" in page
    assert "always empty" in page

    def plan_with(*labels: str) -> Plan:
        assert (
            client.post(f"/restores/{job_id}/choose/", data={"mode": "merge", "drift": list(labels)}).status_code == 303
        )
        plan = plan_of(installation.wait(job_id))
        assert plan is not None
        return plan

    one = plan_with("students.student")
    assert {problem.model for problem in one.problems} == {"subjects.classsection", "school.house"}
    assert plan_with("students.student", "subjects.classsection", "school.house").ready
    again = upload(installation, client, file)
    installation.wait(again)
    page = client.get(f"/restores/{again}/choose/").text
    assert "As last time" in page
    assert page.count('name="drift" value="students.student" checked') == 1
    # A field that nobody has been asked about yet is asked about.
    students[0]["fields"]["motto"] = "Onward"
    newer = upload(installation, client, sites.fixture(tmp_path / "newer.json", [*students, *sections]))
    installation.wait(newer)
    page = client.get(f"/restores/{newer}/choose/").text
    assert 'name="drift" value="students.student">' in page
    assert 'name="drift" value="subjects.classsection" checked' in page


def test_it_is_shown_what_names_mean_and_how_many_of_them_are_found(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    records: list[dict[str, Any]] = doubtful.backup_of(installation.site_url, tmp_path)
    stoppages = [record for record in records if record["model"] == "transport.stoppage"]
    for number, record in enumerate(stoppages):
        record["fields"]["route"] = [["Route 1"], ["Route 2"], ["Route 9"]][number]
    client = installation.client("admin")
    job_id = upload(installation, client, sites.fixture(tmp_path / "stoppages.json", stoppages))
    job = installation.wait(job_id)
    (key,) = analysis_of(job).natural_keys  # type: ignore[union-attr]
    assert (key.columns, key.values, key.resolved) == (("name",), 3, 2)
    page = client.get(f"/restores/{job_id}/").text
    assert "How names in the file are understood" in page
    assert "2 of 3" in page
    assert "Route 9" in page
    choose = client.get(f"/restores/{job_id}/choose/").text
    assert 'name="match:transport_route"' in choose
    form = {"mode": "merge", "match:transport_route": "name"}
    assert client.post(f"/restores/{job_id}/choose/", data=form).status_code == 303
    assert installation.wait(job_id).status == "planned"
    assert remembered(installation.site_id).match_by == {"transport_route": "name"}

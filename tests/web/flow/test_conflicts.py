"""Rows that differ, decided on the preview: side by side, one by one or a whole table at once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests import sites
from tests.web.flow.conftest import Installation
from tests.web.flow.test_flow import approve, previewed
from webapp.engine import commands
from webapp.memory import remembered
from webapp.restores import choices_of, outcome_of, plan_of


@pytest.fixture
def site_url(sqlite: str) -> str:
    """One kind of database is enough: what is decided is the same on the other."""
    return sqlite


@pytest.fixture
def differing(installation: Installation, tmp_path: Path) -> Path:
    """A backup of the school, of which three students and a teacher are otherwise now."""
    backup = tmp_path / "school.json"
    commands.backup(installation.site_url, backup, profile="school")
    sites.execute(
        installation.site_url,
        "UPDATE students_student SET first_name = '<b>Other</b>' WHERE id <= 3",
        "UPDATE teachers_teacher SET qualification = 'M.Ed' WHERE id = 2",
    )
    return backup


def decide(installation: Installation, client: FlaskClient, job_id: str, answers: dict[str, str]) -> int:
    """Rows that still wait once the answers are taken."""
    data = {f"decide:{name}": answer for name, answer in answers.items()}
    assert client.post(f"/restores/{job_id}/decisions/", data=data).status_code == 303
    plan = plan_of(installation.wait(job_id))
    assert plan is not None
    return plan.conflict_count


def test_rows_that_differ_are_decided_side_by_side(
    installation: Installation, worker: subprocess.Popen[bytes], differing: Path
) -> None:
    client = installation.client("admin")
    job_id = previewed(installation, client, differing, on_conflict="manual")
    page = client.get(f"/restores/{job_id}/").text
    assert "Whose version?" in page
    assert "4 rows differ and wait for your word" in page
    assert "&lt;b&gt;Other&lt;/b&gt;" in page
    assert page.count('name="decide:students.student:1"') == 2
    assert "Go on to restore" not in page
    assert "Make the preview with these decisions" not in installation.client("viewer").get(f"/restores/{job_id}/").text

    for record, answer in (
        ("students.student:9", "backup"),
        ("fees.feestype:*", "backup"),
        ("students.student:1", "skip"),
    ):
        refused = client.post(f"/restores/{job_id}/decisions/", data={f"decide:{record}": answer})
        assert refused.status_code == 422
    assert not choices_of(installation.read(job_id)).decisions

    assert decide(installation, client, job_id, {"students.student:1": "backup"}) == 3
    assert "gets the backup&#39;s version" in client.get(f"/restores/{job_id}/").text
    assert decide(installation, client, job_id, {"students.student:1": "", "students.student:2": "backup"}) == 3
    assert decide(installation, client, job_id, {"students.student:*": "database"}) == 1
    assert decide(installation, client, job_id, {"teachers.teacher:2": "backup"}) == 0
    approve(client, installation, job_id)
    outcome = outcome_of(installation.wait(job_id))
    assert outcome is not None
    assert (outcome.counts.update, outcome.counts.skipped) == (2, 2 + plan_skipped(installation, job_id))
    names = [row["first_name"] for row in sites.rows(installation.site_url, "students_student")[:3]]
    assert names == ["<b>Other</b>", "अर्जुन", "<b>Other</b>"]
    assert not remembered(installation.site_id).decisions


def plan_skipped(installation: Installation, job_id: str) -> int:
    """Records that are left out for other reasons."""
    plan = plan_of(installation.read(job_id))
    assert plan is not None
    return sum(each.count for each in plan.reasons if each.code != "database_wins")

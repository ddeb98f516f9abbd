"""The pages of backup plans, as somebody without script uses them, and as htmx does."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from flask import Flask

from tests.web.visitor import signed_in
from webapp import plans, presets, tasks
from webapp.models import AuditEvent, Backup, BackupPlan, Task, db

FORM = {"name": "weekly", "frequency": "weekly", "at": "03:30", "weekday": "6", "timezone": "Asia/Kolkata", "enabled": "yes",
        "kind": "full", "format": "native", "keep_days": "90", "keep_count": "12"}  # fmt: skip
FRAGMENT = {"HX-Request": "true"}


def the_plan(app: Flask, name: str) -> BackupPlan:
    plan = db.session.query(BackupPlan).filter_by(name=name).one()
    db.session.refresh(plan)
    return plan


def test_a_plan_is_made_changed_switched_and_deleted_by_forms(app: Flask, people: SimpleNamespace) -> None:
    admin = signed_in(app, "admin")
    assert admin.get("/plans/new").status_code == 200
    made = admin.post("/plans/", {**FORM, "site": people.own})
    assert made.status_code == 303
    page = admin.get(made.headers["Location"])
    assert "Saturdays at 03:30 (Asia/Kolkata)" in page.text
    with app.app_context():
        plan = the_plan(app, "weekly")
        address, plan_id = f"/plans/{plan.id}/", plan.id
    edit = admin.get(address + "edit").text
    assert re.search(r'name="frequency" value="weekly" checked', edit)
    assert re.search(r'<option value="6" selected>Saturday', edit)
    assert admin.post(address, {**FORM, "frequency": "hourly", "keep_count": ""}).status_code == 303
    with app.app_context():
        plan = the_plan(app, "weekly")
        assert (plan.cron, plan.keep_count, plan.keep_days) == ("30 * * * *", None, 90)
    assert admin.post(address + "enable", {"enabled": "no"}).status_code == 303
    assert "never, it is off" in admin.get(address).text
    assert (
        "stay in the history" in admin.get(address + "delete").text
        or "It has no backups" in admin.get(address + "delete").text
    )
    assert admin.post(address + "delete").status_code == 303
    assert "weekly is deleted" in admin.get("/plans/").text
    with app.app_context():
        assert db.session.get(BackupPlan, plan_id) is None


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"name": ""}, "name", "a name has letters"),
        ({"name": "nightly"}, "name", "already"),
        ({"frequency": "cron", "cron": "often"}, "cron", "five fields"),
        ({"at": "25:00"}, "at", "no time of day"),
        ({"timezone": "Mars"}, "timezone", "no time zone"),
        ({"keep_count": "0"}, "keep_count", "not a number from 1"),
        ({"keep_days": "many"}, "keep_days", "not a number from 1"),
        ({"frequency": "yearly"}, "", "no frequency"),
        ({"weekday": "9"}, "", "a week has the days"),
        ({"frequency": "monthly", "day": "31"}, "", "not every month"),
        ({"format": "exe"}, "", "no format"),
        ({"encrypted": "yes"}, "", "no key to encrypt"),
        ({"category": "nothing"}, "", "no category"),
    ],
)
def test_a_form_that_is_wrong_comes_back_with_what_was_typed(
    app: Flask, people: SimpleNamespace, wrong: dict[str, str], field: str, sentence: str
) -> None:
    admin = signed_in(app, "admin")
    with app.app_context():
        before = db.session.query(BackupPlan).count()
    answer = admin.post("/plans/", {**FORM, "site": people.own, **wrong})
    assert answer.status_code == 422
    assert sentence in answer.text
    if field:
        assert f'aria-errormessage="wrong-{field}"' in answer.text
    assert 'value="Asia/Kolkata"' in answer.text or "timezone" in wrong
    with app.app_context():
        assert db.session.query(BackupPlan).count() == before


def test_a_plan_of_a_foreign_site_cannot_be_made_or_moved_there(app: Flask, people: SimpleNamespace) -> None:
    admin = signed_in(app, "admin")
    assert admin.post("/plans/", {**FORM, "site": people.foreign}).status_code == 404
    assert admin.post("/plans/", FORM).status_code == 404
    own = f"/plans/{people.plans['own']}/"
    assert admin.post(own, {**FORM, "site": people.foreign}).status_code == 303
    with app.app_context():
        assert the_plan(app, "weekly").site_id == people.own


def test_running_now_asks_once_and_only_then_the_page_asks_again(app: Flask, people: SimpleNamespace) -> None:
    admin = signed_in(app, "admin")
    address = f"/plans/{people.plans['own']}/"
    assert "hx-trigger" not in admin.get(address, headers=FRAGMENT).text
    assert admin.post(address + "run").status_code == 303
    twice = admin.post(address + "run")
    assert (twice.status_code, "under way already" in twice.text) == (422, True)
    for where in (address, "/plans/"):
        fragment = admin.get(where, headers=FRAGMENT).text
        assert "<html" not in fragment
        assert fragment.count("hx-trigger") == 1
        assert fragment.strip() in admin.get(where).text
    with app.app_context():
        task = db.session.query(Task).filter_by(plan_id=people.plans["own"]).one()
        tasks.perform(task.id)
        assert db.session.get(Task, task.id, populate_existing=True).status == "done"  # type: ignore[union-attr]
    assert "hx-trigger" not in admin.get("/plans/", headers=FRAGMENT).text
    assert "the last good one" in admin.get(address).text


def test_a_run_can_be_cancelled(app: Flask, people: SimpleNamespace) -> None:
    admin = signed_in(app, "admin")
    address = f"/plans/{people.plans['own']}/"
    assert admin.post(address + "cancel").status_code == 303
    assert admin.post(address + "run").status_code == 303
    assert ">Cancel<" in admin.get(address).text
    assert admin.post(address + "cancel").status_code == 303
    page = admin.get(address).text
    assert "cancelled</span>" in page
    assert "hx-trigger" not in page
    with app.app_context():
        events = db.session.query(AuditEvent).filter_by(action="task.cancel").all()
        assert [event.username for event in events] == ["admin"]


def test_a_viewer_looks_and_is_offered_nothing_else(app: Flask, people: SimpleNamespace) -> None:
    viewer = signed_in(app, "viewer")
    for path in ("/plans/", f"/plans/{people.plans['own']}/"):
        page = viewer.get(path)
        assert page.status_code == 200
        assert "New plan" not in page.text
        assert re.findall(r'<form[^>]*action="([^"]+)"', page.text) == ["/logout"]
    assert viewer.get("/plans/new").status_code == 403


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.name)
def test_every_template_fills_the_form(app: Flask, people: SimpleNamespace, preset: presets.Preset) -> None:
    page = signed_in(app, "admin").get(f"/plans/new?template={preset.name}&site={people.own}").text
    assert f'value="{preset.name}"' in page
    assert f'name="frequency" value="{preset.rhythm.frequency}" checked' in page
    assert f'value="{preset.keep_count}"' in page


def test_empty_pages_say_what_to_do(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        db.session.execute(db.delete(BackupPlan))
        db.session.commit()
    assert "daily_full_backup" in signed_in(app, "admin").get("/plans/").text
    assert "No backup plans yet" in signed_in(app, "viewer").get("/plans/").text


def test_overdue_failing_and_removed_are_said_in_words(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        plan = db.session.get(BackupPlan, people.plans["own"])
        assert plan is not None
        at = plans.read_clock()
        plan.active_since = at.replace(year=at.year - 1)
        plan.next_at = plan.active_since
        for status, values in (
            ("failed", {"note": "There is no room <b>left</b>."}),
            ("done", {"removed_at": at, "removed_why": "nightly: more than 3 newer ones"}),
        ):
            backup = Backup(
                site_id=plan.site_id, plan_id=plan.id, name="x", size=0, sha256="", path="", origin="plan",
                created_at=plan.active_since, **values,
            )  # fmt: skip
            db.session.add(backup)
            db.session.flush()
            db.session.add(
                Task(kind="backup", site_id=plan.site_id, plan_id=plan.id, backup_id=backup.id, status=status)
            )
        db.session.commit()
    viewer = signed_in(app, "viewer")
    assert "1 plan is overdue" in viewer.get("/plans/").text
    page = viewer.get(f"/plans/{people.plans['own']}/").text
    assert "It was due" in page
    assert "There is no room &lt;b&gt;left" in page
    assert "more than 3 newer ones" in page
    assert "missing on" in page

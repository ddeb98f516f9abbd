"""The audit: everything is in it, nothing can be taken out of it unseen, and root can read it."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from tests.web.test_permissions import address, objects, routes, visit
from tests.web.visitor import Visitor, signed_in
from webapp import audit, events
from webapp.models import AuditEvent, Setting, db
from webapp.refusals import AuditBroken
from webapp.views.permissions import needed_role


@pytest.fixture
def entries(app: Flask, people: SimpleNamespace) -> Callable[[], list[tuple[str, str, str]]]:
    """What the audit says: action, subject and result of every entry."""

    def read() -> list[tuple[str, str, str]]:
        with app.app_context():
            rows = db.session.query(AuditEvent).order_by(AuditEvent.id)
            return [(row.action, row.subject, row.result) for row in rows]

    return read


def written(app: Flask, number: int) -> None:
    for each in range(number):
        audit.note("site.check", f"site {each}", site="own")
    db.session.commit()


def test_a_whole_chain_says_since_when_and_how_many(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        written(app, 5)
        chain = audit.check()
        assert (chain.whole, chain.entries) == (True, 5)
        assert chain.since == db.session.get_one(AuditEvent, 1).at


@pytest.mark.parametrize("also_witness", [False, True])
def test_a_tail_that_was_cut_off_is_found(app: Flask, people: SimpleNamespace, also_witness: bool) -> None:
    with app.app_context():
        written(app, 5)
        db.session.query(AuditEvent).filter(AuditEvent.id > 3).delete()
        if also_witness:
            db.session.query(Setting).filter(Setting.key == audit.WITNESS).delete()
        db.session.commit()
        assert not audit.check().whole
        written(app, 4)
        assert not audit.check().whole, "what is written later does not heal it"
        assert audit.check().broken is None


def test_an_older_witness_does_not_vouch_for_a_chain_written_anew(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        written(app, 3)
        rows = db.session.query(AuditEvent).order_by(AuditEvent.id).all()
        rows[2].subject = "nothing of note"
        rows[2].digest = audit._digest(rows[2])
        db.session.commit()
        chain = audit.check()
        assert chain.broken is None
        assert not chain.whole


def test_an_empty_audit_of_an_installation_with_people_is_told(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        assert not audit.check().whole


def test_a_rollback_leaves_chain_and_witness_in_step(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        written(app, 2)
        db.session.add(Setting(key="something", value="first"))
        audit.note("site.check", "rolled back")
        db.session.rollback()
        written(app, 1)
        assert (audit.check().whole, audit.check().entries) == (True, 3)


def test_writers_in_several_processes_wait_for_each_other(app: Flask, people: SimpleNamespace) -> None:
    code = (
        "import sys\n"
        "from webapp import audit\n"
        "from webapp.app import create_app\n"
        "from webapp.models import User, db\n"
        "with create_app().app_context():\n"
        "    for number in range(25):\n"
        "        db.session.query(User).all()\n"
        "        audit.note('site.check', f'{sys.argv[1]} {number}')\n"
        "        db.session.commit()\n"
    )
    settings = app.config["SETTINGS"]
    environment = {
        **os.environ,
        "SMART_RESTORE_DATA": str(settings.data_dir),
        "SECRET_KEY": settings.secret_key,
        "REDIS_URL": settings.redis_url,
    }
    writers = [subprocess.Popen([sys.executable, "-c", code, str(each)], env=environment) for each in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    with app.app_context():
        chain = audit.check()
        assert (chain.whole, chain.entries) == (True, 100)


def test_every_action_that_is_noted_has_a_name() -> None:
    package = Path(audit.__file__).parent
    noted = {
        action
        for path in package.rglob("*.py")
        for action in re.findall(r'\bnote\(\s*"([a-z_.]+)"', path.read_text("utf-8"))
    }
    assert len(noted) > 40
    assert noted - events.ACTIONS.keys() == set()


def test_every_form_that_is_sent_leaves_an_entry(
    app: Flask, people: SimpleNamespace, put_back: Callable[[], None]
) -> None:
    silent = []
    for rule, method in routes(app):
        if method != "POST" or needed_role(app, rule.endpoint) == "anyone":
            continue
        put_back()
        status, _ = visit(app, "root", "POST", address(app, rule, objects(people, "own")))
        with app.app_context():
            rows = db.session.query(AuditEvent).all()
            if not rows or (status >= 400 and rows[-1].result not in {"refused", "failed"}):
                silent.append(f"{rule}: {status}, {[(row.action, row.result) for row in rows]}")
    assert silent == []


def test_a_visit_to_what_is_not_ones_own_is_noted(
    app: Flask, people: SimpleNamespace, entries: Callable[[], list[tuple[str, str, str]]]
) -> None:
    visitor = signed_in(app, "viewer")
    assert visitor.get("/users/").status_code == 403
    assert visitor.get(f"/backups/{people.backups['own']}/file/").status_code == 403
    assert entries()[1:] == [
        ("permission", "/users/", "refused"),
        ("permission", f"/backups/{people.backups['own']}/file/", "refused"),
    ]


def test_a_site_of_others_is_told_like_a_missing_one_and_noted(
    app: Flask, people: SimpleNamespace, entries: Callable[[], list[tuple[str, str, str]]]
) -> None:
    visitor = signed_in(app, "admin")
    for path in (f"/sites/{people.foreign}/", f"/history/{people.backups['foreign']}/", "/sites/999/"):
        assert visitor.get(path).status_code == 404
    assert entries()[1:] == [
        ("permission", f"/sites/{people.foreign}/", "refused"),
        ("permission", f"/history/{people.backups['foreign']}/", "refused"),
    ]


def test_a_witness_that_cannot_be_read_is_renewed_and_that_is_said(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        written(app, 3)
        app.secret_key = "another key, after the first one was lost or given away"
        assert "cannot be read" in audit.check().problem
        assert "cannot be read" in audit.renew().problem
        chain = audit.check()
        assert (chain.whole, chain.entries) == (True, 4)
        assert events.find(events.Wanted())[0].action == "audit.renew"
        db.session.get_one(AuditEvent, 2).subject = "nothing of note"
        db.session.commit()
        with pytest.raises(AuditBroken):
            audit.renew()


def test_a_download_is_noted(
    app: Flask, people: SimpleNamespace, entries: Callable[[], list[tuple[str, str, str]]]
) -> None:
    assert signed_in(app, "admin").get(f"/backups/{people.backups['own']}/file/").status_code == 200
    assert entries()[-1] == ("backup.download", "last night.json", "done")


def test_the_page_finds_by_person_action_site_result_and_day(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        audit.note("backup.make", "one.json", site="own")
        audit.note("backup.make", "two.json", site="foreign", result="failed")
        audit.note("site.check", "own")
        db.session.commit()
    root = signed_in(app, "root")

    def shown(query: str) -> str:
        return root.get(f"/audit/?{query}").text

    assert "one.json" in shown("action=backup.make")
    assert "two.json" not in shown("site=own")
    assert "one.json" in shown("site=own")
    assert "one.json" not in shown("result=failed")
    assert "two.json" in shown("result=failed")
    assert "one.json" not in shown("person=root")
    assert "one.json" not in shown("until=2020-01-01")
    assert "one.json" in shown("since=2020-01-01&until=nonsense")
    assert "No entry fits" in shown("text=%25")
    assert "one.json" in shown("text=ONE.j")


def test_pages_follow_each_other_without_gap_or_repetition(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        written(app, 120)
        seen: list[int] = []
        before = 0
        while found := events.find(events.Wanted(site="own"), before=before, limit=50):
            seen += [event.id for event in found]
            before = found[-1].id
        assert seen == list(range(120, 0, -1))
    root = signed_in(app, "root")
    page = root.get("/audit/?site=own")
    assert "site 119" in page.text
    assert "/audit/?before=71&amp;site=own" in page.text
    assert "site 69" in root.get("/audit/?before=71&site=own").text


def test_the_export_holds_everything_and_no_formula(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        for subject in ("=HYPERLINK(1)", "+1", "-2", "@x", "\t=1", 'a "quoted", name\n=2'):
            audit.note("backup.upload", subject)
        db.session.commit()
    answer = signed_in(app, "root").get("/audit/export.csv")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-20')
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == list(events.HEADINGS)
    assert [row[4] for row in rows[1:7]] == ["'=HYPERLINK(1)", "'+1", "'-2", "'@x", "'\t=1", 'a "quoted", name\n=2']
    assert not [cell for row in rows for cell in row if cell.startswith(events.FORMULA)]
    assert rows[-1][3] == "audit.export"


def test_the_page_says_whether_the_chain_is_whole(app: Flask, people: SimpleNamespace) -> None:
    root = signed_in(app, "root")
    assert "The audit is whole" in root.get("/audit/check/").text
    fragment = root.get("/audit/check/", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "Unbroken since" in fragment
    with app.app_context():
        db.session.get_one(AuditEvent, 1).username = "somebody"
        db.session.commit()
    broken = root.get("/audit/check/").text
    assert "tampered" in broken
    assert "/audit/?before=2" in broken


def test_only_root_reads_it(app: Flask, people: SimpleNamespace) -> None:
    for name in ("viewer", "admin"):
        visitor = signed_in(app, name)
        assert "Audit" not in visitor.get("/").text
        for path in ("/audit/", "/audit/check/", "/audit/export.csv"):
            assert visitor.get(path).status_code == 403
    assert Visitor(app).get("/audit/").status_code == 303


def test_names_from_outside_are_text(app: Flask, people: SimpleNamespace) -> None:
    with app.app_context():
        audit.note("backup.upload", "<script>alert(1)</script>", file="<img src=x onerror=alert(2)>")
        db.session.commit()
    page = signed_in(app, "root").get("/audit/").text
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page

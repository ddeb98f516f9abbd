"""The history: what is on the line, how it is found, and what may be done with a backup."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from flask import Flask

from tests.web.visitor import signed_in
from webapp import audit, making
from webapp.engine.answers import DrillAnswer
from webapp.models import AuditEvent, Backup, RestoreJob, Task, db, now
from webapp.storage import storage


@pytest.fixture
def add(app: Flask, people: SimpleNamespace) -> Callable[..., str]:
    """Adds a kept backup of the own site and gives its id."""

    def add_one(name: str, content: str = "[]", **values: Any) -> str:
        with app.app_context():
            key = values.pop("path", f"backups/{name.encode().hex()[:40]}")
            if key:
                storage().path(key).write_text(content)
            backup = Backup(site_id=values.pop("site_id", people.own), name=name, size=len(content), path=key, **values)
            backup.sha256 = backup.sha256 or key.partition("/")[2]
            db.session.add(backup)
            db.session.commit()
            return backup.id

    return add_one


def read(app: Flask, backup_id: str) -> Backup:
    backup = db.session.get(Backup, backup_id, populate_existing=True)
    assert backup is not None
    return backup


def names(page: str) -> list[str]:
    """The backups on a page, in their order."""
    return re.findall(r"<b>Backup</b> ([^<]+)</a>", page)


# ---------------------------------------------------------------- finding


def test_the_line_is_found_by_every_filter(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    stamp = now()
    add("upload.json", origin="upload", format="fixture", verified_at=stamp)
    add("hand.zip", origin="made", format="native", proven_at=stamp, created_by_id=people.users["admin"])
    add("nightly.zip", origin="plan", format="native", kind="incremental", pinned=True)
    add("before.zip", origin="safety", format="native", verified_problem="its sha256 is another", verified_at=stamp)
    add("broken.zip", origin="made", format="native", path="", note="The disk is full.")
    add("old.zip", origin="plan", format="native", path="", removed_at=stamp, removed_why="nightly: beyond 3")
    admin = signed_in(app, "admin")

    def found(query: str) -> set[str]:
        return set(names(admin.get(f"/history/?{query}").text)) - {"last night.json"}

    assert found("") == {"upload.json", "hand.zip", "nightly.zip", "before.zip", "broken.zip"}
    assert found("by=upload") == {"upload.json"}
    assert found("by=plan") == {"nightly.zip"}
    assert found("by=safety") == {"before.zip"}
    assert found(f"by=person-{people.users['admin']}") == {"hand.zip"}
    assert found("kind=incremental") == {"nightly.zip"}
    assert found("kind=restores") == set()
    assert found("format=native") == {"hand.zip", "nightly.zip", "before.zip", "broken.zip"}
    assert found("state=proven") == {"hand.zip"}
    assert found("state=checked") == {"upload.json"}
    assert found("state=unchecked") == {"nightly.zip"}
    assert found("state=damaged") == {"before.zip"}
    assert found("state=failed") == {"broken.zip"}
    assert found("state=pinned") == {"nightly.zip"}
    assert found("state=removed") == {"old.zip"}
    assert found("state=nonsense") == found("by=person-x") == found(f"by=person-{9**40}") == set()
    assert found("text=NIGHT") == {"nightly.zip"}
    assert found("text=disk+is") == {"broken.zip"}
    assert found("text=%25") == set()
    assert found(f"day={stamp.date()}") == found("")
    assert found("day=2020-01-01") == set()
    assert found(f"site={people.own}") == found("")
    assert found(f"site={people.foreign}") == set()


def test_restores_are_on_the_line_too(app: Flask, people: SimpleNamespace) -> None:
    admin = signed_in(app, "admin")
    assert "Restore</b> from last night.json" in admin.get("/history/").text
    assert "Restore</b> from" not in admin.get("/history/?kind=backups").text
    assert "Restore</b> from" not in admin.get("/history/?format=fixture").text
    assert names(admin.get("/history/?kind=restores").text) == []


def test_older_pages_follow_without_gap_or_repetition(
    app: Flask, people: SimpleNamespace, add: Callable[..., str]
) -> None:
    begin = now() - timedelta(days=1)
    with app.app_context():
        for number in range(230):
            # Several of the same instant: the id decides.
            at = begin + timedelta(seconds=number // 3)
            db.session.add(
                Backup(site_id=people.own, name=f"{number}.json", size=1, sha256="x", path="backups/x", created_at=at)
            )
            if number % 5 == 0:
                job = RestoreJob(site_id=people.own, backup_id=people.backups["own"], status="done", created_at=at)
                db.session.add(job)
        db.session.commit()
    admin = signed_in(app, "admin")
    seen: list[str] = []
    restores = 0
    address: str | None = "/history/"
    while address:
        page = admin.get(address).text
        seen += names(page)
        restores += page.count("<b>Restore</b> from")
        more = re.search(r'href="(/history/\?after=[^"]+)"', page)
        address = more[1].replace("&amp;", "&") if more else None
        if "230" not in seen and len(seen) == 40:
            add("arrived meanwhile.json")
    assert sorted(seen) == sorted([*(f"{number}.json" for number in range(230)), "last night.json"])
    assert restores == 46 + 1


def test_a_page_after_a_cursor_is_a_fragment_for_htmx_and_a_page_without_script(
    app: Flask, people: SimpleNamespace
) -> None:
    admin = signed_in(app, "admin")
    address = "/history/?after=2100-01-01T00:00:00~x"
    fragment = admin.get(address, headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "last night.json" in fragment
    assert "<html" in admin.get(address).text
    assert admin.get("/history/?after=nonsense").status_code == 200


def test_every_day_of_the_strip_leads_to_what_happened(
    app: Flask, people: SimpleNamespace, add: Callable[..., str]
) -> None:
    day = now() - timedelta(days=4)
    add("then.json", created_at=day)
    add("failed.json", created_at=day - timedelta(days=1), path="", note="No room.")
    page = signed_in(app, "admin").get("/history/").text
    assert page.count('<li class="day-') == 30
    assert re.search(rf'<li class="day-ok">\s*<a href="/history/\?day={day.date()}"', page)
    assert re.search(rf'<li class="day-failed">\s*<a href="/history/\?day={day.date() - timedelta(days=1)}"', page)
    assert "then.json" in signed_in(app, "admin").get(f"/history/?day={day.date()}").text


def test_a_viewer_sees_no_button_and_names_of_others_are_for_root(
    app: Flask, people: SimpleNamespace, add: Callable[..., str]
) -> None:
    add("hand.zip", created_by_id=people.users["root"])
    viewer = signed_in(app, "viewer").get("/history/").text
    assert set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', viewer)) == {"/logout"}
    assert "Download" not in viewer
    assert f"person-{people.users['root']}" not in viewer
    assert f"person-{people.users['root']}" in signed_in(app, "root").get("/history/").text


# ---------------------------------------------------------------- one backup


def test_badges_say_how_far_a_backup_is_known_to_be_good(
    app: Flask, people: SimpleNamespace, add: Callable[..., str]
) -> None:
    long_ago = now() - timedelta(days=3)
    good = DrillAnswer(proven=True, verdict="All is equal.", profile="generic", records=12, seconds=12.0)
    bad = DrillAnswer(proven=False, verdict="The table of books is gone.", profile="generic", records=1, seconds=1.0)
    cases = {
        "Proven": add("a", proven_at=long_ago, drill_json=msgspec.json.encode(good).decode()),
        "Drill failed": add("b", drill_json=msgspec.json.encode(bad).decode()),
        "Damaged": add("c", verified_problem="The sha256 is another.", verified_at=long_ago),
        "Checked": add("d", verified_at=long_ago),
        "Not checked": add("e"),
        "Failed": add("f", path="", note="The disk is full."),
        "Removed": add("g", path="", removed_at=long_ago, removed_why="Deleted by root"),
    }
    viewer = signed_in(app, "viewer")
    pages = {word: viewer.get(f"/history/{backup_id}/?tab=checks").text for word, backup_id in cases.items()}
    for word, page in pages.items():
        said = re.sub(r"<[^>]+>|\s+", " ", page)
        assert word in said, word
    assert "3 days ago" in pages["Proven"]
    assert "in 12.0 s" in pages["Proven"]
    assert "The table of books is gone." in pages["Drill failed"]
    assert "The sha256 is another." in pages["Damaged"]
    assert "The disk is full." in pages["Failed"]
    assert "Deleted by root" in pages["Removed"]


@pytest.mark.parametrize("tab", ["contents", "checks", "restores", "chain", "nonsense"])
def test_the_window_is_the_page_without_its_frame(app: Flask, people: SimpleNamespace, tab: str) -> None:
    admin = signed_in(app, "admin")
    address = f"/history/{people.backups['own']}/?tab={tab}"
    window = admin.get(address, headers={"HX-Request": "true"}).text
    assert window.lstrip().startswith("<dialog")
    page = admin.get(address).text
    for part in ("about", "holding"):
        pattern = rf'<section class="{part} stack".*?</section>'
        inside, alone = re.search(pattern, window, re.DOTALL), re.search(pattern, page, re.DOTALL)
        assert inside
        assert alone
        assert re.sub(r'value="[^"]+"', "", inside[0]) == re.sub(r'value="[^"]+"', "", alone[0])


def test_only_what_moves_asks_again(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    resting, moving = add("resting.json"), add("moving.json")
    with app.app_context():
        task = Task(site_id=people.own, backup_id=moving, kind="drill", status="running", done=30, total=120)
        db.session.add(task)
        db.session.commit()
    admin = signed_in(app, "admin")
    for backup_id, polls in ((resting, False), (moving, True)):
        for path in (f"/history/{backup_id}/entry/", f"/history/{backup_id}/"):
            fragment = admin.get(path, headers={"HX-Request": "true"}).text
            assert ('hx-trigger="every' in fragment) is polls, path
            assert ("30 of 120" in fragment) is polls, path
    whole = admin.get("/history/").text
    assert whole.count('hx-trigger="every') == 1


def test_the_chain_offers_every_part_for_download(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    base = add("full.zip", format="native")
    middle = add("monday.zip", format="native", kind="incremental", base_id=base)
    last = add("tuesday.zip", format="native", kind="incremental", base_id=middle)
    admin = signed_in(app, "admin")
    page = admin.get(f"/history/{last}/?tab=chain").text
    assert [page.index(name) for name in ("full.zip", "monday.zip")] == sorted(
        page.index(name) for name in ("full.zip", "monday.zip")
    )
    for each in (base, middle, last):
        assert f"/backups/{each}/file/" in page
    assert "monday.zip" in admin.get(f"/history/{base}/?tab=chain").text


# ---------------------------------------------------------------- what is done with it


def test_a_download_has_a_plain_name_and_is_not_kept(
    app: Flask, people: SimpleNamespace, add: Callable[..., str]
) -> None:
    at = now()
    backup_id = add("../../\u202egpj.exe\r\n.json.gz", "bytes", instant=at)
    answer = signed_in(app, "admin").get(f"/backups/{backup_id}/file/")
    assert answer.data == b"bytes"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    name = re.fullmatch(r"attachment; filename=(\S+)", answer.headers["Content-Disposition"])
    assert name
    assert re.fullmatch(rf"own-{at:%Y%m%d-%H%M%S}-[0-9a-f]{{8}}\.json\.gz", name[1]), name[1]


@pytest.mark.parametrize("kind", ["verify", "drill"])
def test_checking_and_drilling_are_asked_for_once(app: Flask, people: SimpleNamespace, kind: str) -> None:
    admin = signed_in(app, "admin")
    address = f"/backups/{people.backups['own']}/{kind}/"
    for _ in range(2):
        assert admin.post(address).headers["Location"] == f"/history/{people.backups['own']}/?tab=checks"
    with app.app_context():
        tasks = db.session.query(Task).filter_by(kind=kind, status="queued").all()
        assert [task.created_by_id for task in tasks] == [people.users["admin"]]
        tasks[0].status = "running"
        db.session.commit()
        task_id = tasks[0].id
    assert "Cancel" in admin.get("/history/").text
    assert admin.post(f"/backups/tasks/{task_id}/cancel/").status_code == 303
    assert "stopping" in admin.get("/history/").text


def test_a_removed_backup_is_not_worked_on(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    backup_id = add("gone.json", path="", removed_at=now(), removed_why="Deleted by root")
    admin = signed_in(app, "admin")
    for kind in ("verify", "drill", "delete", "pin", "file"):
        answer = (
            admin.get(f"/backups/{backup_id}/file/") if kind == "file" else admin.post(f"/backups/{backup_id}/{kind}/")
        )
        assert answer.status_code in {404, 422}, kind
    assert admin.post("/restore/analyze/", {"backup": backup_id}).status_code in {404, 422}
    assert admin.post(f"/restore/start/{backup_id}/").status_code in {404, 422}
    assert admin.post(f"/restore/history/{backup_id}/").status_code in {404, 422}


def test_a_pinned_backup_stays(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    backup_id = add("keep.json")
    add("other.json")
    root = signed_in(app, "root")
    assert root.post(f"/backups/{backup_id}/pin/", {"pinned": "yes"}).status_code == 303
    refused = root.post(f"/backups/{backup_id}/delete/")
    assert refused.status_code == 422
    assert "pinned" in refused.text
    assert "Delete it" not in refused.text
    assert root.post(f"/backups/{backup_id}/pin/", {"pinned": "no"}).status_code == 303
    assert root.post(f"/backups/{backup_id}/delete/").status_code == 303


def test_deleting_takes_the_file_and_leaves_the_line(
    app: Flask, people: SimpleNamespace, add: Callable[..., str]
) -> None:
    backup_id = add("mistake.json")
    root = signed_in(app, "root")
    assert "Delete this backup?" in root.get(f"/backups/{backup_id}/delete/").text
    assert root.post(f"/backups/{backup_id}/delete/").headers["Location"] == f"/history/?site={people.own}"
    assert root.post(f"/backups/{backup_id}/delete/").status_code == 422, "it is gone already"
    with app.app_context():
        backup = read(app, backup_id)
        assert (backup.path, backup.removed_why) == ("", "Deleted by root")
        assert not storage().path(f"backups/{b'mistake.json'.hex()}").exists()
        said = db.session.query(AuditEvent).filter_by(action="backup.remove").all()
        assert [(event.subject, event.result) for event in said] == [
            ("mistake.json", "done"),
            ("mistake.json", "refused"),
        ]
    assert "1 removed backup" in root.get("/history/").text
    assert "mistake.json" in root.get("/history/?state=removed").text
    assert root.get(f"/history/{backup_id}/").status_code == 200


def test_the_same_bytes_stay_for_the_other_backup(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    one, other = (add(name, path="backups/same", sha256="same") for name in ("one.json", "other.json"))
    root = signed_in(app, "root")
    assert "Another backup has the same bytes" in root.get(f"/backups/{one}/delete/").text
    assert root.post(f"/backups/{one}/delete/").status_code == 303
    assert root.get(f"/backups/{other}/file/").status_code == 200
    assert root.post(f"/backups/{other}/delete/").status_code == 303
    with app.app_context():
        assert not storage().path("backups/same").exists()


def test_the_same_bytes_stay_for_one_that_is_being_made(
    app: Flask, people: SimpleNamespace, add: Callable[..., str]
) -> None:
    kept = add("one.json", path="backups/same", sha256="same")
    making_id = add("other.json", path="", sha256="same")
    assert signed_in(app, "root").post(f"/backups/{kept}/delete/").status_code == 303
    with app.app_context():
        assert storage().path("backups/same").exists()
        making.sweep()
        assert not storage().path("backups/same").exists(), "it did not come to be"
        assert read(app, making_id).sha256 == ""


@pytest.mark.parametrize(
    "address", ["/history/?day=9999-12-31", "/history/?day=0001-01-01", "/audit/?until=9999-12-31"]
)
def test_the_ends_of_the_calendar_are_days(app: Flask, people: SimpleNamespace, address: str) -> None:
    assert signed_in(app, "root").get(address).status_code == 200


def test_what_is_in_use_is_not_deleted(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    base, busy, drilled, safety = (add(f"{name}.zip") for name in ("base", "busy", "drilled", "safety"))
    add("later.zip", kind="incremental", base_id=base)
    with app.app_context():
        db.session.add(RestoreJob(site_id=people.own, backup_id=busy, status="analysing"))
        db.session.add(
            RestoreJob(site_id=people.own, backup_id=people.backups["own"], safety_id=safety, status="running")
        )
        db.session.add(Task(site_id=people.own, backup_id=drilled, kind="drill", status="queued"))
        db.session.commit()
    root = signed_in(app, "root")
    for backup_id, why in (
        (base, "the base of"),
        (busy, "being restored"),
        (safety, "being restored"),
        (drilled, "being drilled"),
    ):
        assert why in root.get(f"/backups/{backup_id}/delete/").text
        refused = root.post(f"/backups/{backup_id}/delete/")
        assert (refused.status_code, why in refused.text) == (422, True)
        assert root.get(f"/backups/{backup_id}/file/").status_code == 200


@pytest.mark.parametrize("status", ["analysed", "planned"])
def test_a_restore_that_waits_for_a_person_does_not_hold_it(
    app: Flask, people: SimpleNamespace, add: Callable[..., str], status: str
) -> None:
    backup_id = add("wrong.json")
    with app.app_context():
        job = RestoreJob(site_id=people.own, backup_id=backup_id, status=status, scheduled_for=now())
        db.session.add(job)
        db.session.commit()
        job_id = job.id
    root = signed_in(app, "root")
    assert root.post(f"/backups/{backup_id}/delete/").status_code == 422, "its time is set"
    with app.app_context():
        db.session.get_one(RestoreJob, job_id).scheduled_for = None
        db.session.commit()
    assert "Delete this backup?" in root.get(f"/backups/{backup_id}/delete/").text
    assert root.post(f"/backups/{backup_id}/delete/").status_code == 303
    refused = root.post(f"/restores/{job_id}/again/")
    assert (refused.status_code, "not kept any more" in refused.text) == (422, True)


def test_the_last_good_backup_asks_for_a_word(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    add("damaged.json", verified_problem="The sha256 is another.")
    root, address = signed_in(app, "root"), f"/backups/{people.backups['own']}/delete/"
    with app.app_context():
        db.session.query(RestoreJob).delete()
        db.session.commit()
    assert "last good backup" in root.get(address).text
    for word in ("", "yes", "delet"):
        assert root.post(address, {"word": word}).status_code == 422
    assert root.post(address, {"word": " Delete "}).status_code == 303


def test_an_admin_deletes_only_what_they_made(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    own, foreign = add("mine.json", created_by_id=people.users["admin"]), add("nightly.json", origin="plan")
    admin = signed_in(app, "admin")
    refused = admin.post(f"/backups/{foreign}/delete/")
    assert refused.status_code == 422
    assert "not made or uploaded by you" in refused.text
    assert admin.post(f"/backups/{own}/delete/").status_code == 303


def test_a_backup_that_failed_can_be_put_away(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    backup_id = add("failed.json", path="", note="The disk is full.")
    root = signed_in(app, "root")
    assert "only its line is put away" in root.get(f"/backups/{backup_id}/delete/").text
    assert root.post(f"/backups/{backup_id}/delete/").status_code == 303
    assert "failed.json" not in root.get("/history/").text.replace("failed.json is deleted", "")


def test_a_refused_form_is_the_same_page_for_htmx(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    backup_id = add("gone.json", path="", removed_at=now(), removed_why="nightly: beyond 3")
    admin = signed_in(app, "admin")
    answer = admin.post(f"/backups/{backup_id}/pin/", {"pinned": "yes"}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "<html" not in answer.text
    assert "not kept any more" in answer.text


def test_names_from_outside_are_text_everywhere(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    hostile = "<img src=x onerror=alert(1)>.json"
    backup_id = add(hostile, verified_problem="<script>alert(2)</script>", verified_at=now())
    root = signed_in(app, "root")
    for tab in ("contents", "checks", "restores", "chain"):
        page = root.get(f"/history/{backup_id}/?tab={tab}").text
        assert "<img src=x" not in page
        assert "<script>alert" not in page
    for path in ("/history/", f"/backups/{backup_id}/delete/", "/", "/audit/"):
        assert "<img src=x" not in root.get(path).text, path
    root.post(f"/backups/{backup_id}/delete/")
    assert "<img src=x" not in root.get("/audit/").text


def test_the_audit_of_all_this_is_whole(app: Flask, people: SimpleNamespace, add: Callable[..., str]) -> None:
    root = signed_in(app, "root")
    backup_id = add("a.json")
    for path in ("pin", "verify", "delete", "drill"):
        root.post(f"/backups/{backup_id}/{path}/", {"pinned": "no"})
    with app.app_context():
        assert audit.check().whole


# ---------------------------------------------------------------- asking for one


def waiting(app: Flask) -> list[tuple[str, str, str, bool]]:
    with app.app_context():
        tasks = db.session.query(Task).filter_by(kind="backup", status="queued").order_by(Task.created_at)
        made = [task.backup for task in tasks]
        return [(backup.kind, backup.format, backup.categories_json, backup.media) for backup in made]


def test_one_click_asks_for_everything_once(app: Flask, people: SimpleNamespace) -> None:
    admin = signed_in(app, "admin")
    for _ in range(2):
        assert admin.post(f"/sites/{people.own}/backup/").headers["Location"] == f"/history/?site={people.own}"
    assert waiting(app) == [("full", "native", "[]", False)]
    page = admin.get("/history/").text
    assert "being made" in page
    assert 'hx-trigger="every' in page


def test_choices_are_kept_with_the_backup(app: Flask, people: SimpleNamespace) -> None:
    admin = signed_in(app, "admin")
    address = f"/sites/{people.own}/backup/"
    assert 'name="kind" value="incremental"' in admin.get(address).text
    assert "Encrypted" not in admin.get(address).text, "the site has no key"
    admin.post(address, {"chosen": "yes", "kind": "incremental", "format": "native"})
    admin.post(address, {"chosen": "yes", "kind": "full", "format": "fixture"})
    assert waiting(app) == [("incremental", "native", "[]", False), ("full", "fixture", "[]", False)]


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"kind": "incremental", "format": "fixture"}, "only Smart Restore"),
        ({"format": "tar"}, "no format"),
        ({"kind": "half"}, "no kind"),
        ({"category": "no such"}, "no category"),
        ({"media": "yes"}, "where the files"),
        ({"encrypted": "yes"}, "no key"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_form_again(
    app: Flask, people: SimpleNamespace, form: dict[str, str], why: str
) -> None:
    answer = signed_in(app, "admin").post(f"/sites/{people.own}/backup/", {"chosen": "yes", **form})
    assert answer.status_code == 422
    assert why in re.sub(r"&#39;", "'", answer.text)
    assert "Back up now" in answer.text
    assert waiting(app) == []

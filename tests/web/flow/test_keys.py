"""Encrypted backups through the pages and the worker: made, opened, and not opened without the key."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests import s3_server, sites
from tests.web.flow.conftest import Installation
from webapp import jobs, keys, moves, stored, tasks
from webapp.app import create_app
from webapp.engine import encryption
from webapp.engine.answers import Choices
from webapp.models import AuditEvent, Backup, RestoreJob, Site, db
from webapp.refusals import FileDamaged, KeyMissing
from webapp.restores import as_text
from webapp.settings import Settings
from webapp.storage import storage


def _site(installation: Installation) -> Site:
    db.session.expire_all()
    site = db.session.get(Site, installation.site_id)
    assert site is not None
    return site


def _encrypted(installation: Installation) -> Backup:
    """A backup that was made encrypted."""
    task = installation.read_task(installation.task())
    task.backup.encrypted = True
    db.session.commit()
    tasks.perform(task.id)
    assert installation.read_task(task.id).status == "done"
    return task.backup


def _planned(installation: Installation, backup: Backup) -> str:
    job_id = installation.job("analysing", backup_id=backup.id, choices_json=as_text(Choices()))
    jobs.work(job_id)
    job = installation.read(job_id)
    if job.status != "analysed":
        return job.error_json or ""
    job.status = "planning"
    db.session.commit()
    jobs.work(job_id)
    return installation.read(job_id).plan_json or installation.read(job_id).error_json or ""


def test_a_backup_is_encrypted_for_the_sites_key_and_restored_with_it(installation: Installation) -> None:
    keys.make(_site(installation))
    backup = _encrypted(installation)
    path = storage().path(backup.path)

    assert encryption.is_encrypted(path)
    assert path.stat().st_size == backup.size
    assert '"problem_count":0' in _planned(installation, backup)
    assert installation.files() == {backup.path}  # nothing that was opened is left


def test_without_the_key_it_stays_closed_until_the_key_is_given(installation: Installation) -> None:
    key_file = keys.make(_site(installation))
    backup = _encrypted(installation)
    keys.forget(_site(installation))

    assert '"code":"key_missing"' in _planned(installation, backup)
    assert keys.give(_site(installation), key_file.encode()) == 1
    assert '"problem_count":0' in _planned(installation, backup)


def test_after_a_change_of_keys_old_and_new_backups_open(installation: Installation) -> None:
    keys.make(_site(installation))
    old = _encrypted(installation)
    keys.make(_site(installation))
    new = _encrypted(installation)

    assert '"problem_count":0' in _planned(installation, old)
    assert '"problem_count":0' in _planned(installation, new)


def test_a_file_of_another_backup_in_its_place_is_refused(installation: Installation) -> None:
    keys.make(_site(installation))
    first, second = _encrypted(installation), _encrypted(installation)
    storage().path(second.path).write_bytes(storage().path(first.path).read_bytes())

    with pytest.raises(FileDamaged), stored.readable(second):
        pass


def test_without_a_key_nothing_is_made_in_the_clear(installation: Installation) -> None:
    task = installation.read_task(installation.task())
    task.backup.encrypted = True
    db.session.commit()
    tasks.perform(task.id)

    problem = tasks.problem_of(installation.read_task(task.id))
    assert problem is not None
    assert problem.code == "no_key"
    assert installation.files() == set()


def test_a_root_makes_saves_removes_and_gives_the_key(installation: Installation) -> None:
    root = installation.client("root")
    address = f"/sites/{installation.site_id}/encryption/"
    assert "not encrypted" in root.get(address).text
    assert root.post(f"{address}make").status_code == 303
    assert "kept here, so restores" in root.get(address).text

    plain = root.post(f"{address}file")
    assert plain.headers["Cache-Control"] == "no-store"
    assert encryption.find_secrets(plain.text) == keys.secrets_of(_site(installation))
    sealed = root.post(f"{address}file", data={"passphrase": "a long one"}).data
    assert b"AGE-SECRET" not in sealed

    assert root.post(f"{address}forget").status_code == 303
    assert keys.secrets_of(_site(installation)) == ()
    assert "not kept here" in root.get(address).text
    wrong = _give(root, address, sealed, "another")
    assert wrong.status_code == 422
    assert "passphrase" in wrong.text
    assert _give(root, address, sealed, "a long one").status_code == 303
    assert keys.is_kept(_site(installation))
    said = {event.action for event in db.session.query(AuditEvent)}
    assert {"key.make", "key.download", "key.forget", "key.give"} <= said
    told = " ".join(event.detail_json for event in db.session.query(AuditEvent))
    assert "AGE-SECRET" not in told


def _give(root: FlaskClient, address: str, content: bytes, passphrase: str) -> TestResponse:
    return root.post(
        f"{address}give",
        data={"file": (io.BytesIO(content), "key.txt.age"), "passphrase": passphrase},
        content_type="multipart/form-data",
    )


def test_a_public_key_of_somebody_else_is_enough_for_making(installation: Installation) -> None:
    root = installation.client("root")
    address = f"/sites/{installation.site_id}/encryption/"
    refused = root.post(f"{address}use", data={"recipient": "age1nonsense"})
    assert refused.status_code == 422
    assert "public key" in refused.text
    recipient = encryption.recipient_of(encryption.new_secret())
    assert root.post(f"{address}use", data={"recipient": recipient}).status_code == 303
    backup = _encrypted(installation)

    with pytest.raises(KeyMissing), stored.readable(backup):
        pass


@pytest.mark.parametrize("name", ["admin", "viewer"])
def test_keys_are_for_roots(installation: Installation, name: str) -> None:
    person = installation.client(name)
    for way in ("", "make", "use", "give", "file", "forget", "stop"):
        address = f"/sites/{installation.site_id}/encryption/{way}"
        answer = person.post(address) if way else person.get(address)
        assert answer.status_code == 403, way


# ---------------------------------------------------------------- the same with an object store


@pytest.fixture
def shared(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Backups, plans and receipts lie in a bucket."""
    for name, value in s3_server.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3_server.running() as url:
        object.__setattr__(settings, "storage_url", url)
        yield


def test_machines_that_share_a_bucket_restore_what_one_of_them_made(shared: None, installation: Installation) -> None:
    keys.make(_site(installation))
    sites.execute(installation.site_url, "INSERT INTO transport_route (id, name) VALUES (1001, 'New road')")
    backup = _encrypted(installation)
    here = storage().path(backup.path)
    assert here.exists()
    for path in (here, *(storage().root / "copies").iterdir()):
        path.unlink()  # as if another machine asked

    assert '"problem_count":0' in _planned(installation, backup)
    plan = next((storage().root / "plans").iterdir())
    key = f"plans/{plan.name}"
    plan.unlink()
    assert storage().fetch(key).exists()
    assert re.fullmatch(r"[0-9a-f]{64}", backup.sha256)

    # Another machine carries it out, which has not seen the plan.
    job = db.session.scalars(select(RestoreJob)).one()
    sites.execute(installation.site_url, "DELETE FROM transport_route WHERE id = 1001")
    job.status = "planning"
    db.session.commit()
    jobs.work(job.id)
    assert moves.move(job.id, ["planned"], "queued")
    for path in ((storage().root / key), *(storage().root / "copies").iterdir()):
        path.unlink()
    jobs.work(job.id)
    assert installation.read(job.id).status == "done", installation.read(job.id).error_json
    assert installation.read(job.id).safety is not None
    assert create_app(installation.settings).extensions["storage"].exists(backup.path)

"""What arrives is kept whole or not at all."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.web.flow.conftest import Installation
from webapp.models import Backup, RestoreJob, db
from webapp.storage import is_full

RAW = {"Content-Type": "application/octet-stream", "Accept": "application/json"}


def kept(installation: Installation) -> tuple[int, int]:
    """How many backups are told of, and how many files there are."""
    folder = installation.settings.data_dir
    files = [path for part in ("backups", "uploads") for path in (folder / part).iterdir()]
    return db.session.scalar(select(func.count()).select_from(Backup)) or 0, len(files)


def test_a_form_uploads_and_leads_to_the_restore(installation: Installation) -> None:
    form = {"site": installation.site_id, "file": (BytesIO(b'[{"a": 1}]'), "C:/backups/school.json")}
    answer = installation.client("admin").post("/restore/upload/", data=form)
    assert answer.status_code == 303
    job = db.session.scalars(select(RestoreJob)).one()
    assert answer.location == f"/restores/{job.id}/"
    assert (job.status, job.backup.name, job.backup.size) == ("analysing", "school.json", 10)
    stored = installation.settings.data_dir / job.backup.path
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == job.backup.sha256


def test_bare_bytes_upload_and_answer_with_the_job(installation: Installation) -> None:
    address = f"/restore/upload/?site={installation.site_id}&name=a.json"
    answer = installation.client("admin").post(address, data=b"[]", headers=RAW)
    assert answer.status_code == 202
    assert answer.json is not None
    assert answer.json["status"] == "analysing"
    assert answer.json["page"] == f"/restores/{answer.json['job']}/"


def test_the_same_bytes_twice_are_one_backup(installation: Installation) -> None:
    client = installation.client("admin")
    for name in ("a.json", "b.json"):
        client.post(f"/restore/upload/?site={installation.site_id}&name={name}", data=b"[ ]", headers=RAW)
    assert kept(installation) == (1, 1)


def test_what_was_deleted_can_be_uploaded_again(installation: Installation) -> None:
    client = installation.client("admin")
    address = f"/restore/upload/?site={installation.site_id}&name=a.json&keep=yes"
    first = client.post(address, data=b"[ ]", headers=RAW).get_json()["backup"]
    assert client.post(f"/backups/{first}/delete/", data={"word": "delete"}).status_code == 303
    assert kept(installation) == (1, 0)
    second = client.post(address, data=b"[ ]", headers=RAW).get_json()["backup"]
    assert second != first
    assert kept(installation) == (2, 1)
    assert client.post(f"/restore/start/{second}/").status_code == 303


def test_a_truncated_upload_is_no_backup(installation: Installation) -> None:
    answer = installation.client("admin").post(
        f"/restore/upload/?site={installation.site_id}&name=a.json",
        input_stream=BytesIO(b"[1, 2"),
        headers=RAW,
        # As gunicorn hands it on: the end of the connection is the end of the file.
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "1000"},
    )
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == "upload_incomplete"
    assert kept(installation) == (0, 0)


def test_a_form_without_a_file_is_told_so(installation: Installation) -> None:
    answer = installation.client("admin").post("/restore/upload/", data={"site": installation.site_id})
    assert answer.status_code == 422
    assert "No file was sent" in answer.text


def test_a_viewer_uploads_nothing_and_nobody_uploads_to_a_site_of_others(installation: Installation) -> None:
    address = f"/restore/upload/?site={installation.site_id}&name=a.json"
    assert installation.client("viewer").post(address, data=b"[]", headers=RAW).status_code == 403
    assert installation.app.test_client().post(address, data=b"[]", headers=RAW).status_code == 401
    address = address.replace(f"site={installation.site_id}", "site=999")
    assert installation.client("root").post(address, data=b"[]", headers=RAW).status_code == 404
    assert kept(installation) == (0, 0)


def test_a_full_disk_is_known_as_such(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "small.sqlite3")) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        connection.execute("CREATE TABLE kept (text TEXT)")
        with pytest.raises(sqlite3.OperationalError) as full:
            connection.execute("INSERT INTO kept VALUES (?)", ("x" * 100_000,))
        with pytest.raises(sqlite3.OperationalError) as wrong:
            connection.execute("SELECT * FROM nowhere")
    with pytest.raises(OSError, match="No space left") as no_space, Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")
    assert is_full(full.value)
    assert is_full(no_space.value)
    assert not is_full(wrong.value)
    assert not is_full(FileNotFoundError())


def test_from_a_file_that_cannot_be_used_the_way_leads_to_another_one(
    installation: Installation, worker: subprocess.Popen[bytes]
) -> None:
    client = installation.client("admin")
    for content, words in ((b"%PDF-1.7 hello", "This backup cannot be used"), (b"[]", "This backup is empty")):
        address = f"/restore/upload/?site={installation.site_id}&name=a.json"
        answer = client.post(address, data=content, headers=RAW)
        assert answer.json is not None
        installation.wait(answer.json["job"])
        page = client.get(answer.json["page"]).text
        assert words in page
        assert "Choose another backup" in page
        assert "Choose what to restore" not in page

"""One contract for every kind of storage: a folder, and an object store that machines share."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import boto3
import pytest

from tests import s3_server
from webapp.objects import COPY_SECONDS, Bucket, SharedStorage
from webapp.refusals import FileDamaged, FileMissing, StorageUnreachable, UploadIncomplete, UploadTooLarge
from webapp.storage import Storage


@pytest.fixture(scope="module")
def bucket_url() -> Iterator[str]:
    with s3_server.running() as url:
        yield url


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["folder", "objects"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    made = Storage(tmp_path) if request.param == "folder" else _shared(tmp_path, request.getfixturevalue("bucket_url"))
    made.prepare()
    return made


def _shared(root: Path, url: str) -> SharedStorage:
    bucket = Bucket.of(url)
    return SharedStorage(root, Bucket(bucket.name, f"{bucket.folder}/{root.name}", bucket.endpoint, bucket.region))


def _receive(store: Storage, content: bytes) -> str:
    return store.receive(io.BytesIO(content), expected=len(content), limit=1 << 30).key


@pytest.mark.parametrize("content", [b"", b"one", b"x" * (9 << 20)], ids=["empty", "small", "in several parts"])
def test_what_is_received_is_fetched_again_under_its_sha256(store: Storage, content: bytes) -> None:
    key = _receive(store, content)

    assert key == f"backups/{hashlib.sha256(content).hexdigest()}"
    assert store.exists(key)
    assert store.fetch(key).read_bytes() == content


def test_the_same_bytes_twice_are_one_file(store: Storage) -> None:
    assert _receive(store, b"same") == _receive(store, b"same")


def test_a_kept_file_replaces_the_one_before(store: Storage) -> None:
    for content in (b"first", b"second"):
        temporary = store.new_upload()
        temporary.write_bytes(content)
        store.keep(temporary, "plans/one.sqlite")
        assert not temporary.exists()

    assert store.fetch("plans/one.sqlite").read_bytes() == b"second"


def test_a_removed_file_is_missing_and_may_be_removed_again(store: Storage) -> None:
    key = _receive(store, b"gone")
    store.remove(key)
    store.remove(key)

    assert not store.exists(key)
    with pytest.raises(FileMissing):
        store.fetch(key)


@pytest.mark.parametrize(
    "key", ["backups/", "backups/../secret_key", "secret_key", "backups/.hidden", "backups/a/b", "elsewhere/a"]
)
def test_no_key_leads_out(store: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="not a storage key"):
        store.fetch(key)


def test_a_broken_upload_leaves_nothing(store: Storage) -> None:
    with pytest.raises(UploadIncomplete):
        store.receive(io.BytesIO(b"half"), expected=8, limit=100)
    with pytest.raises(UploadTooLarge):
        store.receive(io.BytesIO(b"far too much"), expected=None, limit=4)

    assert not store.exists(f"backups/{hashlib.sha256(b'half').hexdigest()}")
    assert list((store.root / "uploads").iterdir()) == []
    assert list((store.root / "backups").iterdir()) == []


def test_many_receive_the_same_at_once(store: Storage) -> None:
    threads = [Thread(target=_receive, args=(store, b"together" * 1000)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    key = f"backups/{hashlib.sha256(b'together' * 1000).hexdigest()}"
    assert store.fetch(key).read_bytes() == b"together" * 1000


# ---------------------------------------------------------------- machines that share a bucket


@pytest.fixture
def machines(tmp_path: Path, bucket_url: str) -> tuple[SharedStorage, SharedStorage]:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    bucket = _shared(tmp_path, bucket_url).bucket
    both = SharedStorage(tmp_path / "a", bucket), SharedStorage(tmp_path / "b", bucket)
    for machine in both:
        machine.prepare()
    return both


def test_another_machine_reads_what_one_kept_and_kept_anew(machines: tuple[SharedStorage, SharedStorage]) -> None:
    one, other = machines
    for content in (b"plan", b"a newer plan"):
        temporary = one.new_upload()
        temporary.write_bytes(content)
        one.keep(temporary, "plans/job.sqlite")
        assert other.fetch("plans/job.sqlite").read_bytes() == content


def test_a_receipt_written_here_is_read_there_once_it_is_published(
    machines: tuple[SharedStorage, SharedStorage],
) -> None:
    one, other = machines
    one.path("receipts/job.sqlite").write_bytes(b"receipt")
    assert not other.exists("receipts/job.sqlite")
    one.publish("receipts/job.sqlite")
    assert other.fetch("receipts/job.sqlite").read_bytes() == b"receipt"


def test_an_object_that_somebody_changed_is_refused(machines: tuple[SharedStorage, SharedStorage]) -> None:
    one, other = machines
    key = _receive(one, b"as it was")
    sha256 = hashlib.sha256(b"forged!").hexdigest()
    client = boto3.client("s3", endpoint_url=one.bucket.endpoint, region_name="us-east-1")
    client.put_object(Bucket=one.bucket.name, Key=one.bucket.place(key), Body=b"forged!", Metadata={"sha256": sha256})

    with pytest.raises(FileDamaged):
        other.fetch(key)
    assert not other.path(key).exists()


def test_a_store_that_is_away_is_named_and_nothing_is_half_kept(tmp_path: Path) -> None:
    away = SharedStorage(tmp_path, Bucket.of("s3://backups?endpoint=http://127.0.0.1:9&region=us-east-1"))
    away.prepare()
    with pytest.raises(StorageUnreachable):
        _receive(away, b"content")
    assert list((tmp_path / "backups").iterdir()) == []
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_bucket_that_is_not_there_is_named(tmp_path: Path, bucket_url: str) -> None:
    bucket = Bucket.of(bucket_url.replace(s3_server.BUCKET, "nowhere", 1))
    missing = SharedStorage(tmp_path, bucket)
    missing.prepare()
    with pytest.raises((FileMissing, StorageUnreachable)):
        _receive(missing, b"content")


def test_copies_that_nobody_reads_go_and_come_back(machines: tuple[SharedStorage, SharedStorage]) -> None:
    one, other = machines
    key = _receive(one, b"long ago")
    path = other.fetch(key)
    never_published = other.path("receipts/mine.sqlite")
    never_published.write_bytes(b"mine")
    for old in (path, never_published):
        _age(old)
    other.sweep_copies()

    assert not path.exists()
    assert never_published.exists()
    assert other.fetch(key).read_bytes() == b"long ago"


def _age(path: Path) -> None:
    then = path.stat().st_mtime - COPY_SECONDS - 1
    os.utime(path, (then, then))

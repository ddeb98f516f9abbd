"""Files in an object store that speaks S3, so that several machines share backups, plans and receipts.

The folder of :class:`webapp.storage.Storage` then holds what is being worked on, and copies of what was read. An object
carries its sha256, and a copy is trusted only with it. An upload that breaks off leaves no object.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from webapp.refusals import FileDamaged, FileMissing, StorageUnreachable
from webapp.storage import Storage

SHARED = ("backups", "plans", "receipts")
"""Folders whose files are objects; stages and uploads belong to one machine."""

COPY_SECONDS = 7 * 24 * 3600
"""How long a copy stays that nobody reads."""


@dataclass(frozen=True)
class Bucket:
    """A bucket of an object store, and the folder in it that is ours."""

    name: str
    folder: str
    endpoint: str | None
    region: str | None

    @classmethod
    def of(cls, url: str) -> Bucket:
        """From an address such as ``s3://bucket/folder?endpoint=https://host&region=name``."""
        parts = urlsplit(url)
        given = {key: values[0] for key, values in parse_qs(parts.query).items()}
        return cls(parts.netloc, parts.path.strip("/"), given.get("endpoint"), given.get("region"))

    @cached_property
    def client(self) -> Any:
        """The connection. Credentials come from the environment or the machine, never from the address."""
        config = Config(retries={"max_attempts": 4, "mode": "standard"}, connect_timeout=10, read_timeout=60)
        return boto3.client("s3", endpoint_url=self.endpoint, region_name=self.region, config=config)

    def place(self, key: str) -> str:
        """The name of the object with that key."""
        return f"{self.folder}/{key}" if self.folder else key

    def put(self, path: Path, key: str, sha256: str) -> None:
        """Store a file as an object, whole or not at all."""
        with _told(key):
            self.client.upload_file(str(path), self.name, self.place(key), ExtraArgs={"Metadata": {"sha256": sha256}})

    def get(self, key: str, path: Path) -> None:
        """Write an object to a file."""
        with _told(key):
            self.client.download_file(self.name, self.place(key), str(path))

    def sha256(self, key: str) -> str | None:
        """The sha256 that an object carries; None when there is no such object."""
        try:
            with _told(key):
                found = self.client.head_object(Bucket=self.name, Key=self.place(key))
        except FileMissing:
            return None
        return str(found["Metadata"].get("sha256", ""))

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is removed already."""
        with _told(key):
            self.client.delete_object(Bucket=self.name, Key=self.place(key))


@contextmanager
def _told(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
            raise FileMissing(key=key) from None
        raise StorageUnreachable(reason=error.response.get("Error", {}).get("Code", "refused")) from None
    except (BotoCoreError, Boto3Error) as error:
        raise StorageUnreachable(reason=type(error).__name__) from None


@dataclass(frozen=True)
class SharedStorage(Storage):
    """A storage whose backups, plans and receipts are objects of a bucket."""

    bucket: Bucket

    def prepare(self) -> None:
        """Make the folders of this machine."""
        super().prepare()
        (self.root / "copies").mkdir(exist_ok=True, mode=0o700)

    def fetch(self, key: str) -> Path:
        """The path of a copy, fetched when this machine has none or has an older one."""
        if not _is_shared(key):
            return super().fetch(key)
        path, mark = self.path(key), self._mark(key)
        wanted = self.bucket.sha256(key)
        if wanted is None:
            raise FileMissing(key=key)
        if not (path.is_file() and mark.is_file() and mark.read_text() == wanted):
            temporary = self.new_upload()
            try:
                self.bucket.get(key, temporary)
                # What the store says of an object is not proof; a backup's own name is.
                if _sha256(temporary) != (key.partition("/")[2] if key.startswith("backups/") else wanted):
                    raise FileDamaged(key=key)
                super().keep(temporary, key)
            finally:
                temporary.unlink(missing_ok=True)
            mark.write_text(wanted)
        os.utime(path)
        return path

    def keep(self, temporary: Path, key: str) -> Path:
        """Put a finished file in its place here, and in the bucket."""
        path = super().keep(temporary, key)
        if _is_shared(key):
            try:
                self.publish(key)
            except StorageUnreachable:
                path.unlink(missing_ok=True)
                raise
        return path

    def publish(self, key: str) -> None:
        """Store a file that was written at its path as an object."""
        path = self.path(key)
        sha256 = _sha256(path)
        self.bucket.put(path, key, sha256)
        self._mark(key).write_text(sha256)

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        return self.bucket.sha256(key) is not None if _is_shared(key) else super().exists(key)

    def remove(self, key: str) -> None:
        """Remove the object and this machine's copy."""
        if _is_shared(key):
            self.bucket.remove(key)
            self._mark(key).unlink(missing_ok=True)
        super().remove(key)

    def sweep_copies(self) -> None:
        """Remove copies that nobody has read for long. A file that was never published has no mark, and stays."""
        for mark in (self.root / "copies").iterdir():
            folder, _, name = mark.name.partition("-")
            path = self.path(f"{folder}/{name}")
            if not path.exists() or path.stat().st_mtime < time.time() - COPY_SECONDS:
                path.unlink(missing_ok=True)
                mark.unlink(missing_ok=True)

    def _mark(self, key: str) -> Path:
        """Where the sha256 of the copy is noted."""
        return self.root / "copies" / key.replace("/", "-", 1)


def _is_shared(key: str) -> bool:
    return key.partition("/")[0] in SHARED


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

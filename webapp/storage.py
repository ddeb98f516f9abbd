"""Where files are kept: backups by their sha256, stages, plans, receipts, and uploads that are still arriving.

A file appears under its key whole or not at all: it is written elsewhere in the same file system, fsynced, renamed, and
the folder is fsynced. Where machines share the files in an object store, :class:`webapp.objects.SharedStorage` has the
same functions, and the folder holds what is being worked on.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flask import current_app

from webapp.refusals import FileMissing, StorageFull, UploadIncomplete, UploadTooLarge

FOLDERS = ("backups", "stages", "plans", "receipts", "uploads", "drills")
BLOCK = 1 << 20


@dataclass(frozen=True)
class Received:
    """A file that has arrived whole: its key, its size in bytes and its sha256."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Storage:
    """A folder of files under keys such as ``backups/<sha256>`` and ``plans/<job>.sqlite``."""

    root: Path

    def prepare(self) -> None:
        """Make the folders, readable by this user only."""
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, key: str) -> Path:
        """The path of a key, which need not exist yet."""
        folder, _, name = key.partition("/")
        if folder not in FOLDERS or not name or "/" in name or name.startswith("."):
            raise ValueError(f"not a storage key: {key!r}")
        return self.root / folder / name

    def plan(self, job_id: str) -> str:
        """The key of a job's plan."""
        return f"plans/{job_id}.sqlite"

    def receipt(self, job_id: str) -> str:
        """The key of a job's receipt."""
        return f"receipts/{job_id}.sqlite"

    def fetch(self, key: str) -> Path:
        """The path of a kept file, for reading.

        Raises:
            FileMissing: there is none.
        """
        path = self.path(key)
        if not path.is_file():
            raise FileMissing(key=key)
        return path

    def exists(self, key: str) -> bool:
        """Whether a file is kept under the key."""
        return self.path(key).is_file()

    def remove(self, key: str) -> None:
        """Remove a file; one that is not there is removed already."""
        self.path(key).unlink(missing_ok=True)

    def publish(self, key: str) -> None:
        """Let others read a file that was written at its path. In a folder they can."""

    def sweep_copies(self) -> None:
        """Remove local copies that nobody has read for long. In a folder there are only originals."""

    @property
    def stages(self) -> Path:
        """The folder that the engine keeps stages in."""
        return self.root / "stages"

    @property
    def drills(self) -> Path:
        """The folder of scratch files, one folder for each drill under way."""
        return self.root / "drills"

    def new_upload(self) -> Path:
        """A fresh path for a file that is arriving."""
        return self.root / "uploads" / secrets.token_hex(16)

    def receive(self, stream: BinaryIO, *, expected: int | None, limit: int) -> Received:
        """Keep a stream as a backup, hashing while it is written.

        Args:
            expected: how many bytes must arrive; gunicorn hands on a broken upload as a normal end, so it is counted.
            limit: how many bytes may arrive.

        Raises:
            UploadIncomplete, UploadTooLarge, StorageFull: nothing is kept.
        """
        temporary = self.new_upload()
        digest, size = hashlib.sha256(), 0
        try:
            with temporary.open("xb") as file:
                while block := stream.read(BLOCK):
                    size += len(block)
                    if size > limit:
                        raise UploadTooLarge(limit=f"{limit:,}")
                    digest.update(block)
                    file.write(block)
                if expected is not None and size != expected:
                    raise UploadIncomplete(received=f"{size:,}", expected=f"{expected:,}")
            key = f"backups/{digest.hexdigest()}"
            self.keep(temporary, key)
        except OSError as error:
            if is_full(error):
                _discard(stream, (expected or 0) - size)
                raise StorageFull from error
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return Received(key, size, digest.hexdigest())

    def keep(self, temporary: Path, key: str) -> Path:
        """Put a finished file in its place. A backup that is there already is the same bytes, so it may be replaced."""
        target = self.path(key)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        force_folder(target.parent)
        return target

    def sweep_uploads(self, older_than: float = 24 * 3600) -> int:
        """Remove what broken uploads left behind, by age in seconds. Returns how many files."""
        old = [path for path in (self.root / "uploads").iterdir() if path.stat().st_mtime < time.time() - older_than]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def force_folder(path: Path) -> None:
    """Force the names in a folder to disk."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _discard(stream: BinaryIO, rest: int) -> None:
    """Read on to the end: a browser that is cut off while it sends never sees the answer."""
    while rest > 0 and (block := stream.read(min(rest, BLOCK))):
        rest -= len(block)


def is_full(error: Exception) -> bool:
    """Whether something failed because there is no room left on the disk."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"


def storage() -> Storage:
    """The storage of the app that is at work."""
    return current_app.extensions["storage"]  # type: ignore[no-any-return]

"""A file that appears under its name only when it is whole, and of which nothing is left otherwise."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from webapp.engine.errors import DiskFull

_BUFFER = 1 << 20


class Output:
    """A file that knows its size and sha256 while it is written."""

    def __init__(self, file: BinaryIO, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        self.hasher = hashlib.sha256()
        self._file = file

    def write(self, text: bytes) -> None:
        """Append some bytes."""
        self._file.write(text)
        self.hasher.update(text)
        self.size += len(text)

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self.hasher.hexdigest()


@contextmanager
def appearing(path: Path) -> Iterator[Output]:
    """Write a file that appears at ``path`` at the end of the block, in place of what was there.

    Until then it has no name where the system can do that, so that even a killed process leaves nothing.

    Raises:
        DiskFull
    """
    folder = path.absolute().parent
    descriptor, temporary = _open(folder, path.name)
    try:
        with os.fdopen(descriptor, "wb", buffering=_BUFFER) as file:
            yield Output(file, folder)
            file.flush()
            os.fsync(file.fileno())
            if temporary is None:
                temporary = folder / f".{secrets.token_hex(12)}.part"
                _name(file.fileno(), folder, temporary)
        temporary.rename(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if is_full(error):
            raise DiskFull(folder=folder) from error
        raise
    _sync(folder)


def is_full(error: BaseException) -> bool:
    """Whether something failed because there is no room left on a disk."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _open(folder: Path, name: str) -> tuple[int, Path | None]:
    nameless = getattr(os, "O_TMPFILE", 0)
    if nameless:
        try:
            return os.open(folder, nameless | os.O_RDWR | os.O_CLOEXEC, 0o600), None
        except OSError as error:
            # Not every file system has nameless files.
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL):
                raise
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name[:40]}.", suffix=".part")
    return descriptor, Path(temporary)


def _name(descriptor: int, folder: Path, name: Path) -> None:
    at = os.open(folder, os.O_RDONLY)
    try:
        # With a folder's descriptor Python calls linkat, which alone follows the link to the open file.
        os.link(f"/proc/self/fd/{descriptor}", name.name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=True)
    finally:
        os.close(at)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A site's folder of files, reached by relative paths that lead nowhere else.

Paths come from backups and from rows, so none is trusted: every folder on the way is opened by itself and never through a
link, and whatever is done is done inside the folder that was opened.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from webapp.engine.errors import FolderRefused, PathRefused

OWN = ".smart-restore"
"""The folder in a site's folder of files where restores put what is not in its place yet, and what was replaced."""

LONGEST_PATH, LONGEST_NAME = 1000, 255
PIECE = 1 << 20

_DRIVE = re.compile(r"[A-Za-z]:")
_STEERING = re.compile(r"[\x00-\x1f\x7f\\]")
_LOOK = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def flaw_of(path: str) -> str:
    """Why a path cannot be one of a site's files; nothing when it can."""
    parts = path.split("/")
    try:
        longest = max(len(part.encode()) for part in parts)
    except UnicodeEncodeError:
        return "its name is not text"
    if not path:
        return "it has no name"
    if path.startswith("/") or _DRIVE.match(path):
        return "it is an absolute path"
    if ".." in parts:
        return "it leads out of the folder"
    if "" in parts or "." in parts:
        return "its path has an empty part"
    if _STEERING.search(path):
        return "its name has a character that no name may have"
    if len(path) > LONGEST_PATH or longest > LONGEST_NAME:
        return "its name is too long"
    if parts[0].casefold() == OWN:
        return "it is in the folder that this program keeps for itself"
    return ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A regular file as it was found."""

    size: int
    changed_ns: int  # when its content was last written, in nanoseconds
    number: int  # of its inode

    @property
    def modified(self) -> datetime:
        """When its content was last written, UTC."""
        return datetime.fromtimestamp(self.changed_ns / 1e9, UTC)


class Folder:
    """A folder of files. Its own path may be a link: whoever named it meant it."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        try:
            self.device = os.stat(self.root / ".").st_dev
        except OSError as error:
            raise FolderRefused(path=root, reason=error.strerror or "it cannot be opened") from None

    @contextmanager
    def parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The opened folder that a path's last name stands in, and that name.

        Raises:
            FileNotFoundError: there is no such folder, and it was not to be made.
            PathRefused: the path is none, or something other than a folder is on the way.
        """
        if flaw := flaw_of(path):
            raise PathRefused(path=path[:200], reason=flaw)
        *folders, name = path.split("/")
        number = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in folders:
                inner = self._step(number, folder, path, make=make)
                os.close(number)
                number = inner
            yield number, name
        finally:
            os.close(number)

    def _step(self, number: int, folder: str, path: str, *, make: bool) -> int:
        if make:
            with suppress(FileExistsError):
                around = os.fstat(number)
                os.mkdir(folder, stat.S_IMODE(around.st_mode), dir_fd=number)
                with suppress(PermissionError):
                    os.chown(folder, around.st_uid, around.st_gid, dir_fd=number, follow_symlinks=False)
                os.fsync(number)
        try:
            inner = os.open(folder, _LOOK, dir_fd=number)
        except FileNotFoundError:
            raise
        except OSError as error:
            if stat.S_ISLNK(os.stat(folder, dir_fd=number, follow_symlinks=False).st_mode):
                raise PathRefused(path=path, reason="a link is on the way, and links are not followed") from None
            raise PathRefused(path=path, reason=f"{folder} cannot be opened as a folder ({error.strerror})") from None
        if os.fstat(inner).st_dev != self.device:
            os.close(inner)
            raise PathRefused(path=path, reason=f"{folder} is on another disk than the folder that it is in")
        return inner

    def look(self, path: str) -> Seen | None:
        """The regular file at a path, or None when nothing is there.

        Raises:
            PathRefused: the path is none, or something else than a regular file is there.
        """
        try:
            with self.parent(path) as (number, name):
                found = os.stat(name, dir_fd=number, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            kind = "a link" if stat.S_ISLNK(found.st_mode) else "something else than a file"
            raise PathRefused(path=path, reason=f"{kind} is in its place")
        return Seen(found.st_size, found.st_mtime_ns, found.st_ino)

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """A regular file, for reading."""
        with self.parent(path) as (number, name):
            opened = os.open(name, _READ, dir_fd=number)
        with os.fdopen(opened, "rb") as file:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise PathRefused(path=path, reason="something else than a file is in its place")
            yield file

    def digest(self, path: str, tick: Callable[[], None] = lambda: None) -> str:
        """The sha256 of a file."""
        digest = hashlib.sha256()
        with self.open(path) as file:
            while piece := file.read(PIECE):
                digest.update(piece)
                tick()
        return digest.hexdigest()

    def may_write(self, path: str) -> bool:
        """Whether a file could be put at a path: the deepest folder of it that is there can be written."""
        folders = path.split("/")[:-1]
        for depth in range(len(folders), -1, -1):
            try:
                with self.parent("/".join([*folders[:depth], "x"])) as (number, _):
                    return os.access(".", os.W_OK | os.X_OK, dir_fd=number)
            except FileNotFoundError:
                continue
        return False

"""Putting the files of a plan into a site's folder, so that a kill at any moment leaves them all old, or all new in the end.

1. Before the site is locked: the new contents are written into :data:`~webapp.engine.folder.OWN`, checked and forced to
   disk, and what they will replace is copied there.
2. Under the lock: every file is still as the plan found it. What is to be renamed is written down.
3. After the commit: everything is renamed into its place, which can be done again and again until it is done.

Whoever finds a list of renames without its worker asks the site's journal: a job that was committed is carried on with,
any other is cleared away. A worker holds a lock on its list, which goes with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from webapp.engine.answers import FILES
from webapp.engine.databases.base import Report
from webapp.engine.errors import FilesUnfinished, FilesUnreadable, FolderRefused, PathRefused, Stale
from webapp.engine.folder import OWN, PIECE, Folder
from webapp.engine.sql import q

LIST, DONE, LOCK = "renames.jsonl", "done.jsonl", "lock"


class Carrying(Protocol):
    """A backup that carries files."""

    def read_file(self, sha256: str) -> Iterator[bytes]:
        """The content of a file, checked while it streams."""


class Move(msgspec.Struct, frozen=True):
    """One file on its way. ``size`` and ``changed_ns`` are those of the file that is replaced or removed."""

    id: int
    path: str
    action: str  # insert, update, delete
    sha256: str
    modified: str | None = None
    size: int | None = None
    changed_ns: int | None = None


class _Head(msgspec.Struct, frozen=True):
    job: str


_line = msgspec.json.Decoder(Move)


def moves_of(plan: sqlite3.Connection) -> tuple[Move, ...]:
    """The files that a plan would write or remove, in the order in which the backup holds them."""
    found = plan.execute(
        'SELECT a."#id", a.path, a."#action", a.sha256, a.modified, l.size, l.changed_ns'
        f' FROM {q("after " + FILES)} a LEFT JOIN {q("look " + FILES)} l ON l.id = a."#id"'
        " WHERE a.\"#action\" IN ('insert', 'update', 'delete') ORDER BY a.\"#rec\", a.\"#id\""
    )
    return tuple(Move(*row) for row in found)


@dataclass
class Placement:
    """The files of one job on their way into a folder. ``deciding`` says that only the journal knows how it ended."""

    folder: Folder
    job: str
    moves: tuple[Move, ...]
    number: int  # of the opened folder that is this job's own
    deciding: bool = False

    def fetch(self, source: Carrying, report: Report) -> None:
        """Write the new contents beside their places, each checked against the plan.

        Raises:
            FilesUnreadable: the backup does not hold what the plan says.
        """
        total = sum(1 for move in self.moves if move.action != "delete")
        written: dict[str, int] = {}
        done = 0
        for move in self.moves:
            if move.action == "delete":
                continue
            report("files", done, total)
            if move.action == "update" and self._is_as_planned(move):
                # A second name would not do: what is written into the file from now on must not be kept as the old one.
                self._copy(move.path, f"old-{move.id}")
            first = written.setdefault(move.sha256, move.id)
            pieces = source.read_file(move.sha256) if first == move.id else self._pieces(first)
            self._write(move, pieces)
            done += 1
        # One after the other when all are written: then the disk has most of them already.
        for move in self.moves:
            if move.action != "delete":
                self._force(move)
                report("files", total, total)
        os.fsync(self.number)

    def look(self) -> None:
        """See that every file is still as the plan found it, keep aside what goes, and write down what is to be renamed.

        Raises:
            Stale: one is not.
        """
        moved = [move for move in self.moves if not self._is_as_planned(move)]
        if moved:
            raise Stale(count=f"{len(moved):,}", model="the file", pk=moved[0].path)
        for move in self.moves:
            if move.action == "delete":
                self._keep_aside(move, f"old-{move.id}")
            else:
                self._dress(move)
        with os.fdopen(self._open(LIST, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            for line in (_Head(self.job), *self.moves):
                file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.fsync(self.number)

    def verify(self) -> int:
        """Read the new contents back from the disk, and give their number.

        Raises:
            FilesUnreadable: one is not what was written.
        """
        new = [move for move in self.moves if move.action != "delete"]
        for move in new:
            digest = hashlib.sha256()
            for piece in self._pieces(move.id):
                digest.update(piece)
            if digest.hexdigest() != move.sha256:
                raise FilesUnreadable(path=move.path, reason="it was read back otherwise than it was written")
        return len(new)

    def finish(self) -> None:
        """Rename everything into its place. Done again, it goes on where it was.

        Raises:
            FilesUnfinished: something stands against it now.
        """
        try:
            for move in self.moves:
                self._place(move)
            for path in {move.path.rpartition("/")[0]: move.path for move in self.moves}.values():
                self._force_folder(path)
            os.rename(LIST, DONE, src_dir_fd=self.number, dst_dir_fd=self.number)
            os.fsync(self.number)
        except (OSError, PathRefused) as error:
            reason = " ".join(str(error).split())
            raise FilesUnfinished(job=self.job, reason=reason) from None

    def close(self) -> None:
        """Let go of the folder; another one may go on from here."""
        os.close(self.number)

    # ------------------------------------------------------------ one file

    def _write(self, move: Move, pieces: Iterator[bytes]) -> None:
        digest = hashlib.sha256()
        with os.fdopen(self._open(f"new-{move.id}", os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            if digest.hexdigest() != move.sha256:
                raise FilesUnreadable(path=move.path, reason="its content is another one")
            file.flush()
            if move.modified:
                stamp = datetime.fromisoformat(move.modified).timestamp()
                os.utime(file.fileno(), (stamp, stamp))

    def _force(self, move: Move) -> None:
        """Have a new content on disk, so that what is read back afterwards comes from there."""
        opened = self._open(f"new-{move.id}", os.O_RDONLY)
        try:
            os.fsync(opened)
            os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(opened)

    def _is_as_planned(self, move: Move) -> bool:
        try:
            seen = self.folder.look(move.path)
        except (PathRefused, OSError):
            return False
        if seen is None or move.size is None:
            return seen is None and move.size is None
        return (seen.size, seen.changed_ns) == (move.size, move.changed_ns)

    def _keep_aside(self, move: Move, name: str) -> None:
        """A second name for the file that stands there now, or a copy where the disk knows no second names."""
        with self.folder.parent(move.path) as (number, there):
            try:
                os.link(there, name, src_dir_fd=number, dst_dir_fd=self.number, follow_symlinks=False)
            except FileExistsError:
                return
            except OSError:
                self._copy(move.path, name)

    def _copy(self, path: str, name: str) -> None:
        with (
            self.folder.open(path) as file,
            os.fdopen(self._open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as copy,
        ):
            shutil.copyfileobj(file, copy, PIECE)
            copy.flush()
            os.fsync(copy.fileno())

    def _dress(self, move: Move) -> None:
        """Give a new file the rights and the owner that its predecessor has, or else those of the folder."""
        parts = move.path.split("/")
        for depth in range(len(parts), 0, -1):
            try:
                with self.folder.parent("/".join([*parts[: depth - 1], parts[-1]])) as (number, name):
                    model = os.fstat(number)
                    if move.action == "update":
                        model = os.stat(name, dir_fd=number, follow_symlinks=False)
                break
            except FileNotFoundError:
                continue
        mode = stat.S_IMODE(model.st_mode) & 0o666
        opened = self._open(f"new-{move.id}", os.O_RDONLY)
        try:
            with contextlib.suppress(PermissionError):
                os.fchown(opened, model.st_uid, model.st_gid)
            os.fchmod(opened, mode)
        finally:
            os.close(opened)

    def _place(self, move: Move) -> None:
        with contextlib.ExitStack() as stack:
            try:
                number, name = stack.enter_context(self.folder.parent(move.path, make=move.action != "delete"))
            except FileNotFoundError:
                return
            new = f"new-{move.id}"
            there = move.size is not None and self._is_as_planned(move)
            if move.action == "delete":
                # A file that was written again since is somebody's work.
                if there:
                    os.unlink(name, dir_fd=number)
            elif self._has(new):
                if not there and self.folder.look(move.path) is not None:
                    self._keep_aside(move, f"later-{move.id}")
                os.rename(new, name, src_dir_fd=self.number, dst_dir_fd=number)

    def _force_folder(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError), self.folder.parent(path) as (number, _):
            os.fsync(number)

    def _has(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self.number, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _pieces(self, number: int) -> Iterator[bytes]:
        with os.fdopen(self._open(f"new-{number}", os.O_RDONLY), "rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def _open(self, name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.number)


# ---------------------------------------------------------------- from the outside


@contextlib.contextmanager
def placed(root: Path, job: str, moves: Sequence[Move]) -> Iterator[Placement]:
    """A placement that is cleared away when it does not come to a commit.

    Raises:
        FolderRefused: nothing can be written there.
    """
    folder = Folder(root)
    own = _open_own(folder, make=True)
    name = _name(job)
    try:
        os.mkdir(name, 0o700, dir_fd=own)
        number = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=own)
    except OSError as error:
        os.close(own)
        raise FolderRefused(path=root, reason=error.strerror or "it cannot be written to") from None
    placement = Placement(folder, job, tuple(moves), number)
    try:
        _hold(number)
        yield placement
    except BaseException:
        if not placement.deciding:
            _clear(own, name)
        raise
    finally:
        placement.close()
        os.close(own)


def settle_folder(root: Path, applied: Callable[[str], bool], only: str | None = None) -> None:
    """Carry on with what a lost worker left in a folder, or clear it away; ``applied(job)`` asks the site's journal.

    Raises:
        FilesUnfinished, OutcomeUnknown: it has to be tried again later.
    """
    folder = Folder(root)
    try:
        own = _open_own(folder, make=False)
    except FileNotFoundError:
        return
    try:
        for name in sorted(os.listdir(own)):
            if only is None or name == _name(only):
                _settle(folder, own, name, applied)
    finally:
        os.close(own)


def forget(root: Path, before: datetime) -> int:
    """Remove what restores that ended before an instant kept aside in a folder; gives how many they were."""
    folder = Folder(root)
    try:
        own = _open_own(folder, make=False)
    except FileNotFoundError:
        return 0
    number = 0
    try:
        for name in os.listdir(own):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                ended = os.stat(f"{name}/{DONE}", dir_fd=own, follow_symlinks=False)
                if ended.st_mtime < before.timestamp():
                    _clear(own, name)
                    number += 1
    finally:
        os.close(own)
    return number


def _settle(folder: Folder, own: int, name: str, applied: Callable[[str], bool]) -> None:
    try:
        number = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=own)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        if not _hold(number, wait=False):
            return  # its worker is at it
        try:
            listed = os.open(LIST, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=number)
        except FileNotFoundError:
            try:
                os.stat(DONE, dir_fd=number)
            except FileNotFoundError:
                _clear(own, name)  # it did not come to its list, and so not to a commit
            return
        with os.fdopen(listed, "rb") as file:
            job = msgspec.json.decode(file.readline(), type=_Head).job
            moves = tuple(_line.decode(line) for line in file)
        if applied(job):
            Placement(folder, job, moves, number).finish()
        else:
            _clear(own, name)
    except msgspec.DecodeError:
        _clear(own, name)  # cut off while it was written, and so before a commit
    finally:
        os.close(number)


def _open_own(folder: Folder, *, make: bool) -> int:
    if make:
        with contextlib.suppress(FileExistsError, OSError):
            os.mkdir(folder.root / OWN, 0o700)
    try:
        number = os.open(folder.root / OWN, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if not make:
            raise
        raise FolderRefused(path=folder.root, reason="it cannot be written to") from None
    except OSError as error:
        raise FolderRefused(path=folder.root, reason=f"{OWN} in it: {error.strerror}") from None
    if os.fstat(number).st_uid != os.geteuid():
        os.close(number)
        raise FolderRefused(path=folder.root, reason=f"{OWN} in it belongs to somebody else")
    return number


def _name(job: str) -> str:
    return hashlib.sha256(job.encode()).hexdigest()[:32]


def _hold(number: int, *, wait: bool = True) -> bool:
    """The lock of a job's folder; it is given up when the folder is closed, also by a kill."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _clear(own: int, name: str) -> None:
    shutil.rmtree(name, ignore_errors=True, dir_fd=own)

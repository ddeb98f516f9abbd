"""A site's media folder, read for a backup: which files it has, and the content of each."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from webapp.engine.answers import StoredFile
from webapp.engine.errors import MediaChanged, MediaMissing
from webapp.engine.folder import OWN
from webapp.engine.formats.native import is_safe
from webapp.engine.snapshot import utc_text

_PIECE = 1 << 20


class MediaFolder:
    """The regular files below a folder. Links are not followed. What is known of them is kept in a file, not in memory."""

    def __init__(self, root: Path, report: Callable[[str, int, int], None]) -> None:
        if not root.is_dir():
            raise MediaMissing(folder=root)
        self.remarks: list[str] = []
        self._root = root
        self._report = report
        # A database without a name: SQLite keeps it in a file that vanishes with the process, whatever ends it.
        self._known = sqlite3.connect("", isolation_level=None)
        self._known.execute("PRAGMA journal_mode = OFF")
        self._known.execute("BEGIN")
        self._known.execute(
            "CREATE TABLE file (path TEXT PRIMARY KEY, sha256 TEXT, size INTEGER, modified TEXT) WITHOUT ROWID"
        )

    def __enter__(self) -> MediaFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._known.close()

    def files(self) -> Iterator[StoredFile]:
        """All files, by their paths."""
        others = 0
        for done, (path, name) in enumerate(_walk(self._root)):
            if name is None or not is_safe(name):
                others += 1
                continue
            sha256, size, modified = _look(path)
            self._known.execute("INSERT INTO file VALUES (?, ?, ?, ?)", (name, sha256, size, modified))
            self._report("media", done, 0)
        if others:
            self.remarks.append(f"{others:,} links, devices or files with names that are no text are left out.")
        for path, sha256, size, modified in self._known.execute("SELECT * FROM file ORDER BY path"):
            yield StoredFile(path=path, sha256=sha256, size=size, modified=modified)

    def content(self, file: StoredFile) -> Iterator[bytes]:
        """The content of one file.

        Raises:
            MediaChanged: it is no longer as it was listed.
        """
        return _read(self._root / file.path, file.path, file.sha256)

    def contents(self, held: Iterable[StoredFile]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Each different content once, by its sha256, but those of ``held`` files.

        Raises:
            MediaChanged: a file is no longer as it was listed.
        """
        self._known.execute("CREATE TABLE held (sha256 TEXT PRIMARY KEY) WITHOUT ROWID")
        self._known.executemany("INSERT OR IGNORE INTO held VALUES (?)", ((file.sha256,) for file in held))
        found = self._known.execute(
            "SELECT sha256, min(path) FROM file WHERE sha256 NOT IN (SELECT sha256 FROM held) GROUP BY sha256 ORDER BY sha256"
        )
        for done, (sha256, name) in enumerate(found):
            yield sha256, _read(self._root / name, name, sha256)
            self._report("media", done, 0)


def _walk(root: Path) -> Iterator[tuple[Path, str | None]]:
    """Every file with its path below the root, in no order; None instead of a path for what is no regular file."""
    for folder, folders, files in os.walk(root):
        if Path(folder) == root and OWN in folders:
            folders.remove(OWN)  # what restores keep there is no file of the site
        for name in [*folders, *files]:
            path = Path(folder) / name
            if path.is_symlink() or (not path.is_dir() and not path.is_file()):
                yield path, None
            elif path.is_file():
                yield path, path.relative_to(root).as_posix()


def _look(path: Path) -> tuple[str, int, str]:
    with path.open("rb") as file:
        modified = datetime.fromtimestamp(int(os.fstat(file.fileno()).st_mtime), UTC)
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell(), utc_text(modified)


def _read(path: Path, name: str, sha256: str) -> Iterator[bytes]:
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                hasher.update(piece)
                yield piece
    except FileNotFoundError:
        raise MediaChanged(path=name) from None
    if hasher.hexdigest() != sha256:
        raise MediaChanged(path=name)

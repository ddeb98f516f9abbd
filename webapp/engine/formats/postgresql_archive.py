"""Dumps of pg_dump in a format of its own (custom, tar), turned into a plain dump by PostgreSQL's own pg_restore.

The program writes to a pipe and nowhere else: it gets no database, no shell, an environment of its own, and limits on
memory and files. What it writes is read like any plain dump.
"""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from webapp.engine.answers import FilePart
from webapp.engine.errors import DumpProgramMissing, DumpRefused, FileChanged, LimitExceeded
from webapp.engine.formats import postgresql_dump
from webapp.engine.formats.block import Block
from webapp.engine.formats.compression import INFLATED
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.said import Said
from webapp.engine.formats.source import CHUNK, Report, quiet

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

TITLE = "PostgreSQL dump, {kind} format"

PROGRAM: Final = "PG_RESTORE"
"""The setting that names the program, or the folder that it is in."""

_MAGIC = b"PGDMP"
_SILENCE = 120.0  # seconds without a byte, after which the program counts as stuck
_MEMORY = 2 << 30
_BETWEEN_REPORTS = 0.25


def fits(path: Path, start: bytes) -> bool:
    """Whether a file is a dump in the custom format, or a tar of one."""
    return start.startswith(_MAGIC) or (start.startswith(b"toc.dat\x00") and start[257:262] == b"ustar")


def open_container(path: Path, name: str, sha256: str, size: int, repairs: frozenset[str]) -> Archive:
    """The rows of a dump.

    Raises:
        DumpProgramMissing: pg_restore is not there.
    """
    with path.open("rb") as file:
        kind = "custom" if file.read(5) == _MAGIC else "tar"
    return Archive(path, name, sha256, size, repairs, TITLE.format(kind=kind), find_program())


def read_dump(file: Stream, said: Said | None = None, chunk: int = CHUNK) -> Iterator[Block]:
    """Yield the rows of a dump of any format, from a stream such as the member of an archive."""
    said = said or Said()
    start = b""
    while len(start) < len(_MAGIC) and (piece := file.read(len(_MAGIC) - len(start))):
        start += piece
    whole = _Continued(start, file)
    if start != _MAGIC:
        yield from postgresql_dump.read_telling(whole, chunk, frozenset(), said)
        return
    program = find_program()
    with tempfile.NamedTemporaryFile(prefix="dump-") as copy:
        while piece := whole.read(chunk):
            copy.write(piece)
        copy.flush()
        with _plain_text(program, Path(copy.name)) as stream:
            yield from postgresql_dump.read_telling(stream, chunk, frozenset(), said)


def find_program() -> str:
    """The program pg_restore: the one that is named, else the one on PATH.

    Raises:
        DumpProgramMissing
    """
    given = os.environ.get(PROGRAM, "")
    if not given:
        if found := shutil.which("pg_restore"):
            return found
        raise DumpProgramMissing(reason="there is no pg_restore on PATH")
    named = Path(given) / "pg_restore" if Path(given).is_dir() else Path(given)
    if found := shutil.which(named):
        return found
    raise DumpProgramMissing(reason=f"{PROGRAM} names {given}, which is no program")


@dataclass(frozen=True)
class Archive:
    """A dump in a format of its own; see :class:`webapp.engine.formats.source.Records`."""

    path: Path
    name: str
    sha256: str
    size: int
    asked: frozenset[str]
    format: str
    program: str
    compression: str = ""
    repairs: tuple[str, ...] = ()
    parts: tuple[FilePart, ...] = ()
    partial: bool = False
    said: Said = field(default_factory=Said)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of it; complete once the records have been read."""
        return tuple(self.said.notes)

    def blocks(self, report: Report = quiet, chunk: int = CHUNK) -> Iterator[Block]:
        """Yield the rows of all tables."""
        if self.path.stat().st_size != self.size:
            raise FileChanged(found="of another size", expected=f"{self.sha256} of {self.size:,} bytes")
        self.said.clear()
        told = time.monotonic()
        with _plain_text(self.program, self.path) as stream:
            for block in postgresql_dump.read_telling(stream, chunk, self.asked, self.said):
                yield block
                if time.monotonic() - told >= _BETWEEN_REPORTS:
                    told = time.monotonic()
                    report("read", min(stream.given, self.size - 1), self.size)
        report("read", self.size, self.size)


class _Continued:
    """A stream of which the beginning was looked at."""

    def __init__(self, start: bytes, rest: Stream) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int) -> bytes:
        if self._start:
            text, self._start = self._start[:size], self._start[size:]
            return text
        return self._rest.read(size)


class _Output:
    """What the program writes; its end counts only when the program says that it is the end."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self.given = 0
        self._process = process
        self._errors = errors
        assert process.stdout is not None
        self._pipe = process.stdout.fileno()
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._pipe, selectors.EVENT_READ)

    def read(self, size: int) -> bytes:
        if not self._ready.select(_SILENCE):
            raise DumpRefused(where="with pg_restore", reason=f"it was silent for {_SILENCE:.0f} seconds")
        text = os.read(self._pipe, min(size, 1 << 20))
        self.given += len(text)
        if self.given > INFLATED:
            raise LimitExceeded(where="with pg_restore", reason=f"unpacked it has more than {INFLATED:,} bytes")
        if not text and self._process.wait(_SILENCE):
            raise self._failed()
        return text

    def _failed(self) -> DumpRefused | DumpProgramMissing:
        self._errors.seek(0)
        lines = self._errors.read(4096).decode("utf-8", "replace").splitlines()
        said = next((line for line in lines if "error" in line), lines[0] if lines else "it said nothing")
        said = said.removeprefix("pg_restore: ").removeprefix("error: ")[:300]
        if "unsupported version" in said:
            return DumpProgramMissing(reason=f"pg_restore is too old for it ({said})")
        return DumpRefused(where="with pg_restore", reason=said)

    def close(self) -> None:
        self._ready.close()


@contextmanager
def _plain_text(program: str, path: Path) -> Iterator[_Output]:
    """Let pg_restore write a plain dump of a file into a pipe."""
    with tempfile.TemporaryFile() as errors, path.open("rb") as file:
        process = subprocess.Popen(
            [program, "--no-owner", "--no-privileges", "-f", "-"],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            close_fds=True,
        )
        try:
            if hasattr(resource, "prlimit"):
                for limit, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_FSIZE, 1 << 20)):
                    resource.prlimit(process.pid, limit, (most, most))
            output = _Output(process, errors)
            try:
                yield output
            finally:
                output.close()
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

"""Writing a package of the document system: a tar inside gzip with a fixture, the site's files, and what is said of both.

:mod:`webapp.engine.formats.package` has the layout and reads it. Whatever that refuses is never written: files whose names
it would not take are left out, and told.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from webapp.engine import labels
from webapp.engine.answers import BackupFacts, StoredFile
from webapp.engine.errors import FormatRefused
from webapp.engine.fixture import write_fixture
from webapp.engine.folder import flaw_of
from webapp.engine.formats.package import CHECKSUM, COUNTS, FIXTURE, LONGEST_MANIFEST, MANIFEST, METADATA
from webapp.engine.formats.tar import MEMBERS
from webapp.engine.media_folder import MediaFolder
from webapp.engine.native_archive import Packed
from webapp.engine.output import Output, appearing
from webapp.engine.snapshot import Snapshot, utc_text

_GZIP = zlib.MAX_WBITS | 16
_OTHERS = 10
"""Members that are no files of the site, more than there ever are."""

_BEFORE = "./"
"""The document system's own packages have it before every name."""


def write_package(snapshot: Snapshot) -> BackupFacts:
    """Write a package of the rows, or of the files where the snapshot has no tables, or of both.

    Raises:
        FormatRefused, DiskFull, MediaMissing, MediaChanged
    """
    if snapshot.base or snapshot.since:
        raise FormatRefused(format="package", reason="it holds all rows")
    remarks: list[str] = []
    with tempfile.TemporaryDirectory(prefix=".package-", dir=snapshot.output.absolute().parent) as beside:
        fixture = Path(beside) / "fixture.json"
        rows = write_fixture(replace(snapshot, output=fixture, media=None)) if snapshot.tables else None
        with appearing(snapshot.output) as output, _Tar(output, snapshot.instant) as tar:
            tar.add_text(METADATA, _metadata(snapshot))
            if rows is not None:
                tar.add_text(COUNTS, _counts(snapshot, rows))
                tar.add_text(CHECKSUM, f"{rows.sha256}  {FIXTURE.rpartition('/')[2]}\n".encode())
                with fixture.open("rb") as file:
                    tar.add(FIXTURE, rows.size, file)
            files = _add_files(snapshot, tar, remarks)
    return BackupFacts(
        path=str(snapshot.output),
        size=output.size,
        sha256=output.sha256,
        records=rows.records if rows else 0,
        tables=rows.tables if rows else {},
        format="package",
        instant=utc_text(snapshot.instant),
        rows=rows.rows if rows else 0,
        files=files,
        blobs=files,
        remarks=tuple(remarks),
    )


def _metadata(snapshot: Snapshot) -> bytes:
    parts = [("database", bool(snapshot.tables)), ("storage", snapshot.media is not None)]
    return _json(
        {
            "export_timestamp": utc_text(snapshot.instant),
            "edms_version": "",
            "export_type": "full" if all(held for _, held in parts) else next((n for n, held in parts if held), "full"),
            "components": [name for name, held in parts if held],
            "site": snapshot.site,
        }
    )


def _counts(snapshot: Snapshot, rows: BackupFacts) -> bytes:
    counts = {labels.label_of(name, snapshot.profile): count for name, count in rows.tables.items() if count}
    return _json({"total_records": rows.records, "model_counts": counts})


def _json(found: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _add_files(snapshot: Snapshot, tar: _Tar, remarks: list[str]) -> int:
    """The manifest and the files; gives their number."""
    if snapshot.media is None:
        return 0
    with MediaFolder(snapshot.media, snapshot.report) as folder:
        files = list(islice(_fitting(folder.files(), remarks), MEMBERS - _OTHERS + 1))
        if len(files) > MEMBERS - _OTHERS:
            raise FormatRefused(format="package", reason=f"it holds no more than {MEMBERS - _OTHERS:,} files")
        remarks += folder.remarks
        said = {
            _member(file.path).removeprefix("storage/"): {
                "size": file.size,
                "checksum": file.sha256,
                "modified": file.modified,
            }
            for file in files
        }
        text = _json({"files": said})
        if len(text) > LONGEST_MANIFEST:
            raise FormatRefused(
                format="package", reason=f"its manifest would have more than {LONGEST_MANIFEST:,} bytes"
            )
        tar.add_text(MANIFEST, text)
        for done, file in enumerate(files):
            snapshot.report("media", done, len(files))
            tar.add(_member(file.path), file.size, _Pieces(folder.content(file)), file.modified)
    return len(files)


def _fitting(files: Iterator[StoredFile], remarks: list[str]) -> Iterator[StoredFile]:
    seen: set[str] = set()
    left_out: list[str] = []
    for file in files:
        if flaw_of(file.path) or file.path.casefold() in seen:
            left_out.append(file.path)
            continue
        seen.add(file.path.casefold())
        yield file
    if left_out:
        remarks.append(
            f"{len(left_out):,} files are left out, for a package cannot hold their names; the first is {left_out[0]!r}."
        )


def _member(path: str) -> str:
    """Where a file of the site stands in a package."""
    return f"storage/{path}" if path.startswith("documents/") else f"storage/media/{path}"


class _Tar:
    """A tar inside gzip, written from its first byte to its last."""

    def __init__(self, output: Output, instant: datetime) -> None:
        self._packed = Packed(output.write, _GZIP)
        self._sink = _Sink(self._packed)
        self._tar = tarfile.open(fileobj=self._sink, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed with this
        self._instant = instant

    def __enter__(self) -> _Tar:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        # After an error the end of the tar goes nowhere: it would be written all the same when the object vanishes.
        self._sink.given_up = kind is not None
        self._tar.close()
        if kind is None:
            self._packed.close()

    def add_text(self, name: str, text: bytes) -> None:
        """A short member."""
        self.add(name, len(text), io.BytesIO(text))

    def add(self, name: str, size: int, content: io.BufferedIOBase, modified: str = "") -> None:
        """A member; its content must have that size."""
        info = tarfile.TarInfo(_BEFORE + name)
        info.size = size
        info.mode = 0o644
        info.mtime = int((datetime.fromisoformat(modified) if modified else self._instant).timestamp())
        self._tar.addfile(info, content)


class _Sink(io.RawIOBase):
    def __init__(self, packed: Packed) -> None:
        self.given_up = False
        self._packed = packed

    def writable(self) -> bool:
        return True

    def write(self, text: bytes) -> int:  # type: ignore[override]  # the tar gives bytes
        if not self.given_up:
            self._packed.feed(text)
        return len(text)


@dataclass
class _Pieces(io.BufferedIOBase):
    """An iterator of pieces as a file."""

    pieces: Iterator[bytes]
    waiting: bytes = b""

    def read(self, size: int | None = -1) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end."""
        wanted = max(size or 0, 0)
        while len(self.waiting) < wanted and (piece := next(self.pieces, b"")):
            self.waiting += piece
        text, self.waiting = self.waiting[:wanted], self.waiting[wanted:]
        return text

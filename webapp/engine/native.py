"""Writing a native backup: all rows, or those that its base has not, with an index of every row at the snapshot's instant."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import uuid4

import msgspec

from webapp.engine import labels
from webapp.engine.answers import BackupFacts
from webapp.engine.errors import BaseUnfit, FileRefused, FormatRefused, RowRefused
from webapp.engine.fixture import Lines, lines_of
from webapp.engine.formats import django_lines
from webapp.engine.formats.native import Native, Pieces, open_container
from webapp.engine.formats.native_index import Known, KnownKeys, added, digest_text, digests_of, index_lines
from webapp.engine.formats.native_layout import FILES, MANIFEST, MEDIA
from webapp.engine.formats.native_manifest import (
    FORMAT,
    VERSION,
    Base,
    Manifest,
    ManifestFiles,
    ManifestTable,
    encode,
    index_name,
    records_name,
)
from webapp.engine.formats.scan import RECORD
from webapp.engine.media_folder import MediaFolder
from webapp.engine.native_archive import Archive, Packed
from webapp.engine.output import appearing
from webapp.engine.schema import Kind
from webapp.engine.snapshot import Snapshot, utc_text


def write_native(snapshot: Snapshot) -> BackupFacts:
    """Write a full backup, an increment on ``snapshot.base``, or rows ``since`` a time.

    Raises:
        BaseUnfit, DiskFull, FormatRefused
    """
    if snapshot.since and snapshot.base:
        raise FormatRefused(format="native", reason="rows since a time need no base, and are none")
    base = _base(snapshot)
    remarks: list[str] = []
    with appearing(snapshot.output) as output, Archive(output) as archive:
        writing = _Writing(snapshot, archive, base, sum(snapshot.reader.count(name) for name in snapshot.tables))
        tables = tuple(writing.table(number, name) for number, name in enumerate(snapshot.tables, 1))
        files = _write_files(snapshot, archive, base, remarks)
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            program=program(),
            id=uuid4().hex,
            site=snapshot.site,
            profile=snapshot.profile.name,
            dialect=snapshot.dialect,
            schema=snapshot.schema.fingerprint,
            instant=utc_text(snapshot.instant),
            kind="incremental" if base or snapshot.since else "full",
            base=Base(id=base.manifest.id, sha256=base.sha256) if base else None,
            since=utc_text(snapshot.since.astimezone(UTC)) if snapshot.since else "",
            categories=tuple(snapshot.categories),
            media=snapshot.media is not None,
            tables=tables,
            files=files,
            end=True,
        )
        packed = archive.begin(MANIFEST)
        packed.feed(encode(manifest))
        archive.end(MANIFEST, packed)
        archive.finish()
    if snapshot.since:
        remarks.insert(0, _limits(manifest))
    return BackupFacts(
        path=str(snapshot.output),
        size=output.size,
        sha256=output.sha256,
        records=manifest.records,
        tables={table.table: table.changed for table in tables},
        format="native",
        kind=manifest.kind,
        id=manifest.id,
        base=base.manifest.id if base else "",
        instant=manifest.instant,
        since=manifest.since,
        rows=sum(table.rows for table in tables),
        deleted=manifest.deleted,
        files=files.files,
        blobs=files.blobs,
        remarks=tuple(remarks),
    )


def program() -> str:
    """This program's name and version."""
    try:
        return f"smart-restore {version('smart-restore')}"
    except PackageNotFoundError:
        return "smart-restore"


def _limits(manifest: Manifest) -> str:
    whole = sum(not table.stamp for table in manifest.tables)
    return (
        f"It holds the rows whose stamp is not before {manifest.since}, and all rows of {whole:,} tables without a stamp."
        " Deleted rows, and rows that were changed without a new stamp, are not seen. Nothing can build on it."
    )


def _base(snapshot: Snapshot) -> Native | None:
    """The point on which an increment builds: the last file of the chain.

    Raises:
        BaseUnfit
    """
    if not snapshot.base:
        return None
    path = snapshot.base[-1]
    with path.open("rb") as file:
        start = file.read(4)
    if start != b"PK\x03\x04":
        raise BaseUnfit(name=path.name, reason="it is no native backup")
    try:
        base = open_container(path, path.name, "", 0)
    except FileRefused as refused:
        raise BaseUnfit(name=path.name, reason=refused.message) from None
    found = base.manifest
    expected = [(name, labels.label_of(name, snapshot.profile)) for name in snapshot.tables]
    if found.since:
        reason = "it holds only rows since a time, and does not know the others"
    elif found.schema != snapshot.schema.fingerprint:
        reason = "the site's tables have another structure now"
    elif [(table.table, table.label) for table in found.tables] != expected:
        reason = "it is of other tables"
    else:
        return base
    raise BaseUnfit(name=path.name, reason=reason)


@dataclass
class _Writing:
    """Tables on their way into an archive."""

    snapshot: Snapshot
    archive: Archive
    base: Native | None
    total: int
    done: int = 0

    def table(self, number: int, name: str) -> ManifestTable:
        """Write one table: its records and its index, both packed while rows are read."""
        snapshot, archive = self.snapshot, self.archive
        table = snapshot.schema.tables[name]
        stamp = snapshot.profile.rules(name).stamp if snapshot.since else ""
        stamp = stamp if stamp in table.by_name else ""
        since = snapshot.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if snapshot.since else ""
        rows = changed = digest = deleted = 0
        nested = any(column.kind is Kind.JSON for column in table.columns)
        with ExitStack() as stack:
            known: Known | KnownKeys | None = None
            if self.base:
                texts = self.base.read_index(number, self.base.manifest.tables[number - 1])
                known = KnownKeys(texts) if table.primary_key else Known(texts)
                stack.enter_context(known)
            spool = stack.enter_context(archive.spool())
            records, index = archive.begin(records_name(number, name)), Packed(spool.write)
            for lines in lines_of(table, snapshot.profile, snapshot.reader, stamp=stamp, since=since):
                split = lines.text[:-1].split(b"\n")
                if nested or len(lines.text) > RECORD or b"\\u0000" in lines.text:
                    _see_that_it_can_be_read(name, lines)
                digests = digests_of(split)
                keys = _encoded(lines.keys)
                digest = added(digest, digests)
                rows += len(split)
                text = lines.text
                if known:
                    fresh = known.fresh(digests, keys)
                    text = b"".join([line + b"\n" for line, new in zip(split, fresh, strict=True) if new])
                    changed += sum(fresh)
                archive.later(records.feed, text)
                archive.later(index.feed, index_lines(digests, keys))
                self.done += len(split)
                snapshot.report("backup", self.done, max(self.done, self.total))
            archive.settle()
            if known:
                deleted = known.gone()
            return ManifestTable(
                table=name,
                label=labels.label_of(name, snapshot.profile),
                title=snapshot.profile.title_of(name),
                rows=rows,
                changed=changed if known else rows,
                deleted=deleted,
                columns=tuple(column.name for column in table.columns if not column.generated),
                digest=digest_text(digest),
                records=archive.end(records_name(number, name), records),
                index=archive.append(index_name(number, name), index, spool),
                stamp=stamp,
            )


def _see_that_it_can_be_read(table: str, lines: Lines) -> None:
    """What a reader refuses must not be written: documents with double names, NUL characters, too much of anything.

    Raises:
        RowRefused
    """
    try:
        for block in django_lines.read(Pieces(iter([lines.text])), len(lines.text)):
            block.confirm()
    except FileRefused as refused:
        place = (refused.place.record or 1) - 1
        key = _encoded(lines.keys[place : place + 1])[0]
        reason = str(refused.facts.get("reason", refused.message))
        raise RowRefused(table=table, pk=key[:80], reason=reason) from None


_encode_lines = msgspec.json.Encoder().encode_lines


def _encoded(keys: Sequence[Any]) -> list[str]:
    return _encode_lines(keys).decode().split("\n")[:-1]


def _write_files(snapshot: Snapshot, archive: Archive, base: Native | None, remarks: list[str]) -> ManifestFiles:
    """The media: a list of all files, and the contents that the base has not."""
    packed = archive.begin(FILES)
    files = size = blobs = 0
    with ExitStack() as stack:
        folder = stack.enter_context(MediaFolder(snapshot.media, snapshot.report)) if snapshot.media else None
        if folder:
            for file in folder.files():
                packed.feed(msgspec.json.encode(file) + b"\n")
                files += 1
                size += file.size
            remarks += folder.remarks
        listing = archive.end(FILES, packed)
        if folder:
            held = base.files() if base else iter(())
            for sha256, pieces in folder.contents(held):
                archive.store(MEDIA + sha256, pieces)
                blobs += 1
    return ManifestFiles(files=files, bytes=size, blobs=blobs, listing=listing)

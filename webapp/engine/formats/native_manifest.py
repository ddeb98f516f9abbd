"""The manifest of a native backup: what the file says of itself. Its form is docs/formats.md's."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from webapp.engine.answers import Answer
from webapp.engine.errors import MalformedFile, NewerFormat

FORMAT = "smart-restore-backup"
VERSION = 1

LARGEST = 16 << 20
"""Bytes of a manifest."""


class Part(Answer, frozen=True, forbid_unknown_fields=True):
    """A member's text: bytes unpacked, and their sha256."""

    size: int
    sha256: str


class ManifestTable(Answer, frozen=True, forbid_unknown_fields=True):
    """What is in the backup of one table.

    ``rows`` it had at the snapshot's instant, of which ``changed`` stand in this file (all, where it is a full backup);
    ``deleted`` of the base's rows are gone. ``digest`` is the sum of its rows' digests. ``stamp`` is the column by which
    rows were chosen, where it is an increment by time.
    """

    table: str
    label: str
    title: str
    rows: int
    changed: int
    deleted: int
    columns: tuple[str, ...]
    digest: str
    records: Part
    index: Part
    stamp: str = ""


class ManifestFiles(Answer, frozen=True, forbid_unknown_fields=True):
    """The site's media: how many ``files`` of how many ``bytes`` it had, and how many ``blobs`` stand in this file."""

    files: int
    bytes: int
    blobs: int
    listing: Part


class Base(Answer, frozen=True, forbid_unknown_fields=True):
    """The backup on which an increment builds."""

    id: str
    sha256: str


class Manifest(Answer, frozen=True, forbid_unknown_fields=True):
    """What a native backup says of itself. ``instant`` is that of the snapshot, in UTC; ``media`` whether files are in it."""

    format: str
    version: int
    program: str
    id: str
    site: str
    profile: str
    dialect: str
    schema: str
    instant: str
    kind: Literal["full", "incremental"]
    base: Base | None
    since: str
    categories: tuple[str, ...]
    media: bool
    tables: tuple[ManifestTable, ...]
    files: ManifestFiles
    end: bool

    @property
    def records(self) -> int:
        """Records in this file."""
        return sum(table.changed for table in self.tables)

    @property
    def deleted(self) -> int:
        """Rows of the base that are gone."""
        return sum(table.deleted for table in self.tables)

    def names(self) -> tuple[str, ...]:
        """The members that stand before the media, in their order."""
        found: list[str] = []
        for number, table in enumerate(self.tables, 1):
            found += (records_name(number, table.table), index_name(number, table.table))
        return (*found, "files.jsonl")


_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


def records_name(number: int, table: str) -> str:
    """The member with a table's records. The name is for people; the number is what counts."""
    return f"tables/{number}-{_UNSAFE.sub('_', table)[:60]}.jsonl"


def index_name(number: int, table: str) -> str:
    """The member with a table's index."""
    return f"index/{number}-{_UNSAFE.sub('_', table)[:60]}"


def encode(manifest: Manifest) -> bytes:
    """The manifest as it is written."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


class _Versioned(msgspec.Struct):
    format: str = ""
    version: int = 0


_decoder = msgspec.json.Decoder(Manifest)
_first = msgspec.json.Decoder(_Versioned)
_DIGITS = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{64})")


def decode(text: bytes) -> Manifest:
    """The manifest in a text, which must be exactly what :func:`encode` makes of it.

    Raises:
        MalformedFile, NewerFormat
    """
    try:
        found = _first.decode(text)
        if found.format == FORMAT and found.version > VERSION:
            raise NewerFormat(version=found.version)
        manifest = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedFile(where="in its manifest", reason=str(error)[:200]) from None
    if encode(manifest) != text:
        raise MalformedFile(where="in its manifest", reason="it is not as this program writes it")
    if reason := _contradiction(manifest):
        raise MalformedFile(where="in its manifest", reason=reason)
    return manifest


def _contradiction(manifest: Manifest) -> str:
    if manifest.format != FORMAT or manifest.version != VERSION or not manifest.end:
        return "it is that of another format"
    parts = [part for table in manifest.tables for part in (table.records, table.index)] + [manifest.files.listing]
    digits = [part.sha256 for part in parts] + [table.digest for table in manifest.tables] + [manifest.id]
    digits += [manifest.base.id, manifest.base.sha256] if manifest.base else []
    if not all(_DIGITS.fullmatch(each) for each in digits):
        return "a digest is none"
    numbers = [count for table in manifest.tables for count in (table.rows, table.changed, table.deleted)]
    numbers += [manifest.files.files, manifest.files.bytes, manifest.files.blobs, *(part.size for part in parts)]
    if min(numbers) < 0:
        return "a count is below zero"
    if len({table.table for table in manifest.tables}) != len(manifest.tables):
        return "a table is named twice"
    if (manifest.kind == "full") != (manifest.base is None and not manifest.since):
        return "its kind and its base contradict each other"
    if manifest.base is None and any(table.changed != table.rows or table.deleted for table in manifest.tables):
        return "its counts contradict each other"
    if any(table.changed > table.rows for table in manifest.tables):
        return "its counts contradict each other"
    return ""

"""What a file is: by its first bytes, never by its name. What is none of the formats is named as well as it can be."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

from webapp.engine import encryption
from webapp.engine.answers import Place
from webapp.engine.errors import (
    REPAIRS,
    EmptyBackup,
    EmptyFile,
    Encrypted,
    FileRefused,
    MalformedFile,
    RepairRefused,
    UnknownFormat,
)
from webapp.engine.formats import concatenated, django_json
from webapp.engine.formats.scan import quote
from webapp.engine.formats.source import Container, Format, Records, Source
from webapp.engine.formats.streams import MARKED, Reading, recognise_compression

HEAD = 1 << 12
"""Bytes by which a format is recognised."""

PREFIX = 1 << 20
"""Bytes before the records that may be something else; also the largest object that is read whole to name it."""

_UTF8 = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_NO_WORDS = _SPACE + b"0123456789[]{},.:-"
_LIST = re.compile(rb"\[[ \t\r\n]*+(?:[\]{]|\Z)")
_RECORDS = re.compile(
    rb'\[[ \t\r\n]*+\{[ \t\r\n]*+"(?:model|pk|fields)"[ \t]*+:|^\{[ \t]*+"(?:model|pk|fields)"[ \t]*+:', re.MULTILINE
)

_OTHERS = (
    (b"PGDMP", "a PostgreSQL dump in a format of its own"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"-- MySQL dump", "an SQL dump of MySQL"),
    (b"-- MariaDB dump", "an SQL dump of MariaDB"),
    (b"/*M!999999", "an SQL dump of MariaDB"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
    (b"<", "markup such as HTML, and not a fixture in XML"),
    (b"\x00\x00\x00\x00", "zeros"),
)


def open_source(
    path: Path,
    name: str,
    formats: tuple[Format, ...],
    containers: tuple[Container, ...],
    repairs: frozenset[str],
) -> Records:
    """Recognise a file by its content and take its fingerprint."""
    for unwanted in sorted(repairs - REPAIRS.keys()):
        raise RepairRefused(name=unwanted[:40], reason=f"known are {', '.join(REPAIRS)}")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        file.seek(0)
        start = file.read(HEAD)
    if start.startswith(encryption.MAGIC):
        raise Encrypted
    for container in containers:
        if container.fits(path, start):
            return container.open_container(path, name or path.name, sha256, size, repairs)
    reading = Reading(recognise_compression(start), size)
    return open_text(path, name or path.name, sha256, reading, formats, repairs)


def open_text(
    path: Path, name: str, sha256: str, reading: Reading, formats: tuple[Format, ...], repairs: frozenset[str]
) -> Source:
    """Recognise the text that is read from a file, with the repairs that it needs."""
    made: set[str] = set()
    head = _begin(path, reading)[1]
    while (form := _fitting(path, reading, head, formats)) is None:
        reading, kind = _repair(path, reading, head, repairs)
        if not kind:
            raise _unknown(path, reading, head)
        made.add(kind)
        if kind == "concatenated":
            form = concatenated
            break
        head = _begin(path, reading)[1]
    return Source(path, name, reading.compression, form.TITLE, sha256, reading.size, form, reading, repairs, made)


def _fitting(path: Path, reading: Reading, head: bytes, formats: tuple[Format, ...]) -> Format | None:
    for form in formats:
        if form.fits(head):
            if form is django_json and not _LIST.match(head) and _find_records(_begin(path, reading, PREFIX)[1]):
                return None  # log lines that begin with a bracket are no list of records
            return form
    return None


def _begin(path: Path, reading: Reading, enough: int = HEAD) -> tuple[int, bytes]:
    """The first bytes of the text from its first that is no white space, and where that is."""
    offset = 0
    head = b""
    with path.open("rb") as file:
        stream = reading.open(file)
        while len(head) < enough and (piece := stream.read(enough)):
            head += piece
            bare = head.lstrip(_SPACE)
            offset += len(head) - len(bare)
            head = bare
    if not head:
        raise EmptyFile
    return offset, head


def _repair(path: Path, reading: Reading, head: bytes, repairs: frozenset[str]) -> tuple[Reading, str]:
    """The reading that undoes what keeps the file from being read, as far as that is asked for.

    Raises:
        MalformedFile: a repair would help that is not asked for.
    """
    offset, _ = _begin(path, reading)
    encoding = next((each for mark, each in MARKED if head.startswith(mark)), None)
    if encoding is not None and reading.encoding is None:
        said = f"begins with the byte order mark of {encoding.name}" if encoding.mark else f"is {encoding.name}"
        _ask("utf16", repairs, 0, f"it {said}; a fixture is UTF-8")
        return replace(reading, encoding=encoding), "utf16"
    if head.startswith(_UTF8) and not reading.blank:
        _ask("bom", repairs, offset, "it begins with the byte order mark of UTF-8; a fixture has none")
        return replace(reading, blank=offset + len(_UTF8)), "bom"
    offset, text = _begin(path, reading, PREFIX)
    if found := _find_records(text):
        start = offset + found
        _ask("prefix", repairs, offset, f"{start:,} bytes of other text come before the records: {quote(_line(text))}")
        return replace(reading, blank=start), "prefix"
    if concatenated.fits(head):
        _ask("concatenated", repairs, offset, "it is a single JSON object, a record that is not in a list")
        return reading, "concatenated"
    return reading, ""


def _find_records(text: bytes) -> int:
    """Where records begin behind other text; 0 when there are none, or nothing that anybody wrote is before them."""
    found = _RECORDS.search(text)
    start = found.start() if found else 0
    if text.startswith(b"{") and not text.endswith(b"\n", 0, start):
        return 0  # a list inside an object: what the object means is not known
    return start if any(text[:start].translate(None, _NO_WORDS)) else 0


def _ask(kind: str, repairs: frozenset[str], offset: int, reason: str) -> None:
    if kind not in repairs:
        place = Place(byte=offset)
        raise MalformedFile(where=f"at byte {offset:,}", reason=reason, place=place, repair=kind)


def _unknown(path: Path, reading: Reading, head: bytes) -> FileRefused:
    inner = recognise_compression(head)
    if inner:
        outer = reading.compression
        return UnknownFormat(start=f"{inner} data inside {outer} data" if outer else f"{inner} data")
    if head.startswith(b"{"):
        return _name_object(_begin(path, reading, PREFIX)[1])
    if head[257:262] == b"ustar":
        return UnknownFormat(start="a tar archive")
    known = next((title for start, title in _OTHERS if head.startswith(start)), "")
    if known and reading.compression:
        known += f", inside {reading.compression}"
    return UnknownFormat(start=known or quote(_line(head)))


def _name_object(text: bytes) -> FileRefused:
    """What a JSON object is that is no record. A failed dump leaves one: that is an empty backup."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or b'"fields"' in text:
        return UnknownFormat(start="a single JSON object, not a list of records")
    if not found:
        return EmptyBackup(reason="it is {}, an object without content, and not a list of records")
    said = quote(" ".join(text[:200].decode("utf-8", "replace").split())[:80].encode())
    return EmptyBackup(reason=f"it is an object and not a list of records; it says {said}")


def _line(text: bytes) -> bytes:
    return text[:40].partition(b"\n")[0].rstrip(b"\r")

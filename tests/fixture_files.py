"""Backup files for tests: records written in every way in which they can be read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from webapp.engine.formats import Source, recognise

Record = dict[str, Any]


def as_array(records: list[Record], **style: Any) -> bytes:
    """A JSON array, as Django's dumpdata writes it."""
    return json.dumps(records, **style).encode()


def as_lines(records: list[Record], **style: Any) -> bytes:
    """One record on each line."""
    return "".join(json.dumps(record, **style) + "\n" for record in records).encode()


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return file.getvalue()


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": lambda text: gzip.compress(text, 1),
    "bzip2": lambda text: bz2.compress(text, 1),
    "xz": lambda text: lzma.compress(text, preset=0),
    "lzma": lambda text: lzma.compress(text, lzma.FORMAT_ALONE, preset=0),
    "zip": lambda text: zipped(("backup.json", text)),
}


def overwrite(path: Path, text: bytes) -> None:
    """Replace what a file holds. Many times faster than a new file, which file systems write to disk at once."""
    if not path.exists():
        path.touch()
    with path.open("r+b") as file:
        file.write(text)
        file.truncate()


def read_back(path: Path, chunk: int = 1 << 20, repairs: tuple[str, ...] = ()) -> list[Record]:
    """The records of a file, every block confirmed strictly."""
    return records_of(recognise(path, repairs=repairs), chunk)


def records_of(source: Source, chunk: int = 1 << 20) -> list[Record]:
    """The records of a recognised file."""
    records: list[Record] = []
    for block in source.blocks(chunk=chunk):
        assert block.first == len(records) + 1
        block.confirm()
        records += [
            {"model": raw.model, "pk": json.loads(bytes(raw.pk)), "fields": json.loads(bytes(raw.fields))}
            for raw in block.records
        ]
    return records

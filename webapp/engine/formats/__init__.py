"""Formats of backups. A format is a module with ``TITLE``, ``fits`` and ``read``; adding one means adding it here."""

from __future__ import annotations

from pathlib import Path

from webapp.engine.formats import django_json, django_lines
from webapp.engine.formats.block import Block, RawRecord
from webapp.engine.formats.source import Format, Source, open_source

__all__ = ["FORMATS", "Block", "Format", "RawRecord", "Source", "recognise"]

FORMATS: tuple[Format, ...] = (django_json, django_lines)
"""In the order in which they are asked."""


def recognise(path: Path, name: str = "") -> Source:
    """What a file is, by its content and never by its name.

    Raises:
        FileRefused: it is empty, of no known format, or an archive that is not opened.
    """
    return open_source(path, name, FORMATS)

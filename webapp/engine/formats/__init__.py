"""Formats of backups. A format is a module with ``TITLE``, ``fits`` and ``read`` when it is a text; a container has
``TITLE``, ``fits`` and ``open_container``. Adding one means adding it here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from webapp.engine.answers import Damage
from webapp.engine.formats import (
    damage,
    django_json,
    django_lines,
    django_xml,
    django_yaml,
    native,
    package,
    postgresql_archive,
    postgresql_dump,
    sqlite_file,
    sync,
)
from webapp.engine.formats.block import Block, RawRecord
from webapp.engine.formats.native_chain import as_chains
from webapp.engine.formats.recognition import open_source
from webapp.engine.formats.several import Several
from webapp.engine.formats.source import Carrier, Container, Format, Noted, Records, Source

__all__ = [
    "CONTAINERS",
    "FORMATS",
    "Block",
    "Carrier",
    "Container",
    "Format",
    "Noted",
    "RawRecord",
    "Records",
    "Several",
    "Source",
    "as_chains",
    "diagnose",
    "recognise",
]

FORMATS: tuple[Format, ...] = (django_json, django_lines, django_xml, django_yaml, sync, postgresql_dump)
"""In the order in which they are asked."""

CONTAINERS: tuple[Container, ...] = (native, sqlite_file, postgresql_archive, package)
"""Asked before the formats, in this order."""


def recognise(path: Path, name: str = "", repairs: Iterable[str] = ()) -> Records:
    """What a file is, by its content and never by its name.

    ``repairs`` (of :data:`webapp.engine.errors.REPAIRS`) may be made while it is read, where they are needed; the file
    itself is left as it is. :attr:`Source.repairs` says afterwards which ones were.

    Raises:
        FileRefused: it is empty, of no known format, or an archive that is not opened.
    """
    return open_source(path, name, FORMATS, CONTAINERS, frozenset(repairs))


def diagnose(path: Path) -> tuple[Damage, ...]:
    """Everything that is wrong with a file, as far as that can be found without repairing it for good."""
    return damage.diagnose(recognise, path)

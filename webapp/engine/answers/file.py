"""A backup file as bytes, and what is wrong with it."""

from __future__ import annotations

from webapp.engine.answers.base import Answer, Place


class FilePart(Answer):
    """One of several files that are restored together. Its records are numbered on from ``first``."""

    name: str
    size: int
    sha256: str
    first: int
    records: int


class StoredFile(Answer):
    """A file that a backup carries. ``path`` is relative, with slashes; ``modified`` is an instant, or empty."""

    path: str
    sha256: str
    size: int
    modified: str = ""


class Sample(Answer):
    """A text as the file has it, and as a repair would make it."""

    before: str
    after: str


class Damage(Answer):
    """Something wrong with a file. Where ``repairable``, ``kind`` names the repair that undoes it."""

    kind: str
    sentence: str
    repairable: bool
    place: Place = Place()
    samples: tuple[Sample, ...] = ()


class FileFacts(Answer):
    """A backup file as bytes. ``format`` is a sentence such as "Django fixture, JSON array"."""

    name: str
    size: int  # bytes as stored
    sha256: str
    format: str
    compression: str = ""  # "", "gzip", "bzip2", "xz", "lzma", "zip"
    records: int = 0
    repairs: tuple[str, ...] = ()  # what was repaired while it was read
    parts: tuple[FilePart, ...] = ()  # where it is several files
    partial: bool = False  # records are lost, and nobody knows how many
    damage: tuple[Damage, ...] = ()  # what still is wrong with it, as far as samples show
    notes: tuple[str, ...] = ()  # what a person should know of it: parts that are not read, and the like
    made: str = ""  # when the file says that it was made
    increment: bool = False  # it holds only what was changed since some time
    since: str = ""  # since when, as the file says

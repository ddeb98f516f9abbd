"""Stored backups as files that the engine can read: fetched, opened with the site's key, and with what they build on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from webapp.engine import encryption
from webapp.engine.errors import KeyNeeded
from webapp.keys import secrets_of
from webapp.models import Backup, Site
from webapp.refusals import FileDamaged, FileMissing, KeyMissing, NoKey
from webapp.storage import storage


@contextmanager
def readable(*backups: Backup) -> Iterator[Path | list[Path]]:
    """The file of a backup, or the files of several, each after those that it builds on. Opened ones are gone afterwards.

    Raises:
        FileMissing, FileDamaged, StorageUnreachable, KeyMissing, DecryptionFailed
    """
    with ExitStack() as opened:
        files = [opened.enter_context(_open(backup)) for backup in with_bases(backups)]
        yield files[0] if len(files) == 1 else files


def with_bases(backups: tuple[Backup, ...]) -> list[Backup]:
    """Backups with everything that they build on, bases first, each once."""
    found: dict[str, Backup] = {}
    for backup in backups:
        chain: list[Backup] = []
        at: Backup | None = backup
        while at is not None and at not in chain:
            chain.append(at)
            at = at.base
        found |= {each.id: each for each in reversed(chain)}
    return list(found.values())


def is_encrypted(key: str) -> bool:
    """Whether the stored file under that key is encrypted."""
    return encryption.is_encrypted(storage().fetch(key))


def expected_sha256(*backups: Backup) -> str:
    """What the engine must find when it reads these; nothing where :func:`readable` has looked at the bytes itself."""
    whole = with_bases(backups)
    return whole[0].sha256 if len(whole) == 1 and not whole[0].encrypted else ""


def encrypt_for(site: Site, path: Path) -> tuple[Path, int, str]:
    """A finished file, encrypted for the site's key, in the place of the plain one; its size and its sha256.

    Raises:
        NoKey: the site has none.
    """
    if not site.recipient:
        raise NoKey(site=site.title)
    # The name keeps what it began with, so that what a lost worker leaves behind is found by it.
    target = path.with_name(f"{path.name}-sealed")
    try:
        encryption.encrypt(path, target, site.recipient)
    finally:
        path.unlink(missing_ok=True)
    with target.open("rb") as file:
        return target, target.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _open(backup: Backup) -> Iterator[Path]:
    if not backup.path:
        raise FileMissing(key=backup.name)
    path = storage().fetch(backup.path)
    if not encryption.is_encrypted(path):
        yield path
        return
    _check(path, backup)
    target = storage().new_upload()
    try:
        try:
            encryption.decrypt(path, target, secrets_of(backup.site))
        except KeyNeeded as refusal:
            raise KeyMissing(name=backup.name) from refusal
        yield target
    finally:
        target.unlink(missing_ok=True)


def _check(path: Path, backup: Backup) -> None:
    """What is inside has another sha256, so the stored bytes are compared here and not by the engine."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != backup.sha256:
            raise FileDamaged(key=backup.path)

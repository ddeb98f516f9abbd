"""Which database ``--site`` means, and which file is meant."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from webapp.engine.backups import find_chain
from webapp.engine.errors import BackupNotFound, OutputExists, OutputFolderMissing, SiteNotNamed


@dataclass(frozen=True)
class Target:
    """A database to work on. ``name`` is how the person called it, for hints that can be typed."""

    url: str
    profile: str | None
    name: str
    registered: bool = False
    media: Path | None = None  # its folder of files, as far as that is known


def find(site: str, profile: str | None = None, media: str | None = None) -> Target:
    """The database of a registered name, or of an address as it is.

    An address needs no registration: whoever may run this command may already do to that database what its
    password or file mode allows.
    """
    folder = Path(media).absolute() if media else None
    if "://" in site:
        # An address with a user may hold a password, which is not to be shown again.
        return Target(url=site, profile=profile, name="URL" if "@" in site else site, media=folder)
    # The registered names are in the app database; only they need the web application.
    target: Target = importlib.import_module("webapp.cli.register").target(site, profile)
    return replace(target, media=folder) if folder else target


def only() -> str:
    """The name of the only registered site, for commands to which none is given.

    Raises:
        SiteNotNamed: none is registered, or more than one.
    """
    names: list[str] = importlib.import_module("webapp.cli.register").names()
    if len(names) != 1:
        raise SiteNotNamed(count=len(names) or "none", names=", ".join(names) or "none")
    return names[0]


def note(target: Target, action: str, result: str, **detail: object) -> None:
    """Add a line to the audit, where there is one: for a registered site."""
    if target.registered:
        importlib.import_module("webapp.cli.register").note(target.name, action, result, **detail)


def existing(file: str) -> Path:
    """A backup file that is there."""
    path = Path(file)
    if not path.is_file():
        raise BackupNotFound(path=file)
    return path


def all_existing(files: Sequence[str]) -> Path | list[Path]:
    """The backup file, or the backup files, that are there; before an increment what it builds on, from the same folder."""
    paths = [each for file in files for each in find_chain(existing(file))]
    return paths[0] if len(paths) == 1 else paths


def fresh(file: str, *, force: bool) -> Path:
    """A file that may be written."""
    path = Path(file)
    if path.is_dir() or (path.exists() and not force):
        raise OutputExists(path=file)
    if not path.absolute().parent.is_dir():
        raise OutputFolderMissing(path=path.parent)
    return path

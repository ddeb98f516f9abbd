"""``create-backup``, ``restore-backup`` and ``restore-from-package``: the work of ``backup`` and ``restore`` under the
names that a document system's operators know.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from webapp.cli import arguments, sites, terminal
from webapp.cli import backup as backup_command
from webapp.cli import restore as restore_command
from webapp.engine import backups
from webapp.engine.answers import BackupFacts
from webapp.engine.errors import FileRefused, FolderNeeded, NoEarlierBackup


def create(given: argparse.Namespace) -> int:
    """Make a backup of the asked type, and look it over when that is asked for, too."""
    ending = ".tar.gz" if given.type in ("files", "export") else ".srb"
    output = sites.fresh(given.output or f"{given.type}_{datetime.now(UTC):%Y%m%d_%H%M%S}{ending}", force=given.force)
    target = sites.find(given.site or sites.only(), given.profile, given.media)
    media = target.media if given.type != "database" else None
    if given.type in ("files", "export") and media is None:
        raise FolderNeeded
    base = _chain(output, target.name) if given.type == "incremental" else []
    progress = terminal.Progress()
    try:
        made = backups.make(
            target.url,
            output,
            profile=target.profile,
            format="package" if ending == ".tar.gz" else "native",
            media=media,
            base=base,
            site="" if target.name == "URL" else target.name,
            rows=given.type != "files",
            report=progress,
        )
        if given.verify:
            backups.check([*base, output], progress)
    finally:
        progress.clear()
    sites.note(target, "backup", "done", file=output.name, sha256=made.sha256, records=made.records)
    _tell(given, made)
    return 0


def _tell(given: argparse.Namespace, made: BackupFacts) -> None:
    if given.json:
        terminal.answer_json(made)
        return
    terminal.answer("\n".join(backup_command.lines(made)))
    for remark in made.remarks:
        terminal.say(f"Note: {remark}")
    if given.verify:
        terminal.say("Looked over: every byte and every record is as it was written.")


def _chain(output: Path, site: str) -> list[Path]:
    """The latest native backup of the site in the folder of ``output``, with what it builds on.

    Raises:
        NoEarlierBackup
    """
    folder = output.absolute().parent
    found: list[tuple[str, Path]] = []
    for path in folder.iterdir():
        try:
            said = backups.manifest(path) if path.is_file() and path != output.absolute() else None
        except (FileRefused, OSError):
            continue
        if said and said.site == site and not said.since and not said.categories:
            found.append((said.instant, path))
    if not found:
        raise NoEarlierBackup(site=site, folder=folder)
    return backups.find_chain(max(found)[1])


def restore(given: argparse.Namespace) -> int:
    """Show what a backup would change, or do exactly that."""
    words = ["restore", given.file, "--site", given.site or sites.only()]
    words += ["--profile", given.profile] if given.profile else []
    words += ["--media", given.media] if given.media else []
    words += ["--no-files"] if given.type == "database" else []
    words += ["--no-rows"] if given.type == "files" else []
    words += [word for kind in given.repair for word in ("--repair", kind)]
    words += ["--preview"] if given.dry_run else ["--yes"] if given.agreed else []
    parsed = arguments.build().parse_args(words)
    parsed.json, parsed.debug = given.json, given.debug
    return restore_command.run(parsed)

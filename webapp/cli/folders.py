"""Where stages, plans and receipts of the command line lie."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webapp.cli import terminal
from webapp.settings import DataFolderRefused, read_settings


@dataclass(frozen=True)
class Folders:
    """Stages are kept for the next call on the same backup; plans are used once; receipts stay."""

    stages: Path
    plans: Path
    receipts: Path


@contextlib.contextmanager
def work() -> Iterator[Folders]:
    """The data folder, or, where it cannot be written, a temporary one of which only receipts stay."""
    try:
        data = read_settings().make_data_dir()
    except DataFolderRefused as refused:
        terminal.say(f"{refused} A temporary folder is used instead.")
        data = None
    if data:
        yield _below(data)
        return
    with tempfile.TemporaryDirectory(prefix="smart-restore-") as folder:
        kept = Path(tempfile.mkdtemp(prefix="smart-restore-receipts-"))
        below = _below(Path(folder))
        yield Folders(stages=below.stages, plans=below.plans, receipts=kept)
        with contextlib.suppress(OSError):
            kept.rmdir()  # only when it is empty


def _below(data: Path) -> Folders:
    folders = Folders(stages=data / "stages", plans=data / "plans", receipts=data / "receipts")
    for folder in (folders.stages, folders.plans, folders.receipts):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folders

"""A backup that cannot be finished leaves nothing behind, and says why."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import sites, small_sites
from webapp.engine import backups
from webapp.engine.errors import Cancelled, DiskFull, MediaChanged, MediaMissing

KILLS = int(os.environ.get("SMART_RESTORE_KILLS", "12"))
ROOT = Path(__file__).parent.parent.parent


def many_loans(url: str, count: int) -> str:
    """A library with many loans."""
    small_sites.library(url)
    sites.execute(
        url,
        "INSERT INTO library_loan (id, copy_id, reader, since, note) WITH RECURSIVE n(i) AS"
        f" (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        " SELECT i, '00000000000000000000000000000001', 'reader ' || i, '2026-01-01 10:00:00', hex(randomblob(40)) FROM n",
    )
    return url


@contextmanager
def room(size: int) -> Iterator[None]:
    """With room for files of so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("format_", ["native", "fixture"])
@pytest.mark.parametrize("size", [1, 5_000, 100_000, 400_000])
def test_a_full_disk_is_named_and_nothing_is_lost(sqlite: str, tmp_path: Path, size: int, format_: str) -> None:
    many_loans(sqlite, 5_000)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "all").write_text("the backup of yesterday")
    with room(size), pytest.raises(DiskFull, match=str(folder)):
        backups.make(sqlite, folder / "all", format=format_)
    assert [path.name for path in folder.iterdir()] == ["all"]
    assert (folder / "all").read_text() == "the backup of yesterday"
    assert backups.make(sqlite, folder / "all", format=format_).records > 5_000


def _make(url: str, output: Path) -> None:
    while True:
        backups.make(url, output)


def test_a_killed_process_leaves_no_half_file(sqlite: str, tmp_path: Path) -> None:
    many_loans(sqlite, 3_000)
    folder = tmp_path / "backups"
    folder.mkdir()
    scratch = set(Path(tempfile.gettempdir()).glob("smart-restore-*"))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.engine.test_native_faults"])
    chance = random.Random(11)
    for number in range(KILLS):
        process = context.Process(target=_make, args=(sqlite, folder / "all.srb"))
        process.start()
        while number == 0 and not (folder / "all.srb").exists() and process.is_alive():
            time.sleep(0.001)
        time.sleep(chance.random() * 0.3)
        process.kill()
        process.join()
        assert [path.name for path in folder.iterdir()] in ([], ["all.srb"])
    assert backups.check(folder / "all.srb").records > 3_000
    assert set(Path(tempfile.gettempdir()).glob("smart-restore-*")) == scratch


def test_a_cancelled_backup_leaves_what_was_there(sqlite: str, tmp_path: Path) -> None:
    many_loans(sqlite, 5_000)
    folder = tmp_path / "backups"
    folder.mkdir()

    def cancel(phase: str, done: int, total: int) -> None:
        if done > 2_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        backups.make(sqlite, folder / "all.srb", report=cancel)
    assert list(folder.iterdir()) == []


def test_a_file_that_changes_under_the_backup_is_named(sqlite: str, tmp_path: Path) -> None:
    small_sites.library(sqlite)
    (tmp_path / "media").mkdir()
    with pytest.raises(MediaMissing):
        backups.make(sqlite, tmp_path / "all.srb", media=tmp_path / "nothing")
    for change in ("write", "remove"):
        file = tmp_path / "media" / "letter.txt"
        file.write_text("a letter")

        def meddle(phase: str, done: int, total: int, file: Path = file, change: str = change) -> None:
            if phase == "media":
                file.write_text("another") if change == "write" else file.unlink()

        with pytest.raises(MediaChanged, match=r"letter\.txt"):
            backups.make(sqlite, tmp_path / "all.srb", media=tmp_path / "media", report=meddle)
        assert not (tmp_path / "all.srb").exists()


def test_links_in_the_media_folder_are_not_followed(sqlite: str, tmp_path: Path) -> None:
    small_sites.library(sqlite)
    (tmp_path / "media" / "inner").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("not of this site")
    (tmp_path / "media" / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "media" / "up").symlink_to(tmp_path)
    (tmp_path / "media" / "inner" / "own.txt").write_text("of this site")
    made = backups.make(sqlite, tmp_path / "all.srb", media=tmp_path / "media")
    assert made.files == 1
    assert "2 links" in made.remarks[0]
    assert b"not of this site" not in (tmp_path / "all.srb").read_bytes()


PEAK = """
import resource, sys
from pathlib import Path
from webapp.engine import backups
url, folder = sys.argv[1], Path(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
full = backups.make(url, folder / "0.srb")
assert backups.make(url, folder / "1.srb", base=[folder / "0.srb"]).records == 0
assert backups.check([folder / "0.srb", folder / "1.srb"]).records == full.rows
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_site(tmp_path: Path) -> None:
    """Making, building on and looking over: with ten times the rows, the same memory (and never more than there is)."""
    peaks = []
    for count in (15_000, 150_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        (folder / "site.sqlite").touch()
        url = many_loans(f"sqlite:///{folder}/site.sqlite", count)
        done = subprocess.run(
            [sys.executable, "-c", PEAK, url, str(folder)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.4 * peaks[0], peaks

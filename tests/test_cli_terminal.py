"""The command line with a person at a terminal: asked before anything is written, and free to stop."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import sites, small_sites

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0


class Terminal:
    """A command that runs in a pseudo-terminal."""

    def __init__(self, folder: Path, words: list[str]) -> None:
        self._main, other = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "webapp.cli", *words],
            stdin=other,
            stdout=other,
            stderr=other,
            cwd=folder,
            env={**os.environ, "SMART_RESTORE_DATA": str(folder / "data"), "PYTHONPATH": str(ROOT)},
            start_new_session=True,
            # Whoever runs the tests in the background may have told them to ignore Ctrl-C, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(other)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not come: {self.seen}"
            if not self._read():
                raise AssertionError(f"{text!r} did not come: {self.seen}")

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        while self._read():
            pass
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._main)

    def _read(self) -> bool:
        """Take what is there; False at the end."""
        if not select.select([self._main], [], [], PATIENCE)[0]:
            return False
        try:
            piece = os.read(self._main, 65536)
        except OSError:  # Linux: the other end was closed
            return False
        self.seen += piece.decode("utf-8", "replace")
        return bool(piece)


@pytest.fixture
def damaged(sqlite: str, tmp_path: Path) -> str:
    """A school with a backup beside it, of which some rows are gone and some are too many."""
    small_sites.school_small(sqlite)
    words = ["backup", "--site", sqlite, "--output", "made.json", "--category", "transport"]
    subprocess.run(
        [sys.executable, "-m", "webapp.cli", *words],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "SMART_RESTORE_DATA": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)},
    )
    sites.execute(
        sqlite,
        "DELETE FROM transport_transportassignment WHERE id = 2",
        "INSERT INTO transport_route (id, name) VALUES (40, 'Route 40'), (41, 'Route 41')",
    )
    return sqlite


@pytest.fixture
def restore(damaged: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, ["restore", "made.json", "--site", damaged, *getattr(request, "param", ())])
    yield terminal
    terminal.close()


def test_a_person_is_asked_and_may_say_no(restore: Terminal, damaged: str) -> None:
    before = sites.dump(damaged)
    restore.wait_for("Type yes: ")
    assert "transport_transportassignment" in restore.seen
    restore.type("n\n")
    assert restore.end() == 1
    assert sites.dump(damaged) == before


def test_a_person_is_asked_and_may_say_yes(restore: Terminal, damaged: str) -> None:
    restore.wait_for("Type yes: ")
    restore.type("yes\n")
    assert restore.end() == 0
    assert "Receipt: " in restore.seen
    assert len(sites.rows(damaged, "transport_transportassignment")) == 3


@pytest.mark.parametrize("restore", [["--mode", "replace"]], indirect=True)
def test_a_removal_is_confirmed_by_its_number(restore: Terminal, damaged: str) -> None:
    restore.wait_for("This removes 2 rows. Type that number to go on: ")
    restore.type("2\n")
    assert restore.end() == 0
    assert [row["id"] for row in sites.rows(damaged, "transport_route")] == [1, 2]


def test_ctrl_c_at_the_question_changes_nothing(restore: Terminal, damaged: str) -> None:
    before = sites.dump(damaged)
    restore.wait_for("Type yes: ")
    restore.interrupt()
    assert restore.end() == 1
    assert "Traceback" not in restore.seen
    assert sites.dump(damaged) == before

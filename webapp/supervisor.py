"""Keeps programs running: restarts one that ends, stops all of them in order, and never leaves one behind.

1. Every program runs in a session of its own, so that Ctrl-C on the terminal reaches only the supervisor.
2. On Linux the kernel ends it when the supervisor dies, however that happens.
3. One that ends is started again, at once the first time, later and later while it keeps ending.
4. On the way out the programs are asked in reverse order of their start, one group after the other; one that does not
   listen is killed with everything that it started.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

STEADY_SECONDS = 60.0
LONGEST_PAUSE = 30.0
LARGEST_LOG = 10 * 2**20


@dataclass(frozen=True)
class Program:
    """What is to be kept running. Programs of a higher ``group`` are stopped first."""

    name: str
    command: Sequence[str]
    log: Path
    group: int = 0
    patience: float = 20.0


@dataclass
class Running:
    """A program with its process of the moment."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    start_again_at: float | None = field(default=None)


class Supervisor:
    """Start programs with ``start``, call ``look`` a few times a second, and ``stop`` at the end."""

    def __init__(self, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._say = say
        self._running: list[Running] = []

    def start(self, program: Program) -> subprocess.Popen[bytes]:
        """Start a program and keep it running from now on."""
        process = self._launch(program)
        self._running.append(Running(program, process, time.monotonic()))
        return process

    def look(self) -> None:
        """Start again what has ended."""
        now = time.monotonic()
        for one in self._running:
            if one.start_again_at is not None:
                if now >= one.start_again_at:
                    one.process, one.started, one.start_again_at = self._launch(one.program), now, None
            elif (code := one.process.poll()) is not None:
                self._note_end(one, code, now)

    def stop(self) -> None:
        """Ask all programs to end, group by group, and kill those that do not."""
        for group in sorted({one.program.group for one in self._running}, reverse=True):
            members = [one for one in self._running if one.program.group == group]
            for one in members:
                _signal(one.process, signal.SIGTERM)
            for one in members:
                try:
                    one.process.wait(one.program.patience)
                except subprocess.TimeoutExpired:
                    self._say(f"{one.program.name} did not end in {one.program.patience:.0f} seconds and was killed.")
                # What a program started shares its session; after the end of the program nobody else would end it.
                _kill_session(one.process)
                one.process.wait()

    def _note_end(self, one: Running, code: int, now: float) -> None:
        # Only the program's own process has ended; what it started must not meet its successor.
        _kill_session(one.process)
        one.failures = 0 if now - one.started > STEADY_SECONDS else one.failures + 1
        pause = 0.0 if one.failures <= 1 else min(2.0 ** (one.failures - 2), LONGEST_PAUSE)
        one.start_again_at = now + pause
        ending = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        when = f"in {pause:.0f} s" if pause else "now"
        self._say(f"{one.program.name} ended ({ending}); it is started again {when}. See {one.program.log}")

    def _launch(self, program: Program) -> subprocess.Popen[bytes]:
        program.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if program.log.exists() and program.log.stat().st_size > LARGEST_LOG:
            program.log.replace(program.log.with_suffix(".old.log"))
        with program.log.open("ab") as log:
            return subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
                preexec_fn=_die_with_the_supervisor(os.getpid()) if LIBC else None,
            )


def _die_with_the_supervisor(supervisor: int) -> Callable[[], None]:
    def ask_the_kernel() -> None:
        if LIBC:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        # The supervisor may have died between fork and prctl; then no signal would ever come.
        if os.getppid() != supervisor:
            os._exit(1)

    return ask_the_kernel


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)

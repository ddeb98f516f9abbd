import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from webapp.supervisor import Program, Supervisor

SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Supervisor:
    return Supervisor(os.environ, said.append)


def python(code: str, log: Path, *, name: str = "sleeper", patience: float = 5, group: int = 0) -> Program:
    return Program(name, [sys.executable, "-c", code], log, group, patience)


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_program_that_ends_is_started_again(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = python("print('here', flush=True); import time; time.sleep(600)", log)
    first = supervisor.start(program)
    first.kill()
    first.wait()

    def started_twice() -> bool:
        supervisor.look()
        return log.read_text().count("here") >= 1 and len(said) == 1

    until(started_twice)
    assert said == [f"sleeper ended (signal SIGKILL); it is started again now. See {log}"]
    supervisor.look()
    supervisor.stop()


def test_a_program_that_keeps_ending_is_started_less_and_less_often(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    supervisor.start(python("raise SystemExit(3)", tmp_path / "log"))

    def ended_three_times() -> bool:
        supervisor.look()
        return len(said) == 3

    until(ended_three_times)
    supervisor.stop()
    assert ["again now" in said[0], "again in 1 s" in said[1], "again in 2 s" in said[2]] == [True] * 3
    assert all("(code 3)" in sentence for sentence in said)


def test_stop_ends_the_later_group_first(supervisor: Supervisor, tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n    print(sys.argv[1], flush=True); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('ready', flush=True); time.sleep(600)"
    )
    log = tmp_path / "log"
    for group, name in enumerate(("state", "front")):
        supervisor.start(Program(name, [sys.executable, "-c", code, name], log, group, 5))
    until(lambda: log.exists() and log.read_text().count("ready") == 2)
    supervisor.stop()
    assert log.read_text().split() == ["ready", "ready", "front", "state"]


def test_stop_kills_what_does_not_listen_and_what_it_started(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}])\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    log = tmp_path / "log"
    process = supervisor.start(python(code, log, patience=1))
    until(lambda: log.read_text().endswith("\n"))
    child = int(log.read_text())
    supervisor.stop()
    assert process.returncode == -signal.SIGKILL
    assert said == ["sleeper did not end in 1 seconds and was killed."]
    until(lambda: not is_alive(child))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from webapp.supervisor import Program, Supervisor\n"
        f"one = Program('sleeper', [sys.executable, '-c', {SLEEP!r}], Path(sys.argv[1]))\n"
        "print(Supervisor(os.environ, print).start(one).pid, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / "log"], stdout=subprocess.PIPE) as supervising:
        assert supervising.stdout
        child = int(supervising.stdout.readline())
        assert is_alive(child)
        supervising.kill()
    until(lambda: not is_alive(child))

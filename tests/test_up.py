"""Everything together, as a person starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp.settings import private_socket

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the processes are found in /proc"),
]


class Installation:
    """One ``smart-restore up`` on a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.output = ""

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")}
        command = [sys.executable, "-m", "webapp.up", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self.output = ""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if "Stop with Ctrl-C" in line:
                return
        raise AssertionError(self.output)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.output += self.process.communicate(timeout=60)[0]
        return self.process.returncode

    def page(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            text: str = response.read().decode()
        return text

    def processes(self) -> dict[int, str]:
        """The living processes that belong to this data folder, whoever their parent is."""
        # Redis writes its title over its environment; the title names the socket.
        environment, title = f"SMART_RESTORE_DATA={self.data}\0".encode(), str(private_socket(self.data)).encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes()
                if environment in (entry / "environ").read_bytes() or title in command:
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode()
            except OSError:
                continue  # it has ended meanwhile, or belongs to somebody else
        return found

    def wait_for(self, pattern: str, *, without: frozenset[int] = frozenset()) -> set[int]:
        deadline = time.monotonic() + 30
        while True:
            found = {pid for pid, command in self.processes().items() if re.search(pattern, command)} - without
            if found:
                return found
            assert time.monotonic() < deadline, f"no process like {pattern}: {self.processes()}"
            time.sleep(0.1)

    def wait_for_the_end(self) -> None:
        deadline = time.monotonic() + 30
        while left := self.processes():
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def only_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The installation of this file: its first start makes the demo site, which takes a while."""
    one = Installation(tmp_path_factory.mktemp("up") / "data")
    one.start()
    yield one
    if one.is_running():
        one.stop()
    one.wait_for_the_end()


@pytest.fixture
def installation(only_one: Installation) -> Installation:
    """Up and running, whatever the test before did to it."""
    if not only_one.is_running():
        only_one.wait_for_the_end()
        only_one.start()
    return only_one


def test_the_login_is_told_at_the_first_start_only(installation: Installation) -> None:
    assert len(re.findall(r"First login: root +password: \S+", installation.output)) == 1
    assert "<input" in installation.page("/")
    assert installation.stop(signal.SIGINT) == 0
    assert installation.output.endswith("Stopped.\n")
    assert installation.processes() == {}
    installation.start()
    assert "password" not in installation.output


def test_whatever_is_killed_comes_back(installation: Installation) -> None:
    for pattern in ("redis-server|valkey-server", r"-m worker", r"webapp\.clock", r"gunicorn"):
        before = frozenset(installation.wait_for(pattern))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        installation.wait_for(pattern, without=before)
    deadline = time.monotonic() + 30
    while True:
        try:
            assert installation.page("/healthz")
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_second_start_on_the_same_data_is_refused(installation: Installation) -> None:
    command = [sys.executable, "-m", "webapp.up", "--data", str(installation.data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "already runs" in done.stderr


def test_it_ends_when_the_machine_asks(installation: Installation) -> None:
    assert installation.stop(signal.SIGTERM) == 0
    assert installation.processes() == {}


def test_nothing_is_left_when_the_supervisor_is_killed(installation: Installation) -> None:
    installation.process.kill()
    installation.process.communicate(timeout=30)
    installation.wait_for_the_end()

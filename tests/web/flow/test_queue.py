"""What a stranger writes into Redis does not run."""

from __future__ import annotations

import json
import pickle
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.web.flow.conftest import Installation
from webapp.queue import NAME, WORK, enqueuer


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


def forge(redis: Redis, number: int, data: bytes, **fields: Any) -> None:
    """A job as RQ would find it, written by hand."""
    moment = "2026-01-01T00:00:00.000000Z"
    job = {"data": data, "created_at": moment, "enqueued_at": moment, "origin": NAME, "status": "queued", "timeout": 60}
    redis.hset(f"rq:job:forged-{number}", mapping={**job, **fields})
    redis.sadd("rq:queues", f"rq:queue:{NAME}")
    redis.rpush(f"rq:queue:{NAME}", f"forged-{number}")


def call(*parts: Any) -> bytes:
    """A call in RQ's JSON form: function, instance, arguments, named arguments."""
    return json.dumps(parts).encode()


def test_forged_jobs_do_not_run_and_do_not_stop_the_worker(
    installation: Installation, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    touch = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    job_id = installation.job("analysing")
    with Redis.from_url(installation.settings.redis_url) as redis:
        forged: list[tuple[bytes, dict[str, Any]]] = [
            (call("eval", None, [touch], {}), {}),
            (call("builtins.exec", None, [touch], {}), {}),
            (call("subprocess.check_output", None, [["touch", str(canary)]], {}), {}),
            (call("format", "{0}", ["x"], {}), {}),
            (call("webapp.jobs.sweep", None, [], {}), {}),
            (call(WORK, None, [["a", "list"]], {}), {}),
            (call(WORK, None, ["../../etc/passwd"], {}), {}),
            (call(WORK, None, [job_id], {"more": 1}), {}),
            (pickle.dumps((WORK, None, (Evil(canary),), {})), {}),
            (call(WORK, None, ["0" * 32], {}), {"meta": pickle.dumps(Evil(canary))}),
            (call(WORK, None, ["0" * 32], {}), {"success_callback_name": "os.abort"}),
            (call("eval", None, [touch], {}), {"failure_callback_name": "os.abort"}),
            (b"\xff\xfe", {}),
        ]
        for number, (data, fields) in enumerate(forged):
            forge(redis, number, data, **fields)
    enqueuer(installation.settings.redis_url)(job_id)
    # An empty file is refused; that it is told shows that the worker lives and has come past all the others.
    assert installation.wait(job_id).status in {"failed", "analysed"}
    assert worker.poll() is None
    assert not canary.exists()


def test_a_page_does_not_wait_for_a_queue_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    started = time.monotonic()
    assert not enqueuer("redis://127.0.0.1:1/0")("0" * 32)
    assert time.monotonic() - started < 3
    assert "waits in the app database" in caplog.text

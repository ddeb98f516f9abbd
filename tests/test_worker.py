import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from webapp.redis_server import dismiss, private_redis


def test_a_worker_ends_when_asked_although_redis_is_away(tmp_path: Path) -> None:
    log = tmp_path / "log"
    # Not below tmp_path: a socket's path may have 107 bytes only.
    with TemporaryDirectory(dir="/tmp") as folder, private_redis(Path(folder)) as url, log.open("wb") as output:
        environment = {**os.environ, "SMART_RESTORE_DATA": str(tmp_path / "data"), "REDIS_URL": url}
        with subprocess.Popen([sys.executable, "-m", "worker"], env=environment, stderr=output) as worker:
            with redis.Redis.from_url(url) as client:
                until(lambda: bool(client.smembers("rq:workers")))
            dismiss(url)
            until(lambda: b"the queue is away" in log.read_bytes() or b"could not connect" in log.read_bytes())
            worker.send_signal(signal.SIGTERM)
            # 0 from the worker's own handler, or by the signal where RQ had not set its handler again yet.
            assert worker.wait(15) in (0, -signal.SIGTERM)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)

"""Works the queue: one process, one job at a time, each in a horse of its own that dies with it."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from webapp.app import create_app
from webapp.models import db
from webapp.queue import SafeWorker, connect, open_queue
from webapp.settings import read_settings

log = logging.getLogger("worker")

PAUSE_SECONDS = 1.0


def main() -> None:
    """Work until asked to stop. Redis may come and go meanwhile."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = read_settings()
    app = create_app(settings)
    with app.app_context():
        # A connection that was opened here must not be shared with the horses.
        db.engine.dispose()
        # The end may be asked for while Redis is away; RQ then raises from wherever its signal handler ran.
        with suppress(StopRequested):
            while not SafeWorker.leaving:
                work(settings.redis_url)
                time.sleep(PAUSE_SECONDS)


def work(redis_url: str) -> None:
    """Work until the end is asked for, or as long as Redis is there."""
    try:
        connection = connect(redis_url)
        worker = SafeWorker([open_queue(connection)], connection=connection)
        worker.work(logging_level="WARNING")
    except RedisError as error:
        log.warning("the queue is away: %s", error)


if __name__ == "__main__":
    main()

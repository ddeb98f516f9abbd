"""The clock: a small loop that claims what is due and sweeps. Any number of them may run, because every move is compare-and-set."""

from __future__ import annotations

import logging
import signal
import threading
from itertools import count

from webapp import plans, pruning, retention
from webapp.app import create_app
from webapp.models import db
from webapp.settings import read_settings
from webapp.settling import forget_replaced, sweep

log = logging.getLogger(__name__)

SWEEP_SECONDS = 5
ROUNDS = 60
"""After so many rounds the plans are thinned, and looked at for times that a wrong clock has set; old working files are
removed at every twelfth of those."""


def main() -> None:
    """Sweep every few seconds until asked to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    app = create_app(read_settings())
    for round_ in count():
        if over.is_set():
            break
        with app.app_context():
            try:
                sweep()
                if round_ % ROUNDS == 0:
                    plans.correct()
                    retention.thin_all()
                if round_ % (12 * ROUNDS) == 0:
                    pruning.prune()
                    forget_replaced()
            except Exception:
                # One round that fails (a locked app database) must not end the clock; the next round finds the same.
                log.exception("sweep")
            finally:
                db.session.remove()
        over.wait(SWEEP_SECONDS)


if __name__ == "__main__":
    main()

"""``smart-restore up``."""

from __future__ import annotations

import argparse

from webapp import up


def run(given: argparse.Namespace) -> int:
    """Start everything on this machine and stay until it is stopped."""
    words = [
        word
        for name in ("host", "port", "data")
        if (value := getattr(given, name)) is not None
        for word in (f"--{name}", str(value))
    ]
    return up.main(words)

"""``smart-restore backup-data`` and ``restore-data``: the same work as ``backup`` and ``restore``, under other names.

Whoever calls them knows two exit statuses: 0 for done (or nothing to do), 1 for everything else.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime

from webapp.cli import arguments, entry, sites
from webapp.cli import backup as backups
from webapp.cli import restore as restores
from webapp.cli.data_parser import STRATEGIES
from webapp.engine.errors import Refusal, SinceNeeded


def backup(given: argparse.Namespace) -> int:
    """Write a sync file and say what is in it."""
    return _plainly(given, _backup)


def restore(given: argparse.Namespace) -> int:
    """Show what a sync file would change, or do exactly that."""
    return _plainly(given, _restore)


def _plainly(given: argparse.Namespace, work: Callable[[argparse.Namespace], int]) -> int:
    try:
        return min(work(given), 1)
    except Refusal as refusal:
        return min(entry.refused(given, refusal), 1)


def _backup(given: argparse.Namespace) -> int:
    if (given.type == "incremental") != (given.since is not None):
        raise SinceNeeded(given="without" if given.since is None else "with", type=given.type)
    output = given.output or f"backup_{given.type}_{datetime.now(UTC):%Y%m%d_%H%M%S}.json"
    words = ["backup", *_site(given), "--output", output, "--format", "sync"]
    words += ["--since", given.since.isoformat()] if given.since else []
    words += ["--force"] if given.force else []
    return backups.run(_parsed(given, words))


def _restore(given: argparse.Namespace) -> int:
    words = [
        "restore",
        given.input,
        *_site(given),
        "--on-conflict",
        STRATEGIES[given.strategy],
        "--on-missing",
        "create",
    ]
    words += [word for kind in given.repair for word in ("--repair", kind)]
    words += [word for record, answer in given.decide for word in ("--decide", f"{record}={answer}")]
    words += ["--preview"] if given.preview else ["--yes"]
    parsed = _parsed(given, words)
    parsed.summary = True
    return restores.run(parsed)


def _site(given: argparse.Namespace) -> list[str]:
    words = ["--site", given.site or sites.only()]
    return [*words, "--profile", given.profile] if given.profile else words


def _parsed(given: argparse.Namespace, words: list[str]) -> argparse.Namespace:
    parsed = arguments.build().parse_args(words)
    parsed.json, parsed.debug = given.json, given.debug
    return parsed

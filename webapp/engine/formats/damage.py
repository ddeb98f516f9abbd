"""What is wrong with a file, all of it: found by reading it again and again, each time with one more repair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from webapp.engine.answers import Damage
from webapp.engine.errors import FileRefused, RepairRefused
from webapp.engine.formats.mojibake import Sampler
from webapp.engine.formats.source import Records


def diagnose(recognise: Callable[[Path, str, frozenset[str]], Records], path: Path) -> tuple[Damage, ...]:
    """Everything that keeps a file from being read, and texts in the wrong encoding; nothing for a sound file.

    Only the last one may be beyond repair: what comes after it cannot be known. The file is left as it is.
    """
    found: list[Damage] = []
    repairs: frozenset[str] = frozenset()
    while True:
        sampler = Sampler()
        try:
            for block in recognise(path, "", repairs).blocks():
                sampler.look(block)
                block.confirm()
        except FileRefused as refused:
            repair = "" if isinstance(refused, RepairRefused) else refused.repair
            found.append(_damage(refused, repair))
            if not repair or repair in repairs:
                return (*found, *sampler.damage())
            repairs |= {repair}
        else:
            return (*found, *sampler.damage())


def _damage(refused: FileRefused, repair: str) -> Damage:
    return Damage(kind=repair or refused.code, sentence=refused.message, repairable=bool(repair), place=refused.place)

"""What is known of a backup, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from webapp.engine.answers import DrillAnswer
from webapp.models import Backup

ORIGINS: Mapping[str, str] = {
    "upload": "uploaded",
    "made": "made here",
    "plan": "by a plan",
    "safety": "safety copy before a change",
}


@dataclass(frozen=True)
class Badge:
    """A state in a word or two, its sign and tone; ``at`` is since when, ``more`` what there is to say besides."""

    word: str
    tone: str
    sign: str = ""
    at: datetime | None = None
    more: str = ""


def of(backup: Backup) -> list[Badge]:
    """How a backup stands: whether it is there, how far it is known to be good, and what else matters."""
    if backup.removed_at is not None:
        return [Badge("Removed", "calm", "−", backup.removed_at, backup.removed_why)]
    if not backup.path:
        return [Badge("Failed", "bad", "×", None, backup.note)] if backup.note else []
    found = [_goodness(backup)]
    if backup.encrypted:
        found.append(Badge("Encrypted", "calm"))
    if backup.pinned:
        found.append(Badge("Pinned", "ready", "", None, "Retention leaves it alone, and nobody can delete it"))
    return found


def _goodness(backup: Backup) -> Badge:
    if backup.verified_problem:
        return Badge("Damaged", "bad", "×", backup.verified_at, backup.verified_problem)
    drill = drill_of(backup)
    if backup.proven_at is not None:
        return Badge("Proven", "good", "✓", backup.proven_at, f"in {max(drill.seconds, 0.1):,.1f} s" if drill else "")
    if drill is not None and not drill.proven:
        return Badge("Drill failed", "bad", "×", None, drill.verdict)
    if backup.verified_at is not None:
        return Badge("Checked", "ready", "✓", backup.verified_at)
    return Badge("Not checked", "calm", "?")


def drill_of(backup: Backup) -> DrillAnswer | None:
    """What the last drill found."""
    return msgspec.json.decode(backup.drill_json, type=DrillAnswer) if backup.drill_json else None

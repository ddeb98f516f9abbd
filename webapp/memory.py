"""What people decided the last time on a site, offered again the next time: never carried out by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from webapp.models import Setting, db


class Memory(msgspec.Struct, frozen=True):
    """Keys to match by, decisions about single records, and what was left out because the site has no place for it."""

    match_by: Mapping[str, str] = {}
    decisions: Mapping[str, str] = {}
    drift: tuple[str, ...] = ()


MOST = 500
"""Decisions that are kept; the oldest are forgotten first."""


def remembered(site_id: int) -> Memory:
    """What is known of a site."""
    kept = db.session.get(Setting, _key(site_id))
    return msgspec.json.decode(kept.value, type=Memory) if kept else Memory()


def remember(site_id: int, **decided: Any) -> None:
    """Keep what was decided now, over what was decided before. The caller commits."""
    known = remembered(site_id)
    decisions = {**known.decisions, **decided.get("decisions", {})}
    memory = Memory(
        match_by=decided.get("match_by", known.match_by),
        decisions=dict(list(decisions.items())[-MOST:]),
        drift=tuple(dict.fromkeys((*known.drift, *decided.get("drift", ())))),
    )
    kept = db.session.get(Setting, _key(site_id))
    if kept is None:
        kept = Setting(key=_key(site_id), value="")
        db.session.add(kept)
    kept.value = msgspec.json.encode(memory).decode()


def _key(site_id: int) -> str:
    return f"memory:{site_id}"

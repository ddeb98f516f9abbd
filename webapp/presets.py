"""Plans that are offered ready to use. The seven of the document system carry the names that its people know."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.models import Site
from webapp.plans import Wish
from webapp.schedules import Rhythm


@dataclass(frozen=True)
class Preset:
    """A plan but for its site and its time zone."""

    name: str
    title: str
    summary: str
    rhythm: Rhythm
    keep_days: int
    keep_count: int
    media: bool = True
    enabled: bool = True


PRESETS: tuple[Preset, ...] = (
    Preset(
        "daily_full_backup", "Every night", "Everything with its files, a month back, the newest ten.",
        Rhythm("daily", "02:00"), 30, 10,
    ),
    Preset(
        "production_daily_full", "Every night, a month long", "Everything with its files, one for each of thirty days.",
        Rhythm("daily", "02:00"), 30, 30,
    ),
    Preset(
        "weekly_export", "Every Sunday", "Everything with its files, a quarter back.",
        Rhythm("weekly", "03:00", weekday=0), 90, 12,
    ),
    Preset(
        "production_weekly_export", "Every Sunday, in production", "Everything with its files, a quarter back.",
        Rhythm("weekly", "03:00", weekday=0), 90, 12,
    ),
    Preset(
        "production_monthly_archive", "On the first of the month", "Everything with its files, a year back.",
        Rhythm("monthly", "04:00", day=1), 365, 12,
    ),
    Preset(
        "production_database_hourly", "Every hour", "The rows without files, two days back. Made switched off.",
        Rhythm("hourly", "00:00"), 7, 48, media=False, enabled=False,
    ),
    Preset(
        "production_pre_deployment", "Before a change", "Everything with its files, when you press the button.",
        Rhythm("demand"), 90, 20,
    ),
)  # fmt: skip


def find(name: str) -> Preset | None:
    """The preset of that name."""
    return next((preset for preset in PRESETS if preset.name == name), None)


def wish(preset: Preset, site: Site) -> Wish:
    """What a preset asks for on a site: files only where the site has some."""
    return Wish(
        name=preset.name,
        rhythm=preset.rhythm,
        media=preset.media and bool(site.media_root),
        keep_days=preset.keep_days,
        keep_count=preset.keep_count,
        enabled=preset.enabled,
    )

"""When something is due: the five fields of cron, read in a time zone. Instants are naive UTC.

A time of day happens once a day, also when clocks change: one that is skipped in spring is due as long after the change
as it would have been before it, and of one that comes twice in autumn the first counts. What is due every hour, or every
few, follows real hours instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterError, croniter

from webapp.engine.errors import Refusal

FREQUENCIES = {
    "hourly": "every hour",
    "daily": "every day",
    "weekly": "every week",
    "monthly": "every month",
    "demand": "on demand only",
    "cron": "as a cron line says",
}
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
LAST_DAY = 28
"""The last day that every month has."""

_FIELD = re.compile(r"[0-9A-Za-z*/,\-#]+", re.ASCII)
_OTHERS = re.compile(r"\b[rh]\b|[rh]\(", re.IGNORECASE)
LEAST_MINUTES = 10
"""A plan is due at most this often."""
_SPREAD = timedelta(hours=3)
"""More than any change of clocks."""
_WINDOWS = tuple(timedelta(days=days) for days in (0.1, 2, 40, 400, 366 * 9))


class ScheduleRefused(Refusal):
    """The schedule cannot be used: {reason}."""

    code = "schedule_refused"
    hint = "Give a time as 02:00, a day that every month has (1 to 28), or the five fields of cron: 0 2 * * 1-5."
    exit_code = 2


@dataclass(frozen=True)
class Rhythm:
    """How often, as a form says it. ``weekday`` 0 is Sunday."""

    frequency: str
    at: str = "02:00"
    weekday: int = 0
    day: int = 1
    cron: str = ""

    def fields(self) -> str:
        """The five fields of cron; empty when it is never due by itself.

        Raises:
            ScheduleRefused
        """
        if self.frequency == "demand":
            return ""
        if self.frequency == "cron":
            return checked(self.cron)
        if self.frequency not in FREQUENCIES:
            raise ScheduleRefused(reason=f"there is no frequency {self.frequency!r}", field="frequency")
        hour, minute = _time_of_day(self.at)
        if not 0 <= self.weekday <= 6:
            raise ScheduleRefused(reason="a week has the days 0 (Sunday) to 6", field="weekday")
        if not 1 <= self.day <= LAST_DAY:
            raise ScheduleRefused(reason=f"not every month has a day {self.day}", field="day")
        return {
            "hourly": f"{minute} * * * *",
            "daily": f"{minute} {hour} * * *",
            "weekly": f"{minute} {hour} * * {self.weekday}",
            "monthly": f"{minute} {hour} {self.day} * *",
        }[self.frequency]


def rhythm(frequency: str, cron: str) -> Rhythm:
    """The rhythm that a stored schedule came from."""
    if frequency in ("demand", "cron") or not cron:
        return Rhythm(frequency, cron=cron)
    minute, hour, day, _, weekday = cron.split()
    at = time(0 if hour == "*" else int(hour), int(minute)).strftime("%H:%M")
    return Rhythm(
        frequency, at, 0 if weekday == "*" else int(weekday), 1 if day == "*" else int(day),
    )  # fmt: skip


def words(frequency: str, cron: str, zone: str) -> str:
    """A schedule as a person says it."""
    if frequency == "demand":
        return "on demand"
    where = "" if zone == "UTC" else f" ({zone})"
    if frequency == "cron":
        return f"cron {cron}{where or ' (UTC)'}"
    given = rhythm(frequency, cron)
    at = f"at {given.at}{where or ' UTC'}"
    return {
        "hourly": f"every hour at minute {given.at[3:]}",
        "daily": f"daily {at}",
        "weekly": f"{WEEKDAYS[given.weekday]}s {at}",
        "monthly": f"on day {given.day} of the month {at}",
    }[frequency]


def checked(cron: str) -> str:
    """Five fields that cron knows and that come true some day, with single spaces.

    Raises:
        ScheduleRefused
    """
    fields = cron.split()
    if len(fields) != 5 or not all(_FIELD.fullmatch(field) for field in fields) or _OTHERS.search(cron):
        raise ScheduleRefused(reason="a cron line has five fields: minute, hour, day, month, weekday", field="cron")
    line = " ".join(fields)
    try:
        each = croniter(line, datetime(2026, 1, 1))  # noqa: DTZ001 - wall time
        first = each.get_next(datetime)
    except (CroniterError, ValueError, KeyError) as error:
        reason = "it never comes true" if "next date" in str(error) else f"cron does not know {line!r}"
        raise ScheduleRefused(reason=reason, field="cron") from None
    for wall in _walls(line, first, first + timedelta(days=1)):
        if wall - first < timedelta(minutes=LEAST_MINUTES):
            raise ScheduleRefused(reason=f"it is due more often than every {LEAST_MINUTES} minutes", field="cron")
        first = wall
    return line


def checked_zone(name: str) -> str:
    """The name of a time zone that this machine knows.

    Raises:
        ScheduleRefused
    """
    if name not in zones():
        raise ScheduleRefused(reason=f"there is no time zone {name!r}", field="timezone")
    return name


@cache
def zones() -> tuple[str, ...]:
    """The names of all time zones, UTC first."""
    names = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))}
    return ("UTC", *sorted(names))


def next_after(cron: str, zone: str, after: datetime) -> datetime | None:
    """The first instant after ``after`` at which it is due; None when there is no schedule."""
    if not cron:
        return None
    for window in _WINDOWS:
        found = next(times(cron, zone, after, after + window), None)
        if found is not None:
            return found
    return None


def times(cron: str, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """All instants after ``after`` up to ``until``, in their order."""
    if not cron:
        return
    place = ZoneInfo(zone)
    begin, end = (at.replace(tzinfo=UTC).astimezone(place).replace(tzinfo=None) for at in (after, until))
    hours = cron.split()[1]
    found = set()
    for wall in _walls(cron, begin - _SPREAD, end + _SPREAD):
        first, second = (wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
        kept = {first}
        if hours.startswith("*"):
            # Real hours: a wall time that comes twice counts twice, one that is skipped not at all.
            kept = {first, second} if first <= second else set()
        found |= {each.replace(tzinfo=None) for each in kept}
    yield from sorted(each for each in found if after < each <= until)


def _walls(cron: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Every wall time that the fields name."""
    try:
        each = croniter(cron, begin)
        while (wall := each.get_next(datetime)) <= end:
            yield wall
    except CroniterError:
        # 29 February is further away than the library looks.
        return


def _time_of_day(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::00)?", text.strip(), re.ASCII)
    if not found:
        raise ScheduleRefused(reason=f"{text!r} is no time of day", field="at")
    return int(found[1]), int(found[2])

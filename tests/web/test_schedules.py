"""When something is due: the five fields of cron, time zones and the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.schedules import Rhythm, ScheduleRefused, checked, checked_zone, next_after, rhythm, times, words, zones

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
begin_of_year = datetime(2026, 1, 1)  # noqa: DTZ001 - instants are naive UTC


def local(instants: list[datetime], zone: str) -> list[datetime]:
    return [each.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for each in instants]


@settings(max_examples=40)
@given(zone=st.sampled_from(ZONES), hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_a_daily_time_comes_once_on_every_day_of_a_year(zone: str, hour: int, minute: int) -> None:
    cron = Rhythm("daily", f"{hour:02}:{minute:02}").fields()
    found = local(list(times(cron, zone, begin_of_year, begin_of_year + timedelta(days=365))), zone)
    days = [each.date() for each in found]
    assert len(set(days)) == len(days) == 365
    assert days == [days[0] + timedelta(days=number) for number in range(365)]
    # On the day when the clock skips it, it comes later; on all others exactly then.
    others = [each for each in found if (each.hour, each.minute) != (hour, minute)]
    assert len(others) <= 1


@given(zone=st.sampled_from(ZONES[:4]))
def test_an_hourly_time_comes_after_every_real_hour(zone: str) -> None:
    found = list(times("20 * * * *", zone, begin_of_year, begin_of_year + timedelta(days=365)))
    assert len(found) == 365 * 24
    assert {after - before for before, after in pairwise(found)} == {timedelta(hours=1)}


@given(
    zone=st.sampled_from(ZONES),
    cron=st.sampled_from(["0 * * * *", "30 2 * * *", "0 3 * * 0", "0 4 1 * *", "*/15 1-3 * * *", "0 */6 * * *"]),
    seconds=st.integers(0, 366 * 86400),
)
def test_what_comes_next_is_the_first_of_what_comes(zone: str, cron: str, seconds: int) -> None:
    at = begin_of_year + timedelta(seconds=seconds)
    found = next_after(cron, zone, at)
    assert found is not None
    assert found > at
    assert list(times(cron, zone, at, found)) == [found]


def test_a_time_that_is_skipped_comes_after_the_change_and_one_that_comes_twice_counts_once() -> None:
    spring = list(times("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 28, 12), datetime(2026, 3, 30, 12)))  # noqa: DTZ001
    assert spring == [datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 30, 0, 30)]  # noqa: DTZ001
    autumn = list(times("30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 12), datetime(2026, 10, 26, 12)))  # noqa: DTZ001
    assert autumn == [datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 26, 1, 30)]  # noqa: DTZ001


def test_a_leap_day_is_waited_for() -> None:
    assert next_after("0 0 29 2 *", "UTC", datetime(2026, 3, 1)) == datetime(2028, 2, 29)  # noqa: DTZ001
    assert next_after("0 0 29 2 *", "UTC", datetime(2096, 3, 1)) == datetime(2104, 2, 29)  # noqa: DTZ001


@pytest.mark.parametrize(
    "cron",
    [
        "", "0 2 * *", "0 2 * * * *", "@daily", "R 1 * * *", "H 1 * * *", "61 * * * *", "0 24 * * *", "*/0 * * * *",
        "0 0 31 2 *", "* * * * *", "*/5 * * * *", "0,1 2 * * *", "0 2 * * x", "٣ * * * *", "0 2 * * *; rm", "0 0 0 * *",
    ],
)  # fmt: skip
def test_a_cron_line_that_is_wrong_never_due_or_too_often_is_refused(cron: str) -> None:
    with pytest.raises(ScheduleRefused) as refusal:
        checked(cron)
    assert refusal.value.facts["field"] == "cron"


@pytest.mark.parametrize("cron", ["0 2 * * 1-5", "*/10 * * * *", "0 0 L * *", "15 6,18 * jan-jun mon#1", "0 0 29 2 *"])
def test_a_cron_line_that_comes_true_is_kept(cron: str) -> None:
    assert checked(f"  {cron} ") == cron
    assert next_after(cron, "Europe/Berlin", begin_of_year)


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        (Rhythm("yearly"), "frequency"), (Rhythm("daily", "24:00"), "at"), (Rhythm("daily", "2 o'clock"), "at"),
        (Rhythm("weekly", weekday=7), "weekday"), (Rhythm("monthly", day=31), "day"), (Rhythm("monthly", day=0), "day"),
    ],
)  # fmt: skip
def test_a_rhythm_that_cannot_be_is_refused_with_its_field(given_: Rhythm, field: str) -> None:
    with pytest.raises(ScheduleRefused) as refusal:
        given_.fields()
    assert refusal.value.facts["field"] == field


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (Rhythm("hourly", "00:05"), "every hour at minute 05"),
        (Rhythm("daily", "02:00"), "daily at 02:00 (Asia/Kolkata)"),
        (Rhythm("weekly", "03:30", weekday=6), "Saturdays at 03:30 (Asia/Kolkata)"),
        (Rhythm("monthly", "04:00", day=28), "on day 28 of the month at 04:00 (Asia/Kolkata)"),
        (Rhythm("demand"), "on demand"),
        (Rhythm("cron", cron="0 2 * * 1-5"), "cron 0 2 * * 1-5 (Asia/Kolkata)"),
    ],
)
def test_a_rhythm_comes_back_from_what_is_stored_and_can_be_said(given_: Rhythm, said: str) -> None:
    stored = given_.fields()
    again = rhythm(given_.frequency, stored)
    assert again.fields() == stored
    assert words(given_.frequency, stored, "Asia/Kolkata") == said


def test_only_real_time_zones_are_taken() -> None:
    assert checked_zone("Europe/Berlin") in zones()
    for name in ("Mars/Olympus", "", "../etc/passwd", "europe/berlin"):
        with pytest.raises(ScheduleRefused):
            checked_zone(name)

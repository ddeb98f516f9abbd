"""Writing rows the way Django writes them on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from random import Random
from uuid import UUID


def text(moment: datetime) -> str:
    """An instant as Django stores it on SQLite: UTC without a zone, fraction only where there is one."""
    return str(moment.replace(tzinfo=None))


@dataclass(frozen=True)
class Ledger:
    """The open database of a demo site, with the chance and the calendar that fill it."""

    connection: sqlite3.Connection
    chance: Random
    today: date

    @property
    def last_night(self) -> datetime:
        """When the backup is made."""
        return datetime.combine(self.today - timedelta(days=1), time(22), UTC)

    @property
    def year(self) -> str:
        """The school year of last night, such as "2025-26": it begins in April."""
        night = self.last_night
        first = night.year if night.month >= 4 else night.year - 1
        return f"{first}-{(first + 1) % 100:02d}"

    def insert(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Write rows that all have the columns of the first one."""
        rest = iter(rows)
        first = next(rest, None)
        if first is None:
            return
        columns = ", ".join(f'"{column}"' for column in first)
        values = ", ".join(f":{column}" for column in first)
        self.connection.executemany(
            f'INSERT INTO "{table}" ({columns}) VALUES ({values})',  # noqa: S608 - names are our own
            chain((first,), rest),
        )

    def ids(self, query: str, *values: object) -> list[int]:
        """The first column of a query."""
        return [row[0] for row in self.connection.execute(query, values)]

    def before(self, days: float) -> datetime:
        """Some instant of a working day about so many days before last night."""
        day = self.last_night - timedelta(days=days)
        return day.replace(hour=self.chance.randint(4, 12), minute=self.chance.randrange(60)) + timedelta(
            seconds=self.chance.randrange(60), microseconds=self.chance.randrange(1_000_000)
        )

    def created(self, days: float) -> dict[str, object]:
        """created_at and updated_at; one row in five was edited later, never after last night."""
        made = self.before(days)
        edited = made if self.chance.random() < 0.8 else made + (self.last_night - made) * self.chance.random()
        return {"created_at": text(made), "updated_at": text(edited)}

    def mobile(self) -> str:
        """Ten digits that are nobody's number."""
        return f"555{self.chance.randrange(10**7):07d}"

    def uuid(self) -> str:
        """A random uuid, without dashes."""
        return UUID(int=self.chance.getrandbits(128), version=4).hex

    def pick(self, *values: str) -> str:
        """One of these."""
        return self.chance.choice(values)

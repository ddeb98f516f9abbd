"""Plans and restores in one line, for tests of the engine: through its front door, with real files and databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import sites
from webapp.engine import commands
from webapp.engine.answers import Choices, Outcome, Plan, Problem, RowChange

Record = Mapping[str, object]


@dataclass
class Restoring:
    """A site, and a folder for the files of restores into it."""

    url: str
    folder: Path
    profile: str | None = None
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def file(self, records: Path | Iterable[Record]) -> Path:
        """A backup file with these records, or the file itself."""
        if isinstance(records, Path):
            return records
        return sites.fixture(self.folder / f"backup-{next(self.numbers)}.json", records)

    def own_backup(self) -> Path:
        """A backup of the site as it is."""
        path = self.folder / f"own-{next(self.numbers)}.json"
        commands.backup(self.url, path, profile=self.profile)
        return path

    def plan(self, records: Path | Iterable[Record], **choices: Any) -> Plan:
        """What a restore would do."""
        return self.planned(records, **choices)[1]

    def planned(self, records: Path | Iterable[Record], **choices: Any) -> tuple[Path, Plan]:
        """The plan file and its summary."""
        output = self.folder / f"{next(self.numbers)}.plan"
        plan = commands.make_plan(
            self.file(records),
            self.url,
            stages=self.folder / "stages",
            output=output,
            profile=self.profile,
            choices=Choices(**choices),
        )
        return output, plan

    def apply(self, path: Path, plan: Plan, *, job: str = "", confirm_removal: int | None = None) -> Outcome:
        """Carry out a plan file."""
        job = job or f"job-{next(self.numbers)}"
        return commands.apply_plan(
            path,
            plan.digest,
            self.url,
            job=job,
            receipt=self.folder / f"{job}.receipt",
            confirm_removal=confirm_removal,
        )

    def restore(self, records: Path | Iterable[Record], **choices: Any) -> Outcome:
        """Plan and apply; whatever is removed was meant to be."""
        path, plan = self.planned(records, **choices)
        assert plan.problem_count == 0, plan.problems
        return self.apply(path, plan, confirm_removal=plan.removal)

    def rows(self, table: str) -> list[sites.Row]:
        """The site's rows of a table."""
        return sites.rows(self.url, table)

    def changes(self, path: Path, table: str, action: str = "") -> tuple[RowChange, ...]:
        """The rows of a preview."""
        return commands.plan_rows(path, table, action=action, limit=500).rows


def codes(problems: Iterable[Problem]) -> list[str]:
    """The codes of problems, in their order."""
    return [each.code for each in problems]


def counted(plan: Plan | Outcome) -> dict[str, int]:
    """The counts that are not zero."""
    counts = plan.counts
    found = {action: getattr(counts, action) for action in ("insert", "update", "delete", "same", "skipped", "blocked")}
    return {action: count for action, count in found.items() if count}


def wipe(url: str) -> str:
    """Delete every row of a site, and what a restore wrote down in it."""
    engine = sites.connect(url)
    quoted = [f'"{name}"' for name in (*sites.tables(url), *sites.OWN_TABLES)]
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for name in sites.tables(url):
                connection.exec_driver_sql(f'DELETE FROM "{name}"')
        else:
            connection.exec_driver_sql(f"TRUNCATE {', '.join(quoted[: -len(sites.OWN_TABLES)])} CASCADE")
        for name in quoted[-len(sites.OWN_TABLES) :]:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
    return url

"""The whole collection on one kind of database: what loaddata made of each fixture, and what a restore made of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.conformance import relation_fixtures, value_fixtures
from tests.conformance.fixture import Fixture, Record
from tests.conformance.reading import Contents, contents, without_numbers
from webapp.engine import commands
from webapp.engine.answers import Choices
from webapp.engine.errors import Refusal

ROOT = Path(__file__).resolve().parents[2]
COLLECTION: tuple[Fixture, ...] = (*value_fixtures.ALL, *relation_fixtures.ALL)

EQUAL, BOTH_REFUSE = "equal", "both refuse"


@dataclass(frozen=True)
class Restored:
    """What a restore made of a file: ``codes`` of what it refused, or else nothing."""

    codes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One fixture: Django's complaint (empty when it has loaded the file), our answer, and what both left."""

    name: str
    complaint: str
    restored: Restored
    django: Contents
    ours: Contents
    again: int = 0  # rows that a restore would change where loaddata, or a restore, has loaded the file already

    @property
    def kind(self) -> str:
        """In a word: equal, other rows, refused with its codes, restored where Django fails, or both refuse."""
        return self._once + (f", {self.again} changes when restored again" if self.again else "")

    @property
    def _once(self) -> str:
        if self.restored.codes:
            return BOTH_REFUSE if self.complaint else "refused: " + ", ".join(self.restored.codes)
        if self.complaint:
            return "restored"
        return EQUAL if without_numbers(self.django) == without_numbers(self.ours) else "other rows"


def try_all(new_database: Callable[[], str], empty: Callable[[str, str], str], folder: Path) -> list[Finding]:
    """Load and restore every fixture of the collection into an empty schema.

    ``empty(template, name)`` gives the database of that name, as the template is.
    """
    template = new_database()
    findings = []
    with _django(template) as ask:
        ask("make_tables", template)
        full = empty(template, "full")
        files = _write(ask, full, folder)
        for fixture, file in zip(COLLECTION, files, strict=True):
            theirs, ours = empty(template, "theirs"), empty(template, "ours")
            complaint = ask("load", (theirs, str(file)))
            restore = _Restore(fixture, file, folder / "work" / fixture.name)
            restored = restore.into(ours)
            finding = Finding(fixture.name, complaint, restored, contents(theirs), contents(ours))
            if finding.kind in (EQUAL, "restored", "other rows"):
                finding = replace(finding, again=restore.changes(theirs if finding.kind == EQUAL else ours))
            findings.append(finding)
    return findings


@contextmanager
def _django(url: str) -> Iterator[Callable[[str, Any], Any]]:
    """A process that does what it is asked for."""
    command = [sys.executable, "-m", "tests.conformance.django_work", url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to, from_ = process.stdin, process.stdout

        def ask(work: str, order: Any) -> Any:
            to.write(json.dumps([work, order]) + "\n")
            to.flush()
            return json.loads(from_.readline())

        yield ask
        to.close()
        assert process.wait(30) == 0


def _write(ask: Callable[[str, Any], Any], full: str, folder: Path) -> list[Path]:
    """All files; those of dumpdata from a database that holds whatever is well formed."""
    files = [fixture.write(folder) for fixture in COLLECTION]
    complaint = ask("load", (full, str(Fixture("everything", _everything()).write(folder))))
    assert complaint == "", complaint
    for fixture, file in zip(COLLECTION, files, strict=True):
        if fixture.options:
            ask("dump", (full, str(file), fixture.options))
    return files


def _everything() -> Sequence[Record]:
    found: list[Record] = []
    for fixture in value_fixtures.WELL_FORMED:
        found += [{**each, "pk": len(found) + number} for number, each in enumerate(fixture.records, 1)]
    return [*found, *relation_fixtures.EVERYTHING, *relation_fixtures.ACCOUNTS]


class _Restore:
    """Restores of one file."""

    def __init__(self, fixture: Fixture, file: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.file, self.folder = file, folder
        self.choices = Choices(accounts="restore", **fixture.choices)
        self.profile: str | None = None
        if fixture.profile:
            self.profile = str(folder / "profile.toml")
            Path(self.profile).write_text(fixture.profile, "utf-8")

    def into(self, url: str) -> Restored:
        """Plan and apply."""
        try:
            plan = self._plan(url)
            if plan.ready:
                path = self.folder / "plan"
                outcome = commands.apply_plan(path, plan.digest, url, job="job", receipt=self.folder / "receipt")
                assert outcome.counts == plan.counts
                return Restored()
        except Refusal as refusal:
            return Restored((refusal.code,), (refusal.message,))
        return Restored(
            tuple(sorted({each.code for each in plan.problems})), tuple(each.message for each in plan.problems)
        )

    def changes(self, url: str) -> int:
        """How many rows of a database differ from the file, as a plan sees it."""
        plan = self._plan(url)
        return plan.counts.changes + plan.problem_count

    def _plan(self, url: str) -> Any:
        return commands.make_plan(
            self.file,
            url,
            stages=self.folder / "stages",
            output=self.folder / "plan",
            profile=self.profile,
            choices=self.choices,
        )

"""The engine's front door: what pages, jobs, the API and the command line call.

Each command takes plain values and gives an answer of :mod:`webapp.engine.answers` or raises a
:class:`~webapp.engine.errors.Refusal`. ``report(phase, done, total)`` is called a few times a second at most; it may
raise :class:`~webapp.engine.errors.Cancelled`, and then nothing has changed. Phases, in order: ``read``, ``match``,
``plan``; then ``lock``, ``check``, ``write``, ``verify``, ``commit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from webapp.engine import backup as fixture
from webapp.engine.answers import Analysis, BackupFacts, Choices, Outcome, Plan, RowPage, SiteCheck
from webapp.engine.databases import open_database
from webapp.engine.draft import draft
from webapp.engine.profile import bundled, choose, source_of

Report = Callable[[str, int, int], None]


def quiet(phase: str, done: int, total: int) -> None:
    """Report to nobody."""


def check_site(url: str, profile: str | None = None) -> SiteCheck:
    """Connect, reflect and say what is there. Writes nothing."""
    raise NotImplementedError


def analyse(
    source: Path,
    url: str,
    *,
    stages: Path,
    name: str = "",
    profile: str | None = None,
    choices: Choices = Choices(),
    report: Report = quiet,
) -> Analysis:
    """Read a backup against a site. ``stages`` is a folder where the stage is kept for the next call."""
    raise NotImplementedError


def make_plan(
    source: Path,
    url: str,
    *,
    stages: Path,
    output: Path,
    profile: str | None = None,
    choices: Choices = Choices(),
    report: Report = quiet,
) -> Plan:
    """Compute what a restore would do and write it to the plan file ``output``. Leaves the site untouched."""
    raise NotImplementedError


def read_plan(path: Path) -> Plan:
    """The summary of a plan file (or of a receipt)."""
    raise NotImplementedError


def plan_rows(
    path: Path,
    table: str,
    *,
    action: str = "",
    text: str = "",
    after: int = 0,
    limit: int = 50,
) -> RowPage:
    """A page of rows of one table of a plan, filtered by action, by changed column (``action="update:status"``) and by text."""
    raise NotImplementedError


def apply_plan(
    path: Path,
    digest: str,
    url: str,
    *,
    job: str,
    receipt: Path,
    confirm_removal: int | None = None,
    report: Report = quiet,
) -> Outcome:
    """Do exactly what the plan file says, in one transaction, or nothing; ``receipt`` is written before the commit."""
    raise NotImplementedError


def settle(url: str, job: str) -> Literal["applied", "absent"]:
    """Ask the site's journal whether a job was committed.

    Raises:
        OutcomeUnknown: the site cannot be asked.
    """
    raise NotImplementedError


def backup(
    url: str,
    output: Path,
    *,
    profile: str | None = None,
    categories: tuple[str, ...] = (),
    report: Report = quiet,
) -> BackupFacts:
    """Write a Django fixture (JSON array) of a whole site or of categories, from one consistent snapshot."""
    database = open_database(url)
    schema = database.schema()
    chosen = choose(profile, schema)
    tables = fixture.tables_of(schema, chosen, categories)
    with database.reader(schema) as reader:
        return fixture.write_fixture(output, schema, chosen, reader, tables=tables, report=report)


def draft_profile(url: str) -> str:
    """A first profile (TOML text) for a live database."""
    return draft(open_database(url).schema())


def profiles() -> Mapping[str, str]:
    """The bundled profiles: titles by name."""
    return {name: each.title for name, each in bundled().items()}


def profile_text(name: str) -> str:
    """A bundled profile as it is written (TOML).

    Raises:
        UnknownProfile
    """
    return source_of(name)

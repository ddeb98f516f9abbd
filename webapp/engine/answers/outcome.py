"""What was done, and what was found out about sites, backups and drills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from webapp.engine.answers.base import Answer, Problem
from webapp.engine.answers.plan import Counts, FilesPlan, TablePlan


class Outcome(Answer):
    """What happened. ``status`` is ``done`` only after every touched row was read back and found equal, and committed."""

    job: str
    status: Literal["done", "nothing", "stale", "failed", "cancelled"]
    verdict: str  # a sentence
    counts: Counts
    tables: tuple[TablePlan, ...] = ()
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0
    checked: Mapping[str, int] = {}  # "rows", "references", ... -> how many were checked
    files: FilesPlan | None = None


class SiteTable(Answer):
    """A live table as the check of a site found it. ``remark`` is empty where all is well."""

    table: str
    title: str
    categories: tuple[str, ...]
    rows: int
    key: tuple[str, ...]
    remark: str = ""


class SiteCheck(Answer):
    """What the check of a site found. ``usable`` is False when the promise of one transaction cannot be kept."""

    dialect: str
    version: str
    address: str  # without password
    profile: str
    recognised: tuple[str, ...]  # profiles that recognise the site, best first
    tables: tuple[SiteTable, ...]
    usable: bool
    remarks: tuple[str, ...] = ()


class BackupFacts(Answer):
    """A backup that was made. ``records`` and ``tables`` count what stands in the file, ``rows`` what the site had."""

    path: str
    size: int
    sha256: str
    records: int
    tables: Mapping[str, int]
    format: str = "fixture"
    kind: str = "full"  # "full", "incremental" or, of the tables that a restore will change, "partial"
    id: str = ""
    base: str = ""  # the id of the backup on which an increment builds
    instant: str = ""  # of the snapshot, in UTC
    since: str = ""  # an increment by time holds only rows stamped since then
    rows: int = 0
    deleted: int = 0  # rows of the base that are gone
    files: int = 0  # of the site's media
    blobs: int = 0  # of these, contents that stand in the file
    remarks: tuple[str, ...] = ()  # what it does not hold


class BackupCheck(Answer):
    """A backup, or a chain of them, of which every byte and every record was looked at."""

    files: tuple[str, ...]
    format: str
    sha256: str  # of the last file
    size: int
    records: int  # that a restore would read
    media: int = 0
    id: str = ""
    instant: str = ""


class DrilledTable(Answer):
    """One table of a drill: what the backup holds of it, and what stood in the scratch database after the restore."""

    table: str
    title: str
    records: int  # in the backup
    rows: int  # in the scratch database
    equal: bool  # every record was found again, with every value
    digest: bool | None = None  # a native backup's own digest of the table, and that of the restored rows: the same?


class ProbeResult(Answer):
    """A number that a person knows about the site, in the backup and in the scratch database. ``problem`` is empty when it is right."""

    name: str
    title: str
    category: str  # its title, empty for none
    backup: str
    scratch: str
    problem: str = ""


class DrillAnswer(Answer):
    """Whether a backup restores whole into an empty database with today's structure of its site.

    ``proven`` is True only when every table, probe and file was as it should be; else ``problems`` say why not.
    """

    proven: bool
    verdict: str  # a sentence
    profile: str
    records: int
    seconds: float
    tables: tuple[DrilledTable, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    beside: tuple[
        str, ...
    ] = ()  # titles of tables that were taken from the site as it is, because the backup refers to them
    files: int = 0  # stored files that were read whole and found right
    file_bytes: int = 0

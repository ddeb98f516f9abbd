"""Other backups of a site that could be part of a restore, and which of them hold what a file refers to but has not."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from webapp.engine.answers import Analysis, ReferenceFacts
from webapp.models import Backup, RestoreJob, db
from webapp.restores import analysis_of

OFFERED = 12
LOOKED_AT = 30
SOURCES = 3


@dataclass(frozen=True)
class Source:
    """A backup that holds rows of a table, as its own analysis said."""

    backup: Backup
    records: int


@dataclass(frozen=True)
class Missing:
    """References to rows that neither the file nor the database holds, and where those could come from."""

    facts: ReferenceFacts
    sources: tuple[Source, ...]

    @property
    def nowhere(self) -> int:
        """Rows that are not in the database either."""
        return self.facts.missing - self.facts.in_database


def beside(job: RestoreJob) -> list[Backup]:
    """The latest other backups of the site."""
    return _others(job, OFFERED)


def missing(job: RestoreJob, analysis: Analysis) -> list[Missing]:
    """What the file refers to and nobody has, the most first."""
    wanted = [item for item in analysis.references if item.missing > item.in_database]
    if not wanted:
        return []
    known = [(backup, found) for backup in _others(job, LOOKED_AT) if (found := analysis_of(backup))]
    held = {
        backup.id: {model.table: model for model in found.models if model.table and model.records}
        for backup, found in known
    }

    def sources(table: str) -> tuple[Source, ...]:
        found = [Source(backup, held[backup.id][table].records) for backup, _ in known if table in held[backup.id]]
        return tuple(found[:SOURCES])

    return sorted((Missing(item, sources(item.to_table)) for item in wanted), key=lambda each: -each.nowhere)


def _others(job: RestoreJob, most: int) -> list[Backup]:
    used = [job.backup_id, *(backup.id for backup in job.more)]
    query = (
        select(Backup)
        .where(Backup.site_id == job.site_id, Backup.path != "", Backup.id.not_in(used))
        .order_by(Backup.created_at.desc())
        .limit(most)
    )
    return list(db.session.scalars(query))

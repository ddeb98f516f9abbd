"""The demo document system: made, backed up last night, cleaned up too well this morning."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from webapp.demo.documents_accident import strike
from webapp.demo.documents_library import write_library
from webapp.demo.documents_office import furnish
from webapp.demo.ledger import Ledger
from webapp.demo.morning import Morning
from webapp.demo.site import DemoSite, Recipe, create

SCHEMA = Path(__file__).with_name("documents.sql")


def create_demo_documents(folder: Path, *, fresh: bool = False, now: datetime | None = None) -> DemoSite:
    """The demo document system in ``folder``; see :func:`webapp.demo.site.create`. Its files lie in ``folder/media``."""
    return create(DOCUMENTS, folder, fresh=fresh, now=now)


def _build(system: Ledger, folder: Path) -> None:
    furnish(system)
    write_library(system, folder)


def _tell(system: Ledger, morning: Morning, records: int) -> tuple[str, ...]:
    lost, added = morning.lost, morning.added
    return (
        f"Last night at {system.last_night:%H:%M} a backup was made: {records:,} records of the whole document system.",
        f"This morning a clean-up deleted {lost['documents']} approved documents, and with them "
        f"{lost['document_versions']} versions, {lost['document_workflows']} workflows with "
        f"{lost['document_transitions']} transitions, {lost['document_dependencies']} dependencies and "
        f"{lost['document_access_logs']} entries of the access log. {morning.emptied} newer editions no longer know "
        "what they superseded. The files themselves are still there.",
        f"A bulk edit then overwrote the titles of {morning.spoilt['title']} other documents.",
        f"Meanwhile {added['documents']} new documents were begun and {morning.corrected} were reviewed. Those must stay.",
    )


DOCUMENTS = Recipe(
    name="demo-documents",
    title="Controlled Documents (demo)",
    summary="A document system that lost 40 approved documents: 300 documents with versions, workflows, roles and an audit trail.",
    profile="documents",
    schema=SCHEMA,
    seed=2718,
    build=_build,
    strike=strike,
    tell=_tell,
)

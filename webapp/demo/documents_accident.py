"""What happens to the demo document system after its backup: good work, and a clean-up that went too far."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from webapp.demo.documents_history import audit, move
from webapp.demo.documents_library import FAMILIES, SUPERSEDED, add, begin
from webapp.demo.documents_office import ADMIN
from webapp.demo.ledger import Ledger, text
from webapp.demo.morning import Morning, delete

SET_NULL = frozenset({("documents", "supersedes_id")})
"""References that the application empties when their target is deleted; it deletes what holds any other one."""

LOST_EFFECTIVE, LOST_SUPERSEDED = 34, 6
SPOILT_TITLES = 15
BEGUN, MOVED_ON = 5, 6


def strike(system: Ledger, folder: Path, moment: datetime) -> Morning:
    """Do a morning's work up to ``moment``, then the accident."""
    morning = Morning()
    _work(system, folder, moment, morning)
    _clean_up(system, moment, morning)
    _spoil(system, morning)
    return morning


def _work(system: Ledger, folder: Path, moment: datetime, morning: Morning) -> None:
    """New documents, and documents that take their next step. A restore must not take these back."""
    last = FAMILIES + SUPERSEDED
    papers = [
        begin(system, last + number, FAMILIES + number - 1, moment - timedelta(minutes=60 - number), "DRAFT")
        for number in range(1, BEGUN + 1)
    ]
    add(system, folder, papers)
    waiting = system.connection.execute(
        "SELECT id, document_number || ' ' || title FROM documents WHERE status = 'UNDER_REVIEW' ORDER BY id"
    ).fetchall()
    for order, (paper, called) in enumerate(system.chance.sample(waiting, MOVED_ON)):
        at = moment - timedelta(minutes=40 - order, microseconds=paper)
        for column, table, holder in (
            ("status", "documents", "id"),
            ("current_state_id", "document_workflows", "document_id"),
        ):
            system.connection.execute(
                f"UPDATE {table} SET {column} = 'REVIEWED', updated_at = ? WHERE {holder} = ?",  # noqa: S608 - names are our own
                (text(at), paper),
            )
        move(system, paper, called, "UNDER_REVIEW", "REVIEWED", at)
    morning.corrected = MOVED_ON
    morning.added = {
        "documents": BEGUN,
        "document_versions": BEGUN,
        "document_workflows": BEGUN,
        "document_transitions": MOVED_ON,
        "audit_trail": BEGUN + MOVED_ON,
    }


def _clean_up(system: Ledger, moment: datetime, morning: Morning) -> None:
    """Somebody deletes "old" documents; the application deletes what hangs on them. The audit trail tells of it."""
    effective = system.ids("SELECT id FROM documents WHERE status = 'EFFECTIVE' ORDER BY id")
    superseded = system.ids("SELECT id FROM documents WHERE status = 'SUPERSEDED' ORDER BY id")
    older = system.chance.sample(superseded, LOST_SUPERSEDED)
    heirs = {paper + 1 for paper in older}  # those are left, and no longer know what they superseded
    doomed = sorted(older + system.chance.sample([paper for paper in effective if paper not in heirs], LOST_EFFECTIVE))
    marks = ", ".join("?" for _ in doomed)
    called = system.connection.execute(
        f"SELECT id, document_number || ' ' || title FROM documents WHERE id IN ({marks}) ORDER BY id",  # noqa: S608 - names are our own
        doomed,
    ).fetchall()
    delete(system, "documents", doomed, morning, SET_NULL)
    audit(system, [("DELETE", ADMIN, paper, name, moment - timedelta(seconds=paper), {}) for paper, name in called])
    morning.added["audit_trail"] += len(doomed)


def _spoil(system: Ledger, morning: Morning) -> None:
    """A bulk edit past the application, so updated_at stays as it was."""
    # Those that lost what they superseded are no longer told from first editions by that reference: leave them out.
    left = system.ids(
        "SELECT id FROM documents WHERE status = 'EFFECTIVE' AND document_number LIKE '%-v01.00' ORDER BY id"
    )
    titles = system.chance.sample(left, SPOILT_TITLES)
    system.connection.executemany("UPDATE documents SET title = 'Untitled' WHERE id = ?", [(each,) for each in titles])
    morning.spoilt = {"title": len(titles)}

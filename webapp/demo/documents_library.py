"""Controlled documents of the demo: their versions with files, workflows with history, readers, and the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path

from webapp.demo.documents_history import audit, move
from webapp.demo.documents_office import ADMIN, APPROVERS, AUTHORS, CHAIN, PEOPLE, REVIEWERS, SOURCES, TYPES
from webapp.demo.ledger import Ledger, text
from webapp.demo.paper import pdf, plain

FAMILIES = 240
"""Documents, not counting those that a newer version superseded."""

SUPERSEDED = 60
"""Of the families, how many have an older document that was superseded."""

MEDIA = "media"

WORK = (
    *("Calibration of", "Cleaning of", "Disposal of", "Handling of", "Inspection of"),
    *("Release of", "Sampling of", "Storage of", "Training on", "Transport of"),
)
THINGS = (
    *("autoclaves", "balances", "clean rooms", "cold stores", "complaints", "finished goods", "glassware"),
    *("incoming goods", "labels", "packaging", "Prüfmittel", "pH meters", "reagents", "records", "samples"),
    *("solvents", "spare parts", "supplier files", "thermomètres", "tools", "validation batches", "water systems"),
    *("काँच के बर्तन", "नमूने"),
)

APPROVED = [code for code, _ in CHAIN].index("APPROVED_PENDING_EFFECTIVE")


@dataclass
class Paper:
    """One document while it is written."""

    id: int
    number: str
    title: str
    major: int
    code: str  # of its type
    author: int
    begun: datetime
    moments: tuple[tuple[str, datetime], ...]  # states with the instant at which they were reached
    supersedes: int | None = None

    @property
    def status(self) -> str:
        """Its state now."""
        return self.moments[-1][0]

    @property
    def edited(self) -> datetime:
        """When it was last changed."""
        return self.moments[-1][1]

    def when(self, state: str) -> datetime | None:
        """When it reached a state."""
        return dict(self.moments).get(state)


def write_library(system: Ledger, folder: Path) -> None:
    """Write all documents up to last night, and their files below ``folder``."""
    papers = _papers(system)
    add(system, folder, papers)
    _dependencies(system, papers)
    _readers(system, papers)


def path_to(state: str) -> tuple[str, ...]:
    """The states through which a document comes to one of them."""
    codes = [code for code, _ in CHAIN]
    if state in ("SUPERSEDED", "OBSOLETE"):
        return (*codes[: codes.index("EFFECTIVE") + 1], state)
    return ("DRAFT", "TERMINATED") if state == "TERMINATED" else tuple(codes[: codes.index(state) + 1])


def begin(system: Ledger, number: int, family: int, begun: datetime, state: str, major: int = 1) -> Paper:
    """A document that was begun at some instant and has come to a state since, a few days for each step."""
    code = TYPES[family % len(TYPES)][0]
    title = f"{WORK[family % len(WORK)]} {THINGS[family // len(WORK) % len(THINGS)]}"
    moment, moments = begun, []
    for step in path_to(state):
        moments.append((step, moment))
        moment += timedelta(days=system.chance.randint(1, 3), seconds=system.chance.randrange(20_000), microseconds=7)
    name = f"{code}-{begun.year}-{family + 1:04d}-v{major:02d}.00"
    return Paper(number, name, title, major, code, system.chance.choice(AUTHORS), begun, tuple(moments))


def _papers(system: Ledger) -> list[Paper]:
    papers: list[Paper] = []
    ends = ("EFFECTIVE",) * 7 + (
        "DRAFT",
        "PENDING_REVIEW",
        "UNDER_REVIEW",
        "PENDING_APPROVAL",
        "OBSOLETE",
        "TERMINATED",
    )
    for family in range(FAMILIES):
        if family < SUPERSEDED:
            old = begin(system, len(papers) + 1, family, system.before(system.chance.randint(400, 700)), "SUPERSEDED")
            new = begin(system, len(papers) + 2, family, old.edited - timedelta(days=9, hours=1), "EFFECTIVE", 2)
            new.author, new.supersedes = old.author, old.id
            papers += [old, new]
        else:
            state = ends[system.chance.randrange(len(ends))]
            papers.append(begin(system, len(papers) + 1, family, system.before(system.chance.randint(35, 390)), state))
    return papers


def add(system: Ledger, folder: Path, papers: Sequence[Paper]) -> None:
    """Write documents with their versions, files, workflows, transitions and audit rows."""
    versions = [row for paper in papers for row in _versions(system, folder, paper)]
    last = {row["document_id"]: row for row in versions}
    system.insert("documents", [_document(system, paper, last[paper.id]) for paper in papers])
    system.insert("document_versions", versions)
    system.insert("document_workflows", [_workflow(system, paper) for paper in papers])
    for paper in papers:
        for (before, _), (state, moment) in zip(paper.moments, paper.moments[1:], strict=False):
            move(system, paper.id, f"{paper.number} {paper.title}", before, state, moment)
    audit(
        system,
        [("CREATE", paper.author, paper.id, f"{paper.number} {paper.title}", paper.begun, {}) for paper in papers],
    )


def _document(system: Ledger, paper: Paper, version: dict[str, object]) -> dict[str, object]:
    effective, approved = paper.when("EFFECTIVE"), paper.when("APPROVED_PENDING_EFFECTIVE")
    reviewed = paper.when("REVIEWED")
    ended = paper.when("OBSOLETE") or paper.when("SUPERSEDED")
    return {
        "id": paper.id,
        "uuid": system.uuid(),
        "document_number": paper.number,
        "title": paper.title,
        "description": f"How we do it: {paper.title.lower()}." if paper.id % 3 else "",
        "keywords": paper.title.split()[-1],
        "version_major": paper.major,
        "version_minor": 0,
        "status": paper.status,
        "priority": system.pick("normal", "normal", "high"),
        **{name: version[name] for name in ("file_name", "file_path", "file_size", "file_checksum")},
        "mime_type": "application/pdf" if str(version["file_name"]).endswith(".pdf") else "text/plain",
        "is_encrypted": False,
        "encryption_metadata": "{}",
        "created_at": text(paper.begun),
        "updated_at": text(paper.edited),
        "review_date": text(reviewed) if reviewed else None,
        "approval_date": text(approved) if approved else None,
        "effective_date": str(effective.date()) if effective else None,
        "review_due_date": str((effective + timedelta(days=730)).date()) if effective else None,
        "obsolete_date": str(ended.date()) if ended else None,
        "obsolescence_date": None,
        "obsolescence_reason": "No longer needed." if paper.status == "OBSOLETE" else "",
        "reason_for_change": "New edition." if paper.supersedes else "",
        "change_summary": "",
        "is_active": paper.status != "TERMINATED",
        "requires_training": paper.code == "SOP",
        "is_controlled": True,
        "search_vector": "",
        "metadata": json.dumps({"pages": 1, "language": "hi" if not paper.title.isascii() else "en"}),
        "document_type_id": [code for code, *_ in TYPES].index(paper.code) + 1,
        "document_source_id": paper.id % len(SOURCES) + 1,
        "author_id": paper.author,
        "reviewer_id": system.chance.choice(REVIEWERS) if reviewed else None,
        "approver_id": system.chance.choice(APPROVERS) if approved else None,
        "obsoleted_by_id": ADMIN if paper.status == "OBSOLETE" else None,
        "supersedes_id": paper.supersedes,
    }


def _versions(system: Ledger, folder: Path, paper: Paper) -> list[dict[str, object]]:
    steps = [(paper.major - 1, 1, "DRAFT", paper.begun, "txt")]
    if approved := paper.when("APPROVED_PENDING_EFFECTIVE"):
        steps.append((paper.major, 0, paper.status, approved, "pdf"))
    rows = []
    for major, minor, status, moment, kind in steps:
        lines = (paper.number, paper.title, f"Version {major}.{minor} of {moment:%d %B %Y}", "Practice document.")
        content = pdf(lines) if kind == "pdf" else plain(lines)
        name = f"{paper.number}_{major}.{minor}.{kind}"
        place = f"documents/{moment:%Y/%m}/{name}"
        target = folder / MEDIA / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        rows.append(
            {
                "uuid": system.uuid(),
                "version_major": major,
                "version_minor": minor,
                "version_comment": "First draft" if minor else "As approved",
                "file_name": name,
                "file_path": place,
                "file_size": len(content),
                "file_checksum": hashlib.sha256(content).hexdigest(),
                "created_at": text(moment),
                "status": status,
                "change_summary": "",
                "reason_for_change": "",
                "metadata": "{}",
                "document_id": paper.id,
                "created_by_id": paper.author,
            }
        )
    return rows


def _workflow(system: Ledger, paper: Paper) -> dict[str, object]:
    effective = paper.when("EFFECTIVE")
    return {
        "id": paper.id,
        "uuid": system.uuid(),
        "workflow_type": "REVIEW" if paper.major == 1 else "UP_VERSION",
        "created_at": text(paper.begun),
        "updated_at": text(paper.edited),
        "due_date": text(paper.begun + timedelta(days=30)),
        "effective_date": str(effective.date()) if effective else None,
        "obsoleting_date": None,
        "workflow_data": json.dumps({"steps": len(paper.moments)}),
        "up_version_reason": "New edition." if paper.major > 1 else "",
        "obsoleting_reason": "",
        "termination_reason": "Begun by mistake." if paper.status == "TERMINATED" else "",
        "is_terminated": paper.status == "TERMINATED",
        "last_approved_state": "EFFECTIVE" if effective else "",
        "document_id": paper.id,
        "current_state_id": paper.status,
        "initiated_by_id": paper.author,
        "current_assignee_id": None if effective else paper.author,
        "selected_reviewer_id": system.chance.choice(REVIEWERS),
        "selected_approver_id": system.chance.choice(APPROVERS),
    }


def _dependencies(system: Ledger, papers: Sequence[Paper]) -> None:
    pairs = {
        (paper.id, system.chance.choice(papers[: max(1, order)]).id)
        for order, paper in enumerate(papers)
        if order and order % 2
    }
    system.insert(
        "document_dependencies",
        [
            {
                "uuid": system.uuid(),
                "dependency_type": system.pick("REFERENCE", "TEMPLATE", "SUPPORTS"),
                "description": "",
                "is_critical": holder % 5 == 0,
                "created_at": text(papers[holder - 1].edited),
                "is_active": True,
                "metadata": "{}",
                "document_id": holder,
                "depends_on_id": other,
                "created_by_id": papers[holder - 1].author,
            }
            for holder, other in sorted(pairs)
        ],
    )


def _readers(system: Ledger, papers: Sequence[Paper]) -> None:
    readings = [
        (paper.edited + (system.last_night - paper.edited) * system.chance.random(), paper)
        for paper in papers
        for _ in range(system.chance.randint(2, 9))
    ]
    readings.sort(key=itemgetter(0))
    system.insert("document_access_logs", [_reading(system, paper, moment) for moment, paper in readings])


def _reading(system: Ledger, paper: Paper, moment: datetime) -> dict[str, object]:
    loaded = system.chance.random() < 0.3
    reader = system.chance.randint(1, PEOPLE)
    return {
        "uuid": system.uuid(),
        "access_type": "DOWNLOAD" if loaded else "VIEW",
        "access_timestamp": text(moment),
        "ip_address": f"192.0.2.{reader}",
        "user_agent": "Mozilla/5.0",
        "session_id": None,
        "success": True,
        "failure_reason": "",
        "document_version": f"{paper.major}.0",
        "file_downloaded": loaded,
        "access_duration": None if loaded else system.chance.randrange(5, 900) * 1_000_000 + 250_000,
        "metadata": "{}",
        "document_id": paper.id,
        "user_id": reader,
    }

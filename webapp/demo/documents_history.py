"""What the demo document system writes down when a document moves on, and about everything that is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from webapp.demo.documents_office import ADMIN, APPROVERS, AUTHORS, CHAIN, DOCUMENT, REVIEWERS
from webapp.demo.ledger import Ledger, text

ACTORS = (AUTHORS, AUTHORS, REVIEWERS, REVIEWERS, AUTHORS, APPROVERS, APPROVERS, (ADMIN,), (ADMIN,), (ADMIN,))
"""Who moves a document into each state."""


def move(system: Ledger, paper: int, called: str, before: str, state: str, moment: datetime) -> None:
    """Write one transition and its audit row. A document's workflow has the document's own number."""
    codes = [code for code, _ in CHAIN]
    actor = system.chance.choice(list(ACTORS[codes.index(state)]))
    transition = {
        "uuid": system.uuid(),
        "transitioned_at": text(moment),
        "comment": system.pick("", "", "Checked.", "See the notes in chapter 3.", "ठीक है"),
        "transition_data": json.dumps({"step": codes.index(state)}),
        "workflow_id": paper,
        "from_state_id": before,
        "to_state_id": state,
        "transitioned_by_id": actor,
    }
    system.insert("document_transitions", [transition])
    audit(system, [("WORKFLOW_TRANSITION", actor, paper, called, moment, {"status": [before, state]})])


Event = tuple[str, int, int, str, datetime, dict[str, list[str]]]
"""Action, account, document, what it is called, instant, changed fields."""


def audit(system: Ledger, events: Sequence[Event]) -> None:
    """Write audit rows. They name a document by its key as text, and go on naming it when it is gone."""
    system.insert(
        "audit_trail",
        [
            {
                "uuid": system.uuid(),
                "timestamp": text(moment),
                "action": action,
                "severity": "HIGH" if action == "DELETE" else "INFO",
                "user_display_name": f"user {actor}",
                "session_id": None,
                "ip_address": f"192.0.2.{actor}",
                "user_agent": "Mozilla/5.0",
                "object_id": str(paper),
                "object_representation": called,
                "field_changes": json.dumps(changes),
                "old_values": "{}",
                "new_values": "{}",
                "description": "",
                "module": "O1",
                "request_path": f"/documents/{paper}/",
                "request_method": "POST",
                "checksum": hashlib.sha256(f"{action} {paper} {moment}".encode()).hexdigest(),
                "is_tampered": False,
                "verification_status": "VERIFIED",
                "metadata": "{}",
                "user_id": actor,
                "content_type_id": DOCUMENT,
            }
            for action, actor, paper, called, moment, changes in events
        ],
    )

"""The audit: who did what, when, with what result. Rows are only ever added.

Each row carries the digest of the one before it (``previous``) and its own over all that it says, so that an edited or a
missing row is found by :func:`first_broken`. ``previous`` is unique, so that of two rows written at the same moment
exactly one is next and the other follows it.
"""

from __future__ import annotations

import hashlib

import msgspec
from flask import has_request_context, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.models import AuditEvent, User, db, now

BEGINNING = "0" * 64
ATTEMPTS = 20


def note(action: str, subject: str = "", *, result: str = "done", user: User | None = None, **detail: object) -> None:
    """Add a row to the audit, in the transaction that is under way. Secrets have no place in ``detail``."""
    person = user or _person()
    event = {
        "at": now(),
        "user_id": person.id if person else None,
        "username": person.username if person else "",
        "action": action,
        "subject": subject[:200],
        "detail_json": msgspec.json.encode(detail, order="deterministic", enc_hook=str).decode(),
        "result": result,
        "address": (request.remote_addr or "") if has_request_context() else "",
    }
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with db.session.begin_nested():
                previous = _last_digest()
                row = AuditEvent(**event, previous=previous)
                row.digest = _digest(row)
                db.session.add(row)
        except IntegrityError:
            if attempt == ATTEMPTS:
                raise
        else:
            return


def first_broken() -> AuditEvent | None:
    """The first row that is not as it was written, or whose predecessor is missing. None when the chain is whole."""
    previous = BEGINNING
    for row in db.session.scalars(select(AuditEvent).order_by(AuditEvent.id).execution_options(yield_per=500)):
        if row.previous != previous or row.digest != _digest(row):
            return row
        previous = row.digest
    return None


def _person() -> User | None:
    if has_request_context() and current_user.is_authenticated:
        return current_user._get_current_object()  # type: ignore[no-any-return]
    return None


def _last_digest() -> str:
    query = select(AuditEvent.digest).order_by(AuditEvent.id.desc()).limit(1)
    return db.session.scalar(query) or BEGINNING


def _digest(row: AuditEvent) -> str:
    # user_id is left out: it becomes empty when an account is deleted, and the name stays.
    said = (row.previous, row.at.isoformat(), row.username, row.action, row.subject, row.detail_json, row.result)
    return hashlib.sha256(msgspec.json.encode((*said, row.address))).hexdigest()

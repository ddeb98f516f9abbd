"""The audit: who did what, when, with what result. Rows are only ever added.

Each row carries the digest of the one before it (``previous``) and its own over all that it says, so that an edited or a
missing row is found by :func:`first_broken`. ``previous`` is unique, so that of two rows written at the same moment
exactly one is next and the other follows it. Rows that are cut off at the end leave a chain that is whole; so a witness
is kept beside it: how many rows there are and the digest of the last one, sealed under the installation's key. It moves
on with each row that follows the one it knows, and stays where it is when the chain was tampered with.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec
from flask import has_request_context, request
from flask_login import current_user
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from webapp.models import AuditEvent, Setting, User, db, now
from webapp.refusals import AuditBroken, SealBroken
from webapp.seal import seal, unseal

BEGINNING = "0" * 64
ATTEMPTS = 20
WITNESS = "audit witness"
TURN = 0x5352_4155
"""The number of the lock that writers take on PostgreSQL; any would do that nothing else here uses."""
NOTED = "smart_restore.noted"
"""Under this name a request carries the result of what was noted in it last."""


@dataclass(frozen=True)
class Chain:
    """What a look at all rows found: how many, since when, the first that is not as it was written, and in words why."""

    entries: int
    since: datetime | None
    broken: AuditEvent | None
    problem: str

    @property
    def whole(self) -> bool:
        """Whether every row is as it was written and none is missing."""
        return not self.problem


class _Witness(msgspec.Struct, frozen=True):
    entries: int
    digest: str


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
    _wait_for_turn()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with db.session.begin_nested():
                previous = _last_digest()
                row = AuditEvent(**event, previous=previous)
                row.digest = _digest(row)
                db.session.add(row)
                db.session.flush()
                _attest(row)
        except IntegrityError:
            if attempt == ATTEMPTS:
                raise
        else:
            if has_request_context():
                request.environ[NOTED] = result
            return


def _wait_for_turn() -> None:
    """Let writers come one after the other, each until its transaction ends."""
    if db.engine.dialect.name == "postgresql":
        # A lock on no row: the first entries of all have none to wait at.
        db.session.execute(select(func.pg_advisory_xact_lock(TURN)))
    else:
        # The first statement writes. SQLite does not let a transaction go on to write that has read what another has
        # changed since.
        db.session.execute(update(Setting).where(Setting.key == WITNESS).values(value=Setting.value))


def check() -> Chain:
    """Look at every row, and at the witness."""
    entries, since, previous = 0, None, BEGINNING
    for row in db.session.scalars(select(AuditEvent).order_by(AuditEvent.id).execution_options(yield_per=500)):
        if row.previous != previous or row.digest != _digest(row):
            why = "It was changed" if row.previous == previous else "The entry before it is missing or was changed"
            return Chain(entries, since, row, f"{why}.")
        entries, since, previous = entries + 1, since or row.at, row.digest
    return Chain(entries, since, None, _doubt(entries, previous))


def renew() -> Chain:
    """Have the witness count anew from the entries that are there, after somebody has looked at them; that is an entry, too.

    Raises:
        AuditBroken: an entry itself is not as it was written. That is not healed.
    """
    found = check()
    if found.broken is not None:
        raise AuditBroken(number=f"{found.broken.id:,}")
    db.session.execute(delete(Setting).where(Setting.key == WITNESS))
    if found.entries:
        witness = _sealed(_Witness(found.entries, _last_digest()))
        db.session.execute(insert(Setting).values(key=WITNESS, value=witness))
    note("audit.renew", before=found.problem, entries=found.entries)
    db.session.commit()
    return found


def first_broken() -> AuditEvent | None:
    """The first row that is not as it was written, or whose predecessor is missing. None when the chain is whole."""
    return check().broken


def _attest(row: AuditEvent) -> None:
    """Let the witness move on to a row, if it knows the one before."""
    if row.previous == BEGINNING:
        db.session.execute(insert(Setting).values(key=WITNESS, value=_sealed(_Witness(1, row.digest))))
        return
    known = _witness()
    if known is not None and known.digest == row.previous:
        moved = _sealed(_Witness(known.entries + 1, row.digest))
        db.session.execute(update(Setting).where(Setting.key == WITNESS).values(value=moved))


def _witness() -> _Witness | None:
    kept = db.session.scalar(select(Setting.value).where(Setting.key == WITNESS))
    try:
        return msgspec.json.decode(unseal(kept, WITNESS), type=_Witness) if kept else None
    except SealBroken:
        return None


def _sealed(witness: _Witness) -> str:
    return seal(msgspec.json.encode(witness).decode(), WITNESS)


def _doubt(entries: int, last: str) -> str:
    """What the witness has against a chain that is whole by itself."""
    known = _witness()
    if known is None:
        begun = entries or db.session.scalar(select(func.count()).select_from(User))
        return "The witness that counts the entries is missing or cannot be read." if begun else ""
    if known.entries > entries:
        return f"{known.entries:,} entries were written and {entries:,} are there: the last ones are missing."
    if known.digest != last:
        return f"The entries after number {known.entries:,} are not the ones that were written."
    return ""


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

"""Sync files: a JSON object with ``metadata`` and lists of records, each of which carries a checksum.

``{"metadata": {"version": "1.0", "backup_type": "full", "total_<list>": 2, ...}, "<list>": [{..., "checksum": ".."}, ..], ...}``

The checksum is the SHA-256 of the record as ``json.dumps`` writes it with sorted keys, without what is in :data:`UNSIGNED`.
Every checksum and every total is verified. Which table a list means, and which columns its fields, is the profile's
word: a record's label is ``sync.<list>``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator

from webapp.engine.answers import Damage, Place
from webapp.engine.errors import ChecksumWrong, MalformedFile, TotalsWrong
from webapp.engine.formats.block import Block, RawRecord, check_text
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.object_lists import Batch, ObjectLists
from webapp.engine.formats.rewritten import Rewritten
from webapp.engine.formats.said import Said
from webapp.engine.formats.strict import strict_object

TITLE = "Sync file"

LABEL = "sync."
"""Begins the label of every record; the name of its list follows."""

METADATA, VERSION = "metadata", "1.0"
KINDS = ("full", "incremental")

UNSIGNED = frozenset({"checksum", "created_at", "updated_at", "id"})
"""Fields that the checksum does not cover."""

OWN = frozenset({"checksum", "id"})
"""Fields that say nothing about the row: the number is that of the database which the file comes from."""

WRONG_NAMED = 20
"""Records with a wrong checksum that are told one by one."""

_FIRST = re.compile(
    rb'[ \t\r\n]*+\{[ \t\r\n]*+"(?:metadata"[ \t\r\n]*+:[ \t\r\n]*+\{|\w+"[ \t\r\n]*+:[ \t\r\n]*+\[[ \t\r\n]*+[{\]])'
)

_sorted = json.JSONEncoder(sort_keys=True).encode


def checksum(record: dict[str, object]) -> str:
    """The checksum of a record."""
    signed = record.copy()
    for name in UNSIGNED:
        signed.pop(name, None)
    return hashlib.sha256(_sorted(signed).encode()).hexdigest()


def fits(head: bytes) -> bool:
    """Whether a text that begins so is of this format."""
    return _FIRST.match(head) is not None and (b'"backup_type"' in head or b'"checksum"' in head)


def read(stream: Stream, chunk: int) -> Iterator[Block]:
    """Yield the records of all lists, in blocks of about ``chunk`` bytes."""
    return read_telling(stream, chunk, frozenset(), Said())


def read_telling(stream: Stream, chunk: int, asked: frozenset[str], said: Said) -> Iterator[Block]:
    """The same; what the file says of itself goes into ``said``.

    Where ``asked`` has ``checksums``, records whose checksum is wrong are read as they stand, and noted.
    """
    return _File(stream, chunk, "checksums" in asked, said).blocks()


class _File:
    """One pass over a sync file."""

    def __init__(self, stream: Stream, chunk: int, forgiving: bool, said: Said) -> None:
        self.lists = ObjectLists(stream, chunk)
        self.forgiving = forgiving
        self.said = said
        self.counts: dict[str, int] = {}  # by list
        self.metadata: dict[str, object] | None = None
        self.wrong = 0

    def blocks(self) -> Iterator[Block]:
        """Yield the records, and verify what can only be known at the end."""
        for name, mark in self.lists.members():
            if name == METADATA and mark == b"{":
                place = Place(byte=self.lists.byte)
                self._take_metadata(self.lists.object(), place)
            elif name != METADATA and mark == b"[":
                self.counts[name] = 0
                for batch in self.lists.batches():
                    yield self._block(name, batch)
            else:
                what = "an object" if name == METADATA else "a list of records"
                raise self.lists.misplaced(f"{name} is not {what}")
        self._check_totals()
        if self.wrong > len(self.said.damage):
            rest = self.wrong - len(self.said.damage)
            sentence = f"The checksums of {rest:,} more records are wrong as well."
            self.said.damage.append(Damage(kind="checksums", sentence=sentence, repairable=False))

    def _take_metadata(self, given: dict[str, object], place: Place) -> None:
        self.metadata = given
        if given.get("version") != VERSION:
            reason = f"its version is {given.get('version')!r}, and only {VERSION} is known"
            raise MalformedFile(where="in its metadata", reason=reason, place=place)
        if given.get("backup_type") not in KINDS:
            reason = f"its backup_type is {given.get('backup_type')!r}, which is neither full nor incremental"
            raise MalformedFile(where="in its metadata", reason=reason, place=place)
        self.said.made = str(given.get("created_at") or "")
        self.said.increment = given["backup_type"] == "incremental"
        self.said.since = str(given.get("since_date") or "")

    def _check_totals(self) -> None:
        if self.metadata is None:
            place = Place(byte=self.lists.byte)
            raise MalformedFile(where=f"at byte {place.byte:,}", reason="it has no metadata", place=place)
        said = {
            name.removeprefix("total_"): total for name, total in self.metadata.items() if name.startswith("total_")
        }
        for name in {**said, **self.counts}:
            held = self.counts.get(name)
            if held is None:
                raise TotalsWrong(where=f"in {name}", reason="its metadata count that list, and it is not there")
            if name not in said:
                raise TotalsWrong(where=f"in {name}", reason="its metadata have no total for that list")
            if said[name] != held or isinstance(said[name], bool):
                reason = f"its metadata say {said[name]} records, and there are {held:,}"
                raise TotalsWrong(where=f"in {name}", reason=reason)

    def _block(self, name: str, batch: Batch) -> Block:
        for index, raw in enumerate(batch.found):
            self._verify(bytes(raw), index, name, batch)
        records = [RawRecord(LABEL + name, raw) for raw in batch.found]
        self.counts[name] += len(records)
        return Rewritten(records, first=batch.first, places=batch.place)

    def _verify(self, text: bytes, index: int, name: str, batch: Batch) -> None:
        try:
            given = strict_object(text)
        except ValueError:
            place = batch.place(index)
            check_text(text, place)
            raise MalformedFile(where=f"at byte {place.byte:,}", reason="it is not strict JSON", place=place) from None
        told = given.get("checksum")
        found = checksum(given)
        if told == found:
            return
        if self.forgiving and len(self.said.damage) >= WRONG_NAMED:
            self.wrong += 1
            return
        place = batch.place(index)
        where = f"at byte {place.byte:,} (record {place.record:,}, number {self.counts[name] + index + 1:,} of {name})"
        reason = (
            f"its checksum is {found[:12]}… and the file says {str(told)[:12]}…" if told else "it carries no checksum"
        )
        refusal = ChecksumWrong(where=where, reason=reason, place=place, repair="checksums")
        if not self.forgiving:
            raise refusal
        self.said.repairs.add("checksums")
        self.wrong += 1
        self.said.damage.append(Damage(kind="checksums", sentence=refusal.message, repairable=False, place=place))

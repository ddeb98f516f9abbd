"""Writing a site's rows as a sync file: the lists that the profile names, each record with its checksum.

The format is described in :mod:`webapp.engine.formats.sync`. It is one for exchange, not for safekeeping: what it has no
place for is said in ``remarks``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from webapp.engine.answers import BackupFacts
from webapp.engine.databases.base import Reader
from webapp.engine.errors import FormatRefused
from webapp.engine.formats.sync import VERSION, checksum
from webapp.engine.moments import any_instant
from webapp.engine.output import appearing
from webapp.engine.profile import SyncRules
from webapp.engine.schema import Column, Kind, Table
from webapp.engine.snapshot import Snapshot, utc_text
from webapp.engine.unfit import BadValue

FORMAT = "sync"

_encode = msgspec.json.encode


def write_sync(snapshot: Snapshot) -> BackupFacts:
    """Write a sync file, full or of what was stamped since a time; it appears under its name only when it is whole.

    Raises:
        FormatRefused: the profile does not say how, or more is asked for than the format can hold.
    """
    if snapshot.base or snapshot.media or snapshot.categories:
        raise FormatRefused(
            format=FORMAT, reason="it holds the lists of the profile, whole or since a time, and no files"
        )
    lists = [_List(snapshot, name) for name in snapshot.schema.order() if snapshot.profile.rules(name).sync]
    if not lists:
        raise FormatRefused(format=FORMAT, reason=f"the profile {snapshot.profile.name} knows no lists of a sync file")
    totals = {each.rules.list: each.count() for each in lists}
    total, done = sum(totals.values()), 0
    with appearing(snapshot.output) as output:
        output.write(b'{\n"metadata": ' + msgspec.json.format(_encode(_metadata(snapshot, totals)), indent=2))
        for each in lists:
            output.write(b",\n" + _encode(each.rules.list) + b": [")
            first = True
            for records in each.records():
                output.write(b"\n" if first else b",\n")
                output.write(b",\n".join(map(_encode, records)))
                first = False
                done += len(records)
                snapshot.report("backup", done, max(done, total))
            output.write(b"]" if first else b"\n]")
        output.write(b"\n}\n")
    since = _moment(snapshot.since)
    return BackupFacts(
        path=str(snapshot.output),
        size=output.size,
        sha256=output.sha256,
        records=done,
        tables={each.table.name: totals[each.rules.list] for each in lists},
        format=FORMAT,
        kind="incremental" if since else "full",
        instant=utc_text(snapshot.instant),
        since=since,
        rows=done,
        remarks=tuple(_remarks(snapshot, lists)),
    )


def _metadata(snapshot: Snapshot, totals: Mapping[str, int]) -> dict[str, object]:
    found: dict[str, object] = {
        "version": VERSION,
        "created_at": snapshot.instant.astimezone(UTC).isoformat(),
        "backup_type": "incremental" if snapshot.since else "full",
        **{f"total_{name}": count for name, count in totals.items()},
    }
    if snapshot.since:
        found["since_date"] = snapshot.since.isoformat()
    return found


def _remarks(snapshot: Snapshot, lists: Sequence[_List]) -> Iterator[str]:
    held = ", ".join(each.rules.list for each in lists)
    yield f"A sync file holds {held}, and nothing else of the site."
    for each in lists:
        if each.untold:
            yield f"Columns of {each.table.name} that it has no place for: {', '.join(each.untold)}."
        if each.cut:
            yield f"Times of {each.table.name} are told to the minute; {each.cut:,} of them have seconds."
    if snapshot.since:
        stamped = ", ".join(each.stamp.name for each in lists if each.stamp)
        yield f"Rows that were deleted, or changed without a new {stamped or 'stamp'}, are not in an increment by time."


class _List:
    """One list: which rows of its table, and how they are told."""

    def __init__(self, snapshot: Snapshot, name: str) -> None:
        rules = snapshot.profile.rules(name)
        assert rules.sync is not None
        self.rules: SyncRules = rules.sync
        self.table = snapshot.schema.tables[name]
        self.reader: Reader = snapshot.reader
        self.since = _moment(snapshot.since)
        stamp = self.table.by_name.get(rules.stamp)
        self.stamp = stamp if stamp is not None and stamp.kind is Kind.INSTANT else None
        self.blank = frozenset(rules.blank)
        self.cut = 0  # times with seconds
        absent = [column for column in self.rules.fields.values() if column not in self.table.by_name]
        if absent:
            raise FormatRefused(format=FORMAT, reason=f"{name} has no column {', '.join(absent)}")
        self.untold = [column.name for column in self.table.columns if column.name not in self.rules.fields.values()]
        self.tell = [self._teller(snapshot, self.table.by_name[column]) for column in self.rules.fields.values()]

    def count(self) -> int:
        """How many records the list has."""
        if not self.since or self.stamp is None:
            return self.reader.count(self.table.name)
        return sum(len(rows) for rows in self._rows([self.stamp.name]))

    def records(self) -> Iterator[list[dict[str, Any]]]:
        """The records with their checksums, some thousands at a time."""
        fields, columns = list(self.rules.fields), list(self.rules.fields.values())
        for rows in self._rows(columns):
            told = [
                [tell(value) for value in values] if tell else values
                for tell, values in zip(self.tell, zip(*rows, strict=True), strict=True)
            ]
            records = [dict(zip(fields, row, strict=True)) for row in zip(*told, strict=True)]
            for record in records:
                record["checksum"] = checksum(record)
            yield records

    def _rows(self, columns: list[str]) -> Iterator[Sequence[Sequence[Any]]]:
        """Batches of the rows that belong in the file, with these columns."""
        if not self.since or self.stamp is None:
            yield from (rows for rows in self.reader.rows(self.table.name, columns) if rows)
            return
        for rows in self.reader.rows(self.table.name, [*columns, self.stamp.name]):
            if found := [row[:-1] for row in rows if self._is_fresh(row[-1])]:
                yield found

    def _is_fresh(self, stamp: Any) -> bool:
        """Whether a row was stamped since then. What carries no stamp may have been."""
        try:
            return stamp is None or any_instant(stamp) >= self.since
        except (BadValue, TypeError):
            return True

    def _teller(self, snapshot: Snapshot, column: Column) -> Callable[[Any], Any] | None:
        """What makes a stored value one of the file; nothing where it is one."""
        if self.table.reference(column.name) is not None:
            return _names(snapshot, self.table, column).get
        if column.name in self.blank:
            return lambda value: None if value == "" else value
        return {Kind.TIME: self._minute, Kind.INSTANT: _instant, Kind.BOOLEAN: _truth}.get(column.kind)

    def _minute(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        self.cut += value[5:] not in ("", ":00")
        return value[:5]


def _names(snapshot: Snapshot, table: Table, column: Column) -> dict[Any, Any]:
    """What the rows that a reference leads to are called, by their keys."""
    reference = table.reference(column.name)
    assert reference is not None
    parent = snapshot.schema.tables[reference.target]
    key = next((key for key in snapshot.profile.rules(parent.name).keys if len(key) == 1), None)
    if key is None:
        raise FormatRefused(format=FORMAT, reason=f"the profile has no natural key of one column for {parent.name}")
    rows = snapshot.reader.rows(parent.name, [reference.target_columns[0], key[0]])
    return {number: name for some in rows for number, name in some}


def _instant(value: Any) -> Any:
    if isinstance(value, str) and len(value) in (19, 26) and value[10] == " ":
        return f"{value[:10]}T{value[11:]}+00:00"
    return value


def _truth(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


def _moment(since: datetime | None) -> str:
    """A time as canonical instants are compared; without a zone it is UTC."""
    if since is None:
        return ""
    moment = since if since.tzinfo else since.replace(tzinfo=UTC)
    return any_instant(moment.isoformat())

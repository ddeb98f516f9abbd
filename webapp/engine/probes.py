"""The numbers that people know about their site, asked of a backup's stage and of the database that it was restored into."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Context, Decimal, InvalidOperation

from webapp.engine.answers import ProbeResult
from webapp.engine.databases.base import Reader
from webapp.engine.profile import ProbeRules, Profile
from webapp.engine.schema import Schema
from webapp.engine.sql import q
from webapp.engine.values import Canonical

_EXACT = Context(prec=200)


def ask_probes(
    profile: Profile, schema: Schema, held: frozenset[str], staged: sqlite3.Connection, reader: Reader
) -> Iterator[tuple[ProbeResult, ProbeRules]]:
    """What each probe gives on both sides; those of tables or columns that are not there are not asked."""
    for name, probe in profile.probes.items():
        table = schema.tables.get(probe.table)
        column = table.by_name.get(probe.sum) if table else None
        if table is None or probe.table not in held or (probe.sum and (column is None or column.generated)):
            continue
        rows = q("rows " + probe.table)
        count = int(staged.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])
        values = (row[0] for row in staged.execute(f"SELECT {q(probe.sum)} FROM {rows}")) if probe.sum else ()
        before = _asked(probe, count, values)
        after = _asked(probe, reader.count(probe.table), _column(reader, probe))
        problem = ""
        if before != after:
            problem = f"{probe.title}: {before:,} in the backup, {after:,} after the restore"
        elif probe.least is not None and after < probe.least:
            problem = f"{probe.title}: {after:,}, which is less than the {probe.least:,} that there must be"
        result = ProbeResult(
            name=name,
            title=probe.title,
            category=profile.category_title(probe.category) if probe.category else "",
            backup=f"{before:,}",
            scratch=f"{after:,}",
            problem=problem,
        )
        yield result, probe


def _asked(probe: ProbeRules, count: int, values: Iterable[Canonical]) -> Decimal:
    """The number of rows, or the exact sum of the values; what is no number adds nothing."""
    if not probe.sum:
        return Decimal(count)
    total = Decimal(0)
    for value in values:
        if isinstance(value, int | float | str):
            with suppress(InvalidOperation):
                total = _EXACT.add(total, Decimal(str(value)))
    return total


def _column(reader: Reader, probe: ProbeRules) -> Iterator[Canonical]:
    for batch in reader.rows(probe.table, [probe.sum]):
        for (value,) in batch:
            yield value

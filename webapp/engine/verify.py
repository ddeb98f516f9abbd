"""The verdict: every touched row read back and equal, every reference followed, before the commit."""

from __future__ import annotations

from webapp.engine.databases.base import Report, TableChanges, Writer
from webapp.engine.errors import NotVerified, WriteRefused


def verify(writer: Writer, changes: tuple[TableChanges, ...], report: Report) -> dict[str, int]:
    """Check what was written; gives how much was checked.

    Raises:
        NotVerified: a row is not as planned, or refers to nothing.
    """
    rows = references = 0
    for number, each in enumerate(changes):
        report("verify", number, len(changes))
        differing = writer.unequal(each)
        if differing:
            raise NotVerified(count=f"{differing.count:,}", model=differing.table, pk=differing.pk)
        dangling = writer.dangling(each)
        if dangling:
            raise WriteRefused(
                reason=f"{dangling.count:,} rows of {dangling.table} would refer to nothing, the first is {dangling.pk}"
            )
        rows += each.inserts + each.updates + each.deletes
        references += len(each.table.foreign_keys)
    report("verify", len(changes), len(changes))
    return {"rows": rows, "references": references, "tables": len(changes)}

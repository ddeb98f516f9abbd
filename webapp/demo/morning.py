"""What happens to a demo site after its backup, counted, and how its application deletes."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from webapp.demo.ledger import Ledger


@dataclass
class Morning:
    """What was done, counted."""

    lost: dict[str, int] = field(default_factory=dict)  # table -> rows deleted
    spoilt: dict[str, int] = field(default_factory=dict)  # column -> rows overwritten
    emptied: int = 0  # references emptied by the deletion
    added: dict[str, int] = field(default_factory=dict)  # table -> rows entered since the backup
    corrected: int = 0  # rows changed rightly since the backup


def delete(
    ledger: Ledger, table: str, ids: Sequence[int], morning: Morning, emptied: AbstractSet[tuple[str, str]]
) -> None:
    """Delete rows as the application does: everything that refers to them goes first, but ``emptied`` (table, column)."""
    marks = ", ".join("?" for _ in ids)
    for holder, column in _holders(ledger, table):
        where = f'FROM "{holder}" WHERE "{column}" IN ({marks})'
        if (holder, column) in emptied:
            cleared = ledger.connection.execute(
                f'UPDATE "{holder}" SET "{column}" = NULL WHERE "{column}" IN ({marks})',  # noqa: S608 - names are our own
                ids,
            )
            morning.emptied += cleared.rowcount
        elif doomed := ledger.ids(f"SELECT id {where}", *ids):
            for start in range(0, len(doomed), 500):
                delete(ledger, holder, doomed[start : start + 500], morning, emptied)
    gone = ledger.connection.execute(f'DELETE FROM "{table}" WHERE id IN ({marks})', ids)  # noqa: S608 - names are our own
    morning.lost[table] = morning.lost.get(table, 0) + gone.rowcount


def _holders(ledger: Ledger, table: str) -> list[tuple[str, str]]:
    """Tables and columns that refer to a table."""
    return ledger.connection.execute(
        'SELECT m.name, k."from" FROM sqlite_master m, pragma_foreign_key_list(m.name) k'
        " WHERE m.type = 'table' AND k.\"table\" = ? ORDER BY 1, 2",
        (table,),
    ).fetchall()

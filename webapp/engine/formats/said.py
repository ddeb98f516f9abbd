"""What a format learns of a file beside its records, while they are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from webapp.engine.answers import Damage


@dataclass
class Said:
    """Complete once all records have been read."""

    made: str = ""  # when the file says that it was made
    increment: bool = False  # it holds only what was changed since some time
    since: str = ""  # since when, as the file says
    empty: tuple[str, ...] = ()  # labels of what it holds whole and that has no records
    notes: list[str] = field(default_factory=list)  # sentences for a person
    repairs: set[str] = field(default_factory=set)  # those that the format itself had to make
    damage: list[Damage] = field(default_factory=list)  # what was read although it is wrong, because that was asked for

    def clear(self) -> None:
        """Forget everything: the file is read from its beginning."""
        self.made = self.since = ""
        self.increment = False
        self.repairs.clear()
        self.damage.clear()

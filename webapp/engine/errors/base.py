"""What every refusal is."""

from __future__ import annotations

from typing import ClassVar

from webapp.engine.answers import Place, Problem


class Refusal(Exception):
    """Smart Restore refused."""

    code: ClassVar[str] = "refused"
    hint: str = ""
    exit_code: ClassVar[int] = 1

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence, with its facts."""
        return " ".join((type(self).__doc__ or "").split()).format_map(_Facts(self.facts))

    @property
    def place(self) -> Place:
        """Where in the file, when the refusal is about a place in one."""
        place = self.facts.get("place")
        return place if isinstance(place, Place) else Place()

    def problem(self) -> Problem:
        """The refusal as the problem that an answer carries."""
        return Problem(
            code=self.code,
            model=str(self.facts.get("model", "")),
            pk=str(self.facts.get("pk", "")),
            field=str(self.facts.get("field", "")),
            message=self.message,
            place=self.place,
            repair=str(self.facts.get("repair", "")),
        )


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"({key} not known)"

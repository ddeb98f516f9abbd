"""One fixture of the collection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Fixture:
    """What a file holds: records, the text itself, or ``options`` for dumpdata. The profile is TOML text."""

    name: str
    records: Sequence[Record] = ()
    text: str = ""
    options: tuple[str, ...] = ()
    profile: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Django recognises a format by the file's name."""
        format_ = next(
            (each.removeprefix("--format=") for each in self.options if each.startswith("--format=")), "json"
        )
        return f"{self.name}.{format_}"

    def write(self, folder: Path) -> Path:
        """Write the file, unless dumpdata has done so."""
        path = folder / self.file_name
        if not self.options:
            text = self.text or json.dumps(list(self.records), ensure_ascii=False)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return path


def record(model: str, pk: Any, /, **fields: Any) -> Record:
    """One record; without ``pk`` when that is ``...``."""
    found = {"model": model} if pk is ... else {"model": model, "pk": pk}
    return {**found, "fields": fields}


def samples(name: str, field_name: str, values: Iterable[Any]) -> Fixture:
    """Records that give one field of the sample model one value each."""
    return Fixture(name, [record("kinds.sample", pk, **{field_name: value}) for pk, value in enumerate(values, 1)])


def each(name: str, field_name: str, values: Mapping[str, Any]) -> list[Fixture]:
    """A fixture for each value, where some of them are told apart."""
    return [samples(f"{name}-{which}", field_name, [value]) for which, value in values.items()]

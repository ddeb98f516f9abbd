"""Several backup files as one: their records follow each other, in the order in which the files were given."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from webapp.engine.answers import FilePart, Place, StoredFile
from webapp.engine.errors import FileRefused, FilesUnreadable
from webapp.engine.formats.block import Block
from webapp.engine.formats.said import Said
from webapp.engine.formats.source import Carrier, Described, Noted, Records, Report, quiet


@dataclass(frozen=True)
class Several:
    """What a stage asks of a source, answered for all files together."""

    sources: tuple[Records, ...]
    counts: list[int] = field(default_factory=list)  # records of each file that has been read

    @property
    def parts(self) -> tuple[FilePart, ...]:
        """The files, once they have been read."""
        firsts = accumulate(self.counts, initial=1)
        return tuple(
            FilePart(name=source.name, size=source.size, sha256=source.sha256, first=first, records=count)
            for source, first, count in zip(self.sources, firsts, self.counts, strict=False)
        )

    @property
    def name(self) -> str:
        """The files' names."""
        return ", ".join(source.name for source in self.sources)

    @property
    def size(self) -> int:
        """Bytes as they are stored."""
        return sum(source.size for source in self.sources)

    @cached_property
    def sha256(self) -> str:
        """Of the files' sha256, in their order."""
        return hashlib.sha256(" ".join(source.sha256 for source in self.sources).encode()).hexdigest()

    @property
    def format(self) -> str:
        """The files' formats."""
        return "; ".join(dict.fromkeys(source.format for source in self.sources))

    @property
    def compression(self) -> str:
        """How the files are compressed."""
        return ", ".join(sorted({source.compression for source in self.sources if source.compression}))

    @property
    def asked(self) -> frozenset[str]:
        """Repairs that may be made."""
        return frozenset().union(*(source.asked for source in self.sources))

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was repaired."""
        return tuple(sorted({repair for source in self.sources for repair in source.repairs}))

    @property
    def said(self) -> Said:
        """What the files say besides their records: together they are an increment only when each of them is one."""
        every = [said_of(source) for source in self.sources]
        return Said(
            made=max((each.made for each in every), default=""),
            increment=all(each.increment for each in every),
            since=min((each.since for each in every), default="") if all(each.increment for each in every) else "",
            empty=tuple(dict.fromkeys(label for each in every for label in each.empty)),
            repairs=set().union(*(each.repairs for each in every)),
            damage=[damage for each in every for damage in each.damage],
        )

    @property
    def partial(self) -> bool:
        """Whether records of some file are lost."""
        return any(source.partial for source in self.sources)

    def blocks(self, report: Report = quiet) -> Iterator[Block]:
        """Yield the records of all files, numbered on."""
        self.counts.clear()
        before = 0
        for source in self.sources:
            start, passed, records = sum(self.counts), before, 0

            def tell(phase: str, done: int, _total: int, passed: int = passed) -> None:
                report(phase, passed + done, self.size)

            try:
                for block in source.blocks(tell):
                    block.first += start
                    records += len(block.records)
                    yield block
            except FileRefused as refused:
                raise self._named(refused, source) from None
            self.counts.append(records)
            before += source.size

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of any of them."""
        return tuple(
            dict.fromkeys(note for source in self.sources if isinstance(source, Noted) for note in source.notes)
        )

    def files(self) -> Iterator[StoredFile]:
        """The files of all; where two carry one path, the file that was given last has it."""
        found = {file.path: file for source in self.sources if isinstance(source, Carrier) for file in source.files()}
        yield from found.values()

    def read_file(self, sha256: str) -> Iterator[bytes]:
        """The content of a file, of whichever carries it."""
        for source in self.sources:
            if isinstance(source, Carrier) and any(file.sha256 == sha256 for file in source.files()):
                return source.read_file(sha256)
        raise FilesUnreadable(path=sha256[:12], reason="no file of the backup has this content")

    def _named(self, refused: FileRefused, source: Records) -> FileRefused:
        facts = dict(refused.facts)
        facts["where"] = f"{facts.get('where', '')} of {source.name}".strip()
        place = refused.place
        facts["place"] = Place(record=place.record, byte=place.byte, line=place.line, file=source.name)
        return type(refused)(**facts)


def said_of(source: Records) -> Said:
    """What a source says besides its records."""
    return source.said if isinstance(source, Described) else Said()

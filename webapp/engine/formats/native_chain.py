"""A full backup and the increments on it, read as the state at the last of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from webapp.engine.answers import FilePart, StoredFile
from webapp.engine.errors import BaseMissing, ChainBroken
from webapp.engine.formats.block import Block
from webapp.engine.formats.native import TITLE, Native, Pieces, blocks_of
from webapp.engine.formats.native_index import Known, digests_of, whole_lines
from webapp.engine.formats.native_manifest import ManifestTable, index_name, records_name
from webapp.engine.formats.said import Said
from webapp.engine.formats.source import CHUNK, Records, Report, quiet


@dataclass(frozen=True)
class Chain:
    """What a stage asks of a source, answered for a chain. ``points`` are its files, the full backup first.

    Each file names its base by id and sha256, so that the last one's sha256 stands for all.
    """

    points: tuple[Native, ...]
    compression: str = ""
    asked: frozenset[str] = frozenset()
    repairs: tuple[str, ...] = ()
    parts: tuple[FilePart, ...] = ()
    partial: bool = False

    @property
    def last(self) -> Native:
        """The point whose state this is."""
        return self.points[-1]

    @property
    def name(self) -> str:
        """The last file's name."""
        return self.last.name

    @property
    def sha256(self) -> str:
        """The last file's sha256."""
        return self.last.sha256

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(point.size for point in self.points)

    @property
    def format(self) -> str:
        """A sentence."""
        before = len(self.points) - 1
        return f"{TITLE}, increment on {before} {'other' if before == 1 else 'others'}"

    @property
    def said(self) -> Said:
        """What the last file says of itself."""
        return self.last.said

    def blocks(self, report: Report = quiet, chunk: int = CHUNK) -> Iterator[Block]:
        """Yield the records of the last point's state, table by table; of each table the newest first.

        Raises:
            ChainBroken: a row that the last point names is nowhere.
        """
        first = 1
        passed = 0
        for number, table in enumerate(self.last.manifest.tables, 1):
            with Known(self.last.read_index(number, table)) as known:
                for point, (place, part) in reversed(self._parts(table.table)):
                    name = records_name(place, table.table)

                    def tell(_phase: str, done: int, _total: int, passed: int = passed) -> None:
                        report("read", min(passed + done, self.size), self.size)

                    stream = Pieces(_kept(point, name, part, known, chunk))
                    for block in blocks_of(stream, name, part.label, first, chunk):
                        first = block.first + len(block.records)
                        yield block
                        tell("read", 0, 0)
                    passed += point.entries[name].stored + point.entries[index_name(place, table.table)].stored
                if known.left():
                    raise self._incomplete(known, table, point, place, part)
        report("read", self.size, self.size)

    def _incomplete(
        self, known: Known, table: ManifestTable, point: Native, place: int, part: ManifestTable
    ) -> ChainBroken:
        """Name one of the rows that are nowhere: those of the first file have only been counted so far."""
        count = known.left()
        for text in whole_lines(point.read_part(records_name(place, table.table), part.records)):
            known.take(digests_of(text[:-1].split(b"\n")))
        return ChainBroken(
            name=self.name,
            reason=f"{count:,} rows of {table.table} that it names are in none of its files, one is {known.one_left()[:80]}",
        )

    def _parts(self, table: str) -> list[tuple[Native, tuple[int, ManifestTable]]]:
        return [(point, point.numbered[table]) for point in self.points if table in point.numbered]

    def files(self) -> Iterator[StoredFile]:
        """The media that the site had at the last point."""
        return self.last.files()

    @cached_property
    def _newest_first(self) -> tuple[Native, ...]:
        return tuple(reversed(self.points))

    def read_file(self, sha256: str) -> Iterator[bytes]:
        """The content of a file, from the newest backup that has it.

        Raises:
            MalformedFile
        """
        holder = next((point for point in self._newest_first if point.find_blob(sha256)), self.last)
        return holder.read_file(sha256)


def _kept(point: Native, name: str, part: ManifestTable, known: Known, chunk: int) -> Iterator[bytes]:
    """Of a part the lines that are rows of the last point's state."""
    for text in whole_lines(point.read_part(name, part.records, chunk)):
        lines = text[:-1].split(b"\n")
        # In a full backup each row of a table with a key stands once, and nothing is read after it.
        once = known.keyed and not point.manifest.base
        taken = known.take(digests_of(lines), once=once)
        if all(taken):
            yield text
        elif any(taken):
            yield b"".join([line + b"\n" for line, wanted in zip(lines, taken, strict=True) if wanted])


def linked(points: Sequence[Native]) -> tuple[Native, ...]:
    """The chain that ends with the last of some backups, whatever their order before it.

    Raises:
        BaseMissing, ChainBroken
    """
    by_id = {point.manifest.id: point for point in points[:-1]}
    found = [points[-1]]
    while base := found[0].manifest.base:
        before = by_id.pop(base.id, None)
        if before is None:
            raise BaseMissing(name=found[0].name, id=base.id, reason="it is not there")
        if before.sha256 != base.sha256:
            raise ChainBroken(
                name=found[0].name, reason=f"{before.name} has the id of its base, but is another file (another sha256)"
            )
        found.insert(0, before)
    first, *others = found
    for point in others:
        if reason := _difference(first, point):
            raise ChainBroken(name=point.name, reason=f"{first.name} is of {reason}")
    return tuple(found)


def _difference(first: Native, point: Native) -> str:
    one, other = first.manifest, point.manifest
    if one.since:
        return "rows since a time only, which is no base"
    if one.schema != other.schema:
        return "another schema"
    if [(table.table, table.label) for table in one.tables] != [(table.table, table.label) for table in other.tables]:
        return "other tables"
    return ""


def as_chains(sources: Sequence[Records]) -> list[Records]:
    """Backups, with those that build on others of them put together; the bases do not count by themselves.

    Raises:
        BaseMissing, ChainBroken
    """
    natives = [source for source in sources if isinstance(source, Native)]
    bases = {native.manifest.base.id for native in natives if native.manifest.base}
    found: list[Records] = []
    for source in sources:
        if not isinstance(source, Native):
            found.append(source)
        elif source.manifest.id not in bases:
            others = [native for native in natives if native is not source]
            found.append(Chain(linked((*others, source))) if source.manifest.base else source)
    return found

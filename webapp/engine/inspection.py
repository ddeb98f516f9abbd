"""Looking a backup over: every byte, every record, every file's content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from webapp.engine.answers import BackupCheck
from webapp.engine.errors import MalformedFile
from webapp.engine.formats import Carrier, Records, as_chains, recognise
from webapp.engine.formats.native import Native
from webapp.engine.formats.native_index import added, digest_text, digests_of, parse_index, whole_lines
from webapp.engine.formats.native_manifest import ManifestTable, records_name
from webapp.engine.snapshot import Report


def inspect(paths: Sequence[Path], report: Report) -> BackupCheck:
    """Read a backup (or a chain) whole, as a restore would and further.

    Raises:
        FileRefused
    """
    files = [recognise(path, path.name) for path in paths]
    sources = as_chains(files)
    for file in files:
        if isinstance(file, Native):
            _inspect_native(file, report)
    records = sum(_count(source, report) for source in sources)
    last = files[-1]
    native = last if isinstance(last, Native) else None
    return BackupCheck(
        files=tuple(file.name for file in files),
        format=sources[-1].format,
        sha256=last.sha256,
        size=sum(file.size for file in files),
        records=records,
        media=sum(_count_files(source) for source in sources),
        id=native.manifest.id if native else "",
        instant=native.manifest.instant if native else "",
    )


def _count(source: Records, report: Report) -> int:
    return sum(len(block.records) for block in source.blocks(report))


def _count_files(source: Records) -> int:
    """The files of a source, each content read once and found to be what its name says."""
    if not isinstance(source, Carrier):
        return 0
    count = 0
    for file in source.files():
        size = sum(len(piece) for piece in source.read_file(file.sha256))
        if size != file.size:
            raise MalformedFile(where="in its list of files", reason=f"{file.path[:80]!r} has another size")
        count += 1
    return count


def _inspect_native(source: Native, report: Report) -> None:
    """What the index says of a table, and what the table's part says, must be the same."""
    for number, table in enumerate(source.manifest.tables, 1):
        _inspect_index(source, number, table)
        report("read", source.entries[records_name(number, table.table)].end, source.size)


def _inspect_index(source: Native, number: int, table: ManifestTable) -> None:
    rows = total = 0
    for text in source.read_index(number, table):
        lines = parse_index(text)
        rows += len(lines)
        total = added(total, (digest for digest, _ in lines))
    if rows != table.rows or digest_text(total) != table.digest:
        raise MalformedFile(
            where=f"in the index of {table.table}", reason="it does not name the rows that the manifest counts"
        )
    if source.manifest.base:
        return  # which of its rows stand here is seen when the chain is read
    total = 0
    name = records_name(number, table.table)
    for text in whole_lines(source.read_part(name, table.records)):
        total = added(total, digests_of(text[:-1].split(b"\n")))
    if digest_text(total) != table.digest:
        raise MalformedFile(where=f"in {name}", reason="its records are not those of its index")

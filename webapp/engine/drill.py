"""A drill: a backup restored for trial into an empty scratch database with today's structure of its site, by the very same steps.

1. Make an empty SQLite file like the site; the site itself is only read. Where the backup refers to tables that it does
   not hold, these are filled with the site's rows.
2. Plan and apply the backup there, as a restore of everything, accounts and rights included.
3. Plan it once more: every record must be found again and nothing be left to do.
4. Ask the profile's probes of the backup and of the scratch database, and read every stored file.

What the backup lacks, or what today's structure has no place for, is in the answer. A site that cannot be reached, or a
disk without room, says nothing about the backup and is raised.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Context
from pathlib import Path
from typing import TypeGuard

from webapp.engine import sql
from webapp.engine.answers import Choices, DrillAnswer, DrilledTable, Plan, ProbeResult, Problem
from webapp.engine.apply import apply
from webapp.engine.databases import Database
from webapp.engine.databases.base import Reader, Report
from webapp.engine.errors import Cancelled, Refusal, SiteRefused, WriteRefused
from webapp.engine.formats import Carrier, Records
from webapp.engine.formats.native import read_manifest
from webapp.engine.formats.native_manifest import Manifest
from webapp.engine.guard import guarded
from webapp.engine.native import write_native
from webapp.engine.pipeline import planned
from webapp.engine.probes import ask_probes
from webapp.engine.profile import Profile, choose
from webapp.engine.schema import Schema
from webapp.engine.snapshot import Snapshot
from webapp.engine.sql import names, q
from webapp.engine.stage import StageFacts, stage

WHOLE = Choices(accounts="restore", origin="same")
"""Everything, as after the loss of the whole database."""

PREFIX = "drill-"
_EXACT = Context(prec=200)


def drill(
    source: Records,
    site: Database,
    profile: str | None,
    folder: Path,
    report: Report,
    manifest: Manifest | None = None,
) -> DrillAnswer:
    """Try a backup out. ``folder`` is for the scratch files, which are gone afterwards; ``manifest`` is a native backup's.

    Raises:
        SiteRefused: the site's structure cannot be read.
        Cancelled
    """
    started = time.monotonic()
    schema = site.schema()
    known = guarded(choose(profile, schema), schema)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    # The profile by its name or path: a scratch database is recognised as its site is.
    trial = _Trial(source, site, schema, known, profile, scratch, report)
    trial.manifest = manifest
    try:
        trial.run()
    except (Cancelled, SiteRefused):
        raise
    except WriteRefused as refusal:
        if _is_about_the_disk(refusal.__cause__):
            raise refusal.__cause__ from None
        trial.refused(refusal)
    except Refusal as refusal:
        trial.refused(refusal)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return trial.answer(time.monotonic() - started)


def _is_about_the_disk(error: BaseException | None) -> TypeGuard[sqlite3.Error]:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR"))


def failed_drill(refusal: Refusal) -> DrillAnswer:
    """The answer for a file that cannot even be opened."""
    problem = refusal.problem()
    return DrillAnswer(
        proven=False, verdict=problem.message, profile="", records=0, seconds=0.0, problems=(problem,), problem_count=1
    )


class _Trial:
    """The state of one drill; nothing of it outlives :func:`drill`."""

    def __init__(
        self,
        source: Records,
        site: Database,
        schema: Schema,
        profile: Profile,
        given: str | None,
        folder: Path,
        report: Report,
    ) -> None:
        self.source, self.site, self.schema, self.profile, self.given = source, site, schema, profile, given
        self.folder, self.report = folder, report
        self.manifest: Manifest | None = None
        self.tables: list[DrilledTable] = []
        self.probes: list[ProbeResult] = []
        self.problems: list[Problem] = []
        self.problem_count = 0
        self.beside: tuple[str, ...] = ()
        self.records = self.files = self.file_bytes = 0

    def run(self) -> None:
        """All steps. A refusal on the way is what is wrong with the backup."""
        staged, facts = stage(self.source, self.schema, self.profile, self.folder, self.report)
        self.records = facts.file.records
        scratch = self.site.likeness(self.schema, self.folder / "scratch.sqlite")
        self._fill_beside(facts, scratch)
        first = self._plan(scratch, "first.plan")
        if not first.ready:
            self.problems += first.problems
            self.problem_count += first.problem_count
            return
        job = self.folder.name
        receipt = self.folder / "receipt.sqlite"
        apply(
            self.folder / "first.plan", first.digest, scratch,
            job=job, receipt=receipt, confirm_removal=None, report=self.report,
        )  # fmt: skip
        self.report("compare", 0, 3)
        again = self._plan(scratch, "second.plan")
        self.report("compare", 1, 3)
        with closing(sqlite3.connect(sql.read_only(staged), uri=True)) as rows, scratch.reader(self.schema) as reader:
            self._compare(facts, again, rows, reader, self._write_again(scratch, reader))
            self.report("compare", 2, 3)
            self._probe(facts, rows, reader)
        self._read_files()
        self.report("compare", 3, 3)

    def refused(self, refusal: Refusal) -> None:
        """Note what stood in the way."""
        self.problems.append(refusal.problem())
        self.problem_count += 1

    def answer(self, seconds: float) -> DrillAnswer:
        """What came out."""
        proven = not self.problem_count
        return DrillAnswer(
            proven=proven,
            verdict=self._verdict(proven),
            profile=self.profile.name,
            records=self.records,
            seconds=round(seconds, 3),
            tables=tuple(self.tables),
            probes=tuple(self.probes),
            problems=tuple(self.problems),
            problem_count=self.problem_count,
            beside=self.beside,
            files=self.files,
            file_bytes=self.file_bytes,
        )

    def _verdict(self, proven: bool) -> str:
        if proven:
            checked = f"{len(self.tables):,} tables" + (f", {len(self.probes):,} probes" if self.probes else "")
            return f"Proven: restored whole into an empty database with today's structure; {checked} agree."
        first = self.problems[0].message if self.problems else "records need a decision"
        more = self.problem_count - 1
        return f"It would not restore as it is: {first}" + (f" (and {more:,} more)" if more > 0 else "")

    def _plan(self, scratch: Database, name: str) -> Plan:
        return planned(self.source, scratch, self.given, WHOLE, self.folder, self.folder / name, self.report)

    def _fill_beside(self, facts: StageFacts, scratch: Database) -> None:
        """Give the scratch database the site's rows of the tables that the backup refers to without holding them."""
        held = {*facts.tables, *(model.table for model in facts.empty)}
        waiting, wanted = list(facts.tables), set[str]()
        while waiting:
            for key in self.schema.tables[waiting.pop()].foreign_keys:
                if key.target not in held | wanted:
                    wanted.add(key.target)
                    waiting.append(key.target)
        path = self.folder / "scratch.sqlite"
        with self.site.reader(self.schema) as reader, closing(sqlite3.connect(path, isolation_level=None)) as target:
            target.execute("BEGIN")
            filled = [name for name in wanted if reader.count(name)]
            for name in filled:
                columns = [column.name for column in self.schema.tables[name].columns if not column.generated]
                marks = ", ".join("?" * len(columns))
                statement = f"INSERT INTO {q(name)} ({names(columns)}) VALUES ({marks})"
                for batch in reader.rows(name, columns):
                    target.executemany(statement, batch)
                    self.report("match", 0, 0)
            target.execute("COMMIT")
        self.beside = tuple(sorted(self.profile.title_of(name) for name in filled))

    # ------------------------------------------------------------ what came of it

    def _write_again(self, scratch: Database, reader: Reader) -> Mapping[str, tuple[int, bool | None]]:
        """What a native backup's manifest says of each table: its rows, and whether a backup of the scratch has its digest.

        Digests are of rows as they are written. A value that was stored in another form, and is equal all the same, makes
        another digest: so a difference alone is no failure, the comparison row by row decides.
        """
        said = self.manifest
        if said is None or said.since:
            return {}
        output = self.folder / "again.srb"
        held = {each.table for each in said.tables}
        write_native(
            Snapshot(
                output=output,
                site=said.site,
                dialect=scratch.dialect,
                schema=self.schema,
                profile=self.profile,
                reader=reader,
                instant=datetime.now(UTC),
                tables=tuple(name for name in self.schema.order() if name in held),
                report=lambda _phase, done, total: self.report("compare", done, total),
            )
        )
        again = read_manifest(output)
        found = {each.table: each for each in again.tables} if again else {}
        return {
            each.table: (each.rows, each.digest == now.digest if now and now.columns == each.columns else None)
            for each in said.tables
            for now in (found.get(each.table),)
        }

    def _compare(
        self,
        facts: StageFacts,
        again: Plan,
        staged: sqlite3.Connection,
        reader: Reader,
        said: Mapping[str, tuple[int, bool | None]],
    ) -> None:
        left = {each.table: each.counts for each in again.tables}
        for name in facts.tables:
            if self.profile.rules(name).ignored:
                continue
            records = int(staged.execute(f"SELECT count(*) FROM {q('rows ' + name)}").fetchone()[0])
            rows = reader.count(name)
            counts = left.get(name)
            told, digest = said.get(name, (rows, None))
            equal = records == rows == told and (counts is None or (counts.same == records and not counts.changes))
            title = self.profile.title_of(name)
            self.tables.append(
                DrilledTable(table=name, title=title, records=records, rows=rows, equal=equal, digest=digest)
            )
            if not equal:
                self._fail(
                    "drill_differs",
                    f"{title}: the backup holds {records:,} records, {rows:,} rows stood there after the restore,"
                    f" {counts.same if counts else records:,} of them equal",
                    model=name,
                )

    def _probe(self, facts: StageFacts, staged: sqlite3.Connection, reader: Reader) -> None:
        for result, probe in ask_probes(self.profile, self.schema, frozenset(facts.tables), staged, reader):
            self.probes.append(result)
            if result.problem:
                self._fail("probe_failed", result.problem, model=probe.table, field=probe.sum)

    def _read_files(self) -> None:
        """Read every stored file whole: its bytes are held against its sha256 while they stream."""
        source = self.source
        if not isinstance(source, Carrier):
            return
        for file in source.files():
            for _ in source.read_file(file.sha256):
                self.report("compare", 2, 3)
            self.files += 1
            self.file_bytes += file.size

    def _fail(self, code: str, message: str, *, model: str = "", field: str = "") -> None:
        self.problems.append(Problem(code=code, model=model, field=field, message=message))
        self.problem_count += 1

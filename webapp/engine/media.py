"""The files of a site in a plan: what the backup carries beside what the folder holds.

A file belongs to the rows that name it (the profile says in which columns): it is put back with them, it goes with them, and
a file that no row names is never removed. The plan file gets two more tables, ``after #files`` and ``before #files``, in the
form of those of the rows, and ``look #files`` with the state in which the folder was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from webapp.engine.answers import FILES, Action, Counts, FileGap, FilesFacts, FilesPlan, Problem, Reason
from webapp.engine.errors import PathRefused
from webapp.engine.folder import Folder, Seen
from webapp.engine.labels import label_sql
from webapp.engine.profile import Profile
from webapp.engine.reasons import words
from webapp.engine.references import todo
from webapp.engine.schema import Schema, Table
from webapp.engine.scratch import Scratch, live, staged
from webapp.engine.sql import literal, q

COLUMNS = ("path", "size", "modified", "named_by", "sha256")
EXAMPLES = 5
PROBLEMS_NAMED = 50


def naming_tables(schema: Schema, profile: Profile) -> tuple[str, ...]:
    """Tables of a site with columns that hold paths of files."""
    return tuple(name for name, table in schema.tables.items() if _columns(table, profile))


def _columns(table: Table, profile: Profile) -> tuple[str, ...]:
    return tuple(name for name in profile.rules(table.name).files if name in table.by_name)


def describe_files(scratch: Scratch) -> FilesFacts | None:
    """What a stage holds of files."""
    if not scratch.facts.files:
        return None
    _collect_told(scratch, frozenset(table.name for table in scratch.tables))
    count, size = scratch.run("SELECT count(*), coalesce(sum(size), 0) FROM stage.files").fetchone()
    return FilesFacts(
        count=count,
        size=size,
        named=scratch.one("SELECT coalesce(sum(rows), 0) FROM temp.told WHERE path IN (SELECT path FROM stage.files)"),
        missing=scratch.one(
            "SELECT coalesce(sum(rows), 0) FROM temp.told WHERE path NOT IN (SELECT path FROM stage.files)"
        ),
        loose=scratch.one("SELECT count(*) FROM stage.files WHERE path NOT IN (SELECT path FROM temp.told)"),
    )


def plan_files(
    scratch: Scratch, folder: Path | None, chosen: frozenset[str]
) -> tuple[FilesPlan | None, tuple[Problem, ...]]:
    """Work out what becomes of the files, after the changes of the rows are written down; and what stands against it.

    Raises:
        FolderRefused: the folder cannot be opened.
    """
    if not scratch.facts.files:
        return None, ()
    held = scratch.facts.files
    if not scratch.choices.files:
        return FilesPlan(state="not_chosen", held=held), ()
    if folder is None:
        return FilesPlan(state="no_folder", held=held), ()
    listed = ", ".join(COLUMNS)
    head = '"#id" INTEGER PRIMARY KEY, "#action" TEXT, "#code" TEXT, "#field" TEXT, "#rec" INTEGER, "#rung" INTEGER'
    scratch.run(f"CREATE TABLE {q('after ' + FILES)} ({head}, {listed})")
    scratch.run(f'CREATE TABLE {q("before " + FILES)} ("#id" INTEGER PRIMARY KEY, {listed})')
    scratch.run(f"CREATE TABLE {q('look ' + FILES)} (id INTEGER PRIMARY KEY, size INTEGER, changed_ns INTEGER)")
    _collect_told(scratch, frozenset(scratch.staged_columns))
    _collect_named(scratch, chosen)
    work = _Work(scratch, Folder(folder))
    work.bring()
    if scratch.choices.remove:
        work.take_away()
    gaps = work.find_gaps()
    answer = FilesPlan(
        state="planned",
        held=held,
        counts=work.counts(),
        size=scratch.one(
            f"SELECT coalesce(sum(size), 0) FROM {q('after ' + FILES)} WHERE \"#action\" IN ('insert', 'update')"
        ),
        missing=sum(gap.rows for gap in gaps),
        gaps=gaps,
        reasons=work.reasons(),
    )
    return answer, tuple(work.problems)


# ---------------------------------------------------------------- which rows name which file


def _collect_told(scratch: Scratch, tables: frozenset[str]) -> None:
    """``told``: by path and table, how many records of the backup name it."""
    scratch.run("DROP TABLE IF EXISTS temp.told")
    scratch.run("CREATE TEMP TABLE told (path TEXT, tbl TEXT, rows INTEGER)")
    for name in sorted(tables):
        table = scratch.schema.tables[name]
        for column in _columns(table, scratch.profile):
            if column in scratch.staged_columns.get(name, ()):
                scratch.run(
                    f"INSERT INTO temp.told SELECT {q(column)}, ?, count(*) FROM {staged(table)}"
                    f" WHERE typeof({q(column)}) = 'text' AND {q(column)} <> '' GROUP BY 1",
                    (name,),
                )
    scratch.run("CREATE INDEX temp.told_path ON told (path)")


def _collect_named(scratch: Scratch, chosen: frozenset[str]) -> None:
    """``named``: which rows will name which file after the restore; ``gone``: what removed rows named."""
    scratch.run("CREATE TEMP TABLE named (path TEXT, tbl TEXT, called TEXT, rows INTEGER, chosen INTEGER)")
    scratch.run("CREATE TEMP TABLE gone (path TEXT, called TEXT)")
    planned = {table.name for table in (*scratch.tables, *scratch.joined.values())}
    for name in naming_tables(scratch.schema, scratch.profile):
        table = scratch.schema.tables[name]
        title = literal(scratch.profile.title_of(name) + ": ")
        called = f"{title} || {label_sql(scratch.profile, table)}"
        for column in _columns(table, scratch.profile):
            path = q(column)
            told = f"typeof({path}) = 'text' AND {path} <> ''"
            stays = f"SELECT {path} AS path, {called} AS called FROM {live(table)} WHERE {told}"
            if name in planned:
                stays += (
                    f" AND _rowid_ NOT IN (SELECT live FROM {todo(table)} WHERE live IS NOT NULL"
                    " AND action IN ('update', 'delete'))"
                    f" UNION ALL SELECT {path}, {called} FROM {q('after ' + name)}"
                    f" WHERE \"#action\" IN ('insert', 'update') AND {told}"
                )
                scratch.run(
                    f'INSERT INTO temp.gone SELECT {path}, {called} FROM {q("before " + name)} WHERE {told} AND "#id" IN'
                    f' (SELECT "#id" FROM {q("after " + name)} WHERE "#action" = \'delete\')'
                )
            scratch.run(
                f"INSERT INTO temp.named SELECT path, ?, min(called), count(*), ? FROM ({stays}) GROUP BY 1",
                (name, name in chosen),
            )
    scratch.run("CREATE INDEX temp.named_path ON named (path)")


# ---------------------------------------------------------------- the folder beside the backup


@dataclass(frozen=True, slots=True)
class _Carried:
    """A file of the backup that is looked at."""

    rec: int
    path: str
    size: int
    sha256: str
    modified: str | None
    called: str | None
    told: bool  # some record of the backup names it


class _Work:
    def __init__(self, scratch: Scratch, folder: Folder) -> None:
        self.scratch = scratch
        self.folder = folder
        self.problems: list[Problem] = []
        self.number = 0

    def bring(self) -> None:
        """Every file of the backup that the choice covers, beside what the folder has under its name."""
        twins = self._twins()
        total = self.scratch.facts.files
        for done, file in enumerate(self._carried()):
            self.scratch.report("files", done, total)
            if file.path in twins:
                self._write("skipped", "file_twin", file)
            elif file.called is None and file.told and self.scratch.choices.rows:
                self._write("skipped", "file_unnamed", file)
            else:
                self._compare(file)
        self.scratch.report("files", total, total)

    def _carried(self) -> Iterator[_Carried]:
        """With categories chosen, only what rows of theirs name."""
        wanted = "WHERE named.chosen OR told.path IS NOT NULL" if self.scratch.choices.categories else ""
        chosen = [name for name in self.scratch.staged_columns if name in self._chosen()]
        among = ", ".join(map(literal, chosen)) or "''"
        told = f"(SELECT path FROM temp.told WHERE tbl IN ({among}) GROUP BY 1)"
        if not self.scratch.choices.categories:
            told = "(SELECT DISTINCT path FROM temp.told)"
        found = self.scratch.run(
            "SELECT f.rec, f.path, f.size, f.sha256, f.modified, named.called, told.path IS NOT NULL FROM stage.files f"
            " LEFT JOIN (SELECT path, min(called) AS called, max(chosen) AS chosen FROM temp.named GROUP BY 1) named"
            f" ON named.path = f.path LEFT JOIN {told} told ON told.path = f.path {wanted} ORDER BY f.path"
        )
        for row in found:
            rec, path, size, sha256, modified, called, was_told = row
            yield _Carried(rec, path, size, sha256, modified, called, bool(was_told))

    def _chosen(self) -> set[str]:
        wanted = set(self.scratch.choices.categories)
        return {name for name in self.scratch.staged_columns if wanted & set(self.scratch.profile.categories_of(name))}

    def _twins(self) -> set[str]:
        """Paths that another one equals where upper and lower case are one."""
        self.scratch.connection.create_function("folded", 1, str.casefold, deterministic=True)
        found = self.scratch.run(
            "SELECT path FROM stage.files WHERE folded(path) IN"
            " (SELECT folded(path) FROM stage.files GROUP BY 1 HAVING count(*) > 1)"
        )
        return {row[0] for row in found}

    def _compare(self, file: _Carried) -> None:
        try:
            seen = self.folder.look(file.path)
            held = self.folder.digest(file.path, self._tick) if seen else ""
            barred = "" if self.folder.may_write(file.path) else "the folder cannot be written to"
        except PathRefused as refused:
            self._block(file, str(refused.facts["reason"]))
            return
        except OSError as error:
            self._block(file, error.strerror or "it cannot be read")
            return
        if seen is not None and held == file.sha256:
            self._write("same", "file_same", file)
            return
        action, code = self._decide(file, seen)
        if barred and action in ("insert", "update"):
            self._block(file, barred)
            return
        number = self._write(action, code, file)
        if seen is not None:
            self._write_before(number, file.path, seen, held, file.called)

    def _decide(self, file: _Carried, seen: Seen | None) -> tuple[Action, str]:
        choices = self.scratch.choices
        if seen is None:
            return ("insert", "file_new") if choices.add else ("skipped", "not_added")
        if not choices.change:
            return "skipped", "not_changed"
        if choices.on_conflict == "database":
            return "skipped", "file_kept"
        if choices.on_conflict == "manual":
            return "skipped", "file_undecided"
        if choices.on_conflict == "newest":
            if not file.modified:
                return "skipped", "file_undated"
            if datetime.fromisoformat(file.modified).astimezone(UTC) < seen.modified:
                return "skipped", "file_newer"
        return "update", "file_differs"

    def take_away(self) -> None:
        """Files that only removed rows named."""
        found = self.scratch.run(
            "SELECT path, min(called) FROM temp.gone WHERE path NOT IN (SELECT path FROM temp.named)"
            " AND path NOT IN (SELECT path FROM stage.files) GROUP BY 1 ORDER BY 1"
        )
        for path, called in found:
            try:
                seen = self.folder.look(path)
                held = self.folder.digest(path, self._tick) if seen else ""
            except (PathRefused, OSError):
                continue  # what cannot be reached is not removed
            if seen is not None and self.folder.may_write(path):
                file = _Carried(0, path, seen.size, held, seen.modified.isoformat(), called, told=False)
                self._write_before(self._write("delete", "file_gone", file), path, seen, held, called)

    def find_gaps(self) -> tuple[FileGap, ...]:
        """Rows that name a file which is nowhere."""
        lost: dict[str, int] = {}
        examples: dict[str, list[str]] = {}
        found = self.scratch.run(
            "SELECT tbl, path, called, rows FROM temp.named WHERE chosen"
            " AND path NOT IN (SELECT path FROM stage.files) ORDER BY tbl, path"
        )
        for table, path, called, rows in found:
            if not self._is_there(path):
                self._write("missing", "file_missing", _Carried(0, path, 0, "", None, called, told=False))
                lost[table] = lost.get(table, 0) + rows
                if len(named := examples.setdefault(table, [])) < EXAMPLES:
                    named.append(path)
        return tuple(
            FileGap(
                table=table,
                title=self.scratch.profile.title_of(table),
                rows=rows,
                examples=tuple(examples[table]),
            )
            for table, rows in lost.items()
        )

    def _is_there(self, path: str) -> bool:
        try:
            return self.folder.look(path) is not None
        except (PathRefused, OSError):
            return False

    def counts(self) -> Counts:
        """How many files by what becomes of them."""
        found = dict(self.scratch.run(f'SELECT "#action", count(*) FROM {q("after " + FILES)} GROUP BY 1').fetchall())
        found.pop("missing", None)
        return Counts(**found)

    def reasons(self) -> tuple[Reason, ...]:
        """Why files are left out."""
        found = self.scratch.run(
            f'SELECT "#code", count(*) FROM {q("after " + FILES)} WHERE "#action" = \'skipped\' GROUP BY 1 ORDER BY 2 DESC'
        )
        return tuple(
            Reason(action="skipped", code=code, table=FILES, text=words(code), count=count) for code, count in found
        )

    def _block(self, file: _Carried, reason: str) -> None:
        self._write("blocked", "file_barred", file)
        if len(self.problems) < PROBLEMS_NAMED:
            message = f"The file {file.path} cannot be put into the folder: {reason}."
            self.problems.append(Problem(code="file_barred", pk=file.path, message=message))

    def _write(self, action: Action, code: str, file: _Carried) -> int:
        self.number += 1
        self.scratch.run(
            f"INSERT INTO {q('after ' + FILES)} VALUES (?, ?, ?, NULL, ?, NULL, ?, ?, ?, ?, ?)",
            (
                self.number,
                action,
                code,
                file.rec or None,
                file.path,
                file.size,
                file.modified,
                file.called or "",
                file.sha256,
            ),
        )
        return self.number

    def _write_before(self, number: int, path: str, seen: Seen, held: str, called: str | None) -> None:
        self.scratch.run(
            f"INSERT INTO {q('before ' + FILES)} VALUES (?, ?, ?, ?, ?, ?)",
            (number, path, seen.size, seen.modified.isoformat(), called or "", held),
        )
        self.scratch.run(f"INSERT INTO {q('look ' + FILES)} VALUES (?, ?, ?)", (number, seen.size, seen.changed_ns))

    def _tick(self) -> None:
        self.scratch.report("files", 0, 0)

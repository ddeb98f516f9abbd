"""SQLite sites: attached to the scratch file, so that matching, writing and reading back are SQL in one library."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy.engine import URL

from webapp.engine.databases.base import Differing, Report, TableChanges
from webapp.engine.errors import (
    AddressRefused,
    AlreadyApplied,
    OutcomeUnknown,
    SiteBusy,
    SiteUnreachable,
    WriteRefused,
)
from webapp.engine.schema import JOURNAL, LEDGER, Column, ForeignKey, Kind, Schema, Table
from webapp.engine.sql import add_functions, literal, names, q, read_only, ticking
from webapp.engine.values import Canonical

BUSY_SECONDS = 5.0
_TYPE = re.compile(r"\s*([a-z ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*(unsigned)?\s*\Z")
_KINDS = {
    "bool": Kind.BOOLEAN,
    "boolean": Kind.BOOLEAN,
    "datetime": Kind.INSTANT,
    "timestamp": Kind.INSTANT,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "decimal": Kind.DECIMAL,
    "numeric": Kind.DECIMAL,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "uuid": Kind.UUID,
}


class SQLite:
    """A SQLite file."""

    dialect: ClassVar[str] = "sqlite"

    def __init__(self, url: URL) -> None:
        self.address = url.render_as_string(hide_password=True)
        if not url.database or url.database == ":memory:" or url.query:
            raise AddressRefused(address=self.address, reason="it must name a file and nothing else")
        self.path = Path(url.database).absolute()

    def _connect(self, *, write: bool = False) -> sqlite3.Connection:
        try:
            if not self.path.is_file():
                raise SiteUnreachable(address=self.address, reason="there is no such file")
            uri = self.path.as_uri() + ("?mode=rw" if write else "?mode=ro")
            connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False
            )
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except (sqlite3.Error, OSError) as error:
            if not write and getattr(error, "sqlite_errorname", "") == "SQLITE_READONLY_ROLLBACK":
                # A writer was killed. Whoever comes next rolls its transaction back, which takes the right to write.
                self._connect(write=True).close()
                return self._connect()
            raise self._refusal(error) from None
        return connection

    def _refusal(self, error: Exception) -> SiteBusy | SiteUnreachable:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return SiteBusy(reason=str(error))
        return SiteUnreachable(address=self.address, reason=str(error))

    def version(self) -> str:
        """The library's version."""
        return f"SQLite {sqlite3.sqlite_version}"

    def schema(self) -> Schema:
        """Reflect all base tables."""
        connection = self._connect()
        try:
            listed = connection.execute("PRAGMA main.table_list").fetchall()
            found = {
                row[1]: _reflect(connection, row[1])
                for row in listed
                if row[2] == "table" and not row[1].startswith("sqlite_")
            }
        except sqlite3.Error as error:
            raise self._refusal(error) from None
        finally:
            connection.close()
        return Schema(self.dialect, {name: _resolved(table, found) for name, table in sorted(found.items())})

    def remarks(self) -> Mapping[str, str]:
        """Tables with triggers."""
        connection = self._connect()
        try:
            rows = connection.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        finally:
            connection.close()
        return {table: f"has the trigger {name}, which may change what is written" for table, name in rows}

    @contextmanager
    def reader(self, schema: Schema) -> Iterator[_Reader]:
        """Open a snapshot: a read transaction."""
        connection = self._connect()
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield _Reader(self, schema, connection)
        finally:
            connection.close()

    @contextmanager
    def writer(self, schema: Schema, plan: str, tick: Callable[[], None]) -> Iterator[_Writer]:
        """Open the transaction that carries out a plan file."""
        connection = self._connect(write=True)
        try:
            add_functions(connection)
            # Off, so that the database deletes and empties nothing by itself: every reference is followed before the commit.
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("PRAGMA cache_size = -24000")
            connection.execute("ATTACH ? AS plan", (read_only(plan),))
            with ticking(connection, tick):
                yield _Writer(connection, schema)
        except sqlite3.Error as error:
            if "locked" in str(error) or "busy" in str(error):
                raise SiteBusy(reason=str(error)) from None
            raise WriteRefused(reason=str(error)) from error
        finally:
            # Closing rolls back whatever was not committed, also after an I/O error that ended the transaction.
            connection.close()

    def settle(self, job: str) -> bool:
        """Whether the journal has the job; the write lock waits for a writer that still runs."""
        try:
            connection = self._connect(write=True)
        except (SiteBusy, SiteUnreachable) as error:
            raise OutcomeUnknown(job=job, reason=error.facts["reason"]) from None
        try:
            connection.execute("BEGIN IMMEDIATE")
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (JOURNAL,)).fetchone()
            return bool(known and connection.execute(f"SELECT 1 FROM {q(JOURNAL)} WHERE job = ?", (job,)).fetchone())
        except sqlite3.Error as error:
            raise OutcomeUnknown(job=job, reason=str(error)) from None
        finally:
            connection.close()


# ---------------------------------------------------------------- reflection


def _reflect(connection: sqlite3.Connection, name: str) -> Table:
    definition = str(connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0])
    rows = connection.execute(f"PRAGMA table_xinfo({q(name)})").fetchall()
    key = tuple(row[1] for row in sorted((row for row in rows if row[5]), key=lambda row: int(row[5])))
    columns = tuple(_column(row, definition) for row in rows if row[6] != 1)
    unique = []
    for index in connection.execute(f"PRAGMA index_list({q(name)})").fetchall():
        if index[2] and index[3] != "pk" and not index[4]:
            members = [row[2] for row in connection.execute(f"PRAGMA index_info({q(index[1])})").fetchall()]
            if all(member is not None for member in members):
                unique.append(tuple(members))
    references: dict[int, list[tuple[str, str, str | None, str]]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({q(name)})").fetchall():
        references.setdefault(row[0], []).append((row[2], row[3], row[4], row[6]))
    return Table(
        name,
        columns,
        key,
        tuple(sorted(set(unique))),
        tuple(
            ForeignKey(
                tuple(part[1] for part in parts),
                parts[0][0],
                tuple(part[2] or "" for part in parts),
                deferrable=True,
                on_delete="" if parts[0][3] == "NO ACTION" else parts[0][3],
            )
            for _, parts in sorted(references.items())
        ),
        remark="has no primary key" if not key else _unfit(columns),
    )


def _unfit(columns: tuple[Column, ...]) -> str:
    """Names that a plan has another use for."""
    for column in columns:
        if column.name.startswith("#") or column.name.lower() == "_rowid_":
            return f"has a column named {column.name}"
    return ""


def _resolved(table: Table, tables: Mapping[str, Table]) -> Table:
    """References with the names that the target really has: SQLite compares names without case, and may leave columns out."""
    folded = {name.lower(): name for name in tables}
    references = []
    for key in table.foreign_keys:
        target = tables.get(folded.get(key.target.lower(), ""))
        if target is None:
            continue
        targets = key.target_columns if all(key.target_columns) else target.primary_key
        if len(targets) == len(key.columns):
            own = {column.name.lower(): column.name for column in table.columns}
            theirs = {column.name.lower(): column.name for column in target.columns}
            references.append(
                ForeignKey(
                    tuple(own.get(name.lower(), name) for name in key.columns),
                    target.name,
                    tuple(theirs.get(name.lower(), name) for name in targets),
                    key.deferrable,
                    key.on_delete,
                )
            )
    return Table(table.name, table.columns, table.primary_key, table.unique, tuple(references), table.remark)


def _column(row: Sequence[object], definition: str) -> Column:
    _, name, declared, not_null, default, in_key, hidden = row[:7]
    name, text = str(name), str(declared or "").lower()
    match = _TYPE.match(text)
    word, first, second, unsigned = match.groups() if match else (text, None, None, None)
    kind = _kind(word, first)
    if kind is Kind.TEXT and re.search(rf"json_valid\s*\(\s*[\"`\[]?{re.escape(name)}[\"`\]]?\s*\)", definition, re.I):
        kind = Kind.JSON
    whole = kind is Kind.INTEGER
    return Column(
        name,
        kind,
        nullable=not not_null and not in_key,
        type=text,
        default=str(default) if default is not None else "",
        generated=hidden in (2, 3) or name.startswith("#"),
        length=int(first) if kind is Kind.TEXT and first else None,
        precision=int(first) if kind is Kind.DECIMAL and first else None,
        scale=int(second or 0) if kind is Kind.DECIMAL and first else None,
        low=(0 if unsigned or "unsigned" in word else -(2**63)) if whole else None,
        high=2**63 - 1 if whole else None,
        # SQLite keeps decimals as binary numbers, unless they are text to it.
        exact=15 if kind is Kind.DECIMAL else None,
    )


def _kind(word: str, length: str | None) -> Kind:
    if word in _KINDS:
        return _KINDS[word]
    if word == "char" and length == "32":
        return Kind.UUID  # how Django declares a uuid
    # The rest by SQLite's own rules of affinity.
    if "int" in word:
        return Kind.INTEGER
    if any(part in word for part in ("char", "clob", "text")):
        return Kind.TEXT
    if "blob" in word:
        return Kind.BYTES
    if any(part in word for part in ("real", "floa", "doub")):
        return Kind.REAL
    return Kind.OTHER


# ---------------------------------------------------------------- reading


class _Reader:
    def __init__(self, database: SQLite, schema: Schema, connection: sqlite3.Connection) -> None:
        self.database = database
        self.schema = schema
        self.connection = connection

    def expose(self, scratch: sqlite3.Connection, tables: Sequence[str], report: Report) -> None:
        """Attach the file, so that it is read in place; where a table has no row numbers, copy what is needed."""
        report("match", 0, len(tables))
        listed = self.connection.execute("PRAGMA main.table_list").fetchall()
        if not {row[1] for row in listed if row[4]} & set(tables):
            scratch.execute("ATTACH ? AS live", (read_only(self.database.path),))
            return
        scratch.execute("ATTACH '' AS live")
        scratch.execute("ATTACH ? AS site", (read_only(self.database.path),))
        for number, name in enumerate(tables, 1):
            self._copy(scratch, self.schema.tables[name])
            report("match", number, len(tables))
        scratch.execute("DETACH site")

    def _copy(self, scratch: sqlite3.Connection, table: Table) -> None:
        columns = ", ".join(f"{q(column.name)} {_affinity(column.type)}" for column in table.columns)
        listed = names(column.name for column in table.columns)
        scratch.execute(f"CREATE TABLE live.{q(table.name)} ({columns})")
        scratch.execute(f"INSERT INTO live.{q(table.name)} ({listed}) SELECT {listed} FROM site.{q(table.name)}")
        for number, key in enumerate((table.primary_key, *table.unique)):
            if key:
                index = q(f"{number} {table.name}")
                scratch.execute(f"CREATE INDEX live.{index} ON {q(table.name)} ({names(key)})")

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.connection.execute(f"SELECT count(*) FROM {q(table)}").fetchone()[0])

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Sequence[Canonical]]]:
        """Batches of rows in canonical values, by primary key."""
        known = self.schema.tables[table]
        wanted = ", ".join(_canonical(known.by_name[name]) for name in columns)
        order = f" ORDER BY {names(known.primary_key)}" if known.primary_key else ""
        cursor = self.connection.execute(f"SELECT {wanted} FROM {q(table)}{order}")
        while batch := cursor.fetchmany(2000):
            yield batch

    def greatest_key(self, table: str) -> int:
        """The greatest key that was ever given out."""
        (key,) = self.schema.tables[table].primary_key
        found = self.connection.execute(f"SELECT max({q(key)}) FROM {q(table)}").fetchone()[0]
        greatest = found if isinstance(found, int) else 0
        if self.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
            row = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
            greatest = max(greatest, row[0] if row and isinstance(row[0], int) else 0)
        return greatest

    def default(self, column: Column) -> Canonical:
        """What the database itself would put into the column now. The expression is its own, from the schema."""
        value: Canonical = self.connection.execute(f"SELECT {column.default}").fetchone()[0]
        return value


def _canonical(column: Column) -> str:
    name = q(column.name)
    if column.kind is Kind.DECIMAL:
        form = "%.15g" if column.scale is None else f"%.{column.scale}f"
        return f"CASE WHEN typeof({name}) IN ('integer', 'real') THEN printf('{form}', {name}) ELSE {name} END"
    return name


# ---------------------------------------------------------------- writing


class _Writer:
    """Statements over the attached plan file. Every name is quoted; nothing from a backup is part of a statement."""

    def __init__(self, connection: sqlite3.Connection, schema: Schema) -> None:
        self.connection = connection
        self.schema = schema

    def begin(self, job: str, digest: str, changes: Sequence[TableChanges]) -> None:
        """Take the only write lock there is, and write the marker."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute(
            f"CREATE TABLE IF NOT EXISTS {q(JOURNAL)}"
            " (job varchar(64) NOT NULL PRIMARY KEY, digest varchar(64) NOT NULL, applied_at datetime NOT NULL)"
        )
        if self.connection.execute(f"SELECT 1 FROM {q(JOURNAL)} WHERE job = ?", (job,)).fetchone():
            raise AlreadyApplied(job=job)
        self.connection.execute(
            f"INSERT INTO {q(JOURNAL)} VALUES (?, ?, ?)",
            (job, digest, datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")),
        )

    def stale(self, changes: TableChanges) -> Differing | None:
        """Old rows that are gone or changed; keys of new rows that are taken."""
        table = changes.table
        same = " AND ".join(_equal(table.by_name[name], "b") for name in changes.columns)
        moved = self._differing(
            table,
            f"SELECT {_first_key(table, 'b')} FROM plan.{q(changes.before)} b JOIN plan.{q(changes.after)} a"
            f' ON a."#id" = b."#id" AND a."#action" IN (\'update\', \'delete\')'
            f" WHERE NOT EXISTS (SELECT 1 FROM main.{q(table.name)} l WHERE {_same_key(table, 'l', 'b')} AND {same})",
        )
        if moved or not changes.inserts:
            return moved
        going = f"SELECT 1 FROM plan.{q(changes.before)} b WHERE {_same_key(table, 'b', 'l')}"
        for key in (table.primary_key, *table.unique):
            on = " AND ".join(f"l.{q(name)} = a.{q(name)}" for name in key)
            taken = self._differing(
                table,
                f"SELECT {_first_key(table, 'a')} FROM plan.{q(changes.after)} a JOIN main.{q(table.name)} l ON {on}"
                f" WHERE a.\"#action\" = 'insert' AND NOT EXISTS ({going})",
            )
            if taken:
                return taken
        return None

    def delete(self, changes: TableChanges) -> None:
        """Delete by primary key."""
        which = "IN ('delete', 'update')" if changes.parked else "= 'delete'"
        self._delete(changes, which)

    def _delete(self, changes: TableChanges, which: str) -> None:
        table = changes.table
        self.connection.execute(
            f"DELETE FROM main.{q(table.name)} AS l WHERE EXISTS (SELECT 1 FROM plan.{q(changes.before)} b"
            f' JOIN plan.{q(changes.after)} a ON a."#id" = b."#id"'
            f' WHERE a."#action" {which} AND {_same_key(table, "b", "l")})'
            if len(table.primary_key) != 1
            else f"DELETE FROM main.{q(table.name)} WHERE {q(table.primary_key[0])} IN"
            f" (SELECT b.{q(table.primary_key[0])} FROM plan.{q(changes.before)} b JOIN plan.{q(changes.after)} a"
            f' ON a."#id" = b."#id" WHERE a."#action" {which})'
        )

    def update(self, changes: TableChanges) -> None:
        """Set every column of the row to what the plan says."""
        if changes.parked or not changes.updates:
            return
        table = changes.table
        assigned = [name for name in changes.columns if name not in table.primary_key]
        if not assigned:
            return
        sets = ", ".join(f"{q(name)} = a.{q(name)}" for name in assigned)
        self.connection.execute(
            f"UPDATE main.{q(table.name)} AS l SET {sets} FROM plan.{q(changes.after)} a"
            f" WHERE a.\"#action\" = 'update' AND {_same_key(table, 'l', 'a')}"
        )

    def insert(self, changes: TableChanges, advance: Callable[[int], None]) -> None:
        """Copy the new rows, in batches so that progress can be told."""
        listed = names(changes.columns)
        which = "IN ('insert', 'update')" if changes.parked else "= 'insert'"
        last = self.connection.execute(f'SELECT max("#id") FROM plan.{q(changes.after)}').fetchone()[0] or 0
        for low in range(0, last, 20_000):
            done = self.connection.execute(
                f"INSERT INTO main.{q(changes.table.name)} ({listed}) SELECT {listed} FROM plan.{q(changes.after)}"
                f' WHERE "#id" > ? AND "#id" <= ? AND "#action" {which} ORDER BY "#id"',
                (low, low + 20_000),
            )
            advance(done.rowcount)

    def unequal(self, changes: TableChanges) -> Differing | None:
        """Compare every written row with the plan, and see that deleted ones are gone."""
        table = changes.table
        same = " AND ".join(_equal(table.by_name[name], "a") for name in changes.columns)
        return self._differing(
            table,
            f"SELECT {_first_key(table, 'a')} FROM plan.{q(changes.after)} a WHERE a.\"#action\" IN ('insert', 'update')"
            f" AND NOT EXISTS (SELECT 1 FROM main.{q(table.name)} l WHERE {_same_key(table, 'l', 'a')} AND {same})"
            f" UNION ALL SELECT {_first_key(table, 'a')} FROM plan.{q(changes.after)} a WHERE a.\"#action\" = 'delete'"
            f" AND EXISTS (SELECT 1 FROM main.{q(table.name)} l WHERE {_same_key(table, 'l', 'a')})",
        )

    def dangling(self, changes: TableChanges) -> Differing | None:
        """References of written rows, and references to deleted rows."""
        table = changes.table
        for key in table.foreign_keys:
            held = " AND ".join(f"a.{q(name)} IS NOT NULL" for name in key.columns)
            on = " AND ".join(f"p.{q(t)} = a.{q(c)}" for c, t in zip(key.columns, key.target_columns, strict=True))
            lost = self._differing(
                table,
                f"SELECT {_first_key(table, 'a')} FROM plan.{q(changes.after)} a"
                f' LEFT JOIN plan.{q(changes.before)} b ON b."#id" = a."#id"'
                f" WHERE a.\"#action\" IN ('insert', 'update') AND {held}"
                f' AND NOT (b."#id" IS NOT NULL AND {" AND ".join(f"a.{q(c)} IS b.{q(c)}" for c in key.columns)})'
                f" AND NOT EXISTS (SELECT 1 FROM main.{q(key.target)} p WHERE {on})",
            )
            if lost:
                return lost
        for other in self.schema.tables.values():
            for key in other.foreign_keys:
                if key.target == table.name and (
                    changes.deletes or not set(key.target_columns) <= set(table.primary_key)
                ):
                    lost = self._left_behind(changes, other, key)
                    if lost:
                        return lost
        return None

    def _left_behind(self, changes: TableChanges, other: Table, key: ForeignKey) -> Differing | None:
        """Rows that still refer to what a deleted or changed row was."""
        pairs = list(zip(key.columns, key.target_columns, strict=True))
        old = " AND ".join(f"l.{q(c)} = b.{q(t)}" for c, t in pairs)
        now = " AND ".join(f"p.{q(t)} = l.{q(c)}" for c, t in pairs)
        moved = " OR ".join(f"a.{q(t)} IS NOT b.{q(t)}" for t in key.target_columns)
        return self._differing(
            other,
            f"SELECT {_first_key(other, 'l')} FROM plan.{q(changes.after)} a JOIN plan.{q(changes.before)} b"
            f' ON b."#id" = a."#id" AND (a."#action" = \'delete\' OR (a."#action" = \'update\' AND ({moved})))'
            f" JOIN main.{q(other.name)} l ON {old} WHERE NOT EXISTS"
            f" (SELECT 1 FROM main.{q(changes.table.name)} p WHERE {now})",
        )

    def remember(self, changes: TableChanges, backup: str) -> None:
        """Note the new keys of records that could not keep theirs."""
        self.connection.execute(
            f"CREATE TABLE IF NOT EXISTS {q(LEDGER)} (backup varchar(64) NOT NULL, tbl varchar(128) NOT NULL,"
            " old varchar(255) NOT NULL, new varchar(255) NOT NULL, PRIMARY KEY (backup, tbl, old))"
        )
        (key,) = changes.table.primary_key
        self.connection.execute(
            f"INSERT OR REPLACE INTO {q(LEDGER)} SELECT ?, ?, CAST(m.old AS TEXT), CAST(m.new AS TEXT)"
            f" FROM plan.{q('moved ' + changes.table.name)} m JOIN plan.{q(changes.after)} a ON a.{q(key)} = m.new"
            f" WHERE a.\"#action\" = 'insert'",
            (backup, changes.table.name),
        )

    def settle_keys(self, changes: TableChanges) -> None:
        """Nothing to do: SQLite follows explicit keys by itself."""

    def commit(self) -> None:
        """Commit."""
        self.connection.set_progress_handler(None, 0)
        self.connection.execute("COMMIT")

    def _differing(self, table: Table, query: str) -> Differing | None:
        count, pk = self.connection.execute(
            f"SELECT count(*), min(pk) FROM (SELECT NULL AS pk WHERE 0 UNION ALL {query})"
        ).fetchone()
        return Differing(table.name, count, str(pk)) if count else None


def _equal(column: Column, other: str) -> str:
    """An SQL condition: the live row ``l`` holds the value of the plan, to the letter, whatever the column's collation is.

    A column declared ``STRING`` turns 0123 into 123, and then into its equal when the two are compared: so text is compared as text.
    """
    live, planned = f"l.{q(column.name)}", f"{other}.{q(column.name)}"
    if column.kind in (Kind.TEXT, Kind.OTHER, Kind.UUID):
        return f"CAST({live} AS TEXT) IS CAST({planned} AS TEXT) COLLATE BINARY"
    return f"{live} IS {planned}"


def _affinity(declared: str) -> str:
    """The type by which SQLite treats values as it does under the declared one (datatype3.html, 3.1)."""
    for parts, affinity in (
        (("int",), "INTEGER"),
        (("char", "clob", "text"), "TEXT"),
        (("blob",), "BLOB"),
        (("real", "floa", "doub"), "REAL"),
    ):
        if any(part in declared for part in parts):
            return affinity
    return "NUMERIC" if declared else "BLOB"


def _same_key(table: Table, left: str, right: str) -> str:
    return " AND ".join(f"{left}.{q(name)} = {right}.{q(name)}" for name in table.primary_key)


def _first_key(table: Table, alias: str) -> str:
    return " || ', ' || ".join(f"{alias}.{q(name)}" for name in table.primary_key) or literal("")

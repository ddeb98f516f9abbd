"""A SQLite database file as a backup: the rows of its base tables, read in place and without trusting a word of its schema.

The file is opened read-only and as one that nobody changes. Views, triggers, virtual tables, generated columns and
everything that would call a function of the file's choosing are never touched: an authorizer refuses them to SQLite itself.
"""

from __future__ import annotations

import base64
import math
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from webapp.engine.answers import FilePart, Place
from webapp.engine.errors import DatabaseFileRefused, FileChanged, FileRefused
from webapp.engine.formats.block import Block, RawRecord
from webapp.engine.formats.rewritten import Rewritten
from webapp.engine.formats.said import Said
from webapp.engine.formats.source import CHUNK, Report, quiet
from webapp.engine.formats.strict import parse_value
from webapp.engine.schema import OWN_TABLES, Kind
from webapp.engine.sqlite_types import canonical, declaration

TITLE = "SQLite database"

_MAGIC = b"SQLite format 3\x00"
_TABLES = 5_000
_COLUMNS = 2_000
_SCHEMA = 16 << 20  # bytes of all definitions
_TYPE = 100  # characters of a declared type; a longer one means nothing
_KEY: Final = msgspec.Raw(b"null")
_SHADOWS = re.compile(r"_(content|segments|segdir|docsize|stat|data|idx|config|node|rowid|parent)\Z")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{3}|\d{6}))?\Z", re.ASCII)
_TIME = re.compile(r"(\d\d:\d\d:\d\d)\.(\d{3})\Z", re.ASCII)
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_TRANSACTION}
_FUNCTIONS = {"printf", "typeof", "length", "total", "sum", "coalesce"}
_PRAGMAS = {"table_xinfo", "quick_check", "encoding", "trusted_schema", "cell_size_check", "ignore_check_constraints"}

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class _Column:
    name: str
    kind: Kind
    wanted: str  # SQL


def fits(path: Path, start: bytes) -> bool:
    """Whether a file is a SQLite database."""
    return start.startswith(_MAGIC)


def open_container(path: Path, name: str, sha256: str, size: int, repairs: frozenset[str]) -> SqliteFile:
    """The rows of a database file.

    Raises:
        DatabaseFileRefused: it is not whole, or what was written last is in another file.
    """
    for ending, what in (("-wal", "the latest changes are"), ("-journal", "a change that was under way is")):
        beside = path.with_name(path.name + ending)
        if beside.is_file() and beside.stat().st_size:
            raise DatabaseFileRefused(reason=f"{what} not in it but in the file {beside.name[-60:]} beside it")
    with path.open("rb") as file:
        start = file.read(100)
    page = int.from_bytes(start[16:18]) if len(start) == 100 else 0
    page = 65536 if page == 1 else page
    if page < 512 or page & (page - 1):
        raise DatabaseFileRefused(reason="its header is damaged or cut off")
    # The number of pages counts only where the program that wrote last has kept it.
    pages = int.from_bytes(start[28:32]) if start[24:28] == start[92:96] else 0
    if size % page or size < pages * page:
        raise DatabaseFileRefused(
            reason=f"it is cut off: {size:,} of {max(pages * page, size + page - size % page):,} bytes are there"
        )
    return SqliteFile(path, name, sha256, size, repairs, in_wal_mode=start[18:20] == b"\x02\x02")


@dataclass(frozen=True)
class SqliteFile:
    """A SQLite database file; see :class:`webapp.engine.formats.source.Records`."""

    path: Path
    name: str
    sha256: str
    size: int
    asked: frozenset[str]
    in_wal_mode: bool = False
    compression: str = ""
    repairs: tuple[str, ...] = ()
    parts: tuple[FilePart, ...] = ()
    partial: bool = False
    said: Said = field(default_factory=Said)

    @property
    def format(self) -> str:
        """The format; a copy of a file in WAL mode may lack what was written last."""
        return TITLE + (
            " (in WAL mode: what was still in its -wal file is not in this copy)" if self.in_wal_mode else ""
        )

    def blocks(self, report: Report = quiet, chunk: int = CHUNK) -> Iterator[Block]:
        """Yield the rows of all base tables, table by table."""
        if self.path.stat().st_size != self.size:
            raise FileChanged(found="of another size", expected=f"{self.sha256} of {self.size:,} bytes")
        with _reading("it"):
            opened = self._connect()
        with closing(opened) as connection:
            first = 1
            empty = []
            tables = self._tables(connection)
            for number, (table, definition) in enumerate(tables):
                columns = self._columns(connection, table, definition)
                before = first
                for records in self._records(connection, table, columns, chunk):
                    yield Rewritten(records, first=first, places=_Rows(first))
                    first += len(records)
                    report("read", self.size * number // len(tables), self.size)
                if before == first:
                    empty.append(table)
            self.said.empty = tuple(empty)
            report("read", self.size, self.size)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None
        )
        # Defensive mode, where this Python can ask for it; nothing is ever written either way.
        if configure := getattr(connection, "setconfig", None):
            configure(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)  # type: ignore[attr-defined,unused-ignore]
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, _COLUMNS)
        connection.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100)
        connection.setlimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA ignore_check_constraints = ON")  # they would be evaluated by the check of the pages
        connection.set_authorizer(_authorize)
        return connection

    def _tables(self, connection: sqlite3.Connection) -> list[tuple[str, str]]:
        """Names and definitions of the base tables, without SQLite's own, ours and what belongs to virtual tables."""
        with _reading("its schema"):
            size, count = connection.execute("SELECT total(length(sql)), total(1) FROM sqlite_schema").fetchone()
            if size > _SCHEMA or count > 4 * _TABLES:
                raise DatabaseFileRefused(reason="its schema is larger than any that an application has")
            rows = connection.execute(
                "SELECT name, sql, rootpage FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL"
            ).fetchall()
        virtual = {name for name, _, root in rows if not root}
        tables = [
            (name, sql)
            for name, sql, root in rows
            if root
            and not name.lower().startswith("sqlite_")
            and name not in OWN_TABLES
            and _SHADOWS.sub("", name) not in virtual
        ]
        if len(tables) > _TABLES:
            raise DatabaseFileRefused(reason=f"it has more than {_TABLES:,} tables")
        return sorted(tables)

    def _columns(self, connection: sqlite3.Connection, table: str, definition: str) -> list[_Column]:
        with _reading(f"the table {table}"):
            found = []
            for _, name, declared, _, _, _, hidden in connection.execute(f"PRAGMA table_xinfo({_q(table)})").fetchall():
                if hidden:
                    continue
                said = declaration(name, declared if len(declared or "") <= _TYPE else "", definition)
                scale = said.scale if said.scale is None or said.scale <= 100 else None
                found.append(_Column(name, said.kind, canonical(_q(name), said.kind, scale)))
            return found

    def _records(
        self, connection: sqlite3.Connection, table: str, columns: list[_Column], chunk: int
    ) -> Iterator[list[RawRecord]]:
        if not columns:
            return
        with _reading(f"the table {table}"):
            (checked,) = connection.execute(f"PRAGMA quick_check({_q(table)})").fetchone()
            if checked != "ok":
                raise DatabaseFileRefused(reason=f"its table {table} is damaged: {checked[:200]}")
            cursor = connection.execute(f"SELECT {', '.join(column.wanted for column in columns)} FROM {_q(table)}")
        convert = [(column.name, _CONVERT.get(column.kind, _plain)) for column in columns]
        records: list[RawRecord] = []
        size = 0
        for number, row in enumerate(_rows(cursor, table), 1):
            try:
                fields = _encode({name: each(value) for (name, each), value in zip(convert, row, strict=True)})
            except _Unfit as error:
                raise DatabaseFileRefused(reason=f"row {number:,} of the table {table}: {error}") from None
            records.append(RawRecord(table, msgspec.Raw(fields), _KEY))
            size += len(fields)
            if size >= chunk:
                yield records
                records, size = [], 0
        if records:
            yield records


def _rows(cursor: sqlite3.Cursor, table: str) -> Iterator[tuple[Any, ...]]:
    """The rows one by one: each may be as long as a record, so that many at once would fill the memory."""
    with _reading(f"the table {table}"):
        yield from cursor


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """What SQLite finds wrong while it reads something is a refusal of the file."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a message may quote what is no text
        raise DatabaseFileRefused(reason=f"{what} cannot be read: {str(error)[:200]}") from None


@dataclass(frozen=True)
class _Rows:
    """Where records of a database stand: they have a number and nothing else."""

    first: int

    def __call__(self, index: int) -> Place:
        return Place(record=self.first + index)


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    """Reading tables and nothing else; a trigger or a view that SQLite would follow is refused too."""
    allowed = _trigger is None and (
        action in _ALLOWED
        or (action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS)
        or (action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# ---------------------------------------------------------------- values


class _Unfit(ValueError):
    """A value of which there is no JSON; the text says why."""


def _plain(value: Any) -> Any:
    """A value as it is stored. Bytes among texts stay apart from a text that looks like them, and are no value of the column."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _bytes(value: Any) -> Any:
    if isinstance(value, str):
        return {"text": value}  # a text is not base64, though it may look so
    if isinstance(value, float):
        return {"number": _plain(value)}
    return value


def _other(value: Any) -> Any:
    if isinstance(value, bytes):
        raise _Unfit("bytes stand in a column whose type says nothing of bytes")
    return _plain(value)


def _boolean(value: Any) -> Any:
    return bool(value) if isinstance(value, int) and value in (0, 1) else _plain(value)


def _instant(value: Any) -> Any:
    """All six digits of a second's fraction: three would mean that the rest was cut off."""
    found = _INSTANT.match(value) if isinstance(value, str) else None
    if not found:
        return _plain(value)
    return f"{found[1]}T{found[2]}" + (f".{found[3]:0<6}Z" if found[3] else "Z")


def _time(value: Any) -> Any:
    found = _TIME.match(value) if isinstance(value, str) else None
    return f"{found[1]}.{found[2]}000" if found else _plain(value)


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return _plain(value)
    if value in ("{}", "[]"):
        return msgspec.Raw(value.encode())
    try:
        parse_value(value.encode())
    except FileRefused as refused:
        raise _Unfit(f"a value is no strict JSON: {refused.facts['reason']}") from None
    return msgspec.Raw(value.encode())


_CONVERT: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INSTANT: _instant,
    Kind.TIME: _time,
    Kind.JSON: _json,
    Kind.BYTES: _bytes,
    Kind.OTHER: _other,
}

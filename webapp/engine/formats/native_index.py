"""Which rows a table had, with which digests: lines of an index, and rows looked up in one.

A line is the digest of a record's line as 32 hexadecimal digits, a space, and the row's primary key as JSON (a list
where it has several columns, null where there is none).
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType

from webapp.engine.errors import LimitExceeded, MalformedFile
from webapp.engine.formats.scan import RECORD

DIGEST = 16
"""Bytes of a record's digest."""

_BATCH = 2_000
_MODULUS = 1 << 8 * DIGEST


def digests_of(lines: Iterable[bytes]) -> list[str]:
    """The digests of records, each given as its line without the line break."""
    blake = hashlib.blake2b
    return [blake(line, digest_size=DIGEST).hexdigest() for line in lines]


def added(total: int, digests: Iterable[str]) -> int:
    """A table's digest so far, and these rows': their sum, for which the order of rows makes no difference."""
    return (total + sum(int(digest, 16) for digest in digests)) % _MODULUS


def digest_text(total: int) -> str:
    """A table's digest as it is written."""
    return f"{total:0{2 * DIGEST}x}"


def index_lines(digests: Sequence[str], keys: Sequence[str]) -> bytes:
    """Lines of an index; ``keys`` are JSON."""
    return "".join([f"{digest} {key}\n" for digest, key in zip(digests, keys, strict=True)]).encode()


_LINES = re.compile(rb"(?:[0-9a-f]{32} [^\n]++\n)*+")


def parse_index(text: bytes) -> list[tuple[str, str]]:
    """Digest and key of each line of a text of whole lines.

    Raises:
        MalformedFile
    """
    try:
        if _LINES.fullmatch(text):
            lines = text.decode().split("\n")[:-1]
            return [(line[: 2 * DIGEST], line[2 * DIGEST + 1 :]) for line in lines]
    except UnicodeDecodeError:
        pass
    raise MalformedFile(where="in an index", reason="a line is no digest and key")


class Known:
    """The rows of one table at one instant, looked up by their digests; in a file of its own, so that memory is bounded.

    Equal rows of a table without a key are as many as they are.
    """

    def __init__(self, texts: Iterable[bytes]) -> None:
        self.keyed = True  # no row is without a key, so that no two are alike
        self._once = 0
        self._connection = _nameless()
        try:
            self._load(texts)
        except BaseException:
            self._connection.close()
            raise

    def _load(self, texts: Iterable[bytes]) -> None:
        run = self._connection.execute
        run("CREATE TABLE line (digest TEXT, key TEXT)")
        for text in texts:
            self.keyed &= b" null\n" not in text
            self._connection.executemany("INSERT INTO line VALUES (?, ?)", parse_index(text))
        # In the order of the digests, so that the tree grows at its end however many there are.
        run("CREATE TABLE known (digest TEXT PRIMARY KEY, key TEXT, amount INTEGER) WITHOUT ROWID")
        run("INSERT INTO known SELECT digest, min(key), count(*) FROM line GROUP BY digest ORDER BY digest")
        run("DROP TABLE line")

    def __enter__(self) -> Known:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def take(self, digests: Sequence[str], *, once: bool = False) -> list[bool]:
        """Whether each of some rows is (still) known; those that are, are so once less.

        ``once`` says that no row comes twice from here on, which saves writing that down.
        """
        taken: list[bool] = []
        for start in range(0, len(digests), _BATCH):
            part = digests[start : start + _BATCH]
            marks = ", ".join("?" * len(part))
            left = dict(
                self._connection.execute(
                    f"SELECT digest, amount FROM known WHERE amount > 0 AND digest IN ({marks})", part
                )
            )
            if once:
                self._once += len(left)
                taken += [digest in left for digest in part]
                continue
            for digest in part:
                amount = left.get(digest, 0)
                if amount:
                    left[digest] = amount - 1
                taken.append(bool(amount))
            self._connection.executemany(
                "UPDATE known SET amount = ? WHERE digest = ?", [(amount, digest) for digest, amount in left.items()]
            )
        return taken

    def left(self) -> int:
        """How many rows were not taken."""
        (count,) = self._connection.execute("SELECT total(amount) FROM known").fetchone()
        return int(count) - self._once

    def one_left(self) -> str:
        """The key of a row that was not taken, as far as that was written down."""
        (key,) = self._connection.execute("SELECT min(key) FROM known WHERE amount > 0").fetchone()
        return str(key)

    def fresh(self, digests: Sequence[str], keys: Sequence[str]) -> list[bool]:
        """Whether each of some rows was not known."""
        return [not taken for taken in self.take(digests)]

    def gone(self) -> int:
        """How many rows were not there again."""
        return self.left()


class KnownKeys:
    """The rows of a table with a key, looked up by that. In the order of keys one is found beside the one before it."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._connection = _nameless()
        try:
            run = self._connection.execute
            run("CREATE TABLE known (key PRIMARY KEY, digest TEXT) WITHOUT ROWID")
            for text in texts:
                # A key that is there twice, which only NULL can be, makes its row count as new: too much, never too little.
                self._connection.executemany(
                    "INSERT OR IGNORE INTO known VALUES (?, ?)",
                    [(_key(key), digest) for digest, key in parse_index(text)],
                )
            (self._left,) = run("SELECT count(*) FROM known").fetchone()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> KnownKeys:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def fresh(self, digests: Sequence[str], keys: Sequence[str]) -> list[bool]:
        """Whether each of some rows was not known, or not so."""
        found: list[bool] = []
        for start in range(0, len(keys), _BATCH):
            part = [_key(key) for key in keys[start : start + _BATCH]]
            marks = ", ".join("?" * len(part))
            known = dict(self._connection.execute(f"SELECT key, digest FROM known WHERE key IN ({marks})", part))
            self._left -= len(known)
            found += [
                known.get(key) != digest for key, digest in zip(part, digests[start : start + _BATCH], strict=True)
            ]
        return found

    def gone(self) -> int:
        """How many keys were not there again."""
        return int(self._left)


def _nameless() -> sqlite3.Connection:
    """A database without a name: SQLite keeps it in a file that vanishes with the process, whatever ends it."""
    connection = sqlite3.connect("", isolation_level=None)
    for pragma in ("temp_store = FILE", "journal_mode = OFF", "cache_size = -24000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    return connection


def _key(text: str) -> int | str:
    """A key as it is looked up: numbers as such, so that they stand in their order."""
    return int(text) if len(text) < 19 and text.isascii() and text.isdigit() else text


def whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A text in pieces of whole lines; what follows the last line break comes last.

    Raises:
        LimitExceeded: a line is longer than any record may be.
    """
    rest = b""
    for piece in pieces:
        if len(rest) > RECORD:
            raise LimitExceeded(where="in a part of it", reason=f"a line has more than {RECORD:,} bytes")
        end = piece.rfind(b"\n") + 1
        if end:
            yield rest + piece[:end]
            rest = piece[end:]
        else:
            rest += piece
    if rest:
        yield rest

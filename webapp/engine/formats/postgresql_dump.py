"""Plain dumps of pg_dump: COPY blocks and INSERT statements are read as records, and no statement is ever executed.

Labels are bare table names and fields are columns. Types come from CREATE TABLE; whatever else the dump says (indexes,
functions, settings, commands of psql) is stepped over and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from webapp.engine.answers import Place
from webapp.engine.errors import TruncatedFile
from webapp.engine.formats.block import Block, RawRecord
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.postgresql_rows import Constants, Lines
from webapp.engine.formats.postgresql_tables import PUBLIC, Named, Tables
from webapp.engine.formats.postgresql_values import Convert, Unreadable
from webapp.engine.formats.rewritten import Rewritten
from webapp.engine.formats.said import Said
from webapp.engine.formats.sql_tokens import META, NAME, SIGN, WORD, SqlText, Token

TITLE = "PostgreSQL dump, plain SQL"

_BEGUN = b"-- PostgreSQL database dump"
_COMPLETE = b"-- PostgreSQL database dump complete"
_KEPT = 100_000  # tokens of a statement that is looked at; no table has as many columns
_NAMED = 5  # kinds of statements that were stepped over
_KINDS, _KIND = 1_000, 60  # how many of them are counted apart, and how many characters name one
_TARGETS = 10_000  # ways to write what rows are for that are remembered
_UTF8 = ("utf8", "utf-8", "unicode")
_TABLES = ("table", "unlogged", "foreign", "temp", "temporary", "global", "local")


def fits(head: bytes) -> bool:
    """Whether a text that begins so is of this format: pg_dump says so in its first comment."""
    return head.startswith(b"--") and (_BEGUN in head or b"-- PostgreSQL database cluster dump" in head)


def read(stream: Stream, chunk: int) -> Iterator[Block]:
    """Yield the rows of all tables, in blocks of about ``chunk`` bytes."""
    return _Dump(stream, chunk).blocks()


def read_telling(stream: Stream, chunk: int, asked: frozenset[str], said: Said) -> Iterator[Block]:
    """The same, and which tables it holds without a row, and what was stepped over."""
    dump = _Dump(stream, chunk)
    yield from dump.blocks()
    said.empty = tuple(dump.empty)
    if dump.skipped:
        most = ", ".join(f"{name} ({count:,})" for name, count in dump.skipped.most_common(_NAMED))
        more = " and others" if len(dump.skipped) > _NAMED else ""
        said.notes.append(
            f"The dump also holds statements that are no rows, and nothing was done with them: {most}{more}."
        )


class _Dump:
    def __init__(self, stream: Stream, chunk: int) -> None:
        self.text = SqlText(stream, chunk, self._comment)
        self.chunk = chunk
        self.tables = Tables()
        self.records = 0
        self.skipped: Counter[str] = Counter()
        self.dumps = self.complete = 0
        self.empty: dict[str, None] = {}  # labels of tables that it holds without a row
        self.declared = 0  # the dump, of several in the file, that declares the tables
        self.waiting: list[RawRecord] = []  # rows of INSERT statements
        self.places: list[Place] = []
        self.size = 0
        self.targets: dict[bytes, tuple[Constants, bool]] = {}  # of INSERT statements, as they are written

    def _comment(self, line: bytes) -> None:
        line = line.rstrip()
        self.dumps += line == _BEGUN
        self.complete += line == _COMPLETE

    def blocks(self) -> Iterator[Block]:
        try:
            while token := self.text.next(outside=True):
                if token.kind == META:
                    self._skip("\\" + token.text[1:].partition(" ")[0])
                elif token.kind == WORD and token.text == "copy":
                    yield from self._take_waiting()
                    yield from self._copy(token)
                elif token.kind == WORD and token.text == "insert":
                    yield from self._insert(token)
                elif token.text != ";":
                    self._statement(token)
            if not self.dumps or self.complete < self.dumps:
                self.text.cut_off(
                    "the comment 'PostgreSQL database dump complete', with which pg_dump ends, is missing"
                )
        except TruncatedFile:
            yield from self._take_waiting()
            raise
        yield from self._take_waiting()

    # ---- statements that are stepped over, and those that say what the data is

    def _rest(self, first: Token) -> list[Token]:
        """A statement, from its first token to before its semicolon."""
        kept = [first]
        depth = blocks = 0
        while (token := self.text.next()) and not (token.text == ";" and token.kind == SIGN and depth + blocks == 0):
            if len(kept) < _KEPT:
                kept.append(token)
            if token.kind == SIGN:
                depth += (token.text == "(") - (token.text == ")" and depth > 0)
            elif token.kind == WORD and depth == 0 and token.text in ("begin", "case", "end") and _is_routine(kept):
                # The body of a routine may be statements, each with a semicolon.
                if token.text == "end":
                    blocks -= blocks > 0
                elif token.text == "begin" or blocks:
                    blocks += 1
        if not token:
            self.text.cut_off("a statement has no end")
        return kept

    def _skip(self, kind: str) -> None:
        """Count a statement that is no row, by its kind while there are not too many."""
        kind = kind[:_KIND]
        self.skipped[kind if kind in self.skipped or len(self.skipped) < _KINDS else "others"] += 1

    def _statement(self, first: Token) -> None:
        tokens = self._rest(first)
        self.targets.clear()  # any statement may change what a name means
        words = [token.text for token in tokens[:8]]
        try:
            match words:
                case ["create", kind, *_] if kind in _TABLES:
                    self._declare(tokens)
                case ["create", "domain", *_]:
                    self.tables.create_domain(tokens)
                case ["alter", "table", *_]:
                    self._attach(tokens)
                case ["set", *_]:
                    self._set([token.text for token in tokens if token.text not in ("session", "local")])
                case ["select", "pg_catalog", ".", "set_config", "(", "search_path", ",", path]:
                    self.tables.path = path.split(",")[0].strip() or PUBLIC
                case _:
                    self._skip(" ".join(words[:2]))
        except (ValueError, IndexError, StopIteration):
            self.text.refuse(f"the statement {' '.join(words[:4]).upper()} is not understood", first.byte, first.line)

    def _declare(self, tokens: Sequence[Token]) -> None:
        if self.tables.known and self.declared != self.dumps:
            reason = "it holds dumps of several databases, and it is not known which is meant"
            self.text.refuse(reason, tokens[0].byte, tokens[0].line)
        self.declared = self.dumps
        self.tables.create(tokens)

    def _attach(self, tokens: Sequence[Token]) -> None:
        at = next((index for index, token in enumerate(tokens) if token.text == "attach"), 0)
        if at and tokens[at + 1].text == "partition":
            parent, _ = self.tables.name(tokens, 3 if tokens[2].text == "only" else 2)
            self.tables.attach(self.tables.name(tokens, at + 2)[0], parent)
        else:
            self._skip("alter table")

    def _set(self, words: Sequence[str]) -> None:
        match words:
            case ["set", "client_encoding", "=" | "to", encoding, *_]:
                if encoding.lower() not in _UTF8:
                    self.text.refuse(f"its texts are in the encoding {encoding}; only UTF8 is read")
            case ["set", "standard_conforming_strings", "=" | "to", switch, *_]:
                self.text.plain_backslashes = switch.lower() == "on"
            case ["set", "search_path", "=" | "to", path, *_]:
                self.tables.path = path or PUBLIC

    def _target(self, tokens: Sequence[Token], at: int) -> tuple[Named, list[str], int]:
        """The table and the columns that rows are for, and the place behind them."""
        try:
            named, at = self.tables.name(tokens, at)
        except ValueError:
            self.text.refuse("the name of a table is missing", tokens[0].byte, tokens[0].line)
        table = self.tables.table(named)
        if table is None:
            self.text.refuse(
                f"it does not say of which types the columns of {named[1]} are: its definition is missing",
                tokens[0].byte,
                tokens[0].line,
            )
        if at < len(tokens) and tokens[at].text == "(" and tokens[at].kind == SIGN:
            end = next((index for index, token in enumerate(tokens) if index > at and token.text == ")"), len(tokens))
            columns = [token.text for token in tokens[at + 1 : end] if token.kind in (NAME, WORD)]
            at = end + 1
        else:
            columns = list(table.columns)
        if len(set(columns)) != len(columns) or not set(columns) <= table.columns.keys():
            reason = f"columns of {named[1]} are named that its definition does not have, or named twice"
            self.text.refuse(reason, tokens[0].byte, tokens[0].line)
        return named, columns, at

    def _converts(self, named: Named, columns: Sequence[str]) -> list[Convert | None]:
        return self.tables.converters(named, columns) or [None] * len(columns)

    # ---- COPY

    def _copy(self, first: Token) -> Iterator[Block]:
        tokens = self._rest(first)
        named, columns, at = self._target(tokens, 1)
        if [token.text for token in tokens[at:]] != ["from", "stdin"]:
            self.text.refuse("a COPY is not of the kind that pg_dump writes", first.byte, first.line)
        if "(" not in [token.text for token in tokens]:
            table = self.tables.table(named)
            columns = [name for name in columns if table and name not in table.generated]
        strip = self.text.take_line().endswith(b"\r\n")
        lines = Lines(self.tables.label(named), columns, self._converts(named, columns), strip)
        records = self.records
        while True:
            data, ended = self.text.take_data()
            if ended:
                if records == self.records and not self.tables.is_ours(named):
                    self.empty[lines.label] = None
                return
            if not data:
                self.text.cut_off(f"the rows of {named[1]} have no end")
            if columns and not self.tables.is_ours(named):
                yield self._block(lines, data)
            self.text.advance(len(data))

    def _block(self, lines: Lines, data: bytes) -> Block:
        byte, line, first = self.text.byte, self.text.line, self.records + 1

        known = (0, 0)  # a row and where it begins: places are asked for in their order, when many rows are bad

        def place(index: int) -> Place:
            nonlocal known
            at, start = known if known[0] <= index else (0, 0)
            for _ in range(index - at):
                start = data.find(b"\n", start) + 1
            known = (index, start)
            return Place(record=first + index, byte=byte + start, line=line + index)

        records: list[RawRecord] = []
        try:
            for record in lines.read(data):
                records.append(record)
        except (Unreadable, UnicodeDecodeError) as error:
            at = place(data.count(b"\n", 0, error.start) if isinstance(error, UnicodeDecodeError) else len(records))
            reason = "a text is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            self.text.refuse(reason, at.byte, at.line)
        self.records += len(records)
        return Rewritten(records, first=first, places=place)

    # ---- INSERT

    def _insert(self, first: Token) -> Iterator[Block]:
        target = self.text.next_target()
        known = self.targets.get(target)
        if known:
            self.text.advance(len(target))
        else:
            known = self._into(first)
            if target and len(self.targets) < _TARGETS:
                self.targets[target] = known
        constants, ours = known
        more = True
        while more:
            place = self.text.next_place()
            record = constants.take(place)
            if not ours:
                self.records += 1
                self.waiting.append(record)
                self.places.append(Place(record=self.records, byte=place.byte, line=place.line))
                self.size += len(bytes(record.fields))
                if self.size >= self.chunk:
                    yield from self._take_waiting()
            token = self.text.next()
            more = token.text == "," and token.kind == SIGN
        if token.text != ";":
            self._rest(token)  # ON CONFLICT DO NOTHING

    def _into(self, first: Token) -> tuple[Constants, bool]:
        """What becomes of the rows of an INSERT, read up to them, and whether they are this program's own."""
        head = [first]
        while (token := self.text.next()) and not (
            token.kind == WORD and token.text in ("values", "select", "default")
        ):
            head.append(token)
            if token.text == ";" or len(head) > _KEPT:
                break
        if not token:
            self.text.cut_off("a statement has no end")
        named, columns, _ = self._target(head, 2)
        if token.text != "values":
            self.text.refuse("an INSERT has something else than values", first.byte, first.line)
        constants = Constants(self.text, self.tables.label(named), columns, self._converts(named, columns))
        return constants, self.tables.is_ours(named)

    def _take_waiting(self) -> Iterator[Block]:
        if self.waiting:
            places = self.places
            yield Rewritten(self.waiting, first=places[0].record or 1, places=lambda index: places[index])
            self.waiting, self.places, self.size = [], [], 0


def _is_routine(tokens: Sequence[Token]) -> bool:
    words = [token.text for token in tokens[:4] if token.kind == WORD]
    if words[1:3] == ["or", "replace"]:
        words = words[:1] + words[3:]
    return words[:1] == ["create"] and words[1:2] in (["function"], ["procedure"])

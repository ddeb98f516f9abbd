"""Rows of a dump of PostgreSQL: lines of COPY, and constants of INSERT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NoReturn

import msgspec

from webapp.engine.answers import Place
from webapp.engine.formats.block import RawRecord
from webapp.engine.formats.postgresql_values import Convert, Unreadable, unescape
from webapp.engine.formats.sql_tokens import NUMBER, SIGN, STRING, WORD, SqlText, Token

_NO_CONSTANT = "an INSERT has a value that is no constant"
_KEY: Final = msgspec.Raw(b"null")
_encode = msgspec.json.Encoder().encode

_DEFAULT = object()
_WORDS: Final[dict[str, object]] = {"null": None, "true": "true", "false": "false", "default": _DEFAULT}


class Lines:
    """How lines of one COPY block become records."""

    def __init__(self, label: str, columns: Sequence[str], converts: Sequence[Convert | None], strip: bool) -> None:
        self.label = label
        self.columns = tuple(columns)
        self.strip = strip  # lines end with CR LF
        self.converts: list[tuple[int, Callable[[str], object]]] = [
            (index, convert) for index, convert in enumerate(converts) if convert is not None
        ]

    def read(self, data: bytes) -> Iterator[RawRecord]:
        """The records of whole lines.

        Raises:
            Unreadable, UnicodeDecodeError
        """
        columns, width = self.columns, len(self.columns)
        for line in data.decode()[:-1].split("\n"):
            texts = (line.removesuffix("\r") if self.strip else line).split("\t")
            cells: list[object] = list(texts)
            if len(cells) != width:
                raise Unreadable(f"a row of {self.label} has {len(cells)} values for {width} columns")
            if "\\" in line:
                cells = [None if cell == "\\N" else unescape(cell) if "\\" in cell else cell for cell in texts]
            for index, convert in self.converts:
                cell = cells[index]
                if cell is not None:
                    try:
                        cells[index] = convert(str(cell))
                    except Unreadable as error:
                        raise Unreadable(f"{columns[index]} {error}") from None
            yield RawRecord(self.label, msgspec.Raw(_encode(dict(zip(columns, cells, strict=True)))), _KEY)


class Constants:
    """How rows of VALUES in a text become records of a table."""

    def __init__(self, text: SqlText, label: str, columns: Sequence[str], converts: Sequence[Convert | None]) -> None:
        self._text = text
        self._label = label
        self._columns = columns
        self._converts = converts

    def take(self, place: Place) -> RawRecord:
        """The record of the row that comes next, at a place; a column that is given as DEFAULT is left out."""
        row = self._text.take_row()
        values = self._exact() if row is None else self._plain(row, place)
        if len(values) > len(self._columns):
            reason = f"a row has {len(values)} values for {len(self._columns)} columns"
            self._text.refuse(reason, place.byte, place.line)
        given: dict[str, object] = {}
        for name, convert, value in zip(self._columns, self._converts, values, strict=False):
            if value is not _DEFAULT:
                try:
                    given[name] = convert(value) if convert and isinstance(value, str) else value
                except Unreadable as error:
                    self._text.refuse(f"{name} {error}", place.byte, place.line)
        return RawRecord(self._label, msgspec.Raw(_encode(given)), _KEY)

    def _plain(self, constants: Sequence[str], place: Place) -> list[object]:
        values: list[object] = []
        for text in constants:
            if text.startswith("'"):
                values.append(text[1:-1].replace("''", "'"))
            elif text[0].isalpha():
                if text.lower() not in _WORDS:
                    self._text.refuse(_NO_CONSTANT, place.byte, place.line)
                values.append(_WORDS[text.lower()])
            else:
                values.append(text)
        return values

    def _exact(self) -> list[object]:
        """A parenthesis of constants, token by token."""
        token = self._text.next()
        if token.text != "(" or token.kind != SIGN:
            self._unexpected("a row of values is missing", token)
        values = []
        while token.text != ")" or token.kind != SIGN:
            value, token = self._value()
            values.append(value)
        return values

    def _value(self) -> tuple[object, Token]:
        """A constant, and the comma or parenthesis that follows it."""
        token = self._text.next()
        sign = ""
        if token.text in ("-", "+") and token.kind == SIGN:
            sign, token = token.text.replace("+", ""), self._text.next()
        value: object
        if token.kind == STRING and not sign:
            value = token.text
        elif token.kind == NUMBER:
            value = sign + token.text
        elif token.kind == WORD and token.text in _WORDS and not sign:
            value = _WORDS[token.text]
        elif token.kind == SIGN and token.text[:2] in ("B'", "b'"):
            value = token.text[2:-1]
        else:
            self._unexpected(_NO_CONSTANT, token)
        token = self._text.next()
        depth = 0
        if token.text == "::" and token.kind == SIGN:  # the type that it is given for
            while token and not (depth == 0 and token.kind == SIGN and token.text in (",", ")")):
                token = self._text.next()
                if token.kind == SIGN and token.text == "(":
                    depth += 1
                elif token.kind == SIGN and token.text == ")" and depth:
                    depth -= 1
                    token = self._text.next()
        if token.kind != SIGN or token.text not in (",", ")"):
            self._unexpected(_NO_CONSTANT, token)
        return value, token

    def _unexpected(self, reason: str, token: Token) -> NoReturn:
        """Refuse a token; the last one of a text may be a part of what was expected."""
        if self._text.is_at_end():
            self._text.cut_off("a statement has no end")
        self._text.refuse(reason, token.byte, token.line)

"""SQL text as tokens, with the byte and the line of each. Nothing is executed and nothing is guessed.

The tokens are PostgreSQL's: strings with doubled quotes, ``E''`` strings with backslashes, quoted names, dollar quotes,
comments inside comments. A text of any length is read in pieces; only one token is ever kept whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from webapp.engine.answers import Place
from webapp.engine.errors import DumpRefused, FileRefused, LimitExceeded, TruncatedFile
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.scan import RECORD

WORD, NAME, STRING, NUMBER, SIGN, META, END = "word", "name", "string", "number", "sign", "meta", "end"
"""Kinds of tokens; a dollar-quoted text is a string, ``META`` is a command of psql on a line of its own."""

_SPACE = re.compile(rb"[ \t\r\n\f\v]++")
_TOKEN = re.compile(
    rb"(?P<escaped>[eE]'(?:[^'\\]|\\.|'')*+')"
    rb"|(?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*+')"
    rb"|(?P<name>(?:[uU]&)?\"(?:[^\"]|\"\")*+\")"
    rb"|(?P<word>[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*+)"
    rb"|(?P<number>(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)"
    rb"|(?P<dollar>\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*+)?\$)"
    rb"|(?P<sign>::|.)",
    re.DOTALL,
)
_LENIENT = re.compile(rb"(?P<escaped>'(?:[^'\\]|\\.|'')*+')", re.DOTALL)  # strings, where backslashes escape
_OPEN = re.compile(
    rb"(?:[eE]|[bBxXnN]|[uU]&)?'|(?:[uU]&)?\"|/\*|\$[A-Za-z0-9_\x80-\xff]*+\Z"
)  # what begins here and has no end yet
_CONSTANT = rb"(?:'(?:[^']|'')*+'|[A-Za-z]++|-?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)"
_ROW = re.compile(rb"\(" + _CONSTANT + rb"(?:, ?" + _CONSTANT + rb")*+\)")
_TARGET = re.compile(rb"INTO [A-Za-z0-9_.]++ (?:\([A-Za-z0-9_, ]++\) )?VALUES(?= )", re.IGNORECASE)
_CONSTANTS = re.compile(_CONSTANT)
_COMMENT = re.compile(rb"/\*|\*/")
_DATA_END = re.compile(rb"\n\\\.\r?\n")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|''", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token. ``text`` is what it means: a name without its quotes, a string without its escapes, a word in lower case."""

    kind: str
    text: str
    byte: int
    line: int

    def __bool__(self) -> bool:
        return self.kind != END


class SqlText:
    """A stream of SQL text, token by token; lines of data between statements are read as they stand."""

    def __init__(self, stream: Stream, chunk: int, comment: Callable[[bytes], None]) -> None:
        self.byte = 0  # of what comes next
        self.line = 1
        self.plain_backslashes = True  # standard_conforming_strings
        self._comment = comment
        self._stream = stream
        self._chunk = chunk
        self._buffer = b""
        self._at = 0
        self._ended = False

    # ---- tokens

    def next(self, *, outside: bool = False) -> Token:
        """The next token; ``outside`` says that no statement is open, so that a backslash begins a command of psql."""
        self._skip_space()
        byte, line = self.byte, self.line
        if self._at == len(self._buffer):
            return Token(END, "", byte, line)
        if outside and self._buffer.startswith(b"\\", self._at):
            return Token(META, self.take_line().decode("utf-8", "replace").rstrip("\r\n"), byte, line)
        found = self._match()
        kind = found.lastgroup or ""
        raw = found.group()
        if kind == "dollar":
            self._move(len(raw))
            return Token(STRING, self._decode(self._take_until(raw), byte, line), byte, line)
        self._move(len(raw))
        return self._token(kind, raw, byte, line)

    def _token(self, kind: str, raw: bytes, byte: int, line: int) -> Token:
        match kind:
            case "word":
                return Token(WORD, self._decode(raw, byte, line).lower(), byte, line)
            case "name":
                if raw[:1] != b'"':
                    self.refuse("a name is written with Unicode escapes", byte, line)
                return Token(NAME, self._decode(raw[1:-1].replace(b'""', b'"'), byte, line), byte, line)
            case "escaped":
                return Token(STRING, self._unescape(raw.partition(b"'")[2][:-1], byte, line), byte, line)
            case "string" if raw[:1] == b"'":
                return Token(STRING, self._decode(raw[1:-1].replace(b"''", b"'"), byte, line), byte, line)
            case "string":
                # A bit string, or one of Unicode escapes: no value that this program reads is written so.
                return Token(SIGN, self._decode(raw, byte, line), byte, line)
            case _:
                return Token(NUMBER if kind == "number" else SIGN, self._decode(raw, byte, line), byte, line)

    def _match(self) -> re.Match[bytes]:
        """The token at the beginning of the buffer, once it is sure to be whole."""
        while True:
            lenient = not self.plain_backslashes and self._buffer.startswith(b"'", self._at)
            found = (_LENIENT if lenient else _TOKEN).match(self._buffer, self._at)
            opened = not found or (found.lastgroup in ("sign", "word") and _OPEN.match(self._buffer, self._at))
            if found and not opened and (self._ended or found.end() < len(self._buffer)):
                return found
            if not self._fill() and opened:
                self._cut_off("a string or a name has no end")

    def _skip_space(self) -> None:
        """Step over white space and comments."""
        while True:
            if found := _SPACE.match(self._buffer, self._at):
                self._move(found.end() - self._at)
            rest = self._buffer[self._at : self._at + 2]
            if rest == b"--":
                self._comment(self.take_line())
            elif rest == b"/*":
                self._skip_comment()
            elif len(rest) == 2 or not self._fill():
                return

    def _skip_comment(self) -> None:
        """Step over a comment and the comments in it."""
        byte, line = self.byte, self.line
        self._move(2)
        depth = 1
        while depth:
            found = _COMMENT.search(self._buffer, self._at)
            if found:
                self._move(found.end() - self._at)
                depth += 1 if found.group() == b"/*" else -1
            else:
                # The last byte may be the first half of a mark.
                self._move(max(0, len(self._buffer) - self._at - 1))
                if not self._fill():
                    self._cut_off("a comment has no end", byte, line)

    def _take_until(self, mark: bytes) -> bytes:
        """The text before a mark, and step over both."""
        start = 0
        while (end := self._buffer.find(mark, self._at + start)) < 0:
            start = max(0, len(self._buffer) - self._at - len(mark))
            if not self._fill():
                self._cut_off(f"the text that {mark.decode('utf-8', 'replace')} begins has no end")
        text = self._buffer[self._at : end]
        self._move(len(text) + len(mark))
        return text

    def next_place(self) -> Place:
        """Where the next token begins."""
        self._skip_space()
        return self.place()

    def next_target(self) -> bytes:
        """What stands between INSERT and its rows, as it is written, where it is plain and at hand; else nothing."""
        self._skip_space()
        found = _TARGET.match(self._buffer, self._at)
        return found.group() if found else b""

    def take_row(self) -> list[str] | None:
        """A parenthesis of plain constants as they are written, when the next tokens are one that is at hand; else None."""
        self._skip_space()
        found = _ROW.match(self._buffer, self._at) if self.plain_backslashes else None
        if not found:
            return None
        try:
            constants = [each.decode() for each in _CONSTANTS.findall(self._buffer, found.start() + 1, found.end() - 1)]
        except UnicodeDecodeError:
            return None  # it is refused where it stands
        self._move(found.end() - found.start())
        return constants

    # ---- lines of data

    def take_line(self) -> bytes:
        """Step over what is left of the line; gives it, with its line break."""
        while (end := self._buffer.find(b"\n", self._at)) < 0:
            if not self._fill():
                end = len(self._buffer) - 1
                break
        text = self._buffer[self._at : end + 1]
        self._move(len(text))
        return text

    def take_data(self) -> tuple[bytes, bool]:
        """Whole lines of a COPY block, as many as are at hand, and whether the block ends behind them.

        The line that ends it, ``\\.``, is stepped over.
        """
        while True:
            # Only the block is copied: what follows it may be thousands of other blocks.
            text, at = self._buffer, self._at
            last = self._ended and len(text) - at == 2
            if text.startswith((b"\\.\n", b"\\.\r\n"), at) or (last and text.startswith(b"\\.", at)):
                self.take_line()
                return b"", True
            found = _DATA_END.search(text, at)
            # Without the end in sight, what could be its beginning stays for the next look.
            stop = found.start() + 1 if found else text.rfind(b"\n", at) + 1
            if stop:
                return text[at:stop], False
            if not self._fill():
                return b"", False

    def advance(self, size: int) -> None:
        """Step over bytes that were looked at already."""
        self._move(size)

    # ---- the buffer

    def _move(self, size: int) -> None:
        start = self._at
        self._at += size
        self.byte += size
        self.line += self._buffer.count(b"\n", start, self._at)

    def _fill(self) -> bool:
        """Read on; False at the end."""
        if self._ended:
            return False
        pending = len(self._buffer) - self._at
        if pending > RECORD:
            reason = f"a row or a statement has a part of more than {RECORD:,} bytes"
            raise LimitExceeded(where=self._where(self.byte, self.line), reason=reason, place=self.place())
        piece = self._stream.read(max(self._chunk, pending))
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        self._ended = not piece
        return bool(piece)

    def _decode(self, raw: bytes, byte: int, line: int) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.refuse("a text is not valid UTF-8", byte, line)

    def _unescape(self, raw: bytes, byte: int, line: int) -> str:
        def meant(found: re.Match[bytes]) -> bytes:
            octal, hexadecimal, short, long, letter = found.groups()
            if octal or hexadecimal:
                return bytes([(int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF])
            if short or long:
                return chr(int(short or long, 16)).encode()
            return _LETTERS.get(letter, letter) if letter else b"'"

        try:
            return _ESCAPE.sub(meant, raw).decode()
        except (ValueError, OverflowError):
            self.refuse("a text with escapes is not valid UTF-8", byte, line)

    # ---- places and refusals

    def place(self, byte: int | None = None, line: int | None = None) -> Place:
        """A place in the file; what comes next, if none is given."""
        return Place(byte=self.byte if byte is None else byte, line=line or self.line)

    def refuse(self, reason: str, byte: int | None = None, line: int | None = None) -> NoReturn:
        """Refuse the dump, with a place."""
        raise self.refusal(reason, byte, line)

    def refusal(self, reason: str, byte: int | None = None, line: int | None = None) -> FileRefused:
        """What is wrong with the dump, with its place."""
        place = self.place(byte, line)
        return DumpRefused(where=self._where(place.byte or 0, place.line or 0), reason=reason, place=place)

    def _cut_off(self, reason: str, byte: int | None = None, line: int | None = None) -> NoReturn:
        place = self.place(byte, line)
        raise TruncatedFile(where=self._where(place.byte or 0, place.line or 0), reason=reason, place=place)

    def is_at_end(self) -> bool:
        """Whether nothing follows."""
        self._skip_space()
        return self._at == len(self._buffer)

    def cut_off(self, reason: str) -> NoReturn:
        """Refuse a dump that ends too early."""
        self._cut_off(reason)

    @staticmethod
    def _where(byte: int, line: int) -> str:
        return f"in line {line:,} (byte {byte:,})"

"""Django fixtures as JSON lines: one record on each line. Blank lines and CR LF are allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from webapp.engine.answers import Place
from webapp.engine.errors import MalformedFile
from webapp.engine.formats.block import Block, RawRecord, check_record
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.scan import RECORD

TITLE = "Django fixture, JSON lines"

_FIRST = re.compile(rb'[ \t\r\n]*+\{[ \t]*+"(?:model|pk|fields)"')
_BLANK = b" \t\r"

_decoder = msgspec.json.Decoder(RawRecord)


def fits(head: bytes) -> bool:
    """Whether a text that begins so is of this format: its first line begins as a record does."""
    return _FIRST.match(head) is not None


def read(stream: Stream, chunk: int) -> Iterator[Block]:
    """Yield the records of all lines, in blocks of about ``chunk`` bytes."""
    buffer = b""
    byte = 0
    first = line = 1
    more = True
    while more:
        piece = stream.read(max(chunk, len(buffer)))
        more = bool(piece)
        buffer += piece
        end = buffer.rfind(b"\n") + 1 if more else len(buffer)
        if end:
            text = buffer[:end]
            records = _decode(text, first, byte, line, final=not more)
            if records:
                yield Block(text, records, first=first, byte=byte, line=line)
            first += len(records)
            line += text.count(b"\n")
            byte += end
            buffer = buffer[end:]
        elif len(buffer) > RECORD:
            check_record(buffer, Place(record=first, byte=byte, line=line))


def _decode(text: bytes, first: int, byte: int, line: int, *, final: bool) -> list[RawRecord]:
    lines = text.count(b"\n")
    borders = text.count(b"}\n{")
    tidy = text
    if not text.endswith(b"}\n") or borders != lines - 1:
        full = [part for part in (part.strip(_BLANK) for part in text.split(b"\n")) if part]
        lines = len(full)
        tidy = b"".join(part + b"\n" for part in full)
        borders = tidy.count(b"}\n{")
    if lines == 0:
        return []
    try:
        records = _decoder.decode_lines(tidy)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        records = []
    # A line break between two braces is never inside a value, so with as many records as lines each has its own.
    if len(records) != lines or borders != lines - 1:
        _refuse(text, first, byte, line, final=final)
    return records


def _refuse(text: bytes, first: int, byte: int, line: int, *, final: bool) -> None:
    """Refuse the first line that is no record."""
    start = 0
    for number, part in enumerate(text.split(b"\n")):
        body = part.strip(_BLANK)
        if body:
            at = start + len(part) - len(part.lstrip(_BLANK))
            last = final and start + len(part) == len(text)
            check_record(body, Place(record=first, byte=byte + at, line=line + number), final=last)
            first += 1
        start += len(part) + 1
    place = Place(record=first, byte=byte, line=line)
    raise MalformedFile(where=f"in line {line:,}", reason="there is not one record on each line", place=place)

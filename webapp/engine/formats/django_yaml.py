"""Django fixtures as YAML: a list of mappings with ``model``, ``pk`` and ``fields``.

Read as a stream of events. Tags, merges, and aliases of anything but a short scalar are refused: they would be programs or
bombs, and Django writes none of them. Plain scalars mean what they mean to PyYAML (a day, a number, true, nothing), numbers
digit for digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NoReturn

import msgspec
import yaml
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.resolver import Resolver

from webapp.engine.answers import Place
from webapp.engine.errors import FileRefused, LimitExceeded, MalformedFile, TruncatedFile
from webapp.engine.formats.block import Block, RawRecord
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.rewritten import Rewritten, where
from webapp.engine.formats.scan import DEPTH, RECORD

TITLE = "Django fixture, YAML"

ANCHORED = 1 << 20
"""Bytes of scalars that may be repeated by an alias. The dumper makes anchors where two fields share a value."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BEGIN = re.compile(
    rb"""(?:\#[^\n]*\n\s*|%YAML[^\n]*\n|---[ \t]*\r?\n\s*)*-[ \t\r\n]+(?:\{[ \t\r\n]*)?["']?(?:model|pk|fields)["']?[ \t]*:"""
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
_LONGEST_NUMBER = 450  # characters; what is longer goes over the limits on digits
_TAG = "tag:yaml.org,2002:"

_encode = msgspec.json.encode


def fits(head: bytes) -> bool:
    """Whether a text that begins so is of this format."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "ignore").encode()
    return _BEGIN.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(stream: Stream, chunk: int) -> Iterator[Block]:
    """Yield the records of a document, in blocks of about ``chunk`` bytes."""
    return _Document(stream, chunk).blocks()


class _Watched:
    """A stream that gives no more than one record's bytes between two events."""

    def __init__(self, inner: Stream) -> None:
        self.quiet = 0  # bytes since the last event
        self.last = b""
        self._inner = inner

    def read(self, size: int = _LONGEST_NUMBER) -> bytes:
        if self.quiet > RECORD:
            raise _TooQuiet
        text = self._inner.read(size)
        self.quiet += len(text)
        self.last = text[-1:] or self.last
        return text


class _TooQuiet(Exception):
    pass


class _Document:
    def __init__(self, stream: Stream, chunk: int) -> None:
        self._watched = _Watched(stream)
        self._chunk = chunk
        self._events: Iterator[Any] = yaml.parse(self._watched, Loader=_LOADER)
        self._resolver: Any = Resolver()  # has no types
        self._constructor = SafeConstructor()
        self._anchors: dict[str, bytes] = {}
        self._anchored = 0
        self._first = 1
        self._records: list[RawRecord] = []
        self._lines: list[int] = []
        self._line = 1
        self._size = 0  # bytes of the records that wait
        self._large = 0  # bytes of the record so far

    def blocks(self) -> Iterator[Block]:
        refused: FileRefused | None = None
        records = self._read()
        while refused is None:
            try:
                more = next(records, False)
            except FileRefused as error:
                refused = error
                more = False
            if self._records and (self._size >= self._chunk or not more):
                yield self._take()
            if not more:
                break
        if refused:
            raise refused

    def _take(self) -> Block:
        first, lines = self._first, self._lines
        block = Rewritten(
            self._records, first=first, places=lambda index: Place(record=first + index, line=lines[index])
        )
        self._first += len(self._records)
        self._records, self._lines, self._size = [], [], 0
        return block

    # ---- the document: one list of records

    def _read(self) -> Iterator[bool]:
        """True after each record, which then waits."""
        self._expect(yaml.StreamStartEvent, "")
        self._expect(yaml.DocumentStartEvent, "a document")
        self._expect(yaml.SequenceStartEvent, "a list of records")
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            if not isinstance(event, yaml.MappingStartEvent):
                self._refuse("a record is missing")
            self._record(event)
            yield True
        self._expect(yaml.DocumentEndEvent, "the end of the document")
        if not isinstance(self._next(), yaml.StreamEndEvent):
            self._refuse("a second document follows the list of records")
        if self._watched.last not in (b"\n", b"\x00"):
            raise self._refusal(
                "its last line has no end, and YAML does not show whether something is missing", TruncatedFile
            )

    def _record(self, event: Any) -> None:
        line = self._line
        self._large = 0
        self._check(event)
        found: dict[str, bytes] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            if key in found:
                self._refuse(f"the field {key[:60]!r} is there twice in one object")
            if key not in ("model", "pk", "fields"):
                self._refuse(f"this is not a record (it has the key {key[:60]!r})")
            found[key] = self._value(self._next(), 1)
        model, fields = found.get("model", b""), found.get("fields", b"")
        if model[:1] != b'"' or fields[:1] != b"{":
            self._refuse("this is not a record (model must be a text, fields a mapping)")
        self._records.append(
            RawRecord(msgspec.json.decode(model), msgspec.Raw(fields), msgspec.Raw(found.get("pk", b"null")))
        )
        self._lines.append(line)
        self._size += self._large

    # ---- values, as JSON

    def _value(self, event: Any, depth: int) -> bytes:
        if isinstance(event, yaml.ScalarEvent):
            return self._count(self._keep(event, self._scalar(event)))
        if isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            if name not in self._anchors:
                self._refuse(f"the alias {name[:40]!r} repeats a list or a mapping, or nothing that is known")
            return self._count(self._anchors[name])
        self._check(event)
        if depth >= DEPTH:
            raise self._refusal(f"objects and lists are nested more than {DEPTH} deep", LimitExceeded)
        parts: list[bytes] = []
        if isinstance(event, yaml.SequenceStartEvent):
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                parts.append(self._value(event, depth + 1))
            return b"[" + b",".join(parts) + b"]"
        seen: set[str] = set()
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            if key in seen:
                self._refuse(f"the field {key[:60]!r} is there twice in one object")
            seen.add(key)
            parts.append(self._count(_encode(key)) + b":" + self._value(self._next(), depth + 1))
        return b"{" + b",".join(parts) + b"}"

    def _key(self, event: Any) -> str:
        if isinstance(event, yaml.AliasEvent):
            value = self._value(event, DEPTH)
        elif isinstance(event, yaml.ScalarEvent):
            if event.implicit[0] and event.value == "<<":
                self._refuse("it merges mappings (<<)")
            value = self._keep(event, self._scalar(event))
        else:
            self._refuse("a list or a mapping stands where the name of a field should")
        if value[:1] != b'"':
            self._refuse(
                f"the name of a field is not a text: {event.value[:40]!r}" if event.value else "a name is empty"
            )
        return str(msgspec.json.decode(value))

    def _scalar(self, event: Any) -> bytes:
        text: str = event.value
        self._check(event, _TAG + "str")
        if event.tag is not None or not event.implicit[0]:
            return _encode(text)
        tag = str(self._resolver.resolve(yaml.ScalarNode, text, (True, False))).removeprefix(_TAG)
        if tag in ("int", "float") and (found := self._number(tag, text)) is not None:
            return found
        if tag == "bool":
            return b"true" if SafeConstructor.bool_values[text.lower()] else b"false"
        if tag == "null":
            return b"null"
        return self._moment(text) if tag == "timestamp" else _encode(text)

    def _number(self, tag: str, text: str) -> bytes | None:
        if len(text) > _LONGEST_NUMBER:
            raise self._refusal(f"a number has more than {_LONGEST_NUMBER} characters", LimitExceeded)
        if _NUMBER.match(text):
            return text.encode()
        node = yaml.ScalarNode(_TAG + tag, text)
        try:
            number = getattr(self._constructor, f"construct_yaml_{tag}")(node)
        except (ValueError, OverflowError):
            return _encode(text)
        if isinstance(number, float) and (number != number or number in (float("inf"), float("-inf"))):
            self._refuse(f"{text} is no value of JSON")
        return str(number).encode() if isinstance(number, int) else _encode(number)

    def _moment(self, text: str) -> bytes:
        """A day or an instant in ISO form, to the microsecond."""
        try:
            found = self._constructor.construct_yaml_timestamp(yaml.ScalarNode(_TAG + "timestamp", text))
        except (ValueError, OverflowError, ConstructorError):
            return _encode(text)
        return _encode(str(found) if isinstance(found, date | datetime) else text)

    # ---- events

    def _next(self) -> Any:
        try:
            event = next(self._events)
        except StopIteration:
            raise self._refusal("the list of records has no end", TruncatedFile) from None
        except _TooQuiet:
            raise self._refusal(f"the record has more than {RECORD:,} bytes", LimitExceeded) from None
        except yaml.YAMLError as error:
            raise self._broken(error) from None
        except UnicodeError as error:
            raise self._refusal(str(error)) from None
        self._watched.quiet = 0
        self._line = event.start_mark.line + 1
        return event

    def _expect(self, kind: type[Any], what: str) -> None:
        event = self._next()
        if not isinstance(event, kind):
            self._refuse(f"{what} is missing")
        if kind is yaml.SequenceStartEvent:
            self._check(event)

    def _check(self, event: Any, *allowed: str) -> None:
        """Refuse tags. An anchor is no harm as long as no alias uses it."""
        if event.tag not in (None, "!", *allowed):
            self._refuse(f"the tag {event.tag[:60]!r} is not allowed")

    def _keep(self, event: Any, value: bytes) -> bytes:
        if event.anchor is not None:
            self._anchored += len(value)
            if self._anchored > ANCHORED:
                raise self._refusal(f"anchors hold more than {ANCHORED:,} bytes", LimitExceeded)
            self._anchors[event.anchor] = value
        return value

    def _count(self, value: bytes) -> bytes:
        self._large += len(value)
        if self._large > RECORD:
            raise self._refusal(f"the record has more than {RECORD:,} bytes", LimitExceeded)
        return value

    def _broken(self, error: yaml.YAMLError) -> FileRefused:
        mark = getattr(error, "problem_mark", None)
        if mark is not None:
            self._line = mark.line + 1
        reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
        kind = TruncatedFile if "end of stream" in reason else MalformedFile
        return self._refusal(" ".join(reason.split()), kind)

    def _refusal(self, reason: str, kind: type[FileRefused] = MalformedFile) -> FileRefused:
        place = Place(record=self._first + len(self._records), line=self._line)
        return kind(where=where(place), reason=reason, place=place)

    def _refuse(self, reason: str) -> NoReturn:
        raise self._refusal(reason)

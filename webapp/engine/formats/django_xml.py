"""Django fixtures as XML: ``<object model="app.model" pk="1"><field name=".." type="..">..</field>..</object>``.

Parsed as a stream of events, without a document type declaration and therefore without entities. Text stays text and gets
its type from the live column; whole numbers, booleans and JSON are written as such, so that they are typed as fast as
elsewhere. White space around a value that is not text is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NoReturn
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from webapp.engine.answers import Place
from webapp.engine.errors import FileRefused, LimitExceeded, MalformedFile, TruncatedFile
from webapp.engine.formats.block import Block, RawRecord
from webapp.engine.formats.django_json import Stream
from webapp.engine.formats.rewritten import Rewritten, where
from webapp.engine.formats.scan import RECORD
from webapp.engine.formats.strict import parse_value

TITLE = "Django fixture, XML"

_PIECE = 1 << 16
_ROOT = re.compile(rb"<django-objects[ \t\r\n/>]")
_WHOLE = re.compile(r"-?[1-9][0-9]{0,38}\Z|0\Z")
_REAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")

_TEXTS = {
    "",
    "CharField",
    "TextField",
    "SlugField",
    "EmailField",
    "URLField",
    "FileField",
    "FilePathField",
    "ImageField",
}
_NUMBERS = {
    "AutoField",
    "BigAutoField",
    "BigIntegerField",
    "IntegerField",
    "PositiveBigIntegerField",
    "PositiveIntegerField",
    "PositiveSmallIntegerField",
    "SmallAutoField",
    "SmallIntegerField",
}

_encode = msgspec.json.encode


def fits(head: bytes) -> bool:
    """Whether a text that begins so is of this format."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "ignore").encode()
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"<") and _ROOT.search(head) is not None


def read(stream: Stream, chunk: int) -> Iterator[Block]:
    """Yield the records of a document, in blocks of about ``chunk`` bytes."""
    parser = DefusedExpatParser(forbid_dtd=True)
    document = _Document(parser.getLineNumber)
    parser.setContentHandler(document)
    more = True
    while more:
        piece = stream.read(min(chunk, _PIECE))
        more = bool(piece)
        refused = _parse(parser, document, piece)
        if document.size >= chunk or refused or not more:
            block = document.take()
            if block is not None:
                yield block
        if refused:
            raise refused


def _parse(parser: DefusedExpatParser, document: _Document, piece: bytes) -> FileRefused | None:
    """Parse a piece (none: the end); what is wrong with it, if anything."""
    try:
        if piece:
            document.quiet += len(piece)
            parser.feed(piece)
            if document.quiet > RECORD:
                raise document.too_large()
        else:
            parser.close()
    except FileRefused as refused:
        return refused
    except DefusedXmlException:
        return document.refusal("it declares a document type, by which entities could be defined")
    except (SAXException, ValueError, LookupError) as error:
        line = error.getLineNumber() if isinstance(error, SAXParseException) else None
        reason = error.getMessage() if isinstance(error, SAXException) else str(error)
        return document.refusal(reason, line=line, kind=MalformedFile if piece else TruncatedFile)
    return None


class _Field:
    """A field as its elements tell it."""

    def __init__(self, name: str, kind: str, many: bool) -> None:
        self.name = name
        self.kind = kind  # its type, or its rel
        self.many = many
        self.text: list[str] = []
        self.none = False
        self.keys: list[str] | None = None  # a natural key
        self.others: list[bytes] = []  # of a many-to-many list


class _Document(ContentHandler):
    """Follows the elements, and keeps the records until they are taken."""

    def __init__(self, line: Callable[[], int | None]) -> None:
        super().__init__()
        self._line = line
        self.size = 0  # bytes of the records that wait
        self.quiet = 0  # bytes since the last sign of progress
        self._first = 1
        self._records: list[RawRecord] = []
        self._lines: list[int] = []
        self._path: list[str] = []
        self._object: tuple[str, str | None, int] = ("", None, 0)
        self._fields: dict[str, bytes] = {}
        self._large = 0  # characters of the record so far
        self._field = _Field("", "", False)
        self._key: list[str] = []

    def take(self) -> Block | None:
        """The records that wait, as a block."""
        if not self._records:
            return None
        first, lines = self._first, self._lines
        block = Rewritten(
            self._records, first=first, places=lambda index: Place(record=first + index, line=lines[index])
        )
        self._first += len(self._records)
        self._records, self._lines, self.size = [], [], 0
        return block

    def refusal(self, reason: str, *, line: int | None = None, kind: type[FileRefused] = MalformedFile) -> FileRefused:
        place = Place(record=self._first + len(self._records), line=line or self._line() or 1)
        return kind(where=where(place), reason=reason, place=place)

    def too_large(self) -> FileRefused:
        return self.refusal(f"the record has more than {RECORD:,} bytes", kind=LimitExceeded)

    # ---- events

    def startElement(self, name: str, attrs: AttributesImpl) -> None:
        self.quiet = 0
        given = dict(attrs.items())
        self._large += len(name) + sum(len(key) + len(value) for key, value in given.items())
        match [*self._path, name]:
            case ["django-objects"]:
                pass
            case ["django-objects", "object"]:
                self._large = 0
                self._object = (self._attribute(given, name, "model"), given.get("pk"), self._line() or 1)
                self._fields = {}
            case ["django-objects", "object", "field"]:
                many = given.get("rel") == "ManyToManyRel"
                kind = given.get("rel") or given.get("type", "")
                self._field = _Field(self._attribute(given, name, "name"), kind, many)
            case ["django-objects", "object", "field", "None"]:
                self._field.none = True
            case ["django-objects", "object", "field", "natural"]:
                self._key = []
            case ["django-objects", "object", "field", "object"] if self._field.many:
                self._field.keys = None
                if "pk" in given:
                    self._field.others.append(_key(given["pk"].strip()))
            case ["django-objects", "object", "field", "object", "natural"] if self._field.many:
                self._key = []
            case _:
                self._refuse(f"the element {name[:40]!r} does not belong here")
        self._path.append(name)

    def endElement(self, name: str) -> None:
        self.quiet = 0
        self._path.pop()
        match name, len(self._path):
            case "natural", _:
                self._field.keys = [*(self._field.keys or []), "".join(self._key).strip()]
            case "object", 3 if self._field.keys is not None:
                self._field.others.append(_encode(self._field.keys))
            case "field", _:
                self._end_field(self._field)
            case "object", 1:
                self._end_object()

    def characters(self, content: str) -> None:
        self.quiet = 0
        self._large += len(content)
        if self._large > RECORD and len(self._path) > 1:
            raise self.too_large()
        if self._path[-1:] == ["natural"]:
            self._key.append(content)
        elif len(self._path) == 3:
            self._field.text.append(content)
        elif content.strip():
            self._refuse(f"the text {content[:20]!r} does not belong here")

    # ---- what the elements mean

    def _end_field(self, given: _Field) -> None:
        if given.name in self._fields:
            self._refuse(f"the field {given.name[:60]!r} is there twice in one object")
        text = "".join(given.text)
        nested = given.none or given.keys is not None or given.many
        if nested and (text.strip() or given.none + (given.keys is not None) + bool(given.others) > 1 + given.many):
            self._refuse(f"the field {given.name[:60]!r} has two values")
        try:
            self._fields[given.name] = _value(given, text)
        except FileRefused as refused:
            self._refuse(f"the field {given.name[:60]!r} is no JSON: {refused.facts['reason']}")

    def _end_object(self) -> None:
        model, pk, line = self._object
        fields = b",".join(_encode(name) + b":" + value for name, value in self._fields.items())
        key = b"null" if pk is None else _key(pk)
        self._records.append(RawRecord(model, msgspec.Raw(b"{" + fields + b"}"), msgspec.Raw(key)))
        self._lines.append(line)
        self.size += len(fields)
        self._large = 0

    def _attribute(self, given: dict[str, str], element: str, name: str) -> str:
        if not given.get(name):
            self._refuse(f"an element {element!r} has no attribute {name!r}")
        return given[name]

    def _refuse(self, reason: str) -> NoReturn:
        raise self.refusal(reason)


def _value(given: _Field, text: str) -> bytes:
    """The value of a field as JSON."""
    if given.many:
        return b"null" if given.none else b"[" + b",".join(given.others) + b"]"
    if given.none:
        return b"null"
    if given.keys is not None:
        return _encode(given.keys)
    if given.kind in _TEXTS:
        return _encode(text)
    text = text.strip()
    if given.kind == "JSONField":
        parse_value(text.encode())
        return text.encode()
    if given.kind == "BooleanField" and text in ("True", "False"):
        return text.lower().encode()
    if given.kind == "FloatField" and _REAL.match(text):
        return text.encode()
    return _key(text) if given.kind in _NUMBERS or given.kind.endswith("Rel") else _encode(text)


def _key(text: str) -> bytes:
    """A key: a whole number as such, where that is written as numbers are; else text."""
    return text.encode() if _WHOLE.match(text) else _encode(text)

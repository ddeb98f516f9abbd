"""XML and YAML that want to be programs, bombs or puzzles are refused, whatever is done to them."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest

from tests.fixture_files import COMPRESSIONS, overwrite, read_back
from tests.mutations import mutate
from webapp.engine.errors import FileRefused, LimitExceeded, MalformedFile, TruncatedFile
from webapp.engine.formats import recognise

HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats") / "backup"


def in_xml(inside: bytes) -> bytes:
    """One record with something in it."""
    return HEAD + b'<django-objects><object model="a.b" pk="1">' + inside + b"</object></django-objects>"


def in_yaml(value: bytes) -> bytes:
    """One record with a value."""
    return b"- model: a.b\n  pk: 1\n  fields:\n    x: " + value + b"\n"


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))


@pytest.mark.parametrize("chunk", [1, 50, 1 << 20])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            HEAD + b'<!DOCTYPE x [<!ENTITY l0 "lol">' + LAUGHS + b"]><django-objects>&l9;</django-objects>",
            "document type",
        ),
        (HEAD + b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><django-objects/>', "document type"),
        (HEAD + b'<!DOCTYPE django-objects SYSTEM "http://example.org/x.dtd"><django-objects/>', "document type"),
        (in_xml(b'<field name="x">&xxe;</field>'), "undefined entity"),
        (in_xml(b'<field name="x">1</field><field name="x">2</field>'), "twice"),
        (in_xml(b'<field name="x">1<None/></field>'), "two values"),
        (in_xml(b'<field name="x"><None/><natural>a</natural></field>'), "two values"),
        (in_xml(b'<field type="CharField">1</field>'), "no attribute 'name'"),
        (in_xml(b'<field name="x" type="JSONField">{"a": 1, "a": 2}</field>'), "is no JSON.*twice"),
        (in_xml(b'<field name="x" type="JSONField">NaN</field>'), "is no JSON"),
        (in_xml(b'<field name="x"><b>1</b></field>'), "'b' does not belong"),
        (in_xml(b"<script>1</script>"), "'script' does not belong"),
        (in_xml(b"text"), "does not belong"),
        (in_xml(b'<object model="a.c"/>'), "'object' does not belong"),
        (HEAD + b'<django-objects><object pk="1"/></django-objects>', "no attribute 'model'"),
        (HEAD + b"<django-objects></django-objects><more/>", "junk after document element"),
        (HEAD.replace(b"utf-8", b"x-none") + b"<django-objects/>", "encoding"),
        (in_xml(b'<field name="x">\xff</field>'), "not well-formed"),
        (in_xml(b'<field name="x">\x00</field>'), "not well-formed"),
    ],
)
def test_hostile_xml_is_refused(file: Path, text: bytes, words: str, chunk: int) -> None:
    overwrite(file, text)
    with pytest.raises(MalformedFile, match=words) as refused:
        read_back(file, chunk)
    assert refused.value.place.line is not None


@pytest.mark.parametrize("chunk", [1, 1 << 20])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (in_yaml(b"!!python/object/apply:os.system ['id']"), "tag"),
        (in_yaml(b"!!binary aGVsbG8="), "tag"),
        (in_yaml(b"!!set {a, b}"), "tag"),
        (in_yaml(b"!local 1"), "tag"),
        (b"- !!python/dict\n" + in_yaml(b"1")[2:], "begins with"),
        (in_yaml(b"&a [1, 2]") + b"    y: *a\n", "repeats a list"),
        (in_yaml(b"&a {b: *a}"), "repeats a list"),
        (in_yaml(b"*nothing"), "alias|nothing"),
        (in_yaml(b"{<<: {b: 1}}"), "merge"),
        (in_yaml(b"&a {b: 1}") + b"    <<: *a\n", "merge"),
        (in_yaml(b"1") + b"    x: 2\n", "twice"),
        (in_yaml(b"{a: 1, 'a': 2}"), "twice"),
        (in_yaml(b"1") + b"  pk: 2\n", "twice"),
        (in_yaml(b"{1: 2}"), "not a text"),
        (in_yaml(b"{yes: 2}"), "not a text"),
        (in_yaml(b"{? [a] : 2}"), "name of a field"),
        (in_yaml(b".inf"), "no value of JSON"),
        (in_yaml(b".NaN"), "no value of JSON"),
        (in_yaml(b'"a\\0b"'), "NUL"),
        (in_yaml(b"1") + b"  extra: 1\n", "not a record"),
        (in_yaml(b"1") + b"---\n" + in_yaml(b"2"), "second document"),
        (b"- model: a.b\n  pk: 1\n", "not a record"),
        (b"- model: 5\n  fields: {}\n", "not a record"),
        (b"- model: a.b\n  fields: [1]\n", "not a record"),
        (in_yaml(b"1") + b"- 5\n", "record is missing"),
        (in_yaml(b"1") + b"x: 1\n", "did not find expected|expected"),
        (in_yaml(b'"\xff"'), "UTF-8|utf"),
        (in_yaml(b"@x"), "cannot start any token"),
    ],
)
def test_hostile_yaml_is_refused(file: Path, text: bytes, words: str, chunk: int) -> None:
    overwrite(file, text)
    with pytest.raises(FileRefused, match=words):
        read_back(file, chunk)


DEEP = 3000


@pytest.mark.parametrize(
    "text",
    [
        in_xml(b'<field name="x" type="JSONField">' + b"[" * DEEP + b"]" * DEEP + b"</field>"),
        in_yaml(b"[" * DEEP + b"]" * DEEP),
        in_yaml(b"{a: " * DEEP + b"1" + b"}" * DEEP),
        in_yaml(b"- " * DEEP + b"1"),
    ],
)
def test_deep_nesting_is_refused(file: Path, text: bytes) -> None:
    overwrite(file, text)
    with pytest.raises(FileRefused):
        read_back(file)


def test_elements_inside_elements_are_refused_at_once(file: Path) -> None:
    overwrite(file, HEAD + b"<django-objects>" + b"<a>" * 100_000)
    with pytest.raises(MalformedFile, match="does not belong"):
        read_back(file)


HUGE = 6_000_000


@pytest.mark.parametrize(
    "text",
    [
        in_xml(b'<field name="x">' + b"y" * HUGE + b"</field>"),
        in_xml(b'<field name="' + b"y" * HUGE + b'">1</field>'),
        in_xml(b"<!--" + b"y" * HUGE + b"-->"),
        in_xml(b"".join(b'<field name="f%d">%s</field>' % (n, b"y" * 60_000) for n in range(100))),
        in_yaml(b"y" * HUGE),
        in_yaml(b'"' + b"y" * HUGE),
        in_yaml(b"[" + (b"y" * 1000 + b", ") * (HUGE // 1000) + b"]"),
        in_yaml(b"#" + b"y" * HUGE),
        in_yaml(b"&a " + b"y" * 900_000) + b"    y: [*a, *a, *a, *a, *a]\n",
        in_yaml(b"[" + b", ".join(b"&a%d %s" % (n, b"y" * 1000) for n in range(1100)) + b"]"),
        in_yaml(b"1" * 5000),
        in_yaml(b"1:" * 2000 + b"1"),
        in_yaml(b"1" * 41),
    ],
    ids=range(13),
)
def test_what_is_too_large_is_refused_in_little_memory(file: Path, text: bytes) -> None:
    overwrite(file, text)
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded):
            read_back(file, 1 << 16)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["xml", "yaml"])
def test_memory_does_not_grow_with_the_file(file: Path, form: str) -> None:
    if form == "xml":
        one = b'<object model="a.b" pk="1"><field name="x">' + b"y" * 1000 + b"</field></object>"
        overwrite(file, HEAD + b"<django-objects>" + one * 5000 + b"</django-objects>")
    else:
        overwrite(file, in_yaml(b"y" * 1000) * 5000)
    tracemalloc.start()
    try:
        assert sum(len(block.records) for block in recognise(file).blocks(chunk=1 << 16)) == 5000
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


XML = in_xml(
    b'<field name="n" type="CharField">\xc3\xa9 &amp; "x"</field><field name="i" type="IntegerField">12</field>'
    b'<field name="j" type="JSONField">{"a": [1, null]}</field><field name="m" rel="ManyToManyRel"><object pk="1"/></field>'
    b'<field name="o" rel="ManyToOneRel"><None/></field>'
)
YAML = (
    in_yaml(b"{a: [1, null, 2.5], 'b': \"\\u00e9\"}")
    + b"    day: 2026-03-12 10:00:00+00:00\n    t: |-\n      two\n      lines\n"
)


def test_every_truncation_of_xml_is_called_one(file: Path) -> None:
    for length in range(len(HEAD) + 16, len(XML)):
        overwrite(file, XML[:length])
        with pytest.raises(TruncatedFile):
            read_back(file, 64)


def test_a_truncation_inside_a_line_of_yaml_is_refused(file: Path) -> None:
    for length in range(9, len(YAML)):
        if not YAML[:length].endswith(b"\n"):
            overwrite(file, YAML[:length])
            with pytest.raises(FileRefused):
                read_back(file, 64)


@pytest.mark.parametrize("compression", ["", "gzip", "lzma"])
@pytest.mark.parametrize("text", [XML, YAML], ids=["xml", "yaml"])
def test_mutated_files_are_read_or_refused(file: Path, text: bytes, compression: str) -> None:
    seed = random.Random(f"{compression} {text!r}")
    whole = COMPRESSIONS[compression](text * 2 if text is YAML else text)
    messages = set()
    for _ in range(1500):
        overwrite(file, mutate(whole, seed))
        try:
            read_back(file, 1 << seed.randrange(4, 12))
        except FileRefused as refused:
            messages.add(refused.message)
    assert not [message for message in messages if "not known)" in message]

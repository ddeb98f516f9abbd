"""What Django writes, in each of its formats, is read as Django itself reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import django_library
from tests.fixture_files import COMPRESSIONS, Record, overwrite, read_back

django_library.set_up()

from django.core import serializers  # noqa: E402 - Django wants its settings first
from django.db import models  # noqa: E402

from tests.django_library.models import Author, Book  # noqa: E402
from webapp.engine.formats import recognise  # noqa: E402

FORMATS = ("json", "jsonl", "xml", "yaml")
SPACE = UUID(int=7)


def book(number: int, **values: Any) -> Book:
    return Book(id=uuid5(SPACE, str(number)), **values)


BOOKS = [
    book(1, title="plain", pages=3, author_id=5),
    book(
        2,
        title='Zoë "quoted" <b> & नमस्ते 🙂',
        text="two\nlines: - # 'x'",
        slug="a-b",
        mail="a@example.org",
        price=Decimal("12345678901234567890.1200"),
        weight=-1.5e-7,
        pages=-(2**62),
        sold=True,
        printed=datetime(2026, 3, 12, 11, 0, 1, 123456, tzinfo=UTC),
        opens=time(9, 30, 0, 250000),
        lent_for=timedelta(days=-3, seconds=5, microseconds=7),
        cover=b"\x00\xff binary",
        facts={"a": [1, 2.5, None, True, {"é": "ü"}], "": "null", "on": "yes"},
        address="2001:db8::1",
        file="covers/é.png",
    ),
    book(3, title="", sold=False, printed=datetime(1999, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
    *(
        book(10 + number, title=title, weight=1e16, facts=[])
        for number, title in enumerate(
            [
                "yes",
                "null",
                "~",
                "1",
                "010",
                "1e5",
                "10:30",
                "2026-03-12",
                "<<",
                "=",
                "- x",
                "{a: b}",
                "*a",
                "&a",
                "!x",
                "0x1F",
            ]
        )
    ),
]
AUTHORS = [Author(id=5, name="Meera  Nair", born=date(1960, 2, 29)), Author(id=2**40, name="007"), Author(name="new")]


def dumped(form: str, objects: list[Any], **options: Any) -> bytes:
    text: str = serializers.serialize(form, objects, **options)
    return text.encode()


def seen_by_django(form: str, text: bytes) -> list[tuple[str, Any, dict[str, Any]]]:
    """What Django's own deserializer makes of a text: label, key and values."""
    return [
        (each.object._meta.label_lower, each.object.pk, _values(each.object))
        for each in serializers.deserialize(form, text.decode())
    ]


def seen_by_us(records: list[Record]) -> list[tuple[str, Any, dict[str, Any]]]:
    """What Django's fields make of the values that we read."""
    found = []
    for record in records:
        kind = {"django_library.book": Book, "django_library.author": Author}[record["model"]]
        values = {}
        for name, value in record["fields"].items():
            field = kind._meta.get_field(name)
            key = field.attname if isinstance(field, models.ForeignKey) else name
            values[key] = _typed(field, value)
        made = kind(**values)
        made.pk = None if record["pk"] is None else kind._meta.pk.to_python(record["pk"])
        found.append((record["model"], made.pk, _values(made)))
    return found


def _typed(field: Any, value: Any) -> Any:
    if value is None:
        return None
    return field.target_field.to_python(value) if isinstance(field, models.ForeignKey) else field.to_python(value)


def _values(made: models.Model) -> dict[str, Any]:
    found = {field.attname: getattr(made, field.attname) for field in made._meta.concrete_fields}
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in found.items()}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats") / "backup"


@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("options", [{}, {"indent": 2}], ids=["plain", "indented"])
def test_every_format_is_read_as_django_reads_it(
    file: Path, form: str, compression: str, options: dict[str, Any]
) -> None:
    text = dumped(form, [*AUTHORS, *BOOKS], **({} if form == "jsonl" else options))
    overwrite(file, COMPRESSIONS[compression](text))
    source = recognise(file)
    assert source.compression == compression
    assert {"json": "array", "jsonl": "lines", "xml": "XML", "yaml": "YAML"}[form] in source.format
    for chunk in (70, 1 << 20):
        assert seen_by_us(read_back(file, chunk)) == seen_by_django(form, text)


@pytest.mark.parametrize("form", ["xml", "yaml"])
def test_nothing_is_rounded_where_the_format_does_not_round(file: Path, form: str) -> None:
    overwrite(file, dumped(form, BOOKS[1:2]))
    (fields,) = (record["fields"] for record in read_back(file))
    assert fields["price"] == "12345678901234567890.1200"
    assert fields["pages"] == -(2**62)
    assert fields["sold"] is True
    assert fields["printed"].endswith("11:00:01.123456+00:00")
    assert fields["facts"] == BOOKS[1].facts
    assert fields["author"] is None


@pytest.mark.parametrize("form", FORMATS)
def test_natural_keys_are_lists_of_texts(file: Path, form: str) -> None:
    tale = book(1, title="t", author=AUTHORS[0])
    text = dumped(form, [AUTHORS[0], tale], use_natural_foreign_keys=True, use_natural_primary_keys=True)
    overwrite(file, text)
    author, tale_read = read_back(file)
    assert author["pk"] is None
    assert tale_read["fields"]["author"] == ["Meera  Nair", "1960-02-29"]


def test_many_to_many_lists_in_xml_hold_keys_or_natural_keys(file: Path) -> None:
    overwrite(
        file,
        b"""<?xml version="1.0" encoding="utf-8"?>
<django-objects version="1.0"><object model="a.b" pk="x1">
  <field name="tags" rel="ManyToManyRel" to="a.tag"><object pk="3"></object> <object pk="007"/></field>
  <field name="groups" rel="ManyToManyRel" to="a.group"><object><natural>Staff</natural><natural>2</natural></object></field>
  <field name="none" rel="ManyToManyRel" to="a.group"></field>
  <field name="boss" rel="ManyToOneRel" to="a.b"><natural>x2</natural></field>
</object></django-objects>""",
    )
    fields = {"tags": [3, "007"], "groups": [["Staff", "2"]], "none": [], "boss": ["x2"]}
    assert read_back(file, 5) == [{"model": "a.b", "pk": "x1", "fields": fields}]


def test_white_space_is_kept_in_texts_and_left_out_elsewhere_in_xml(file: Path) -> None:
    """Django's own reader loses it in texts, too."""
    overwrite(file, dumped("xml", [book(1, title=" a \n", pages=4)]).replace(b">4<", b">\n 4 <"))
    assert [(each["fields"]["title"], each["fields"]["pages"]) for each in read_back(file)] == [(" a \n", 4)]


def test_values_that_two_fields_share_are_read_from_yaml(file: Path) -> None:
    moment = datetime(2026, 3, 12, 11, 0, tzinfo=UTC)
    text = dumped("yaml", [book(1, title="x", printed=moment), book(2, title="y", printed=moment)])
    assert b"*id001" in text
    overwrite(file, text)
    assert seen_by_us(read_back(file)) == seen_by_django("yaml", text)


TEXTS = st.text(
    st.characters(exclude_characters="\r\x85\u2028\u2029\ufeff\ufffe\uffff", exclude_categories=("Cs", "Cc")),
    max_size=12,
).map(str.strip)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
ANY_BOOK = st.builds(
    book,
    st.integers(0, 99),
    title=TEXTS,
    text=TEXTS,
    price=st.none() | st.decimals(-(10**9), 10**9, places=4),
    weight=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    pages=st.none() | st.integers(-(2**63), 2**63 - 1),
    sold=st.none() | st.booleans(),
    # JSON keeps milliseconds only.
    printed=st.none() | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
    opens=st.none() | st.times().map(lambda at: at.replace(microsecond=0)),
    lent_for=st.none() | st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
    cover=st.none() | st.binary(max_size=9),
    facts=VALUES,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(books=st.lists(ANY_BOOK, min_size=1, max_size=4), form=st.sampled_from(FORMATS))
def test_any_books_are_read_as_django_reads_them(file: Path, books: list[Book], form: str) -> None:
    text = dumped(form, books)
    overwrite(file, text)
    assert seen_by_us(read_back(file, 300)) == seen_by_django(form, text)


@pytest.mark.parametrize("form", ["xml", "yaml"])
def test_every_record_knows_its_line(file: Path, form: str) -> None:
    text = dumped(form, [*AUTHORS, *BOOKS], indent=2)
    overwrite(file, text)
    lines = text.split(b"\n")
    starts = [n for n, line in enumerate(lines, 1) if line.startswith((b"- model", b"  <object"))]
    assert list(_lines(file, 90)) == starts


def _lines(file: Path, chunk: int) -> Iterator[int | None]:
    for block in recognise(file).blocks(chunk=chunk):
        for index in range(len(block.records)):
            yield block.place(index).line


def test_the_older_dumps_of_yaml_with_sorted_keys_are_read(file: Path) -> None:
    overwrite(
        file, b"# made long ago\n---\n- fields: {day: 2020-01-02, n: 0x1F, x: 1_000, w: 3.10}\n  model: a.b\n  pk: 1\n"
    )
    assert json.dumps(read_back(file)) == json.dumps(
        [{"model": "a.b", "pk": 1, "fields": {"day": "2020-01-02", "n": 31, "x": 1000, "w": 3.10}}]
    )

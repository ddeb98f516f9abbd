"""Dumps as hostile text: whatever they say, they are read, and nothing in them is done."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from webapp.engine.errors import DumpRefused, FileRefused, LimitExceeded, MalformedFile, TruncatedFile
from webapp.engine.formats import postgresql_archive, postgresql_dump, recognise
from webapp.engine.formats.said import Said

HEAD = b"--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
TAIL = b"--\n-- PostgreSQL database dump complete\n--\n\n"
TABLE = b"CREATE TABLE public.t (id integer NOT NULL, name character varying(50), made timestamp with time zone);\n"


class Pieces:
    """A stream that gives a text in pieces of any size."""

    def __init__(self, text: bytes, size: int) -> None:
        self.text, self.size, self.at = text, size, 0

    def read(self, size: int) -> bytes:
        self.at += (step := min(size, self.size))
        return self.text[self.at - step : self.at]


def rows(
    body: bytes, *, head: bytes = HEAD, tail: bytes = TAIL, size: int = 1 << 20
) -> list[tuple[str, dict[str, Any]]]:
    """The records of a dump: labels and fields."""
    blocks = postgresql_dump.read(Pieces(head + body + tail, size), max(size, 16))
    return [(record.model, msgspec.json.decode(record.fields)) for block in blocks for record in block.records]


def named(body: bytes) -> list[object]:
    return [fields["name"] for _, fields in rows(TABLE + body)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 20])
def test_a_dump_is_read_in_pieces_of_any_size(size: int) -> None:
    body = TABLE + (
        b"/* a comment /* in a comment */ ; */\n"
        b"CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $_$ COPY public.t FROM stdin;\n1\tno\t\\N\n\\.\n $_$;\n"
        b"CREATE FUNCTION public.g() RETURNS integer\n LANGUAGE sql\n BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\nEND;\n"
        b"CREATE RULE r AS ON DELETE TO public.t DO ALSO ( SELECT 1; SELECT 2; );\n"
        b"\\restrict abc\n\\connect other\n\\! rm -rf /\n"
        b"COPY public.t (id, name, made) FROM stdin;\n"
        b"1\ta\\tb\\\\N\\nc\t2024-05-01 10:00:00.5+05:30\n"
        b"2\t\\N\t\\N\n"
        b"3\t\\\\.\t2024-05-01 10:00:00+00\n"
        b"4\t\\101\\x42\t1999-12-31 23:59:59.123+00\n"
        b"\\.\n\n\n"
        b"INSERT INTO public.t VALUES (5, 'it''s; -- no comment', NULL), (6, E'a\\'b\\\\c\\u00e9', DEFAULT) ON CONFLICT DO NOTHING;\n"
        b"insert into t (id, \"name\") overriding system value values (-7, '\\.\n\\.\n');\n"
        b"INSERT INTO public.t (id, name) VALUES (8, 'x'::character varying(10)), (9, $q$it's$q$);\n"
        b"SELECT pg_catalog.setval('public.t_id_seq', 3, true);\n"
    )
    assert rows(body, size=size) == [
        ("t", {"id": 1, "name": "a\tb\\N\nc", "made": "2024-05-01 10:00:00.500000+05:30"}),
        ("t", {"id": 2, "name": None, "made": None}),
        ("t", {"id": 3, "name": "\\.", "made": "2024-05-01T10:00:00Z"}),
        ("t", {"id": 4, "name": "AB", "made": "1999-12-31T23:59:59.123000Z"}),
        ("t", {"id": 5, "name": "it's; -- no comment", "made": None}),
        ("t", {"id": 6, "name": "a'b\\cé"}),
        ("t", {"id": -7, "name": "\\.\n\\.\n"}),
        ("t", {"id": 8, "name": "x"}),
        ("t", {"id": 9, "name": "it's"}),
    ]


def test_backslashes_mean_what_the_dump_says() -> None:
    insert = b"INSERT INTO public.t (name) VALUES ('a\\nb');\n"
    assert named(insert) == ["a\\nb"]
    assert named(b"SET standard_conforming_strings = off;\n" + insert) == ["a\nb"]
    assert named(b"SET standard_conforming_strings = off;\nINSERT INTO public.t (name) VALUES ('a\\';''b');\n") == [
        "a';'b"
    ]


def test_lines_may_end_as_on_windows() -> None:
    body = TABLE + b"COPY public.t (id, name) FROM stdin;\n1\ta\n2\t\\N\n\\.\n"
    dump = (HEAD + body + TAIL).replace(b"\n", b"\r\n")
    assert rows(b"", head=dump, tail=b"") == rows(body)


def test_tables_of_public_and_of_the_largest_schema_go_by_their_names() -> None:
    names = (b"app.a", b"app.b", b"app.c", b"public.c", b"old.a")
    declared = b"".join(b"CREATE TABLE %b (id integer);\n" % name for name in names)
    copies = b"".join(b"COPY %b (id) FROM stdin;\n1\n\\.\n" % name for name in names if name != b"app.b")
    assert [label for label, _ in rows(declared + copies)] == ["a", "c (schema app)", "c", "a (schema old)"]
    older = b"SET search_path = app, pg_catalog;\nCREATE TABLE x (id integer);\nCOPY x (id) FROM stdin;\n1\n\\.\n"
    assert rows(older) == [("x", {"id": 1})]


def test_partitions_inheritance_and_domains_are_followed() -> None:
    body = (
        b"CREATE DOMAIN public.facts AS jsonb NOT NULL;\n"
        b"CREATE TABLE public.base (id integer, about public.facts);\n"
        b"CREATE TABLE public.child (extra boolean)\nINHERITS (public.base);\n"
        b"CREATE TABLE public.days (id integer, day date) PARTITION BY RANGE (day);\n"
        b"CREATE TABLE public.days_2024 (id integer, day date);\n"
        b"ALTER TABLE ONLY public.days ATTACH PARTITION public.days_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');\n"
        b'COPY public.child (id, about, extra) FROM stdin;\n1\t{"a": 1}\tt\n\\.\n'
        b"COPY public.days_2024 (id, day) FROM stdin;\n1\t2024-02-02\n\\.\n"
    )
    assert rows(body) == [
        ("child", {"id": 1, "about": {"a": 1}, "extra": True}),
        ("days", {"id": 1, "day": "2024-02-02"}),
    ]


def test_what_the_database_computes_and_our_own_tables_are_left_out() -> None:
    body = (
        b"CREATE TABLE public.g (a integer, b integer GENERATED ALWAYS AS ((a * 2)) STORED, c integer GENERATED BY DEFAULT AS IDENTITY);\n"
        b"INSERT INTO public.g VALUES (1, DEFAULT, 3);\n"
        b"CREATE TABLE public.smart_restore_journal (job character varying(64));\n"
        b"COPY public.smart_restore_journal (job) FROM stdin;\nx\n\\.\n"
        b"INSERT INTO public.smart_restore_journal VALUES ('x');\n"
    )
    assert rows(body) == [("g", {"a": 1, "c": 3})]


REFUSED = [
    (b"SET client_encoding = 'LATIN1';\n", "encoding LATIN1"),
    (b"COPY public.u (id) FROM stdin;\n1\n\\.\n", "definition is missing"),
    (TABLE + b"COPY public.t (id, nothing) FROM stdin;\n1\t2\n\\.\n", "definition does not have"),
    (TABLE + b"COPY public.t (id, id) FROM stdin;\n1\t2\n\\.\n", "named twice"),
    (TABLE + b"COPY public.t (id) FROM PROGRAM 'rm -rf /';\n", "not of the kind"),
    (TABLE + b"COPY public.t (id) FROM stdin WITH (FORMAT csv);\n1\n\\.\n", "not of the kind"),
    (TABLE + b"COPY public.t (id, name) FROM stdin;\n1\n\\.\n", "1 values for 2 columns"),
    (TABLE + b"COPY public.t (id, name) FROM stdin;\n1\t\xff\n\\.\n", "not valid UTF-8"),
    (TABLE + b"COPY public.t (id, name) FROM stdin;\n1\t\\377\n\\.\n", "not valid UTF-8"),
    (TABLE + b"INSERT INTO public.t SELECT * FROM u;\n", "something else than values"),
    (TABLE + b"INSERT INTO public.t VALUES (1, now());\n", "no constant"),
    (TABLE + b"INSERT INTO public.t VALUES (1, current_user);\n", "no constant"),
    (TABLE + b"INSERT INTO public.t VALUES (1, 'a' || 'b');\n", "no constant"),
    (TABLE + b"INSERT INTO public.t VALUES (1, 2, 3, 4);\n", "4 values for 3 columns"),
    (TABLE + b"INSERT INTO public.t VALUES (1, U&'\\0041');\n", "no constant"),
    (b'CREATE TABLE public.j (a jsonb);\nCOPY public.j (a) FROM stdin;\n{}, "x": 1\n\\.\n', "no strict JSON"),
    (b'CREATE TABLE public.j (a json);\nINSERT INTO public.j VALUES (\'{"a": 1, "a": 2}\');\n', "no strict JSON"),
    (TABLE + b"CREATE TABLE ;\n", "CREATE TABLE is not understood"),
    (TABLE + TAIL + HEAD + b"CREATE TABLE public.u (id integer);\n", "dumps of several databases"),
]


@pytest.mark.parametrize(("body", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_cannot_be_read_is_refused_with_byte_and_line(body: bytes, words: str) -> None:
    with pytest.raises(DumpRefused) as refused:
        rows(body)
    assert words in refused.value.message
    place = refused.value.place
    assert place.line is not None
    assert place.byte is not None
    assert (HEAD + body)[: place.byte].count(b"\n") + 1 == place.line
    assert f"in line {place.line:,} (byte {place.byte:,})" in refused.value.message


def test_nul_in_a_text_is_refused_at_its_line() -> None:
    with pytest.raises(MalformedFile, match="in line 10"):
        rows(TABLE + b"COPY public.t (id, name) FROM stdin;\n1\ta\n2\tb\\000c\n\\.\n")


def test_one_row_that_is_too_long_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        rows(TABLE + b"COPY public.t (id, name) FROM stdin;\n1\t" + b"x" * (9 << 20) + b"\n\\.\n")
    with pytest.raises(LimitExceeded):
        rows(TABLE + b"INSERT INTO public.t VALUES (1, '" + b"x" * (9 << 20) + b"');\n")


WHOLE = (
    HEAD
    + TABLE
    + b"COPY public.t (id, name) FROM stdin;\n"
    + b"".join(b"%d\tname %d\n" % (number, number) for number in range(40))
    + b"\\.\n"
    + b"".join(
        b"INSERT INTO public.t VALUES (%d, 'it''s', NULL), (1, E'\\\\', DEFAULT);\n" % number for number in range(20)
    )
    + TAIL
)


def read(text: bytes) -> Iterator[int]:
    for block in postgresql_dump.read(Pieces(text, 1 << 20), 64):
        yield from (len(block.records),)


def test_every_cut_is_found() -> None:
    end = WHOLE.index(b"dump complete")
    for cut in range(len(HEAD), end, 7):
        with pytest.raises(TruncatedFile):
            list(read(WHOLE[:cut]))
    assert sum(read(WHOLE)) == 80


def test_a_changed_byte_is_refused_or_read_and_never_a_mishap() -> None:
    chance = random.Random(7)
    for _ in range(1_500):
        text = bytearray(WHOLE)
        for _ in range(chance.choice((1, 1, 3))):
            text[chance.randrange(len(text))] = chance.choice(b"'\"\\$;(),\n\t-/*\x00\xffeE1")
        with suppress(FileRefused):
            assert sum(read(bytes(text))) <= 80


def test_deep_and_endless_statements_end() -> None:
    for body in (
        b"(" * 100_000 + b";",
        b"/*" * 100_000,
        b"CREATE TABLE x (" + b"a int," * 50_000 + b"a int);",
        b"SELECT '" + b"''" * 500_000 + b"';",
    ):
        with suppress(FileRefused):
            rows(body + b"\n")


def test_a_dump_inside_something_else_is_read_from_a_stream() -> None:
    body = TABLE + b"COPY public.t (id, name) FROM stdin;\n1\ta\n\\.\n"
    blocks = postgresql_archive.read_dump(Pieces(HEAD + body + TAIL, 3))
    assert [msgspec.json.decode(record.fields) for block in blocks for record in block.records] == [
        {"id": 1, "name": "a"}
    ]


def test_a_dump_is_recognised_by_its_first_comment_and_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\n" + WHOLE)
    assert recognise(path).format == "PostgreSQL dump, plain SQL"
    path.write_bytes(WHOLE.decode().encode("utf-16"))
    assert recognise(path, "", ["utf16"]).format == "PostgreSQL dump, plain SQL"


REALS = b"CREATE TABLE public.t (a double precision, b interval);\n"


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1e400"])
def test_a_number_that_is_too_large_is_not_lost(text: str) -> None:
    assert rows(REALS + b"COPY public.t (a) FROM stdin;\n" + text.encode() + b"\n\\.\n") == [("t", {"a": text})]


@pytest.mark.parametrize("text", ["9" * 5000 + " days", "9" * 5000 + ":00:00", "1 day " + "9" * 5000 + ":00:00"])
def test_a_length_of_time_without_end_stays_a_text(text: str) -> None:
    assert rows(REALS + b"COPY public.t (b) FROM stdin;\n" + text.encode() + b"\n\\.\n") == [("t", {"b": text})]


@pytest.mark.parametrize("statement", [b"ALTER TABLE ATTACH;", b"ALTER TABLE x ATTACH;", b"ALTER TABLE ONLY ATTACH;"])
def test_a_statement_that_breaks_off_is_refused(statement: bytes) -> None:
    with pytest.raises(DumpRefused, match="is not understood"):
        rows(statement)


def test_statements_of_many_kinds_are_counted_within_bounds() -> None:
    said = Said()
    text = HEAD + b"".join(b"word%d %s;\n" % (number, b"x" * 500) for number in range(3000)) + TAIL
    list(postgresql_dump.read_telling(Pieces(text, 1 << 20), 1 << 20, frozenset(), said))
    assert len(said.notes) == 1
    assert len(said.notes[0]) < 500
    assert "others (2,0" in said.notes[0]


def test_places_of_rows_are_theirs_in_whatever_order_they_are_asked_for() -> None:
    text = HEAD + TABLE + b"COPY public.t (id) FROM stdin;\n1\n22\n333\n\\.\n" + TAIL
    (block,) = postgresql_dump.read(Pieces(text, 1 << 20), 1 << 20)
    for index, row in ((2, b"333"), (0, b"1"), (1, b"22"), (2, b"333")):
        place = block.place(index)
        assert (place.record, place.byte) == (index + 1, text.index(row + b"\n", text.index(b"COPY")))
        assert place.line == text.count(b"\n", 0, place.byte or 0) + 1

"""Fixtures of single values, of keys, and of records that say more or less than a row needs."""

from __future__ import annotations

from tests.conformance.fixture import Fixture, each, record, samples

HINDI = "हिन्दी में नाम"


def _sample(field: str, written: str) -> str:
    """A record with a value that Python's encoder would not write."""
    return f'[{{"model": "kinds.sample", "pk": 1, "fields": {{"{field}": {written}}}}}]'


WELL_FORMED = [
    samples("nulls", "text", [None]),
    samples("small-integers", "small", [-32768, 0, 32767, "12", " 12 "]),
    samples("integers", "whole", [-(2**31), -1, 2**31 - 1, "+5", "007"]),
    samples("big-integers", "big", [-(2**63), 2**63 - 1, 2**53 + 1, "9223372036854775807"]),
    samples("positive-integers", "positive", [0, 1, 2**31 - 1]),
    samples("positive-small-integers", "positive_small", [0, 32767]),
    samples("positive-big-integers", "positive_big", [0, 2**63 - 1]),
    samples("booleans", "flag", [True, False, None, "True", "t", "1", "False", "f", "0", 1, 0]),
    samples(
        "texts", "short", ["", " ", "  a  ", "x" * 20, HINDI, "e\u0301", "\U0001f9ff", "a\u00a0b", "\u200b", 5, None]
    ),
    samples(
        "long-texts",
        "text",
        [
            "x" * 100_000,
            "a\nb\r\nc\td",
            "\\N",
            "\\.",
            "\\x41",
            "'\"`%s{}--;",
            "null",
            "\ufeffa",
        ],
    ),
    samples("slugs", "slug", ["a-b_c", "not a slug!", ""]),
    samples("addresses-of-mail", "email", ["a@example.org", "nobody"]),
    samples("web-addresses", "url", ["https://example.org/?a=b#c", "x"]),
    samples("dates", "day", ["2024-02-29", "0001-01-01", "9999-12-31", None]),
    samples(
        "instants",
        "at",
        [
            "2024-02-29T10:11:12Z",
            "2024-02-29T10:11:12.123Z",
            "2024-02-29T10:11:12.123456Z",
            "2024-02-29T10:11:12.100Z",
            "2024-02-29T10:11:12.000Z",
            "2024-02-29T10:11:12+00:00",
            "2024-02-29T10:11:12+05:30",
            "2024-02-29T23:11:12.5-08:00",
            "2024-02-29 10:11:12.000001+00:00",
            "2024-02-29T10:11Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
            "1883-11-18T12:00:00-04:56",
        ],
    ),
    samples(
        "times", "clock", ["00:00:00", "10:11", "10:11:12.123", "10:11:12.123456", "23:59:59.999999", "10:11:12.1"]
    ),
    samples(
        "durations",
        "lasts",
        [
            "00:30:00",
            "1 00:30:00",
            "-1 23:30:00",
            "-3 00:00:00.000001",
            "365 00:00:00",
            "P0DT00H30M00S",
            "-P1DT00H30M00S",
            "P1DT02H03M04.000005S",
            "00:00:00",
            "3 days, 04:05:06",
            "1 day, 0:00:01",
            "-00:00:01",
            "27:00:00",
        ],
    ),
    samples(
        "decimals",
        "amount",
        ["3.00", "3", "-3.5", "0", "-0.00", "0.00", "12345678.90", "1E+2", "1e-2", 5, 2.5, "+1.10"],
    ),
    samples("long-decimals", "exact", ["0.1", "0.000000000000000001", "1234567.123456", "99999999.5", "-1E+9"]),
    samples(
        "floats", "ratio", [1e-300, 1.7976931348623157e308, 5e-324, 0.1, 0.1 + 0.2, -0.0, 5, "2.5", 1e22, 123456789.123]
    ),
    samples("bytes", "blob", ["", "AAECAwQ=", "////", "XE4=", "QUJD" * 5_000, None]),
    samples("uuids", "ident", ["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE7DEC11D0A76500A0C91E6BF7", None]),
    samples(
        "json",
        "facts",
        [
            {},
            [],
            "",
            "text",
            0,
            -1,
            1.5,
            True,
            False,
            None,
            [None],
            {"a": {"b": [1, {"c": None}]}, "A": HINDI, "": "'\\\n"},
            [1e-300, 2**63, 12345678901234567890, 1.0, 0.1],
            {"b": 1, "a": 2},
        ],
    ),
    samples("network-addresses", "address", ["192.0.2.1", "2001:db8::1", "::1", None]),
    Fixture(
        "files",
        [
            record("kinds.attachment", 1, file="a/b c.pdf", image="a.png", path="/srv/a"),
            record("kinds.attachment", 2, file=HINDI, image="", path=""),
            record("kinds.attachment", 3, file="", image="../x", path=None),
        ],
    ),
    Fixture(
        "computed-columns",
        [record("kinds.stored", 1, name="a", state="new"), record("kinds.stored", 2, name="b", state="old")],
    ),
]

ODD_VALUES = [
    samples("control-characters", "text", ["\u007f\u0001\u001f[1]", "\u001f#1", "\ufffe"]),
    *each(
        "integer", "whole", {"with-point": 3.0, "with-fraction": 3.7, "true": True, "grouped": "1_000", "text": "five"}
    ),
    *each("integer", "whole", {"empty-text": "", "hindi": "१२", "list": [1], "too-large": 2**31}),
    *each("big-integer", "big", {"too-large": 2**63, "of-fifty-digits": 10**49}),
    *each("small-integer", "small", {"too-large": 40_000}),
    *each("positive", "positive", {"negative": -1}),
    *each("boolean", "flag", {"yes": "yes", "small-true": "true", "two": 2, "one-with-point": 1.0, "empty-text": ""}),
    *each(
        "text",
        "short",
        {"too-long": "x" * 21, "true": True, "list": ["a"], "null-character": "a\0b", "surrogate": "\ud800"},
    ),
    Fixture("text-of-a-number-with-point", text=_sample("short", "1.50")),
    *each("date", "day", {"short": "2024-2-9", "without-dashes": "20240229", "of-a-week": "2024-W09-4"}),
    *each("date", "day", {"midnight": "2024-02-29T00:00:00", "impossible": "2023-02-29", "empty-text": ""}),
    *each(
        "instant",
        "at",
        {"without-zone": "2024-02-29T10:11:12", "date": "2024-02-29", "of-a-week": "2024-W09-4T10:11:12Z"},
    ),
    *each("instant", "at", {"with-comma": "2024-02-29T10:11:12,123Z", "without-colons": "2024-02-29T101112.5Z"}),
    *each("instant", "at", {"leap-second": "2024-02-29T23:59:60Z", "of-nanoseconds": "2024-02-29T10:11:12.123456789Z"}),
    *each("instant", "at", {"before-year-one": "0001-01-01T00:00:00+05:30", "empty-text": "", "number": 1709201472}),
    *each("time", "clock", {"short": "9:05", "hour": "10", "with-zone": "10:11:12+05:30", "at-24": "24:00:00"}),
    *each("duration", "lasts", {"number-text": "45", "number": 45, "of-minutes": "04:05", "of-half-hours": "PT1.5H"}),
    *each("duration", "lasts", {"mixed-signs": "1 -01:00:00", "words": "an hour"}),
    *each(
        "decimal", "amount", {"more-places": "1.005", "too-large": "123456789.00", "nan": "NaN", "infinite": "Infinity"}
    ),
    *each("decimal", "amount", {"with-comma": "1,5", "empty-text": "", "true": True}),
    *each("long-decimal", "exact", {"of-36-digits": "123456789012345678.123456789012345678"}),
    *each("float", "ratio", {"text-nan": "nan", "text-huge": "1e400", "word": "much"}),
    Fixture("float-nan", text=_sample("ratio", "NaN")),
    Fixture("float-infinite", text=_sample("ratio", "1e400")),
    Fixture("float-of-many-digits", text=_sample("ratio", "0.1000000000000000055511151231257827")),
    *each("bytes", "blob", {"not-base64": "###", "wrapped": "AAEC\nAwQ=", "without-padding": "AAECAwQ"}),
    *each("uuid", "ident", {"in-braces": "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "number": 5, "text": "x"}),
    *each("uuid", "ident", {"urn": "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "short": "f81d4fae"}),
    *each("json", "facts", {"null-character": {"a": "b\0"}}),
    Fixture("json-of-many-digits", text=_sample("facts", "[0.1000000000000000055511151231257827, 1E+2, 1.10]")),
    Fixture("json-infinite", text=_sample("facts", "[Infinity]")),
    Fixture("json-double-name", text=_sample("facts", '{"a": 1, "a": 2}')),
    *each(
        "network-address",
        "address",
        {"long": "2001:DB8:0:0::1", "mapped": "::ffff:10.0.0.1", "spaces": " 192.0.2.1 ", "word": "x"},
    ),
    Fixture("file-null", [record("kinds.attachment", 1, file=None, image="", path="")]),
    Fixture("image-null", [record("kinds.attachment", 1, file="", image=None, path="")]),
]

KEYS = [
    Fixture("small-keys", [record("kinds.smallkey", pk, name="a") for pk in (1, 5, 32767)]),
    Fixture("plain-keys", [record("kinds.plainkey", pk, name="a") for pk in (3, 1, 2)]),
    Fixture("given-keys", [record("kinds.givenkey", pk, name="a") for pk in (-5, 0, 7)]),
    Fixture("keys-as-text", [record("kinds.plainkey", "12", name="a"), record("kinds.sample", "5", text="b")]),
    Fixture("text-keys", [record("kinds.textkey", pk, name="a") for pk in ("a", "A", " a", "ä", "1", "x" * 20, "")]),
    Fixture(
        "text-keys-with-marks",
        [
            record("kinds.textkey", '\u001f["a"]', name="a"),
            record("kinds.textkey", "\u001f#1", name="b"),
            record("kinds.uuidchild", 1, parent=None, code='\u001f["a"]', codes=["\u001f#1", '\u001f["a"]']),
        ],
    ),
    Fixture(
        "number-as-text-key", [record("kinds.textkey", 7, name="a"), record("kinds.uuidchild", 1, code=7, codes=[7])]
    ),
    Fixture(
        "uuid-keys",
        [
            record("kinds.uuidkey", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", name="a"),
            record("kinds.uuidkey", "F81D4FAE7DEC11D0A76500A0C91E6BF7", name="b"),
            record(
                "kinds.uuidchild",
                1,
                parent="F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
                others=[
                    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                    "F81D4FAE7DEC11D0A76500A0C91E6BF7",
                ],
            ),
        ],
    ),
    Fixture(
        "day-keys", [record("kinds.daykey", "2024-02-29", name="a"), record("kinds.daykey", "2024-03-01", name="b")]
    ),
    Fixture(
        "keys-absent",
        [
            record("kinds.sample", ..., text="a"),
            record("kinds.sample", None, text="b"),
            record("kinds.plainkey", ..., name="c"),
        ],
    ),
    Fixture(
        "keys-partly-absent",
        [
            record("kinds.sample", ..., text="a"),
            record("kinds.sample", 1, text="b"),
            record("kinds.sample", ..., text="c"),
        ],
    ),
    Fixture("key-in-fields", [{"model": "kinds.sample", "fields": {"id": 9, "text": "a"}}]),
    Fixture("key-with-point", text='[{"model": "kinds.plainkey", "pk": 5.0, "fields": {"name": "a"}}]'),
    Fixture("key-true", [record("kinds.plainkey", True, name="a")]),
    Fixture("key-zero-and-negative", [record("kinds.plainkey", 0, name="a"), record("kinds.plainkey", -1, name="b")]),
    Fixture("key-greatest", [record("kinds.sample", 2**63 - 1, text="a")]),
    Fixture("key-too-long", [record("kinds.textkey", "x" * 21, name="a")]),
    Fixture("key-twice", [record("kinds.plainkey", 1, name="a"), record("kinds.plainkey", 1, name="b")]),
    Fixture("key-twice-in-two-forms", [record("kinds.plainkey", 1, name="a"), record("kinds.plainkey", "1", name="b")]),
]

FULL = {
    "name": "a",
    "note": "",
    "number": 1,
    "flag": True,
    "facts": {},
    "made_at": "2024-01-01T00:00:00Z",
    "changed_at": "2024-01-01T00:00:00Z",
}
DEFAULTS = """
name = "defaults"
extends = "generic"
[tables.kinds_strict]
defaults = { note = "nothing to say", number = 7, flag = true, facts = "{}" }
"""


def _without(*names: str) -> dict[str, object]:
    return {name: value for name, value in FULL.items() if name not in names}


RECORDS = [
    Fixture("required-all-there", [record("kinds.strict", 1, **FULL)]),
    Fixture("required-not-there", [record("kinds.strict", 1, **_without("note", "number", "flag", "facts"))]),
    Fixture(
        "required-from-profile",
        [record("kinds.strict", 1, **_without("note", "number", "flag", "facts"))],
        profile=DEFAULTS,
    ),
    Fixture(
        "required-sometimes",
        [record("kinds.strict", 1, **FULL), record("kinds.strict", 2, **_without("number"))],
        profile=DEFAULTS,
    ),
    Fixture("required-instant-not-there", [record("kinds.strict", 1, **_without("made_at"))]),
    Fixture("required-null", [record("kinds.strict", 1, **{**FULL, "number": None})]),
    Fixture("required-json-null", [record("kinds.strict", 1, **{**FULL, "facts": None})]),
    Fixture(
        "database-default", [record("kinds.stored", 1, name="a"), record("kinds.stored", 2, name="b", state="old")]
    ),
    Fixture("generated-column", [record("kinds.stored", 1, name="a", state="new", twice="aa")]),
    Fixture("generated-column-wrong", [record("kinds.stored", 1, name="a", state="new", twice="b")]),
    Fixture("unknown-field", [record("kinds.plainkey", 1, name="a", colour="red")]),
    Fixture("unknown-model", [record("kinds.nothing", 1, name="a"), record("kinds.plainkey", 1, name="a")]),
    Fixture("model-in-capitals", [record("kinds.PlainKey", 1, name="a")]),
    Fixture("app-in-capitals", [record("Kinds.plainkey", 1, name="a")]),
    Fixture("more-beside-fields", [{"model": "kinds.plainkey", "pk": 1, "fields": {"name": "a"}, "note": "x"}]),
    Fixture("fields-absent", [{"model": "kinds.sample", "pk": 1}]),
    Fixture("fields-empty", [record("kinds.sample", 1)]),
    Fixture("field-by-column", [record("kinds.textkey", "a", name="a"), record("kinds.uuidchild", 1, code_id="a")]),
    Fixture("no-records", text="[]"),
    Fixture(
        "mixed-shapes",
        [record("kinds.sample", pk, **dict.fromkeys(("text", "short", "at")[: pk % 4])) for pk in range(1, 20)],
    ),
]

ALL = [*WELL_FORMED, *ODD_VALUES, *KEYS, *RECORDS]

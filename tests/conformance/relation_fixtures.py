"""Fixtures of records that refer to each other, by primary and by natural keys."""

from __future__ import annotations

from tests.conformance.fixture import Fixture, Record, record

AUTHORS = [
    record("relations.author", 1, name="Anna", mentor=2, friends=[2]),
    record("relations.author", 2, name="Bert", mentor=None, friends=[1]),
    record("relations.author", 3, name='Çelik, "X"', mentor=3, friends=[]),
]
TAGS = [record("relations.tag", 1, slug="x"), record("relations.tag", 5, slug="y")]
PUBLISHERS = [
    record("relations.publisher", 1, name="P", flagship=2),
    record("relations.publisher", 2, name="Q", flagship=None),
]
BOOKS = [
    record("relations.book", 1, title="A", author=1, publisher=1, tags=[1, 5], sequels=[2]),
    record("relations.book", 2, title="B", author=1, publisher=1, tags=[], sequels=[]),
    record("relations.book", 3, title="A", author=2, publisher=None, tags=[5], sequels=[1, 3]),
]
CHAPTERS = [
    record("relations.chapter", 1, book=1, number=1, follows=None),
    record("relations.chapter", 2, book=1, number=2, follows=1),
    record("relations.chapter", 3, book=3, number=1, follows=2),
]
PLACES = [
    record("relations.place", 1, name="Park"),
    record("relations.place", 2, name="Napoli"),
    record("relations.place", 3, name="Roma"),
    record("relations.restaurant", 2, stars=3, dishes=[1, 5]),
    record("relations.restaurant", 3, stars=1, dishes=[]),
    record("relations.pizzeria", 3, oven="stone"),
    record("relations.kiosk", 1, place=1, open=False),
    record("relations.visit", 1, restaurant=3),
]
PEOPLE = [
    record("relations.person", 1, number="P1", name="Ravi"),
    record("relations.person", 2, number="1", name="Sita"),
    record("relations.badge", 1, person="P1"),
    record("relations.badge", 2, person="1"),
    record("relations.membership", 1, badge=1, person=1, since="2024-01-01"),
    record("relations.membership", 2, badge=1, person=2, since=None),
]
LOANS = [
    record("relations.loan", 1, reader="P1", book=1, copy=1),
    record("relations.loan", 2, reader="1", book=1, copy=None),
    record("relations.loan", 3, reader="1", book=1, copy=None),
]
STATES = [
    record("relations.state", "draft", title="Draft"),
    record("relations.state", "done", title="Done"),
    record("relations.step", 1, state="draft", next=["done", "draft"]),
]
GENERIC = [
    record("relations.remark", 1, content_type=["relations", "author"], object_id=1, text="a"),
    record("relations.remark", 2, content_type=["relations", "book"], object_id=99, text="of nothing"),
    record("relations.trail", 1, kind=["relations", "state"], key="draft"),
    record("relations.trail", 2, kind=None, key=""),
]
PARTS = [
    record("relations.biography", 1, text="born"),
    record("relations.bookmark", 1, chapter=3, also=[1, 2]),
    record("relations.seat", 1, row=1, place=2),
    record("relations.ticket", 1, seat=1),
    record("relations.motto", 1, text="Carpe diem"),
    record("relations.banner", 1, motto=1),
    record("relations.twice", 1, name="a", code="b"),
    record("relations.oftwice", 1, twice=1),
    record("relations.number", 1, value=5),
    record("relations.ofnumber", 1, number=1),
]
ACCOUNTS = [
    record(
        "auth.group",
        1,
        name="Editors",
        permissions=[["add_book", "relations", "book"], ["view_tag", "relations", "tag"]],
    ),
    record(
        "auth.user",
        1,
        username="root",
        password="md5$a$0",
        is_superuser=True,
        is_staff=True,
        is_active=True,
        first_name="",
        last_name="",
        email="root@example.org",
        date_joined="2024-01-01T00:00:00.123Z",
        last_login=None,
        groups=[["Editors"]],
        user_permissions=[["change_book", "relations", "book"]],
    ),
]
EVERYTHING: list[Record] = [
    *AUTHORS,
    *TAGS,
    *PUBLISHERS,
    *BOOKS,
    *CHAPTERS,
    *PLACES,
    *PEOPLE,
    *LOANS,
    *STATES,
    *GENERIC,
    *PARTS,
]
ANNA, BERT = (
    record("relations.author", ..., name="Anna", mentor=None),
    record("relations.author", ..., name="Bert", mentor=["Anna"]),
)

BY_NUMBER = [
    Fixture("relations", EVERYTHING),
    Fixture("relations-in-reverse", EVERYTHING[::-1]),
    Fixture("accounts", ACCOUNTS),
    Fixture("circle", [*AUTHORS, *TAGS, *BOOKS, *PUBLISHERS]),
    Fixture(
        "self-reference-forward",
        [record("relations.author", n, name=f"a{n}", mentor=n + 1 if n < 5 else None) for n in range(1, 6)],
    ),
    Fixture(
        "self-reference-ring", [record("relations.author", n, name=f"a{n}", mentor=n % 5 + 1) for n in range(1, 6)]
    ),
    Fixture(
        "keys-of-references-as-text",
        [
            record("relations.author", "1", name="a", mentor="1"),
            record("relations.tag", 3, slug="x"),
            record("relations.book", 1, title="t", author="1", tags=["3"]),
        ],
    ),
    Fixture("links-twice", [*AUTHORS, *TAGS, record("relations.book", 1, title="t", author=1, tags=[1, 1, 5, 1])]),
    Fixture("links-null", [*AUTHORS, record("relations.book", 1, title="t", author=1, tags=None)]),
    Fixture("links-without-list", [*AUTHORS, *TAGS, record("relations.book", 1, title="t", author=1, tags=1)]),
    Fixture("links-of-nothing", [*AUTHORS, record("relations.book", 1, title="t", author=1, tags=[77])]),
    Fixture(
        "links-from-one-side",
        [record("relations.author", 1, name="a", friends=[2]), record("relations.author", 2, name="b")],
    ),
    Fixture("links-through-a-model", [*PEOPLE[:2], record("relations.badge", 1, person=None, members=[2, 1])]),
    Fixture("reference-to-nothing", [record("relations.author", 1, name="a", mentor=9)]),
    Fixture("reference-with-column-name", [record("relations.author", 1, name="a", mentor_id=1)]),
    Fixture(
        "reference-to-a-number-that-is-text",
        [record("relations.person", 1, number="7", name="a"), record("relations.badge", 1, person=7)],
    ),
    Fixture("unique-twice", [record("relations.author", 1, name="a"), record("relations.author", 2, name="a")]),
    Fixture(
        "unique-with-null",
        [
            *AUTHORS,
            *BOOKS[1:2],
            *PUBLISHERS[:1],
            *PEOPLE[:2],
            record("relations.loan", 1, reader="1", book=2, copy=1),
            record("relations.loan", 2, reader="P1", book=None, copy=1),
            record("relations.loan", 3, reader="P1", book=None, copy=1),
        ],
    ),
    Fixture(
        "one-to-one-twice",
        [
            record("relations.place", 1, name="a"),
            record("relations.kiosk", 1, place=1, open=True),
            record("relations.kiosk", 2, place=1, open=True),
        ],
    ),
    Fixture("proxy", [record("relations.poet", 1, name="a", mentor=None)]),
    Fixture("child-before-parent", [*PLACES, *TAGS][::-1]),
    Fixture("child-without-parent", [record("relations.restaurant", 1, stars=1)]),
    Fixture(
        "child-with-fields-of-its-parent",
        [*TAGS, record("relations.restaurant", 1, name="Napoli", stars=2, dishes=[1])],
    ),
    Fixture("generic-by-number", [record("relations.remark", 1, content_type=1, object_id=1, text="a")]),
    Fixture(
        "generic-to-no-type",
        [record("relations.remark", 1, content_type=["relations", "nothing"], object_id=1, text="a")],
    ),
    Fixture("content-types", [record("contenttypes.contenttype", 1, app_label="old", model="gone")]),
]

BY_NAME = [
    Fixture(
        "natural-forward-with-numbers",
        [
            record(
                "relations.book", 1, title="A", author=["Anna"], publisher=["P"], tags=[["x"]], sequels=[["B", "Bert"]]
            ),
            record("relations.book", 2, title="B", author=["Bert"], publisher=None, tags=[], sequels=[]),
            record("relations.publisher", 1, name="P", flagship=["A", "Anna"]),
            record("relations.author", 2, name="Bert", mentor=["Anna"]),
            record("relations.author", 1, name="Anna", mentor=None),
            record("relations.tag", 1, slug="x"),
        ],
    ),
    Fixture(
        "natural-child-number-absent",
        [
            record("relations.place", 4, name="Roma"),
            record("relations.place", 5, name="Napoli"),
            record("relations.restaurant", ..., place_ptr=5, stars=1, dishes=[]),
        ],
    ),
    Fixture(
        "natural-forward",
        [
            record(
                "relations.book",
                ...,
                title="A",
                author=["Anna"],
                publisher=["P"],
                tags=[["x"]],
                sequels=[["B", "Bert"]],
            ),
            record("relations.book", ..., title="B", author=["Bert"], publisher=None, tags=[], sequels=[]),
            record("relations.publisher", ..., name="P", flagship=["A", "Anna"]),
            BERT,
            ANNA,
            record("relations.tag", ..., slug="x"),
        ],
    ),
    Fixture(
        "natural-with-numbers",
        [
            record("relations.author", 7, name="Anna", mentor=["Bert"]),
            record("relations.author", 3, name="Bert", mentor=["Bert"]),
            record("relations.book", 9, title="A", author=["Bert"]),
        ],
    ),
    Fixture(
        "natural-ring",
        [
            record("relations.author", ..., name="a", mentor=["b"]),
            record("relations.author", ..., name="b", mentor=["a"]),
        ],
    ),
    Fixture("natural-self", [record("relations.author", ..., name="a", mentor=["a"])]),
    Fixture(
        "natural-through-two",
        [
            ANNA,
            BERT,
            record("relations.book", ..., title="A", author=["Anna"]),
            record("relations.book", ..., title="A", author=["Bert"]),
            record("relations.chapter", ..., number=1, book=["A", "Bert"], follows=None),
            record("relations.chapter", ..., number=1, book=["A", "Anna"], follows=[1, "A", "Bert"]),
            record("relations.bookmark", ..., chapter=[1, "A", "Anna"], also=[[1, "A", "Bert"], [1, "A", "Anna"]]),
        ],
    ),
    Fixture(
        "natural-in-another-order",
        [
            record("relations.seat", 1, row=1, place=2),
            record("relations.seat", 2, row=2, place=1),
            record("relations.ticket", 1, seat=[1, 2]),
            record("relations.ticket", 2, seat=[2, 1]),
        ],
    ),
    Fixture(
        "natural-in-another-order-from-profile",
        [
            record("relations.seat", 1, row=1, place=2),
            record("relations.seat", 2, row=2, place=1),
            record("relations.ticket", 1, seat=[1, 2]),
            record("relations.ticket", 2, seat=[2, 1]),
        ],
        profile='name = "x"\nextends = "generic"\n[tables.relations_seat]\nkeys = [["row", "place"]]\n',
    ),
    Fixture(
        "natural-in-either-of-two",
        [
            record("relations.twice", 1, name="a", code="b"),
            record("relations.twice", 2, name="b", code="a"),
            record("relations.oftwice", 1, twice=["a"]),
            record("relations.oftwice", 2, twice=["b"]),
        ],
    ),
    Fixture(
        "natural-in-either-of-two-from-profile",
        [
            record("relations.twice", 1, name="a", code="b"),
            record("relations.twice", 2, name="b", code="a"),
            record("relations.oftwice", 1, twice=["a"]),
            record("relations.oftwice", 2, twice=["b"]),
        ],
        profile='name = "x"\nextends = "generic"\n[tables.relations_twice]\nkeys = [["code"]]\n',
    ),
    Fixture(
        "natural-in-the-second-of-two",
        [
            record("relations.twice", 1, name="a", code="b"),
            record("relations.oftwice", 1, twice=["b"]),
        ],
    ),
    Fixture(
        "natural-number",
        [
            record("relations.number", 1, value=2),
            record("relations.number", 2, value=1),
            record("relations.ofnumber", 1, number=[1]),
            record("relations.ofnumber", 2, number=2),
        ],
    ),
    Fixture("natural-not-unique", [record("relations.motto", 1, text="a"), record("relations.banner", 1, motto=["a"])]),
    Fixture(
        "natural-not-unique-from-profile",
        [record("relations.motto", 1, text="a"), record("relations.banner", 1, motto=["a"])],
        profile='name = "x"\nextends = "generic"\n[tables.relations_motto]\nkeys = [["text"]]\n',
    ),
    Fixture(
        "natural-two-of-one-name",
        [
            record("relations.motto", 1, text="a"),
            record("relations.motto", 2, text="a"),
            record("relations.banner", 1, motto=["a"]),
        ],
        profile='name = "x"\nextends = "generic"\n[tables.relations_motto]\nkeys = [["text"]]\n',
    ),
    Fixture("natural-of-nothing", [record("relations.author", 1, name="a", mentor=["nobody"])]),
    Fixture("natural-of-wrong-length", [record("relations.author", 1, name="a", mentor=["a", "b"])]),
    Fixture("natural-empty", [record("relations.author", 1, name="a", mentor=[])]),
    Fixture("natural-null-inside", [record("relations.author", 1, name="a", mentor=[None])]),
    Fixture("natural-without-list", [record("relations.author", 1, name="a", mentor="a")]),
    Fixture("natural-letters-differ", [record("relations.author", 1, name="Anna", mentor=["anna"])]),
    Fixture("natural-number-as-text", [record("relations.author", 1, name="5", mentor=[5])]),
    Fixture(
        "natural-twice",
        [
            record("relations.author", ..., name="a", mentor=None),
            record("relations.author", ..., name="a", mentor=["a"]),
        ],
    ),
    Fixture(
        "natural-primary-key",
        [
            record("relations.state", "draft", title="Draft"),
            record("relations.step", 1, state=["draft"], next=[["draft"]]),
        ],
    ),
    Fixture(
        "natural-primary-key-absent",
        [
            record("relations.state", ..., title="Draft"),
            record("relations.step", 1, state=["draft"], next=[]),
        ],
    ),
    Fixture(
        "natural-child",
        [
            record("relations.place", ..., name="Napoli"),
            record("relations.place", ..., name="Roma"),
            record("relations.restaurant", ..., place_ptr=["Roma"], stars=2, dishes=[["x"]]),
            record("relations.pizzeria", ..., restaurant_ptr=["Roma"], oven="stone"),
            record("relations.tag", ..., slug="x"),
            record("relations.visit", 1, restaurant=["Roma"]),
        ],
    ),
    Fixture("natural-one-to-one", [ANNA, record("relations.biography", ..., author=["Anna"], text="born")]),
    Fixture(
        "natural-links-to-itself",
        [
            record("relations.author", ..., name="a", friends=[["b"]]),
            record("relations.author", ..., name="b", friends=[["a"]]),
        ],
    ),
    Fixture(
        "natural-permissions", [record("auth.group", ..., name="G", permissions=[["add_book", "relations", "book"]])]
    ),
    Fixture(
        "natural-permission-of-nothing",
        [record("auth.group", ..., name="G", permissions=[["fly", "relations", "book"]])],
    ),
]

MEMBERS = [
    record("names.member", 1, name="a", order=3, head=2),
    record("names.member", 2, name="b", order=1, head=None),
    record("names.team", 1, title="t", captain=1, members=[1, 2]),
]
NAMES = """
name = "names"
extends = "generic"
[tables."T Mitglieder"]
label = "names.member"
fields = { name = "vollName", order = "select", head = "Leiter" }
[tables.club_mannschaft]
label = "names.team"
fields = { captain = "kapitaen", members = "Ämter & Würden" }
"""
NAMED = [
    Fixture("names-without-profile", MEMBERS),
    Fixture("names-from-profile", MEMBERS, profile=NAMES),
    Fixture(
        "names-by-number-and-suffix", [record("names.mixedcase", 1, Value="a"), record("names.suffixed", 1, value="b")]
    ),
    Fixture("names-of-two-tables", [record("names.ambiguous", 1, value="a")]),
]

NUMBERED = ("--exclude=relations.state", "--exclude=relations.step", "--exclude=relations.biography")
"""Models whose rows cannot be told when natural primary keys leave out the numbers."""
DUMPS = {
    "dump": (),
    "dump-lines": ("--format=jsonl",),
    "dump-xml": ("--format=xml",),
    "dump-yaml": ("--format=yaml",),
    "dump-indented": ("--indent=2",),
    "dump-natural-foreign": ("--natural-foreign",),
    "dump-natural": ("--natural-foreign", "--natural-primary", *NUMBERED),
    "dump-natural-xml": (
        "--natural-foreign",
        "--natural-primary",
        *NUMBERED,
        "--format=xml",
    ),
    "dump-natural-yaml": (
        "--natural-foreign",
        "--natural-primary",
        *NUMBERED,
        "--format=yaml",
    ),
    "dump-natural-lines": (
        "--natural-foreign",
        "--natural-primary",
        *NUMBERED,
        "--format=jsonl",
    ),
}
KEYS = """
name = "keys"
extends = "generic"
[tables.relations_motto]
keys = [["text"]]
[tables.relations_seat]
keys = [["row", "place"]]
[tables.relations_twice]
keys = [["code"]]
"""
DUMPED = [
    Fixture(name, options=("kinds", "relations", "auth.group", "auth.user", *options), profile=KEYS)
    for name, options in DUMPS.items()
]

ALL = [*BY_NUMBER, *BY_NAME, *NAMED, *DUMPED]

"""Hypothesis strategies for what a library may hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

Contents = dict[str, list[dict[str, Any]]]

any_words = st.text(
    # Without NUL, which PostgreSQL cannot hold, and without surrogates, which are no characters.
    st.characters(exclude_characters="\x00", exclude_categories=("Cs",)),
    max_size=20,
)
any_keys = st.integers(1, 2**31 - 1)
any_isbns = st.from_regex(r"[0-9]{10,13}", fullmatch=True).filter(str.isascii)
few_isbns = st.sampled_from([f"978000000000{number}" for number in range(6)])
few_words = st.sampled_from(("", "a", "A", "b", "b ", "é", "हि"))
few_uuids = few_words.map(lambda word: UUID(bytes=word.encode().rjust(16, b"u")))
few_keys = st.integers(1, 5)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001 - the zone follows
days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
prices = st.decimals(min_value=-99_999_999, max_value=99_999_999, places=2).map(lambda price: price + 0)
facts = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | any_words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_words, inner, max_size=3),
    max_leaves=5,
).map(lambda value: {"facts": value})


def _rows(strategy: st.SearchStrategy[dict[str, Any]], *unique: str, most: int = 5) -> st.SearchStrategy[Any]:
    """Rows that differ in each of some columns."""
    return st.lists(strategy, max_size=most, unique_by=tuple(lambda row, name=name: row[name] for name in unique))


def _one_of(rows: list[dict[str, Any]], key: str = "id") -> st.SearchStrategy[Any]:
    return st.sampled_from([row[key] for row in rows])


def _maybe(rows: list[dict[str, Any]], key: str = "id") -> st.SearchStrategy[Any]:
    return st.none() | _one_of(rows, key) if rows else st.none()


@st.composite
def libraries(draw: st.DrawFn, *, crowded: bool = False) -> Contents:
    """Everything that a library holds: every reference leads to a row, every key is unique.

    Of two crowded libraries many rows have equal keys, be they the same rows or not.
    """
    keys, words = (few_keys, few_words) if crowded else (any_keys, any_words)
    isbns = few_isbns if crowded else any_isbns
    named = {"id": keys, "name": words}
    authors = draw(_rows(st.fixed_dictionaries(named | {"born": st.none() | days}), "id", "name"))
    for author in authors:
        author["mentor_id"] = draw(_maybe(authors))
    publishers = draw(_rows(st.fixed_dictionaries(named), "id", "name", most=3))
    tags = draw(_rows(st.fixed_dictionaries({"code": words, "title": words}), "code", most=3))
    books = draw(_rows(_book(authors, publishers, keys, words, isbns), "id", "isbn")) if publishers else []
    for publisher in publishers:
        publisher["flagship_id"] = draw(_maybe(books))
    links: list[dict[str, Any]] = []
    copies: list[dict[str, Any]] = []
    loans: list[dict[str, Any]] = []
    if books:
        shelf = {"shelf": st.none() | words.map(lambda word: word[:10]), "number": st.integers(-5, 5)}
        copies = draw(
            st.lists(
                st.fixed_dictionaries({"id": few_uuids if crowded else st.uuids(), "book_id": _one_of(books)} | shelf),
                max_size=4,
                unique_by=(lambda row: row["id"], lambda row: (row["shelf"], row["number"])),
            )
        )
    if books and tags:
        pairs = draw(st.sets(st.tuples(_one_of(books), _one_of(tags, "code")), max_size=5))
        links = [{"id": at, "book_id": book, "tag_id": tag} for at, (book, tag) in enumerate(sorted(pairs), 1)]
    if copies:
        loans = draw(_rows(_loan(copies, keys, words), "id"))
    return {
        "library_author": authors,
        "library_publisher": publishers,
        "library_book": books,
        "library_tag": tags,
        "library_book_tags": links,
        "library_copy": copies,
        "library_loan": loans,
    }


def _book(
    authors: list[dict[str, Any]],
    publishers: list[dict[str, Any]],
    keys: st.SearchStrategy[int],
    words: st.SearchStrategy[str],
    isbns: st.SearchStrategy[str],
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "id": keys,
            "isbn": isbns,
            "title": words,
            "price": st.none() | prices,
            "pages": st.integers(0, 2**31 - 1),
            "weight": st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
            "in_print": st.booleans(),
            "added": moments,
            "updated_at": st.none() | moments,
            "facts": facts,
            "cover": st.none(),
            "author_id": _maybe(authors),
            "publisher_id": _one_of(publishers),
        }
    )


def _loan(
    copies: list[dict[str, Any]], keys: st.SearchStrategy[int], words: st.SearchStrategy[str]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "id": keys,
            "copy_id": _one_of(copies),
            "reader": words,
            "since": moments,
            "until": st.none() | days,
            "due_at": st.none() | st.times(time(0), time(23, 59, 59)),
            "note": st.none() | words,
        }
    )

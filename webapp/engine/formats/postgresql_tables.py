"""What a dump of PostgreSQL says of its tables: names and types of columns, from CREATE TABLE and what belongs to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from webapp.engine.formats.postgresql_values import Convert, converter
from webapp.engine.formats.sql_tokens import NAME, SIGN, WORD, Token
from webapp.engine.schema import OWN_TABLES

Named = tuple[str, str]
"""A schema and a name in it."""

PUBLIC = "public"

_CONSTRAINTS = {"constraint", "primary", "unique", "check", "foreign", "exclude", "like", "period"}
_AFTER_TYPE = {
    "not", "null", "default", "constraint", "primary", "unique", "check", "references", "collate", "generated",
    "storage", "compression", "with",
}  # fmt: skip


@dataclass
class Table:
    """A table of a dump: its columns' types in their order, and those that the database computes."""

    columns: dict[str, str] = field(default_factory=dict)
    generated: set[str] = field(default_factory=set)


class Tables:
    """The tables of a dump, as far as it has been read."""

    def __init__(self) -> None:
        self.known: dict[Named, Table] = {}
        self.domains: dict[Named, str] = {}
        self.parents: dict[Named, Named] = {}  # of partitions: their rows belong to the parent
        self.path = PUBLIC  # where names without a schema are
        self._most = ""  # the schema with the most tables, once it was asked for

    def name(self, tokens: Sequence[Token], at: int) -> tuple[Named, int]:
        """The name that stands at a place, and the place behind it.

        Raises:
            ValueError: there is none.
        """
        parts: list[str] = []
        while at < len(tokens) and tokens[at].kind in (NAME, WORD):
            parts.append(tokens[at].text)
            at += 1
            if at < len(tokens) and tokens[at].kind == SIGN and tokens[at].text == ".":
                at += 1
            else:
                return (parts[-2] if len(parts) > 1 else self.path, parts[-1]), at
        raise ValueError("a name is missing")

    # ---- statements

    def create(self, tokens: Sequence[Token]) -> None:
        """Read a CREATE TABLE statement."""
        at = next(index for index, token in enumerate(tokens) if _is(token, "table")) + 1
        if [token.text for token in tokens[at : at + 3]] == ["if", "not", "exists"]:
            at += 3
        named, at = self.name(tokens, at)
        table = self.known[named] = Table()
        self._most = ""
        if at < len(tokens) and _is(tokens[at], "partition"):
            parent, at = self.name(tokens, at + 2)
            self.attach(named, parent)
            return
        for item in _items(tokens, at):
            self._column(table, item)
        at = next((index for index, token in enumerate(tokens) if _is(token, "inherits")), 0)
        if at:
            inherited = Table()
            for item in _items(tokens, at + 1):
                above = self.known.get(self.name(item, 0)[0], Table())
                inherited.columns.update(above.columns)
                inherited.generated |= above.generated
            table.columns = {**inherited.columns, **table.columns}
            table.generated |= inherited.generated

    def _column(self, table: Table, item: Sequence[Token]) -> None:
        first = item[0]
        if first.kind not in (NAME, WORD) or (first.kind == WORD and first.text in _CONSTRAINTS):
            return
        words: list[str] = []
        depth = 0
        for index, token in enumerate(item[1:], 1):
            if token.kind == SIGN and token.text in "()":
                depth += 1 if token.text == "(" else -1
            elif depth == 0 and token.kind == WORD and token.text in _AFTER_TYPE and words:
                if token.text == "with" and index + 1 < len(item) and _is(item[index + 1], "time"):
                    words.append(token.text)
                    continue
                rest = " ".join(each.text for each in item[index:])
                if re.search(r"\bgenerated always as \(", rest):
                    table.generated.add(first.text)
                break
            elif depth == 0:
                words.append(token.text)
        table.columns[first.text] = self._type(words)

    def _type(self, words: Sequence[str]) -> str:
        text = " ".join(words)
        if "[" in text:
            return "array"
        schema, _, short = text.rpartition(" . ")
        if short.startswith("interval "):
            return "interval"  # with the parts that it is limited to
        return self.domains.get((schema or self.path, short), short)

    def create_domain(self, tokens: Sequence[Token]) -> None:
        """Read a CREATE DOMAIN statement: its columns are as those of the type beneath it."""
        named, at = self.name(tokens, 2)
        if at < len(tokens) and _is(tokens[at], "as"):
            at += 1
        under = Table()
        self._column(under, [Token(NAME, "value", 0, 0), *tokens[at:]])
        self.domains[named] = under.columns.get("value", "")

    def attach(self, partition: Named, parent: Named) -> None:
        """Rows of a partition are rows of its parent."""
        self.parents[partition] = parent

    # ---- answers

    def whole(self, named: Named) -> Named:
        """The table that rows belong to: the parent of a partition."""
        seen = set()
        while named in self.parents and named not in seen:
            seen.add(named)
            named = self.parents[named]
        return named

    def table(self, named: Named) -> Table | None:
        """The table, if the dump declares it."""
        found = self.known.get(named)
        return self.known.get(self.whole(named)) if found is not None and not found.columns else found

    def label(self, named: Named) -> str:
        """The label of a table's records: its bare name, where the schema is ``public`` or the one with the most tables."""
        schema, name = self.whole(named)
        if schema == PUBLIC:
            return name
        if not self._most:
            counts = Counter(each for each, _ in self.known)
            self._most = max(counts, key=lambda each: (counts[each], each == PUBLIC, each), default=PUBLIC)
        if schema == self._most and (PUBLIC, name) not in self.known:
            return name
        return f"{name} (schema {schema})"

    @staticmethod
    def is_ours(named: Named) -> bool:
        """Whether a table is one of this program's own."""
        return named[1] in OWN_TABLES

    def converters(self, named: Named, columns: Sequence[str]) -> list[Convert | None] | None:
        """What makes values of the columns; None when the dump does not declare one of them."""
        table = self.table(named)
        if table is None or not set(columns) <= table.columns.keys():
            return None
        return [converter(table.columns[name]) for name in columns]


def _is(token: Token, word: str) -> bool:
    return token.kind == WORD and token.text == word


def _items(tokens: Sequence[Token], at: int) -> Iterator[list[Token]]:
    """What stands between the commas of the parenthesis that opens at a place."""
    depth = 0
    item: list[Token] = []
    for token in tokens[at:]:
        if token.kind == SIGN and token.text in "()":
            depth += 1 if token.text == "(" else -1
            if depth == 0:
                break
            if depth == 1 and token.text == "(":
                continue
        if depth == 1 and token.kind == SIGN and token.text == ",":
            if item:
                yield item
            item = []
        elif depth:
            item.append(token)
    if item:
        yield item

"""What SQLite columns hold, by the types that they are declared with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from webapp.engine.schema import Kind

_TYPE = re.compile(r"\s*([a-z ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*(unsigned)?\s*\Z")
_KINDS = {
    "bool": Kind.BOOLEAN,
    "boolean": Kind.BOOLEAN,
    "datetime": Kind.INSTANT,
    "timestamp": Kind.INSTANT,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "decimal": Kind.DECIMAL,
    "numeric": Kind.DECIMAL,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "uuid": Kind.UUID,
}


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declared type, in lower case, and what it means. ``first`` is the first number in its parentheses, not 0."""

    type: str
    kind: Kind
    first: int | None = None
    scale: int | None = None  # of a decimal with a precision
    unsigned: bool = False


def declaration(name: str, declared: str, definition: str) -> Declaration:
    """What a column of a table with this definition holds."""
    text = declared.lower()
    match = _TYPE.match(text)
    word, first, second, unsigned = match.groups() if match else (text, None, None, None)
    kind = _kind(word, first)
    if kind is Kind.TEXT and re.search(rf"json_valid\s*\(\s*[\"`\[]?{re.escape(name)}[\"`\]]?\s*\)", definition, re.I):
        kind = Kind.JSON
    return Declaration(
        text,
        kind,
        int(first) if first else None,
        int(second or 0) if kind is Kind.DECIMAL and first else None,
        bool(unsigned) or "unsigned" in word,
    )


def canonical(name: str, kind: Kind, scale: int | None) -> str:
    """SQLite's expression for the canonical form of a column, whose name is quoted already."""
    if kind is Kind.DECIMAL:
        form = "%.15g" if scale is None else f"%.{scale}f"
        # printf makes a binary number of a whole one, which has not room for all of its digits.
        whole = f"CAST({name} AS TEXT)" + (f" || '.{'0' * scale}'" if scale else "")
        return (
            f"CASE typeof({name}) WHEN 'integer' THEN {whole} WHEN 'real' THEN printf('{form}', {name}) ELSE {name} END"
        )
    return name


def _kind(word: str, length: str | None) -> Kind:
    if word in _KINDS:
        return _KINDS[word]
    if word == "char" and length == "32":
        return Kind.UUID  # how Django declares a uuid
    # The rest by SQLite's own rules of affinity.
    if "int" in word:
        return Kind.INTEGER
    if any(part in word for part in ("char", "clob", "text")):
        return Kind.TEXT
    if "blob" in word:
        return Kind.BYTES
    if any(part in word for part in ("real", "floa", "doub")):
        return Kind.REAL
    return Kind.OTHER

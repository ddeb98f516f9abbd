"""What a backup holds, what fits the site, and what to do about the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from webapp.engine.answers.base import Answer, Problem
from webapp.engine.answers.file import FileFacts

OriginVerdict = Literal["same", "rebuilt", "another", "empty", "unproven"]
"""Where a backup comes from, as far as the rows tell: see :class:`Origin`."""


class FieldDrift(Answer):
    """A field that the file has and the live table has not."""

    field: str
    records: int
    filled: int  # records in which it is neither null nor ""
    constant: bool  # every record carries the same value
    example: str = ""

    @property
    def telling(self) -> int:
        """Records that carry a value which is neither empty nor the same everywhere: what would really be lost."""
        return 0 if self.constant else self.filled


class ColumnDrift(Answer):
    """A live column that the file does not have. ``source`` says where a new row's value comes from."""

    column: str
    required: bool
    source: Literal["null", "profile", "database", "fill", "missing"]
    value: str = ""  # the profile's or the fill's value, as text


class ValueDrift(Answer):
    """A column that holds less than it did when the backup was made, or something else: values of the file do not fit it."""

    label: str
    field: str
    column: str
    code: (
        str  # "too_long", "out_of_range": it became narrower; "bad_value": its type is another one; "missing_required"
    )
    type: str  # the database's name of the type that it has now
    records: int
    sentence: str


class NaturalKey(Answer):
    """What references by name mean in one table: its columns, who says so, and how many of the file's values they resolve."""

    table: str
    title: str
    columns: tuple[str, ...]
    source: Literal["profile", "chosen", "inferred"]
    values: int  # different values in the file
    resolved: int  # of these, found in the file or in the database
    ambiguous: int = 0  # of these, which may mean several rows
    lost: tuple[str, ...] = ()  # the first of those that mean nothing or several rows


class ModelFacts(Answer):
    """One kind of record in the file. ``table`` is None when the site has no table for it."""

    label: str
    table: str | None
    found_by: Literal["profile", "app_model", "suffix", "table", ""]
    title: str
    categories: tuple[str, ...]
    records: int
    live_rows: int | None
    protected: bool = False  # accounts and rights: left alone unless asked for
    ignored: bool = False  # never restored: sessions, migrations, ...
    keys: tuple[tuple[str, ...], ...] = ()  # what its records are recognised by, strongest first
    unknown_fields: tuple[FieldDrift, ...] = ()
    missing_columns: tuple[ColumnDrift, ...] = ()


class CategoryFacts(Answer):
    """A category as this file fills it."""

    key: str
    title: str
    tables: tuple[str, ...]
    records: int
    needs: tuple[str, ...] = ()  # keys of categories that its tables refer to


class ReferenceFacts(Answer):
    """References of one column to rows that the file does not hold."""

    table: str
    column: str
    to_table: str
    missing: int  # distinct referenced keys that are not in the file
    in_database: int  # of these, found in the live database
    records: int  # records that carry one of the missing keys
    title: str = ""  # of the table that refers
    to_title: str = ""


class Evidence(Answer):
    """Rows of one table under equal primary keys: how many, and how many are recognisably the same record."""

    table: str
    records: int  # of the file that were looked at
    pairs: int
    alike: int
    moved: int = 0  # same natural key under another primary key


class Origin(Answer):
    """The same-database verdict, in words and with its evidence."""

    verdict: OriginVerdict
    sentence: str
    evidence: tuple[Evidence, ...] = ()


class Advice(Answer):
    """A recommendation computed from the facts. ``level`` decides its colour and order."""

    level: Literal["stop", "decide", "note"]
    code: str
    text: str
    categories: tuple[str, ...] = ()


class FilesFacts(Answer):
    """The files that a backup carries, and what its own rows say of them."""

    count: int
    size: int
    named: int  # records that name one of them
    missing: int  # records that name a file which the backup does not hold
    loose: int  # files that no record names


class Analysis(Answer):
    """What a backup holds, what fits the live schema, what does not, and what to do about it."""

    file: FileFacts
    profile: str
    dialect: str
    models: tuple[ModelFacts, ...]
    categories: tuple[CategoryFacts, ...]
    references: tuple[ReferenceFacts, ...]
    problems: tuple[Problem, ...]  # the first of each kind; problem_counts has the totals
    problem_counts: Mapping[str, int]
    origin: Origin
    advice: tuple[Advice, ...]
    natural_keys: tuple[NaturalKey, ...] = ()
    changed_columns: tuple[ValueDrift, ...] = ()
    files: FilesFacts | None = None  # None where the backup carries no files

"""What a person decided, and what would be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from webapp.engine.answers.analysis import Origin
from webapp.engine.answers.base import Answer, Place, Problem

Action = Literal["insert", "update", "delete", "same", "skipped", "blocked", "missing"]
"""What a plan does with one record (or, for ``delete``, with one live row). Only files can be ``missing``: named, and nowhere."""


FILES = "#files"
"""What the files of a site are called among the tables of a plan. No table has such a name."""


class Choices(Answer):
    """What the person decided. Two equal values give two equal plans."""

    categories: tuple[str, ...] = ()  # none named: everything in the file
    add: bool = True
    change: bool = True
    remove: bool = False
    on_conflict: Literal["backup", "database", "newest", "manual"] = "backup"
    on_missing: Literal["fail", "null", "skip", "create"] = "fail"
    on_invalid: Literal["fail", "skip"] = "fail"
    on_referenced: Literal["fail", "keep", "null", "remove"] = "fail"
    accept_drift: bool = False  # every model and field that the site has no place for is left out
    drift: tuple[str, ...] = ()  # models of which that is left out, when not of every one
    fills: Mapping[str, str] = {}  # "model.field" -> value as text
    origin: Literal["auto", "same", "other"] = "auto"
    accounts: Literal["protect", "restore"] = "protect"
    with_parents: bool = True
    repairs: tuple[str, ...] = ()  # damage of the file that is undone while it is read
    match_by: Mapping[str, str] = {}  # "model" -> "field, field": the key that tells its records, before all others
    decisions: Mapping[str, str] = {}
    """``model:key in the file`` (or a natural key) -> key in the site, "new" or "skip"; where a row differs, "backup" or
    "database", and then ``model:*`` is every such row."""
    rows: bool = True  # False leaves all rows as they are, and restores files alone
    files: bool = True  # restore the files that the backup carries as well


class Counts(Answer):
    """How many. ``blocked`` > 0 means that the plan cannot be applied."""

    insert: int = 0
    update: int = 0
    delete: int = 0
    same: int = 0
    skipped: int = 0
    blocked: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            insert=self.insert + other.insert,
            update=self.update + other.update,
            delete=self.delete + other.delete,
            same=self.same + other.same,
            skipped=self.skipped + other.skipped,
            blocked=self.blocked + other.blocked,
        )

    @property
    def changes(self) -> int:
        """Rows of the site that would be written."""
        return self.insert + self.update + self.delete


class TablePlan(Answer):
    """One table of a plan. ``columns`` counts the updates that change each column."""

    table: str
    label: str
    title: str
    category: str
    counts: Counts
    columns: Mapping[str, int] = {}
    live_rows: int = 0


class Reason(Answer):
    """Why records are skipped or blocked, told once with a count."""

    action: Literal["skipped", "blocked"]
    code: str
    table: str
    text: str
    count: int


class Candidate(Answer):
    """A row of the site that an ambiguous record could be. ``key`` names it in a decision."""

    key: str
    label: str
    why: tuple[str, ...]  # the keys that lead to it: "same username"
    values: Mapping[str, str | None] = {}


class Doubt(Answer):
    """An ambiguous record beside the rows that it could be. ``decision`` names it in :attr:`Choices.decisions`."""

    decision: str
    table: str
    title: str
    label: str
    place: Place
    values: Mapping[str, str | None]  # as the file has them, references led on
    candidates: tuple[Candidate, ...]


class Twin(Answer):
    """A new row that is called like another one but for capitals and spaces. ``there``: the other is in the database."""

    table: str
    title: str
    new: str
    other: str
    there: bool


class Conflict(Answer):
    """A row that differs, and waits for the word whose version it gets. ``decision`` names it in :attr:`Choices.decisions`."""

    decision: str
    table: str
    title: str
    label: str
    place: Place
    fields: tuple[FieldChange, ...]  # those that differ: before is the database's value, after the backup's


PersonState = Literal["question", "missing", "placeholder", "added", "left_out", "mapped", "matched"]
"""What becomes of an account that the file refers to; the first two need a decision."""


class Person(Answer):
    """An account that records of the file refer to. ``decision`` names it in :attr:`Choices.decisions`.

    The answer to it is the key of an account of the site, whose the references become. The record itself is not written then.
    """

    decision: str
    table: str
    label: str
    state: PersonState
    references: int  # records to be written that refer to it
    email: str = ""
    account: Candidate | None = None  # the account of the site that it is
    candidates: tuple[Candidate, ...] = ()  # accounts of the site that it may be


class Gain(Answer):
    """An account (or a group, a role) that has more after the restore, and what it gains."""

    who: str
    what: tuple[str, ...]


class FileGap(Answer):
    """Rows of one table that name files which are neither in the backup nor in the site's folder."""

    table: str
    title: str
    rows: int
    examples: tuple[str, ...]


class FilesPlan(Answer):
    """What becomes of the files of a site. The rows behind the counts are those of the plan's table :data:`FILES`."""

    state: Literal["planned", "no_folder", "not_chosen"]
    held: int  # files that the backup carries
    counts: Counts = Counts()
    size: int = 0  # bytes to be written
    missing: int = 0  # rows that name a file which is nowhere
    gaps: tuple[FileGap, ...] = ()
    reasons: tuple[Reason, ...] = ()


class Plan(Answer):
    """The summary of a plan file. ``digest`` is the sha256 of that file: an approval names it."""

    digest: str
    choices: Choices
    counts: Counts
    tables: tuple[TablePlan, ...]
    reasons: tuple[Reason, ...]
    problems: tuple[Problem, ...]  # what blocks, the first 200 by name
    problem_count: int
    origin: Origin
    removal: int  # rows that would be removed
    removal_needs_word: bool  # over the removal budget: the person types the number
    doubts: tuple[Doubt, ...] = ()  # the first of the ambiguous records, each beside the rows that it could be
    conflicts: tuple[Conflict, ...] = ()  # the first of the rows that differ and wait for a word
    conflict_count: int = 0
    placeholders: tuple[str, ...] = ()  # accounts that are added without rights, the first of them
    placeholder_count: int = 0
    created: tuple[str, ...] = ()  # rows that are made because something refers to them by name, the first of them
    created_count: int = 0
    twins: tuple[Twin, ...] = ()  # new rows that are called almost like others, the first of them
    people: tuple[Person, ...] = ()  # accounts that records refer to, those that need a decision first
    people_count: int = 0
    accounts: tuple[Candidate, ...] = ()  # accounts of the site that people can be led to, the first of them
    gains: tuple[Gain, ...] = ()  # who has more afterwards, where accounts and rights are restored
    gain_count: int = 0
    partial: bool = False  # the file was cut off: nobody knows what else it held
    files: FilesPlan | None = None  # None where the backup carries no files

    @property
    def changes(self) -> int:
        """Rows and files of the site that would be written."""
        return self.counts.changes + (self.files.counts.changes if self.files else 0)

    @property
    def ready(self) -> bool:
        """Nothing blocks it."""
        return self.problem_count == 0


class FieldChange(Answer):
    """One column of one row, as text. None is NULL (or, before an insert and after a delete, no row)."""

    column: str
    before: str | None
    after: str | None
    changed: bool


class RowChange(Answer):
    """One row of a preview. ``id`` is its stable number inside its table's plan (a paging cursor)."""

    id: int
    table: str
    action: Action
    pk: str
    label: str  # what a person would call the row
    why: str  # how it was matched, or why it is skipped or blocked
    place: Place
    fields: tuple[FieldChange, ...]


class RowPage(Answer):
    """A page of a preview; ``next`` is the cursor of the following one, None at the end."""

    rows: tuple[RowChange, ...]
    next: int | None
    total: int | None = None

"""What the engine answers: plain frozen values, no behaviour beyond arithmetic.

Every reader (page, JSON, command line, test) is a rendering of these. They encode to JSON and back with
``msgspec.json``, so a stored answer can be shown later exactly as it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Action = Literal["insert", "update", "delete", "same", "skipped", "blocked", "missing"]
"""What a plan does with one record (or, for ``delete``, with one live row). Only files can be ``missing``: named, and nowhere."""

FILES = "#files"
"""What the files of a site are called among the tables of a plan. No table has such a name."""

OriginVerdict = Literal["same", "rebuilt", "another", "empty", "unproven"]
"""Where a backup comes from, as far as the rows tell: see :class:`Origin`."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of all answers."""


# ---------------------------------------------------------------- the file


class FilePart(Answer):
    """One of several files that are restored together. Its records are numbered on from ``first``."""

    name: str
    size: int
    sha256: str
    first: int
    records: int


class StoredFile(Answer):
    """A file that a backup carries. ``path`` is relative, with slashes; ``modified`` is an instant, or empty."""

    path: str
    sha256: str
    size: int
    modified: str = ""


class FileFacts(Answer):
    """A backup file as bytes. ``format`` is a sentence such as "Django fixture, JSON array"."""

    name: str
    size: int  # bytes as stored
    sha256: str
    format: str
    compression: str = ""  # "", "gzip", "bzip2", "xz", "lzma", "zip"
    records: int = 0
    repairs: tuple[str, ...] = ()  # what was repaired while it was read
    parts: tuple[FilePart, ...] = ()  # where it is several files
    partial: bool = False  # records are lost, and nobody knows how many
    damage: tuple[Damage, ...] = ()  # what still is wrong with it, as far as samples show
    notes: tuple[str, ...] = ()  # what a person should know of it: parts that are not read, and the like
    made: str = ""  # when the file says that it was made
    increment: bool = False  # it holds only what was changed since some time
    since: str = ""  # since when, as the file says


class Place(Answer):
    """Where in the file: record number from 1, byte offset from 0 in the uncompressed text, line from 1 for JSON lines."""

    record: int | None = None
    byte: int | None = None
    line: int | None = None
    file: str = ""  # named when several files are restored together; record and byte then count in it


class Sample(Answer):
    """A text as the file has it, and as a repair would make it."""

    before: str
    after: str


class Damage(Answer):
    """Something wrong with a file. Where ``repairable``, ``kind`` names the repair that undoes it."""

    kind: str
    sentence: str
    repairable: bool
    place: Place = Place()
    samples: tuple[Sample, ...] = ()


class Problem(Answer):
    """One reason why something cannot be restored as it is. ``message`` is a sentence for a person."""

    code: str
    model: str = ""
    pk: str = ""
    field: str = ""
    message: str = ""
    place: Place = Place()
    count: int = 1  # how many records share it, when it is told once for all (drift)
    repair: str = ""  # what would help, when the file is damaged and that can be undone
    candidates: tuple[str, ...] = ()  # rows that an ambiguous reference may mean


# ---------------------------------------------------------------- analysis


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


# ---------------------------------------------------------------- choices and plan


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


# ---------------------------------------------------------------- apply


class Outcome(Answer):
    """What happened. ``status`` is ``done`` only after every touched row was read back and found equal, and committed."""

    job: str
    status: Literal["done", "nothing", "stale", "failed", "cancelled"]
    verdict: str  # a sentence
    counts: Counts
    tables: tuple[TablePlan, ...] = ()
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0
    checked: Mapping[str, int] = {}  # "rows", "references", ... -> how many were checked
    files: FilesPlan | None = None


# ---------------------------------------------------------------- sites


class SiteTable(Answer):
    """A live table as the check of a site found it. ``remark`` is empty where all is well."""

    table: str
    title: str
    categories: tuple[str, ...]
    rows: int
    key: tuple[str, ...]
    remark: str = ""


class SiteCheck(Answer):
    """What the check of a site found. ``usable`` is False when the promise of one transaction cannot be kept."""

    dialect: str
    version: str
    address: str  # without password
    profile: str
    recognised: tuple[str, ...]  # profiles that recognise the site, best first
    tables: tuple[SiteTable, ...]
    usable: bool
    remarks: tuple[str, ...] = ()


class BackupFacts(Answer):
    """A backup that was made. ``records`` and ``tables`` count what stands in the file, ``rows`` what the site had."""

    path: str
    size: int
    sha256: str
    records: int
    tables: Mapping[str, int]
    format: str = "fixture"
    kind: str = "full"  # "full", "incremental" or, of the tables that a restore will change, "partial"
    id: str = ""
    base: str = ""  # the id of the backup on which an increment builds
    instant: str = ""  # of the snapshot, in UTC
    since: str = ""  # an increment by time holds only rows stamped since then
    rows: int = 0
    deleted: int = 0  # rows of the base that are gone
    files: int = 0  # of the site's media
    blobs: int = 0  # of these, contents that stand in the file
    remarks: tuple[str, ...] = ()  # what it does not hold


class BackupCheck(Answer):
    """A backup, or a chain of them, of which every byte and every record was looked at."""

    files: tuple[str, ...]
    format: str
    sha256: str  # of the last file
    size: int
    records: int  # that a restore would read
    media: int = 0
    id: str = ""
    instant: str = ""


# ---------------------------------------------------------------- drills


class DrilledTable(Answer):
    """One table of a drill: what the backup holds of it, and what stood in the scratch database after the restore."""

    table: str
    title: str
    records: int  # in the backup
    rows: int  # in the scratch database
    equal: bool  # every record was found again, with every value
    digest: bool | None = None  # a native backup's own digest of the table, and that of the restored rows: the same?


class ProbeResult(Answer):
    """A number that a person knows about the site, in the backup and in the scratch database. ``problem`` is empty when it is right."""

    name: str
    title: str
    category: str  # its title, empty for none
    backup: str
    scratch: str
    problem: str = ""


class DrillAnswer(Answer):
    """Whether a backup restores whole into an empty database with today's structure of its site.

    ``proven`` is True only when every table, probe and file was as it should be; else ``problems`` say why not.
    """

    proven: bool
    verdict: str  # a sentence
    profile: str
    records: int
    seconds: float
    tables: tuple[DrilledTable, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    beside: tuple[
        str, ...
    ] = ()  # titles of tables that were taken from the site as it is, because the backup refers to them
    files: int = 0  # stored files that were read whole and found right
    file_bytes: int = 0

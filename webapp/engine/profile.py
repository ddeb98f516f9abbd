"""What is known about a kind of site. Profiles are TOML, data only; the bundled ones lie in ``profiles/``."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from webapp.engine.errors import ProfileRefused, UnknownProfile
from webapp.engine.schema import Schema, Table

DEFAULT = "generic"


class SyncRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a table stands in a sync file."""

    list: str  # the name of its list
    fields: Mapping[
        str, str
    ]  # field -> column, in the order of the file; one that is a reference holds the other row's name
    volatile: tuple[str, ...] = ()  # columns that make no difference by themselves when they come from a sync file


class TableRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a profile says of one table. Names are the database's; every entry has a harmless default."""

    label: str = ""  # the model's label in fixtures, when it is not app_model
    fields: Mapping[str, str] = {}  # columns (or link tables) of fields that are not called like them
    title: str = ""  # plural, as a person says it
    name: str = ""  # how to call one row: "{first_name} {last_name}"
    keys: tuple[tuple[str, ...], ...] = ()  # natural keys, strongest first
    nulls_equal: bool = False  # in those keys NULL equals NULL
    stamp: str = ""  # when the row was last changed
    volatile: tuple[str, ...] = ()  # columns that make no difference by themselves
    defaults: Mapping[str, Any] = {}  # for required columns that older files lack
    blank: tuple[str, ...] = ()  # columns that have "" for no value: null in a file is ""
    single: Mapping[str, str] = {}  # fields of older files that held one reference, and the link table of today's list
    create: Mapping[str, Any] | None = None  # a row that is only referred to by name may be made, with these values
    sync: SyncRules | None = None  # how it stands in a sync file
    protected: bool | None = None  # accounts and rights; where nothing is said, the database's structure tells
    placeholder: Mapping[
        str, Any
    ] = {}  # a missing account that is referred to is added with these values: no rights, no login
    email: str = ""  # of a protected account: another address under the same name makes it a question who it is
    generic: tuple[tuple[str, str], ...] = ()  # references to any table: (content type column, key column)
    files: tuple[str, ...] = ()  # columns that hold paths below the site's folder of files
    ignored: bool = False  # never restored, never backed up
    matched_only: bool = False  # recognised, so that references resolve, but never written


class CategoryRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A category: its title and the names (or ``*`` patterns) of its tables."""

    title: str
    tables: tuple[str, ...] = ()


class ProbeRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that a drill asks for: how many rows a table has or, with ``sum``, what a column of it adds up to."""

    title: str
    table: str
    sum: str = ""  # a column with numbers
    category: str = ""  # the category that it is told under
    least: int | None = None  # fewer (or less) than this is a failure


class ResetRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a reset of a site clears. What is not named stays, and so do accounts and rights, whatever is named."""

    clear: tuple[str, ...] = ()  # names of tables, or patterns with *
    keep: tuple[str, ...] = ()  # exceptions


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    title: str = ""
    extends: str = ""
    recognise: tuple[str, ...] = ()
    categories: Mapping[str, CategoryRules] = {}
    tables: Mapping[str, TableRules] = {}
    probes: Mapping[str, ProbeRules] = {}
    reset: ResetRules | None = None


@dataclass(frozen=True)
class Profile:
    """A profile with everything that it extends merged in."""

    name: str
    title: str
    recognise: tuple[str, ...] = ()
    categories: Mapping[str, CategoryRules] = field(default_factory=dict)
    tables: Mapping[str, TableRules] = field(default_factory=dict)
    probes: Mapping[str, ProbeRules] = field(default_factory=dict)
    reset: ResetRules = field(default_factory=ResetRules)

    def rules(self, table: str) -> TableRules:
        """The rules of a table; empty ones for a table that the profile does not name."""
        return self.tables.get(table, _NOTHING)

    def synced(self, name: str) -> str:
        """The table that a list of a sync file means; nothing when the profile does not know the list."""
        return next((table for table, rules in self.tables.items() if rules.sync and rules.sync.list == name), "")

    def title_of(self, table: str) -> str:
        """What a person calls the rows of a table."""
        return self.rules(table).title or _words(table)

    def categories_of(self, table: str) -> tuple[str, ...]:
        """Keys of the categories of a table; where the profile names none, the first word of the table's name."""
        found = tuple(
            key
            for key, rules in self.categories.items()
            if any(fnmatch.fnmatchcase(table, each) for each in rules.tables)
        )
        return found or (table.partition("_")[0] or table,)

    def category_title(self, key: str) -> str:
        """What a person calls a category."""
        rules = self.categories.get(key)
        return rules.title if rules else _words(key)

    def keys_of(self, table: Table) -> tuple[tuple[tuple[str, ...], bool], ...]:
        """Keys that tell which record a row is, strongest first, each with "NULL equals NULL".

        The profile's natural keys, then the database's unique constraints. A primary key of one column, which may be
        a mere number, is not among them; one of several columns says what the row is.
        """
        rules = self.rules(table.name)
        keys = [(key, rules.nulls_equal) for key in rules.keys if all(name in table.by_name for name in key)]
        known = {frozenset(key) for key, _ in keys}
        composite = (table.primary_key,) if len(table.primary_key) > 1 else ()
        keys += [(key, False) for key in (*table.unique, *composite) if frozenset(key) not in known]
        return tuple((key, nulls) for key, nulls in keys if key != table.primary_key or composite)

    def cleared(self, table: str) -> bool:
        """Whether a reset empties a table."""
        rules = self.rules(table)
        named = any(fnmatch.fnmatchcase(table, each) for each in self.reset.clear)
        kept = any(fnmatch.fnmatchcase(table, each) for each in self.reset.keep)
        return named and not (kept or bool(rules.protected) or rules.ignored or rules.matched_only)

    def matching_by(self, keys: Mapping[str, tuple[str, ...]]) -> Profile:
        """This profile with keys that a person chose, by table, before all others."""
        chosen = {
            table: msgspec.structs.replace(self.rules(table), keys=(key, *self.rules(table).keys))
            for table, key in keys.items()
        }
        return replace(self, tables={**self.tables, **chosen})

    def recognises(self, schema: Schema) -> bool:
        """Whether every table that marks this kind of site is there."""
        return bool(self.recognise) and all(name in schema.tables for name in self.recognise)


_NOTHING = TableRules()


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:] if text else name


@cache
def bundled() -> Mapping[str, Profile]:
    """The profiles that come with the program, by name."""
    folder = resources.files("webapp.engine") / "profiles"
    texts = {
        item.name.removesuffix(".toml"): item.read_text("utf-8")
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    }
    files = {name: _decode(text, name) for name, text in texts.items()}
    return {name: _merge(file, files) for name, file in sorted(files.items())}


def source_of(name: str) -> str:
    """A bundled profile as it is written.

    Raises:
        UnknownProfile
    """
    if name not in bundled():
        raise UnknownProfile(name=name)
    return (resources.files("webapp.engine") / "profiles" / f"{name}.toml").read_text("utf-8")


def load(name: str) -> Profile:
    """A bundled profile by name, or the profile in a TOML file by path.

    Raises:
        UnknownProfile, ProfileRefused
    """
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise UnknownProfile(name=name) from None
        return parse(text)
    try:
        return bundled()[name]
    except KeyError:
        raise UnknownProfile(name=name) from None


def parse(text: str) -> Profile:
    """A profile from TOML text; it may extend a bundled one."""
    file = _decode(text, "given")
    base = bundled().get(file.extends)
    if file.extends and base is None:
        raise ProfileRefused(name=file.name, reason=f"it extends {file.extends}, which is not known")
    return _over(file, base)


def recognised(schema: Schema) -> tuple[str, ...]:
    """Names of the profiles that recognise a site, the most particular first."""
    found = [profile for profile in bundled().values() if profile.recognises(schema)]
    found.sort(key=lambda profile: -len(profile.recognise))
    return tuple(profile.name for profile in found)


def choose(name: str | None, schema: Schema) -> Profile:
    """The profile that was asked for, else the best that recognises the site, else the generic one, as it is written."""
    return load(name or next(iter(recognised(schema)), DEFAULT))


def _decode(text: str, name: str) -> _File:
    try:
        return msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProfileRefused(name=name, reason=str(error)) from None


def _merge(file: _File, files: Mapping[str, _File], below: Iterable[str] = ()) -> Profile:
    if not file.extends:
        return _over(file, None)
    if file.extends not in files or file.extends in below:
        raise ProfileRefused(name=file.name, reason=f"it extends {file.extends}, which is not known")
    return _over(file, _merge(files[file.extends], files, (*below, file.name)))


def _over(file: _File, base: Profile | None) -> Profile:
    """The file's entries over those of the profile that it extends."""
    return Profile(
        name=file.name,
        title=file.title or file.name,
        recognise=file.recognise,
        categories={**(base.categories if base else {}), **file.categories},
        tables={**(base.tables if base else {}), **file.tables},
        probes={**(base.probes if base else {}), **file.probes},
        reset=file.reset or (base.reset if base else ResetRules()),
    )

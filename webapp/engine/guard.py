"""Accounts and rights that no profile names are guarded all the same, where the database's structure shows what they are.

An account is a row with a password. What gives it something is a row that refers to it and to a group, a role or a
permission, or is called a token, a session or a key. A profile that says ``protected = false`` knows better.
"""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec

from webapp.engine.profile import Profile
from webapp.engine.schema import Kind, Schema, Table

PASSWORD = re.compile(r"(^|_)(password|passwd|passphrase|pwd)(_?hash|_?digest)?$|hashed_password$")
OPENS = re.compile(r"(^|_)(auth)?(token|session|api_?key|credential|otp_?device|mfa_?device)s?$")
RIGHT = re.compile(r"(^|_)(group|role|permission|privilege|right|scope)s?$")


def guarded(profile: Profile, schema: Schema) -> Profile:
    """The profile with the accounts and rights of a database, as far as it is silent about them."""
    silent = {name for name in schema.tables if profile.rules(name).protected is None and not _is_kept(profile, name)}
    found = accounts_and_rights(profile, schema) & silent
    rules = {name: msgspec.structs.replace(profile.rules(name), protected=True) for name in found}
    return replace(profile, tables={**profile.tables, **rules}) if rules else profile


def _is_kept(profile: Profile, name: str) -> bool:
    return profile.rules(name).ignored or profile.rules(name).matched_only


def accounts_and_rights(profile: Profile, schema: Schema) -> frozenset[str]:
    """The tables of a database that hold accounts, what opens them, and what they may do."""
    accounts = {name for name, table in schema.tables.items() if _has_password(table)}
    accounts |= {name for name in schema.tables if profile.rules(name).protected and profile.rules(name).placeholder}
    opening = {
        name for name, table in schema.tables.items() if OPENS.search(name.lower()) and _targets(table) & accounts
    }
    rights: set[str] = set()
    more = True
    while more:
        known = accounts | rights
        links = {name for name, table in schema.tables.items() if _gives(table, known, accounts)}
        named = {other for name in links for other in _targets(schema.tables[name]) if RIGHT.search(other.lower())}
        named -= accounts
        more = not (links | named) <= rights
        rights |= links | named
    return frozenset(accounts | opening | rights)


def _has_password(table: Table) -> bool:
    return any(
        PASSWORD.search(column.name.lower()) and column.kind in (Kind.TEXT, Kind.BYTES, Kind.OTHER)
        for column in table.columns
    )


def _gives(table: Table, known: set[str], accounts: set[str]) -> bool:
    """Whether its rows give a right to somebody: a pair of references and hardly anything else, or one pair only once."""
    for key in table.foreign_keys:
        for other in table.foreign_keys:
            right = other.target not in accounts and RIGHT.search(other.target.lower())
            if key is other or key.target not in known or not right or other.target == table.name:
                continue
            pair = {*key.columns, *other.columns}
            if len(table.columns) <= len({*pair, *table.primary_key}) + 2 or any(
                pair == set(each) for each in table.unique
            ):
                return True
    return False


def _targets(table: Table) -> set[str]:
    return {key.target for key in table.foreign_keys if key.target != table.name}

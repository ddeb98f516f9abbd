"""A crafted backup gives nobody anything, whatever is chosen; only a restore of accounts does, and says who gains what."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import sites
from tests.restoring import Restoring

Record = dict[str, Any]
Rights = dict[str, frozenset[str]]

TABLES = (
    "CREATE TABLE django_content_type (id integer PRIMARY KEY, app_label varchar(40) NOT NULL, model varchar(40) NOT NULL,"
    " UNIQUE (app_label, model))",
    "CREATE TABLE django_migrations (id integer PRIMARY KEY, app varchar(40) NOT NULL, name varchar(40) NOT NULL)",
    "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL)",
    "CREATE TABLE auth_permission (id integer PRIMARY KEY, name varchar(40) NOT NULL, codename varchar(40) NOT NULL,"
    " content_type_id integer NOT NULL REFERENCES django_content_type (id) DEFERRABLE INITIALLY DEFERRED,"
    " UNIQUE (content_type_id, codename))",
    "CREATE TABLE auth_group (id integer PRIMARY KEY, name varchar(40) NOT NULL UNIQUE)",
    "CREATE TABLE auth_group_permissions (id integer PRIMARY KEY,"
    " group_id integer NOT NULL REFERENCES auth_group (id) DEFERRABLE INITIALLY DEFERRED,"
    " permission_id integer NOT NULL REFERENCES auth_permission (id) DEFERRABLE INITIALLY DEFERRED,"
    " UNIQUE (group_id, permission_id))",
    "CREATE TABLE desk_user (id integer PRIMARY KEY, uuid {uuid} NOT NULL UNIQUE, username varchar(40) NOT NULL UNIQUE,"
    " email varchar(60) NOT NULL, password varchar(128) NOT NULL, is_superuser boolean NOT NULL, is_staff boolean NOT NULL,"
    " is_active boolean NOT NULL)",
    "CREATE TABLE desk_user_groups (id integer PRIMARY KEY,"
    " user_id integer NOT NULL REFERENCES desk_user (id) DEFERRABLE INITIALLY DEFERRED,"
    " group_id integer NOT NULL REFERENCES auth_group (id) DEFERRABLE INITIALLY DEFERRED, UNIQUE (user_id, group_id))",
    "CREATE TABLE desk_user_user_permissions (id integer PRIMARY KEY,"
    " user_id integer NOT NULL REFERENCES desk_user (id) DEFERRABLE INITIALLY DEFERRED,"
    " permission_id integer NOT NULL REFERENCES auth_permission (id) DEFERRABLE INITIALLY DEFERRED,"
    " UNIQUE (user_id, permission_id))",
    "CREATE TABLE desk_role (id integer PRIMARY KEY, uuid {uuid} NOT NULL UNIQUE, name varchar(40) NOT NULL UNIQUE)",
    "CREATE TABLE desk_userrole (id integer PRIMARY KEY,"
    " user_id integer NOT NULL REFERENCES desk_user (id) DEFERRABLE INITIALLY DEFERRED,"
    " role_id integer NOT NULL REFERENCES desk_role (id) DEFERRABLE INITIALLY DEFERRED,"
    " given_by_id integer REFERENCES desk_user (id) DEFERRABLE INITIALLY DEFERRED, UNIQUE (user_id, role_id))",
    "CREATE TABLE authtoken_token (key varchar(40) PRIMARY KEY,"
    " user_id integer NOT NULL UNIQUE REFERENCES desk_user (id) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE desk_folder (id integer PRIMARY KEY, name varchar(40) NOT NULL UNIQUE)",
    "CREATE TABLE desk_note (id integer PRIMARY KEY, text varchar(40) NOT NULL UNIQUE,"
    " by_id integer REFERENCES desk_user (id) DEFERRABLE INITIALLY DEFERRED,"
    " folder_id integer REFERENCES desk_folder (id) DEFERRABLE INITIALLY DEFERRED)",
)

PROFILE = """
name = "desk"
extends = "django"
[tables.desk_user]
name = "{username}"
keys = [["username"]]
email = "email"
protected = true
placeholder = { password = "!", is_superuser = false, is_staff = false, is_active = false }
[tables.desk_user_groups]
label = "desk.user_groups"
title = "Groups"
protected = true
[tables.desk_user_user_permissions]
label = "desk.user_user_permissions"
title = "Permissions"
protected = true
[tables.desk_role]
title = "Roles"
name = "{name}"
keys = [["name"]]
protected = true
[tables.desk_userrole]
title = "Roles"
protected = true
"""


def uuid_of(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def live() -> list[Record]:
    """The site: a root, an officer with a group, a role and a token, and a clerk who has nothing."""
    return [
        record("contenttypes.contenttype", 1, app_label="desk", model="note"),
        record("auth.permission", 1, name="See", codename="see", content_type=1),
        record("auth.permission", 2, name="Erase", codename="erase", content_type=1),
        record("auth.group", 1, name="Office"),
        record("auth.group", 2, name="Nobody yet"),
        record("auth.group_permissions", 1, group=1, permission=1),
        user(1, "root", is_superuser=True, is_staff=True),
        user(2, "officer"),
        user(3, "clerk"),
        record("desk.user_groups", 1, user=2, group=1),
        record("desk.role", 1, uuid=uuid_of(101), name="Approver"),
        record("desk.userrole", 1, user=2, role=1, given_by=1),
        record("authtoken.token", "a" * 40, user=2),
        record("desk.folder", 1, name="Inbox"),
        record("desk.note", 1, text="hello", by=2, folder=1),
    ]


def record(model: str, pk: Any, /, **fields: Any) -> Record:
    return {"model": model, "pk": pk, "fields": fields}


def user(pk: int, username: str, **given: Any) -> Record:
    fields = {"uuid": uuid_of(pk), "username": username, "email": f"{username}@desk.example", "password": f"hash {pk}"}
    return record("desk.user", pk, **{**fields, "is_superuser": False, "is_staff": False, "is_active": True, **given})


ALL = {"is_superuser": True, "is_staff": True, "is_active": True, "password": "pbkdf2$known"}

ATTACKS: Mapping[str, list[Record]] = {
    "makes the clerk superuser": [user(3, "clerk", **ALL)],
    "gives root another password": [user(1, "root", **ALL)],
    "adds a superuser": [user(9, "mallory", **ALL)],
    "adds a superuser to whom a note refers": [
        user(9, "mallory", **ALL),
        record("desk.note", 9, text="x", by=9, folder=1),
    ],
    "adds one by name": [
        {"model": "desk.user", "fields": user(9, "mallory", **ALL)["fields"]},
        record("desk.note", 9, text="x", by=["mallory"], folder=["Inbox"]),
    ],
    "renames root": [user(1, "mallory", **ALL)],
    "takes root's number": [user(1, "mallory", **ALL), record("desk.note", 9, text="x", by=1, folder=1)],
    "takes root's uuid": [user(9, "mallory", **ALL, uuid=uuid_of(1)), record("desk.note", 9, text="x", by=9, folder=1)],
    "takes root's name and the clerk's uuid": [
        user(9, "root", **ALL, uuid=uuid_of(3)),
        record("desk.note", 9, text="x", by=9, folder=1),
    ],
    "is root with another address": [
        user(9, "root", **ALL, email="mallory@evil.example"),
        record("desk.note", 9, text="x", by=9, folder=1),
    ],
    "adds a group with every permission": [
        {**record("auth.group", 7, name="Evil", permissions=[1, 2])},
        record("auth.group_permissions", 7, group=7, permission=2),
        record("desk.user_groups", 7, user=3, group=7),
    ],
    "widens a group": [record("auth.group", 1, name="Office", permissions=[1, 2])],
    "widens a group by its link": [record("auth.group_permissions", 9, group=1, permission=2)],
    "turns a harmless link": [record("auth.group_permissions", 1, group=1, permission=2)],
    "puts the clerk into a group by a list": [user(3, "clerk", groups=[1], user_permissions=[2])],
    "puts the clerk into a group by names": [
        user(3, "clerk", groups=[["Office"]], user_permissions=[["erase", "desk", "note"]])
    ],
    "puts the clerk into a group by a link": [
        record("desk.user_groups", 9, user=3, group=1),
        record("desk.user_user_permissions", 9, user=3, permission=2),
    ],
    "links by names": [record("desk.user_groups", 9, user=["clerk"], group=["Office"])],
    "turns the officer's link": [record("desk.user_groups", 1, user=3, group=1)],
    "renames a permission": [record("auth.permission", 1, name="See", codename="erase", content_type=1)],
    "turns a permission": [record("auth.permission", 1, name="Erase", codename="erase", content_type=1)],
    "gives a role": [record("desk.userrole", 9, user=3, role=1, given_by=1)],
    "gives a role by names": [record("desk.userrole", 9, user=["clerk"], role=["Approver"], given_by=["root"])],
    "turns the officer's role": [record("desk.userrole", 1, user=3, role=1, given_by=None)],
    "takes a role's number": [record("desk.role", 1, uuid=uuid_of(777), name="Other")],
    "adds a token": [record("authtoken.token", "b" * 40, user=1)],
    "turns a token": [record("authtoken.token", "a" * 40, user=1)],
    "adds a session": [record("sessions.session", "s" * 40, session_data="root")],
    "comes in by another label": [record("x.user", 3, **user(3, "clerk", **ALL)["fields"])],
    "keeps a placeholder's group": [
        user(9, "mallory", **ALL, groups=[1], user_permissions=[1, 2]),
        record("desk.userrole", 9, user=9, role=1, given_by=1),
        record("desk.note", 9, text="x", by=9, folder=1),
    ],
    "hides behind a removed folder": [
        record("desk.folder", 2, name="Other"),
        record("desk.note", 1, text="hello", by=1, folder=2),
    ],
}

MODES = [
    {"remove": remove, "on_conflict": conflict, "origin": origin}
    for remove, conflict, origin in itertools.product(
        (False, True), ("backup", "database", "newest"), ("auto", "same", "other")
    )
]
POLICIES: tuple[dict[str, str], ...] = (
    {},
    {"on_missing": "skip", "on_invalid": "skip", "on_referenced": "remove"},
    {"on_missing": "null", "on_invalid": "skip", "on_referenced": "null"},
)


@pytest.fixture(params=["profile", "no profile"])
def desk(request: pytest.FixtureRequest, sqlite: str, tmp_path: Path) -> Restoring:
    return desk_at(sqlite, tmp_path, known=request.param == "profile")


def desk_at(url: str, folder: Path, *, known: bool = True) -> Restoring:
    uuid = "uuid" if url.startswith("postgresql") else "char(32)"
    sites.execute(url, *(each.format(uuid=uuid) for each in TABLES))
    profile = folder / "desk.toml"
    profile.write_text(PROFILE, "utf-8")
    made = Restoring(url, folder, profile=str(profile))
    made.restore(live(), accounts="restore")
    return made if known else Restoring(url, folder, numbers=made.numbers)


def rights(url: str) -> Rights:
    """What every account can do: by its flags, its groups, permissions, roles and tokens. Who can do nothing is not there."""
    held = sites.contents(url)
    names = {row["id"]: row["username"] for row in held["desk_user"]}
    codes = {row["id"]: row["codename"] for row in held["auth_permission"]}
    groups = {row["id"]: row["name"] for row in held["auth_group"]}
    roles = {row["id"]: row["name"] for row in held["desk_role"]}
    found: dict[str, set[str]] = {}
    for row in held["desk_user"]:
        own = found.setdefault(row["username"], set())
        own |= {f"{flag}" for flag in ("is_superuser", "is_staff", "is_active") if row[flag]}
        own |= {f"password {row['password']}"} if row["password"] != "!" else set()
    for row in held["desk_user_groups"]:
        own = found[names[row["user_id"]]]
        own.add(f"group {groups[row['group_id']]}")
        through = [each for each in held["auth_group_permissions"] if each["group_id"] == row["group_id"]]
        own |= {f"permission {codes[each['permission_id']]}" for each in through}
    for row in held["desk_user_user_permissions"]:
        found[names[row["user_id"]]].add(f"permission {codes[row['permission_id']]}")
    for row in held["desk_userrole"]:
        found[names[row["user_id"]]].add(f"role {roles[row['role_id']]}")
    for row in held["authtoken_token"]:
        found[names[row["user_id"]]].add(f"token {row['key']}")
    for row in held["django_session"]:
        found.setdefault(row["session_key"], set()).add(row["session_data"])
    for row in held["auth_group_permissions"]:
        found.setdefault(f"group {groups[row['group_id']]}", set()).add(codes[row["permission_id"]])
    return {who: frozenset(what) for who, what in found.items() if what}


def tried(desk: Restoring, attack: list[Record], number: int, **choices: Any) -> bool:
    """Whether an attack came so far as to be carried out; nobody has gained anything in any case."""
    before = rights(desk.url)
    path, plan = desk.planned(attack, accept_drift=True, **choices)
    if plan.ready:
        desk.apply(path, plan, confirm_removal=plan.removal)
    assert rights(desk.url) == before, (attack, choices)
    assert plan.gains == ()
    return plan.ready


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_crafted_backup_gives_nobody_anything(desk: Restoring, attack: str) -> None:
    original = Path(desk.url.removeprefix("sqlite:///")).read_bytes()
    done = 0
    for number, (mode, policy) in enumerate(modes_of(attack, 1 if desk.profile else 3)):
        Path(desk.url.removeprefix("sqlite:///")).write_bytes(original)
        done += tried(desk, ATTACKS[attack], number, **mode, **policy)
    assert done, "every way was refused: nothing was tried"


def modes_of(attack: str, step: int) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Every mode, or some of them, with the policies by turns."""
    for number, mode in enumerate(MODES[len(attack) % step :: step]):
        yield mode, POLICIES[number % len(POLICIES)]


def test_all_of_it_at_once_on_postgresql(postgresql: str, tmp_path: Path) -> None:
    desk = desk_at(postgresql, tmp_path)
    everything = [each for attack in ATTACKS.values() for each in attack]
    done = [
        tried(desk, everything, number, remove=remove, origin=origin, on_conflict="backup", **POLICIES[1])
        for number, (remove, origin) in enumerate(itertools.product((False, True), ("same", "other")))
    ]
    assert any(done)


def test_a_restore_of_accounts_names_everybody_who_gains_and_what(site_database: str, tmp_path: Path) -> None:
    desk = desk_at(site_database, tmp_path)
    backup = [
        user(1, "root", is_superuser=True, is_staff=True, password="older hash"),
        user(2, "officer", is_staff=True),
        user(3, "clerk", is_active=False),
        user(9, "mallory", **ALL),
        record("auth.group", 1, name="Office"),
        record("auth.group", 7, name="Evil"),
        record("auth.group_permissions", 1, group=1, permission=1),
        record("auth.group_permissions", 2, group=1, permission=2),
        record("auth.group_permissions", 3, group=7, permission=2),
        record("desk.user_groups", 1, user=2, group=1),
        record("desk.user_groups", 5, user=9, group=7),
        record("desk.user_user_permissions", 5, user=3, permission=2),
        record("desk.userrole", 5, user=9, role=1, given_by=1),
        record("authtoken.token", "a" * 40, user=2),
        record("authtoken.token", "b" * 40, user=9),
    ]
    before = direct(desk.url)
    plan = desk.plan(backup, accounts="restore", origin="same")
    desk.restore(backup, accounts="restore", origin="same")
    gained = {
        who: {each.partition(" hash")[0] for each in what - before.get(who, set())}
        for who, what in direct(desk.url).items()
        if what - before.get(who, set())
    }
    assert {gain.who: set(gain.what) for gain in plan.gains} == gained
    assert plan.gain_count == len(gained)


def test_a_renamed_account_takes_its_rights_along_and_is_named(site_database: str, tmp_path: Path) -> None:
    desk = desk_at(site_database, tmp_path)
    plan = desk.plan([user(1, "mallory", is_superuser=True, is_staff=True)], accounts="restore", origin="same")
    assert plan.counts.update == 1
    (gain,) = plan.gains
    assert gain.who == "mallory"
    assert "all that root had" in gain.what


def direct(url: str) -> dict[str, set[str]]:
    """What is given to everybody and every group, in the words of the list of gains. A password counts by its value."""
    held = sites.contents(url)
    names = {row["id"]: row["username"] for row in held["desk_user"]}
    codes = {row["id"]: row["codename"] for row in held["auth_permission"]}
    groups = {row["id"]: row["name"] for row in held["auth_group"]}
    roles = {row["id"]: row["name"] for row in held["desk_role"]}
    found: dict[str, set[str]] = {f"Groups: {name}": {"added or changed"} for name in groups.values()}
    for row in held["desk_user"]:
        own = found.setdefault(row["username"], set())
        own |= {flag for flag in ("is_superuser", "is_staff", "is_active") if row[flag]}
        own.add(f"password hash {row['password']}")
    for table, title, column, words in (
        ("desk_user_groups", "Groups", "group_id", groups),
        ("desk_user_user_permissions", "Permissions", "permission_id", codes),
        ("desk_userrole", "Roles", "role_id", roles),
    ):
        for row in held[table]:
            given = f", {names[row['given_by_id']]}" if row.get("given_by_id") else ""
            found[names[row["user_id"]]].add(f"{title}: {words[row[column]]}{given}")
    for row in held["auth_group_permissions"]:
        found.setdefault(groups[row["group_id"]], set()).add(f"Permissions of groups: {codes[row['permission_id']]}")
    for row in held["authtoken_token"]:
        found[names[row["user_id"]]].add("Access tokens")
    return found

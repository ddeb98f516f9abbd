"""The document system of the demo on any database, as it was before its accident; and the same system rebuilt.

Rebuilt means: set up again after the backup was made. Everything that the set-up makes is there once more, under other
keys and uuids; what people did with it is gone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from tests import sites
from webapp.demo.documents import DOCUMENTS
from webapp.demo.site import open_ledger

TODAY = date(2026, 3, 12)

LENGTHS = {("document_access_logs", "access_duration")}
"""Lengths of time: SQLite has no type for them, PostgreSQL has."""

GONE = (
    "documents",
    "document_versions",
    "document_dependencies",
    "document_access_logs",
    "document_workflows",
    "document_transitions",
    "audit_trail",
)
"""Tables that a rebuilt system has not filled yet."""

LEFT = ("author09", "reviewer06", "viewer04")
"""People who have no account in the rebuilt system. The first two are referred to by documents."""

RENAMED = {"SOP": "Work Instructions", "MAN": "Handbooks"}
"""Document types that the new set-up calls otherwise."""

Contents = Mapping[str, Sequence[Mapping[str, Any]]]


def documents_schema(url: str) -> str:
    """The empty document system."""
    ddl = DOCUMENTS.schema.read_text("utf-8")
    if url.startswith("postgresql"):
        for _, column in LENGTHS:
            ddl = ddl.replace(f'"{column}" bigint', f'"{column}" interval')
    return sites.build(url, ddl)


def documents_site(url: str, keep: Path | None = None) -> str:
    """The document system on the evening of its backup; its files stay in ``keep``, below ``media``, when that is given."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        database = folder / "documents.sqlite3"
        ledger = open_ledger(DOCUMENTS, database, TODAY)
        ledger.connection.execute("COMMIT")
        ledger.connection.close()
        found = sites.contents(f"sqlite:///{database}")
    return fill(documents_schema(url), found)


def fill(url: str, contents: Contents) -> str:
    """Write rows into an empty document system."""
    return sites.write(url, {table: _as_stored(url, table, rows) for table, rows in contents.items()})


def _as_stored(url: str, table: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    lengths = [column for name, column in LENGTHS if name == table]
    if not lengths or url.startswith("sqlite"):
        return [dict(row) for row in rows]
    return [
        {**row, **{name: timedelta(microseconds=row[name]) for name in lengths if isinstance(row[name], int)}}
        for row in rows
    ]


# ---------------------------------------------------------------- rebuilding


def rebuild(url: str) -> str:
    """Set a system up again, in place."""
    after = rebuilt(sites.contents(url))
    _empty(url, after)
    return fill(url, after)


def rebuilt(before: Contents) -> dict[str, list[dict[str, Any]]]:
    """What a system holds when it is set up again: other keys and uuids, some types renamed, some people missing."""
    people = [row for row in before["users"] if row["username"] not in LEFT]
    root = people[0]["id"]
    kept: Contents = {
        **before,
        **{table: [] for table in GONE},
        "users": people,
        "users_groups": [],
        "users_user_permissions": [],
        # Only the root who set it up has a role again.
        "user_roles": [row for row in before["user_roles"] if row["user_id"] == root][:1],
    }
    keys = {table: _other_keys(rows) for table, rows in kept.items()}
    return {table: [_rebuilt(table, row, keys) for row in rows] for table, rows in kept.items()}


REFERENCES = {
    "content_type_id": "django_content_type",
    "permission_id": "auth_permission",
    "group_id": "auth_group",
    "user_id": "users",
    "manager_id": "users",
    "created_by_id": "users",
    "assigned_by_id": "users",
    "revoked_by_id": "users",
    "role_id": "roles",
    "inherits_from_id": "roles",
}
"""The references between the tables that a rebuilt system has filled."""


def _other_keys(rows: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """The same numbers dealt out in the opposite order, so that nearly every one now belongs to somebody else."""
    old = [row["id"] for row in rows if "id" in row]
    return dict(zip(old, reversed(old), strict=True))


def _rebuilt(table: str, row: Mapping[str, Any], keys: Mapping[str, Mapping[int, int]]) -> dict[str, Any]:
    found = dict(row)
    if "id" in found:
        found["id"] = keys[table][found["id"]]
    for column, target in REFERENCES.items():
        if column in found:
            found[column] = keys[target].get(found[column])
    if isinstance(found.get("uuid"), UUID):
        found["uuid"] = uuid5(NAMESPACE_URL, f"rebuilt {found['uuid']}")
    if table == "document_types":
        found["name"] = RENAMED.get(found["code"], found["name"])
    if table == "users":
        found["password"] = "!" + "r" * 40
    return found


def _empty(url: str, tables: Iterable[str]) -> None:
    if url.startswith("postgresql"):
        sites.execute(url, f"TRUNCATE {', '.join(tables)} CASCADE")
    else:
        sites.execute(url, "PRAGMA defer_foreign_keys = ON", *(f'DELETE FROM "{name}"' for name in tables))

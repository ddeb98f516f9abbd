"""Fixtures of the document system as Django's dumpdata writes them, with and without natural keys.

Written from the site's rows alone, without the engine: what a restore reads must not come from what it is tested by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from tests import sites
from tests.document_sites import LENGTHS


@dataclass(frozen=True)
class Model:
    """A model: its table, what it refers to, its natural key, and its lists of other rows."""

    label: str
    table: str
    references: Mapping[str, str] = field(default_factory=dict)  # column -> table
    natural: tuple[str, ...] = ()  # columns; a reference among them stands for the natural key of its row
    lists: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)  # field -> join table, owner, other
    key: str = "id"


MODELS = (
    Model("contenttypes.contenttype", "django_content_type", natural=("app_label", "model")),
    Model(
        "auth.permission",
        "auth_permission",
        {"content_type_id": "django_content_type"},
        natural=("codename", "content_type_id"),
    ),
    Model(
        "auth.group",
        "auth_group",
        natural=("name",),
        lists={"permissions": ("auth_group_permissions", "group_id", "permission_id")},
    ),
    Model(
        "users.user",
        "users",
        {"manager_id": "users", "created_by_id": "users"},
        natural=("username",),
        lists={
            "groups": ("users_groups", "user_id", "group_id"),
            "user_permissions": ("users_user_permissions", "user_id", "permission_id"),
        },
    ),
    Model("users.role", "roles", {"inherits_from_id": "roles", "created_by_id": "users"}, natural=("name",)),
    Model(
        "users.userrole",
        "user_roles",
        {"user_id": "users", "role_id": "roles", "assigned_by_id": "users", "revoked_by_id": "users"},
        natural=("user_id", "role_id"),
    ),
    Model("documents.documenttype", "document_types", {"created_by_id": "users"}, natural=("code",)),
    Model("documents.documentsource", "document_sources", natural=("name",)),
    Model(
        "documents.document",
        "documents",
        {
            "document_type_id": "document_types",
            "document_source_id": "document_sources",
            "author_id": "users",
            "reviewer_id": "users",
            "approver_id": "users",
            "obsoleted_by_id": "users",
            "supersedes_id": "documents",
        },
        natural=("document_number",),
    ),
    Model(
        "documents.documentversion",
        "document_versions",
        {"document_id": "documents", "created_by_id": "users"},
        natural=("document_id", "version_major", "version_minor"),
    ),
    Model(
        "documents.documentdependency",
        "document_dependencies",
        {"document_id": "documents", "depends_on_id": "documents", "created_by_id": "users"},
        natural=("document_id", "depends_on_id", "dependency_type"),
    ),
    Model("documents.documentaccesslog", "document_access_logs", {"document_id": "documents", "user_id": "users"}),
    Model("workflows.documentstate", "workflow_document_states", natural=("code",), key="code"),
    Model(
        "workflows.documentworkflow",
        "document_workflows",
        {
            "document_id": "documents",
            "current_state_id": "workflow_document_states",
            "initiated_by_id": "users",
            "current_assignee_id": "users",
            "selected_reviewer_id": "users",
            "selected_approver_id": "users",
        },
        natural=("document_id", "workflow_type"),
    ),
    Model(
        "workflows.documenttransition",
        "document_transitions",
        {
            "workflow_id": "document_workflows",
            "from_state_id": "workflow_document_states",
            "to_state_id": "workflow_document_states",
            "transitioned_by_id": "users",
        },
        natural=("uuid",),
    ),
    Model(
        "audit.audittrail",
        "audit_trail",
        {"user_id": "users", "content_type_id": "django_content_type"},
        natural=("uuid",),
    ),
    Model("placeholders.placeholderdefinition", "placeholder_definitions", {"created_by_id": "users"}, ("name",)),
)


def dump(url: str, path: Path, *, natural: bool, but: tuple[str, ...] = ()) -> Path:
    """Write a site's records, except models ``but``; ``natural``: natural keys for references and instead of keys."""
    source = _Source(url)
    wanted = [model for model in MODELS if model.label not in but]
    return sites.fixture(path, [record for model in wanted for record in source.records(model, natural)])


LISTED = {"permission_id": "auth_permission", "group_id": "auth_group"}
"""What the join tables lead to."""


def told(url: str, label: str) -> list[dict[str, Any]]:
    """The rows of one model as records with natural keys, in their order: what two sites with other keys have in common."""
    source, model = _Source(url, cut=True), next(model for model in MODELS if model.label == label)
    records = [
        {"key": source.natural_key(model.table, row), **record["fields"]} for row, record in source.paired(model)
    ]
    return sorted(records, key=lambda record: json.dumps(record, sort_keys=True, default=str))


@dataclass
class _Source:
    url: str
    cut: bool = False  # instants to milliseconds, as a fixture has them

    @cached_property
    def rows(self) -> dict[str, list[sites.Row]]:
        found = sites.contents(self.url)
        if not self.cut:
            return found
        return {
            table: [{name: _cut(value) for name, value in row.items()} for row in rows] for table, rows in found.items()
        }

    @cached_property
    def models(self) -> dict[str, Model]:
        return {model.table: model for model in MODELS}

    @cached_property
    def by_key(self) -> dict[str, dict[Any, sites.Row]]:
        return {table: {row[model.key]: row for row in self.rows[table]} for table, model in self.models.items()}

    def natural_key(self, table: str, row: sites.Row) -> list[Any]:
        """Flat, as Django's natural_key functions usually give it: the parts of a reference follow each other."""
        model = self.models[table]
        key: list[Any] = []
        for column in model.natural:
            target = model.references.get(column)
            if target is None:
                key.append(_written(row[column]))
            else:
                key += self.natural_key(target, self.by_key[target][row[column]])
        return key

    def referred(self, table: str, value: Any, natural: bool) -> Any:
        if value is None or not natural or not self.models[table].natural:
            return _written(value)
        return self.natural_key(table, self.by_key[table][value])

    def paired(self, model: Model) -> Iterator[tuple[sites.Row, dict[str, Any]]]:
        return zip(self.rows[model.table], self.records(model, natural=True), strict=True)

    def records(self, model: Model, natural: bool) -> Iterator[dict[str, Any]]:
        lists = {name: self._listed(*parts) for name, parts in model.lists.items()}
        for row in self.rows[model.table]:
            fields: dict[str, Any] = {}
            for column, value in row.items():
                if column == model.key:
                    continue
                target = model.references.get(column)
                if target is not None:
                    fields[column.removesuffix("_id")] = self.referred(target, value, natural)
                elif (model.table, column) in LENGTHS:
                    fields[column] = _length(value)
                else:
                    fields[column] = _written(value)
            for name, (_, _, other) in model.lists.items():
                target = LISTED[other]
                fields[name] = [self.referred(target, each, natural) for each in lists[name](row[model.key])]
            if natural and model.natural:
                yield {"model": model.label, "fields": fields}
            else:
                yield {"model": model.label, "pk": _written(row[model.key]), "fields": fields}

    def _listed(self, joint: str, owner: str, other: str) -> Callable[[Any], list[Any]]:
        found: dict[Any, list[Any]] = {}
        for row in self.rows[joint]:
            found.setdefault(row[owner], []).append(row[other])
        return lambda key: found.get(key, [])


def _cut(value: Any) -> Any:
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, datetime) else value


def _written(value: Any) -> Any:
    """As Django's encoder writes it: instants are cut to milliseconds."""
    if isinstance(value, datetime):
        text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
        return (text[:23] if value.microsecond else text) + "Z"
    return value if value is None or isinstance(value, bool | int | float | str | dict | list) else str(value)


def _length(value: timedelta | int | None) -> str | None:
    if value is None:
        return None
    length = value if isinstance(value, timedelta) else timedelta(microseconds=value)
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{length.microseconds:06d}" if length.microseconds else ""
    return f"P{length.days}DT{hours:02d}H{minutes:02d}M{seconds:02d}{fraction}S"

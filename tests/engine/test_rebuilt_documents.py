"""A document system that was set up again after its backup: other keys, other uuids, other names, people missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import document_fixtures, document_sites, sites
from webapp.engine import commands
from webapp.engine.answers import Choices, Outcome, Plan

BUSINESS = (
    "documents.document",
    "documents.documentversion",
    "documents.documentdependency",
    "documents.documentaccesslog",
    "workflows.documentworkflow",
    "workflows.documenttransition",
    "audit.audittrail",
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The system on the evening of its backup; no test writes to it."""
    path = tmp_path_factory.mktemp("original") / "documents.sqlite3"
    path.touch()
    return document_sites.documents_site(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def backups(original: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Its backups."""
    folder = tmp_path_factory.mktemp("backups")
    return {
        kind: document_fixtures.dump(original, folder / f"{kind}.json", natural=kind == "natural")
        for kind in ("plain", "natural")
    }


@pytest.fixture
def rebuilt(original: str, site_database: str) -> str:
    """The system set up again."""
    after = document_sites.rebuilt(sites.contents(original))
    return document_sites.fill(document_sites.documents_schema(site_database), after)


def planned(backup: Path, url: str, folder: Path, name: str, **choices: Any) -> Plan:
    return commands.make_plan(
        backup, url, stages=folder / "stages", output=folder / f"{name}.plan", choices=Choices(**choices)
    )


def restored(backup: Path, url: str, folder: Path, **choices: Any) -> Outcome:
    """Restore, and see that a second restore has nothing to do."""
    plan = planned(backup, url, folder, "first", **choices)
    assert plan.problems == ()
    outcome = commands.apply_plan(folder / "first.plan", plan.digest, url, job="1", receipt=folder / "first.receipt")
    assert outcome.status == "done"
    assert planned(backup, url, folder, "second", **choices).counts.changes == 0
    return outcome


def rights(url: str) -> dict[str, tuple[object, ...]]:
    """What every account may do, and the password that opens it."""
    site = sites.contents(url)
    groups = {row["id"]: row["name"] for row in site["auth_group"]}
    permissions = {row["id"]: row["codename"] for row in site["auth_permission"]}
    roles = {row["id"]: (row["module"], row["permission_level"]) for row in site["roles"]}

    def given(table: str, column: str, names: dict[int, Any], user: int) -> list[Any]:
        return sorted(names[row[column]] for row in site[table] if row["user_id"] == user)

    return {
        row["username"]: (
            *(row[column] for column in ("is_superuser", "is_staff", "is_active", "password")),
            given("users_groups", "group_id", groups, row["id"]),
            given("users_user_permissions", "permission_id", permissions, row["id"]),
            given("user_roles", "role_id", roles, row["id"]),
        )
        for row in site["users"]
    }


@pytest.mark.parametrize("kind", ["plain", "natural"])
def test_everything_that_people_did_is_back_once_and_nobody_may_do_more(
    original: str, backups: dict[str, Path], rebuilt: str, tmp_path: Path, kind: str
) -> None:
    before, roles = rights(rebuilt), sites.rows(rebuilt, "roles")
    restored(backups[kind], rebuilt, tmp_path)
    for label in BUSINESS:
        assert document_fixtures.told(rebuilt, label) == document_fixtures.told(original, label), label
    after = rights(rebuilt)
    assert {name: after.pop(name) for name in before} == before
    assert sites.rows(rebuilt, "roles") == roles
    assert sorted(after) == sorted(document_sites.LEFT)
    for superuser, staff, active, password, *granted in after.values():
        assert (superuser, staff, active, granted) == (False, False, False, [[], [], []])
        assert str(password).startswith("!")
    assert len(sites.rows(rebuilt, "document_types")) == len(sites.rows(original, "document_types"))


def test_a_root_may_have_the_accounts_and_rights_of_the_backup_back(
    original: str, backups: dict[str, Path], rebuilt: str, tmp_path: Path
) -> None:
    restored(backups["natural"], rebuilt, tmp_path, accounts="restore")
    assert rights(rebuilt) == rights(original)
    for label in ("users.userrole", "users.role"):
        assert document_fixtures.told(rebuilt, label) == document_fixtures.told(original, label), label


def test_the_database_may_keep_its_names_and_uuids(
    original: str, backups: dict[str, Path], rebuilt: str, tmp_path: Path
) -> None:
    types = sites.rows(rebuilt, "document_types")
    restored(backups["plain"], rebuilt, tmp_path, on_conflict="database")
    assert sites.rows(rebuilt, "document_types") == types
    assert len(sites.rows(rebuilt, "documents")) == len(sites.rows(original, "documents"))


@pytest.mark.parametrize("kind", ["plain", "natural"])
def test_a_backup_of_the_system_itself_changes_nothing(
    original: str, backups: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    plan = planned(backups[kind], original, tmp_path, "same")
    assert (plan.counts.changes, plan.counts.skipped, plan.problem_count) == (0, 0, 0)

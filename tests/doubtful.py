"""Backups that cannot be restored without somebody's decision: an ambiguous record, a missing account, a lost right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests import sites, small_sites
from webapp.engine import commands


def ambiguous(url: str, folder: Path) -> Path:
    """A small school, and students of whom number 1 has the admission number of number 2, who is not in the file."""
    small_sites.school_small(url)
    records = [record for record in backup_of(url, folder) if record["model"] == "students.student"]
    records = [record for record in records if record["pk"] != 2]
    records[0]["fields"]["admission_number"] = "A-002"
    return sites.fixture(folder / "ambiguous.json", records)


def without_rights(url: str, folder: Path) -> Path:
    """A backup of a small school, in which afterwards an account, a group's member and a superuser are lost."""
    small_sites.school_small(url)
    records = backup_of(url, folder)
    sites.execute(
        url,
        "DELETE FROM users_customuser_groups",
        "UPDATE users_customuser SET is_superuser = FALSE",
        "DELETE FROM users_customuser WHERE id = 3",
    )
    return sites.fixture(folder / "accounts.json", records)


def backup_of(url: str, folder: Path) -> list[dict[str, Any]]:
    """The records of a site's own backup."""
    path = folder / "own.json"
    commands.backup(url, path, profile="school")
    records: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return records

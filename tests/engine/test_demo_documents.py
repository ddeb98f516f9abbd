"""The demo document system: complete with its files, damaged as its story tells, and repaired by its backup."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import demo_sites, sites
from tests.engine.conftest import NOW
from webapp.demo.documents import create_demo_documents
from webapp.demo.site import DemoSite


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> DemoSite:
    """The damaged site; no test writes to it."""
    return create_demo_documents(tmp_path_factory.mktemp("demo") / "documents", now=NOW)


@pytest.fixture
def live(documents: DemoSite) -> Iterator[sqlite3.Connection]:
    """The damaged database."""
    connection = sqlite3.connect(f"{documents.database.as_uri()}?mode=ro", uri=True)
    yield connection
    connection.close()


def test_its_profile_knows_every_table_and_column(live: sqlite3.Connection) -> None:
    assert demo_sites.unknown_to_its_profile(live, "documents") == []


def test_the_accident_is_what_the_story_tells(documents: DemoSite, live: sqlite3.Connection) -> None:
    backup = Counter(record["model"] for record in json.loads(documents.backup.read_text("utf-8")))
    assert backup["documents.document"] == 300
    for table, label in (
        ("documents", "documents.document"),
        ("document_versions", "documents.documentversion"),
        ("document_dependencies", "documents.documentdependency"),
        ("document_access_logs", "documents.documentaccesslog"),
        ("document_workflows", "workflows.documentworkflow"),
        ("document_transitions", "workflows.documenttransition"),
        ("audit_trail", "audit.audittrail"),
    ):
        (rows,) = live.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert rows == backup[label] - documents.lost.get(table, 0) + documents.added.get(table, 0), table
    assert f"deleted {documents.lost['documents']} approved documents" in documents.story[1]
    assert live.execute("PRAGMA foreign_key_check").fetchall() == []


def test_every_version_has_its_file_also_when_its_row_is_deleted(documents: DemoSite) -> None:
    versions = [
        record["fields"]
        for record in json.loads(documents.backup.read_text("utf-8"))
        if record["model"] == "documents.documentversion"
    ]
    for version in versions:
        content = (documents.folder / "media" / version["file_path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (version["file_size"], version["file_checksum"])
        assert content.startswith(b"%PDF-1.4") == version["file_name"].endswith(".pdf")


def test_nobody_can_log_in_and_the_history_names_deleted_documents(live: sqlite3.Connection) -> None:
    assert live.execute("SELECT count(*) FROM users WHERE password NOT LIKE '!%'").fetchone() == (0,)
    deleted = "SELECT count(*) FROM audit_trail WHERE action = 'DELETE' AND object_id NOT IN (SELECT CAST(id AS TEXT) FROM documents)"
    assert live.execute(deleted).fetchone() == (40,)


def test_a_restore_repairs_it_and_keeps_the_morning(documents: DemoSite, stages: Path, tmp_path: Path) -> None:
    url = demo_sites.copied(documents, tmp_path)
    morning = {row["id"] for row in sites.rows(url, "documents") if row["updated_at"] > documents.backup_made}
    before = [row for row in sites.rows(url, "documents") if row["id"] in morning]
    outcome = demo_sites.repaired(documents, url, stages, tmp_path)
    assert outcome.counts.insert == sum(documents.lost.values())
    assert outcome.counts.update == documents.spoilt["title"] + documents.emptied
    assert outcome.counts.delete == 0
    after = sites.rows(url, "documents")
    assert len(after) == 300 + documents.added["documents"]
    assert [row for row in after if row["id"] in morning] == before
    assert not [row for row in after if row["title"] == "Untitled"]


def test_it_is_the_same_every_time_and_kept_when_it_is_there(documents: DemoSite, tmp_path: Path) -> None:
    assert create_demo_documents(documents.folder) == documents
    again = create_demo_documents(tmp_path / "documents", now=NOW)
    assert again.backup.read_bytes() == documents.backup.read_bytes()
    assert again.database.read_bytes() == documents.database.read_bytes()

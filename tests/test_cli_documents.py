"""The document system's own commands: create-backup, restore-backup and restore-from-package."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import sites
from tests.paper_sites import Office, files, office
from tests.test_cli import CommandLine


@pytest.fixture
def site(sqlite: str, tmp_path: Path) -> Office:
    return office(sqlite, tmp_path)


@pytest.fixture
def run(site: Office, tmp_path: Path) -> CommandLine:
    line = CommandLine(tmp_path)
    done = line("sites", "add", "office", site.url, "--profile", str(site.profile), "--media", str(site.media))
    assert done.returncode == 0, done.stderr
    return line


def spoil(site: Office) -> None:
    sites.execute(site.url, "DELETE FROM office_paper WHERE id = 1")
    (site.media / "documents/2026/one.txt").unlink()
    (site.media / "letters/three.txt").write_text("spoilt")


@pytest.mark.parametrize("kind", ["full", "export"])
def test_everything_is_backed_up_looked_over_and_restored(run: CommandLine, site: Office, kind: str) -> None:
    made = run("create-backup", "--type", kind, "--output", "backup", "--verify")
    assert made.returncode == 0, made.stderr
    assert "Looked over" in made.stderr
    before = sites.rows(site.url, "office_paper")
    spoil(site)
    preview = run("restore-backup", "--from-file", "backup", "--dry-run")
    assert preview.returncode == 0, preview.stderr
    assert "files" in preview.stdout
    assert (site.media / "letters/three.txt").read_text() == "spoilt"
    done = run.json("restore-backup", "--from-file", "backup", "--force")
    assert done["status"] == "done"
    assert done["files"]["counts"]["insert"] == 1
    assert sites.rows(site.url, "office_paper") == before
    assert site.held() == files()
    again = run("restore-backup", "--from-file", "backup", "--force")
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout


def test_rows_and_files_can_be_restored_apart(run: CommandLine, site: Office) -> None:
    assert run("create-backup", "--type", "export", "--output", "package.tar.gz").returncode == 0
    spoil(site)
    assert run("restore-from-package", "package.tar.gz", "--type", "database", "--confirm").returncode == 0
    assert len(site.rows("office_paper")) == 4
    assert (site.media / "letters/three.txt").read_text() == "spoilt"
    sites.execute(site.url, "UPDATE office_paper SET title = 'kept' WHERE id = 2")
    assert run("restore-from-package", "package.tar.gz", "--type", "files", "--confirm").returncode == 0
    assert site.held() == files()
    assert "kept" in [row["title"] for row in site.rows("office_paper")]


def test_files_alone_are_backed_up(run: CommandLine, site: Office) -> None:
    made = run.json("create-backup", "--type", "files", "--output", "files.tar.gz")
    assert (made["records"], made["files"]) == (0, 5)
    spoil(site)
    assert run("restore-from-package", "files.tar.gz", "--confirm").returncode == 0
    assert site.held() == files()
    assert len(site.rows("office_paper")) == 3


def test_an_increment_builds_on_the_latest_backup_in_its_folder(run: CommandLine, site: Office) -> None:
    refused = run("create-backup", "--type", "incremental", "--output", "second.srb")
    assert refused.returncode == 2
    assert "no earlier native backup" in refused.stderr
    assert run("create-backup", "--type", "full", "--output", "first.srb").returncode == 0
    sites.execute(site.url, "UPDATE office_paper SET title = 'Renamed' WHERE id = 2")
    made = run.json("create-backup", "--type", "incremental", "--output", "second.srb", "--verify")
    assert (made["kind"], made["records"]) == ("incremental", 1)


def test_nothing_is_restored_unasked_and_a_bad_package_is_exit_status_1(
    run: CommandLine, site: Office, tmp_path: Path
) -> None:
    package = site.package()
    asked = run("restore-from-package", str(package))
    assert asked.returncode == 2
    assert "--preview nor --yes" in asked.stderr
    (tmp_path / "bad.tar.gz").write_bytes(package.read_bytes()[:-100])
    refused = run("restore-from-package", "bad.tar.gz", "--dry-run")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert run("restore-from-package", "gone.tar.gz", "--dry-run").returncode == 2


def test_without_a_site_the_only_registered_one_is_meant_and_of_several_none(run: CommandLine, site: Office) -> None:
    assert run("create-backup", "--type", "database", "--output", "a.srb").returncode == 0
    assert run("sites", "add", "second", site.url).returncode == 0
    refused = run("create-backup", "--type", "database", "--output", "b.srb")
    assert refused.returncode == 2
    assert "office, second" in refused.stderr
    missing = run("create-backup", "--type", "files", "--output", "c.tar.gz", "--site", "second")
    assert missing.returncode == 2

"""The command line through its front door: real processes, real databases, real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import doubtful, sites, small_sites
from webapp.cli import arguments, reference
from webapp.engine import profile

ROOT = Path(__file__).parent.parent


class CommandLine:
    """Runs commands with a data folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "SMART_RESTORE_DATA": str(folder / "data"),
            "PYTHONPATH": str(ROOT),
        }

    def __call__(self, *words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "webapp.cli", *map(str, words)],
            input=given,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
            timeout=120,
            check=False,
        )

    def json(self, *words: str | Path, status: int = 0) -> Any:
        done = self(*words, "--json")
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def every_command() -> list[list[str]]:
    return [path.split() for path, _ in reference._commands(arguments.build())]


# ---------------------------------------------------------------- words


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments.build().parse_args([*command, "--help"])
    assert ended.value.code == 0
    assert f"Example:\n  smart-restore {' '.join(command)}" in capsys.readouterr().out


def test_the_reference_is_what_the_program_says() -> None:
    written = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert written == reference.markdown(), "run: python -m webapp.cli.reference > docs/cli.md"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["restore", "backup.json"],
        ["restore", "backup.json", "--site", "x", "--mode", "overwrite"],
        ["restore", "backup.json", "--site", "x", "--fill", "status"],
        ["restore", "backup.json", "--site", "x", "--match-by", "students.student"],
        ["restore", "backup.json", "--site", "x", "--decide", "students.student=2"],
        ["restore", "backup.json", "--site", "x", "--preview", "--yes"],
        ["restore", "backup.json", "--site", "x", "--yes", "--confirm-removal", "-3"],
        ["restore", "missing.json", "--site", "sqlite:////nowhere", "--yes"],
        ["restore", "backup.json", "--site", "sqlite:////nowhere"],
        ["backup", "--site", "oracle://host/name", "--output", "x.json"],
        ["backup", "--site", "sqlite:////nowhere", "--output", "missing/x.json"],
        ["analyze", "backup.json", "--site", "nobody"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_a_sentence(run: CommandLine, words: list[str]) -> None:
    (run.folder / "backup.json").write_text("[]")
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_site_that_is_not_there_is_refused(run: CommandLine) -> None:
    found = run.json("backup", "--site", f"sqlite:///{run.folder}/none.sqlite", "--output", "x.json", status=1)
    assert found["status"] == "refused"
    assert [problem["code"] for problem in found["problems"]] == ["site_unreachable"]
    assert list(run.folder.iterdir()) == []


def test_a_database_address_needs_no_web_application(run: CommandLine, sqlite: str) -> None:
    sites.library_schema(sqlite)
    program = (
        "import sys; from webapp.cli import main;"
        f"status = main(['backup', '--site', {sqlite!r}, '--output', 'x.json']);"
        "print(status, sorted({name.split('.')[0] for name in sys.modules} & {'flask', 'rq', 'redis'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=run.folder,
        env=run.environment,
    )
    assert done.stdout.splitlines()[-1] == "0 []"


# ---------------------------------------------------------------- backup


def test_a_backup_holds_every_row_in_order(run: CommandLine, site_database: str) -> None:
    small_sites.school_small(site_database)
    made = run.json("backup", "--site", site_database, "--output", "made.json", "--format", "fixture")
    text = (run.folder / "made.json").read_text("utf-8")
    records = json.loads(text)
    assert made["records"] == len(records) == text.count('\n{"model":')
    assert made["size"] == len(text.encode())
    by_label: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_label.setdefault(record["model"], []).append(record)
    pupils = by_label["students.student"]
    assert [record["pk"] for record in pupils] == sorted(record["pk"] for record in pupils)
    first = pupils[0]["fields"]
    assert first["first_name"] == "Meera"
    assert first["class_section"] == 1
    assert first["date_of_birth"] == "2012-05-17"
    assert first["created_at"] == "2025-09-01T09:30:15.123456Z"
    assert isinstance(first["due_amount"], str)
    assert float(first["due_amount"]) == 12.5
    fee = by_label["fees.feestype"][0]["fields"]
    assert fee["context_data"] == {"class": "Class 7", "n": [1, 2.5, None]}
    assert by_label["users.customuser"][0]["fields"]["is_superuser"] is True
    assert "sessions.session" not in by_label
    assert "migrations.migration" not in by_label
    # Referenced rows come first.
    labels = list(by_label)
    assert labels.index("subjects.classsection") < labels.index("students.student")


def test_a_backup_of_a_category_holds_only_its_tables(run: CommandLine, sqlite: str) -> None:
    small_sites.school_small(sqlite)
    run.json("backup", "--site", sqlite, "--output", "made.json", "--format", "fixture", "--category", "transport")
    records = json.loads((run.folder / "made.json").read_text("utf-8"))
    assert {record["model"].split(".")[0] for record in records} == {"transport"}


def test_a_backup_replaces_a_file_only_when_told_so(run: CommandLine, sqlite: str) -> None:
    sites.library_schema(sqlite)
    (run.folder / "made.json").write_text("precious")
    assert (
        run.json("backup", "--site", sqlite, "--output", "made.json", "--format", "fixture", status=2)["status"]
        == "refused"
    )
    assert (run.folder / "made.json").read_text() == "precious"
    run.json("backup", "--site", sqlite, "--output", "made.json", "--format", "fixture", "--force")
    assert json.loads((run.folder / "made.json").read_text()) == []
    assert sorted(path.name for path in run.folder.iterdir()) == ["made.json", "site.sqlite"]


# ---------------------------------------------------------------- restore


def test_a_preview_changes_nothing_and_counts_what_the_restore_does(run: CommandLine, site_database: str) -> None:
    small_sites.school_small(site_database)
    run.json("backup", "--site", site_database, "--output", "made.json", "--format", "fixture")
    whole = sites.dump(site_database)
    sites.execute(
        site_database,
        "DELETE FROM transport_transportassignment",
        "UPDATE students_student SET first_name = 'Wrong' WHERE id IN (2, 3)",
    )
    damaged = sites.dump(site_database)

    preview = run.json("restore", "made.json", "--site", site_database, "--preview")
    assert preview["status"] == "planned"
    assert preview["counts"]["insert"] == 3
    assert preview["counts"]["update"] == 2
    assert sites.dump(site_database) == damaged

    done = run.json("restore", "made.json", "--site", site_database, "--yes")
    assert done["status"] == "done"
    assert done["counts"] == preview["counts"]
    assert done["tables"]["transport_transportassignment"]["insert"] == 3
    assert sites.dump(site_database) == whole
    assert (run.folder / "data" / "receipts" / f"{done['job']}.sqlite").is_file()

    again = run.json("restore", "made.json", "--site", site_database, "--yes")
    assert again["status"] == "done"
    assert (again["counts"]["insert"], again["counts"]["update"], again["counts"]["delete"]) == (0, 0, 0)
    assert list((run.folder / "data" / "plans").iterdir()) == []


def test_a_backup_goes_into_empty_tables_row_by_row_equal(run: CommandLine, site_database: str, tmp_path: Path) -> None:
    (tmp_path / "source.sqlite").touch()
    source = small_sites.school_small(f"sqlite:///{tmp_path}/source.sqlite")
    sites.school_schema(site_database)
    run.json("backup", "--site", source, "--output", "made.json", "--format", "fixture")
    done = run.json("restore", "made.json", "--site", site_database, "--accounts", "restore", "--yes")
    assert done["status"] == "done"
    left = {"django_content_type", "auth_permission", "auth_group_permissions", "django_session", "django_migrations"}
    found, expected = sites.contents(site_database), sites.contents(source)
    assert {name: rows for name, rows in found.items() if name not in left} == {
        name: rows for name, rows in expected.items() if name not in left
    }


def test_a_bad_record_is_named_and_left_out_only_when_told_so(run: CommandLine, sqlite: str) -> None:
    sites.library_schema(sqlite)
    before = sites.dump(sqlite)
    sites.fixture(
        run.folder / "bad.json",
        [
            sites.record("library.author", 1, name="Kālidāsa", born=None, mentor=None),
            sites.record("library.author", 2, name="x" * 61, born=None, mentor=None),
        ],
    )
    refused = run.json("restore", "bad.json", "--site", sqlite, "--yes", status=1)
    assert refused["status"] == "refused"
    (problem,) = refused["problems"]
    assert (problem["code"], problem["pk"], problem["field"]) == ("too_long", "2", "name")
    assert problem["place"]["record"] == 2
    assert sites.dump(sqlite) == before
    done = run.json("restore", "bad.json", "--site", sqlite, "--yes", "--on-invalid", "skip")
    assert done["counts"] == {"insert": 1, "update": 0, "delete": 0, "same": 0, "skipped": 1}
    assert [problem["pk"] for problem in done["problems"]] == ["2"]


def test_a_replacement_that_removes_much_needs_its_number(run: CommandLine, sqlite: str) -> None:
    small_sites.school_small(sqlite)
    run.json("backup", "--site", sqlite, "--output", "made.json", "--format", "fixture", "--category", "transport")
    records = json.loads((run.folder / "made.json").read_text("utf-8"))
    kept = [record for record in records if record["model"] != "transport.transportassignment" or record["pk"] == 1]
    sites.fixture(run.folder / "less.json", kept)
    words = ("restore", "less.json", "--site", sqlite, "--category", "transport", "--mode", "replace")
    assert run.json(*words, "--preview")["counts"]["delete"] == 2
    before = sites.dump(sqlite)
    refused = run.json(*words, "--yes", status=1)
    assert [problem["code"] for problem in refused["problems"]] == ["removal_not_confirmed"]
    run.json(*words, "--yes", "--confirm-removal", "7", status=1)
    assert sites.dump(sqlite) == before
    assert run.json(*words, "--yes", "--confirm-removal", "2")["counts"]["delete"] == 2


def test_an_ambiguous_record_is_decided_with_an_option_that_the_refusal_names(
    run: CommandLine, sqlite: str, tmp_path: Path
) -> None:
    file = doubtful.ambiguous(sqlite, tmp_path)
    before = sites.dump(sqlite)
    refused = run("restore", file, "--site", sqlite, "--yes")
    assert refused.returncode == 1
    assert "--decide students.student:1=2" in refused.stdout
    assert sites.dump(sqlite) == before
    words = ("restore", file, "--site", sqlite, "--yes", "--decide")
    (doubt,) = run.json(*words[:-1], status=1)["doubts"]
    assert [row["key"] for row in doubt["candidates"]] == ["2", "1"]
    refused = run.json(*words, "students.student:99=2", status=2)
    assert [problem["code"] for problem in refused["problems"]] == ["decision_refused"]
    assert run.json(*words, "students.student:1=skip")["counts"]["skipped"] == 1
    assert run.json(*words, "students.student:1=2")["counts"]["update"] == 1


def test_the_key_to_match_by_can_be_chosen(run: CommandLine, sqlite: str) -> None:
    small_sites.school_small(sqlite)
    run.json("backup", "--site", sqlite, "--output", "made.json", "--format", "fixture")
    sites.execute(sqlite, "UPDATE students_student SET id = id + 500, admission_number = 'B-' || id WHERE id = 4")
    records = [each for each in json.loads((run.folder / "made.json").read_text()) if each["pk"] == 4]
    sites.fixture(run.folder / "one.json", [each for each in records if each["model"] == "students.student"])
    words = ("one.json", "--site", sqlite, "--origin", "other", "--match-by")
    assert run.json("restore", *words, "students.student=first_name,last_name", "--preview")["counts"]["update"] == 1
    assert "--match-by students.student=mobile" in run("analyze", *words, "students.student=mobile_number").stderr
    refused = run.json("restore", *words, "students.student=nickname", "--preview", status=2)
    assert [problem["code"] for problem in refused["problems"]] == ["key_refused"]


def test_the_backup_of_another_site_is_refused_with_the_two_ways_out(run: CommandLine, sqlite: str) -> None:
    small_sites.school_small(sqlite)
    run.json("backup", "--site", sqlite, "--output", "made.json", "--format", "fixture")
    sites.execute(
        sqlite,
        "UPDATE students_student SET admission_number = 'Z' || id, first_name = 'Q' || id, last_name = 'Z',"
        " due_amount = id + 1000",
    )
    labels = {"students.student", "subjects.classsection"}
    records = [each for each in json.loads((run.folder / "made.json").read_text()) if each["model"] in labels]
    sites.fixture(run.folder / "students.json", records)
    refused = run("restore", "students.json", "--site", sqlite, "--yes")
    assert refused.returncode == 1
    assert "--origin other: yes" in refused.stderr
    assert "--origin same: it is this database's" in refused.stderr
    done = run.json("restore", "students.json", "--site", sqlite, "--origin", "other", "--yes")
    assert (done["counts"]["insert"], done["counts"]["same"]) == (12, 3)


def test_accounts_without_rights_and_new_rights_are_told(run: CommandLine, sqlite: str, tmp_path: Path) -> None:
    file = doubtful.without_rights(sqlite, tmp_path)
    found = run.json("restore", file, "--site", sqlite, "--accounts", "restore", "--preview")
    assert {gain["who"] for gain in found["gains"]} == {"SuperUser", "principal", "Superuser"}
    assert found["placeholders"] == []
    done = run("restore", file, "--site", sqlite, "--accounts", "restore", "--preview")
    assert "principal: is_superuser" in done.stdout


def test_a_file_that_is_no_backup_is_refused(run: CommandLine, sqlite: str) -> None:
    sites.library_schema(sqlite)
    (run.folder / "no.json").write_text("nothing of the kind")
    for command in (["analyze"], ["restore", "--yes"], ["restore", "--preview"]):
        refused = run.json(command[0], "no.json", "--site", sqlite, *command[1:], status=1)
        assert refused["status"] == "refused"
        assert refused["problems"][0]["code"] == "unknown_format"


def test_the_analysis_is_for_people_and_for_programs(run: CommandLine, sqlite: str) -> None:
    small_sites.school_small(sqlite)
    run.json("backup", "--site", sqlite, "--output", "made.json", "--format", "fixture")
    found = run.json("analyze", "made.json", "--site", sqlite)
    assert found["profile"] == "school"
    assert found["origin"]["verdict"] == "same"
    done = run("analyze", "made.json", "--site", sqlite)
    assert done.returncode == 0
    assert "students.student" in done.stdout
    assert "--preview" in done.stderr


def test_a_damaged_file_is_read_with_the_repair_that_its_refusal_names(run: CommandLine, sqlite: str) -> None:
    small_sites.school_small(sqlite)
    run.json("backup", "--site", sqlite, "--output", "made.json", "--format", "fixture")
    (run.folder / "cut.json").write_bytes((run.folder / "made.json").read_bytes()[:-300])
    refused = run.json("analyze", "cut.json", "--site", sqlite, status=1)
    assert refused["problems"][0]["code"] == "truncated_file"
    assert "--repair salvage" in refused["hint"]
    repaired = run("analyze", "cut.json", "--site", sqlite, "--repair", "salvage")
    assert "was cut off" in repaired.stdout
    assert "--repair salvage --preview" in repaired.stderr
    assert run.json("restore", "cut.json", "--site", sqlite, "--repair", "salvage", "--yes")["status"] == "done"


# ---------------------------------------------------------------- profiles, sites, people


def test_a_drafted_profile_can_be_used(run: CommandLine, site_database: str) -> None:
    sites.library_schema(site_database)
    done = run("profile", "draft", "--site", site_database)
    assert done.returncode == 0, done.stderr
    drafted = profile.parse(done.stdout)
    assert drafted.rules("library_author").keys == (("name",),)
    assert drafted.rules("library_book").stamp == "updated_at"
    assert drafted.categories_of("library_book") == ("library",)


def test_bundled_profiles_are_listed_and_shown(run: CommandLine) -> None:
    assert {"django", "generic", "school"} <= {each["name"] for each in run.json("profile", "list")}
    assert profile.parse(run("profile", "show", "school").stdout).title == "School"
    assert run("profile", "show", "nothing").returncode == 2


def test_sites_are_registered_checked_used_and_removed(run: CommandLine, sqlite: str) -> None:
    small_sites.school_small(sqlite)
    assert run("sites", "add", "school", sqlite, "--title", "Hill School").returncode == 0
    assert run("sites", "add", "school", sqlite).returncode == 2
    (listed,) = run.json("sites", "list")
    assert (listed["name"], listed["title"], listed["profile"]) == ("school", "Hill School", "school")
    assert run.json("sites", "check", "school")["usable"] is True
    run.json("backup", "--site", "school", "--output", "made.json", "--format", "fixture")
    assert run("sites", "remove", "school").returncode == 0
    assert run.json("sites", "list") == []
    assert run("backup", "--site", "school", "--output", "other.json").returncode == 2


def test_a_password_of_a_site_is_never_shown(run: CommandLine) -> None:
    done = run("sites", "check", "postgresql://someone:hidden-word@127.0.0.1:1/nothing")
    assert done.returncode == 1
    assert "hidden-word" not in done.stdout + done.stderr


def test_people_are_added_listed_and_disabled(run: CommandLine) -> None:
    assert run("user", "add", "meera", "--role", "admin", given="a long enough word\n").returncode == 0
    assert run("user", "add", "short", given="short\n").returncode == 2
    assert run.json("user", "list") == [{"name": "meera", "role": "admin", "active": True, "sites": []}]
    assert run("user", "password", "meera", given="another long word\n").returncode == 0
    assert run("user", "disable", "meera").returncode == 0
    assert run.json("user", "list")[0]["active"] is False
    assert run("user", "disable", "nobody").returncode == 2


# ---------------------------------------------------------------- encrypted files


def test_a_file_is_encrypted_for_a_key_and_opened_with_its_key_file(run: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "backup.json").write_text("[]")
    (tmp_path / "words").write_text("a long passphrase\n")
    made = run("key", "new", "--output", "key.age", "--passphrase-file", "words")
    public = made.stdout.strip()
    assert made.returncode == 0
    assert public.startswith("age1")
    assert (tmp_path / "key.age").stat().st_mode & 0o077 == 0

    assert run("key", "encrypt", "backup.json", "--recipient", public, "--output", "backup.age").returncode == 0
    refused = run("analyze", "backup.age", "--site", f"sqlite:///{tmp_path}/none.sqlite")
    assert refused.returncode == 1
    assert "encrypted" in refused.stderr
    assert run("key", "decrypt", "backup.age", "--identity", "key.age", "--output", "no").returncode == 1
    assert not (tmp_path / "no").exists()
    opened = run(
        "key", "decrypt", "backup.age", "--identity", "key.age", "--passphrase-file", "words", "--output", "opened"
    )
    assert opened.returncode == 0, opened.stderr
    assert (tmp_path / "opened").read_text() == "[]"
    assert run("key", "encrypt", "backup.json", "--recipient", "age1x", "--output", "no").returncode == 1

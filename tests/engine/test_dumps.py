"""An ordinary nightly dump as a backup: analysed, previewed and restored selectively, between both kinds of databases."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from datetime import time
from pathlib import Path

import psycopg
import pytest

from tests import document_sites, dumps, packages, sites, small_sites
from tests.postgresql_server import PostgreSQLServer
from tests.restoring import Restoring, counted
from webapp.demo.site import DemoSite
from webapp.engine import commands
from webapp.engine.answers import Choices
from webapp.engine.errors import DumpProgramMissing, DumpRefused

EVERYTHING = {"accounts": "restore"}
IGNORED = "django_migrations"

FORMATS = {
    "copy": (),
    "inserts": ("--inserts",),
    "columns": ("--column-inserts", "--rows-per-insert=7", "--clean", "--create"),
    "custom": ("-Fc",),
    "tar": ("-Ft",),
}


def dumped(url: str, folder: Path, kind: str) -> Path:
    """A dump of a site in one of pg_dump's formats."""
    return dumps.pg_dump(url, folder / f"{kind}.dump", *FORMATS[kind])


@pytest.fixture(autouse=True)
def _same_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pg_restore that belongs to the server, whatever else is on PATH."""
    if program := dumps.program("pg_restore"):
        monkeypatch.setenv("PG_RESTORE", str(program))


@pytest.fixture(scope="module")
def documents(postgresql_server: PostgreSQLServer) -> str:
    """The document system on the evening of its backup, on PostgreSQL; no test writes to it."""
    return document_sites.documents_site(postgresql_server.new_database())


def struck(url: str) -> None:
    """A morning's accident, and a morning's work that a restore must not take back."""
    gone = "SELECT id FROM documents WHERE status = 'EFFECTIVE'"
    for table in ("document_access_logs", "document_transitions", "document_workflows", "document_versions"):
        column = "workflow_id" if table == "document_transitions" else "document_id"
        inner = f"SELECT id FROM document_workflows WHERE document_id IN ({gone})" if "_id" in column else gone
        where = inner if table == "document_transitions" else gone
        sites.execute(url, f"DELETE FROM {table} WHERE {column} IN ({where})")
    sites.execute(
        url,
        f"DELETE FROM document_dependencies WHERE document_id IN ({gone}) OR depends_on_id IN ({gone})",
        f"UPDATE documents SET supersedes_id = NULL WHERE supersedes_id IN ({gone})",
        "DELETE FROM documents WHERE status = 'EFFECTIVE'",
        "UPDATE users SET first_name = 'Married' WHERE id = 3",
    )


@pytest.mark.parametrize("kind", ["copy", "custom"])
def test_one_category_of_a_dump_undoes_an_accident(
    documents: str, postgresql_server: PostgreSQLServer, tmp_path: Path, kind: str
) -> None:
    site = Restoring(
        document_sites.fill(
            document_sites.documents_schema(postgresql_server.new_database()), sites.contents(documents)
        ),
        tmp_path,
    )
    dump = dumped(site.url, tmp_path, kind)
    before = sites.contents(site.url)
    struck(site.url)
    after = sites.contents(site.url)
    assert len(after["documents"]) < len(before["documents"])
    site.restore(dump, categories=("documents",))
    now = sites.contents(site.url)
    for table in ("documents", "document_versions", "document_dependencies"):
        assert now[table] == before[table], table
    others = now.keys() - {"documents", "document_versions", "document_dependencies"}
    assert {table: now[table] for table in others} == {table: after[table] for table in others}
    assert site.plan(dump, categories=("documents",)).counts.changes == 0


@pytest.mark.parametrize(
    ("kind", "database"),
    [("copy", "postgresql"), ("copy", "sqlite"), ("inserts", "sqlite"), ("columns", "sqlite"), ("tar", "sqlite")],
)
def test_a_whole_site_comes_back_from_a_dump_on_both_databases(
    documents: str, request: pytest.FixtureRequest, tmp_path: Path, kind: str, database: str
) -> None:
    dump = dumped(documents, tmp_path, kind)
    site = Restoring(document_sites.documents_schema(request.getfixturevalue(database)), tmp_path)
    site.restore(dump, **EVERYTHING)
    expected, found = sites.contents(documents), sites.contents(site.url)
    for table in expected.keys() - {IGNORED}:
        assert as_plain(found[table]) == as_plain(expected[table]), table
    assert counted(site.plan(dump, **EVERYTHING)).keys() <= {"same", "skipped"}


def as_plain(rows: list[sites.Row]) -> list[sites.Row]:
    """Rows with lengths of time as microseconds, as SQLite keeps them."""
    return [
        {
            name: round(value.total_seconds() * 1_000_000) if hasattr(value, "total_seconds") else value
            for name, value in row.items()
        }
        for row in rows
    ]


def test_a_dump_of_a_site_is_the_same_database_and_changes_nothing(documents: str, tmp_path: Path) -> None:
    site = Restoring(documents, tmp_path)
    dump = dumped(documents, tmp_path, "copy")
    analysis = commands.analyse(dump, site.url, stages=tmp_path / "stages")
    assert analysis.file.format == "PostgreSQL dump, plain SQL"
    assert analysis.origin.verdict == "same"
    assert {model.found_by for model in analysis.models} == {"table"}
    assert not analysis.problem_counts
    assert site.plan(dump, remove=True).counts.changes == 0


@pytest.mark.parametrize("kind", ["copy", "custom", "file"])
def test_a_table_that_the_backup_holds_empty_is_emptied_by_a_replace(
    postgresql: str, sqlite: str, tmp_path: Path, kind: str
) -> None:
    url = small_sites.library(sqlite if kind == "file" else postgresql)
    loans = sites.rows(url, "library_loan")
    sites.execute(url, "DELETE FROM library_loan")
    if kind == "file":
        backup = Path(shutil.copy(sqlite.removeprefix("sqlite:///"), tmp_path / "copy.db"))
    else:
        backup = dumped(url, tmp_path, kind)
    sites.write(url, {"library_loan": loans})
    site = Restoring(url, tmp_path)
    assert counted(site.plan(backup)).keys() == {"same"}
    assert site.plan(backup, remove=True).counts.delete == len(loans)


def test_what_was_stepped_over_is_told(documents: str, tmp_path: Path) -> None:
    analysis = commands.analyse(dumped(documents, tmp_path, "copy"), documents, stages=tmp_path / "stages")
    (note,) = analysis.file.notes
    assert "nothing was done with them: alter table (" in note


def test_a_compressed_dump_is_read_where_it_lies(documents: str, tmp_path: Path) -> None:
    plain = dumped(documents, tmp_path, "copy")
    packed = tmp_path / "dump.sql.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    analysis = commands.analyse(packed, documents, stages=tmp_path / "stages")
    assert (analysis.file.compression, analysis.file.format) == ("gzip", "PostgreSQL dump, plain SQL")


@pytest.mark.parametrize("kind", ["copy", "custom"])
def test_a_dump_in_a_package_is_read_where_it_lies(documents: str, tmp_path: Path, kind: str) -> None:
    dump = dumped(documents, tmp_path, kind)
    package = tmp_path / "package.tar.gz"
    files = packages.tar(tmp_path / "files", {"documents/2025/one.pdf": b"%PDF", "media/two.txt": b"two"}).read_bytes()
    with tarfile.open(package, "w:gz") as archive:
        for name, content in (
            ("manifest.json", b"{}"),
            ("database.dump", dump.read_bytes()),
            ("storage.tar.gz", files),
        ):
            member = tarfile.TarInfo(f"./tmp_20260312/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    analysis = commands.analyse(package, documents, stages=tmp_path / "stages")
    assert analysis.file.format == "Package of a document system, with a dump of PostgreSQL"
    assert (analysis.file.records, analysis.origin.verdict) == (6_514, "same")
    media = tmp_path / "media"
    media.mkdir()
    plan = commands.make_plan(package, documents, stages=tmp_path / "stages", output=tmp_path / "plan", media=media)
    assert plan.files is not None
    assert plan.files.counts.insert == 2
    commands.apply_plan(
        tmp_path / "plan",
        plan.digest,
        documents,
        job=f"dump {kind}",
        receipt=tmp_path / "receipt",
        media=media,
        source=package,
    )
    assert (media / "documents/2025/one.pdf").read_bytes() == b"%PDF"
    assert (media / "two.txt").read_bytes() == b"two"


@pytest.mark.parametrize("kind", ["copy", "columns"])
def test_a_cut_dump_is_refused_with_its_byte_and_salvaged_on_request(documents: str, tmp_path: Path, kind: str) -> None:
    whole = dumped(documents, tmp_path, kind).read_bytes()
    (tmp_path / "cut.sql").write_bytes(whole[: len(whole) * 2 // 3])
    (damage,) = commands.diagnose_backup(tmp_path / "cut.sql")
    assert damage.kind == "salvage"
    assert damage.repairable
    analysis = commands.analyse(
        tmp_path / "cut.sql", documents, stages=tmp_path / "stages", choices=Choices(repairs=("salvage",))
    )
    assert analysis.file.partial
    assert 0 < analysis.file.records < 6_514


# ---------------------------------------------------------------- names and values that look like SQL

NASTY = [
    '\'; DROP TABLE "users"; --',
    "\\.",
    "\n\\.\n",
    "a\tb\nc\rd\be\ff\vg",
    "\\N",
    "\\\\N",
    "NULL",
    "$$ body $$; COPY x FROM stdin;",
    "-- PostgreSQL database dump complete",
    "/* never closed",
    "E'\\x41' || ''",
    '"quoted" {1,2}',
    "प्रेम 🙂 \u2028",
    "",
    " ",
    "\\x41",
    "\\101",
]


def nasty(url: str) -> None:
    """Tables and columns whose names are statements, with rows that look like the ends of things."""
    sites.execute(
        url,
        'CREATE TABLE "Students; DROP TABLE users" ("id" integer PRIMARY KEY, "select; ""x""" text, "values" varchar(99))',
        'CREATE TABLE "stdin" ("from" integer PRIMARY KEY, "copy" text[], "primary" bytea, "json" jsonb, "at" timestamptz,'
        ' "day" date, "yes" boolean, "long" interval, "much" numeric(20,4), "real" double precision, "clock" time,'
        ' "twice" integer GENERATED ALWAYS AS ("from" * 2) STORED)',
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END",
        "CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $x$ SELECT 'COPY t FROM stdin;'; $x$",
        "CREATE VIEW seen AS SELECT 'a;b' AS c",
        'CREATE RULE nothing AS ON DELETE TO "stdin" DO ALSO (SELECT 1; SELECT 2)',
        "COMMENT ON TABLE \"stdin\" IS '; \\. -- /* '",
        "CREATE SCHEMA audit",
        "CREATE TABLE audit.log (id integer PRIMARY KEY, what text)",
        "INSERT INTO audit.log VALUES (1, 'x')",
    )
    with psycopg.connect(url) as connection:
        for number, text in enumerate(NASTY, 1):
            row = (number, text, text if len(text) < 99 else None)
            connection.execute('INSERT INTO "Students; DROP TABLE users" VALUES (%s, %s, %s)', row)
    sites.execute(
        url,
        """INSERT INTO "stdin" VALUES
        (1, '{"a,b","c\\\\d",NULL}', '\\x00ff5c', '{"a": "x\\\\ny", "n": 12345678901234567890.5}', '2024-02-29 23:59:59.123+05:30',
         '2024-02-29', true, '1 day 02:03:04.5', 1234.5, 0.1, '10:00:00.25'),
        (2, '{}', '', '[]', '1999-01-01 00:00:00.000001+00', '0001-01-01', false, '-1 day +00:00:01', -0.0001, 1e300, '23:59:59'),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_names_and_values_that_look_like_sql_are_only_names_and_values(
    postgresql_server: PostgreSQLServer, tmp_path: Path, kind: str
) -> None:
    site = Restoring(postgresql_server.new_database(), tmp_path)
    nasty(site.url)
    dump = dumped(site.url, tmp_path, kind)
    before = sites.contents(site.url)
    choices = {"accept_drift": True}
    assert counted(site.plan(dump, remove=True, **choices)) == {"same": len(NASTY) + 3, "skipped": 1}
    sites.execute(
        site.url, 'DELETE FROM "Students; DROP TABLE users"', 'DROP RULE nothing ON "stdin"', 'DELETE FROM "stdin"'
    )
    site.restore(dump, **choices)
    assert sites.contents(site.url) == before
    analysis = commands.analyse(dump, site.url, stages=tmp_path / "stages")
    assert [model.label for model in analysis.models if model.table is None] == ["log (schema audit)"]


def test_every_kind_of_value_crosses_between_databases(
    postgresql: str, sqlite: str, postgresql_server: PostgreSQLServer, tmp_path: Path
) -> None:
    small_sites.library(postgresql)
    sites.execute(postgresql, "UPDATE library_loan SET due_at = '10:11:12.5' WHERE id = 2")
    dump = dumped(postgresql, tmp_path, "copy")
    site = Restoring(sites.library_schema(sqlite), tmp_path)
    site.restore(dump)
    assert sites.contents(sqlite) == sites.contents(postgresql)
    assert sites.rows(sqlite, "library_loan")[1]["due_at"] == time(10, 11, 12, 500_000)
    # And back again, as a file.
    copy = Path(shutil.copy(sqlite.removeprefix("sqlite:///"), tmp_path / "copy.db"))
    third = Restoring(sites.library_schema(postgresql_server.new_database()), tmp_path)
    third.restore(copy)
    assert sites.contents(third.url) == sites.contents(postgresql)
    assert third.plan(copy).counts.changes == 0
    assert Restoring(postgresql, tmp_path).plan(copy, remove=True).counts.changes == 0


def test_a_database_file_undoes_the_accident_of_the_school(demo: DemoSite, demo_copy: str, tmp_path: Path) -> None:
    site = Restoring(demo_copy, tmp_path)
    site.restore(demo.backup, on_conflict="backup", accounts="restore")
    whole = Path(shutil.copy(demo_copy.removeprefix("sqlite:///"), tmp_path / "nightly.sqlite3"))
    expected = sites.contents(demo_copy)
    shutil.copy(demo.database, demo_copy.removeprefix("sqlite:///"))
    damaged = sites.contents(demo_copy)
    assert damaged != expected
    analysis = commands.analyse(whole, demo_copy, stages=tmp_path / "stages")
    assert analysis.origin.verdict == "same"
    site.restore(whole, categories=("students",))
    now = sites.contents(demo_copy)
    assert now["students_student"] == expected["students_student"]
    assert site.plan(whole, categories=("students",)).counts.changes == 0
    assert now["users_customuser"] == damaged["users_customuser"]


# ---------------------------------------------------------------- pg_restore


def test_without_pg_restore_the_refusal_says_what_to_install(
    documents: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = dumped(documents, tmp_path, "custom")
    monkeypatch.delenv("PG_RESTORE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DumpProgramMissing, match="no pg_restore on PATH") as refused:
        commands.analyse(dump, documents, stages=tmp_path / "stages")
    assert "postgresql-client" in refused.value.hint
    monkeypatch.setenv("PG_RESTORE", str(tmp_path / "nowhere"))
    with pytest.raises(DumpProgramMissing, match="which is no program"):
        commands.analyse(dump, documents, stages=tmp_path / "stages")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_damaged_dump_in_its_own_format_is_refused(documents: str, tmp_path: Path, share: float) -> None:
    dump = dumped(documents, tmp_path, "custom")
    whole = dump.read_bytes()
    dump.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DumpRefused, match="with pg_restore"):
        commands.analyse(dump, documents, stages=tmp_path / "stages")
    assert not list((tmp_path / "stages").glob("*.sqlite"))


def test_a_crafted_dump_gives_nobody_a_right_or_a_password(sqlite: str, tmp_path: Path) -> None:
    site = Restoring(small_sites.school_small(sqlite), tmp_path)
    before = sites.contents(site.url)
    crafted = tmp_path / "crafted.sql"
    crafted.write_text(
        "--\n-- PostgreSQL database dump\n--\n"
        "CREATE TABLE public.users_customuser (id integer, username text, password text, is_superuser boolean, role text);\n"
        "CREATE TABLE public.users_customuser_groups (id integer, customuser_id integer, group_id integer);\n"
        "CREATE TABLE public.django_session (session_key text, session_data text, expire_date timestamp with time zone);\n"
        "CREATE TABLE public.smart_restore_journal (job text);\n"
        "INSERT INTO public.users_customuser VALUES (3, 'SuperUser', 'theirs', true, 'admin'), (9, 'evil', 'theirs', true, 'admin');\n"
        "INSERT INTO public.users_customuser_groups VALUES (7, 3, 1);\n"
        "INSERT INTO public.django_session VALUES ('theirs', 'e30', '2030-01-01 00:00:00+00');\n"
        "INSERT INTO public.smart_restore_journal VALUES ('job');\n"
        "UPDATE public.users_customuser SET is_superuser = true;\n"
        "--\n-- PostgreSQL database dump complete\n--\n"
    )
    site.restore(crafted)
    assert sites.contents(site.url) == before

"""Backups in every format, whole or damaged, on their way into a site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
import yaml

from tests import sites, small_sites
from tests.fixture_files import Record
from tests.restoring import Restoring, counted
from webapp.engine import commands
from webapp.engine.answers import Analysis, Choices
from webapp.engine.errors import EmptyBackup, MalformedFile, PartialReplace, TruncatedFile

IGNORED = {"django_session", "django_migrations", "django_admin_log"}


def as_yaml(records: list[Record]) -> str:
    text: str = yaml.safe_dump(records, allow_unicode=True, sort_keys=False)
    return text


def as_xml(records: list[Record]) -> str:
    """As Django's serializer writes it, except that references look like numbers."""
    parts = ['<?xml version="1.0" encoding="utf-8"?>\n<django-objects version="1.0">']
    for record in records:
        key = "" if record["pk"] is None else f" pk={quoteattr(str(record['pk']))}"
        parts.append(f"<object model={quoteattr(record['model'])}{key}>")
        parts += [_field(name, value) for name, value in record["fields"].items()]
        parts.append("</object>")
    return "\n".join([*parts, "</django-objects>"])


def _field(name: str, value: Any) -> str:
    kinds = {bool: "BooleanField", int: "IntegerField", float: "FloatField", str: "CharField"}
    kind = kinds.get(type(value), "JSONField")
    text = json.dumps(value) if kind == "JSONField" else str(value)
    inside = "<None/>" if value is None else escape(text)
    return f'<field name="{name}" type="{kind}">{inside}</field>'


def kept(url: str) -> dict[str, list[sites.Row]]:
    return {table: rows for table, rows in sites.contents(url).items() if table not in IGNORED}


@pytest.fixture
def school(sqlite: str, tmp_path: Path) -> Restoring:
    return Restoring(small_sites.school_small(sqlite), tmp_path)


def analysed(school: Restoring, file: Path, *repairs: str) -> Analysis:
    return commands.analyse(file, school.url, stages=school.folder / "stages", choices=Choices(repairs=repairs))


@pytest.mark.parametrize("write", [as_yaml, as_xml])
@pytest.mark.parametrize(
    ("build", "schema"),
    [(small_sites.school_small, sites.school_schema), (small_sites.library, sites.library_schema)],
    ids=["school", "library"],
)
def test_a_backup_in_another_format_restores_the_same_rows(
    sqlite: str, tmp_path: Path, write: Any, build: Any, schema: Any
) -> None:
    own = Restoring(build(sqlite), tmp_path).own_backup()
    file = tmp_path / "other"
    file.write_text(write(json.loads(own.read_text())))
    empty = Restoring(schema(f"sqlite:///{tmp_path / 'empty.sqlite3'}"), tmp_path)
    empty.restore(file, accounts="restore")
    assert kept(empty.url) == kept(sqlite)
    assert empty.plan(file, accounts="restore").counts.changes == 0


def test_a_backup_that_was_cut_off_is_salvaged_only_on_request_and_never_replaces(school: Restoring) -> None:
    whole = school.own_backup()
    cut = school.folder / "cut.json"
    cut.write_bytes(whole.read_bytes()[:-400])
    with pytest.raises(TruncatedFile) as refused:
        school.plan(cut)
    assert refused.value.problem().repair == "salvage"
    analysis = analysed(school, cut, "salvage")
    assert (analysis.file.repairs, analysis.file.partial) == (("salvage",), True)
    assert "partial" in [advice.code for advice in analysis.advice]
    assert 0 < analysis.file.records < analysed(school, whole).file.records
    assert counted(school.plan(cut, repairs=("salvage",))) == {"same": analysis.file.records}
    with pytest.raises(PartialReplace):
        school.plan(cut, repairs=("salvage",), remove=True)


def test_a_sound_file_may_be_replaced_though_a_repair_was_allowed(school: Restoring) -> None:
    own = school.own_backup()
    assert school.plan(own, repairs=("salvage",), remove=True).removal == 0
    assert analysed(school, own, "salvage").file.partial is False


def test_what_was_repaired_is_said(school: Restoring) -> None:
    own = school.own_backup()
    logged = school.folder / "logged.json"
    logged.write_bytes(b"[2026-03-12] dumping\n" + own.read_bytes())
    with pytest.raises(MalformedFile, match="21 bytes of other text"):
        analysed(school, logged)
    analysis = analysed(school, logged, "prefix", "bom")
    assert analysis.file.repairs == ("prefix",)
    assert [advice.text for advice in analysis.advice if advice.code == "repaired"] == [
        "The file is damaged and was repaired while it was read: what comes before the records was left out."
    ]
    assert counted(school.plan(logged, repairs=("prefix",))) == {"same": analysis.file.records}


def test_texts_in_the_wrong_encoding_are_shown_and_turned_back(school: Restoring) -> None:
    own = school.own_backup()
    wrong = school.folder / "wrong.json"
    wrong.write_bytes(own.read_bytes().decode("latin-1").encode())
    analysis = analysed(school, wrong)
    (damage,) = analysis.file.damage
    assert damage.kind == "mojibake"
    assert all(sample.before == sample.after.encode().decode("latin-1") for sample in damage.samples)
    assert damage.kind in [advice.code for advice in analysis.advice]
    assert school.plan(wrong).counts.update > 0
    assert school.plan(wrong, repairs=("mojibake",)).counts.changes == 0


def test_a_failed_dump_is_called_an_empty_backup(school: Restoring) -> None:
    failed = school.folder / "database_backup.json"
    failed.write_text('{"error": "dumpdata failed"}')
    with pytest.raises(EmptyBackup, match="empty backup"):
        analysed(school, failed)
    assert [damage.kind for damage in commands.diagnose_backup(failed)] == ["empty_backup"]

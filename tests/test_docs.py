"""What the documents say is so."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import msgspec
import pytest

from bench import __main__ as bench
from tests import error_catalogue
from webapp import settings
from webapp.cli import arguments
from webapp.engine import profile
from webapp.engine.errors import ProfileRefused
from webapp.engine.formats import compression, scan

ROOT = Path(__file__).resolve().parent.parent
DOCS, WEBAPP = ROOT / "docs", ROOT / "webapp"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]

COMMAND = r"(?:python3 run\.py|(?<![\w/])smart-restore)(?= |`|$)[^`\n|>#]*"
"""A command line in running text or in a block: up to the end of the line, a pipe, a redirection or a comment."""


def section(text: str, heading: str) -> str:
    """The part of a document under a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading!r}"
    return found[1]


@pytest.mark.parametrize(
    ("heading", "struct"),
    [
        ("The file", profile._File),
        ("A category", profile.CategoryRules),
        ("A table", profile.TableRules),
        ("A probe", profile.ProbeRules),
        ("A reset", profile.ResetRules),
        ("Sync files", profile.SyncRules),
    ],
)
def test_every_key_of_a_profile_is_documented_and_every_documented_key_is_read(
    heading: str, struct: type[msgspec.Struct]
) -> None:
    text = (DOCS / "profiles.md").read_text("utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", section(text, heading), re.MULTILINE)
    assert documented == [field.name for field in msgspec.structs.fields(struct)]


def test_the_example_of_a_profile_is_one() -> None:
    text = (DOCS / "profiles.md").read_text("utf-8")
    *parts, whole = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    club = profile.parse(whole)
    assert club.rules("club_member").keys == (("number",), ("email",))
    assert club.rules("django_session").ignored
    for part in parts:
        assert profile.parse(f'name = "part"\n{part}').categories


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(ProfileRefused, match="key"):
        profile.parse('name = "x"\n[tables.a]\nkey = [["b"]]\n')


def test_every_bundled_profile_is_named_in_the_reference() -> None:
    text = (DOCS / "profiles.md").read_text("utf-8")
    assert [name for name in profile.bundled() if f"`{name}`" not in text] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)", path.read_text("utf-8"))
    lost = []
    for target in targets:
        name, _, anchor = target.partition("#")
        found = (path.parent / name) if name else path
        if not found.exists() or (anchor and anchor not in anchors(found)):
            lost.append(target)
    assert lost == []


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in a link."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_in_documents_are_as_the_parser_has_them(path: Path) -> None:
    text = path.read_text("utf-8").replace("\\\n", " ")
    wrong = [line for line in re.findall(COMMAND, text) if (complaint := misread(line.strip())) and complaint]
    assert wrong == []


def misread(line: str) -> str:
    """What is wrong with a command that a document shows; empty when nothing is."""
    words = line.split()
    program = words[1:] if words[0] == "python3" else words
    given = program[1:]
    if "run.py" in program[0]:
        if given[:1] == ["bench"]:
            return unknown_option(bench._parser(), given)
        if given[:1] in (["test"], ["lock"]):
            return ""
        if not given or given[0].startswith("-"):
            given = ["up", *given]
    parser = arguments.build()
    while actions := [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]:
        if not given or given[0].isupper() or given[0] in {"--help", "..."}:
            return ""
        if given[0] not in actions[0].choices:
            return f"{given[0]} is no command"
        parser, given = actions[0].choices[given[0]], given[1:]
    return unknown_option(parser, given)


def unknown_option(parser: argparse.ArgumentParser, words: list[str]) -> str:
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    return " ".join(sorted(options - parser._option_string_actions.keys()))


def test_the_page_of_errors_is_up_to_date() -> None:
    assert (DOCS / "errors.md").read_text("utf-8") == error_catalogue.markdown(), error_catalogue.HOW


def test_every_code_in_the_page_of_troubles_exists() -> None:
    text = (DOCS / "troubleshooting.md").read_text("utf-8")
    named = set(re.findall(r"^\| `([\w.]+)` ", text, re.MULTILINE))
    assert named
    assert named - error_catalogue.codes() == set()


def test_every_module_has_its_place_in_the_architecture() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    modules = [path for folder in ("", "engine") for path in (WEBAPP / folder).glob("*.py") if path.stem != "__init__"]
    assert sorted(str(path.relative_to(WEBAPP)) for path in modules if f"`{path.stem}`" not in text) == []


def test_every_setting_is_documented() -> None:
    known = set(re.findall(r"^\| ([A-Z_]+) \|", settings.__doc__ or "", re.MULTILINE))
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "installation.md").read_text("utf-8"), re.MULTILINE))
    assert documented == known


def test_the_limits_of_the_reader_are_as_documented() -> None:
    text = section((DOCS / "formats.md").read_text("utf-8"), "Limits")
    for number in (
        scan.DEPTH,
        scan.DIGITS,
        scan.EXPONENT,
        scan.RECORD >> 20,
        compression.RATIO,
        compression.INFLATED >> 30,
    ):
        assert re.search(rf"\b{number}\b", text), number

"""What the documents say is so."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from webapp.engine import profile
from webapp.engine.errors import ProfileRefused

DOCS = Path(__file__).resolve().parent.parent / "docs"


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


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text("utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []

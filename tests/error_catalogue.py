"""The page of all refusals, made from their classes: ``python -m tests.error_catalogue > docs/errors.md``."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator

import webapp
from webapp.engine.errors import Refusal
from webapp.engine.reasons import WORDS
from webapp.settings import Misconfigured

HOW = "python -m tests.error_catalogue > docs/errors.md"
"""What makes the page anew."""

HEAD = f"""# Refusals and problems

This page is made from the program (`{HOW}`); a test fails when it is not up to
date. Words in braces are filled in. Codes are stable: scripts may test them.

A **refusal** ends what was asked for. A page shows its sentence and its hint; an API client gets `code`, `message` and
`hint`; the command line prints both and ends with the exit status given here. A **problem** is told about one record, and
stands in an analysis or a plan beside others. No refusal and no problem leaves anything half done.
"""

SECTIONS = {
    "webapp.engine.errors.file": "Files",
    "webapp.engine.errors.site": "Sites, profiles and choices",
    "webapp.engine.errors.backup": "Making backups, and files of a site",
    "webapp.engine.errors.restore": "Plans and restores",
    "webapp.engine.errors.words": "The command line",
    "webapp.refusals": "Uploads, accounts and the register of sites",
}


def markdown() -> str:
    """The whole page."""
    for module in pkgutil.iter_modules(webapp.__path__, "webapp."):
        importlib.import_module(module.name)
    return HEAD + "".join([*_refusals(), *_settings(), *_problems()])


def codes() -> frozenset[str]:
    """Every code on the page."""
    markdown()
    return frozenset({each.code for each in (*_classes(Refusal), *_classes(Misconfigured))} | set(WORDS))


def _refusals() -> Iterator[str]:
    found = _classes(Refusal)
    for module, title in SECTIONS.items():
        yield from _table(title, [each for each in found if each.__module__ == module])
    flow = [each for each in found if each.__module__ not in SECTIONS]
    yield from _table("The flow of a restore", sorted(flow, key=_code))


def _settings() -> Iterator[str]:
    yield from _table("Settings and start", sorted(_classes(Misconfigured), key=_code))


def _table(title: str, found: list[type[Refusal]] | list[type[Misconfigured]]) -> Iterator[str]:
    yield f"\n## {title}\n\n| code | sentence | what to do | exit |\n|---|---|---|---|\n"
    for each in found:
        sentence = " ".join((each.__doc__ or "").split())
        yield f"| `{each.code}` | {_cell(sentence)} | {_cell(each.hint)} | {each.exit_code} |\n"


def _problems() -> Iterator[str]:
    yield (
        "\n## Problems of records\n\nWhy a record is left out of a plan, or blocks it.\n\n| code | in words |\n|---|---|\n"
    )
    for code, words in WORDS.items():
        yield f"| `{code}` | {_cell(words)} |\n"


def _classes(base: type[Refusal] | type[Misconfigured]) -> list[type]:
    """The classes of the program below a base, with a code of their own, in the order of their modules."""
    found: list[type] = []
    waiting: list[type] = [base]
    while waiting:
        one = waiting.pop(0)
        waiting += one.__subclasses__()
        if one is not base and "code" in vars(one) and one.__module__.startswith("webapp."):
            found.append(one)
    return sorted(found, key=lambda each: (each.__module__, _line(each)))


def _line(each: type) -> int:
    return list(vars(sys.modules[each.__module__]).values()).index(each)


def _code(each: type) -> str:
    return str(vars(each)["code"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\\n", " ").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(markdown())

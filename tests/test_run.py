import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_help_needs_no_environment() -> None:
    # -S -I: no site-packages, as on a machine that has Python and nothing else
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "run.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "python3 run.py test" in done.stdout


def test_without_the_dependencies_at_hand_it_ends_with_one_sentence(tmp_path: Path) -> None:
    for name in ("run.py", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    nowhere = {
        "PATH": "/usr/bin:/bin",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        [sys.executable, tmp_path / "run.py", "sites", "list"], capture_output=True, text=True, check=False, env=nowhere
    )
    assert done.returncode == 1
    assert done.stdout == ""
    setting_up, sentence = done.stderr.splitlines()
    assert setting_up.startswith("Setting up")
    assert sentence.startswith("The dependencies could not be installed")


def test_the_lock_file_names_exact_versions_and_no_hosts() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()[1:]
    assert lines
    assert all("==" in line and "://" not in line for line in lines)

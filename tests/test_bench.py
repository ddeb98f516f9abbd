"""The benchmark runs and measures what it says; its figures are for people, not for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_benchmark_compares_equal_work(database: str, tmp_path: Path) -> None:
    words = ["--rows", "200", "--database", database, "--results", str(tmp_path), "--folder", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], capture_output=True, text=True, check=False, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / f"{database}-200.json").read_text())
    assert found["equal_to_loaddata"] is True
    steps = found["steps"]
    assert steps["restore into empty"]["counts"]["insert"] == 300
    assert steps["restore again, unchanged"]["counts"] == {
        "insert": 0,
        "update": 0,
        "delete": 0,
        "same": 300,
        "skipped": 0,
    }
    assert steps["restore, 10 % changed"]["counts"]["update"] == 20
    assert {"loaddata into empty", "loaddata again", "dumpdata", "raw bulk write", "backup"} <= set(steps)
    assert all(step["seconds"] > 0 and step["peak_mib"] > 0 for step in steps.values())

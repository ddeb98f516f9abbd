"""``python3 run.py bench``: measure, print a table, write JSON to ``bench/results/``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import rows
from tests.postgresql_server import PostgreSQLServer

RESULTS = Path(__file__).resolve().parent / "results"

DJANGO = ("make_tables", "loaddata", "dumpdata")

AGAINST = {
    "restore into empty": "loaddata into empty",
    "restore again, unchanged": "loaddata again",
    "the same, file read anew": "loaddata again",
    "restore, 10 % changed": "loaddata again",
    "backup": "dumpdata",
    "backup as a fixture": "dumpdata",
    "increment, unchanged": "dumpdata",
    "increment, 10 % changed": "dumpdata",
    "raw bulk write": "loaddata into empty",
}
"""What each of our figures is compared with."""


def main() -> int:
    """Run what was asked for."""
    given = _parser().parse_args()
    databases = [given.database] if given.database else ["sqlite", "postgresql"]
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.folder) as name:
        for database in databases:
            result = run(database, given.rows, given.django_rows or given.rows, Path(name))
            show(result)
            given.results.mkdir(parents=True, exist_ok=True)
            path = given.results / f"{database}-{given.rows}.json"
            path.write_text(json.dumps(result, indent=1) + "\n")
            print(f"written to {path}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py bench", description="Measure restore and backup against Django.")
    parser.add_argument("--rows", type=int, default=100_000, help="records in the file (default: 100000)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one (default: both)")
    parser.add_argument(
        "--django-rows",
        type=int,
        metavar="N",
        help="measure loaddata and dumpdata with N records only and compare rates: they take minutes for a million",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes (default: bench/results)")
    parser.add_argument("--folder", help="where files and databases are made (default: the temporary folder)")
    return parser


def run(database: str, count: int, django_count: int, folder: Path) -> dict[str, Any]:
    """All measurements on one kind of database."""
    steps: dict[str, dict[str, Any]] = {}

    def measure(title: str, records: int, work: str, url: str, *arguments: str | Path) -> dict[str, Any]:
        print(f"  {database}: {title} ...", file=sys.stderr, flush=True)
        found = measured(work, url, *arguments)
        steps[title] = {**found, "rows": records, "rate": records / found["seconds"]}
        return found

    full, changed, small = (
        folder / f"{name}.json" for name in (f"full-{count}", f"changed-{count}", f"full-{django_count}")
    )
    rows.write_fixture(full, count)
    rows.write_fixture(changed, count, changed=True)
    rows.write_fixture(small, django_count)
    with _databases(database, folder) as new:
        url = new()
        measure("loaddata into empty", django_count, "loaddata", url, small)
        measure("loaddata again", django_count, "loaddata", url, small)
        measure("dumpdata", django_count, "dumpdata", url, folder / "dumped.json")
        expected = measured("fixture", url, folder / "expected.json")
        measure("raw bulk write", count, "raw_write", new(), str(count))
        url, stages = new(), folder / f"stages-{database}"
        measure("restore into empty", count, "restore", url, full, stages)
        full_backup = folder / f"{database}-0.srb"
        measure("backup", count, "backup", url, full_backup)
        made = measure("backup as a fixture", count, "fixture", url, folder / "backup.json")
        measure("verify", count, "verify", url, full_backup)
        measure("increment, unchanged", count, "increment", url, folder / f"{database}-1.srb", full_backup)
        measure("restore again, unchanged", count, "restore", url, full, stages)
        measure("the same, file read anew", count, "restore", url, full, folder / f"nothing-{database}")
        measure("restore, 10 % changed", count, "restore", url, changed, stages)
        measure("increment, 10 % changed", count, "increment", url, folder / f"{database}-2.srb", full_backup)
    for title, against in AGAINST.items():
        steps[title]["ratio"] = steps[title]["rate"] / steps[against]["rate"]
    into, raw = steps["restore into empty"], steps["raw bulk write"]
    return {
        "database": database,
        "rows": count,
        "columns": len(rows.COLUMNS) - 1,
        "django_rows": django_count,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[1], 1),  # of the last five minutes: over the processors, figures are too low
        "equal_to_loaddata": made["sha256"] == expected["sha256"] if count == django_count else None,
        "share_of_raw_write": into["rate"] / raw["rate"],
        "steps": steps,
    }


def measured(work: str, url: str, *arguments: str | Path) -> dict[str, Any]:
    """Do a piece of work in a process of its own; its answer, with the peak of its memory in MiB."""
    module = "bench.django_work" if work in DJANGO else "bench.work"
    command = [sys.executable, "-m", module, work, url, *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, cwd=RESULTS.parent.parent)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{work} failed with exit status {process.returncode}")
        output.seek(0)
        found: dict[str, Any] = json.loads(output.read().splitlines()[-1])
    # Linux counts kilobytes, macOS bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {**found, "peak_mib": round(usage.ru_maxrss / unit, 1)}


@contextlib.contextmanager
def _databases(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """A function that gives the URL of another database with empty tables."""
    if kind == "sqlite":
        template = folder / "template.sqlite"
        measured("make_tables", f"sqlite:///{template}")

        def new_file() -> str:
            path = folder / f"site-{len(list(folder.glob('site-*.sqlite')))}.sqlite"
            path.write_bytes(template.read_bytes())
            return f"sqlite:///{path}"

        yield new_file
        return
    with PostgreSQLServer() as server:

        def new_database() -> str:
            url = server.new_database()
            measured("make_tables", url)
            return url

        yield new_database


def show(result: dict[str, Any]) -> None:
    """A table of the figures."""
    print(
        f"\n{result['database']}, {result['rows']:,} records of {result['columns']} columns (load {result['load']} on {result['processors']} processors)"
    )
    print(f"{'':26}{'seconds':>9}{'rows/s':>11}{'ratio':>8}{'MiB':>8}")
    for title, step in result["steps"].items():
        ratio = f"{step['ratio']:.1f}" if "ratio" in step else ""
        print(f"{title:26}{step['seconds']:9.2f}{step['rate']:11,.0f}{ratio:>8}{step['peak_mib']:8.0f}")
    print(f"restore into empty is {result['share_of_raw_write']:.2f} of the raw bulk write's rate")
    if result["equal_to_loaddata"] is not None:
        print(f"rows equal to those that loaddata wrote: {'yes' if result['equal_to_loaddata'] else 'NO'}")


if __name__ == "__main__":
    sys.exit(main())

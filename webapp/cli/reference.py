"""The reference of the command line, made from the parser: ``python -m webapp.cli.reference > docs/cli.md``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from webapp.cli import arguments

HEAD = """# Command line

`smart-restore COMMAND ...` (in a checkout: `python3 run.py COMMAND ...`). This page is made from the program itself; a
test fails when it is not up to date. `--help` on any command says the same.

- **Exit status:** 0 done, planned or nothing to do; 1 refused or failed with nothing changed; 2 wrong usage.
- **Output:** the answer goes to standard output, everything else (progress, hints, refusals) to standard error.
- **`--site`** takes the name of a registered site or a database address (`sqlite:////path/to/file`,
  `postgresql://user:password@host/name`). With an address nothing else is needed: no web application, no Redis.
- **Work files** (what was read from a backup, receipts) are kept in the data folder (`SMART_RESTORE_DATA`).

## What `restore --json` prints

One JSON object, the last line of standard output:

| key | value |
|---|---|
| `status` | `planned` (a preview that could be carried out), `done` (also when there was nothing to do), `refused`, `failed` |
| `counts` | `insert`, `update`, `delete`, `same`, `skipped`: as planned, and after `done` as carried out |
| `tables` | the same five numbers for each table, by its name in the database |
| `problems` | `code`, `model`, `pk`, `field`, `message`, `place` (`record`, `byte`, `line` in the file), `count`: what blocks, or what was left out |
| `verdict` | a sentence |
| `job` | the id under which the site's journal knows the restore |

`refused` and `failed` mean that nothing in the database was changed.
"""


def markdown() -> str:
    """The whole page."""
    return HEAD + "".join(part for path, parser in _commands(arguments.build()) for part in _section(path, parser))


def _commands(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _commands(inner, f"{path} {name}".strip())
            return
    yield path, parser


def _section(path: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"\n## {path}\n\n{parser.description}\n\n"
    example = (parser.epilog or "").removeprefix("Example:\n")
    yield "```\n" + "\n".join(line.strip() for line in example.splitlines()) + "\n```\n\n"
    yield "| option | meaning |\n|---|---|\n"
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            yield f"| `{_called(action)}` | {action.help}{' (required)' if action.required and action.option_strings else ''} |\n"


def _called(action: argparse.Action) -> str:
    if not action.option_strings:
        return str(action.metavar)
    if action.nargs == 0:
        return action.option_strings[0]
    value = "|".join(map(str, action.choices)) if action.choices else str(action.metavar or action.dest.upper())
    return f"{action.option_strings[0]} {value}".replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown())

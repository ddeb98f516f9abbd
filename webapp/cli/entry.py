"""From the words of a command line to an exit status.

Exit status: 0 done or nothing to do, 1 refused or failed with nothing changed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import cast

from webapp.cli import arguments, terminal
from webapp.engine.answers import Problem
from webapp.engine.errors import Cancelled, Refusal
from webapp.settings import Misconfigured

Run = Callable[[argparse.Namespace], int]


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status."""
    given = arguments.build().parse_args(words)
    try:
        return _function(given.run)(given)
    except KeyboardInterrupt:
        return refused(given, Cancelled())
    except Refusal as refusal:
        return refused(given, refusal)
    except BrokenPipeError:
        # The reader of standard output went away (`| head`): nothing more to tell, and no second error at exit.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 1
    except Misconfigured as error:
        terminal.say(f"Refused: {error}")
        return error.exit_code
    except OSError as error:
        return failed(given, f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
    except Exception as error:  # noqa: BLE001  the last door: a person gets a sentence, --debug gets the traceback
        if given.debug:
            traceback.print_exception(error)
        return failed(given, f"something unexpected happened ({type(error).__name__}). --debug shows where.")


def _function(address: str) -> Run:
    """The function of ``module:function``.

    Imported here and not above: a command on a database address must not load the web application, which the
    commands on registered sites and people need.
    """
    module, name = address.split(":")
    return cast(Run, getattr(importlib.import_module(module), name))


def refused(given: argparse.Namespace, refusal: Refusal, status: str = "refused") -> int:
    """Render a refusal."""
    terminal.refuse(refusal)
    _account(given, status, refusal.code)
    if getattr(given, "json", False):
        terminal.answer_json(failure(status, refusal.problem(), hint=refusal.hint))
    return refusal.exit_code


def failed(given: argparse.Namespace, reason: str) -> int:
    """Render an error that has no class of its own: the machine's, or a fault of this program."""
    terminal.say(f"Failed: {reason}")
    _account(given, "failed", "unexpected")
    if getattr(given, "json", False):
        terminal.answer_json(failure("failed", Problem(code="unexpected", message=f"It failed: {reason}")))
    return 1


def _account(given: argparse.Namespace, result: str, code: str) -> None:
    """Say in the audit that a command on a registered site came to nothing."""
    site = getattr(given, "site", None)
    if not isinstance(site, str) or not site or "://" in site:
        return
    try:
        register = importlib.import_module("webapp.cli.register")
        register.note(site, given.command, result, code=code)
    except Exception:  # noqa: BLE001  what was refused is told already; the audit may be what was refused
        terminal.say("This could not be noted in the audit.")


def failure(status: str, problem: Problem, hint: str = "", job: str = "") -> dict[str, object]:
    """The JSON object of a command that changed nothing."""
    return {
        "status": status,
        "counts": {"insert": 0, "update": 0, "delete": 0, "same": 0, "skipped": 0},
        "tables": {},
        "problems": [problem],
        "verdict": problem.message,
        "hint": hint,
        "job": job,
    }

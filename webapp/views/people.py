"""The accounts that a backup refers to, beside the accounts of the site: how they are shown, and what an answer means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from webapp.engine.answers import Candidate, Person, Plan
from webapp.engine.errors import DecisionRefused

ACCOUNT = "account:"
"""Begins the name of a field into which an account is typed; the person's name in a decision follows."""

ASKED = {"question", "missing", "placeholder", "mapped", "left_out"}
"""What becomes of the people that are shown one by one; all others are only counted."""


def shown(plan: Plan) -> dict[str, Any]:
    """What the table of people needs."""
    names = names_of(plan.accounts)
    people = [person for person in plan.people if person.state in ASKED]
    return {
        "people": people,
        "recognised": [person for person in plan.people if person.state not in ASKED],
        "account_names": names,
        "called": lambda account: names.get(account.key, account.label or account.key),
        # These are asked about beside the other people, and not a second time.
        "doubts": [doubt for doubt in plan.doubts if doubt.table not in {person.table for person in people}],
    }


def names_of(accounts: tuple[Candidate, ...]) -> dict[str, str]:
    """What accounts are called, each by a name of its own, by their keys."""
    said = {account.key: _said(account) for account in accounts}
    counts = Counter(said.values())
    return {key: name if counts[name] == 1 else f"{name} (key {key})" for key, name in said.items()}


def _said(account: Candidate) -> str:
    email = next(iter(account.values.values()), None)
    return f"{account.label or account.key} · {email}" if email else account.label or account.key


def answers(form: MultiDict[str, str], plan: Plan | None) -> dict[str, str]:
    """The accounts that were typed, as decisions: the key of an account, or nothing to take a decision back.

    Raises:
        DecisionRefused: no account is called so.
    """
    if plan is None:
        return {}
    known = {person.decision: person for person in plan.people}
    keys = _by_name(plan)
    found = {}
    for field, text in form.items():
        name = field.removeprefix(ACCOUNT)
        if name == field or name not in known:
            continue
        typed = text.strip()
        if typed and typed.casefold() not in keys:
            raise DecisionRefused(
                decision=f"{known[name].label}={typed[:60]}", reason="no account of the site is called so"
            )
        if typed or known[name].state == "mapped":
            found[name] = keys[typed.casefold()] if typed else ""
    return found


def _by_name(plan: Plan) -> Mapping[str, str]:
    """The keys of accounts by everything that a person may type for them, as far as only one of them is meant."""
    names = names_of(plan.accounts)
    found = {name.casefold(): key for key, name in names.items()}
    counts = Counter(account.label.casefold() for account in plan.accounts)
    for account in plan.accounts:
        if account.label and counts[account.label.casefold()] == 1:
            found.setdefault(account.label.casefold(), account.key)
    for person in plan.people:
        for account in filter(None, (person.account, *person.candidates)):
            found.setdefault(names.get(account.key, account.label).casefold(), account.key)
    return found


def offered(person: Person, plan: Plan) -> set[str]:
    """The answers that may be given about a person."""
    accounts = {account.key for account in (*plan.accounts, *person.candidates)}
    return accounts | ({"skip"} if person.state == "question" else set())

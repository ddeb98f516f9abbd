"""The accounts that a backup refers to, beside the accounts of the site: how they are shown, and what an answer means."""

from __future__ import annotations

from collections import Counter
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
    found = {}
    for field, text in form.items():
        name = field.removeprefix(ACCOUNT)
        if name == field or name not in known:
            continue
        typed = text.strip()
        if typed or known[name].state == "mapped":
            found[name] = _meant(typed, known[name], plan) if typed else ""
    return found


def _meant(typed: str, person: Person, plan: Plan) -> str:
    """The key of the account that is called so: letter by letter, else in other letters, and only one of them.

    Raises:
        DecisionRefused
    """
    names = names_of(plan.accounts)
    called = [(name, key) for key, name in names.items()]
    called += [(account.label, account.key) for account in (*plan.accounts, *person.candidates)]
    for form in (str.strip, str.casefold):
        keys = {key for name, key in called if form(name) == form(typed)}
        if len(keys) == 1:
            return keys.pop()
        if keys:
            raise DecisionRefused(decision=f"{person.label}={typed[:60]}", reason="more than one account is called so")
    raise DecisionRefused(decision=f"{person.label}={typed[:60]}", reason="no account of the site is called so")


def offered(person: Person, plan: Plan) -> set[str]:
    """The answers that may be given about a person."""
    accounts = {account.key for account in (*plan.accounts, *person.candidates)}
    return accounts | ({"skip"} if person.state == "question" else set())

"""Accounts that records refer to: whose references lead where, and what a person has to decide about them.

People are the rows of protected tables for which the profile has a placeholder. While accounts are protected, a record of
such a table is never written over a row: it is recognised, or another account stands for it, or it becomes a placeholder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from webapp.engine.answers import Candidate, Person, PersonState
from webapp.engine.decisions import DECIDED
from webapp.engine.emails import folded
from webapp.engine.labels import label_of, label_sql
from webapp.engine.natural import tokens_table
from webapp.engine.origin import Trust
from webapp.engine.references import todo
from webapp.engine.schema import Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q
from webapp.engine.tokens import MARK, shown

NAMED = 200
ACCOUNTS_NAMED = 500
CANDIDATES_NAMED = 4

QUESTIONS = ("ambiguous", "another_email")
"""Codes of accounts that somebody has to decide about, when something refers to them."""

ORDER: tuple[PersonState, ...] = ("question", "missing", "placeholder", "added", "left_out", "mapped", "matched")


def people_tables(scratch: Scratch) -> Iterator[Table]:
    """The tables of accounts."""
    for table in scratch.schema.tables.values():
        rules = scratch.profile.rules(table.name)
        if rules.protected and rules.placeholder and len(table.primary_key) == 1:
            yield table


# ---------------------------------------------------------------- who depends on whom


def settle_questions(scratch: Scratch) -> None:
    """Accounts that are not written anyway, and that no record to be written refers to, are no question."""
    if scratch.choices.accounts != "protect":
        return
    for table in people_tables(scratch):
        if table.name not in scratch.staged_columns:
            continue
        marks = ", ".join("?" * len(QUESTIONS))
        asked = f"SELECT rec FROM {todo(table)} WHERE action = 'blocked' AND code IN ({marks})"
        if not scratch.one(f"SELECT EXISTS ({asked})", QUESTIONS):
            continue
        _count_references(scratch, table)
        scratch.run(
            f"UPDATE {todo(table)} SET action = 'skipped', code = 'protected' WHERE rec IN ({asked})"
            " AND rec NOT IN (SELECT rec FROM temp.people WHERE rec IS NOT NULL)",
            QUESTIONS,
        )


def _count_references(scratch: Scratch, table: Table) -> None:
    """Leave in ``temp.people`` what refers to a table of accounts: the value, how many records carry it, the record that it means."""
    scratch.run("DROP TABLE IF EXISTS temp.people")
    scratch.run("CREATE TEMP TABLE people (value PRIMARY KEY, n INTEGER, rec INTEGER, row INTEGER) WITHOUT ROWID")
    for other in scratch.tables:
        for key in other.foreign_keys:
            if key.target != table.name or key.target_columns != table.primary_key:
                continue
            (column,) = key.columns
            if column in scratch.staged_columns[other.name]:
                scratch.run(
                    f"INSERT INTO temp.people (value, n) SELECT s.{q(column)}, count(*) FROM {todo(other)} d"
                    f' JOIN {staged(other)} s ON s."#rec" = d.rec WHERE s.{q(column)} IS NOT NULL'
                    f" AND (d.action IN ('insert', 'update', 'blocked') OR d.code IN ('missing_reference', 'ambiguous_reference') AND d.field = ?)"
                    " GROUP BY 1 ON CONFLICT (value) DO UPDATE SET n = n + excluded.n",
                    (column,),
                )
    (primary,) = table.primary_key
    if primary in scratch.staged_columns.get(table.name, ()):
        scratch.run(
            f'UPDATE temp.people SET rec = (SELECT min(s."#rec") FROM {staged(table)} s WHERE s.{q(primary)} = value)'
        )
    if table.name in scratch.tokens:
        scratch.run(
            f"UPDATE temp.people SET rec = t.rec, row = t.live FROM {tokens_table(table)} t"
            " WHERE t.token = people.value AND people.rec IS NULL"
        )


# ---------------------------------------------------------------- the answer


def find_people(scratch: Scratch, trust: Trust) -> tuple[tuple[Person, ...], int, tuple[Candidate, ...]]:
    """The accounts that records refer to, how many there are, and accounts of the site that they can be led to."""
    people: list[Person] = []
    accounts: list[Candidate] = []
    count = 0
    for table in people_tables(scratch):
        _count_references(scratch, table)
        found = scratch.one("SELECT count(*) FROM temp.people")
        if found:
            count += found
            people += _of_table(scratch, table, trust)
            accounts += _accounts(scratch, table, "1", (), ACCOUNTS_NAMED)
    people.sort(key=lambda each: (ORDER.index(each.state), -each.references, each.label))
    return tuple(people[:NAMED]), count, tuple(accounts)


def _of_table(scratch: Scratch, table: Table, trust: Trust) -> list[Person]:
    (primary,) = table.primary_key
    if trust.references:
        scratch.run(
            f"UPDATE temp.people SET row = (SELECT l._rowid_ FROM {live(table)} l WHERE l.{q(primary)} = value)"
            " WHERE rec IS NULL AND row IS NULL"
        )
    in_file = table.name in scratch.staged_columns
    joins = (
        f" LEFT JOIN {matched(table)} m ON m.rec = p.rec LEFT JOIN {todo(table)} d ON d.rec = p.rec" if in_file else ""
    )
    state = (
        f"CASE WHEN m.code IN ('ambiguous', 'another_email') THEN 'question' WHEN m.code = 'mapped' THEN 'mapped'"
        " WHEN d.code = 'placeholder' AND d.action = 'insert' THEN 'placeholder' WHEN d.action = 'insert' THEN 'added'"
        f" WHEN m.live IS NOT NULL AND m.code IS NULL THEN CASE WHEN m.rung = {DECIDED} THEN 'mapped' ELSE 'matched' END"
        " WHEN p.rec IS NOT NULL THEN 'left_out'"
        if in_file
        else "CASE"
    )
    led = (
        f"(SELECT x.new FROM {q('moved ' + table.name)} x WHERE x.old = p.value)"
        if table.name in scratch.moved
        else "NULL"
    )
    state += (
        f" WHEN p.row IS NOT NULL THEN CASE WHEN {_decided_values(scratch, table)} THEN 'mapped' ELSE 'matched' END"
    )
    state += " ELSE 'missing' END"
    row = "coalesce(m.live, p.row)" if in_file else "p.row"
    new = "m.new" if in_file else "NULL"
    order = " ".join(f"WHEN '{name}' THEN {at}" for at, name in enumerate(ORDER))
    rows = scratch.run(
        f"SELECT * FROM (SELECT p.value, p.n, p.rec, {state} AS state, {row} AS row,"
        f" CASE WHEN {new} IS NULL THEN {led} ELSE {new} END AS led FROM temp.people p{joins})"
        f" ORDER BY CASE state {order} END, 2 DESC, 1 LIMIT ?",
        (NAMED,),
    ).fetchall()
    return [_person(scratch, table, *each) for each in rows]


def _decided_values(scratch: Scratch, table: Table) -> str:
    """SQL: the reference of ``p`` was led to a row by a decision, though the file has no record of it."""
    return f"p.value IN (SELECT value FROM {q('led ' + table.name)})" if table.name in scratch.led else "0"


def _person(
    scratch: Scratch,
    table: Table,
    value: object,
    count: int,
    rec: int | None,
    state: PersonState,
    row: int | None,
    led: object,
) -> Person:
    (primary,) = table.primary_key
    account = None
    if state in ("matched", "mapped", "question"):
        where, bound = (
            (f"l.{q(primary)} = ?", (led,)) if state == "mapped" and led is not None else ("l._rowid_ = ?", (row,))
        )
        account = next(iter(_accounts(scratch, table, where, bound, 1)), None)
    email, name = "", ""
    if rec is not None:
        name, email = _told(scratch, table, rec)
    elif isinstance(value, str) and value.startswith(MARK):
        name = ", ".join(map(str, json.loads(value[1:])))
    name = name or (account.label if account and state == "matched" else "") or shown(value) or ""
    return Person(
        decision=f"{label_of(table.name, scratch.profile)}:{person_key(scratch, table, rec, value)}",
        table=table.name,
        label=name,
        state=state,
        references=count,
        email=email,
        account=account,
        candidates=() if state == "matched" else _candidates(scratch, table, rec, account),
    )


def person_key(scratch: Scratch, table: Table, rec: int | None, value: object) -> str:
    """What names a person in a decision: a natural key where there is one, which means the same in the next backup as well."""
    if rec is not None:
        for key, _ in scratch.profile.keys_of(table):
            if all(name in scratch.staged_columns[table.name] and table.reference(name) is None for name in key):
                cells = ", ".join(q(name) for name in key)
                found = scratch.run(f'SELECT {cells} FROM {staged(table)} WHERE "#rec" = ?', (rec,)).fetchone()
                if all(isinstance(cell, str | int) for cell in found):
                    return json.dumps(list(found), ensure_ascii=False)
    text = shown(value) or ""
    return f"#{rec}" if rec is not None and text.startswith("#") else text


def _told(scratch: Scratch, table: Table, rec: int) -> tuple[str, str]:
    """What people call an account of the file, and its e-mail address."""
    columns = scratch.staged_columns[table.name]
    cells = ", ".join(
        (q(column.name) if column.name in columns else "NULL") + f" AS {q(column.name)}" for column in table.columns
    )
    email = scratch.profile.rules(table.name).email
    address = q(email) if email in columns else "''"
    label, address = scratch.run(
        f"SELECT {label_sql(scratch.profile, table)}, {address}"
        f' FROM (SELECT {cells} FROM {staged(table)} WHERE "#rec" = ?)',
        (rec,),
    ).fetchone()
    return str(label or ""), str(address or "")


def _candidates(scratch: Scratch, table: Table, rec: int | None, account: Candidate | None) -> tuple[Candidate, ...]:
    """Accounts of the site with the same e-mail address, the same name in other letters, or the same first and last name."""
    found = {account.key: account} if account else {}
    if rec is not None:
        columns = scratch.staged_columns[table.name]
        keys = [key for key, _ in scratch.profile.keys_of(table) if len(key) == 1]
        telling = [(scratch.profile.rules(table.name).email,), *keys, ("first_name", "last_name")]
        for names in telling:
            if not all(name in columns and name in table.by_name for name in names):
                continue
            on = " AND ".join(
                f"{folded('l', name)} = {folded('s', name)} AND {folded('s', name)} <> ''" for name in names
            )
            same = f'EXISTS (SELECT 1 FROM {staged(table)} s WHERE s."#rec" = ? AND {on})'
            why = "same " + " and ".join(names)
            for each in _accounts(scratch, table, same, (rec,), CANDIDATES_NAMED, why):
                found.setdefault(each.key, each)
    return tuple(found.values())[:CANDIDATES_NAMED]


def _accounts(
    scratch: Scratch, table: Table, condition: str, bound: tuple[object, ...], most: int, why: str = ""
) -> list[Candidate]:
    """Accounts of the site, by what people call them."""
    (primary,) = table.primary_key
    email = scratch.profile.rules(table.name).email
    address = f"l.{q(email)}" if email in table.by_name else "NULL"
    label = label_sql(scratch.profile, table)
    return [
        Candidate(
            key=shown(key) or "",
            label=str(name or ""),
            why=(why,) if why else (),
            values={email: shown(mail)} if email in table.by_name else {},
        )
        for key, name, mail in scratch.run(
            f"SELECT l.{q(primary)}, {label} AS name, {address} FROM {live(table)} l WHERE {condition} ORDER BY 2, 1 LIMIT ?",
            (*bound, most),
        )
    ]

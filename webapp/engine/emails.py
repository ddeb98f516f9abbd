"""Is an account with the same name the same person? Another e-mail address makes it a question."""

from __future__ import annotations

from webapp.engine.origin import Trust
from webapp.engine.schema import Table
from webapp.engine.scratch import Scratch, live, matched, staged
from webapp.engine.sql import q


def question_emails(scratch: Scratch, table: Table, trust: Trust) -> None:
    """A matched account with another e-mail address may be somebody else's, unless a second key says who it is."""
    rules = scratch.profile.rules(table.name)
    columns = scratch.staged_columns[table.name]
    column = rules.email
    if not (rules.protected and column in columns and column in table.by_name):
        return
    proofs = ["0"]
    if table.name in trust.tables and all(name in columns for name in table.primary_key):
        proofs.append(" AND ".join(f"l.{q(name)} = s.{q(name)}" for name in table.primary_key))
    keys = [key for key, _ in scratch.profile.keys_of(table)]
    for number, key in enumerate(keys, 1):
        if column not in key and all(name in columns for name in key):
            equal = " AND ".join(f"l.{q(name)} = {scratch.final(table, table.by_name[name])}" for name in key)
            proofs.append(f"(m.rung <> {number} AND {equal})")
    proven = " OR ".join(f"coalesce({proof}, 0)" for proof in proofs)
    scratch.run(
        f"UPDATE {matched(table)} SET code = 'another_email' WHERE rec IN (SELECT m.rec FROM {matched(table)} m"
        f' JOIN {staged(table)} s ON s."#rec" = m.rec JOIN {live(table)} l ON l._rowid_ = m.live'
        f" WHERE coalesce(m.code, 'taken') = 'taken' AND {folded('s', column)} <> '' AND {folded('l', column)} <> ''"
        f" AND {folded('s', column)} <> {folded('l', column)} AND NOT ({proven}))"
    )


def folded(alias: str, column: str) -> str:
    """SQL for a text without what people write now so, now so."""
    return f"lower(trim(coalesce({alias}.{q(column)}, '')))"

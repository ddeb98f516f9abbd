"""References to any table: a content type and a key as text, as histories and audit trails have them.

Where the table that such a row means has given a record another key, the text follows. Rows that point to what is in
neither the file nor the site stay as they are: a history may outlive what it tells of.
"""

from __future__ import annotations

import json

from webapp.engine.labels import find_table
from webapp.engine.schema import Kind, Table
from webapp.engine.scratch import Scratch, staged
from webapp.engine.sql import literal, q
from webapp.engine.tokens import MARK

CONTENT_TYPES = "contenttypes.contenttype"


def follow_generic(scratch: Scratch) -> None:
    """Prepare the SQL of every such reference, once all tables are matched."""
    for table in scratch.tables:
        columns = scratch.staged_columns[table.name]
        for type_column, key_column in scratch.profile.rules(table.name).generic:
            if type_column in columns and key_column in columns:
                cases = _cases(scratch, table, type_column, key_column)
                if cases:
                    value = f"s.{q(key_column)}"
                    scratch.generic[table.name, key_column] = f"CASE s.{q(type_column)} {cases} ELSE {value} END"


def _cases(scratch: Scratch, table: Table, type_column: str, key_column: str) -> str:
    value = f"s.{q(key_column)}"
    found = []
    for content_type, target in _targets(scratch, table, type_column).items():
        if target.name not in scratch.moved or len(target.primary_key) != 1:
            continue
        uuid = target.by_name[target.primary_key[0]].kind is Kind.UUID
        old = f"replace(lower({value}), '-', '')" if uuid else f"CAST({value} AS INTEGER)"
        lookup = f"SELECT CAST(m.new AS TEXT) FROM {q('moved ' + target.name)} m WHERE m.old = {old}"
        shown = str(content_type) if isinstance(content_type, int) else literal(content_type)
        found.append(f"WHEN {shown} THEN coalesce(({lookup}), {value})")
    return " ".join(found)


def _targets(scratch: Scratch, table: Table, type_column: str) -> dict[int | str, Table]:
    """The tables that the content types of a column mean: by number where the file has them, or by natural key."""
    found: dict[int | str, Table] = {}
    types, _ = find_table(CONTENT_TYPES, scratch.schema, scratch.profile)
    rows: list[tuple[int | str, str, str]] = []
    if types is not None and {"app_label", "model", *types.primary_key} <= set(
        scratch.staged_columns.get(types.name, ())
    ):
        rows = scratch.run(f"SELECT {q(types.primary_key[0])}, app_label, model FROM {staged(types)}").fetchall()
    for (text,) in scratch.run(
        f"SELECT DISTINCT {q(type_column)} FROM {staged(table)} WHERE {q(type_column)} GLOB ?", (MARK + "[[]*",)
    ):
        parts = json.loads(text[1:])
        if len(parts) == 2:
            rows.append((text, *parts))
    for key, app_label, model in rows:
        target, _ = find_table(f"{app_label}.{model}", scratch.schema, scratch.profile)
        if target is not None and key is not None:
            found[key] = target
    return found

"""New rows that are called almost like another one: the same but for capitals, spaces and the form of letters.

Only asked where a row is hardly more than its name (the profile's ``create``). Nothing is decided here: "Tech Corp" and
"tech corp" may be two companies, and a person is told before both are there.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from webapp.engine.answers import Twin
from webapp.engine.schema import Kind, Table
from webapp.engine.scratch import Scratch, live
from webapp.engine.sql import q

TWINS_NAMED: Final = 20


def plain_name(name: object) -> str | None:
    """What is left of a name when capitals, spaces and forms of letters do not count."""
    if not isinstance(name, str):
        return None
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def find_twins(scratch: Scratch) -> tuple[Twin, ...]:
    """The first new rows that are called almost like a row of the site, or like another new one."""
    scratch.connection.create_function("plain_name", 1, plain_name, deterministic=True)
    found: list[Twin] = []
    for table in (*scratch.tables, *scratch.joined.values()):
        name = _name(scratch, table)
        if name:
            found += _of_table(scratch, table, name)
    return tuple(found[:TWINS_NAMED])


def _name(scratch: Scratch, table: Table) -> str:
    """The column with the name of rows that are hardly more than that."""
    rules = scratch.profile.rules(table.name)
    names = [key[0] for key in rules.keys if len(key) == 1 and key[0] in table.by_name]
    if rules.create is None or not names or table.by_name[names[0]].kind is not Kind.TEXT:
        return ""
    return names[0]


def _of_table(scratch: Scratch, table: Table, name: str) -> list[Twin]:
    after = q(f"after {table.name}")
    new = f'SELECT "#id" AS id, {q(name)} AS name FROM {after} WHERE "#action" = \'insert\''
    if not scratch.one(f"SELECT EXISTS ({new})"):
        return []
    scratch.run("DROP TABLE IF EXISTS temp.called")
    scratch.run("CREATE TEMP TABLE called (plain TEXT, name TEXT, id INTEGER)")
    scratch.run(f"INSERT INTO temp.called SELECT plain_name({q(name)}), {q(name)}, 0 FROM {live(table)}")
    scratch.run(f"INSERT INTO temp.called SELECT plain_name(name), name, id FROM ({new})")
    scratch.run("CREATE INDEX temp.called_plain ON called (plain, id, name)")
    like = "o.plain = n.plain AND o.name <> n.name AND o.id < n.id"
    # Of many rows with almost one name only the first are put together with the others: all pairs would be without end.
    first = (
        "SELECT * FROM temp.called n WHERE n.id > 0 AND n.plain <> ''"
        f" AND EXISTS (SELECT 1 FROM temp.called o WHERE {like}) ORDER BY n.id LIMIT {TWINS_NAMED}"
    )
    return [
        Twin(
            table=table.name,
            title=scratch.profile.title_of(table.name),
            new=str(row[0]),
            other=str(row[1]),
            there=not row[2],
        )
        for row in scratch.run(
            f"SELECT n.name, o.name, o.id FROM ({first}) n JOIN temp.called o ON {like} ORDER BY n.id, o.id LIMIT ?",
            (TWINS_NAMED,),
        )
    ]

"""A reset: the plan that clears the business data of a site, as its profile declares it. It is carried out like any other plan.

It is worked out as the replacement of these tables by a backup that holds nothing of them: so rows that stay and refer
to cleared ones block it, and the plan file has every row as it is now.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from webapp.engine import sql
from webapp.engine.answers import Choices, FileFacts, Plan
from webapp.engine.databases import Database
from webapp.engine.databases.base import Report
from webapp.engine.errors import NoReset
from webapp.engine.guard import guarded
from webapp.engine.labels import label_of
from webapp.engine.plan import file_digest, plan
from webapp.engine.profile import Profile, choose
from webapp.engine.schema import OWN_TABLES, Schema
from webapp.engine.scratch import Scratch, needed_tables, open_scratch
from webapp.engine.sql import q
from webapp.engine.stage import StagedModel, StageFacts

CLEARING = Choices(add=False, change=False, remove=True, origin="same")


def cleared_tables(schema: Schema, profile: Profile) -> tuple[str, ...]:
    """The tables that a reset empties, referenced ones first."""
    return tuple(name for name in schema.order() if name not in OWN_TABLES and profile.cleared(name))


def plan_reset(site: Database, profile: str | None, output: Path, report: Report) -> Plan:
    """Work out what a reset would remove, and write it to the plan file ``output``. Leaves the site untouched.

    Raises:
        NoReset: the profile does not say what business data is.
    """
    schema = site.schema()
    known = guarded(choose(profile, schema), schema)
    names = cleared_tables(schema, known)
    if not names:
        raise NoReset(profile=known.name)
    output.parent.mkdir(parents=True, exist_ok=True)
    making, nothing = (output.with_name(output.name + suffix) for suffix in (".part", ".stage"))
    try:
        facts = _stage_nothing(nothing, schema, known, names)
        with site.reader(schema) as reader, open_scratch(making, nothing, report) as connection:
            reader.expose(connection, needed_tables(schema, facts, CLEARING), report)
            connection.execute("BEGIN")
            answer = plan(Scratch(connection, reader, schema, known, facts, CLEARING, report))
            connection.execute("COMMIT")
        making.replace(output)
    finally:
        making.unlink(missing_ok=True)
        nothing.unlink(missing_ok=True)
    return msgspec.structs.replace(answer, digest=file_digest(output))


def _stage_nothing(path: Path, schema: Schema, profile: Profile, names: tuple[str, ...]) -> StageFacts:
    """The stage of a backup that has these tables and no records."""
    path.unlink(missing_ok=True)
    connection = sql.connect(path)
    try:
        for name in names:
            columns = sql.declared(column for column in schema.tables[name].columns if not column.generated)
            connection.execute(
                f'CREATE TABLE {q("rows " + name)} ("#rec" INTEGER PRIMARY KEY, "#shape" INTEGER, {columns})'
            )
        connection.execute(
            "CREATE TABLE problems (rec INTEGER, tbl TEXT, label TEXT, pk TEXT, field TEXT, col TEXT, code TEXT,"
            " message TEXT, byte INTEGER, line INTEGER)"
        )
    finally:
        connection.close()
    models = tuple(StagedModel(label_of(name, profile), name, "profile", 0, (), (), ()) for name in names)
    return StageFacts(FileFacts(name="reset", size=0, sha256="", format="no file: a reset"), models, {}, {})

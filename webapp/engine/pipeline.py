"""The way from a backup file to a plan file: recognise, stage, expose the live rows, plan. Restores and drills go the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from webapp.engine.answers import Choices, Plan
from webapp.engine.databases import Database
from webapp.engine.databases.base import Report
from webapp.engine.decisions import chosen_keys
from webapp.engine.errors import IncrementReplace, PartialReplace
from webapp.engine.formats import Records, Several, as_chains, recognise
from webapp.engine.guard import guarded
from webapp.engine.plan import file_digest, plan
from webapp.engine.profile import Profile, choose
from webapp.engine.scratch import Scratch, needed_tables, open_scratch
from webapp.engine.stage import stage


def recognised_as_one(source: Path | Sequence[Path], name: str | Sequence[str], choices: Choices) -> Records:
    """One file, or several that are restored together, in the order given; a file that is named twice counts once.

    ``name`` is what a person calls it, or what they call each of them. A native backup and the increments on it are one
    source, which is the state at the last of them.
    """
    if isinstance(source, Path):
        return recognise(source, name if isinstance(name, str) else next(iter(name), ""), choices.repairs)
    names = [path.name for path in source] if isinstance(name, str) else name
    files = {
        file.sha256: file
        for file in (recognise(path, called, choices.repairs) for path, called in zip(source, names, strict=True))
    }
    found = as_chains(tuple(files.values()))
    return found[0] if len(found) == 1 else Several(tuple(found))


@contextmanager
def opened(
    source: Records,
    database: Database,
    profile: str | None,
    choices: Choices,
    stages: Path,
    path: Path,
    report: Report,
) -> Iterator[Scratch]:
    """The scratch file at ``path`` with stage and live rows side by side, in which a plan is worked out."""
    schema = database.schema()
    known: Profile = guarded(choose(profile, schema), schema)
    staged, facts = stage(source, schema, known, stages, report)
    if choices.remove:
        facts = msgspec.structs.replace(facts, models=(*facts.models, *facts.empty))
    latest = ("match", 0, 0)

    def tell(phase: str, done: int, total: int) -> None:
        nonlocal latest
        if total:
            latest = (phase, done, total)
        report(*latest)

    with database.reader(schema) as reader, open_scratch(path, staged, tell) as connection:
        reader.expose(connection, needed_tables(schema, facts, choices, known), tell)
        connection.execute("BEGIN")
        keyed = known.matching_by(chosen_keys(choices, schema, known))
        yield Scratch(connection, reader, schema, keyed, facts, choices, tell)
        connection.execute("COMMIT")


def planned(
    source: Records,
    database: Database,
    profile: str | None,
    choices: Choices,
    stages: Path,
    output: Path,
    report: Report,
    media: Path | None = None,
) -> Plan:
    """The plan of a restore, written to the plan file ``output``. ``media`` is the site's folder of files, if it has one.

    Raises:
        FolderRefused: that folder cannot be opened.
        PartialReplace, IncrementReplace: rows would be removed because a file that is only a part does not hold them.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    making = output.with_name(output.name + ".part")
    try:
        with opened(source, database, profile, choices, stages, making, report) as scratch:
            if choices.remove and scratch.facts.file.partial:
                raise PartialReplace
            if choices.remove and scratch.facts.file.increment:
                raise IncrementReplace
            answer = plan(scratch, media)
        making.replace(output)
    finally:
        making.unlink(missing_ok=True)
    return msgspec.structs.replace(answer, digest=file_digest(output))

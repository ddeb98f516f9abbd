"""What a backup holds, what fits the live schema, what does not, and what to do about it."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from webapp.engine.answers import (
    Advice,
    Analysis,
    CategoryFacts,
    ColumnDrift,
    FileFacts,
    ModelFacts,
    Problem,
    ReferenceFacts,
    ValueDrift,
)
from webapp.engine.errors import REPAIRS
from webapp.engine.fills import absent_value, is_required
from webapp.engine.labels import field_of
from webapp.engine.match import match
from webapp.engine.media import describe_files
from webapp.engine.natural import has_natural_keys
from webapp.engine.origin import find_origin
from webapp.engine.problems import drift_problems
from webapp.engine.schema import Table
from webapp.engine.scratch import Scratch, live, staged
from webapp.engine.sql import q
from webapp.engine.stage import StagedModel, problem_of
from webapp.engine.tokens import MARK

PROBLEMS_NAMED = 200

REPAIRED = {
    "bom": "the byte order mark was left out",
    "utf16": "its text was turned into UTF-8",
    "prefix": "what comes before the records was left out",
    "concatenated": "its lists were read as one",
    "mojibake": "texts in the wrong encoding were turned back",
    "checksums": "records whose checksum is wrong were read as they stand",
}
"""What a repair has done. Salvage has a sentence of its own."""


def analyse_stage(scratch: Scratch) -> Analysis:
    """The analysis of a stage against the site that is exposed beside it."""
    trust = find_origin(scratch)
    if has_natural_keys(scratch):
        # Only matching finds out what they mean.
        match(scratch, trust)
    models = tuple(_model(scratch, each) for each in scratch.facts.models)
    categories = _categories(scratch)
    references = tuple(each for table in scratch.tables for each in _references(scratch, table))
    drift, _ = drift_problems(scratch, frozenset(table.name for table in scratch.tables))
    problems, counts = _problems(scratch, drift)
    answer = Analysis(
        file=scratch.facts.file,
        profile=scratch.profile.name,
        dialect=scratch.schema.dialect,
        models=models,
        categories=categories,
        references=references,
        problems=problems,
        problem_counts=counts,
        origin=trust.origin,
        files=describe_files(scratch),
        advice=(),
        natural_keys=tuple(scratch.natural_keys),
        changed_columns=_changed_columns(scratch),
    )
    return msgspec.structs.replace(answer, advice=_advice(scratch, answer))


def _model(scratch: Scratch, model: StagedModel) -> ModelFacts:
    if model.table is None:
        return ModelFacts(
            label=model.label,
            table=None,
            found_by="",
            title=model.label,
            categories=(),
            records=model.records,
            live_rows=None,
        )
    table = scratch.schema.tables[model.table]
    rules = scratch.profile.rules(table.name)
    return ModelFacts(
        label=model.label,
        table=table.name,
        found_by=model.found_by,
        title=scratch.profile.title_of(table.name),
        categories=scratch.profile.categories_of(table.name),
        records=model.records,
        live_rows=scratch.live_rows[table.name],
        protected=bool(rules.protected),
        ignored=rules.ignored or rules.matched_only,
        keys=tuple(key for key, _ in scratch.profile.keys_of(table) if set(key) <= set(model.columns)),
        unknown_fields=model.unknown,
        missing_columns=_missing_columns(scratch, table, model),
    )


CHANGED = {
    "too_long": "{records:,} values are longer than fits: it is {type} now",
    "out_of_range": "{records:,} values are greater or finer than fits: it is {type} now",
    "bad_value": "{records:,} values are of another kind: it is {type} now",
    "missing_required": "{records:,} records are empty there, and a value is required now",
}
"""What has become of a column whose values no longer fit."""


def _changed_columns(scratch: Scratch) -> tuple[ValueDrift, ...]:
    """Columns that values of the file do not fit; each value is named among the problems and in the preview."""
    found = []
    for label, table, field, column, code, records in scratch.run(
        "SELECT label, tbl, min(field), col, code, count(DISTINCT rec) FROM stage.problems WHERE tbl IS NOT NULL AND col <> ''"
        " GROUP BY label, tbl, col, code ORDER BY 6 DESC"
    ):
        known = scratch.schema.tables[table].by_name.get(column)
        if known is not None and code in CHANGED:
            size = f"({known.length})" if known.length and "(" not in known.type else ""
            sentence = CHANGED[code].format(records=records, type=f"{known.type}{size}")
            found.append(
                ValueDrift(
                    label=label,
                    field=field,
                    column=column,
                    code=code,
                    type=known.type,
                    records=records,
                    sentence=f"{scratch.profile.title_of(table)}, {field}: {sentence}.",
                )
            )
    return tuple(found)


def _missing_columns(scratch: Scratch, table: Table, model: StagedModel) -> tuple[ColumnDrift, ...]:
    found = []
    for column in table.columns:
        if column.generated or column.name in table.primary_key:
            continue
        if column.name in model.columns and column.name not in model.partial:
            continue
        value = absent_value(scratch, table, column)
        name = field_of(column.name, table, scratch.profile)
        asked = (
            f"{model.label}.{name}" in scratch.choices.fills or f"{model.label}.{column.name}" in scratch.choices.fills
        )
        required = is_required(table, column)
        source: Literal["null", "profile", "database", "fill", "missing"] = "missing" if required else "null"
        if value is not None:
            in_profile = column.name in scratch.profile.rules(table.name).defaults
            source = "fill" if asked else "profile" if in_profile else "database"
        found.append(
            ColumnDrift(column=column.name, required=required, source=source, value="" if value is None else str(value))
        )
    return tuple(found)


def _categories(scratch: Scratch) -> tuple[CategoryFacts, ...]:
    members: dict[str, list[StagedModel]] = {}
    for model in scratch.facts.models:
        if model.table and not scratch.profile.rules(model.table).ignored:
            for key in scratch.profile.categories_of(model.table):
                members.setdefault(key, []).append(model)
    order = [key for key in scratch.profile.categories if key in members]
    order += [key for key in members if key not in order]
    found = []
    for key in order:
        tables = tuple(dict.fromkeys(model.table for model in members[key] if model.table))
        targets = {
            reference.target
            for name in tables
            for reference in scratch.schema.tables[name].foreign_keys
            if reference.target not in tables
        }
        needs = dict.fromkeys(
            other for target in sorted(targets) for other in scratch.profile.categories_of(target)[:1] if other != key
        )
        found.append(
            CategoryFacts(
                key=key,
                title=scratch.profile.category_title(key),
                tables=tables,
                records=sum(model.records for model in members[key]),
                needs=tuple(needs),
            )
        )
    return tuple(found)


def _references(scratch: Scratch, table: Table) -> list[ReferenceFacts]:
    """References to records that the file does not hold."""
    found = []
    for key in table.foreign_keys:
        if len(key.columns) != 1 or key.columns[0] not in scratch.staged_columns[table.name]:
            continue
        (column,), (target,) = key.columns, key.target_columns
        parent = scratch.schema.tables[key.target]
        scratch.run("DROP TABLE IF EXISTS temp.outside")
        held = f" AND s.{q(column)} NOT GLOB '{MARK}*'" if (table.name, column) in scratch.facts.naturals else ""
        if target in scratch.staged_columns.get(parent.name, ()):
            held += f" AND s.{q(column)} NOT IN (SELECT p.{q(target)} FROM {staged(parent)} p WHERE p.{q(target)} IS NOT NULL)"
        scratch.run(
            f"CREATE TEMP TABLE outside AS SELECT s.{q(column)} AS value, count(*) AS records FROM {staged(table)} s"
            f" WHERE s.{q(column)} IS NOT NULL{held} GROUP BY 1"
        )
        missing, records = scratch.run("SELECT count(*), coalesce(sum(records), 0) FROM temp.outside").fetchone()
        if missing:
            there = scratch.one(
                f"SELECT count(*) FROM temp.outside o WHERE EXISTS (SELECT 1 FROM {live(parent)} l WHERE l.{q(target)} = o.value)"
            )
            found.append(
                ReferenceFacts(
                    table=table.name,
                    column=column,
                    to_table=parent.name,
                    missing=missing,
                    in_database=there,
                    records=records,
                    title=scratch.profile.title_of(table.name),
                    to_title=scratch.profile.title_of(parent.name),
                )
            )
    return found


def _problems(scratch: Scratch, drift: list[Problem]) -> tuple[tuple[Problem, ...], dict[str, int]]:
    counts: Counter[str] = Counter(problem.code for problem in drift)
    counts.update(dict(scratch.run("SELECT code, count(*) FROM stage.problems GROUP BY code").fetchall()))
    rows = scratch.run(
        "SELECT rec, label, pk, field, code, message, byte, line FROM stage.problems ORDER BY rec LIMIT ?",
        (PROBLEMS_NAMED,),
    ).fetchall()
    return (*drift, *(problem_of(scratch.facts.file, row) for row in rows)), dict(counts)


# ---------------------------------------------------------------- advice


def _advice(scratch: Scratch, answer: Analysis) -> tuple[Advice, ...]:
    found: list[Advice] = []
    if not answer.file.records and answer.files is None:
        found.append(
            Advice(level="stop", code="no_records", text="The file holds no records: there is nothing to restore.")
        )
    found += _file_advice(answer.file)
    if answer.origin.verdict == "another":
        found.append(Advice(level="decide", code="another_database", text=answer.origin.sentence))
    for model in answer.models:
        found += _model_advice(model)
    found += _reference_advice(scratch, answer)
    found += _key_advice(answer)
    protected = [model for model in answer.models if model.protected]
    if protected:
        total = sum(model.records for model in protected)
        found.append(
            Advice(
                level="note",
                code="protected",
                text=f"The file holds {total:,} accounts and rights. They are left as they are in the database.",
            )
        )
    found += [Advice(level="decide", code="column_changed", text=each.sentence) for each in answer.changed_columns[:20]]
    values = sum(
        count for code, count in answer.problem_counts.items() if code not in ("unknown_model", "unknown_field")
    )
    if values:
        found.append(
            Advice(
                level="decide",
                code="bad_records",
                text=f"{values:,} values do not fit their columns. Leave those records out, or repair the backup.",
            )
        )
    order = {"stop": 0, "decide": 1, "note": 2}
    return tuple(sorted(found, key=lambda each: order[each.level]))


def _file_advice(file: FileFacts) -> list[Advice]:
    found = []
    if file.partial:
        text = "The file was cut off. These are the complete records before the cut; how many are missing is not known."
        found.append(Advice(level="decide", code="partial", text=text))
    if file.increment:
        since = f" since {file.since}" if file.since else ""
        text = (
            f"The file is an increment: it holds what was changed{since}. What was deleted, or changed past the"
            " application's stamps, is not in it; so nothing can be removed by it."
        )
        found.append(Advice(level="note", code="increment", text=text))
    done = [REPAIRED[kind] for kind in file.repairs if kind in REPAIRED]
    if done:
        text = f"The file is damaged and was repaired while it was read: {', '.join(done)}."
        found.append(Advice(level="note", code="repaired", text=text))
    found += [Advice(level="note", code="file_note", text=note) for note in file.notes]
    for each in file.damage:
        text = f"{each.sentence} {REPAIRS[each.kind]}." if each.repairable else each.sentence
        found.append(Advice(level="decide", code=each.kind, text=text))
    return found


def _model_advice(model: ModelFacts) -> list[Advice]:
    found = []
    if model.table is None:
        found.append(
            Advice(
                level="decide",
                code="unknown_model",
                text=f"The database has no table for {model.label} ({model.records:,} records). They can only be left out.",
            )
        )
    for drift in model.unknown_fields:
        if drift.filled and not drift.constant:
            what = f"{drift.filled:,} of {drift.records:,} records carry a value that would be lost"
        elif drift.filled:
            what = f"every record says {drift.example}"
        else:
            what = "it is empty everywhere"
        found.append(
            Advice(
                level="decide",
                code="unknown_field",
                text=f"{model.title}: the database no longer has the field {drift.field}; {what}.",
                categories=model.categories,
            )
        )
    found += [
        Advice(
            level="decide",
            code="fill_needed",
            text=f"{model.title}: new rows need a value for {column.column}, which the file does not have. Give one.",
            categories=model.categories,
        )
        for column in model.missing_columns
        if column.source == "missing"
    ]
    return found


def _key_advice(answer: Analysis) -> list[Advice]:
    """What references by name were taken to mean, where no profile says it, and where they lead nowhere."""
    found = []
    for each in answer.natural_keys:
        columns = " and ".join(each.columns)
        said = f"{each.title} are referred to by name: {each.resolved:,} of {each.values:,} names are found"
        if each.ambiguous or each.resolved < each.values:
            lost = f", for example not {each.lost[0]}" if each.lost else ""
            more = f", {each.ambiguous:,} may mean several rows" if each.ambiguous else ""
            text = f"{said} by {columns}{more}{lost}."
            found.append(Advice(level="decide", code="names_lost", text=text))
        elif each.source == "inferred":
            text = f"{said}, taken for {columns}, which nobody stated: check it, or choose the key to match by."
            found.append(Advice(level="note", code="key_inferred", text=text))
    return found


def _reference_advice(scratch: Scratch, answer: Analysis) -> list[Advice]:
    found = []
    for each in answer.references:
        rules = scratch.profile.rules(each.table)
        if rules.ignored or rules.matched_only:
            continue
        title, target = scratch.profile.title_of(each.table), scratch.profile.title_of(each.to_table)
        rows = f"{'row of ' * (each.missing == 1)}{target[:1].lower()}{target[1:]}"
        said = f"{title} refer to {each.missing:,} {rows} that this file does not hold"
        keys = scratch.profile.categories_of(each.to_table)[:1]
        if each.in_database == each.missing:
            there = "it is in the database" if each.missing == 1 else "they are all in the database"
            if answer.origin.verdict in ("another", "rebuilt"):
                text = f"{said}. The database has rows with those numbers, but they may be others: say whether the backup comes from here."
                found.append(Advice(level="decide", code="parents_unproven", text=text, categories=keys))
            else:
                found.append(
                    Advice(level="note", code="parents_in_database", text=f"{said}: {there}.", categories=keys)
                )
            continue
        absent = each.missing - each.in_database
        first = scratch.profile.category_title(keys[0])
        if keys[0] in scratch.profile.categories_of(each.table):
            first = target
        text = (
            f"{said}, and {absent:,} of them {'is' if absent == 1 else 'are'} not in the database either."
            f" Restore {first} first, or choose what happens to these records."
        )
        found.append(Advice(level="decide", code="parents_missing", text=text, categories=keys))
    return found

"""From the fields of the form to :class:`Choices`, and what the form has to ask about a backup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from werkzeug.datastructures import MultiDict

from webapp.engine.answers import Analysis, CategoryFacts, Choices, Doubt, FieldDrift, ModelFacts, NaturalKey

MODES = {"merge": (True, True, False), "replace": (True, True, True)}
"""The switches add, change and remove behind the two modes that people know."""

FILL, MATCH = "fill:", "match:"


@dataclass(frozen=True)
class Gap:
    """A required column that the file does not have and nobody knows a value for."""

    name: str  # "model.column"
    title: str
    column: str
    records: int


@dataclass(frozen=True)
class LeftOut:
    """Something in the file that the live database has no place for."""

    title: str
    field: str  # empty when the whole table is unknown
    records: int
    drift: FieldDrift | None = None


def choices_from(form: MultiDict[str, str], known: tuple[str, ...] = ()) -> Choices:
    """What the form says. All ``known`` categories ticked is the same as none named: everything in the file."""
    ticked = tuple(dict.fromkeys(form.getlist("category")))
    add, change, remove = MODES.get(
        form.get("mode", "merge"),
        ("add" in form, "change" in form, "remove" in form),
    )
    return Choices(
        categories=() if known and set(ticked) >= set(known) else ticked,
        add=add,
        change=change,
        remove=remove,
        on_conflict=cast(Any, _one(form, "on_conflict", "backup", "database", "newest", "manual")),
        on_missing=cast(Any, _one(form, "on_missing", "fail", "null", "skip", "create")),
        on_invalid=cast(Any, _one(form, "on_invalid", "fail", "skip")),
        on_referenced=cast(Any, _one(form, "on_referenced", "fail", "keep", "null", "remove")),
        accept_drift=form.get("accept_drift", "") in {"yes", "on", "true"},
        drift=tuple(dict.fromkeys(form.getlist("drift"))),
        fills={
            name.removeprefix(FILL): value for name, value in form.items() if name.startswith(FILL) and value.strip()
        },
        origin=cast(Any, _one(form, "origin", "auto", "same", "other")),
        accounts=cast(Any, _one(form, "accounts", "protect", "restore")),
        with_parents=form.get("with_parents", "yes") != "no",
        files=form.get("files", "yes") != "no",
        match_by={
            name.removeprefix(MATCH): ", ".join(part.strip() for part in value.split(",") if part.strip())
            for name, value in form.items()
            if name.startswith(MATCH) and value.strip(" ,")
        },
    )


def _one(form: MultiDict[str, str], name: str, first: str, *others: str) -> str:
    value = form.get(name, first)
    return value if value in others else first


@dataclass(frozen=True)
class Choosable:
    """A category that can be ticked; ``kept`` when it holds nothing but accounts and rights."""

    facts: CategoryFacts
    kept: bool


def choosable(analysis: Analysis) -> list[Choosable]:
    """The categories of which anything could be restored."""
    models = {model.table: model for model in analysis.models if model.table and not model.ignored}
    found = []
    for category in analysis.categories:
        held = [models[table] for table in category.tables if table in models]
        if held:
            found.append(Choosable(category, all(model.protected for model in held)))
    return found


def mode_of(choices: Choices) -> Literal["merge", "replace", "custom"]:
    """The mode that stands for three switches."""
    switches = (choices.add, choices.change, choices.remove)
    for mode, meaning in MODES.items():
        if switches == meaning:
            return cast(Literal["merge", "replace"], mode)
    return "custom"


def gaps(analysis: Analysis) -> list[Gap]:
    """The values that somebody has to give before new rows of these tables can be written."""
    return [
        Gap(f"{model.label}.{column.column}", model.title, column.column, model.records)
        for model in analysis.models
        if not model.ignored
        for column in model.missing_columns
        if column.required and column.source in {"missing", "fill"}
    ]


@dataclass(frozen=True)
class Placeless:
    """What one model of the file has that the live database has no place for: all of it, or some fields."""

    label: str
    title: str
    records: int
    fields: tuple[FieldDrift, ...]  # none: the whole table is unknown

    @property
    def names(self) -> tuple[str, ...]:
        """What each part of it is remembered by: a field that is new the next time asks anew."""
        return tuple(f"{self.label}: {drift.field}" for drift in self.fields) or (f"{self.label}: ",)


def without_place(analysis: Analysis) -> list[Placeless]:
    """The models of which something would be left out because the live database has no place for it, the largest first."""
    found = [
        Placeless(model.label, model.title, model.records, model.unknown_fields)
        for model in analysis.models
        if not model.ignored and (model.table is None or model.unknown_fields)
    ]
    return sorted(found, key=lambda each: (not each.fields, -each.records))


def left_out(analysis: Analysis) -> list[LeftOut]:
    """The same, field by field."""
    return [
        LeftOut(each.title, drift.field if drift else "", drift.records if drift else each.records, drift)
        for each in without_place(analysis)
        for drift in each.fields or (None,)
    ]


def told_by(key: NaturalKey) -> str:
    """What says that these columns are meant by a name, in words."""
    return {"profile": "the profile says so", "chosen": "you chose it", "inferred": "found by itself"}[key.source]


def keyed(analysis: Analysis) -> list[ModelFacts]:
    """The tables whose records are recognised by keys, the largest first."""
    found = [model for model in analysis.models if model.table and not model.ignored]
    return sorted(found, key=lambda model: -model.records)


def named_only(analysis: Analysis) -> list[NaturalKey]:
    """Names of tables of which the file holds no record."""
    held = {model.table for model in analysis.models}
    return [key for key in analysis.natural_keys if key.table not in held]


def differing(doubt: Doubt) -> list[str]:
    """The fields in which some row that a record could be differs from it."""
    return [
        name for name, value in doubt.values.items() if any(row.values.get(name) != value for row in doubt.candidates)
    ]


def fit(model: ModelFacts) -> tuple[str, str]:
    """How a table of the file fits the live one, as a tone and in words."""
    if model.ignored:
        return "calm", "never restored"
    if model.table is None:
        return "bad", "no such table in the database"
    if any(column.source == "missing" and column.required for column in model.missing_columns):
        return "warn", "a required value is missing"
    if model.unknown_fields:
        number = len(model.unknown_fields)
        return "warn", f"{number} field{'s' if number > 1 else ''} without a place"
    if model.protected:
        return "calm", "fits; accounts stay as they are"
    return "good", "fits"

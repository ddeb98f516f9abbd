"""What a new row gets in a column that its record does not have."""

from __future__ import annotations

from webapp.engine.answers import Choices
from webapp.engine.labels import field_of, label_of
from webapp.engine.schema import Column, Kind, Table
from webapp.engine.scratch import Scratch
from webapp.engine.unfit import BadValue
from webapp.engine.values import Canonical, from_text, json_text


def is_required(table: Table, column: Column) -> bool:
    """Whether a new row must have a value here that nothing else gives (numbers of rows are given)."""
    given = (
        (column.name,) == table.primary_key
        and column.kind in (Kind.INTEGER, Kind.UUID)
        and table.reference(column.name) is None
    )
    return not (column.nullable or column.generated or given)


def absent_value(scratch: Scratch, table: Table, column: Column) -> Canonical:
    """What a new row gets in a column that its record does not have: the person's fill, the profile's, the database's."""
    chosen = chosen_fill(scratch, table, column.name)
    if chosen is not None:
        return chosen
    default = scratch.profile.rules(table.name).defaults.get(column.name)
    if default is not None:
        return from_text(column, default if isinstance(default, str) else json_text(default))
    if column.default and not column.generated:
        return scratch.reader.default(column)
    return None


def chosen_fill(scratch: Scratch, table: Table, column: str) -> Canonical:
    """The person's fill for a column, if there is one."""
    text = fill_text(
        scratch.choices, label_of(table.name, scratch.profile), field_of(column, table, scratch.profile), column
    )
    try:
        return None if text is None else from_text(table.by_name[column], text)
    except BadValue:
        return None


def fill_text(choices: Choices, label: str, field: str, column: str) -> str | None:
    """The fill as it was typed: ``model.field`` or ``model.column``."""
    return choices.fills.get(f"{label}.{field}", choices.fills.get(f"{label}.{column}"))

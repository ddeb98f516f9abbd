"""From the names in a file to the names in the database, and back. Names from a file are only ever looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from webapp.engine import sql
from webapp.engine.formats import sync
from webapp.engine.profile import Profile
from webapp.engine.schema import OWN_TABLES, Column, Schema, Table
from webapp.engine.sql import q
from webapp.engine.tokens import shown

FoundBy = Literal["profile", "app_model", "suffix", "table", ""]


@dataclass(frozen=True, slots=True)
class Link:
    """A many-to-many field: ``table`` joins the owner (``owner`` column) to the others (``other`` column)."""

    table: str
    owner: str
    other: str


def find_table(label: str, schema: Schema, profile: Profile) -> tuple[Table | None, FoundBy]:
    """The table of a model's label: the profile's word, then ``app_model``, then the only table that ends in the model.

    A label without a dot is a table's own name, as sources give it that know tables and no models. Lists of a sync file are
    known by the profile's word alone.
    """
    if "." not in label:
        own = schema.tables.get(label)
        return _allowed(own, "table") if own else (None, "")
    if label.startswith(sync.LABEL):
        meant = schema.tables.get(profile.synced(label.removeprefix(sync.LABEL)))
        return (None, "") if meant is None else _allowed(meant, "profile")
    for name, rules in profile.tables.items():
        if rules.label and rules.label.lower() == label.lower() and name in schema.tables:
            return _allowed(schema.tables[name], "profile")
    app, _, model = label.partition(".")
    names: Mapping[str, str] = {name.lower(): name for name in schema.tables}
    for candidate in (f"{app}_{model}", f"{app}_{model}".lower()):
        if candidate in schema.tables:
            return _allowed(schema.tables[candidate], "app_model")
        if candidate in names:
            return _allowed(schema.tables[names[candidate]], "app_model")
    model = model.lower()
    ending = [name for low, name in names.items() if model and (low == model or low.endswith("_" + model))]
    if len(ending) == 1:
        return _allowed(schema.tables[ending[0]], "suffix")
    return None, ""


def _allowed(table: Table, found_by: FoundBy) -> tuple[Table | None, FoundBy]:
    return (None, "") if table.name in OWN_TABLES else (table, found_by)


def label_of(table: str, profile: Profile) -> str:
    """The label under which a table's rows stand in a fixture; :func:`find_table` leads back."""
    if label := profile.rules(table).label:
        return label
    app, _, model = table.rpartition("_")
    return f"{app}.{model}" if app and model else f"{table}.{table}"


def own_column(name: str, table: Table, _profile: Profile) -> Column | None:
    """The column with this very name, for records of a table and not of a model."""
    column = table.by_name.get(name)
    return None if column is None or column.generated else column


def find_column(field: str, table: Table, profile: Profile) -> Column | None:
    """The column of a field: the profile's word, its own name, or with ``_id`` as Django names a reference's column."""
    field = profile.rules(table.name).fields.get(field, field)
    column = table.by_name.get(field) or table.by_name.get(f"{field}_id")
    return None if column is None or column.generated else column


def find_synced_column(field: str, table: Table, profile: Profile) -> Column | None:
    """The column of a field of a sync file: the profile's word alone."""
    rules = profile.rules(table.name).sync
    column = table.by_name.get(rules.fields.get(field, "")) if rules else None
    return None if column is None or column.generated else column


def field_of(column: str, table: Table, profile: Profile) -> str:
    """The field's name of a column in a fixture; :func:`find_column` leads back."""
    for field, name in profile.rules(table.name).fields.items():
        if name == column:
            return field
    short = column.removesuffix("_id")
    if short != column and short and table.reference(column) is not None and short not in table.by_name:
        return short
    return column


def find_link(field: str, table: Table, schema: Schema, profile: Profile) -> Link | None:
    """The join table of a many-to-many field (or of one that held a single reference): the profile's word, else ``<table>_<field>``.

    It has a reference to the owner and one other.
    """
    rules = profile.rules(table.name)
    joint = schema.tables.get(rules.single.get(field) or rules.fields.get(field, f"{table.name}_{field}"))
    if joint is None:
        return None
    references = [key for key in joint.foreign_keys if len(key.columns) == 1]
    if len(references) != 2:
        return None
    owners = [key for key in references if key.target == table.name]
    if not owners:
        return None
    if len(owners) == 2:
        # To itself: Django calls the columns from_<model> and to_<model>.
        owner = next((key for key in owners if key.columns[0].startswith("from_")), owners[0])
    else:
        owner = owners[0]
    other = next(key for key in references if key is not owner)
    return Link(joint.name, owner.columns[0], other.columns[0])


SECRET = ("password", "passwd", "secret", "token", "api_key", "auth_key", "private_key", "session_data")


def is_secret(column: str) -> bool:
    """Whether a column's name says that it holds what lets somebody in: such values are compared but never shown."""
    return any(word in column.lower() for word in SECRET)


HIDDEN = "(not shown)"
"""In place of passwords, tokens and other secrets."""


def told(column: str, value: object) -> str | None:
    """A stored value as a person may see it."""
    return HIDDEN if value is not None and value != "" and is_secret(column) else shown(value)


def label_sql(profile: Profile, table: Table) -> str:
    """SQL for what a person calls a row: the profile's template, else its keys or a column that sounds like a name."""
    template = profile.rules(table.name).name
    if template:
        parts: list[str] = []
        rest = template
        while rest:
            text, opened, rest = rest.partition("{")
            if text:
                parts.append(sql.literal(text))
            if opened:
                name, _, rest = rest.partition("}")
                if name in table.by_name:
                    parts.append(f"coalesce({q(name)}, '')")
        return " || ".join(parts) or "''"
    for name in ("name", "title", "username", "label", "code", "first_name"):
        if name in table.by_name:
            return f"coalesce({q(name)}, '')"
    keys = [key for key, _ in profile.keys_of(table)] or [table.primary_key]
    return " || ' · ' || ".join(f"coalesce({q(name)}, '')" for name in keys[0]) or "''"

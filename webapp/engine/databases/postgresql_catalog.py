"""What PostgreSQL's catalog says about the tables of the current schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from psycopg import Connection

from webapp.engine.schema import Column, ForeignKey, Kind, Schema, Table
from webapp.engine.sql import literal, q

_KINDS = {
    "bool": Kind.BOOLEAN,
    "int2": Kind.INTEGER,
    "int4": Kind.INTEGER,
    "int8": Kind.INTEGER,
    "oid": Kind.INTEGER,
    "numeric": Kind.DECIMAL,
    "float4": Kind.REAL,
    "float8": Kind.REAL,
    "varchar": Kind.TEXT,
    "bpchar": Kind.TEXT,
    "text": Kind.TEXT,
    "name": Kind.TEXT,
    "citext": Kind.TEXT,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "timestamp": Kind.INSTANT,
    "timestamptz": Kind.INSTANT,
    "interval": Kind.DURATION,
    "uuid": Kind.UUID,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "bytea": Kind.BYTES,
}
_LIMITS = {
    "int2": (-(2**15), 2**15 - 1),
    "int4": (-(2**31), 2**31 - 1),
    "int8": (-(2**63), 2**63 - 1),
    "oid": (0, 2**32 - 1),
}
_ON_DELETE = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

_TABLES = """
SELECT c.oid, c.relname,
       CASE WHEN row_security_active(c.oid) THEN 'has row security, which hides rows from this user'
            WHEN c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid)
            THEN 'has tables that inherit from it' ELSE '' END
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND has_table_privilege(c.oid, 'SELECT')
"""
# A domain is followed to the type beneath it; domains over domains as well.
_COLUMNS = """
WITH RECURSIVE base AS (
  SELECT oid, oid AS type, typtype, typbasetype, typname, typtypmod, typnotnull FROM pg_type
  UNION ALL
  SELECT base.oid, t.oid, t.typtype, t.typbasetype, t.typname,
         CASE WHEN base.typtypmod >= 0 THEN base.typtypmod ELSE t.typtypmod END, base.typnotnull OR t.typnotnull
  FROM base JOIN pg_type t ON base.typtype = 'd' AND t.oid = base.typbasetype
)
SELECT a.attrelid, a.attnum, a.attname, b.typname, b.typtype, format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.typtypmod END,
       NOT (a.attnotnull OR b.typnotnull),
       CASE WHEN a.attidentity = '' AND a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
       a.attgenerated <> ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN base b ON b.oid = a.atttypid AND b.typtype <> 'd'
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""
_KEYS = """
SELECT i.indrelid, i.indisprimary, (i.indkey::int2[])[0:i.indnkeyatts - 1]
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = current_schema()::regnamespace AND i.indisunique AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL
"""
_REFERENCES = """
SELECT k.conrelid, k.confrelid, k.conkey, k.confkey, k.condeferrable, k.confdeltype::text
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = current_schema()::regnamespace AND k.contype = 'f' AND k.conparentid = 0
ORDER BY k.conrelid, k.conkey, k.oid
"""
_REMARKS = """
SELECT relname, string_agg(remark, '; ' ORDER BY remark) FROM (
  SELECT c.relname, 'has the trigger ' || t.tgname || ', which may change what is written' AS remark
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND c.relnamespace = current_schema()::regnamespace
  UNION ALL
  SELECT c.relname, 'has the rule ' || r.rulename || ', which may change what is written'
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
  WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
  UNION ALL
  SELECT c.relname, 'is unlogged: the server empties it after a crash'
  FROM pg_class c WHERE c.relpersistence = 'u' AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
  UNION ALL
  SELECT c.relname, 'may not be written by this user' FROM pg_class c
  WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace AND NOT (
    has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
  UNION ALL
  SELECT c.relname, 'lies on another server (a foreign table)'
  FROM pg_class c WHERE c.relkind = 'f' AND c.relnamespace = current_schema()::regnamespace
) AS found GROUP BY relname
"""
# A sequence belongs to its column (serial, identity), or only stands in the column's default.
_SEQUENCES = """
SELECT d.refobjsubid, s.oid::regclass::text FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  AND d.refobjid = %(table)s::regclass AND d.refobjsubid > 0
UNION
SELECT f.adnum, s.oid::regclass::text FROM pg_attrdef f
JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
WHERE f.adrelid = %(table)s::regclass
"""


class _Row(NamedTuple):
    """A row of the query for columns."""

    table: int
    number: int
    name: str
    base: str
    sort: str
    type: str
    modifier: int
    nullable: bool
    default: str | None
    generated: bool


def reflect(connection: Connection[Any]) -> Schema:
    """All tables of the current schema that may be read."""
    found = {oid: (name, remark) for oid, name, remark in connection.execute(_TABLES)}
    columns: dict[int, dict[int, Column]] = {oid: {} for oid in found}
    for row in map(_Row._make, connection.execute(_COLUMNS)):
        if row.table in found:
            columns[row.table][row.number] = _column(row)
    primary: dict[int, tuple[str, ...]] = {}
    unique: dict[int, set[tuple[str, ...]]] = {}
    for oid, is_primary, numbers in connection.execute(_KEYS):
        if oid in found and all(number > 0 for number in numbers):
            names = tuple(columns[oid][number].name for number in numbers)
            if is_primary:
                primary[oid] = names
            else:
                unique.setdefault(oid, set()).add(names)
    references: dict[int, list[ForeignKey]] = {}
    for oid, target, own, theirs, deferrable, on_delete in connection.execute(_REFERENCES):
        if oid in found and target in found:
            references.setdefault(oid, []).append(
                ForeignKey(
                    tuple(columns[oid][number].name for number in own),
                    found[target][0],
                    tuple(columns[target][number].name for number in theirs),
                    deferrable,
                    _ON_DELETE.get(on_delete, ""),
                )
            )
    tables = (
        Table(
            name,
            tuple(columns[oid].values()),
            primary.get(oid, ()),
            tuple(sorted(unique.get(oid, ()))),
            tuple(references.get(oid, ())),
            remark or ("" if oid in primary else "has no primary key"),
        )
        for oid, (name, remark) in found.items()
        if columns[oid]
    )
    return Schema("postgresql", {table.name: table for table in sorted(tables, key=lambda table: table.name)})


def _column(row: _Row) -> Column:
    kind = Kind.TEXT if row.sort == "e" else _KINDS.get(row.base, Kind.OTHER)
    low, high = _LIMITS.get(row.base, (None, None))
    precision, scale = None, None
    if kind is Kind.DECIMAL and row.modifier >= 4:
        # The scale is a signed number of eleven bits.
        precision, scale = (row.modifier - 4) >> 16 & 0xFFFF, ((row.modifier - 4 & 0x7FF) ^ 1024) - 1024
    default = row.default or ""
    return Column(
        row.name,
        kind,
        nullable=row.nullable,
        type=row.type,
        default="" if default.startswith("nextval(") else default,
        generated=row.generated,
        length=row.modifier - 4 if row.base in ("varchar", "bpchar") and row.modifier >= 4 else None,
        precision=precision,
        scale=scale,
        low=low,
        high=high,
    )


def remarks(connection: Connection[Any]) -> Mapping[str, str]:
    """By table: what stands against restoring into it."""
    return dict(connection.execute(_REMARKS).fetchall())


def sequences(connection: Connection[Any], table: str) -> Mapping[int, str]:
    """The sequences that number a table (a quoted name), by the column's number; quoted names."""
    return dict(connection.execute(_SEQUENCES, {"table": table}).fetchall())


def advance(connection: Connection[Any], table: str) -> None:
    """Move the sequences that number a table (a quoted name) past its highest values; never back."""
    for number, sequence in sequences(connection, table).items():
        query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = %s"
        for (column,) in connection.execute(query, (table, number)).fetchall():
            top = f"(SELECT max({q(column)}) FROM {table})"
            connection.execute(
                f"SELECT setval({literal(sequence)}, {top}, true) FROM {sequence}"
                f" WHERE {top} >= last_value + CASE WHEN is_called THEN 1 ELSE 0 END".encode()
            )

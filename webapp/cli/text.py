"""Answers of the engine as text for a person at a terminal."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Iterable, Sequence

from webapp.engine.answers import (
    Advice,
    Analysis,
    Counts,
    Doubt,
    FileFacts,
    NaturalKey,
    Outcome,
    Place,
    Plan,
    Problem,
    Reason,
    SiteCheck,
)

SHOWN = 20
"""Problems told one by one; the rest is a number, and all of them are in --json."""

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """A number of bytes in the unit that a person would use."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit else f"{count} {UNITS[0]}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str | int]]) -> list[str]:
    """Aligned columns under headings; numbers to the right, a zero as a dot so that the others stand out."""
    body = [list(row) for row in rows]
    numeric = [bool(body) and all(isinstance(row[at], int) for row in body) for at in range(len(headings))]
    cells = [list(headings)] + [[_cell(value) for value in row] for row in body]
    widths = [max(_width(row[at]) for row in cells) for at in range(len(headings))]
    return [
        "  ".join(
            " " * (width - _width(cell)) + cell if right else cell + " " * (width - _width(cell))
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]


def _cell(value: str | int) -> str:
    if isinstance(value, int):
        return f"{value:,}" if value else "·"
    return plain(value)


def plain(value: str) -> str:
    """Text from a backup or a database, without what would steer a terminal."""
    return "".join(
        mark if unicodedata.category(mark) not in {"Cc", "Cf", "Cs"} else "\N{REPLACEMENT CHARACTER}" for mark in value
    )


def _width(value: str) -> int:
    """Columns on the screen: combining marks take none, wide characters two."""
    return sum(
        0 if unicodedata.category(mark) in {"Mn", "Me"} else 2 if unicodedata.east_asian_width(mark) in "WF" else 1
        for mark in value
    )


def place(where: Place) -> str:
    """Where in the file, as "record 12, line 12, byte 3,456"."""
    said = ", ".join(
        f"{name} {value:,}"
        for name, value in (("record", where.record), ("line", where.line), ("byte", where.byte))
        if value is not None
    )
    return f"{said} of {plain(where.file)}" if where.file else said


def problems(found: Sequence[Problem], total: int) -> list[str]:
    """Each with what it is about; the rest as a number."""
    lines = []
    for problem in found[:SHOWN]:
        about = " ".join(part for part in (problem.model, problem.pk) if part)
        about += f", field {problem.field}" if problem.field else ""
        where = place(problem.place)
        head = "; ".join(part for part in (about, where) if part)
        times = f" ({problem.count:,} records)" if problem.count > 1 else ""
        lines.append(plain(f"  {head + ': ' if head else ''}{problem.message}{times} [{problem.code}]"))
    if total > len(lines):
        lines.append(f"  and {total - len(lines):,} more")
    return lines


def advice(given: Sequence[Advice]) -> list[str]:
    """The most pressing first."""
    words = {"stop": "Stop", "decide": "Decide", "note": "Note"}
    return [
        plain(f"  {words[level] + ':':8}{piece.text}")
        for level in ("stop", "decide", "note")
        for piece in given
        if piece.level == level
    ]


def analysis(found: Analysis) -> str:
    """What a backup holds and what fits."""
    file = found.file
    lines = [
        plain(f"{file.name}: {size(file.size)}, {file.format}" + (f", {file.compression}" if file.compression else "")),
        f"sha256 {file.sha256}",
        *_made(file),
        f"{file.records:,} records of {len(found.models):,} models; site profile {found.profile} ({found.dialect})",
        "",
    ]
    lines += table(
        ("Category", "Key", "Records", "Needs"),
        [(part.title, part.key, part.records, ", ".join(part.needs)) for part in found.categories],
    )
    lines.append("")
    lines += table(
        ("Model", "Table", "Records", "In the database", "Remark"),
        [
            (model.label, model.table or "-", model.records, model.live_rows or 0, _remark(model))
            for model in found.models
        ],
    )
    lines += natural_keys(found.natural_keys)
    lines += ["", plain(f"Origin: {found.origin.sentence}")]
    total = sum(found.problem_counts.values())
    if total:
        lines += ["", f"Problems: {total:,}", *problems(found.problems, max(total, len(found.problems)))]
    if found.advice:
        lines += ["", "What to do:", *advice(found.advice)]
    return "\n".join(lines)


def natural_keys(found: Sequence[NaturalKey]) -> list[str]:
    """What references by name were taken to mean."""
    words = {"profile": "by the profile", "chosen": "as you chose", "inferred": "inferred from its unique keys"}
    rows = [
        (key.table, ", ".join(key.columns), words[key.source], key.values, key.resolved, key.ambiguous) for key in found
    ]
    return (
        ["", *table(("Referred to by name", "Columns", "Known", "Names", "Found", "Ambiguous"), rows)] if rows else []
    )


def _made(file: FileFacts) -> list[str]:
    """What the file says of its own making."""
    made = f"made {file.made}" if file.made else ""
    kind = "an increment" + (f" since {file.since}" if file.since else "") if file.increment else ""
    said = ", ".join(part for part in (kind, made) if part)
    return [plain(said)] if said else []


def _remark(model: object) -> str:
    facts = []
    if getattr(model, "table", None) is None:
        facts.append("the site has no such table")
    if getattr(model, "ignored", False):
        facts.append("never restored")
    if getattr(model, "protected", False):
        facts.append("protected")
    unknown = getattr(model, "unknown_fields", ())
    if unknown:
        facts.append("unknown fields: " + ", ".join(drift.field for drift in unknown))
    missing = [drift.column for drift in getattr(model, "missing_columns", ()) if drift.source == "missing"]
    if missing:
        facts.append("required but absent: " + ", ".join(missing))
    return "; ".join(facts)


def plan(found: Plan, *, origin: bool = True) -> str:
    """What a restore would do; a reset has no backup whose origin could be told."""
    lines = counts_table([(part.table, part.counts) for part in found.tables], found.counts)
    changed = [(part.table, part.columns) for part in found.tables if part.columns]
    if changed:
        lines += ["", "Differing columns:"]
        lines += [
            plain(f"  {name}: " + ", ".join(f"{column} {count:,}" for column, count in columns.items()))
            for name, columns in changed
        ]
    if origin:
        lines += ["", plain(f"Origin: {found.origin.sentence}")]
    if found.partial:
        lines += ["", "The backup was cut off: these are the complete records before the cut."]
    if found.placeholders:
        rest = found.placeholder_count - len(found.placeholders)
        more = f" and {rest:,} more" if rest else ""
        lines += ["", plain(f"Accounts added without rights: {', '.join(found.placeholders)}{more}")]
    if found.created:
        rest = found.created_count - len(found.created)
        more = f" and {rest:,} more" if rest else ""
        lines += ["", plain(f"Made because records refer to them by name: {', '.join(found.created)}{more}")]
    lines += [""] if found.twins else []
    lines += [
        plain(f"Almost the same name: {each.title} {each.new!r} would be added beside {each.other!r}")
        for each in found.twins
    ]
    lines += people(found)
    if found.gains:
        lines += ["", "Who gains what:", *(plain(f"  {gain.who}: {', '.join(gain.what)}") for gain in found.gains)]
    lines += reasons("Left out:", [reason for reason in found.reasons if reason.action == "skipped"])
    lines += reasons("Needs a decision:", [reason for reason in found.reasons if reason.action == "blocked"])
    if found.problems:
        head = f"Problems: {found.problem_count:,}" if found.problem_count else "Left out, one by one:"
        lines += ["", head, *problems(found.problems, max(found.problem_count, len(found.problems)))]
    lines += doubts(found.doubts)
    lines += conflicts(found)
    return "\n".join(lines)


def summary(found: Plan) -> str:
    """The four numbers of a preview."""
    counts = found.counts
    return (
        f"To add: {counts.insert:,}\nTo update: {counts.update:,}\nTo skip: {counts.same + counts.skipped:,}"
        f"\nConflicts: {found.conflict_count:,}"
    )


STATES = {
    "question": "the same name with another e-mail address, or one of several accounts",
    "missing": "neither in the file nor in the database",
    "placeholder": "added without rights",
    "added": "added",
    "left_out": "left out",
    "mapped": "another account, as you decided",
}


def people(found: Plan) -> list[str]:
    """People who are not simply recognised, and the words that lead them to an account of the site."""
    asked = [person for person in found.people if person.state != "matched"]
    lines = ["", "People whom records refer to:"] if asked else []
    for person in asked[:SHOWN]:
        lines.append(plain(f"  {person.label}: {STATES[person.state]} ({person.references:,} records)"))
        for account in person.candidates if person.state != "mapped" else ():
            why = f" ({', '.join(account.why)})" if account.why else ""
            option = shlex.quote(f"{person.decision}={account.key}")
            lines.append(plain(f"    --decide {option}  it is {account.label}{why}"))
    if len(asked) > SHOWN:
        lines.append(f"  and {len(asked) - SHOWN:,} more, in --json")
    return lines


def doubts(found: Sequence[Doubt]) -> list[str]:
    """Each ambiguous record with the rows that it could be, and the words that decide it."""
    lines = ["", "Which rows are these?"] if found else []
    for doubt in found[:SHOWN]:
        lines.append(plain(f"  {doubt.title}, {place(doubt.place)}: {doubt.label}"))
        for row in doubt.candidates:
            differing = [
                name for name, value in doubt.values.items() if name in row.values and row.values[name] != value
            ]
            unlike = f"; differs in {', '.join(differing[:6])}" if differing else "; differs in nothing"
            option = shlex.quote(f"{doubt.decision}={row.key}")
            lines.append(plain(f"    --decide {option}  {row.label} ({', '.join(row.why)}{unlike})"))
        for answer, meaning in (("new", "add it as a new row"), ("skip", "leave it out")):
            lines.append(plain(f"    --decide {shlex.quote(f'{doubt.decision}={answer}')}  {meaning}"))
    if len(found) > SHOWN:
        lines.append(f"  and {len(found) - SHOWN:,} more, in --json")
    return lines


def conflicts(found: Plan) -> list[str]:
    """Each row that differs and waits for a word, with what differs, and the words that decide it."""
    lines = ["", "Whose version?"] if found.conflicts else []
    for each in found.conflicts[:SHOWN]:
        lines.append(plain(f"  {each.title}, {place(each.place)}: {each.label}"))
        lines += [
            plain(f"    {field.column}: {_short(field.before)} in the database, {_short(field.after)} in the backup")
            for field in each.fields
        ]
        lines.append(plain(f"    --decide {shlex.quote(f'{each.decision}=backup')}  or =database"))
    if found.conflict_count > len(found.conflicts[:SHOWN]):
        lines.append(f"  and {found.conflict_count - len(found.conflicts[:SHOWN]):,} more")
    labels = dict.fromkeys(each.decision.partition(":")[0] for each in found.conflicts)
    lines += [
        plain(f"  --decide {shlex.quote(f'{label}:*=backup')}  or =database decides all that are left")
        for label in labels
    ]
    return lines


def _short(value: str | None) -> str:
    if value is None:
        return "nothing"
    return repr(value if len(value) <= 60 else value[:59] + "…")


def reasons(heading: str, given: Sequence[Reason]) -> list[str]:
    """Why records are left out or blocked, each reason once."""
    if not given:
        return []
    return [
        "",
        heading,
        *(plain(f"  {reason.count:,} of {reason.table}: {reason.text} [{reason.code}]") for reason in given),
    ]


WAYS_OUT = (
    (
        {"unknown_model", "unknown_field"},
        "--accept-drift, or --accept-drift MODEL, leaves out what the site has no place for",
    ),
    (
        {"missing_reference"},
        "--on-missing null empties such references, --on-missing skip leaves the records out,"
        " --on-missing create makes rows that are known by name, where the profile says how",
    ),
    (
        {"ambiguous_reference"},
        "--decide 'MODEL:[\"NAME\"]=KEY' says which row such a name means; --match-by MODEL=FIELD, which fields it stands for",
    ),
    ({"protected"}, "--accounts restore restores accounts and rights as well, also those that other records refer to"),
    ({"missing_required"}, "--fill MODEL.FIELD=VALUE gives a value, --on-invalid skip leaves the records out"),
    (
        {"bad_value", "too_long", "out_of_range", "duplicate_record", "duplicate_key"},
        "--on-invalid skip leaves the records out",
    ),
    (
        {"ambiguous", "another_email"},
        "--decide MODEL:KEY=KEY, =new or =skip says which row such a record is; --match-by, which key counts",
    ),
    (
        {"conflict"},
        "--decide MODEL:KEY=backup or =database says whose version a row gets; MODEL:*, all rows of a table",
    ),
    (
        {"another_site"},
        "--origin other: yes, it is another database's; records are matched by names and keys, never by number",
    ),
    ({"another_site"}, "--origin same: it is this database's after all; equal numbers mean equal rows"),
    ({"still_referenced"}, "--on-referenced keep, null or remove decides about rows that refer to removed ones"),
)
"""Codes of problems, and the options that decide them."""


def ways_out(plan: Plan) -> list[str]:
    """The options that decide what blocks a plan."""
    codes = {problem.code for problem in plan.problems} | {reason.code for reason in plan.reasons}
    return [f"  {way}" for decides, way in WAYS_OUT if decides & codes]


def counts_table(parts: Sequence[tuple[str, Counts]], total: Counts, heading: str = "Table") -> list[str]:
    """Tables in which something happens, the others in one line, and their sum."""
    still = [counts for _, counts in parts if not (counts.changes or counts.skipped or counts.blocked)]
    rows: list[tuple[str | int, ...]] = [
        (name, *_numbers(counts)) for name, counts in parts if counts.changes or counts.skipped or counts.blocked
    ]
    if same := sum(counts.same for counts in still):
        others = f"{len(still):,} {'other ' if rows else ''}{'table' if len(still) == 1 else 'tables'}"
        rows.append((parts[0][0] if len(parts) == 1 else others, 0, 0, 0, same, 0, 0))
    rows.append(("Together", *_numbers(total)))
    return table((heading, "Add", "Change", "Remove", "Same", "Left out", "Blocked"), rows)


def _numbers(counts: Counts) -> tuple[int, ...]:
    return (counts.insert, counts.update, counts.delete, counts.same, counts.skipped, counts.blocked)


def outcome(found: Outcome) -> str:
    """What happened, after the plan that was shown: the verdict first."""
    counts = found.counts
    return (
        f"{plain(found.verdict)}\nAdded {counts.insert:,}, changed {counts.update:,}, removed {counts.delete:,};"
        f" {counts.same:,} were the same, {counts.skipped:,} left out. {found.seconds:.2f} seconds."
    )


def check(found: SiteCheck) -> str:
    """What the check of a site found."""
    lines = [
        plain(f"{found.address}: {found.dialect} {found.version}"),
        f"profile {found.profile}"
        + (f" (recognised as {', '.join(found.recognised)})" if found.recognised else " (not recognised)"),
        "Usable." if found.usable else "Not usable: the promise of one transaction cannot be kept.",
        *(plain(f"  {remark}") for remark in found.remarks),
        "",
    ]
    lines += table(
        ("Table", "Rows", "Key", "Categories", "Remark"),
        [
            (part.table, part.rows, ", ".join(part.key), ", ".join(part.categories), part.remark)
            for part in found.tables
        ],
    )
    return "\n".join(lines)

"""Why a row is skipped or blocked, in words. The codes are stable; the words are for people."""

from __future__ import annotations

WORDS = {
    "not_added": "new, but adding was switched off",
    "not_changed": "different, but changing was switched off",
    "database_wins": "different, and the database's version was chosen",
    "conflict": "different, and nobody has said yet whose version is wanted",
    "database_newer": "different, and the database's version is newer",
    "no_stamp": "different, and nothing tells which version is newer, so the database's is kept",
    "protected": "an account or a right: those are not restored unless asked for",
    "ignored": "never restored (sessions, migrations and the like)",
    "matched_only": "kept by the application itself; only recognised, never written",
    "left_out": "left out, as you decided",
    "mapped": "another account stands for it, as you decided",
    "another_email": "an account has the same name and another e-mail address: say whether it is the same person",
    "undecided": "a record may be this row, of which nobody has decided which row it is, so it is not removed",
    "ambiguous": "its keys lead to different rows of the database",
    "duplicate_record": "another record of the file is the same row",
    "duplicate_key": "another row has the same key already",
    "missing_reference": "refers to a record that cannot be found",
    "ambiguous_reference": "refers by name to what may be several rows",
    "missing_required": "a required value is missing",
    "bad_value": "a value is of the wrong kind",
    "too_long": "a value is too long",
    "out_of_range": "a number is out of range",
    "still_referenced": "other rows refer to it",
    "refers_to_removed": "refers to a row that is removed",
    "table_unusable": "its table cannot be restored into",
    "another_site": "the backup seems to come from another database; someone who may decide that has to say that it is wanted",
    "unknown_model": "the database has no table for these records",
    "unknown_field": "the database has no column for this field",
    "placeholder": "a missing account that is referred to: added without rights, and nobody can log in with it",
    "file_new": "the folder does not have it",
    "file_differs": "the folder has another content under this name",
    "file_same": "the same in the backup and in the folder",
    "file_gone": "the rows that named it are removed, and no other row names it",
    "file_missing": "named by a row, and neither in the backup nor in the folder",
    "file_unnamed": "no row will name it after this restore",
    "file_twin": "another file of the backup differs only in upper and lower case",
    "file_kept": "different, and the one in the folder was chosen",
    "file_newer": "different, and the one in the folder is newer",
    "file_undated": "different, and nothing tells which is newer, so the one in the folder is kept",
    "file_undecided": "different; files are not decided one by one, so the one in the folder is kept",
    "file_barred": "it cannot be put there",
    "created": "made because records refer to it by name, and neither the file nor the database has it",
    "needed": "was not chosen, but a chosen record refers to it",
}


def words(code: str | None) -> str:
    """The words of a code."""
    return WORDS.get(code or "", code or "")


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun: "1 record", "12 records"."""
    return f"{number:,} {one if number == 1 else many}"

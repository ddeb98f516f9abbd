"""Files that cannot be read as backups, or not as they are."""

from __future__ import annotations

from webapp.engine.errors.base import Refusal

REPAIRS = {
    "bom": "It can be read without the byte order mark",
    "utf16": "It can be read as UTF-8",
    "prefix": "It can be read from where the records begin",
    "concatenated": "The lists can be read as one, in their order",
    "salvage": "The complete records before the cut can be read; how many are lost is not known",
    "mojibake": "The texts can be turned back into what they were",
    "checksums": "Records whose checksum is wrong can be read as they stand",
}
"""What can be done about a damaged file while it is read, and never by itself."""


class FileRefused(Refusal):
    """This file cannot be read as a backup."""

    code = "file_refused"
    hint = "Choose the file that the backup program wrote, unchanged."

    def __init__(self, **facts: object) -> None:
        super().__init__(**facts)
        if repair := str(facts.get("repair", "")):
            self.hint = f"{REPAIRS[repair]} (--repair {repair}). The file itself stays as it is."

    @property
    def repair(self) -> str:
        """The repair that would help, one of :data:`REPAIRS`, or nothing."""
        return str(self.facts.get("repair", ""))


class EmptyFile(FileRefused):
    """The file is empty: it has no bytes, or nothing but white space."""

    code = "empty_file"
    hint = "The backup was probably interrupted. Use an older one."


class Encrypted(FileRefused):
    """The file is encrypted (age), so what it holds cannot be seen."""

    code = "encrypted"
    hint = "Give the key file on the page of its site, or open it with the command 'key decrypt'."


class KeyNeeded(FileRefused):
    """{name} is encrypted, and no {what} was given that opens it."""

    code = "key_needed"
    hint = "Give the right one: on the page of its site, or to the command 'key decrypt'."


class DecryptionFailed(FileRefused):
    """The encrypted file cannot be opened: {reason}."""

    code = "decryption_failed"
    hint = "Nothing was read from it. Use another copy of this backup."


class KeyUnusable(Refusal):
    """This is not a key that can be used here: {reason}."""

    code = "key_unusable"
    hint = "A public key begins with age1, a secret key with AGE-SECRET-KEY-1."


class TooLargeForPassphrase(Refusal):
    """A file of more than {limit} is not encrypted with a passphrase."""

    code = "too_large_for_passphrase"
    hint = "Encrypt it for a key, and protect the key file with the passphrase."


class UnknownFormat(FileRefused):
    """The file is not a backup that this program knows: it begins with {start}."""

    code = "unknown_format"
    hint = (
        "Known are native backups of this program; Django fixtures as JSON, JSON lines, XML or YAML, sync files and plain dumps of PostgreSQL, as they are or inside gzip, bzip2, xz,"
        " lzma or a zip with one member; and, unpacked, SQLite databases and dumps of pg_dump in its own formats."
    )


class MalformedFile(FileRefused):
    """The file is damaged {where}: {reason}."""

    code = "malformed_file"
    hint = "Nothing was restored. Use another copy of this backup; this one is not complete or was changed."


class TruncatedFile(MalformedFile):
    """The file ends too early {where}: {reason}."""

    code = "truncated_file"


class DumpRefused(FileRefused):
    """The dump cannot be read {where}: {reason}."""

    code = "dump_refused"
    hint = "Make the dump again: pg_dump --encoding=UTF8 NAME > dump.sql, of one database, with definitions and data."


class DumpProgramMissing(FileRefused):
    """The file is a dump of pg_dump in its own format, and the program that reads it is missing: {reason}."""

    code = "dump_program_missing"
    hint = (
        "Install pg_restore on this machine (Debian: postgresql-client), of at least the version that made the dump, or name it in"
        " PG_RESTORE. Or turn the dump into a plain one where pg_restore is: pg_restore -f dump.sql FILE."
    )


class DatabaseFileRefused(FileRefused):
    """The SQLite database cannot be read as a backup: {reason}."""

    code = "database_file_refused"
    hint = "Copy the database anew while nobody writes to it, or with its own command: sqlite3 FILE '.backup COPY'."


class EmptyBackup(FileRefused):
    """This is an empty backup: {reason}."""

    code = "empty_backup"
    hint = "The program that should have written the records failed. Use another backup."


class ChecksumWrong(FileRefused):
    """A record is not as it was written {where}: {reason}."""

    code = "checksum_wrong"
    hint = "The file was changed or damaged after it was made. Use another copy of it."


class TotalsWrong(FileRefused):
    """The file does not hold what it says {where}: {reason}."""

    code = "totals_wrong"
    hint = "Records were lost or added after the file was made. Use another copy of it."


class RepairRefused(FileRefused):
    """The repair {name} cannot be made: {reason}."""

    code = "repair_refused"
    hint = "Nothing was restored. Read the file without this repair, or use another copy."


class LimitExceeded(FileRefused):
    """The file goes over a safety limit {where}: {reason}."""

    code = "limit_exceeded"
    hint = "Such a file is not an ordinary backup. If it is one that is only packed tightly, unpack it and use what was inside."


class ArchiveRefused(FileRefused):
    """The archive is refused: {reason}."""

    code = "archive_refused"
    hint = "Use an archive with exactly one regular, unencrypted member."


class NewerFormat(FileRefused):
    """This backup was written by a newer Smart Restore: it is of version {version} of its format."""

    code = "newer_format"
    hint = "Install the version of Smart Restore that wrote it, or a newer one."


class BaseMissing(FileRefused):
    """{name} is an increment on the backup {id}, and {reason}."""

    code = "base_missing"
    hint = "Give the backups that it builds on as well, or put them into the same folder."


class ChainBroken(FileRefused):
    """{name} and the backups that it builds on do not belong together: {reason}."""

    code = "chain_broken"
    hint = "Nothing was restored. Use unchanged copies of these backups, or an earlier point of the chain."


class PackageRefused(FileRefused):
    """The package is refused: {reason}."""

    code = "package_refused"
    hint = "Nothing was restored. Use another copy of this package, or another package."


class FileChanged(FileRefused):
    """The backup file is no longer the one that was analysed (sha256 {found}, expected {expected})."""

    code = "file_changed"
    hint = "Analyse it again."

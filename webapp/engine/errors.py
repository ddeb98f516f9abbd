"""Every refusal of the engine, one class each.

The docstring is the sentence that a person reads, with the facts filled in; ``code`` is stable and is what scripts
test; ``hint`` is the next step. Page, JSON and command line are renderings of these.
"""

from __future__ import annotations

from typing import ClassVar

from webapp.engine.answers import Place, Problem


class Refusal(Exception):
    """Smart Restore refused."""

    code: ClassVar[str] = "refused"
    hint: str = ""
    exit_code: ClassVar[int] = 1

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence, with its facts."""
        return " ".join((type(self).__doc__ or "").split()).format_map(_Facts(self.facts))

    @property
    def place(self) -> Place:
        """Where in the file, when the refusal is about a place in one."""
        place = self.facts.get("place")
        return place if isinstance(place, Place) else Place()

    def problem(self) -> Problem:
        """The refusal as the problem that an answer carries."""
        return Problem(
            code=self.code,
            model=str(self.facts.get("model", "")),
            pk=str(self.facts.get("pk", "")),
            field=str(self.facts.get("field", "")),
            message=self.message,
            place=self.place,
            repair=str(self.facts.get("repair", "")),
        )


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"({key} not known)"


# ---------------------------------------------------------------- the file

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


# ---------------------------------------------------------------- the site


class SiteRefused(Refusal):
    """This database cannot be used: {reason}."""

    code = "site_refused"


class SiteUnreachable(SiteRefused):
    """The database at {address} cannot be reached: {reason}."""

    code = "site_unreachable"
    hint = "Check the address, that the database runs, and that this machine may connect to it."


class SiteBusy(SiteRefused):
    """The database is busy: another restore or a long write holds it."""

    code = "site_busy"
    hint = "Nothing was changed. Wait for it to end and try again."


class AddressRefused(SiteRefused):
    """The address {address} is not allowed: {reason}."""

    code = "address_refused"
    hint = "Use sqlite:////path/to/file or postgresql://user:password@host/name."
    exit_code = 2


class UnknownProfile(Refusal):
    """There is no profile named {name}."""

    code = "unknown_profile"
    exit_code = 2


class ProfileRefused(Refusal):
    """The profile {name} is not valid: {reason}."""

    code = "profile_refused"
    exit_code = 2


class UnknownCategory(Refusal):
    """There is no category named {name} in this backup. Known are: {known}."""

    code = "unknown_category"
    exit_code = 2


class DriftRefused(Refusal):
    """There is no model named {name} in this backup. It holds: {known}."""

    code = "drift_refused"
    hint = "Name the models of which unknown fields or records are left out as the file does."
    exit_code = 2


class FillRefused(Refusal):
    """The fill {fill} cannot be used: {reason}."""

    code = "fill_refused"
    exit_code = 2


class KeyRefused(Refusal):
    """Records of {model} cannot be matched by {key}: {reason}."""

    code = "key_refused"
    hint = "Name fields of the model, divided by commas."
    exit_code = 2


class DecisionRefused(Refusal):
    """The decision {decision} cannot be carried out: {reason}."""

    code = "decision_refused"
    hint = (
        "A decision is model:key=KEY with a key of the site, =new or =skip; where a row differs, =backup or =database."
    )
    exit_code = 2


# ---------------------------------------------------------------- files


class FolderRefused(Refusal):
    """The folder of files {path} cannot be used: {reason}."""

    code = "folder_refused"
    hint = "Nothing was changed. Name the folder in which the application keeps its files, or restore without files."


class PathRefused(Refusal):
    """The file {path} is refused: {reason}."""

    code = "path_refused"
    hint = "Nothing was changed. Restore without files, or put the folder in order first."


class FilesUnreadable(Refusal):
    """The file {path} of the backup is not as the plan has it: {reason}."""

    code = "files_unreadable"
    hint = "Nothing was changed. Use another copy of this backup, or restore without files."


# ---------------------------------------------------------------- making backups


class BaseUnfit(Refusal):
    """An increment on {name} cannot be made: {reason}."""

    code = "base_unfit"
    hint = "Make a full backup, and the next increments on that."


class RowRefused(Refusal):
    """The row {pk} of {table} cannot be kept in a backup that could be read again: {reason}."""

    code = "row_refused"
    hint = "No backup was made. Correct that row in the database."


class FormatRefused(Refusal):
    """A backup in the format {format} cannot be made so: {reason}."""

    code = "format_refused"
    exit_code = 2


class MediaMissing(Refusal):
    """There is no media folder {folder}."""

    code = "media_missing"
    hint = "Name the folder in which the site keeps its files, or make the backup without them."


class MediaChanged(Refusal):
    """The file {path} was changed or removed while it was backed up."""

    code = "media_changed"
    hint = "No backup was made. Try again when nobody changes files."


class DiskFull(Refusal):
    """There is no room left in {folder} for the backup. Nothing of it was kept."""

    code = "output_disk_full"
    hint = "Make room there, or write the backup to another disk."


# ---------------------------------------------------------------- plan and apply


class PlanBlocked(Refusal):
    """The plan cannot be carried out yet. Records that need a decision first: {count}."""

    code = "plan_blocked"
    hint = "See the problems: leave records out, fill values in, or repair the backup."


class PlanChanged(Refusal):
    """The plan is no longer the one that was approved."""

    code = "plan_changed"
    hint = "Make a new preview and approve that."


class RemovalNotConfirmed(Refusal):
    """The number of rows that will be removed was not confirmed: {removal}."""

    code = "removal_not_confirmed"
    hint = "Type exactly that number."


class PartialReplace(Refusal):
    """The backup was cut off, so that rows which it does not hold cannot be removed: they may have been lost in the cut."""

    code = "partial_replace"
    hint = "Choose merge, which adds and changes only."


class IncrementReplace(Refusal):
    """The backup is an increment: rows that it does not hold were only not changed, so they cannot be removed."""

    code = "increment_replace"
    hint = "Choose merge, which adds and changes only, or use a full backup."


class Stale(Refusal):
    """Rows that are no longer as they were in the preview: {count}. The first is {model} {pk}."""

    code = "stale"
    hint = "Nothing was changed. Make a new preview."


class NotVerified(Refusal):
    """Rows that were not as planned after writing: {count}. The first is {model} {pk}. Everything was rolled back."""

    code = "not_verified"
    hint = "A trigger or rule in the database changes what is written. See the check of the site."


class WriteRefused(Refusal):
    """The database refused the change: {reason}. Everything was rolled back."""

    code = "write_refused"


class Cancelled(Refusal):
    """The restore was cancelled. Everything was rolled back."""

    code = "cancelled"


class OutcomeUnknown(Refusal):
    """It is not known whether job {job} was committed, because the database cannot be asked: {reason}."""

    code = "outcome_unknown"
    hint = "Once the database is reachable, the marker in its table smart_restore_journal tells."


class FilesUnfinished(OutcomeUnknown):
    """Job {job} was committed, and files still wait to be put in their place: {reason}."""

    code = "files_unfinished"
    hint = "It goes on by itself where the console runs, and else with the next restore into this folder."


class AlreadyApplied(Refusal):
    """Job {job} has been applied before; it will not be applied twice."""

    code = "already_applied"


# ---------------------------------------------------------------- resets and safety


class NoReset(Refusal):
    """The profile {profile} does not say what a reset of this site would clear."""

    code = "no_reset"
    hint = "Name the tables under [reset] in the profile of the site."


# ---------------------------------------------------------------- the command line


class NotOneBackup(Refusal):
    """It is not said which backup is meant."""

    code = "not_one_backup"
    hint = "Give a file and --site, or --backup with the id of a stored one."
    exit_code = 2


class OutputNeeded(Refusal):
    """It is not said where the backup is to be written that is made first."""

    code = "output_needed"
    hint = "Give --output FILE, or --preview to look only."
    exit_code = 2


class NotProven(Refusal):
    """The backup before it is not proven, so nothing was changed: {reason}"""

    code = "not_proven"
    hint = "Put that right, then try again."


class BackupNotFound(Refusal):
    """There is no file {path}."""

    code = "backup_not_found"
    exit_code = 2


class SiteNotNamed(Refusal):
    """It is not said which site is meant. Registered are: {names}."""

    code = "site_not_named"
    hint = "Name one with --site: a registered name, or a database address."
    exit_code = 2


class SinceNeeded(Refusal):
    """A backup of the type {type} cannot be made {given} --since."""

    code = "since_needed"
    hint = "An incremental backup needs --since, and a full one takes none."
    exit_code = 2


class NoEarlierBackup(Refusal):
    """There is no earlier native backup of {site} in {folder} that an increment could build on."""

    code = "no_earlier_backup"
    hint = "Make a full one first, into the same folder: create-backup --type full."
    exit_code = 2


class OutputExists(Refusal):
    """{path} exists and is left as it is."""

    code = "output_exists"
    hint = "Choose another name, or give --force to replace the file."
    exit_code = 2


class OutputFolderMissing(Refusal):
    """There is no folder {path}."""

    code = "output_folder_missing"
    exit_code = 2


class FolderNeeded(Refusal):
    """It is not known where the files of this site lie."""

    code = "folder_needed"
    hint = "Name the folder: --media /srv/school/media."
    exit_code = 2


class DecisionNeeded(Refusal):
    """Nobody can be asked here, and neither --preview nor --yes was given."""

    code = "decision_needed"
    hint = "Give --preview to see the plan, then --yes to carry it out."
    exit_code = 2


class Declined(Refusal):
    """The plan was not carried out."""

    code = "declined"
    hint = "Nothing was changed."

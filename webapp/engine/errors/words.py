"""What the command line refuses before it begins."""

from __future__ import annotations

from webapp.engine.errors.base import Refusal


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

"""Backups that cannot be made, and a site's files."""

from __future__ import annotations

from webapp.engine.errors.base import Refusal


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

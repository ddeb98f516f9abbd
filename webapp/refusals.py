"""What the web application refuses, beside the engine's own catalogue in :mod:`webapp.engine.errors`.

``field`` among the facts names the field of the form that the sentence belongs to.
"""

from __future__ import annotations

from webapp.engine.errors import Refusal


class SealBroken(Refusal):
    """The saved {what} cannot be read any more."""

    code = "seal_broken"
    hint = "The secret key has changed or too much time has passed. Enter it again."


# ---------------------------------------------------------------- uploads


class UploadIncomplete(Refusal):
    """The upload broke off: {received} of {expected} bytes arrived."""

    code = "upload_incomplete"
    hint = "Nothing was kept. Upload the file again."


class UploadTooLarge(Refusal):
    """The file is larger than the {limit} bytes that an upload may have here."""

    code = "upload_too_large"
    hint = "Compress it, or ask the person who runs this server to raise MAX_UPLOAD."


class StorageFull(Refusal):
    """There is not enough room to keep this file."""

    code = "storage_full"
    hint = "Ask the person who runs this server to make room."


class FileMissing(Refusal):
    """The stored file {key} is not there any more."""

    code = "file_missing"
    hint = "Somebody removed it from the storage. Use another backup."


class FileDamaged(Refusal):
    """The stored file {key} is not as it was stored: its sha256 is another."""

    code = "file_damaged"
    hint = "Use another backup, and find out who or what changed the storage."


class StorageUnreachable(Refusal):
    """The object store could not be used ({reason})."""

    code = "storage_unreachable"
    hint = "Check STORAGE_URL, the credentials and the network, then try again. Nothing was changed."


# ---------------------------------------------------------------- keys of encrypted backups


class KeyMissing(Refusal):
    """{name} is encrypted, and no key that opens it is kept here."""

    code = "key_missing"
    hint = "A root can give the secret key on the page of the site, under Encryption."


class NoKey(Refusal):
    """The site {site} has no key, so its backups cannot be encrypted."""

    code = "no_key"
    hint = "A root can make one on the page of the site, under Encryption."


class UnknownBackup(Refusal):
    """There is {count} stored backup whose id begins with {id}."""

    code = "unknown_backup"
    hint = "The address of a backup in the history ends with its id."
    exit_code = 2


# ---------------------------------------------------------------- accounts


class LoginRefused(Refusal):
    """The name or the password is not right."""

    code = "login_refused"
    hint = "Check both and try again. A root can reset a forgotten password."


class UsernameRefused(Refusal):
    """The name {username} cannot be used: {reason}."""

    code = "username_refused"
    exit_code = 2


class PasswordRefused(Refusal):
    """This password cannot be used: {reason}."""

    code = "password_refused"
    exit_code = 2


class CurrentPasswordWrong(Refusal):
    """The current password is not right."""

    code = "current_password_wrong"


class PasswordsDiffer(Refusal):
    """The two new passwords are not the same."""

    code = "passwords_differ"
    exit_code = 2


class RoleRefused(Refusal):
    """There is no role named {role}. Known are: root, admin, viewer."""

    code = "role_refused"
    exit_code = 2


class UnknownUser(Refusal):
    """There is no account named {username}."""

    code = "unknown_user"
    exit_code = 2


class LastRoot(Refusal):
    """{username} is the last active root; without one nobody could manage accounts and sites."""

    code = "last_root"
    hint = "Make another account root first."


# ---------------------------------------------------------------- sites


class SiteNameRefused(Refusal):
    """The name {name} cannot be used: {reason}."""

    code = "site_name_refused"
    exit_code = 2


class UnknownSite(Refusal):
    """There is no site named {name}."""

    code = "unknown_site"
    exit_code = 2


class SiteInUse(Refusal):
    """{title} has backups or restores; a site that has a history is not removed."""

    code = "site_in_use"


# ---------------------------------------------------------------- backups that are kept


class BackupGone(Refusal):
    """{name} is not kept any more."""

    code = "backup_gone"
    hint = "The history says when it was removed, and why."


class BackupPinned(Refusal):
    """{name} is pinned, so it is not removed."""

    code = "backup_pinned"
    hint = "Unpin it first."


class BaseInUse(Refusal):
    """{name} is the base of {count}, which cannot be read without it."""

    code = "base_in_use"
    hint = "Remove what builds on it first; its chain lists that."


class BackupBusy(Refusal):
    """{name} is {work}."""

    code = "backup_busy"
    hint = "Wait until that has ended, or cancel it."


class NotYours(Refusal):
    """{name} was not made or uploaded by you; deleting it is for root."""

    code = "not_yours"
    hint = "Ask a root of this installation."


class WordNotTyped(Refusal):
    """What was typed is not {word}."""

    code = "word_not_typed"
    hint = "Nothing was deleted. Type the word as it is shown."


# ---------------------------------------------------------------- backup plans on the command line


class UnknownTemplate(Refusal):
    """There is no template {name}. Known are: {known}."""

    code = "unknown_template"
    exit_code = 2


class NumberNeeded(Refusal):
    """{option} is {value}, which is neither a number nor 'all'."""

    code = "number_needed"
    exit_code = 2


class RunFailed(Refusal):
    """The backup of this plan was not made: {reason}"""

    code = "plan_run_failed"
    hint = "The plan stays as it is and is tried again when it is due."


class AuditBroken(Refusal):
    """Entry {number} of the audit is not as it was written."""

    code = "audit_broken"
    hint = "That cannot be mended. Compare it with an earlier export, and find out who may write to the app database."

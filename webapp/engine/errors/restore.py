"""Plans that are not carried out, resets included."""

from __future__ import annotations

from webapp.engine.errors.base import Refusal


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


class NoReset(Refusal):
    """The profile {profile} does not say what a reset of this site would clear."""

    code = "no_reset"
    hint = "Name the tables under [reset] in the profile of the site."

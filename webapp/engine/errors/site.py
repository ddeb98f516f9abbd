"""Sites, profiles and choices that cannot be used."""

from __future__ import annotations

from webapp.engine.errors.base import Refusal


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

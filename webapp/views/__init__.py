"""The pages: one blueprint per noun."""

from __future__ import annotations

from flask import Blueprint

from webapp.views import (
    account,
    api,
    audit,
    auth,
    backups,
    decisions,
    health,
    history,
    home,
    keys,
    plans,
    resets,
    restores,
    sites,
    together,
    users,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    health.blueprint,
    auth.blueprint,
    home.blueprint,
    restores.blueprint,
    resets.blueprint,
    decisions.blueprint,
    together.blueprint,
    api.blueprint,
    history.blueprint,
    backups.blueprint,
    plans.blueprint,
    sites.blueprint,
    keys.blueprint,
    users.blueprint,
    audit.blueprint,
    account.blueprint,
)

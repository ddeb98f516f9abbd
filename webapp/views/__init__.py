"""The pages: one blueprint per noun."""

from __future__ import annotations

from flask import Blueprint

from webapp.views import account, auth, health, home, sites, users

BLUEPRINTS: tuple[Blueprint, ...] = (
    health.blueprint,
    auth.blueprint,
    home.blueprint,
    sites.blueprint,
    users.blueprint,
    account.blueprint,
)

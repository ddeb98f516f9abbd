"""The tables that Django itself fills at every installation, and passwords that open nothing."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.demo.ledger import Ledger, text

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def install(ledger: Ledger, labels: Sequence[str]) -> None:
    """Write the content types and permissions of models (``app.model``) and the migrations of their apps."""
    models = [label.split(".") for label in labels]
    ledger.insert("django_content_type", [{"app_label": app, "model": model} for app, model in models])
    ledger.insert(
        "auth_permission",
        [
            {"name": f"Can {verb} {model}", "content_type_id": number, "codename": f"{verb}_{model}"}
            for number, (_, model) in enumerate(models, 1)
            for verb in ("add", "change", "delete", "view")
        ],
    )
    applied = text(ledger.before(400))
    apps = sorted({app for app, _ in models})
    ledger.insert("django_migrations", [{"app": app, "name": "0001_initial", "applied": applied} for app in apps])


def unusable_password(ledger: Ledger) -> str:
    """What Django writes for an account that nobody can log in to."""
    return "!" + "".join(ledger.chance.choices(_LETTERS, k=40))

"""A small Django application with a field of every type, for comparing what we read with what Django reads."""

from __future__ import annotations

import django
from django.conf import settings


def set_up() -> None:
    """Configure Django once in this process; without a database, which nothing here needs."""
    if not settings.configured:
        settings.configure(
            INSTALLED_APPS=["tests.django_library"],
            DATABASES={},
            USE_TZ=True,
            TIME_ZONE="Asia/Kolkata",
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        )
        django.setup()

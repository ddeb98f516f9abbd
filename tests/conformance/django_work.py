"""Django's part, in a process of its own: ``python -m tests.conformance.django_work URL``.

Django keeps its settings for the whole process, so it never comes into the one that runs the tests. One process does all
the work on one kind of database, because it takes longer to start than to load a fixture. It reads lines
of JSON, each the name of a piece of work and what it is about, and answers each with one.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from sqlalchemy.engine import make_url

APPS = ("kinds", "relations", "names")


def set_up(address: str) -> None:
    """Configure Django for one kind of database."""
    url = make_url(address)
    kind = "sqlite3" if url.get_backend_name() == "sqlite" else "postgresql"
    database = {"ENGINE": f"django.db.backends.{kind}", "USER": url.username or "", "HOST": url.query.get("host", "")}
    settings.configure(
        DATABASES={"default": {**database, "NAME": url.database}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            *(f"tests.conformance.{app}" for app in APPS),
        ],
        USE_TZ=True,
        TIME_ZONE="Asia/Kolkata",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    django.setup()


def switch(url: str) -> None:
    """Work on another database of the same kind."""
    connection.close()
    connection.settings_dict["NAME"] = make_url(url).database


def make_tables(url: str) -> None:
    """The empty schema, with the content types and permissions that Django itself adds."""
    switch(url)
    call_command("migrate", verbosity=0)  # first, because our models refer to Django's
    call_command("migrate", run_syncdb=True, verbosity=0)


def load(order: tuple[str, str]) -> str:
    """Load a file into a database; Django's complaint, empty when there is none."""
    url, file = order
    switch(url)
    try:
        call_command("loaddata", file, verbosity=0)
    except Exception as error:  # noqa: BLE001  whatever it is, it is the answer
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def dump(order: tuple[str, str, list[str]]) -> None:
    """Write a file with dumpdata and its options."""
    url, file, options = order
    switch(url)
    text = io.StringIO()
    call_command("dumpdata", *options, stdout=text, verbosity=0)
    Path(file).write_text(text.getvalue(), "utf-8")


WORK: Mapping[str, Callable[[Any], Any]] = {"make_tables": make_tables, "load": load, "dump": dump}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    set_up(sys.argv[1])
    for line in sys.stdin:
        work, order = json.loads(line)
        answer = WORK[work](order)
        connection.close()  # a database that somebody is connected to cannot be copied
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

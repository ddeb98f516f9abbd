"""One measured piece of Django's work, in a process of its own: ``python -m bench.django_work NAME URL [FILE]``.

Nothing of ours is loaded here, and nothing of Django where our work is measured, so that each pays for its own memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from sqlalchemy.engine import make_url


def set_up_django(address: str) -> None:
    """Configure Django for one database."""
    url = make_url(address)
    database: dict[str, object]
    if url.get_backend_name() == "sqlite":
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": url.database}
    else:
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.database,
            "USER": url.username or "postgres",
            "HOST": url.query.get("host", url.host or ""),
        }
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["bench"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


def make_tables(url: str, _file: str = "") -> float:
    """Django's own tables for the models: the site that everything is measured on."""
    set_up_django(url)
    began = time.perf_counter()
    call_command("migrate", run_syncdb=True, verbosity=0)
    return time.perf_counter() - began


def loaddata(url: str, file: str) -> float:
    """What Django offers for restoring."""
    set_up_django(url)
    began = time.perf_counter()
    call_command("loaddata", file, verbosity=0)
    return time.perf_counter() - began


def dumpdata(url: str, file: str) -> float:
    """What Django offers for backing up."""
    set_up_django(url)
    began = time.perf_counter()
    call_command("dumpdata", "bench", output=file, verbosity=0)
    return time.perf_counter() - began


WORK: Mapping[str, Callable[[str, str], float]] = {
    "make_tables": make_tables,
    "loaddata": loaddata,
    "dumpdata": dumpdata,
}


if __name__ == "__main__":
    name, url, *rest = sys.argv[1:]
    seconds = WORK[name](url, *rest)
    connection.close()
    print(json.dumps({"seconds": seconds}))

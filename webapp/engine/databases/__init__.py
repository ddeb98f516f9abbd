"""The kinds of site databases: one file each, the contract here, the tuple DATABASES the only register."""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from webapp.engine.databases.base import Database, Opener, Reader, TableChanges, Writer
from webapp.engine.databases.postgresql import PostgreSQL
from webapp.engine.databases.sqlite import SQLite
from webapp.engine.errors import AddressRefused

DATABASES: Final[tuple[type[Opener], ...]] = (SQLite, PostgreSQL)

__all__ = ["DATABASES", "Database", "Reader", "TableChanges", "Writer", "open_database"]


def open_database(address: str) -> Database:
    """The database at an SQLAlchemy URL. Connects when it is first asked something.

    Raises:
        AddressRefused: it is not a URL, or of a kind that is not known.
    """
    try:
        url = make_url(address)
    except ArgumentError:
        raise AddressRefused(address="given", reason="it is not a database URL") from None
    for kind in DATABASES:
        if url.get_backend_name() == kind.dialect:
            return kind(url)
    known = ", ".join(kind.dialect for kind in DATABASES)
    raise AddressRefused(
        address=url.render_as_string(hide_password=True), reason=f"{url.get_backend_name()} is not one of {known}"
    )

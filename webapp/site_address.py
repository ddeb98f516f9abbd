"""Which database addresses may be registered as a site from a page.

An address is a program's way into other machines and files, so it is an allowlist: two kinds of database, few arguments,
SQLite only under the configured folders, and never the app's own database.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from webapp.engine.errors import AddressRefused, FolderRefused
from webapp.settings import Settings

POSTGRESQL_ARGUMENTS = frozenset({"host", "port", "sslmode", "connect_timeout", "application_name"})
"""Others name files on this server (sslkey, passfile, service) or change what a session does (options)."""


def allowed(address: str, password: str, settings: Settings) -> str:
    """The SQLAlchemy URL of an address that a person typed, with the password when it was typed apart.

    Raises:
        AddressRefused: the message shows the address without its password.
    """
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError) as error:
        # The text is not shown: what cannot be read may hold a password anywhere.
        raise AddressRefused(address="that was typed", reason="it cannot be read", field="address") from error
    if password:
        url = url.set(password=password)
    if url.drivername == "sqlite":
        return _sqlite(url, settings)
    if url.drivername in {"postgresql", "postgresql+psycopg", "postgres"}:
        return _postgresql(url.set(drivername="postgresql"), settings)
    raise _refused(url, "only sqlite and postgresql are known")


def allowed_folder(typed: str, settings: Settings) -> str:
    """The path of a folder of files that a person typed; an empty one for none.

    Raises:
        FolderRefused: it is not there, not below the configured folders, or this program's own.
    """
    if not typed.strip():
        return ""
    path = Path(typed.strip())
    real = path.resolve()
    own = settings.data_dir.resolve()
    if not path.is_absolute():
        reason = "the path must be absolute"
    elif not any(real.is_relative_to(folder.resolve()) for folder in settings.site_folders):
        reason = "it is not in a folder that SITE_FOLDERS allows"
    elif not real.is_dir():
        reason = "there is no such folder"
    elif own.is_relative_to(real) or (real.is_relative_to(own) and not real.is_relative_to(own / "demo")):
        reason = "it is a folder of this program"
    else:
        return str(real)
    raise FolderRefused(path=typed.strip()[:200], reason=reason, field="folder")


def without_password(address: str) -> str:
    """An address that may be shown again in a form."""
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError):
        return ""
    query = {name: value for name, value in url.query.items() if name in POSTGRESQL_ARGUMENTS}
    # Put together anew: URL.set() takes None for "as it was".
    shown = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, query)
    return shown.render_as_string(hide_password=False)


def _sqlite(url: URL, settings: Settings) -> str:
    name = url.database or ""
    if url.query or name.startswith("file:") or name in {"", ":memory:"}:
        raise _refused(url, "write it as sqlite:////path/to/file, without arguments")
    path = Path(name)
    if not path.is_absolute():
        raise _refused(url, "the path must be absolute, with four slashes: sqlite:////path/to/file")
    real = path.resolve()
    if not any(real.is_relative_to(folder.resolve()) for folder in settings.site_folders):
        raise _refused(url, "the file is not in a folder that SITE_FOLDERS allows")
    if not real.is_file():
        raise _refused(url, "there is no such file")
    if _is_app_database(url.set(database=str(real)), settings):
        raise _refused(url, "it is the database of this program")
    return url.set(database=str(real)).render_as_string(hide_password=False)


def _postgresql(url: URL, settings: Settings) -> str:
    foreign = sorted(set(url.query) - POSTGRESQL_ARGUMENTS)
    if foreign:
        raise _refused(url, f"the argument {foreign[0]} is not allowed")
    if not url.database:
        raise _refused(url, "it names no database")
    if _is_app_database(url, settings):
        raise _refused(url, "it is the database of this program")
    return url.render_as_string(hide_password=False)


def _is_app_database(url: URL, settings: Settings) -> bool:
    own = make_url(settings.database_url)
    if own.get_backend_name() != url.get_backend_name():
        return False
    if own.get_backend_name() == "sqlite":
        return bool(own.database) and Path(str(own.database)).resolve() == Path(str(url.database))
    place = (url.host or url.query.get("host"), url.port or 5432, url.database)
    return place == (own.host or own.query.get("host"), own.port or 5432, own.database)


def _refused(url: URL, reason: str) -> AddressRefused:
    shown = url.set(query={}).render_as_string(hide_password=True)
    return AddressRefused(address=shown, reason=reason, field="address")

"""The settings, read once from the environment; every mistake in them has a number and a hint.

| variable | meaning | default |
|---|---|---|
| SMART_RESTORE_DATA | folder for the app database, backups, plans and receipts | ``var`` in a checkout, else the user's data folder |
| DATABASE_URL | the app database (never a site) | SQLite in the data folder |
| REDIS_URL | the queue | a private Redis on a unix socket |
| SECRET_KEY | signs sessions and seals site addresses, at least 32 characters | made once, kept in the data folder |
| SITE_FOLDERS | folders in which SQLite sites may lie, separated like PATH | the demo site's folder |
| PG_RESTORE | the program pg_restore, or its folder; read where it is needed | ``pg_restore`` on PATH |
| MAX_UPLOAD | largest upload in bytes | 4 GiB |
| COOKIE_SECURE | send cookies over https only: yes or no | no |
| STORAGE_URL | an object store for backups, plans and receipts: ``s3://bucket/folder?endpoint=https://host&region=name`` | the data folder |
| PROXIES | how many reverse proxies stand in front | 0 |
| KEEP_STAGE_DAYS | how long what was read from a backup is kept after its last use; 0 for good | 14 |
| KEEP_PLAN_DAYS | how long a preview and its plan are kept; 0 for good | 30 |
| KEEP_RECEIPT_DAYS | how long receipts are kept; 0 for good | 730 |
| WORK_LIMIT | how many bytes stages and plans may take together; 0 for no limit | 50 GiB |
| VERIFY_DAYS | how many days may pass until a stored backup's bytes are looked at again; 0 for never | 7 |
| SAFETY_DAYS | how many days the backup from just before a restore is kept; 0 for as long as nobody removes it | 30 |
| SAFETY_FRESH_MINUTES | how old a proven backup of the whole site may be to stand in for the one before a restore; 0 for never | 0 |
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

CHECKOUT = Path(__file__).resolve().parent.parent

# sockaddr_un holds 107 bytes and a final zero on Linux, 103 on macOS.
LONGEST_SOCKET_PATH = 103


class Misconfigured(Exception):
    """The settings are wrong."""

    code: ClassVar[str] = "settings.E000"
    hint: ClassVar[str] = ""
    exit_code: ClassVar[int] = 2

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(f"{' '.join((type(self).__doc__ or '').split()).format_map(facts)} ({self.code}) {self.hint}")


class DataFolderRefused(Misconfigured):
    """The data folder {path} cannot be used: {reason}."""

    code = "settings.E001"
    hint = "Set SMART_RESTORE_DATA to a folder that this user may write."


class DatabaseUrlRefused(Misconfigured):
    """DATABASE_URL has the scheme {scheme!r}, which is not supported."""

    code = "settings.E002"
    hint = "Use sqlite:////path/to/app.sqlite or postgresql://user:password@host/name."


class RedisUrlRefused(Misconfigured):
    """REDIS_URL has the scheme {scheme!r}, which is not supported."""

    code = "settings.E003"
    hint = "Use redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/redis.sock, or leave it out."


class SecretKeyTooShort(Misconfigured):
    """SECRET_KEY has {length} characters."""

    code = "settings.E004"
    hint = (
        "Use at least 32 random characters, for example from: python3 -c 'import secrets; print(secrets.token_hex(32))'"
    )


class SecretKeyFileRefused(Misconfigured):
    """The secret key in {path} cannot be used: {reason}."""

    code = "settings.E005"
    hint = "Restore the file from your own backup, with mode 600. Without it the saved site addresses cannot be read."


class SiteFolderRefused(Misconfigured):
    """SITE_FOLDERS names {path}, which is not an absolute path."""

    code = "settings.E006"
    hint = "Give absolute paths, separated like those in PATH."


class NumberRefused(Misconfigured):
    """{name} is {value!r}, which is not a whole number of at least {least}."""

    code = "settings.E007"
    hint = "Give a plain number without a unit."


class SwitchRefused(Misconfigured):
    """{name} is {value!r}."""

    code = "settings.E008"
    hint = "Give yes or no."


class StorageUrlRefused(Misconfigured):
    """STORAGE_URL cannot be used: {reason}."""

    code = "settings.E009"
    hint = "Use s3://bucket/folder?endpoint=https://host&region=name; the credentials are those of the environment."


@dataclass(frozen=True)
class Settings:
    """What an installation may decide. Reading it touches no file; ``secret_key`` and ``make_data_dir`` do."""

    data_dir: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    private_redis: bool
    site_folders: tuple[Path, ...]
    max_upload: int
    cookie_secure: bool
    proxies: int
    keep_stage_days: int
    keep_plan_days: int
    keep_receipt_days: int
    work_limit: int
    verify_days: int
    safety_days: int
    safety_fresh_minutes: int
    given_secret_key: str = field(repr=False)
    storage_url: str = ""

    @cached_property
    def secret_key(self) -> str:
        """The given key, else the one kept in the data folder, which is made when it is missing."""
        return self.given_secret_key or _kept_secret_key(self.make_data_dir() / "secret_key")

    @property
    def demo_dir(self) -> Path:
        """Where the demo site lives."""
        return self.data_dir / "demo"

    @property
    def limiter_url(self) -> str:
        """The Redis address as the rate limiter wants it."""
        return (
            self.redis_url.replace("unix://", "redis+unix://", 1)
            if self.redis_url.startswith("unix:")
            else self.redis_url
        )

    def make_data_dir(self) -> Path:
        """The data folder, which is made when it is missing and is nobody else's to read."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise DataFolderRefused(path=self.data_dir, reason=error.strerror or error) from error
        if not os.access(self.data_dir, os.W_OK | os.X_OK):
            raise DataFolderRefused(path=self.data_dir, reason="it may not be written")
        return self.data_dir


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment.

    Raises:
        Misconfigured: one of them is wrong.
    """
    data_dir = Path(environment.get("SMART_RESTORE_DATA") or _default_data_dir(environment)).expanduser().absolute()
    redis_url = environment.get("REDIS_URL", "")
    return Settings(
        data_dir=data_dir,
        database_url=_database_url(environment.get("DATABASE_URL", ""), data_dir),
        redis_url=_redis_url(redis_url) if redis_url else f"unix://{private_socket(data_dir)}?db=0",
        private_redis=not redis_url,
        site_folders=(data_dir / "demo", *_site_folders(environment.get("SITE_FOLDERS", ""))),
        max_upload=_number(environment, "MAX_UPLOAD", 4 * 2**30, least=1),
        cookie_secure=_switch(environment, "COOKIE_SECURE"),
        proxies=_number(environment, "PROXIES", 0, least=0),
        keep_stage_days=_number(environment, "KEEP_STAGE_DAYS", 14, least=0),
        keep_plan_days=_number(environment, "KEEP_PLAN_DAYS", 30, least=0),
        keep_receipt_days=_number(environment, "KEEP_RECEIPT_DAYS", 730, least=0),
        work_limit=_number(environment, "WORK_LIMIT", 50 * 2**30, least=0),
        verify_days=_number(environment, "VERIFY_DAYS", 7, least=0),
        safety_days=_number(environment, "SAFETY_DAYS", 30, least=0),
        safety_fresh_minutes=_number(environment, "SAFETY_FRESH_MINUTES", 0, least=0),
        given_secret_key=_given_secret_key(environment.get("SECRET_KEY", "")),
        storage_url=_storage_url(environment.get("STORAGE_URL", "")),
    )


def private_socket(data_dir: Path) -> Path:
    """The private Redis's socket: in the data folder, or in a short folder when that path would be too long."""
    socket = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    # The folder has a name that others can guess; the server refuses it unless it is ours alone.
    return Path(tempfile.gettempdir()) / f"smart-restore-{os.getuid()}-{digest}" / "redis.sock"


def _default_data_dir(environment: Mapping[str, str]) -> Path:
    if (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / "var"
    return Path(environment.get("XDG_DATA_HOME") or "~/.local/share") / "smart-restore"


def _database_url(url: str, data_dir: Path) -> str:
    if not url:
        return f"sqlite:///{data_dir / 'app.sqlite'}"
    # Some hosts hand out postgres://, which SQLAlchemy no longer knows.
    url = "postgresql://" + url.removeprefix("postgres://") if url.startswith("postgres://") else url
    scheme = urlsplit(url).scheme
    if scheme not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise DatabaseUrlRefused(scheme=scheme)
    return url


def _redis_url(url: str) -> str:
    scheme = urlsplit(url).scheme
    if scheme not in {"redis", "rediss", "unix"}:
        raise RedisUrlRefused(scheme=scheme)
    return url


def _site_folders(text: str) -> tuple[Path, ...]:
    folders = tuple(Path(part) for part in text.split(os.pathsep) if part)
    for folder in folders:
        if not folder.is_absolute():
            raise SiteFolderRefused(path=folder)
    return folders


def _storage_url(url: str) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    unknown = sorted(parse_qs(parts.query, keep_blank_values=True).keys() - {"endpoint", "region"})
    if parts.scheme != "s3" or not parts.hostname:
        raise StorageUrlRefused(reason="it is not an address of the form s3://bucket/folder")
    if "@" in parts.netloc or unknown:
        # A password in an address would end in process lists; the name alone is shown.
        raise StorageUrlRefused(reason=f"it has {'credentials' if '@' in parts.netloc else ', '.join(unknown)} in it")
    return url


def _number(environment: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    value = environment.get(name, "") or str(default)
    if not (value.isascii() and value.isdigit()) or int(value) < least:
        raise NumberRefused(name=name, value=value, least=least)
    return int(value)


def _switch(environment: Mapping[str, str], name: str) -> bool:
    value = (environment.get(name, "") or "no").lower()
    if value in {"yes", "true", "on", "1"}:
        return True
    if value in {"no", "false", "off", "0"}:
        return False
    raise SwitchRefused(name=name, value=value)


def _given_secret_key(key: str) -> str:
    if key and len(key) < 32:
        raise SecretKeyTooShort(length=len(key))
    return key


def _kept_secret_key(path: Path) -> str:
    if not path.exists():
        _write_once(path, secrets.token_hex(32))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SecretKeyFileRefused(path=path, reason="others may read it")
    key = path.read_text().strip()
    if len(key) < 32:
        raise SecretKeyFileRefused(path=path, reason="it is damaged")
    return key


def _write_once(path: Path, text: str) -> None:
    """Web and worker may start together: link() lets exactly one of them win, and never shows half a file."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".secret_key")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)

"""Passwords: hashed with argon2, and checked with the same work whether or not the account exists."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from webapp.refusals import PasswordRefused

SHORTEST = 10
LONGEST = 200  # argon2 would take more; hashing megabytes is work that a stranger could order

_hasher = PasswordHasher()


def hash_password(password: str, username: str = "") -> str:
    """The argon2 hash of an acceptable password.

    Raises:
        PasswordRefused: it is too short, too long, or the name of the account.
    """
    if len(password) < SHORTEST:
        raise PasswordRefused(reason=f"it has fewer than {SHORTEST} characters", field="password")
    if len(password) > LONGEST:
        raise PasswordRefused(reason=f"it has more than {LONGEST} characters", field="password")
    if len(username) > 3 and username in password.casefold():
        raise PasswordRefused(reason="it contains the name of the account", field="password")
    return _hasher.hash(password)


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether a password belongs to a hash. None stands for an account that does not exist: same work, never right."""
    try:
        right = _hasher.verify(password_hash or _nobodys_hash(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return right and password_hash is not None


def random_password() -> str:
    """A password to be shown once and then changed."""
    return secrets.token_urlsafe(12)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_hex(16))

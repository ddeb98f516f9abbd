"""Sealing: small secrets that are kept or travel encrypted, such as the address of a site with its password."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from webapp.models import Site
from webapp.refusals import SealBroken


def seal(text: str, purpose: str = "site address") -> str:
    """The text encrypted under a key that belongs to this purpose alone."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: str = "site address", *, seconds: int | None = None) -> str:
    """The text again.

    Raises:
        SealBroken: it was sealed under another key, was changed, or is older than ``seconds``.
    """
    try:
        return _box(purpose).decrypt(sealed.encode(), ttl=seconds).decode()
    except InvalidToken as error:
        raise SealBroken(what=purpose) from error


def site_url(site: Site) -> str:
    """The SQLAlchemy URL of a site, with its password: for the engine, never for a page, a log or a queue."""
    return unseal(site.url_sealed)


def _box(purpose: str) -> Fernet:
    secret = str(current_app.secret_key).encode()
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"smart-restore {purpose}".encode()).derive(secret)
    return Fernet(base64.urlsafe_b64encode(key))

"""Keys of encrypted backups: each site has a public key for new ones, and the secret keys that open those there are.

A secret key is kept here sealed, or somewhere else by somebody: then drills and restores need it to be given first. A new
key opens new backups only, so the old ones are kept beside it.
"""

from __future__ import annotations

from webapp import audit
from webapp.engine import encryption
from webapp.models import Site, db
from webapp.seal import seal, unseal

PURPOSE = "key of backups"


def secrets_of(site: Site) -> tuple[str, ...]:
    """The secret keys that are kept here, the newest first."""
    return tuple(unseal(site.identity_sealed, PURPOSE).split()) if site.identity_sealed else ()


def is_kept(site: Site) -> bool:
    """Whether the secret key of new backups is kept here."""
    return bool(site.recipient) and any(
        encryption.recipient_of(secret) == site.recipient for secret in secrets_of(site)
    )


def make(site: Site) -> str:
    """Give the site a new key; gives the text of a key file, which is to be kept somewhere else."""
    secret = encryption.new_secret()
    site.recipient = encryption.recipient_of(secret)
    _keep(site, (secret, *secrets_of(site)))
    _note("key.make", site)
    return key_file(site)


def use(site: Site, recipient: str) -> None:
    """Encrypt new backups for a public key whose secret one is kept by somebody else.

    Raises:
        KeyUnusable
    """
    site.recipient = encryption.check_recipient(recipient)
    _note("key.use", site)


def give(site: Site, content: bytes, passphrase: str = "") -> int:
    """Keep the secret keys of a key file; how many of them are new.

    Raises:
        KeyUnusable, DecryptionFailed
    """
    known = secrets_of(site)
    found = encryption.find_secrets(encryption.read_key_file(content, passphrase))
    new = [secret for secret in found if secret not in known]
    _keep(site, (*known, *new))
    _note("key.give", site)
    return len(new)


def forget(site: Site) -> None:
    """Remove the secret keys from this installation. The public key stays, so backups go on being encrypted."""
    site.identity_sealed = ""
    _note("key.forget", site)


def stop(site: Site) -> None:
    """Encrypt no more new backups. Keys that open old ones stay."""
    site.recipient = ""
    _note("key.stop", site)


def key_file(site: Site) -> str:
    """The secret keys with what a person must know of them, as age's own tools read them."""
    lines = [
        f"# Keys of the backups of {site.title!r}, site {site.name!r} of Smart Restore.",
        "# Whoever has this file can read the backups; without it nobody can. Keep it away from them.",
    ]
    for secret in secrets_of(site):
        lines += [f"# public key: {encryption.recipient_of(secret)}", secret]
    return "\n".join(lines) + "\n"


def sealed_key_file(site: Site, passphrase: str) -> tuple[bytes, str]:
    """The key file and the ending of its name; with a passphrase it opens only with that."""
    plain = key_file(site).encode()
    return (encryption.encrypt_with_passphrase(plain, passphrase), ".txt.age") if passphrase else (plain, ".txt")


def _keep(site: Site, secrets: tuple[str, ...]) -> None:
    site.identity_sealed = seal(" ".join(secrets), PURPOSE) if secrets else ""


def _note(action: str, site: Site) -> None:
    audit.note(action, site.name, site=site.name, recipient=site.recipient)
    db.session.commit()

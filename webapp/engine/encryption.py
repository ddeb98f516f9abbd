"""Encrypted backups: files of the age format (age-encryption.org/v1), for a public key or for a passphrase.

age authenticates every chunk of 64 KiB and the end of the file, so a changed or cut file is refused; but what was
decrypted before the bad chunk has been written by then, and is removed. A key works on files of any length. A passphrase
is worked on in memory, and so is meant for keys and small backups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import pyrage

from webapp.engine.errors import DecryptionFailed, KeyNeeded, KeyUnusable, TooLargeForPassphrase

MAGIC = b"age-encryption.org/v1\n"

LONGEST_WITH_PASSPHRASE = 256 << 20
"""Bytes. Such a file is held in memory twice."""

_SECRET = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}")
_SCRYPT = b"-> scrypt "


def new_secret() -> str:
    """A new secret key, one line of text."""
    return str(pyrage.x25519.Identity.generate())


def recipient_of(secret: str) -> str:
    """The public key that belongs to a secret one.

    Raises:
        KeyUnusable: it is no secret key.
    """
    return str(_identity(secret).to_public())


def check_recipient(recipient: str) -> str:
    """A public key, as it is written.

    Raises:
        KeyUnusable: it is none.
    """
    return str(_recipient(recipient))


def is_encrypted(path: Path) -> bool:
    """Whether a file is in this format."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def wants_passphrase(path: Path) -> bool:
    """Whether an encrypted file opens with a passphrase and not with a key."""
    with path.open("rb") as file:
        return _SCRYPT in file.read(len(MAGIC) + len(_SCRYPT))


def encrypt(source: Path, target: Path, recipient: str) -> None:
    """Write ``source`` encrypted for a public key to the new file ``target``.

    Raises:
        KeyUnusable, OSError: there is no file ``target`` then.
    """
    to = _recipient(recipient)
    _write(source, target, lambda plain, sealed: pyrage.encrypt_io(plain, sealed, [to]))


def decrypt(source: Path, target: Path, secrets: Sequence[str]) -> None:
    """Write what ``source`` holds to the new file ``target``, with whichever of the secret keys opens it.

    Raises:
        KeyNeeded: none of them does.
        DecryptionFailed: it was changed or cut. There is no file ``target`` then.
    """
    identities = [_identity(secret) for secret in secrets]
    if not identities or wants_passphrase(source):
        raise KeyNeeded(name=source.name, what="passphrase" if wants_passphrase(source) else "secret key")
    _write(source, target, lambda sealed, plain: pyrage.decrypt_io(sealed, plain, identities))


def encrypt_with_passphrase(plain: bytes, passphrase: str) -> bytes:
    """Bytes encrypted for a passphrase.

    Raises:
        TooLargeForPassphrase
    """
    if len(plain) > LONGEST_WITH_PASSPHRASE:
        raise TooLargeForPassphrase(limit=f"{LONGEST_WITH_PASSPHRASE >> 20} MB")
    return bytes(pyrage.passphrase.encrypt(plain, passphrase))


def decrypt_with_passphrase(sealed: bytes, passphrase: str) -> bytes:
    """What was encrypted for a passphrase.

    Raises:
        DecryptionFailed, TooLargeForPassphrase
    """
    if len(sealed) > LONGEST_WITH_PASSPHRASE:
        raise TooLargeForPassphrase(limit=f"{LONGEST_WITH_PASSPHRASE >> 20} MB")
    try:
        return bytes(pyrage.passphrase.decrypt(sealed, passphrase))
    except pyrage.DecryptError:
        raise DecryptionFailed(reason="the passphrase is another, or the file was changed") from None


def find_secrets(text: str) -> tuple[str, ...]:
    """The secret keys in the text of a key file, which may have comments.

    Raises:
        KeyUnusable: there is none in it.
    """
    found = tuple(dict.fromkeys(_SECRET.findall(text)))
    if not found:
        raise KeyUnusable(reason="there is no secret key in it")
    return tuple(str(_identity(secret)) for secret in found)


def read_key_file(content: bytes, passphrase: str) -> str:
    """The text of a key file, which may be protected by a passphrase.

    Raises:
        DecryptionFailed, KeyUnusable
    """
    if content.startswith(MAGIC):
        content = decrypt_with_passphrase(content, passphrase)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise KeyUnusable(reason="it is no key file") from None


def _write(source: Path, target: Path, work: Callable[[BinaryIO, BinaryIO], None]) -> None:
    try:
        with source.open("rb") as read, target.open("xb") as write:
            target.chmod(0o600)
            try:
                work(read, write)
            except pyrage.DecryptError as error:
                if "No matching keys" in str(error):
                    raise KeyNeeded(name=source.name, what="secret key") from None
                raise DecryptionFailed(reason="its header is damaged") from None
            except OSError as error:
                # The library tells a broken chunk as an error of input without a number.
                if error.errno is None:
                    raise DecryptionFailed(reason="it was changed or cut off") from None
                raise
            except pyrage.EncryptError as error:
                if "Errno 28" in str(error):
                    raise OSError(28, "No space left on device") from None
                raise
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _identity(secret: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(secret.strip())
    except pyrage.IdentityError:
        raise KeyUnusable(reason="it is not a whole secret key") from None


def _recipient(recipient: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(recipient.strip())
    except pyrage.RecipientError:
        raise KeyUnusable(reason="it is not a whole public key") from None

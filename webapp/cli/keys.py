"""``smart-restore key``: keys of encrypted backups, without any installation."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from webapp.cli import sites, terminal, text
from webapp.engine import encryption
from webapp.engine.errors import KeyNeeded


def new(given: argparse.Namespace) -> int:
    """Make a key file."""
    output = sites.fresh(given.output, force=given.force)
    secret = encryption.new_secret()
    public = encryption.recipient_of(secret)
    content = f"# public key: {public}\n{secret}\n".encode()
    if given.passphrase_file:
        content = encryption.encrypt_with_passphrase(content, _passphrase(given))
    _replace(output, lambda path: path.write_bytes(content))
    terminal.answer(public)
    terminal.say(
        f"{text.plain(str(output))} opens what is encrypted for it. Keep it in two places, away from the backups."
    )
    return 0


def encrypt(given: argparse.Namespace) -> int:
    """Encrypt a file."""
    source, output = sites.existing(given.file), sites.fresh(given.output, force=given.force)
    _replace(output, lambda path: encryption.encrypt(source, path, given.recipient))
    terminal.answer(f"{output}: {text.size(output.stat().st_size)}")
    return 0


def decrypt(given: argparse.Namespace) -> int:
    """Open a file."""
    source, output = sites.existing(given.file), sites.fresh(given.output, force=given.force)
    if given.identity:
        keys = encryption.read_key_file(sites.existing(given.identity).read_bytes(), _passphrase(given))
        _replace(output, lambda path: encryption.decrypt(source, path, encryption.find_secrets(keys)))
    elif given.passphrase_file:
        plain = encryption.decrypt_with_passphrase(source.read_bytes(), _passphrase(given))
        _replace(output, lambda path: path.write_bytes(plain))
    else:
        raise KeyNeeded(name=source.name, what="key")
    terminal.answer(f"{output}: {text.size(output.stat().st_size)}")
    return 0


def _passphrase(given: argparse.Namespace) -> str:
    if not given.passphrase_file:
        return ""
    return sites.existing(given.passphrase_file).read_text("utf-8").rstrip("\r\n")


def _replace(output: Path, write: Callable[[Path], object]) -> None:
    """Let the file appear whole or not at all, for this user only."""
    temporary = output.with_name(f".{output.name[:60]}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        write(temporary)
        temporary.chmod(0o600)
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)

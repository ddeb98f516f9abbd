"""The words of ``smart-restore key``."""

from __future__ import annotations

import argparse

from webapp.cli.parts import Commands, command, group


def add(commands: Commands) -> None:
    """Add the command with its verbs."""
    verbs = group(
        commands,
        "key",
        "encrypt backups, and open encrypted ones",
        example="smart-restore key new --output site-key.txt",
    )
    new = command(
        verbs,
        "new",
        "make a key file, and print the public key that backups are encrypted for",
        example="smart-restore key new --output site-key.txt --passphrase-file passphrase.txt",
        run="webapp.cli.keys:new",
    )
    _output(new, "the key file")
    _passphrase(new, "protect the key file with the passphrase in this file")
    encrypt = command(
        verbs,
        "encrypt",
        "encrypt a file for a public key",
        example="smart-restore key encrypt backup.srb --recipient age1... --output backup.srb.age",
        run="webapp.cli.keys:encrypt",
    )
    encrypt.add_argument("file", metavar="FILE", help="the file to encrypt")
    encrypt.add_argument("--recipient", required=True, metavar="KEY", help="a public key, which begins with age1")
    _output(encrypt, "the encrypted file")
    decrypt = command(
        verbs,
        "decrypt",
        "open an encrypted file, so that it can be analysed and restored",
        example="smart-restore key decrypt backup.srb.age --identity site-key.txt --output backup.srb",
        run="webapp.cli.keys:decrypt",
    )
    decrypt.add_argument("file", metavar="FILE", help="the file to open")
    decrypt.add_argument("--identity", metavar="FILE", help="the key file that opens it")
    _passphrase(decrypt, "the passphrase of the key file, or without one that of the encrypted file, is in this file")
    _output(decrypt, "the opened file")


def _output(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--output", required=True, metavar="FILE", help=f"where {what} is written")
    parser.add_argument("--force", action="store_true", help="replace it when it exists")


def _passphrase(parser: argparse.ArgumentParser, what: str) -> None:
    # A file, because words of a command are in the list of processes and in the shell's history.
    parser.add_argument("--passphrase-file", metavar="FILE", help=what)

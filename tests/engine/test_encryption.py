"""Encrypted files: opened only with the key, and only when nothing was changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import small_sites
from webapp.engine import backups, encryption
from webapp.engine.errors import DecryptionFailed, Encrypted, KeyNeeded, KeyUnusable, TooLargeForPassphrase
from webapp.engine.formats import recognise


@pytest.fixture
def secret() -> str:
    return encryption.new_secret()


def _sealed(folder: Path, secret: str, content: bytes) -> Path:
    plain, sealed = folder / "plain", folder / "sealed"
    plain.write_bytes(content)
    encryption.encrypt(plain, sealed, encryption.recipient_of(secret))
    return sealed


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
def test_what_was_encrypted_is_what_is_opened(tmp_path: Path, secret: str, size: int) -> None:
    content = random.Random(size).randbytes(size)
    sealed = _sealed(tmp_path, secret, content)
    assert encryption.is_encrypted(sealed)
    assert content == b"" or content not in sealed.read_bytes()

    encryption.decrypt(sealed, tmp_path / "opened", [encryption.new_secret(), secret])

    assert (tmp_path / "opened").read_bytes() == content
    assert (tmp_path / "opened").stat().st_mode & 0o077 == 0


def test_another_key_opens_nothing(tmp_path: Path, secret: str) -> None:
    sealed = _sealed(tmp_path, secret, b"content")
    for secrets in ([], [encryption.new_secret()]):
        with pytest.raises(KeyNeeded):
            encryption.decrypt(sealed, tmp_path / "opened", secrets)
        assert not (tmp_path / "opened").exists()


def test_every_cut_and_every_changed_bit_of_an_encrypted_backup_is_found(
    tmp_path: Path, sqlite: str, secret: str
) -> None:
    small_sites.library(sqlite)
    backups.make(sqlite, tmp_path / "plain.srb")
    sealed = _sealed(tmp_path, secret, (tmp_path / "plain.srb").read_bytes())
    content = sealed.read_bytes()
    chance = random.Random(2)
    cuts = [content[: chance.randrange(len(content))] for _ in range(2_000)]
    for bad in (*cuts, *_flipped(content, chance, 10_000), content + b"x", content + content):
        sealed.write_bytes(bad)
        with pytest.raises((DecryptionFailed, KeyNeeded)):
            encryption.decrypt(sealed, tmp_path / "opened", [secret])
        assert not (tmp_path / "opened").exists()


def _flipped(content: bytes, chance: random.Random, number: int) -> Iterator[bytes]:
    """Copies with one bit changed; a third of them in the header, which is short."""
    for each in range(number):
        at = chance.randrange(200 if each % 3 == 0 else len(content))
        yield content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def test_an_encrypted_file_is_named_as_one(tmp_path: Path, secret: str) -> None:
    with pytest.raises(Encrypted):
        recognise(_sealed(tmp_path, secret, b"[]"))


def test_a_passphrase_opens_what_it_closed(tmp_path: Path) -> None:
    sealed = encryption.encrypt_with_passphrase(b"content", "long enough")
    (tmp_path / "sealed").write_bytes(sealed)
    assert encryption.wants_passphrase(tmp_path / "sealed")
    assert encryption.decrypt_with_passphrase(sealed, "long enough") == b"content"
    with pytest.raises(DecryptionFailed):
        encryption.decrypt_with_passphrase(sealed, "another")
    with pytest.raises(KeyNeeded, match="passphrase"):
        encryption.decrypt(tmp_path / "sealed", tmp_path / "opened", [encryption.new_secret()])


def test_large_files_are_not_for_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "LONGEST_WITH_PASSPHRASE", 10)
    with pytest.raises(TooLargeForPassphrase):
        encryption.encrypt_with_passphrase(b"x" * 11, "long enough")


def test_keys_are_found_in_a_key_file_and_nothing_else_is_a_key(secret: str) -> None:
    other = encryption.new_secret()
    assert encryption.find_secrets(f"# created\n{secret}\n# old\n{other}\n{secret}\n") == (secret, other)
    for text in ("", "AGE-SECRET-KEY-1QQQ", secret[:-1], "age1abc", secret.lower()):
        with pytest.raises(KeyUnusable):
            encryption.find_secrets(text)
    for text in ("", "age1abc", secret, "ssh-rsa AAAA"):
        with pytest.raises(KeyUnusable):
            encryption.check_recipient(text)

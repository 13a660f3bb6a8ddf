"""The server's secret, and the keyed hashes that stand in the database for what we must not keep.

Digests and Message-IDs are hashed under a key that changes every 30 days (evidence.md 6.3), so that old
rows cannot be matched against a mail any more. Callers look under the present and the last period.
"""

import hashlib
import hmac
import os
import pathlib
import secrets
from typing import Any, Final

PERIOD_DAYS: Final = 30
_SIZE: Final = 32


class SecretError(Exception):
    """The secret file cannot be used."""


class Secret:
    """Keyed hashes for named purposes; never prints its key."""

    def __init__(self, key: bytes) -> None:
        """Take a key of at least 32 bytes."""
        if len(key) < _SIZE:
            raise SecretError("the secret is shorter than 32 bytes")
        self._key = key
        # Purposes are few: a word, a period, a reporter's number. For each the two hashes of HMAC (RFC 2104)
        # that have taken in the key: going on from them is twice as fast as giving the key each time.
        self._begun: dict[str, tuple[Any, Any]] = {}

    def __repr__(self) -> str:
        return "Secret(...)"

    def mac(self, purpose: str, data: bytes) -> bytes:
        """Return 32 bytes: HMAC-SHA-256 of `data` under the key of `purpose`."""
        begun = self._begun.get(purpose)
        if begun is None:
            key = hmac.digest(self._key, purpose.encode(), hashlib.sha256)
            begun = self._begun[purpose] = _keyed(key, 0x36), _keyed(key, 0x5C)
        inner, outer = begun[0].copy(), begun[1].copy()
        inner.update(data)
        outer.update(inner.digest())
        mac: bytes = outer.digest()
        return mac

    def periodic(self, purpose: str, data: bytes, *, day: int) -> tuple[bytes, bytes]:
        """Return the hash under the key of the period of `day`, and under that of the period before."""
        period = day // PERIOD_DAYS
        return self.mac(f"{purpose}/{period}", data), self.mac(f"{purpose}/{period - 1}", data)

    def number(self, purpose: str, data: bytes) -> int:
        """Return a keyed hash as a number from 1 to 2**63 - 1."""
        return int.from_bytes(self.mac(purpose, data)[:8], "big") % (2**63 - 1) + 1


def _keyed(key: bytes, pad: int) -> Any:
    """Return the hash of one block: the key, filled up with zeros, and the pad of RFC 2104 over it."""
    return hashlib.sha256(bytes(byte ^ pad for byte in key.ljust(64, b"\0")))


def load(path: pathlib.Path) -> Secret:
    """Return the secret of `path`, which is made with mode 0600 if there is none.

    Two processes at once make one secret: the file appears under its name only whole (link, not write).
    Raises `SecretError` in words.
    """
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise SecretError(f"{path} can be read by others: chmod 600 it")
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        if len(key) < _SIZE:
            raise SecretError(f"the secret in {path} is shorter than {_SIZE} bytes")
        return Secret(key)
    except OSError as problem:
        raise SecretError(f"cannot use {path}: {problem.strerror}") from None
    except ValueError:
        raise SecretError(f"{path} does not hold a secret in hexadecimal") from None


def _make(path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_hex(_SIZE).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink()

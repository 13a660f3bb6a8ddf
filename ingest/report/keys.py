"""Keyed hashes: what is remembered of addresses and Message-IDs, and what leaves the host.

Nothing that names a person is stored or sent; the key stays on this host (HMAC-SHA-256, cut to 16 bytes).
"""

import hmac
import os
import pathlib
import re
import secrets
from typing import Final

_SIZE: Final = 16
_TAGS: Final = (
    re.compile(rb"prvs=[0-9a-z]{10}=([^=@]{1,64}@.{1,255})"),
    re.compile(rb"prvs=([^=@]{1,64})=[0-9a-z]{10}(@.{1,255})"),
    re.compile(rb"btv1==[0-9a-z]{1,20}==([^=@]{1,64}@.{1,255})"),
    re.compile(rb"msprvs1=[0-9a-z_-]{1,40}=([^=@]{1,64}@.{1,255})"),
)
"""Shapes of signed envelope senders seen in the field (evidence.md 2.4)."""


class Keys:
    """Makes keyed hashes with the reporter's secret."""

    def __init__(self, secret: bytes) -> None:
        """Take at least 16 random bytes."""
        self._secret = secret

    def of(self, kind: bytes, value: bytes) -> bytes:
        """Return 16 bytes that stand for a value; `kind` keeps equal values of two kinds apart."""
        return hmac.digest(self._secret, kind + b"\0" + value, "sha256")[:_SIZE]

    def address(self, value: bytes) -> bytes:
        """Return what stands for a mail address, whatever its case."""
        return self.of(b"address", value.lower())

    def pair(self, sender: bytes, other: bytes) -> bytes:
        """Return what stands for: this sender wrote to that server or domain."""
        return self.of(b"pair", sender.lower() + b"\0" + other.lower())

    def digest(self, *facts: bytes) -> str:
        """Return 64 hexadecimal digits that are the same for the same facts."""
        return hmac.digest(self._secret, b"report\0" + b"\0".join(facts), "sha256").hex()


def untagged(address: bytes) -> bytes | None:
    """Return the plain address under a signed one (prvs and its kin), None if it is not signed."""
    lower = address.lower()
    for shape in _TAGS:
        found = shape.fullmatch(lower)
        if found is not None:
            return b"".join(found.groups())
    return None


def domain_of(address: bytes) -> bytes:
    """Return the domain of a mail address in lower case, empty if it has none."""
    return address.rpartition(b"@")[2].lower() if b"@" in address else b""


def secret_at(path: pathlib.Path) -> bytes:
    """Return the secret kept in a file, made on first use; two processes at once get the same one.

    Raises ValueError if the file is too short to be one.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_hex(32).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(aside, path)  # unlike a rename, this never replaces what another process made
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    secret = path.read_bytes().strip()
    if len(secret) < _SIZE:
        raise ValueError(f"{path} is too short to be a secret; remove it, and the index beside it")
    return secret

"""DNS cookies (RFC 7873), so that an address which can receive our answers can show it.

The server cookie has the layout of RFC 9018 section 4 with keyed BLAKE2s in place of SipHash, which costs
a twentieth in Python (engineering.md, "DNS processes" 5). Its version number is one of those kept for
private use, because version 1 promises SipHash. Mirrors behind one address share the secret.
"""

import dataclasses
import hashlib
import hmac
import struct
from typing import Final

CLIENT_LEN: Final = 8
SHORTEST: Final = 16
LONGEST: Final = 40
_VERSION: Final = 240
_HEAD: Final = struct.Struct(">B3xI")
_HASH_LEN: Final = 8
_WHOLE: Final = CLIENT_LEN + _HEAD.size + _HASH_LEN
_PAST_S: Final = 3600
"""An older cookie is not accepted (RFC 9018 section 4.3)."""
_AHEAD_S: Final = 300
"""How far another mirror's clock may be ahead of ours."""
_SECRET: Final = (16, 32)
_STEP_S: Final = 60


def legal(option: bytes) -> bool:
    """Return whether a COOKIE option has a length that exists: 8, or 16 to 40 (RFC 7873 section 4)."""
    return len(option) == CLIENT_LEN or SHORTEST <= len(option) <= LONGEST


def stamp(now: int) -> int:
    """Return the time that cookies made now carry: the last full minute, so that one can be given often."""
    return now - now % _STEP_S


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """Makes and checks cookies. secrets: 16 to 32 bytes each; the first makes, all are accepted."""

    secrets: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse a secret of a useless length; raises `ValueError`."""
        if not self.secrets or any(not _SECRET[0] <= len(secret) <= _SECRET[1] for secret in self.secrets):
            raise ValueError("a cookie secret has 16 to 32 bytes")

    def reply(self, option: bytes, client: bytes, now: int) -> bytes:
        """Return the cookie for whoever sent `option` (of legal length) from the address `client`."""
        begin = option[:CLIENT_LEN] + _HEAD.pack(_VERSION, now & 0xFFFFFFFF)
        return begin + _digest(self.secrets[0], begin, client)

    def valid(self, option: bytes, client: bytes, now: int) -> bool:
        """Return whether `option` holds a server cookie that we gave to `client` within the hour."""
        if len(option) != _WHOLE or option[CLIENT_LEN] != _VERSION:
            return False
        age = (now - int.from_bytes(option[12:16])) & 0xFFFFFFFF
        if _PAST_S < age < (1 << 32) - _AHEAD_S:
            return False
        begin = option[:SHORTEST]
        return any(
            hmac.compare_digest(_digest(secret, begin, client), option[SHORTEST:]) for secret in self.secrets
        )


def _digest(secret: bytes, begin: bytes, client: bytes) -> bytes:
    return hashlib.blake2s(begin + client, key=secret, digest_size=_HASH_LEN).digest()

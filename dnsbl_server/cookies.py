"""DNS cookies (RFC 7873), so that an address which can receive our answers can show it.

The server cookie has the layout of RFC 9018 section 4 with keyed BLAKE2s in place of SipHash, which costs
a twentieth in Python (engineering.md, "DNS processes" 5). Its version number is one of those kept for
private use, because version 1 promises SipHash. Mirrors behind one address share the secret; where other
makers' servers stand behind it too, the cookies must be theirs: version 1 with SipHash-2-4.
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
_SIPHASH_VERSION: Final = 1
SIPHASH_SECRET: Final = 16
_HEAD: Final = struct.Struct(">B3xI")
_HASH_LEN: Final = 8
_WHOLE: Final = CLIENT_LEN + _HEAD.size + _HASH_LEN
_PAST_S: Final = 3600
"""An older cookie is not accepted (RFC 9018 section 4.3)."""
_AHEAD_S: Final = 300
"""How far another mirror's clock may be ahead of ours."""
_SECRET: Final = (16, 32)
_STEP_S: Final = 60
_WORD: Final = 2**64 - 1


def legal(option: bytes) -> bool:
    """Return whether a COOKIE option has a length that exists: 8, or 16 to 40 (RFC 7873 section 4)."""
    return len(option) == CLIENT_LEN or SHORTEST <= len(option) <= LONGEST


def stamp(now: int) -> int:
    """Return the time that cookies made now carry: the last full minute, so that one can be given often."""
    return now - now % _STEP_S


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """Makes and checks cookies. secrets: 16 to 32 bytes each; the first makes, all are accepted.

    siphash: make those of RFC 9018, whose secrets have 16 bytes.
    """

    secrets: tuple[bytes, ...]
    siphash: bool = False

    def __post_init__(self) -> None:
        """Refuse a secret of a useless length; raises `ValueError`."""
        if not self.secrets or any(not _SECRET[0] <= len(secret) <= _SECRET[1] for secret in self.secrets):
            raise ValueError("a cookie secret has 16 to 32 bytes")
        if self.siphash and any(len(secret) != SIPHASH_SECRET for secret in self.secrets):
            raise ValueError("a secret for SipHash has 16 bytes")

    @property
    def _version(self) -> int:
        return _SIPHASH_VERSION if self.siphash else _VERSION

    def _digest(self, secret: bytes, begin: bytes, client: bytes) -> bytes:
        if self.siphash:
            return siphash(secret, begin + client)
        return hashlib.blake2s(begin + client, key=secret, digest_size=_HASH_LEN).digest()

    def reply(self, option: bytes, client: bytes, now: int) -> bytes:
        """Return the cookie for whoever sent `option` (of legal length) from the address `client`."""
        begin = option[:CLIENT_LEN] + _HEAD.pack(self._version, now & 0xFFFFFFFF)
        return begin + self._digest(self.secrets[0], begin, client)

    def valid(self, option: bytes, client: bytes, now: int) -> bool:
        """Return whether `option` holds a server cookie that we gave to `client` within the hour."""
        if len(option) != _WHOLE or option[CLIENT_LEN] != self._version:
            return False
        age = (now - int.from_bytes(option[12:16])) & 0xFFFFFFFF
        if _PAST_S < age < (1 << 32) - _AHEAD_S:
            return False
        begin = option[:SHORTEST]
        return any(
            hmac.compare_digest(self._digest(secret, begin, client), option[SHORTEST:])
            for secret in self.secrets
        )


def siphash(key: bytes, data: bytes) -> bytes:
    """Return SipHash-2-4 of `data` under 16 bytes of key (Aumasson and Bernstein, 2012)."""
    k0, k1 = struct.unpack("<QQ", key)
    state = (
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    )
    padded = data + bytes(-(len(data) + 1) % 8) + bytes((len(data) & 0xFF,))
    for (word,) in struct.iter_unpack("<Q", padded):
        v0, v1, v2, v3 = state
        v0, v1, v2, v3 = _rounds(v0, v1, v2, v3 ^ word, 2)
        state = v0 ^ word, v1, v2, v3
    v0, v1, v2, v3 = state
    v0, v1, v2, v3 = _rounds(v0, v1, v2 ^ 0xFF, v3, 4)
    return (v0 ^ v1 ^ v2 ^ v3).to_bytes(8, "little")


def _rounds(v0: int, v1: int, v2: int, v3: int, count: int) -> tuple[int, int, int, int]:
    for _ in range(count):
        v0, v2 = v0 + v1 & _WORD, v2 + v3 & _WORD
        v1, v3 = _turned(v1, 13) ^ v0, _turned(v3, 16) ^ v2
        v0, v2 = _turned(v0, 32) + v3 & _WORD, v2 + v1 & _WORD
        v1, v3 = _turned(v1, 17) ^ v2, _turned(v3, 21) ^ v0
        v2 = _turned(v2, 32)
    return v0, v1, v2, v3


def _turned(word: int, by: int) -> int:
    return (word << by | word >> 64 - by) & _WORD

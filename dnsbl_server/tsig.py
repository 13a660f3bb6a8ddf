"""Transaction signatures with hmac-sha256 (RFC 8945): who asks, and that nobody changed the answer. Pure."""

import base64
import binascii
import dataclasses
import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from typing import Final

from dnsbl_server import wire

ALGORITHM: Final = b"\x0bhmac-sha256\0"
FUDGE_S: Final = 300
BADSIG: Final = 16
BADKEY: Final = 17
BADTIME: Final = 18
BADTRUNC: Final = 22
_MAC_LEN: Final = 32
_SHORTEST_MAC: Final = 16
_CLASS_ANY: Final = 255
_SHORTEST_SECRET: Final = 16
_TIMERS: Final = struct.Struct(">HIH")
"""Time signed (48 bits in two parts) and fudge."""
_CLOCKS: Final = 6

Keys = Mapping[bytes, "Key"]
"""By name, on the wire, in lower case."""

_PLAIN: Final = re.compile(r"^\s*([\w.-]+)\s+(?:(hmac-[\w-]+)\s+)?([A-Za-z0-9+/=]+)\s*$")
_BLOCK: Final = re.compile(r'key\s+"?([\w.-]+)"?\s*\{([^}]*)\}\s*;?', re.IGNORECASE)
_ALGORITHM: Final = re.compile(r'algorithm\s+"?([\w.-]+)"?\s*;', re.IGNORECASE)
_SECRET: Final = re.compile(r'secret\s+"?([A-Za-z0-9+/=]+)"?\s*;', re.IGNORECASE)


class KeyFileError(ValueError):
    """A key file cannot be used; the message says where, never what the secret is."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A shared secret. name: on the wire, lower case."""

    name: bytes
    secret: bytes = dataclasses.field(repr=False)

    @property
    def room(self) -> int:
        """How many bytes a signature with this key takes in a message, at most."""
        return len(self.name) + wire.RECORD.size + len(ALGORITHM) + _CLOCKS + 10 + _MAC_LEN + _CLOCKS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A TSIG record as it came. at: where it begins in the message."""

    at: int
    name: bytes
    algorithm: bytes
    time: int
    fudge: int
    mac: bytes
    original_id: int
    error: int
    other: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The finding about a signed message. error: 0, or a TSIG error; key: None when it is unknown."""

    signature: Signature
    error: int
    key: Key | None


def wire_name(text: str) -> bytes:
    """Return a domain name on the wire, in lower case; raises `ValueError` when it is none."""
    labels = [label.encode("ascii") for label in text.lower().rstrip(".").split(".")]
    if any(not 0 < len(label) < 64 for label in labels):  # noqa: PLR2004
        raise ValueError(f"{text!r} is not a domain name")
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def parse_keys(text: str) -> dict[bytes, Key]:
    """Return the keys of a file: lines `NAME [hmac-sha256] BASE64`, or the blocks that tsig-keygen writes.

    Raises `KeyFileError` for anything else, for other algorithms and secrets under 16 bytes.
    """
    found = [
        (name, _first(_ALGORITHM, body) or "hmac-sha256", _first(_SECRET, body) or "")
        for name, body in _BLOCK.findall(text)
    ]
    for number, line in enumerate(_BLOCK.sub("", text).splitlines(), start=1):
        bare = line.partition("#")[0]
        if bare.strip():
            match = _PLAIN.match(bare)
            if match is None:
                raise KeyFileError(f"line {number} is not NAME [hmac-sha256] BASE64, nor a key block")
            found.append((match[1], match[2] or "hmac-sha256", match[3]))
    keys: dict[bytes, Key] = {}
    for name, algorithm, secret in found:
        if algorithm.lower().rstrip(".") != "hmac-sha256":
            raise KeyFileError(f"key {name}: only hmac-sha256 is spoken here, not {algorithm}")
        try:
            decoded = base64.b64decode(secret, validate=True)
            owner = wire_name(name)
        except (binascii.Error, ValueError):
            raise KeyFileError(f"key {name}: the secret is not base64, or the name is no name") from None
        if len(decoded) < _SHORTEST_SECRET:
            raise KeyFileError(f"key {name}: the secret is shorter than {_SHORTEST_SECRET} bytes")
        keys[owner] = Key(name=owner, secret=decoded)
    if not keys:
        raise KeyFileError("there is no key in it")
    return keys


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1] if match else None


def read(data: bytes, at: int) -> Signature:
    """Return the TSIG record at `at`, which is the last of the message; raises `Malformed`."""
    name, after = _name(data, at)
    if after + wire.RECORD.size > len(data):
        raise wire.Malformed
    _, qclass, ttl, length = wire.RECORD.unpack_from(data, after)
    start = after + wire.RECORD.size
    algorithm, here = _name(data, start)
    try:
        high, low, fudge = _TIMERS.unpack_from(data, here)
        (mac_len,) = struct.unpack_from(">H", data, here + 8)
        mac = data[here + 10 : here + 10 + mac_len]
        original, error, other_len = struct.unpack_from(">HHH", data, here + 10 + mac_len)
    except struct.error:
        raise wire.Malformed from None
    end = here + 16 + mac_len + other_len
    if qclass != _CLASS_ANY or ttl or end != start + length or end != len(data):
        raise wire.Malformed
    return Signature(
        at=at, name=name, algorithm=algorithm, time=high << 32 | low, fudge=fudge, mac=mac,
        original_id=original, error=error, other=data[end - other_len : end],
    )  # fmt: skip


def _name(data: bytes, at: int) -> tuple[bytes, int]:
    """Return an uncompressed name in lower case, and where it ends; raises `Malformed`."""
    start = at
    while at < len(data):
        length = data[at]
        if length > 63 or at - start > wire.MAX_NAME:  # noqa: PLR2004
            break
        at += 1 + length
        if not length:
            return data[start:at].lower(), at
    raise wire.Malformed


def check(data: bytes, at: int, keys: Keys, now: int) -> Checked:
    """Return the finding about the signed message `data`; raises `Malformed` (RFC 8945 section 5.2)."""
    found = read(data, at)
    key = keys.get(found.name)
    if key is None or found.algorithm != ALGORITHM:
        return Checked(signature=found, error=BADKEY, key=None)
    if len(found.mac) > _MAC_LEN or len(found.mac) < _SHORTEST_MAC:
        raise wire.Malformed
    plain = found.original_id.to_bytes(2) + data[2:10] + (int.from_bytes(data[10:12]) - 1).to_bytes(2)
    expected = _mac(
        key, plain + data[12:at] + _variables(key, found.time, found.fudge, found.error, found.other)
    )
    if not hmac.compare_digest(expected[: len(found.mac)], found.mac):
        return Checked(signature=found, error=BADSIG, key=None)
    if len(found.mac) < _MAC_LEN:
        return Checked(signature=found, error=BADTRUNC, key=key)
    if abs(now - found.time) > found.fudge:
        return Checked(signature=found, error=BADTIME, key=key)
    return Checked(signature=found, error=0, key=key)


def refused(reply: bytes, checked: Checked, now: int) -> bytes:
    """Return an error reply with its TSIG: unsigned where there is no key to trust, else signed."""
    found = checked.signature
    if checked.key is None:
        body = _record_data(found.time, b"", found.original_id, checked.error, b"", algorithm=found.algorithm)
        return _with(reply, found.name, body)
    other = now.to_bytes(_CLOCKS) if checked.error == BADTIME else b""
    at = found.time if checked.error == BADTIME else now
    return _signed(reply, checked.key, _prefixed(found.mac), at, checked.error, other)[0]


class Signer:
    """Signs the messages of one answer, each chained to the one before it (RFC 8945 section 5.3.1)."""

    def __init__(self, key: Key, request_mac: bytes) -> None:
        self._key = key
        self._before = request_mac
        self._later = False

    @property
    def room(self) -> int:
        """Bytes to leave free in each message."""
        return self._key.room

    def sign(self, message: bytes, now: int) -> bytes:
        """Return `message` with its signature as the last record."""
        if self._later:
            timers = _timers(now, FUDGE_S)
            mac = _mac(self._key, _prefixed(self._before) + message + timers)
            body = _record_data(now, mac, int.from_bytes(message[:2]), 0, b"")
            signed = _with(message, self._key.name, body)
        else:
            prefix = _prefixed(self._before) if self._before else b""
            signed, mac = _signed(message, self._key, prefix, now, 0, b"")
        self._before, self._later = mac, True
        return signed


def _signed(
    message: bytes, key: Key, prefix: bytes, now: int, error: int, other: bytes
) -> tuple[bytes, bytes]:
    mac = _mac(key, prefix + message + _variables(key, now, FUDGE_S, error, other))
    body = _record_data(now, mac, int.from_bytes(message[:2]), error, other)
    return _with(message, key.name, body), mac


def _prefixed(mac: bytes) -> bytes:
    return len(mac).to_bytes(2) + mac


def _timers(now: int, fudge: int) -> bytes:
    return _TIMERS.pack(now >> 32, now & 0xFFFFFFFF, fudge)


def _variables(key: Key, now: int, fudge: int, error: int, other: bytes) -> bytes:
    head = key.name + struct.pack(">HI", _CLASS_ANY, 0) + ALGORITHM + _timers(now, fudge)
    return head + struct.pack(">HH", error, len(other)) + other


def _record_data(
    now: int, mac: bytes, original: int, error: int, other: bytes, *, algorithm: bytes = ALGORITHM
) -> bytes:
    tail = struct.pack(">HHH", original, error, len(other)) + other
    return algorithm + _timers(now, FUDGE_S) + _prefixed(mac) + tail


def _with(message: bytes, name: bytes, body: bytes) -> bytes:
    counted = message[:10] + (int.from_bytes(message[10:12]) + 1).to_bytes(2) + message[12:]
    return counted + name + wire.RECORD.pack(wire.TSIG, _CLASS_ANY, 0, len(body)) + body


def _mac(key: Key, data: bytes) -> bytes:
    return hmac.digest(key.secret, data, hashlib.sha256)

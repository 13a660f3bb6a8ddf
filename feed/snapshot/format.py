"""The snapshot file, version 1: what stands where. This text is the specification.

A snapshot is the whole published list of one zone at one moment: immutable, self-checking, mapped by the
name server and asked with one binary search. All numbers are little-endian. Sizes and reasons were
measured (engineering.md, "Snapshot").

Header, 256 bytes:

    ====== ========= ====================================================================
    offset type      meaning
    ====== ========= ====================================================================
    0      8 bytes   magic ``BSFSNAP1``
    8      u32       header_len, always 4096: where the body begins
    12     u32       flags: bit 0 = special-purpose space may be listed; others are 0
    16     u32       serial, as in the SOA
    20     u32       n_values: records in `values`
    24     u64       created_at, unix seconds; a renewal moves it
    32     u64       refresh_by: older than this is worth a warning
    40     u64       expire_at: after this the list must not be answered from
    48     u64       body_len: bytes from 4096 to the end of the file
    56     8 times 2 u64: offset from the start of the file and count of items of each section
    184    8 bytes   reserved, 0
    192    32 bytes  SHA-256 of the body
    224    32 bytes  SHA-256 of header[0:224]
    ====== ========= ====================================================================

Bytes 256 to 4095 are 0. The body holds the sections in this order, each beginning at the next multiple
of 64, gaps and the end filled up with 0 to a multiple of 64:

    ========== ======= ================================================================
    v4_bound   u32[n]  first address of each interval; [0] = 0, strictly rising
    v4_start   u32[65537] [h] = index of the interval that holds h << 16; [65536] = n - 1
    v4_value   u8[n]   number of a value, 0 = not listed; neighbours differ
    v6_hi      u64[m]  upper half of the first address of each interval
    v6_lo      u64[m]  lower half; (hi, lo) strictly rising from (0, 0)
    v6_value   u8[m]   as v4_value
    values     16 B[k] value 1, 2 … k, in ascending order of (A, unit, text), each in use
    strings    u8[s]   names and texts, see below
    ========== ======= ================================================================

A value record: A record (4 bytes), unit (u8), flags (u8, 0), text_offset (u32, within `strings`),
text_len (u16), pad (u32, 0). `strings` begins with names, each a u16 length and that many bytes: zone,
SOA mname, SOA rname (a domain name), look-up URL (may be empty), then every NS name, then a length of 0.
The texts follow without separators, each once, in ascending order.

Names are ASCII, lower case, without the last dot. Texts are UTF-8; every `$` stands for the address.

Two rules make the bytes canonical: the layout has no freedom, and everything is sorted and merged. So
equal lists have equal bodies and equal body digests, whichever way they were made. IPv4-mapped addresses
(::ffff:0:0/96) follow the IPv4 table and are never listed in the IPv6 one. The test entries of RFC 5782
section 5 are part of the file: 127.0.0.2, and 127.0.0.3 where code 3 may occur; 127.0.0.1 is never listed.
"""

import dataclasses
import ipaddress
import re
import struct
from typing import Final

from feed.domain.address import MAPPED_PREFIX

MAGIC: Final = b"BSFSNAP1"
HEADER: Final = struct.Struct("<8s4I4Q16Q8s32s32s")
VALUE: Final = struct.Struct("<4sBBIHI")
LENGTH: Final = struct.Struct("<H")
BODY_AT: Final = 4096
ALIGN: Final = 64
HASHED_HEADER: Final = 224
STARTS: Final = 65537
SECTION_WIDTHS: Final = (4, 4, 1, 8, 8, 1, 16, 1)
"""Bytes an item, in the order of the sections."""
FLAG_SPECIAL: Final = 1
MAX_VALUES: Final = 255
MAX_SERIAL: Final = 0xFFFFFFFF

REFRESH_S: Final = 900
"""A list not renewed for 15 minutes deserves a warning (DESIGN section 2)."""
EXPIRE_S: Final = 172_800
"""After 48 hours SERVFAIL is more honest than the list; in step with the SOA's expire."""

TEST_CODES: Final = (2, 3)
MAX_TEXT: Final = 255
LONGEST_SUBSTITUTE: Final = 43
"""`xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx/127`: the longest thing that `$` can become."""
MAX_ZONE_WIRE: Final = 255 - 64
"""32 nibble labels of two bytes must fit before the zone (RFC 1035 section 2.3.4)."""
_V4_BITS: Final = 32
_V6_BITS: Final = 128
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


class SnapshotError(Exception):
    """A snapshot is not one that we can serve or write; the message says why in words."""


class SnapshotFormatError(SnapshotError):
    """The bytes are not a version 1 snapshot: magic, sizes, order or reserved bytes are wrong."""


class SnapshotChecksumError(SnapshotError):
    """The header or the body does not hash to its digest."""


class SnapshotContentError(SnapshotError):
    """The list itself may not be published: 127.0.0.1, special-purpose space, a bad text, a clash."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Value:
    """What a listed address answers.

    code: last octet of the A record 127.0.0.code, 2 to 255. unit: prefix width in bits that the text
    names (32 for an IPv4 address, 64 or 128 for IPv6, the width of the network for a listed network).
    text: TXT template, printable, every `$` becomes the address masked to `unit`; at most 255 bytes for
    any address, so that the answer is one character-string (RFC 1035 section 3.3).
    """

    code: int
    unit: int
    text: str

    def __post_init__(self) -> None:
        """Refuse what could never be answered; raises `SnapshotContentError`."""
        if not 2 <= self.code <= 255:  # noqa: PLR2004
            raise SnapshotContentError(f"return code 127.0.0.{self.code} is not one from .2 to .255")
        if not 0 <= self.unit <= _V6_BITS:
            raise SnapshotContentError(f"a unit of {self.unit} bits does not exist")
        if not self.text.isprintable() or not self.text:
            raise SnapshotContentError("the text is empty or has control characters")
        longest = len(self.text.encode()) + self.text.count("$") * (LONGEST_SUBSTITUTE - 1)
        if longest > MAX_TEXT:
            raise SnapshotContentError(f"the text can become {longest} bytes, more than {MAX_TEXT}")

    @property
    def a(self) -> bytes:
        """The four bytes of the A record."""
        return bytes((127, 0, 0, self.code))

    def text_for(self, packed: bytes) -> str:
        """Return the text for the address of 4 or 16 bytes; a mapped IPv6 address is named as IPv4."""
        plain = packed[12:] if len(packed) > 4 and packed.startswith(MAPPED_PREFIX) else packed  # noqa: PLR2004
        return self.text.replace("$", masked_text(plain, self.unit))


def masked_text(packed: bytes, unit: int) -> str:
    """Return the address of 4 or 16 bytes masked to `unit` bits, with "/unit" where that is shorter."""
    bits = len(packed) * 8
    if unit >= bits:
        return str(ipaddress.ip_address(packed))
    masked = int.from_bytes(packed) >> (bits - unit) << (bits - unit)
    return f"{ipaddress.ip_address(masked.to_bytes(len(packed)))}/{unit}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Everything about a snapshot but its entries; all that the name server needs to know of the zone.

    zone: apex. serial: of the SOA. created_at, refresh_by, expire_at: unix seconds. mname, rname: of the
    SOA; rname may be given as a mail address. ns: names of the name servers, none of them inside the
    zone, since we hold no address records for them. lookup_url: where a person looks an address up, `$`
    for the address, or "" where there is no such page; the test entries name it. allow_special:
    special-purpose addresses may be listed. Raises `SnapshotContentError` for names and times that
    make no zone.
    """

    zone: str
    serial: int
    created_at: int
    refresh_by: int
    expire_at: int
    mname: str
    rname: str
    ns: tuple[str, ...]
    lookup_url: str
    allow_special: bool = False

    def __post_init__(self) -> None:
        """Bring names to their one form, then refuse what makes no zone."""
        for field in ("zone", "mname", "rname"):
            object.__setattr__(self, field, _plain_name(getattr(self, field), field))
        object.__setattr__(self, "ns", tuple(sorted({_plain_name(name, "ns") for name in self.ns})))
        if wire_length(self.zone) > MAX_ZONE_WIRE:
            raise SnapshotContentError("the zone name is too long: IPv6 names would not fit before it")
        if not self.ns:
            raise SnapshotContentError("a zone needs at least one name server")
        inside = [name for name in self.ns if name == self.zone or name.endswith("." + self.zone)]
        if inside:
            raise SnapshotContentError(
                f"the name server {inside[0]} is inside the zone, which holds no address for it"
            )
        if not 0 < self.serial <= MAX_SERIAL:
            raise SnapshotContentError(f"the serial {self.serial} is not a number from 1 to {MAX_SERIAL}")
        if not 0 <= self.created_at <= self.refresh_by <= self.expire_at < 1 << 63:
            raise SnapshotContentError("created, refresh and expire times are not in this order")
        if self.lookup_url and not self.lookup_url.startswith(("http://", "https://")):
            raise SnapshotContentError("the look-up URL does not begin with http:// or https://")
        self.test_entry(TEST_CODES[0])

    def test_entry(self, code: int) -> Value:
        """Return what the test entry 127.0.0.code answers; raises when the look-up URL is too long for it."""
        text = f"Test entry, see {self.lookup_url}" if self.lookup_url else "Test entry: $"
        return Value(code=code, unit=32, text=text)


def _plain_name(name: str, what: str) -> str:
    """Return a domain name in lower case without its last dot; an @ becomes a dot (RFC 1035 section 8)."""
    plain = name.removesuffix(".").lower()
    if what == "rname":
        plain = plain.replace("@", ".", 1)
    if not _NAME.fullmatch(plain) or wire_length(plain) > 255:  # noqa: PLR2004
        raise SnapshotContentError(f"{what} {name!r} is not a domain name")
    return plain


def wire_length(name: str) -> int:
    """Return how many bytes a plain domain name takes on the wire."""
    return len(name) + 2


def aligned(position: int) -> int:
    """Return the next multiple of 64."""
    return -(-position // ALIGN) * ALIGN


def layout(counts: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """Return where the eight sections with these item counts begin, and the length of the body."""
    offsets = []
    position = BODY_AT
    for width, count in zip(SECTION_WIDTHS, counts, strict=True):
        offsets.append(position)
        position = aligned(position + width * count)
    return tuple(offsets), position - BODY_AT

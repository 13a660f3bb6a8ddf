"""Addresses: one canonical form, what may be listed, and the keys under which evidence is kept.

`canonical` unwraps every form that carries an IPv4 address inside an IPv6 one, so that one emitter has
one address whatever the reporter's software writes (evidence.md 3.3).
"""

import functools
import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED_PREFIX: Final = bytes(10) + b"\xff\xff"
LONGEST_TEXT: Final = 64
"""No spelling of an address is longer: brackets, `IPv6:` and 45 characters. More is refused unread."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")

# Special-purpose space by the IANA registries (RFC 6890 and later). Python's `is_global` alone is not
# enough: it calls multicast, 6to4 and NAT64 addresses global (measured in 3.11).
_SPECIAL_V4: Final = tuple(
    (ipaddress.IPv4Network(text), why)
    for text, why in (
        ("0.0.0.0/8", "this network (RFC 791)"),
        ("10.0.0.0/8", "private use (RFC 1918)"),
        ("100.64.0.0/10", "shared address space of providers (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("169.254.0.0/16", "link local (RFC 3927)"),
        ("172.16.0.0/12", "private use (RFC 1918)"),
        ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("192.88.99.0/24", "6to4 relay anycast (RFC 7526)"),
        ("192.168.0.0/16", "private use (RFC 1918)"),
        ("198.18.0.0/15", "benchmarking (RFC 2544)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
    )
)
_SPECIAL_V6: Final = tuple(
    (ipaddress.IPv6Network(text), why)
    for text, why in (
        ("::/96", "unspecified, loopback or IPv4-compatible (RFC 4291)"),
        ("::ffff:0:0/96", "IPv4-mapped (RFC 4291)"),
        ("64:ff9b::/96", "NAT64 (RFC 6052)"),
        ("64:ff9b:1::/48", "local NAT64 (RFC 8215)"),
        ("100::/64", "discard only (RFC 6666)"),
        ("2001::/23", "protocol assignments (RFC 2928)"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("2002::/16", "6to4 (RFC 3056)"),
        ("3fff::/20", "documentation (RFC 9637)"),
        ("5f00::/16", "segment routing (RFC 9602)"),
        ("fc00::/7", "private use (RFC 4193)"),
        ("fe80::/10", "link local (RFC 4291)"),
        ("fec0::/10", "site local (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
    )
)
_GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
_TRIAL: Final = ("benchmarking", "documentation", "private use", "shared")
"""Beginnings of the reasons for space that real machines have, if not on the public Internet."""


_REMEMBERED: Final = 8192
"""Answers that are kept: reports come in crowds about the same emitters."""


class AddressError(ValueError):
    """A text is not an address that we can work with; the message says why, in words for a person."""


def canonical(address: Address) -> Address:
    """Return the address inside an IPv4-mapped, 6to4, NAT64 or IPv4-compatible one, else `address`.

    `::` and `::1` stay what they are: they are IPv6's own unspecified and loopback addresses.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (address in _V4_COMPATIBLE and int(address) >> 16):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@functools.lru_cache(maxsize=_REMEMBERED)
def parse_address(text: str) -> Address:
    """Return the canonical address that `text` spells.

    Takes what people and mail software write: surrounding space, brackets, an `IPv6:` tag, upper case,
    any legal IPv6 abbreviation, IPv4-mapped forms. Raises `AddressError` for anything else; a scope id
    (`fe80::1%eth0`) is refused, since it means nothing outside the machine that wrote it.
    """
    if len(text) > LONGEST_TEXT:
        raise AddressError("this is too long to be an IP address")
    bare = text.strip()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    if bare[:5].lower() == "ipv6:":
        bare = bare[5:]
    if not bare:
        raise AddressError("no address was given")
    if "%" in bare:
        raise AddressError("an address with a scope id (%) is meaningful on one machine only")
    if "/" in bare:
        raise AddressError("one address is needed, not a network")
    if not bare.isascii():
        raise AddressError("an IP address has ASCII characters only")
    try:
        return canonical(ipaddress.ip_address(bare))
    except ValueError:
        raise AddressError("this is neither an IPv4 nor an IPv6 address") from None


def special_purpose(address: Address, *, trial: bool = False) -> str | None:
    """Return why `address` can never be an emitter on the public Internet, or None if it can.

    Judges the canonical form; everything outside 2000::/3 is refused for IPv6. trial: documentation,
    private and shared space is taken too, for zones under `.test`; loopback, multicast and the like never.
    """
    why = _special(canonical(address))
    return None if trial and why is not None and why.startswith(_TRIAL) else why


@functools.lru_cache(maxsize=_REMEMBERED)
def _special(plain: Address) -> str | None:
    if isinstance(plain, ipaddress.IPv4Address):
        return next((why for network, why in _SPECIAL_V4 if plain in network), None)
    known = next((why for network, why in _SPECIAL_V6 if plain in network), None)
    if known is None and plain not in _GLOBAL_V6:
        return "not global unicast (RFC 4291)"
    return known


def overlaps_special(network: Network) -> str | None:
    """Return why some address of `network` is special-purpose, or None if all are ordinary."""
    if isinstance(network, ipaddress.IPv4Network):
        return next((why for special, why in _SPECIAL_V4 if network.overlaps(special)), None)
    known = next((why for special, why in _SPECIAL_V6 if network.overlaps(special)), None)
    if known is None and not network.subnet_of(_GLOBAL_V6):
        return "not global unicast (RFC 4291)"
    return known


def packed(address: Address) -> bytes:
    """Return 16 bytes: an IPv6 address as it is, an IPv4 one as ::ffff:a.b.c.d."""
    plain = canonical(address)
    return plain.packed if plain.version == 6 else MAPPED_PREFIX + plain.packed  # noqa: PLR2004


def unpacked(data: bytes) -> Address:
    """Return the address of 16 bytes as made by `packed`."""
    return canonical(ipaddress.IPv6Address(data))


def emitter_key(address: Address) -> bytes:
    """Return the 16 bytes under which evidence is summed: IPv4 by address, IPv6 by its /64."""
    data = packed(address)
    return data if data.startswith(MAPPED_PREFIX) else data[:8] + bytes(8)


def neighbourhood(key: bytes) -> bytes:
    """Return what all emitter keys of one routed network begin with: of an IPv4 /24, or of an IPv6 /48."""
    return key[:15] if key.startswith(MAPPED_PREFIX) else key[:6]


def network_of(address: Address, prefix: int) -> Network:
    """Return the network of `prefix` bits that holds `address`."""
    return ipaddress.ip_network((address, prefix), strict=False)


def reverse_name(address: Address) -> str:
    """Return the DNSBL label sequence of `address` (RFC 5782 sections 2.1 and 2.4), without a zone."""
    plain = canonical(address)
    if isinstance(plain, ipaddress.IPv4Address):
        return ".".join(reversed(str(plain).split(".")))
    return ".".join(reversed(plain.exploded.replace(":", "")))


def parse_network(text: str) -> Network:
    """Return the network that `text` spells: a CIDR, or one address as /32 or /128.

    Raises `AddressError` also when host bits are set, since such a line is nearly always a slip.
    """
    bare = text.strip()
    if "/" not in bare:
        return ipaddress.ip_network(parse_address(bare))
    if len(bare) > LONGEST_TEXT or not bare.isascii():
        raise AddressError("this is neither an address nor a network")
    try:
        network = ipaddress.ip_network(bare)
    except ValueError as problem:
        if "host bits" in str(problem):
            raise AddressError("the network has host bits set") from None
        raise AddressError("this is neither an address nor a network") from None
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:  # noqa: PLR2004
        inner = network.network_address.ipv4_mapped
        if inner is not None:
            return ipaddress.ip_network((inner, network.prefixlen - 96))
    return network


def special_ranges(version: int) -> tuple[tuple[int, int, str], ...]:
    """Return (first, last, why) of all that `overlaps_special` refuses, for checks of whole tables.

    version: 4 or 6. Ranges may overlap; for IPv6 the space outside 2000::/3 comes as two ranges.
    """
    networks = _SPECIAL_V4 if version == 4 else _SPECIAL_V6  # noqa: PLR2004
    named = tuple((int(net.network_address), int(net.broadcast_address), why) for net, why in networks)
    if version == 4:  # noqa: PLR2004
        return named
    first, last = int(_GLOBAL_V6.network_address), int(_GLOBAL_V6.broadcast_address)
    outside = "not global unicast (RFC 4291)"
    return (*named, (0, first - 1, outside), (last + 1, 2**128 - 1, outside))

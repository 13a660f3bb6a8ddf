"""Reading rbldnsd's data files (ip4set, ip4trie, ip6trie), so that a list kept for it can be served by us.

What the entries say is kept: ranges in every spelling of its manual, exclusions, values and templates with
`$`, `$0` to `$9` and `$=`. What the name server is told beside them (`$SOA`, `$NS`, `$TTL`, `$TIMESTAMP`,
`$MAXRANGE4`) comes from our own settings and is passed over, which the caller is told. Two things differ on
purpose: addresses outside 127.0.0.2 to 127.0.0.255 as A record are refused, and texts of more than 255
bytes are refused where rbldnsd cuts them.
"""

import dataclasses
import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final

from feed.snapshot.format import SnapshotContentError, Value
from feed.snapshot.static import blocks
from feed.snapshot.writer import PackedEntry

FORMATS: Final = ("rbldnsd-ip4set", "rbldnsd-ip4trie", "rbldnsd-ip6trie")
_DEFAULT: Final = ("127.0.0.2", "")
_DIRECTIVE: Final = re.compile(r"[#;:]?\$(.*)")
_OCTETS: Final = 4
_WORDS: Final = 8
_PLACEHOLDER: Final = "\0"


class RbldnsdError(ValueError):
    """A line cannot be read; the message says which and why."""


@dataclasses.dataclass(slots=True)
class PassedOver:
    """Directives that were read and do nothing here, by name, with the line of the first of each."""

    lines: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class _Scope:
    a: str = _DEFAULT[0]
    text: str = _DEFAULT[1]
    variables: dict[str, str] = dataclasses.field(default_factory=dict)
    template: str = ""


def read(
    lines: Iterable[str], kind: str, *, fallback: str, passed_over: PassedOver | None = None
) -> Iterator[PackedEntry]:
    """Yield the entries of a data file, exclusions as None, to be given to `writer.build_packed`.

    kind: one of `FORMATS`. fallback: text of entries that have none, where rbldnsd gives no TXT at all.
    In a trie the longest prefix wins, and so it does in a snapshot; of a network that is there twice the
    first line counts, as with rbldnsd. An ip4set knows whole octets only: other
    ranges are taken apart into such, and an exclusion wins over an entry of the same size. Raises
    `RbldnsdError` at the first line that cannot be read.
    """
    entries = _read(lines, kind, fallback, passed_over or PassedOver())
    if kind != "rbldnsd-ip4set":
        seen: set[tuple[bytes, int]] = set()
        for address, width, value in entries:
            if (address, width) not in seen:
                seen.add((address, width))
                yield address, width, value
        return
    units: dict[tuple[bytes, int], Value | None] = {}
    for address, width, value in entries:
        size = -(-max(width, 1) // 8) * 8
        first = int.from_bytes(address)
        for at in range(first, first + (1 << (32 - width)), 1 << (32 - size)):
            key = at.to_bytes(4), size
            before = units.get(key, value)
            if before is not None and value is not None and before != value:
                raise RbldnsdError(f"{'.'.join(map(str, key[0]))}/{size} is listed with two values")
            units[key] = None if before is None else value
    for (packed, size), value in units.items():
        yield packed, size, value


def _read(lines: Iterable[str], kind: str, fallback: str, passed_over: PassedOver) -> Iterator[PackedEntry]:
    scope = _Scope()
    values: dict[tuple[str, str, int], Value] = {}
    for number, line in enumerate(lines, start=1):
        bare = line.strip()
        try:
            directive = _DIRECTIVE.fullmatch(bare)
            if directive:
                _direct(directive[1], scope, passed_over, number)
            elif bare.startswith(":"):
                scope.a, scope.text = _pair(bare, scope)
            elif bare and bare[0] not in "#;":
                yield from _entry(bare, kind, scope, values, fallback)
        except (ValueError, SnapshotContentError) as problem:
            raise RbldnsdError(f"line {number}: {problem}") from None


def _direct(text: str, scope: _Scope, passed_over: PassedOver, number: int) -> None:
    word, _, rest = text.partition(" ")
    if len(word) == 1 and word.isdigit():
        scope.variables[word] = rest.strip()
    elif word == "=":
        scope.template = rest.strip()
    elif word.upper() in ("SOA", "NS", "TTL", "TIMESTAMP", "MAXRANGE4"):
        passed_over.lines.setdefault("$" + word.upper(), number)
    else:
        raise ValueError(f"${word} is no directive that is known here")


def _pair(text: str, scope: _Scope) -> tuple[str, str]:
    """Return A record and text template of `:A:text`, `:A` or a text alone."""
    if not text.startswith(":"):
        return scope.a, text
    a, _, template = text[1:].partition(":")
    a = a.strip()
    if a.isascii() and a.isdecimal():
        a = "127.0.0." + a
    return a or scope.a, template.strip()


def _entry(
    line: str, kind: str, scope: _Scope, values: dict[tuple[str, str, int], Value], fallback: str
) -> Iterator[PackedEntry]:
    excluded = line.startswith("!")
    words = line.removeprefix("!").lstrip().split(None, 1)
    rest = words[1].strip() if len(words) > 1 else ""
    if rest[:1] in ("#", ";"):
        rest = ""
    if kind == "rbldnsd-ip6trie":
        ranges, bits = [_v6(words[0])], 128
    else:
        ranges, bits = [_v4(words[0], trie=kind == "rbldnsd-ip4trie")], 32
    for first, last in ranges:
        for at, width in blocks(first, last, bits):
            value = None if excluded else _value(rest, bits, scope, values, fallback)
            yield at.to_bytes(bits // 8), width, value


def _value(
    rest: str, bits: int, scope: _Scope, values: dict[tuple[str, str, int], Value], fallback: str
) -> Value:
    a, own = _pair(rest, scope) if rest else (scope.a, scope.text)
    text = own
    if scope.template and rest:
        text = scope.template.replace("$=", own)
    key = (a, text, bits)
    if key not in values:
        plain = _expanded(text, scope.variables) or fallback
        if not a.startswith("127.0.0.") or not a[8:].isdecimal():
            raise ValueError(f"{a} is not an A record from 127.0.0.2 to 127.0.0.255")
        values[key] = Value(code=int(a[8:]), unit=bits, text=plain)
    return values[key]


def _expanded(text: str, variables: dict[str, str]) -> str:
    """Return the text with its variables; `$` stays the address, `$$` becomes a dollar sign or is refused."""
    marked = text.replace("$$", _PLACEHOLDER)
    marked = re.sub(r"\$(\d)", lambda match: variables.get(match[1], ""), marked)
    if _PLACEHOLDER in marked:
        raise ValueError("a text with $$, a dollar sign, cannot be kept: every $ is the address here")
    return marked


def _v4(text: str, *, trie: bool) -> tuple[int, int]:
    """Return first and last address of an address, prefix, CIDR or range, spelled short or whole."""
    begin, dash, end = text.partition("-")
    if dash and trie:
        raise ValueError(f"{text!r}: an ip4trie has no ranges with a hyphen")
    first, width = _v4_prefix(begin)
    if not dash:
        return first, first | (1 << (32 - width)) - 1
    parts = begin.split(".")
    if "." not in end and len(parts) > 1:
        end = ".".join((*parts[:-1], end))
    last, last_width = _v4_prefix(end)
    last |= (1 << (32 - last_width)) - 1
    if last < first:
        raise ValueError(f"{text!r}: the range ends before it begins")
    return first, last


def _v4_prefix(text: str) -> tuple[int, int]:
    """Return address and width of 127.16, 127.16/12 or 127.16.0.1."""
    plain, slash, bits = text.partition("/")
    parts = plain.split(".")
    if not 1 <= len(parts) <= _OCTETS or any(not _is_octet(part) for part in parts):
        raise ValueError(f"{text!r} is not an IPv4 address, prefix or range")
    number = int.from_bytes(bytes((*map(int, parts), *bytes(_OCTETS - len(parts)))))
    width = 8 * len(parts)
    if slash:
        if not (bits.isascii() and bits.isdecimal() and int(bits) <= 32):  # noqa: PLR2004
            raise ValueError(f"{text!r}: the prefix width is not a number from 0 to 32")
        width = int(bits)
    if number & ((1 << (32 - width)) - 1):
        raise ValueError(f"{text!r} has host bits set")
    return number, width


def _is_octet(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 255  # noqa: PLR2004


def _v6(text: str) -> tuple[int, int]:
    """Return first and last address of 2001:db8/32, 2001:db8:1:2 (a /64) or a whole address."""
    plain, slash, bits = text.partition("/")
    width = 128
    if "::" not in plain:
        words = plain.split(":")
        if len(words) < _WORDS:
            width = 16 * len(words)
            plain = ":".join((*words, *("0" for _ in range(_WORDS - len(words)))))
    if slash:
        if not (bits.isascii() and bits.isdecimal() and int(bits) <= 128):  # noqa: PLR2004
            raise ValueError(f"{text!r}: the prefix width is not a number from 0 to 128")
        width = int(bits)
    try:
        network = ipaddress.IPv6Network((plain, width))
    except ValueError:
        raise ValueError(f"{text!r} is not an IPv6 address or network, or has host bits set") from None
    return int(network.network_address), int(network.broadcast_address)

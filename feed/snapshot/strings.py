"""The last two sections of a snapshot: names, texts, and the values that point to them."""

from collections.abc import Iterator
from typing import Final

from feed.snapshot.format import FLAG_SPECIAL, LENGTH, VALUE, Meta, SnapshotFormatError, Value
from feed.snapshot.header import Header

_FIXED_NAMES: Final = 4
"""Zone, mname, rname and look-up URL come before the NS names, however empty."""


def names_in(strings: memoryview) -> tuple[list[str], int]:
    """Return the names at the beginning of the strings, and where the texts begin."""
    names: list[str] = []
    at = 0
    while True:
        if at + LENGTH.size > len(strings):
            raise SnapshotFormatError("the names do not end")
        (length,) = LENGTH.unpack_from(strings, at)
        at += LENGTH.size
        if not length and len(names) >= _FIXED_NAMES:
            return names, at
        names.append(_text(strings, at, length))
        at += length


def _text(strings: memoryview, at: int, length: int) -> str:
    if at + length > len(strings):
        raise SnapshotFormatError("a text lies outside the strings")
    try:
        return str(strings[at : at + length], "utf-8")
    except UnicodeDecodeError:
        raise SnapshotFormatError("a text is not UTF-8") from None


def meta_of(header: Header, names: list[str]) -> Meta:
    """Return what header and names say of the zone."""
    zone, mname, rname, lookup_url, *ns = names
    return Meta(
        zone=zone,
        serial=header.serial,
        created_at=header.times[0],
        refresh_by=header.times[1],
        expire_at=header.times[2],
        mname=mname,
        rname=rname,
        ns=tuple(ns),
        lookup_url=lookup_url,
        allow_special=bool(header.flags & FLAG_SPECIAL),
    )


def values_in(records: memoryview, strings: memoryview, text_base: int) -> Iterator[Value]:
    """Yield the values of the records, whose texts begin behind the names."""
    for a, unit, flags, offset, length, pad in VALUE.iter_unpack(records):
        if a[:3] != b"\x7f\0\0" or flags or pad or offset < text_base:
            raise SnapshotFormatError("a value record uses something that this version does not know")
        yield Value(code=a[3], unit=unit, text=_text(strings, offset, length))


def pack_strings(meta: Meta, values: tuple[Value | None, ...]) -> tuple[bytes, dict[str, int]]:
    """Return the strings section, and where each text begins in it."""
    names = (meta.zone, meta.mname, meta.rname, meta.lookup_url, *meta.ns)
    encoded = [name.encode() for name in names]
    section = bytearray(b"".join(LENGTH.pack(len(name)) + name for name in encoded) + LENGTH.pack(0))
    offsets = {}
    for text in sorted({value.text for value in values if value}):
        offsets[text] = len(section)
        section += text.encode()
    return bytes(section), offsets

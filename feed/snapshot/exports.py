"""Feed files of one snapshot, for those who do not ask DNS: the same listings in formats that others read.

Every writer is a generator of lines without end of line, in the order of addresses, and depends on the
snapshot alone: equal snapshots give equal bytes, so that rsync and ETags work. Times are those of the list
(serial, refresh, expire), never of the writing. The order of lines never depends on how the list was made.
"""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from feed.snapshot.delta import changes
from feed.snapshot.format import Value
from feed.snapshot.reader import Range, Snapshot
from feed.snapshot.static import blocks, network_text, owners

TTL: Final = 300
REFRESH_S: Final = 300
RETRY_S: Final = 60
EXPIRE_S: Final = 172_800
MINIMUM_S: Final = 120
_BITS: Final = {4: 32, 6: 128}

Writer = Callable[[Snapshot], Iterator[str]]


def plain(snapshot: Snapshot, version: int) -> Iterator[str]:
    """Yield comments about the list, then one address or CIDR a line; test entries are left out.

    Comments stand on lines of their own and say how many lines follow: importers check it (ux-ecosystem.md
    B15).
    """
    meta = snapshot.meta
    wanted = [
        network_text(version, first, width)
        for run, first, width in _networks(snapshot)
        if run.version == version and not _is_test(run)
    ]
    yield f"# {meta.zone}, IPv{version}, serial {meta.serial}, do not use after {meta.expire_at} (unix time)"
    yield f"# entries: {len(wanted)}"
    yield from wanted


def csv_lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield `network,code,text,expires` with a line of names; test entries are left out.

    expires: unix time after which the whole list must not be used. It stands on every line, since rows are
    cut out of files of this kind, and comments break their readers.
    """
    yield "network,code,text,expires"
    expires = snapshot.meta.expire_at
    for run, first, width in _networks(snapshot):
        if not _is_test(run):
            line = io.StringIO()
            network = network_text(run.version, first, width)
            row = (network, run.value.code, _text(run, first, width), expires)
            csv.writer(line, lineterminator="").writerow(row)
            yield line.getvalue()


def jsonl(snapshot: Snapshot) -> Iterator[str]:
    """Yield an object a network, and as the last line the metadata, which shows that the file is whole."""
    count = 0
    for run, first, width in _networks(snapshot):
        if not _is_test(run):
            count += 1
            network = network_text(run.version, first, width)
            yield _json({"network": network, "code": run.value.code, "text": _text(run, first, width)})
    meta = snapshot.meta
    yield _json(
        {
            "type": "metadata",
            "zone": meta.zone,
            "serial": meta.serial,
            "refresh": meta.refresh_by,
            "expire": meta.expire_at,
            "records": count,
            "sha256": snapshot.body_digest.hex(),
        }
    )


def rbldnsd(snapshot: Snapshot, version: int) -> Iterator[str]:
    """Yield a data file for rbldnsd's ip4trie (4) or ip6trie (6).

    The IPv6 one holds the mapped test entries, since rbldnsd looks mapped names up in IPv4 sets only where
    it serves one in the same zone. `$` is the address asked for, as with us, where the unit is one address;
    wider units are named by their network, in entries of that size. `$TIMESTAMP` makes rbldnsd refuse to
    answer from a file that is too old; it reads it as UTC.
    """
    meta = snapshot.meta
    rname = meta.rname
    yield f"$SOA {TTL} {meta.mname}. {rname}. {meta.serial} {REFRESH_S} {RETRY_S} {EXPIRE_S} {MINIMUM_S}"
    yield f"$NS {TTL} " + " ".join(f"{name}." for name in meta.ns)
    yield f"$TTL {TTL}"
    yield f"$TIMESTAMP - {dt.datetime.fromtimestamp(meta.expire_at, dt.UTC):%Y:%m:%d:%H:%M:%S}"
    for run, first, width in _networks(snapshot):
        if run.version != version:
            if version == 6 and _is_test(run):  # noqa: PLR2004
                mapped = f"::ffff:{first >> 16 & 0xFFFF:x}:{first & 0xFFFF:x}"
                yield f"{mapped} {_rbldnsd_value(run, first, width)}"
        elif run.value.unit <= width or "$" not in run.value.text or run.value.unit >= _BITS[version]:
            yield f"{network_text(version, first, width)} {_rbldnsd_value(run, first, width)}"
        elif run.value.unit - width <= 16:  # noqa: PLR2004
            step = 1 << (_BITS[version] - run.value.unit)
            for at in range(first, first + (1 << (_BITS[version] - width)), step):
                yield f"{network_text(version, at, run.value.unit)} {_rbldnsd_value(run, at, run.value.unit)}"
        else:
            yield f"{network_text(version, first, width)} {_rbldnsd_value(run, first, width)}"


def _rbldnsd_value(run: Range, first: int, width: int) -> str:
    value = run.value
    text = value.text if value.unit >= _BITS[run.version] else _text(run, first, width)
    return f":{value.a[0]}.{value.a[1]}.{value.a[2]}.{value.a[3]}:{text}"


def bind(snapshot: Snapshot) -> Iterator[str]:
    """Yield a zone file (RFC 1035 section 5) with what AXFR gives: wildcards over whole octets or nibbles."""
    meta = snapshot.meta
    yield f"; do not use after {meta.expire_at} (unix time)"
    yield f"$ORIGIN {meta.zone}."
    yield f"$TTL {TTL}"
    times = f"{meta.serial} {REFRESH_S} {RETRY_S} {EXPIRE_S} {MINIMUM_S}"
    yield f"@ SOA {meta.mname}. {meta.rname}. {times}"
    for name in meta.ns:
        yield f"@ NS {name}."
    for run in snapshot.ranges():
        for owner in owners(run):
            a = ".".join(map(str, owner.value.a))
            yield f"{owner.name} A {a}"
            yield f"{owner.name} TXT {_quoted(owner.text)}"


FORMATS: Final[Mapping[str, tuple[str, Writer]]] = {
    "rbldnsd-ip4trie": ("ip4trie.rbldnsd", lambda snapshot: rbldnsd(snapshot, 4)),
    "rbldnsd-ip6trie": ("ip6trie.rbldnsd", lambda snapshot: rbldnsd(snapshot, 6)),
    "bind": ("zone", bind),
    "plain-v4": ("v4.txt", lambda snapshot: plain(snapshot, 4)),
    "plain-v6": ("v6.txt", lambda snapshot: plain(snapshot, 6)),
    "csv": ("csv", csv_lines),
    "jsonl": ("jsonl", jsonl),
}
"""Name of each format: how its files end, and its writer."""


def _networks(snapshot: Snapshot) -> Iterator[tuple[Range, int, int]]:
    for run in snapshot.ranges():
        for first, width in blocks(run.first, run.last, _BITS[run.version]):
            yield run, first, width


def _is_test(run: Range) -> bool:
    return run.version == 4 and run.first >> 8 == 0x7F0000 and run.first & 0xFF in (2, 3)  # noqa: PLR2004


def _text(run: Range, first: int, width: int) -> str:
    packed = first.to_bytes(_BITS[run.version] // 8)
    unit = min(run.value.unit, width)
    value = run.value
    return Value(code=value.code, unit=unit, text=value.text).text_for(packed)


def _json(row: Mapping[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _quoted(text: str) -> str:
    r"""Return a character-string for a zone file: ASCII as it is, other bytes as \\DDD."""
    escaped = "".join(
        chr(byte)
        if 0x20 <= byte < 0x7F and byte not in b'"\\'  # noqa: PLR2004
        else f"\\{byte:03d}"
        for byte in text.encode()
    )
    return f'"{escaped}"'


def delta(old: Snapshot, new: Snapshot) -> Iterator[str]:
    """Yield what leads from one list to a later one: an object a network, metadata last.

    A consumer takes off every network with `"change":"left"` and then adds every one with `"came"`.
    """
    count = 0
    for word, wanted in (("left", False), ("came", True)):
        for change in changes(old, new):
            if change.added != wanted or _is_test(change.range):
                continue
            run = change.range
            for first, width in blocks(run.first, run.last, _BITS[run.version]):
                count += 1
                network = network_text(run.version, first, width)
                row: dict[str, object] = {"change": word, "network": network}
                if wanted:
                    row |= {"code": run.value.code, "text": _text(run, first, width)}
                yield _json(row)
    meta = new.meta
    yield _json(
        {
            "type": "metadata",
            "zone": meta.zone,
            "from_serial": old.serial,
            "serial": meta.serial,
            "refresh": meta.refresh_by,
            "expire": meta.expire_at,
            "records": count,
            "sha256": new.body_digest.hex(),
        }
    )

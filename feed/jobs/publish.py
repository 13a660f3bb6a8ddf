"""Publication: what is listed becomes a snapshot file for each zone, through the gates.

Gates and the operator's freeze hold additions only. What ended by removal, exemption, expiry or VOID
always leaves (DESIGN section 6): a flood that trips a gate must not keep an innocent listed.
"""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from sqlalchemy.engine import Connection

from feed.domain.address import MAPPED_PREFIX, emitter_key, special_purpose, unpacked
from feed.domain.listing import Code
from feed.jobs.frozen import before_freeze
from feed.jobs.gate import Entries, Gated, gate
from feed.settings import PublishSettings
from feed.snapshot import writer
from feed.snapshot.format import EXPIRE_S, REFRESH_S, Meta, SnapshotError, Value
from feed.snapshot.reader import Snapshot
from feed.store import controls, exemptions, manual, publications, states
from feed.store.controls import Control
from feed.store.database import Database, file_lock
from feed.store.publications import Publication

FREEZE: Final = "freeze"
"""Name of the operator's switch: nothing is added while it is `on`."""

RELEASE: Final = "release"
"""Name of the operator's switch: the growth gate lets additions out once."""

RENEW_S: Final = 60
"""How often the header of an unchanged list is renewed, so that its age says that we live."""

_LOOPBACK: Final = 127
_V4_UNIT: Final = 32
_SECONDS_A_DAY: Final = 86_400
_SECONDS_A_MINUTE: Final = 60


class PublishError(Exception):
    """A zone cannot be published; the last good file is still there."""


def publish(database: Database, settings: PublishSettings, *, now: int) -> list[Publication]:
    """Publish both zones from one reading of the database and return what is served; `now` in seconds.

    Raises `PublishError` when a file cannot be written; the last good one is still there then.
    """
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise PublishError(f"cannot make {settings.folder}: {problem.strerror}") from None
    with file_lock(settings.folder / ".lock", wait_s=30):
        served = {zone: _last(path, zone) for zone, path in settings.files.items()}
        with database.read() as connection:
            generation = controls.generation(connection)
            kept = {zone: publications.last(connection, zone) for zone in settings.files}
            same = _unchanged(settings, served, kept, generation)
            if _exemption_ran_out(connection, same, now=now):
                same = []
            before = {} if same else {zone: _entries(snapshot) for zone, snapshot in served.items()}
            gates = {} if same else _gates(connection, settings, kept, before, now=now)
        published = [_renewed(settings.files[zone], last, snapshot, now=now) for zone, last, snapshot in same]
        published += [
            _zone(settings, zone, gated, before[zone], served[zone], kept[zone], generation, now=now)
            for zone, gated in gates.items()
        ]
        with database.write() as connection:
            for one in published:
                publications.put(connection, one)
            if gates and controls.is_on(connection, RELEASE):
                controls.put(
                    connection, RELEASE, Control(value="off", reason="done", author="publish", set_at=now)
                )
        return published


def _unchanged(
    settings: PublishSettings,
    served: Mapping[str, Snapshot | None],
    kept: Mapping[str, Publication | None],
    generation: int,
) -> list[tuple[str, Publication, Snapshot]]:
    """Return (zone, publication, file) of both zones if nothing changed since, else nothing.

    An idle tick costs two small files read and verified, whatever the length of the list.
    """
    same = []
    for zone, snapshot in served.items():
        last = kept[zone]
        if snapshot is None or last is None or last.alarm is not None or last.held_n:
            return []
        wanted = _meta(settings, zone, serial=last.serial, now=snapshot.meta.created_at)
        if last.generation != generation or wanted != snapshot.meta:
            return []
        same.append((zone, last, snapshot))
    return same


def _exemption_ran_out(
    connection: Connection, same: list[tuple[str, Publication, Snapshot]], *, now: int
) -> bool:
    """Whether what an exemption kept out may be wanted since; a listing by hand is scored by nobody."""
    since = min((last.renewed_at for _, last, _ in same), default=now) // _SECONDS_A_MINUTE
    return exemptions.any_ran_out(connection, since_minute=since, minute=now // _SECONDS_A_MINUTE)


def _renewed(path: pathlib.Path, last: Publication, snapshot: Snapshot, *, now: int) -> Publication:
    """Renew the header of an unchanged file if it is time to."""
    if 0 <= now - snapshot.meta.created_at < RENEW_S:
        return last
    replace(
        path, writer.renew(snapshot, created_at=now, refresh_by=now + REFRESH_S, expire_at=now + EXPIRE_S)
    )
    return dataclasses.replace(last, renewed_at=now)


def _gates(
    connection: Connection,
    settings: PublishSettings,
    kept: Mapping[str, Publication | None],
    before: Mapping[str, Entries],
    *,
    now: int,
) -> dict[str, Gated]:
    """Return what may go out into each zone. before: what is served now."""
    wanted, exempt, alarm = _wanted(connection, settings, before[settings.score_zone], now=now)
    freeze = controls.get(connection, FREEZE)
    frozen = freeze is not None and freeze.value == "on"
    confirmed = {key: code for key, code in wanted.items() if code == Code.CONFIRMED}
    gates = {}
    for zone, entries in ((settings.zone, confirmed), (settings.score_zone, wanted)):
        last, served = kept[zone], before[zone]
        if frozen and freeze is not None and not served and last is not None and last.entries_n:
            served = before_freeze(connection, entries, freeze, now=now)
        gated = gate(
            entries,
            served,
            frozen=frozen,
            released=controls.is_on(connection, RELEASE),
            yesterday=publications.entries_since(connection, zone, since=now - _SECONDS_A_DAY),
            ended=_ended(connection, last, exempt, now=now),
        )
        gates[zone] = dataclasses.replace(gated, alarm=gated.alarm or alarm)
    return gates


def _wanted(
    connection: Connection, settings: PublishSettings, before: Entries, *, now: int
) -> tuple[Entries, set[bytes], str | None]:
    """Return everything listed but what is exempt or could never be an emitter, whatever a row says.

    Returns the entries, the keys that are exempt, and an alarm. What is served already was judged when it
    came, so only additions are judged for special purpose.
    """
    entries = manual.added(connection, states.published(connection), minute=now // _SECONDS_A_MINUTE)
    in_force = exemptions.index(connection, minute=now // _SECONDS_A_MINUTE)
    exempt = in_force.entries(sorted(entries.keys() | before.keys()))
    for key in exempt & entries.keys():
        del entries[key]
    alarm = None
    for key in [key for key in entries if key not in before]:
        if special_purpose(unpacked(key[:16]), trial=settings.allow_special) is not None:
            alarm = "an address of special-purpose space was listed and is not published"
            del entries[key]
    return entries, exempt, alarm


def _ended(
    connection: Connection, last: Publication | None, exempt: AbstractSet[bytes], *, now: int
) -> Callable[[bytes], bool]:
    """Return a test of entries: whether they ended by a change of state since `last`, or are exempt."""
    since = last.published_at if last is not None else now
    emitters = states.ended_since(connection, minute=since // _SECONDS_A_MINUTE)
    return lambda key: key in exempt or emitter_key(unpacked(key[:16])) in emitters


def _last(path: pathlib.Path, zone: str) -> Snapshot | None:
    """Return what is served now; a file that is missing or damaged counts as nothing served."""
    try:
        snapshot = Snapshot.open(path.read_bytes())
    except (FileNotFoundError, SnapshotError):
        return None
    except OSError as problem:
        raise PublishError(f"cannot read {path}: {problem.strerror}") from None
    return snapshot if snapshot.meta.zone == zone else None


def _entries(snapshot: Snapshot | None) -> Entries:
    """Return the entries of a snapshot without the test entries, which no emitter can be.

    Neighbours with the same value are one range in the file; they are taken apart by their unit.
    """
    entries: Entries = {}
    for run in snapshot.ranges() if snapshot is not None else ():
        code, unit = run.value.code, bytes((run.value.unit,))
        if run.version == 4:  # noqa: PLR2004
            if run.first >> 24 != _LOOPBACK:
                for number in range(run.first, run.last + 1):
                    entries[MAPPED_PREFIX + number.to_bytes(4, "big") + unit] = code
        else:
            for number in range(run.first, run.last + 1, 1 << (128 - run.value.unit)):
                entries[number.to_bytes(16, "big") + unit] = code
    return entries


def _values(settings: PublishSettings) -> Mapping[tuple[int, int], Value]:
    words = {Code.CONFIRMED: "Backscatter confirmed", Code.REPORTED: "Backscatter reported"}
    url = f"{settings.site_url.rstrip('/')}/lookup/$"
    return {
        (int(code), unit): Value(code=code, unit=unit, text=f"{text} from $; reasons and removal: {url}")
        for code, text in words.items()
        for unit in (32, 64, 128)
    }


def _meta(settings: PublishSettings, zone: str, *, serial: int, now: int) -> Meta:
    return Meta(
        zone=zone,
        serial=serial,
        created_at=now,
        refresh_by=now + REFRESH_S,
        expire_at=now + EXPIRE_S,
        mname=settings.name_servers[0],
        rname=settings.hostmaster,
        ns=settings.name_servers,
        lookup_url=f"{settings.site_url.rstrip('/')}/lookup/$",
        allow_special=settings.allow_special,
    )


def _data(
    settings: PublishSettings, zone: str, entries: Entries, before: Entries, last: Snapshot | None, meta: Meta
) -> bytes:
    """Return the file with `entries`: the last one patched where only entries differ, else built anew."""
    values = _values(settings)

    def entry(key: bytes, code: int) -> tuple[bytes, int, Value]:
        unit = key[16]
        return key[:16], unit if unit != _V4_UNIT else 128, values[code, unit]

    if last is None or last.meta != _meta(settings, zone, serial=last.meta.serial, now=last.meta.created_at):
        return writer.build_packed((entry(key, code) for key, code in entries.items()), meta)
    changes: list[tuple[bytes, int, Value | None]] = [
        (key[:16], key[16] if key[16] != _V4_UNIT else 128, None) for key in before.keys() - entries.keys()
    ]
    changes += [entry(key, code) for key, code in entries.items() if before.get(key) != code]
    return writer.patch_packed(last, changes, meta)


def _zone(
    settings: PublishSettings,
    zone: str,
    gated: Gated,
    before: Entries,
    last: Snapshot | None,
    kept: Publication | None,
    generation: int,
    *,
    now: int,
) -> Publication:
    """Write the file of one zone if its list changed or is due for renewal; return what is published."""
    path = settings.files[zone]
    last_serial = last.meta.serial if last is not None else 0
    serial = writer.serial_after(max(kept.serial if kept is not None else 0, last_serial), now)
    data = _data(settings, zone, gated.entries, before, last, _meta(settings, zone, serial=serial, now=now))
    made = Snapshot.open(data)
    now_published = Publication(
        zone=zone,
        serial=serial,
        body_digest=made.body_digest,
        generation=generation,
        published_at=now,
        renewed_at=now,
        entries_n=len(gated.entries),
        added_n=len(gated.entries.keys() - before.keys()),
        left_n=len(before.keys() - gated.entries.keys()),
        held_n=gated.held_n,
        alarm=gated.alarm,
    )
    if last is None or made.body_digest != last.body_digest:
        replace(path, data)
        return now_published
    if not 0 <= now - last.meta.created_at < RENEW_S:
        replace(
            path, writer.renew(last, created_at=now, refresh_by=now + REFRESH_S, expire_at=now + EXPIRE_S)
        )
    if kept is not None and kept.serial == last_serial:
        return dataclasses.replace(
            kept, generation=generation, renewed_at=now, held_n=gated.held_n, alarm=gated.alarm
        )
    return dataclasses.replace(now_published, serial=last_serial)


def replace(path: pathlib.Path, data: bytes) -> None:
    """Put `data` under `path` as a whole or not at all: aside, fsync, read back and verified, renamed."""
    aside = path.with_name(f".{path.name}.new")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Snapshot.open(aside.read_bytes())
        aside.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise PublishError(f"cannot write {path}: {problem.strerror}; the last good file stays") from None
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

"""Publication: what goes out, what is held, and that the last good file survives everything."""

import dataclasses
import pathlib
from typing import Any

import pytest

from feed.domain.address import packed, parse_address, parse_network
from feed.domain.event import Channel
from feed.domain.listing import Code, EmitterState, Hold, State
from feed.jobs import publish as publishing
from feed.jobs.gate import Entries, gate
from feed.jobs.publish import PublishError, publish
from feed.settings import PublishSettings
from feed.snapshot.reader import Snapshot
from feed.store import controls, exemptions, manual, states
from feed.store.controls import Control
from feed.store.database import Database

NOW = 1_795_000_000
ZONE, SCORE = "bl.feed.test", "score.bl.feed.test"


@pytest.fixture
def settings(tmp_path: pathlib.Path) -> PublishSettings:
    return PublishSettings(folder=tmp_path / "snapshots")


def _list(database: Database, address: str, code: Code = Code.CONFIRMED, *, unit: int = 32) -> None:
    """Put an address into the state that the scoring job gives to a listed one."""
    exact = packed(parse_address(address))
    key = exact if unit == 32 else exact[:8] + bytes(8)
    state = EmitterState(state=State.LISTED if code else State.CLEAR, code=code, unit=unit)
    if unit == 128:
        state = dataclasses.replace(state, address=exact)
    with database.write() as connection:
        row = states.touch(connection, key, Channel.MAIN, address=exact)
        states.save(connection, [dataclasses.replace(row, state=state)], policy_id=1, trust_id=1)
        controls.next_generation(connection)


def _served(settings: PublishSettings, zone: str, address: str) -> int:
    value = Snapshot.open(settings.files[zone].read_bytes()).lookup_address(parse_address(address))
    return value.code if value is not None else 0


def test_confirmed_goes_to_both_zones_and_reported_to_one(
    database: Database, settings: PublishSettings
) -> None:
    _list(database, "192.0.2.66")
    _list(database, "192.0.2.67", Code.REPORTED)
    publish(database, settings, now=NOW)
    answers = [
        _served(settings, zone, address) for zone in (ZONE, SCORE) for address in ("192.0.2.66", "192.0.2.67")
    ]
    assert answers == [2, 0, 2, 3]


def test_ipv6_is_published_as_wide_as_the_evidence(sqlite: Database, settings: PublishSettings) -> None:
    _list(sqlite, "2001:db8:1::5", unit=128)
    _list(sqlite, "2001:db8:2::5", unit=64)
    publish(sqlite, settings, now=NOW)
    asked = ("2001:db8:1::5", "2001:db8:1::6", "2001:db8:2::5", "2001:db8:2::6", "2001:db8:3::5")
    assert [_served(settings, ZONE, address) for address in asked] == [2, 0, 2, 2, 0]


def test_unchanged_list_keeps_its_serial_and_is_renewed(sqlite: Database, settings: PublishSettings) -> None:
    _list(sqlite, "192.0.2.66")
    first = publish(sqlite, settings, now=NOW)
    again = publish(sqlite, settings, now=NOW + publishing.RENEW_S)
    assert [zone.serial for zone in first] == [zone.serial for zone in again]
    meta = Snapshot.open(settings.files[ZONE].read_bytes()).meta
    assert (meta.created_at, meta.serial) == (NOW + publishing.RENEW_S, NOW)


def test_serial_rises_when_the_clock_falls_and_after_the_files_are_lost(
    sqlite: Database, settings: PublishSettings
) -> None:
    first = publish(sqlite, settings, now=NOW)[0].serial
    settings.files[ZONE].unlink()
    _list(sqlite, "192.0.2.66")
    assert publish(sqlite, settings, now=NOW - 10_000)[0].serial == first + 1


def test_exempt_address_leaves_even_before_it_is_scored(sqlite: Database, settings: PublishSettings) -> None:
    _list(sqlite, "192.0.2.66")
    publish(sqlite, settings, now=NOW)
    with sqlite.write() as connection:
        exemptions.add(
            connection, network=parse_network("192.0.2.0/24"), kind=Hold.EXEMPT, reason="r", author="a",
            now=NOW, until_minute=NOW // 60 + 100,
        )  # fmt: skip
    publish(sqlite, settings, now=NOW)
    assert _served(settings, ZONE, "192.0.2.66") == 0


def test_listing_by_hand_goes_out_when_the_exemption_over_it_runs_out(
    sqlite: Database, settings: PublishSettings
) -> None:
    network = parse_network("192.0.2.66")
    with sqlite.write() as connection:
        exemptions.add(
            connection, network=network, kind=Hold.EXEMPT, reason="r", author="a", now=NOW,
            until_minute=NOW // 60 + 5,
        )  # fmt: skip
        manual.add(
            connection, network=network, code=Code.CONFIRMED, reason="r", author="a", now=NOW,
            until_minute=NOW // 60 + 100, allow_special=True,
        )  # fmt: skip
    seen = []
    for minutes in (0, 1, 4, 5, 6):
        publish(sqlite, settings, now=NOW + 60 * minutes)
        seen.append(_served(settings, ZONE, "192.0.2.66"))
    assert seen == [0, 0, 0, 2, 2]


@pytest.mark.parametrize(
    ("network", "left"),
    [
        pytest.param("2001:db8:1::5/128", [0, 2, 2], id="one address, and the /64 that holds it"),
        pytest.param("2001:db8:1::/48", [0, 0, 2], id="a whole network"),
        pytest.param("2001:db8:9::/48", [2, 2, 2], id="somebody else"),
    ],
)
def test_exempt_ipv6_leaves_as_wide_as_it_is_listed(
    sqlite: Database, settings: PublishSettings, network: str, left: list[int]
) -> None:
    _list(sqlite, "2001:db8:1::5", unit=64)
    _list(sqlite, "2001:db8:1:1::6", unit=128)
    _list(sqlite, "2001:db8:2::7", unit=128)
    with sqlite.write() as connection:
        exemptions.add(
            connection, network=parse_network(network), kind=Hold.EXEMPT, reason="r", author="a", now=NOW,
            until_minute=NOW // 60 + 100,
        )  # fmt: skip
    publish(sqlite, settings, now=NOW)
    asked = ("2001:db8:1::5", "2001:db8:1:1::6", "2001:db8:2::7")
    assert [_served(settings, ZONE, address) for address in asked] == left


def test_patched_file_equals_one_built_anew(
    sqlite: Database, settings: PublishSettings, tmp_path: pathlib.Path
) -> None:
    for number in range(5):
        _list(sqlite, f"192.0.2.{number}", Code.REPORTED if number % 2 else Code.CONFIRMED)
    publish(sqlite, settings, now=NOW)
    _list(sqlite, "192.0.2.1", Code.CONFIRMED)
    _list(sqlite, "192.0.2.2", Code.NONE)
    _list(sqlite, "2001:db8:2::7", unit=128)
    publish(sqlite, settings, now=NOW + 1)
    anew = PublishSettings(folder=tmp_path / "anew")
    publish(sqlite, anew, now=NOW + 1)
    for zone in (ZONE, SCORE):
        patched, built = (Snapshot.open(one.files[zone].read_bytes()) for one in (settings, anew))
        assert list(patched.networks()) == list(built.networks())


def test_release_lets_held_additions_out_once(
    sqlite: Database, settings: PublishSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feed.jobs.gate.GATE_ABOVE", 1)
    for number in range(4):
        _list(sqlite, f"192.0.2.{number}")
    publish(sqlite, settings, now=NOW)
    for number in range(4, 8):
        _list(sqlite, f"192.0.2.{number}")
    assert publish(sqlite, settings, now=NOW + 1)[0].held_n == 4
    with sqlite.write() as connection:
        controls.put(connection, publishing.RELEASE, Control(value="on", reason="r", author="a", set_at=NOW))
    assert publish(sqlite, settings, now=NOW + 2)[0].entries_n == 8
    with sqlite.read() as connection:
        assert not controls.is_on(connection, publishing.RELEASE)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "0.0.0.0", "224.0.0.1", "255.255.255.255"])
def test_row_that_could_never_be_stops_nothing(
    sqlite: Database, settings: PublishSettings, address: str
) -> None:
    _list(sqlite, "192.0.2.66")
    _list(sqlite, address)
    (zone, _) = publish(sqlite, settings, now=NOW)
    assert zone.alarm is not None
    assert [_served(settings, ZONE, asked) for asked in ("192.0.2.66", address)] == [2, 0]


def test_freeze_holds_additions_and_lets_endings_out(sqlite: Database, settings: PublishSettings) -> None:
    _list(sqlite, "192.0.2.66")
    publish(sqlite, settings, now=NOW)
    with sqlite.write() as connection:
        controls.put(connection, publishing.FREEZE, Control(value="on", reason="r", author="a", set_at=NOW))
        controls.next_generation(connection)
    _list(sqlite, "192.0.2.66", Code.NONE)
    _list(sqlite, "192.0.2.67")
    (zone, _) = publish(sqlite, settings, now=NOW + 1)
    assert (zone.held_n, zone.alarm) == (1, "publication is frozen by the operator")
    assert [_served(settings, ZONE, address) for address in ("192.0.2.66", "192.0.2.67")] == [0, 0]
    with sqlite.write() as connection:
        controls.put(connection, publishing.FREEZE, Control(value="off", reason="r", author="a", set_at=NOW))
        controls.next_generation(connection)
    publish(sqlite, settings, now=NOW + 2)
    assert _served(settings, ZONE, "192.0.2.67") == 2


def test_special_purpose_space_is_not_published_outside_test(
    sqlite: Database, tmp_path: pathlib.Path
) -> None:
    settings = PublishSettings(folder=tmp_path, zone="bl.example.org", score_zone="score.bl.example.org")
    _list(sqlite, "192.0.2.66")
    _list(sqlite, "8.8.4.4")
    (zone, _) = publish(sqlite, settings, now=NOW)
    assert zone.alarm is not None
    assert [_served(settings, "bl.example.org", address) for address in ("192.0.2.66", "8.8.4.4")] == [0, 2]


def test_damaged_file_is_written_anew(sqlite: Database, settings: PublishSettings) -> None:
    _list(sqlite, "192.0.2.66")
    publish(sqlite, settings, now=NOW)
    file = settings.files[ZONE]
    data = bytearray(file.read_bytes())
    data[300] ^= 1
    file.write_bytes(data)
    publish(sqlite, settings, now=NOW + 1)
    assert _served(settings, ZONE, "192.0.2.66") == 2


def test_file_that_cannot_be_written_leaves_the_last_good_one(
    sqlite: Database, settings: PublishSettings
) -> None:
    publish(sqlite, settings, now=NOW)
    before = settings.files[ZONE].read_bytes()
    aside = settings.folder / f".{settings.files[ZONE].name}.new"
    aside.mkdir()  # the name that is written first is taken: as good as a full disk, for root too
    _list(sqlite, "192.0.2.66")
    with pytest.raises(PublishError, match="the last good file stays"):
        publish(sqlite, settings, now=NOW + 1)
    assert settings.files[ZONE].read_bytes() == before
    aside.rmdir()


def _many(count: int, code: Code = Code.CONFIRMED) -> Entries:
    return {bytes(12) + number.to_bytes(4, "big") + b" ": code for number in range(count)}


def _every_seventh(key: bytes) -> bool:
    """Say that every seventh entry ended for a reason."""
    return key[15] % 7 == 0


@pytest.mark.parametrize(
    ("wanted", "before", "options", "entries_n", "held_n", "alarm"),
    [
        pytest.param(_many(900), _many(1), {}, 900, 0, None, id="a young list may grow as it likes"),
        pytest.param(_many(1200), _many(1001), {}, 1200, 0, None, id="a fifth more in a tick"),
        pytest.param(
            _many(1300), _many(1001), {}, 1001, 299, "additions", id="a third more in a tick is held"
        ),
        pytest.param(
            _many(2500), _many(2200), {"yesterday": 1200}, 2200, 300, "a day ago", id="doubled in a day"
        ),
        pytest.param(
            _many(500), _many(2000), {}, 2000, 0, "vanished", id="a shrink without reasons keeps all"
        ),
        pytest.param(
            _many(500),
            _many(2000),
            {"ended": _every_seventh},
            1783,
            0,
            "vanished",
            id="with a reason it leaves",
        ),
        pytest.param(
            _many(500),
            _many(2000),
            {"ended": lambda _key: True},
            500,
            0,
            None,
            id="a shrink with reasons goes out",
        ),
        pytest.param(
            _many(2000, Code.REPORTED), _many(2000), {}, 2000, 0, None, id="the milder code always goes out"
        ),
        pytest.param({}, _many(1), {}, 0, 0, None, id="the last entry may leave"),
        pytest.param(
            _many(2600), _many(2000), {"released": True}, 2600, 0, None, id="released by the operator"
        ),
        pytest.param(_many(3), {}, {"frozen": True}, 0, 3, "frozen", id="frozen"),
        pytest.param(
            _many(2),
            _many(2, Code.REPORTED),
            {"frozen": True},
            2,
            2,
            "frozen",
            id="frozen: .3 does not become .2",
        ),
        pytest.param(
            _many(2, Code.REPORTED), _many(2), {"frozen": True}, 2, 0, "frozen", id="frozen: .2 becomes .3"
        ),
    ],
)
def test_gates_hold_additions_only(
    wanted: Entries, before: Entries, options: dict[str, Any], entries_n: int, held_n: int, alarm: str | None
) -> None:
    gated = gate(wanted, before, **options)
    assert (len(gated.entries), gated.held_n) == (entries_n, held_n)
    assert (alarm is None and gated.alarm is None) or (alarm is not None and alarm in str(gated.alarm))
    assert not any(
        before.get(key) == Code.REPORTED and code == Code.CONFIRMED for key, code in gated.entries.items()
    )

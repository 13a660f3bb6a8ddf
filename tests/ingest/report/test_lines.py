"""From bytes to entries: every form of a log, every zone, and bytes that are no log at all."""

import datetime as dt
import io
import json
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.report.events import Line
from ingest.report.lines import LONGEST, LineReader, blocks, exported
from ingest.report.software import parse
from ingest.report.stamps import Stamps
from tests.ingest.report.mail_logs import NOW

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def reader(zone: dt.tzinfo = dt.UTC, latest: dt.datetime = NOW) -> LineReader:
    return LineReader(Stamps(zone=zone, latest=latest), host=b"folder")


def at(*parts: int, zone: dt.tzinfo = dt.UTC) -> int:
    return int(dt.datetime(*parts, tzinfo=zone).timestamp())  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            b"Nov  5 08:09:10 mx1 postfix/qmgr[12]: text",
            Line(at(2026, 11, 5, 8, 9, 10), b"mx1", b"postfix/qmgr", b"text"),
            id="classic",
        ),
        pytest.param(
            b"<22>Dec 31 23:59:59 mx1 postfix/qmgr[12]: text",
            Line(at(2025, 12, 31, 23, 59, 59), b"mx1", b"postfix/qmgr", b"text"),
            id="last year, with priority",
        ),
        pytest.param(
            b"Feb 29 01:02:03 mx1 a[1]: t", Line(at(2024, 2, 29, 1, 2, 3), b"mx1", b"a", b"t"), id="leap day"
        ),
        pytest.param(
            b"2026-11-25T08:09:10.123456+01:00 mx1.own.example postfix/smtp[1]: t",
            Line(at(2026, 11, 25, 7, 9, 10), b"mx1.own.example", b"postfix/smtp", b"t"),
            id="ISO with zone",
        ),
        pytest.param(
            b"2026-11-25T08:09:10Z mx1 rspamd[1]: t",
            Line(at(2026, 11, 25, 8, 9, 10), b"mx1", b"rspamd", b"t"),
            id="ISO in UTC",
        ),
        pytest.param(
            b"2026-11-25 08:09:10 1tABCD-0001Ab-CD Completed",
            Line(at(2026, 11, 25, 8, 9, 10), b"folder", b"exim", b"1tABCD-0001Ab-CD Completed"),
            id="Exim",
        ),
        pytest.param(
            b"2026-11-25 08:09:10.123 -0130 [77] t",
            Line(at(2026, 11, 25, 9, 39, 10), b"folder", b"exim", b"t"),
            id="Exim with milliseconds, zone and pid",
        ),
        pytest.param(
            b"2026-11-25 08:09:10 #12(normal) <a>; task; t",
            Line(at(2026, 11, 25, 8, 9, 10), b"folder", b"rspamd", b"<a>; task; t"),
            id="rspamd",
        ),
        pytest.param(b"Nov 31 08:09:10 mx1 a[1]: t", None, id="no such day"),
        pytest.param(b"Abc 30 08:09:10 mx1 a[1]: t", None, id="no such month"),
        pytest.param(b"Nov 5 08:09:10", None, id="cut"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"Nov  5 08:09:10 mx1 postfix/qmgr[12]: " + b"A" * 100_000, None, id="100 kB"),
    ],
)
def test_line(line: bytes, expected: Line | None) -> None:
    assert reader().read(line) == expected


def test_stamps_without_a_zone_follow_the_clock_of_the_host() -> None:
    line = reader(BERLIN).read(b"Jul 14 12:00:00 mx1 a[1]: t")
    assert line is not None
    assert line.at == at(2026, 7, 14, 10)
    line = reader(BERLIN).read(b"Jan 14 12:00:00 mx1 a[1]: t")
    assert line is not None
    assert line.at == at(2026, 1, 14, 11)


def test_journald_json_and_export_say_the_same() -> None:
    fields = {
        "__REALTIME_TIMESTAMP": "1795600000123456",
        "_HOSTNAME": "mx1",
        "SYSLOG_IDENTIFIER": "postfix/qmgr",
    }
    expected = Line(1_795_600_000, b"mx1", b"postfix/qmgr", b"4AB12: removed")
    text = json.dumps(fields | {"MESSAGE": "4AB12: removed"}).encode()
    numbers = json.dumps(fields | {"MESSAGE": list(b"4AB12: removed")}).encode()
    assert reader().read(text) == reader().read(numbers) == expected
    head = b"__CURSOR=s=1\n" + b"".join(f"{name}={value}\n".encode() for name, value in fields.items())
    binary = b"MESSAGE\n" + len(b"4AB12: removed").to_bytes(8, "little") + b"4AB12: removed\n"
    stream = head + b"MESSAGE=4AB12: removed\n\n" + head + binary + b"\n" + head
    assert [line for line, _ in exported(io.BytesIO(stream))] == [expected, expected]
    totals = [total for _, total in exported(io.BytesIO(stream))]
    assert totals[-1] == len(stream) - len(head)


def test_a_line_end_inside_a_journald_message_makes_no_entry() -> None:
    message = b"x\nNov 25 10:00:00 mx1 postfix/smtpd[1]: 4AB12: client=v[203.0.113.1]"
    entry = (
        b"__CURSOR=1\n__REALTIME_TIMESTAMP=1795600000123456\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE\n"
        + len(message).to_bytes(8, "little") + message + b"\n\n"
    )  # fmt: skip
    assert [line for line, _ in exported(io.BytesIO(entry))] == [None]


@pytest.mark.parametrize("length", [LONGEST + 10, 3 << 20], ids=["a little too long", "longer than a block"])
def test_a_line_that_is_too_long_says_nothing_and_the_next_is_read(length: int) -> None:
    data = b"first\n" + b"Nov 25 10:00:00 mx1 a[1]: " + b"A" * length + b"\nlast\ncut"
    found = [line for lines, _ in blocks(io.BytesIO(data)) for line in lines if len(line) <= LONGEST]
    assert [line for line in found if line] == [b"first", b"last"]
    assert [total for _, total in blocks(io.BytesIO(data))][-1] == len(data) - len(b"cut")


@given(st.binary(max_size=400))
def test_random_bytes_never_raise_and_never_say_anything(data: bytes) -> None:
    for line in data.split(b"\n"):
        found = reader().read(line)
        assert found is None or parse(found) is None
    assert not [line for line, _ in exported(io.BytesIO(data)) if line is not None]


PROGRAMS = st.sampled_from(
    [b"postfix/smtpd", b"postfix/cleanup", b"postfix/qmgr", b"postfix/smtp", b"exim", b"rspamd"]
)
STARTS = st.sampled_from([
    b"4AB12CD34: client=", b"4AB12CD34: info: body Message-ID: <", b"4AB12CD34: to=<", b"4AB12CD34: from=<",
    b"NOQUEUE: reject: RCPT from ", b"1tABCD-0001Ab-CD <= <> H=(", b"1tABCD-0001Ab-CD => ", b"H=(",
    b"<a1>; task; rspamd_task_write_log: id: <", b"<a1>; lua; bsf.lua:1: bsf {", b'{"ts": 1795600000, ',
])  # fmt: skip


@given(PROGRAMS, STARTS, st.binary(max_size=300))
def test_random_tails_of_real_beginnings_never_raise(program: bytes, start: bytes, tail: bytes) -> None:
    parse(Line(0, b"h", program, start + tail))

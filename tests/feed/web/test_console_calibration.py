"""A calibration begun on the console: the same run as on the command line, noted first and then sent."""

import email
import smtplib
import socket
from typing import Any

import pytest
import sqlalchemy as sa

from feed.domain.address import parse_address
from feed.domain.canary import FIELD, NAMES
from feed.store import canaries, reporters
from feed.store.tables_reporter import canary_run
from feed.web import calibrating
from tests.feed.web.operator_client import Operator, audit_lines, operator_key
from tests.feed.web.world import SITE_URL, Client, World
from tests.mail_sink import MailSink

PAGE = "/console/reporters"


@pytest.fixture
def operator(world: World) -> Operator:
    made = Operator(world)
    made.key = operator_key(world, "operate", "read")
    made.post("/console/sign-in", data={"key": made.key})
    with world.site.database.write() as connection:
        reporters.register(
            connection, name="mx", organisation="MX GmbH", contact="p@mx.example", now=1,
            border_hosts=["mx.one.example"],
        )  # fmt: skip
    return made


def fields(sink: MailSink, **change: str) -> dict[str, str]:
    return {
        "name": "mx", "server": f"127.0.0.1:{sink.port}", "to": "trap@one.example", "address": "127.0.0.1",
        "host": "canary.feed.example",
    } | change  # fmt: skip


def runs(world: World) -> int:
    with world.site.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(canary_run)).scalar_one())


def test_a_calibration_is_begun_sent_and_shown(world: World, operator: Operator, sink: MailSink) -> None:
    page = operator.get(PAGE).text
    assert "Begin a calibration" in page
    assert "<dd>never</dd>" in page
    done = operator.press("calibrate", PAGE, **fields(sink), reason="a new border host")
    assert done.status_code == 200, done.text
    assert "Calibration 1 of mx has begun. 9 mails were sent" in done.text
    assert "0 right of 0 that came back, 9 sent" in done.text
    assert audit_lines(world)[-1][1:] == (
        "reporter_canary", "mx", "calibration from 127.0.0.1: a new border host",
    )  # fmt: skip
    assert {(one.sender, one.recipients) for one in sink.taken} == {("<>", ("trap@one.example",))}
    said = [email.message_from_bytes(one.data)[FIELD].split() for one in sink.taken]
    assert [name for _token, name in said] == list(NAMES)
    (token,) = {token for token, _name in said}
    with world.site.database.read() as connection:
        run = canaries.find(connection, world.site.secret, 4, token)
    assert run is not None
    assert (run.run_id, str(run.address), run.authserv_id) == (1, "127.0.0.1", "mx.one.example")


def test_what_the_mail_server_says_is_told_and_the_run_waits(
    world: World, operator: Operator, sink: MailSink
) -> None:
    sink.answers["RCPT"] = "550 5.1.1 <script>who?"
    done = operator.press("calibrate", PAGE, **fields(sink))
    assert done.status_code == 422
    assert "9 of 9 mails were not sent: 550 5.1.1 &lt;script&gt;who?" in done.text
    assert runs(world) == 1
    assert audit_lines(world)[-1][1] == "reporter_canary"


def test_a_mail_server_that_is_not_there(world: World, operator: Operator, sink: MailSink) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{free.getsockname()[1]}"
    done = operator.press("calibrate", PAGE, **fields(sink, server=closed))
    assert done.status_code == 422
    assert "9 of 9 mails were not sent" in done.text


def test_an_address_that_this_machine_has_not_is_not_sent_from_unless_it_is_said_so(
    operator: Operator, sink: MailSink
) -> None:
    foreign = fields(sink, address="192.0.2.77")
    assert operator.press("calibrate", PAGE, **foreign).status_code == 422
    assert sink.taken == []
    done = operator.press("calibrate", PAGE, **foreign, elsewhere="yes")
    assert "9 mails were sent" in done.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"name": "nobody"}, "nobody", id="no such reporter"),
        pytest.param({"name": "one"}, "no border host is registered", id="nothing could pass"),
        pytest.param({"server": ""}, "no HOST:PORT", id="no server"),
        pytest.param({"server": "mx.example:0"}, "no HOST:PORT", id="no port"),
        pytest.param({"server": "a b"}, "no HOST:PORT", id="no host"),
        pytest.param({"to": "trap"}, "must be one mail address", id="no mailbox"),
        pytest.param({"to": "a@b.example>\r\nRCPT TO:<c@d.example"}, "one mail address", id="two mailboxes"),
        pytest.param({"address": "here"}, "neither an IPv4 nor an IPv6", id="no address"),
        pytest.param({"host": "a host"}, "plain names", id="no host name"),
        pytest.param({"host": "a\r\nDATA"}, "plain names", id="a host name with more"),
        pytest.param({"authserv": "é"}, "plain names", id="no authserv-id"),
        pytest.param({"reason": " "}, "reason", id="no reason"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_begun_or_sent(
    world: World, operator: Operator, sink: MailSink, change: dict[str, str], words: str
) -> None:
    before = audit_lines(world)
    done = operator.press("calibrate", PAGE, **fields(sink, **change))
    assert done.status_code == 422
    assert words in done.text
    assert (runs(world), audit_lines(world), sink.commands) == (0, before, [])


def test_nobody_else_begins_one(world: World, operator: Operator, sink: MailSink) -> None:
    given = fields(sink) | {"reason": "x"}
    for client, token in ((operator, "0" * 64), (operator, ""), (Client(world.site), "x")):
        headers = {"origin": SITE_URL, "sec-fetch-site": "same-origin"}
        answer = client.post("/console/do/calibrate", data=given | {"token": token}, headers=headers)
        assert answer.status_code in {403, 404}
    assert operator.get("/console/do/calibrate").status_code == 405
    assert (runs(world), sink.commands) == (0, [])


def test_nothing_is_sent_while_others_wait_to_write(
    world: World, operator: Operator, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run stands in the database, and the database is free, before the first mail goes out."""
    seen: list[int] = []

    class Watching(smtplib.SMTP):
        def sendmail(self, *arguments: Any, **named: Any) -> dict[str, tuple[int, bytes]]:
            with world.site.database.write() as connection:
                seen.append(len(canaries.latest(connection, 4)))
            return super().sendmail(*arguments, **named)

    monkeypatch.setattr(smtplib, "SMTP", Watching)
    operator.press("calibrate", PAGE, **fields(sink))
    assert seen == [1] * 9


def test_a_slow_mail_server_ends_the_wait_of_the_browser(sink: MailSink, world: World) -> None:
    wanted = calibrating.Wanted(
        name="mx", to="trap@one.example", address=parse_address("127.0.0.1"), host="canary.feed.example"
    )
    with world.site.database.write() as connection:
        reporters.register(
            connection,
            name="mx",
            organisation="MX",
            contact="p@mx.example",
            now=1,
            border_hosts=["mx.one.example"],
        )
        begun = calibrating.begin(
            connection, world.site.secret, wanted, token="t" * 24, author="t", reason="", now=1
        )
    results = list(calibrating.deliver(begun, ("127.0.0.1", sink.port), bind=True, within_s=0))
    assert {why for _name, why in results} == {"no time was left"}
    assert sink.commands == []

"""What entries of Postfix say, and that nothing a client chooses changes whom they speak of."""

import pytest

from ingest.report import postfix
from ingest.report.events import Came, Ended, Event, Refused, Returned, Told, Went

CLIENT = b"mail.e.example[192.0.2.66]"
TAIL = b" from mail.e.example[192.0.2.66]; from=<> to=<u@own.example> proto=ESMTP helo=<e.example>"


@pytest.mark.parametrize(
    ("program", "text", "event"),
    [
        pytest.param(
            b"postfix/smtpd",
            b"4AB12CD34: client=" + CLIENT,
            Came(b"4AB12CD34", b"192.0.2.66", b"mail.e.example", False),
            id="client",
        ),
        pytest.param(
            b"postfix/smtpd",
            b"4bXYz12345zQ8k: client=unknown[2001:db8::1]:4711",
            Came(b"4bXYz12345zQ8k", b"2001:db8::1", b"unknown", False),
            id="IPv6, long queue id, port",
        ),
        pytest.param(
            b"postfix/submission/smtpd",
            b"4AB12CD34: client=pc[203.0.113.5], sasl_method=PLAIN, sasl_username=u@own.example",
            Came(b"4AB12CD34", b"203.0.113.5", b"pc", True),
            id="authenticated",
        ),
        pytest.param(
            b"postfix/smtpd",
            b"4AB12CD34: client=localhost[127.0.0.1], orig_client=mail[192.0.2.1]",
            Came(b"4AB12CD34", b"127.0.0.1", b"localhost", False),
            id="given back by a filter",
        ),
        pytest.param(
            b"postfix/pickup",
            b"4AB12CD34: uid=33 from=<www@own.example>",
            Came(b"4AB12CD34", None, None, True, b"www@own.example"),
            id="local submission",
        ),
        pytest.param(
            b"postfix/cleanup", b"4AB12CD34: message-id=<a.b@c>", Told(b"4AB12CD34", None, b"a.b@c"), id="id"
        ),
        pytest.param(b"postfix/cleanup", b"4AB12CD34: message-id=<a b@c>", None, id="id with a space"),
        pytest.param(b"postfix/cleanup", b"4AB12CD34: message-id=<aaa", None, id="cut id"),
        pytest.param(
            b"postfix/qmgr",
            b"4AB12CD34: from=<>, size=1, nrcpt=1 (queue active)",
            Told(b"4AB12CD34", b""),
            id="null sender",
        ),
        pytest.param(b"postfix/qmgr", b"4AB12CD34: removed", Ended(b"4AB12CD34"), id="end"),
        pytest.param(
            b"mx-out/smtp",
            b"4AB12CD34: to=<a@b.example>, orig_to=<c@d.example>, relay=mx.b.example[198.51.100.1]:25"
            b", delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)",
            Went(b"4AB12CD34", b"c@d.example", b"198.51.100.1"),
            id="delivery, other syslog name",
        ),
        pytest.param(
            b"postfix/smtp",
            b"4AB12CD34: to=<a@b.example>, relay=none, delay=1, delays=0/0/0/1, dsn=4.4.1,"
            b" status=deferred (connect to b.example[198.51.100.1]:25: timed out)",
            Went(b"4AB12CD34", b"a@b.example", None),
            id="nobody reached; the reply's text is not the relay",
        ),
        pytest.param(
            b"postfix/lmtp",
            b"4AB12CD34: to=<a@b.example>, relay=host[192.0.2.9]:24, delay=1,",
            Went(b"4AB12CD34", b"a@b.example", None),
            id="LMTP stays inside the house",
        ),
        pytest.param(
            b"postfix/cleanup",
            b"4AB12CD34: info: header Message-Id: <f@own.example>" + TAIL,
            Returned(b"4AB12CD34", b"f@own.example"),
            id="returned id in an attachment",
        ),
        pytest.param(
            b"postfix/cleanup",
            b"4AB12CD34: info: body From: A User <u@own.example>" + TAIL,
            Returned(b"4AB12CD34", None, b"u@own.example"),
            id="returned From",
        ),
        pytest.param(
            b"postfix/cleanup",
            b"4AB12CD34: info: body X-Postfix-Sender: rfc822; u@own.example" + TAIL,
            Returned(b"4AB12CD34", None, b"u@own.example"),
            id="the sender that the emitter saw",
        ),
        pytest.param(
            b"postfix/smtpd",
            b"NOQUEUE: reject: RCPT from " + CLIENT + b": 550 5.1.1 <n@own.example>: Recipient address "
            b"rejected: User unknown in local recipient table; from=<> to=<n@own.example> "
            b"proto=ESMTP helo=<x>",
            Refused(b"192.0.2.66", b"mail.e.example", b"n@own.example"),
            id="no such user",
        ),
        pytest.param(
            b"postfix/smtpd",
            b"NOQUEUE: reject: RCPT from " + CLIENT + b": 550 5.1.1 <n@own.example>: Recipient address "
            b"rejected: User unknown; from=<s@e.example> to=<n@own.example> proto=ESMTP helo=<x>",
            None,
            id="no such user, but a named sender",
        ),
        pytest.param(
            b"postfix/smtpd",
            b"NOQUEUE: reject: RCPT from " + CLIENT + b": 450 4.1.1 <n@own.example>: Recipient address "
            b"rejected: unverified address; from=<> to=<n@own.example> proto=ESMTP helo=<x>",
            None,
            id="not known yet whether it exists",
        ),
        pytest.param(
            b"postfix/smtpd",
            b"NOQUEUE: reject: RCPT from " + CLIENT + b": 554 5.7.1 <n@else.example>: Relay access denied; "
            b"from=<> to=<n@else.example> proto=ESMTP helo=<x>",
            None,
            id="not our domain",
        ),
        pytest.param(b"postfix/anvil", b"statistics: max", None, id="other daemon"),
        pytest.param(b"sshd", b"4AB12CD34: client=" + CLIENT, None, id="other program"),
    ],
)
def test_entry(program: bytes, text: bytes, event: Event | None) -> None:
    assert postfix.parse(program, text) == event


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(b"a[203.0.113.1]", id="literal in the name"),
        pytest.param(b"x]: 550 5.1.1 <v@own.example>: Recipient address rejected: User unknown", id="end"),
        pytest.param(b"x>; from=<> to=<v@own.example> proto=ESMTP helo=<y", id="closing"),
        pytest.param(b"NOQUEUE: reject: RCPT from v[203.0.113.1]: 550 5.1.1 <v@own.example>", id="entry"),
        pytest.param(b"x?Nov 25 10:00:00 mx1 postfix/smtpd[1]: NOQUEUE", id="line end, as Postfix writes it"),
        pytest.param(b'"a b"@e.example', id="quotes"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b"A" * 100_000, id="100 kB"),
    ],
)
@pytest.mark.parametrize("field", ["helo", "recipient", "sender", "name_in_reply"])
def test_chosen_text_never_changes_whom_an_entry_speaks_of(field: str, chosen: bytes) -> None:
    value = {"helo": b"h", "recipient": b"n@own.example", "sender": b"", "name_in_reply": b""} | {
        field: chosen
    }
    recipient = value["recipient"]
    event = postfix.parse(
        b"postfix/smtpd",
        b"NOQUEUE: reject: RCPT from " + CLIENT + b": 550 5.1.1 <" + recipient + b">: Recipient address "
        b"rejected: User unknown" + value["name_in_reply"] + b"; from=<" + value["sender"] + b"> to=<"
        + recipient + b"> proto=ESMTP helo=<" + value["helo"] + b">",
    )  # fmt: skip
    assert event is None or (isinstance(event, Refused) and event.address == b"192.0.2.66")

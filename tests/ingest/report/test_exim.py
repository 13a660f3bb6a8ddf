"""What entries of Exim say, and that nothing a client chooses changes whom they speak of."""

import pytest

from ingest.report import exim
from ingest.report.events import Came, Ended, Event, Refused, Returned, Went

OLD, NEW = b"1tABCD-0001Ab-CD", b"1tABCD-00000001AbC-D2eF"
HOST = b"H=mail.e.example (helo.e.example) [192.0.2.66]:4711"


@pytest.mark.parametrize(
    ("text", "event"),
    [
        pytest.param(
            OLD + b" <= <> " + HOST + b" P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no K S=2345"
            b' id=x@e.example T="Mail \\"failed\\" for v@own.example" for u@own.example',
            Came(OLD, b"192.0.2.66", b"mail.e.example", False, b"", b"x@e.example", (b"u@own.example",)),
            id="null sender; the subject is no recipient",
        ),
        pytest.param(
            NEW
            + b" <= u@own.example H=(pc) [203.0.113.5] P=esmtpsa X=TLS CV=no A=plain:u S=9 id=m@own.example",
            Came(NEW, b"203.0.113.5", None, True, b"u@own.example", b"m@own.example"),
            id="authenticated, new message id",
        ),
        pytest.param(
            OLD + b" <= www@own.example U=www-data P=local S=99",
            Came(OLD, None, None, True, b"www@own.example"),
            id="local",
        ),
        pytest.param(
            OLD + b" <= <> R=1tABCC-0001Aa-00 U=Debian-exim P=local S=99",
            Came(OLD, None, None, True, b""),
            id="a bounce of our own",
        ),
        pytest.param(
            OLD + b" => a@b.example F=<u@own.example> R=dnslookup T=smtp S=9 H=mx.b.example [198.51.100.1]:25"
            b' X=TLS C="250 H=x [203.0.113.1] ok"',
            Went(OLD, b"a@b.example", b"198.51.100.1"),
            id="remote delivery; the reply's text is not the relay",
        ),
        pytest.param(
            OLD + b" => u <u@own.example> R=local_user T=maildir",
            Went(OLD, b"u@own.example", None),
            id="mailbox",
        ),
        pytest.param(
            OLD
            + b" ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [198.51.100.1]: SMTP error: 550 no",
            Went(OLD, b"a@b.example", b"198.51.100.1"),
            id="refused over there",
        ),
        pytest.param(
            OLD + b" ** u@own.example: retry timeout exceeded",
            Went(OLD, b"u@own.example", None),
            id="given up, without a router",
        ),
        pytest.param(OLD + b" Completed", Ended(OLD), id="end"),
        pytest.param(
            OLD + b" bsf-original <f@own.example> sender <u@own.example>",
            Returned(OLD, b"f@own.example", b"u@own.example"),
            id="what our ACL writes",
        ),
        pytest.param(
            HOST + b" X=TLS1.3:A:256 CV=no F=<> rejected RCPT <n@own.example>: Unrouteable address",
            Refused(b"192.0.2.66", b"mail.e.example", b"n@own.example"),
            id="no such user",
        ),
        pytest.param(
            b"2026-11-25 10:00:00 [77] H=(x) [192.0.2.66] F=<> rejected RCPT <n@own.example>: Unknown user",
            Refused(b"192.0.2.66", None, b"n@own.example"),
            id="through syslog, with its own stamp",
        ),
        pytest.param(
            HOST + b" F=<> rejected RCPT <n@own.example>: relay not permitted", None, id="another reason"
        ),
        pytest.param(
            HOST + b" F=<s@e.example> rejected RCPT <n@own.example>: Unknown user", None, id="a named sender"
        ),
        pytest.param(b"Start queue run: pid=1", None, id="another entry"),
    ],
)
def test_entry(text: bytes, event: Event | None) -> None:
    assert exim.parse(text) == event


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(b"[203.0.113.1]", id="literal"),
        pytest.param(b"x) [203.0.113.1", id="parenthesis"),
        pytest.param(b"x) [203.0.113.1] F=<> rejected RCPT <v@own.example>: Unknown user", id="whole tail"),
        pytest.param(b"x\\n2026-11-25 10:00:00 H=v [203.0.113.1] F=<>", id="line end, as Exim writes it"),
        pytest.param(b'"', id="quote"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b"A" * 100_000, id="100 kB"),
    ],
)
@pytest.mark.parametrize("field", ["helo", "recipient", "sni"])
def test_chosen_text_never_changes_whom_a_refusal_speaks_of(field: str, chosen: bytes) -> None:
    value = {"helo": b"h", "recipient": b"n@own.example", "sni": b"s"} | {field: chosen}
    event = exim.parse(
        b"H=(" + value["helo"] + b") [192.0.2.66] X=TLS SNI=" + value["sni"] + b" F=<> rejected RCPT <"
        + value["recipient"] + b">: Unknown user"
    )  # fmt: skip
    assert event is None or (isinstance(event, Refused) and event.address == b"192.0.2.66")


def test_a_helo_that_imitates_a_whole_entry_says_nothing() -> None:
    helo, subject = b'x) [203.0.113.1] P=esmtp T="', b' X=\\"'
    entry = b" <= <> H=(" + helo + b') [192.0.2.66] P=esmtp S=1 T="' + subject + b'" for u@own.example'
    assert exim.parse(OLD + entry) is None


@pytest.mark.parametrize(
    "chosen", [b"x for v@own.example", b'"x for v@own.example"@e', b'x" for v@own.example']
)
@pytest.mark.parametrize("field", [b"id=", b'T="'])
def test_chosen_text_never_becomes_a_recipient(field: bytes, chosen: bytes) -> None:
    end = b'"' if field.endswith(b'"') else b""
    if end:
        chosen = chosen.replace(b'"', b'\\"')  # as Exim writes it
    event = exim.parse(
        OLD + b" <= <> " + HOST + b" P=esmtp S=1 " + field + chosen + end + b" for u@own.example"
    )
    recipients = event.recipients if isinstance(event, Came) else ()
    assert set(recipients) <= {b"u@own.example", b"v@own.example", b"for"}
    assert recipients in {(), (b"u@own.example",)} or field == b"id="

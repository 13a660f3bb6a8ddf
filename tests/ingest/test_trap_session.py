"""What an SMTP session of the trap receiver makes of the bytes of a client."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.trap_session import (
    LINE_BYTES,
    MOST_ERRORS,
    TRY_LATER,
    Callout,
    Close,
    Limits,
    Mail,
    Output,
    Reply,
    Session,
    StartTls,
    Traps,
)

TRAPS = Traps(domains={"trap.example"}, addresses={"k3v9x@shop.example"})
SMALL = Limits(kept_bytes=100, largest_bytes=1000)
HELLO = b"EHLO mail.emitter.example\r\n"
ENVELOPE = HELLO + b"MAIL FROM:<>\r\nRCPT TO:<Old.Name@trap.example>\r\n"
REFUSED = b"550 5.7.1 no\r\n"


def session(**change: object) -> Session:
    values: dict[str, object] = {"hostname": "mx.trap.example", "traps": TRAPS, "limits": Limits()}
    return Session(**values | change)  # type: ignore[arg-type]


def talk(made: Session, *chunks: bytes) -> list[Output]:
    """Return all outputs, each mail refused at once, the end of the connection included."""
    out: list[Output] = made.greet()
    for chunk in chunks:
        out += made.receive(chunk)
        while made.waits and not any(isinstance(one, StartTls) for one in out):
            out += made.answer(REFUSED)
    return out + made.end()


def codes(out: list[Output]) -> list[str]:
    text = b"".join(one.data for one in out if isinstance(one, Reply)).decode()
    return [line[:3] for line in text.splitlines() if line[3:4] == " "]


def mails(out: list[Output]) -> list[Mail]:
    return [one for one in out if isinstance(one, Mail)]


def callouts(out: list[Output]) -> list[Callout]:
    return [one for one in out if isinstance(one, Callout)]


def test_a_mail_is_handed_out_and_refused_with_what_the_desk_says() -> None:
    out = talk(session(), ENVELOPE, b"DATA\r\n", b"Subject: a\r\n\r\n..dot\r\n.\r\n", b"QUIT\r\n")
    assert codes(out) == ["220", "250", "250", "250", "354", "550", "221"]
    assert mails(out) == [
        Mail(
            helo="mail.emitter.example",
            sender="",
            recipients=("old.name@trap.example",),
            message=b"Subject: a\r\n\r\n.dot\r\n",
            truncated=False,
        )
    ]
    assert callouts(out) == []


def test_everything_at_once_is_taken_in_order() -> None:
    everything = ENVELOPE + b"DATA\r\nA: b\r\n\r\nc\r\n.\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n"
    assert codes(talk(session(), everything)) == ["220", "250", "250", "250", "354", "550", "250", "221"]


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        pytest.param("<anything@trap.example>", "250", id="trap domain"),
        pytest.param("<ANYTHING@TRAP.EXAMPLE.>", "250", id="trap domain in capitals, with a dot"),
        pytest.param("<K3v9x@shop.example>", "250", id="trap address"),
        pytest.param("<@relay.example:k3v9x@shop.example>", "250", id="source route is passed over"),
        pytest.param("<jo@shop.example>", "550", id="no trap"),
        pytest.param("<a@sub.trap.example>", "550", id="domain below a trap"),
        pytest.param("<a@trap.example@other.example>", "550", id="two at signs: the last counts"),
        pytest.param("<a%other.example@trap.example>", "250", id="percent hack is only a name"),
        pytest.param("<postmaster>", "501", id="no domain"),
        pytest.param("<>", "501", id="empty"),
        pytest.param("a@trap.example", "501", id="no brackets"),
        pytest.param("<a@trap.example> NOTIFY=NEVER", "501", id="parameter that was not offered"),
    ],
)
def test_only_traps_are_taken(recipient: str, code: str) -> None:
    out = talk(session(), HELLO + b"MAIL FROM:<>\r\n", f"RCPT TO:{recipient}\r\n".encode())
    assert codes(out)[-1] == code


@pytest.mark.parametrize(
    ("end", "recipients"),
    [
        pytest.param([b"QUIT\r\n"], 1, id="quit"),
        pytest.param([b"RSET\r\n", b"QUIT\r\n"], 1, id="reset, then quit: once"),
        pytest.param([], 1, id="connection lost"),
        pytest.param([b"RCPT TO:<other@trap.example>\r\n"], 2, id="two recipients"),
        pytest.param([b"RCPT TO:<old.name@trap.example>\r\n"], 1, id="the same recipient twice"),
        pytest.param([b"EHLO again\r\n"], 1, id="new greeting"),
    ],
)
def test_recipients_without_a_mail_are_one_callout(end: list[bytes], recipients: int) -> None:
    found = callouts(talk(session(), ENVELOPE, *end))
    assert len(found) == 1
    assert len(found[0].recipients) == recipients
    assert found[0].helo == "mail.emitter.example"


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([ENVELOPE, b"DATA\r\n", b"Subject: half a mail"], id="lost in the middle of a mail"),
        pytest.param([ENVELOPE, b"DATA\r\n", b"a\r\n.\r\n"], id="mail that came in whole"),
        pytest.param([HELLO, b"MAIL FROM:<a@b.example>\r\nRCPT TO:<a@trap.example>\r\n"], id="sender named"),
        pytest.param([HELLO, b"MAIL FROM:<>\r\nRCPT TO:<a@other.example>\r\n"], id="no trap asked about"),
    ],
)
def test_nothing_else_is_a_callout(chunks: list[bytes]) -> None:
    assert callouts(talk(session(), *chunks)) == []


@pytest.mark.parametrize(
    "ending", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n\x00.\r\n", b"\r\n. \r\n"]
)
def test_only_one_way_ends_a_mail_so_that_nothing_is_smuggled(ending: bytes) -> None:
    smuggled = b"MAIL FROM:<>\r\nRCPT TO:<b@trap.example>\r\nDATA\r\nsecond\r\n.\r\n"
    out = talk(session(), ENVELOPE, b"DATA\r\n", b"first" + ending + smuggled)
    assert len(mails(out)) == 1
    assert b"MAIL FROM" in mails(out)[0].message


@pytest.mark.parametrize("line", [b"NOOP\nQUIT\r\n", b"NOOP\rQUIT\r\n", b"NOOP\0\r\n"])
def test_a_bare_line_end_in_a_command_is_an_error_and_no_second_command(line: bytes) -> None:
    assert codes(talk(session(), line)) == ["220", "500"]


def test_a_long_line_is_dropped_until_it_ends_and_the_session_goes_on() -> None:
    made = session()
    out = made.receive(HELLO)
    for _ in range(1000):
        out += made.receive(b"X" * 1000)
        assert made.held_bytes <= LINE_BYTES + 1000
    out += made.receive(b"\r") + made.receive(b"\nNOOP\r\n")
    assert codes(out) == ["250", "500", "250"]


@pytest.mark.parametrize("piece", [b"x" * 999, b"x" * 70 + b"\r\n", b".\r", b"\r\n"])
def test_a_mail_without_an_end_takes_no_memory_and_is_hung_up_on(piece: bytes) -> None:
    made = session(limits=SMALL)
    out = made.receive(ENVELOPE + b"DATA\r\n")
    for _ in range(2000):
        out += made.receive(piece)
        assert made.held_bytes <= SMALL.kept_bytes + len(piece) + 3
    assert codes(out)[-1] == "552"
    assert isinstance(out[-1], Close)
    assert mails(out) == []


def test_a_large_mail_is_kept_as_far_as_it_is_judged() -> None:
    out = talk(session(limits=SMALL), ENVELOPE, b"DATA\r\n", (b"x" * 48 + b"\r\n") * 10 + b".\r\n")
    (mail,) = mails(out)
    assert mail.truncated
    assert mail.message == (b"x" * 48 + b"\r\n") * 2


def test_a_mail_that_is_too_large_is_refused_whole() -> None:
    out = talk(session(limits=SMALL), ENVELOPE, b"DATA\r\n", b"x" * 1500 + b"\r\n.\r\n", b"NOOP\r\n")
    assert codes(out)[-2:] == ["552", "250"]
    assert mails(out) == []


def test_a_size_that_is_said_before_is_refused_before() -> None:
    out = talk(
        session(limits=SMALL), HELLO, b"MAIL FROM:<> SIZE=1001\r\n", b"MAIL FROM:<> BODY=8BITMIME SIZE=9\r\n"
    )
    assert codes(out)[-2:] == ["552", "250"]


def test_a_mail_for_which_there_is_no_memory_is_put_off() -> None:
    made = session()
    out = made.receive(ENVELOPE + b"DATA\r\n" + b"a: b\r\n") + made.receive(b"more\r\n", can_keep=False)
    assert made.held_bytes == 0
    out += made.receive(b"even more\r\n", can_keep=True)
    assert made.held_bytes == 0
    out += made.receive(b".\r\n")
    assert isinstance(out[-1], Reply)
    assert out[-1].data == TRY_LATER


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param([b"MAIL FROM:<>"], "503", id="no greeting"),
        pytest.param([b"EHLO"], "501", id="greeting without a name"),
        pytest.param([b"EHLO a", b"RCPT TO:<a@trap.example>"], "503", id="no sender"),
        pytest.param([b"EHLO a", b"MAIL FROM:<>", b"MAIL FROM:<>"], "503", id="two senders"),
        pytest.param([b"EHLO a", b"MAIL FROM:<>", b"DATA"], "503", id="no recipient"),
        pytest.param([b"EHLO a", b"MAIL FROM:<> FOO=1"], "555", id="unknown parameter"),
        pytest.param([b"EHLO a", b"MAIL FROM:<a@b> <c@d>"], "555", id="two paths"),
        pytest.param([b"EHLO a", b"MAIL TO:<>"], "501", id="no FROM"),
        pytest.param([b"BDAT 10 LAST"], "502", id="chunks were not offered"),
        pytest.param([b"STARTTLS"], "502", id="no certificate"),
        pytest.param([b"\xff\xfe"], "502", id="no ASCII"),
        pytest.param([b""], "502", id="empty line"),
        pytest.param([b"VRFY root"], "252", id="VRFY says nothing"),
        pytest.param([b"helo a", b"mail from: <a@b.example>"], "250", id="small letters and a space"),
    ],
)
def test_commands_out_of_order(lines: list[bytes], code: str) -> None:
    assert codes(talk(session(), *[line + b"\r\n" for line in lines]))[-1] == code


def test_too_many_errors_end_the_session() -> None:
    out = talk(session(), b"FOO\r\n" * 50)
    assert codes(out)[1:] == ["502"] * MOST_ERRORS + ["421"]


def test_too_many_commands_end_the_session() -> None:
    assert codes(talk(session(), b"NOOP\r\n" * 1000))[-1] == "421"


def test_tls_begins_anew() -> None:
    made = session(offers_tls=True)
    assert any(isinstance(one, Reply) and b"STARTTLS" in one.data for one in made.receive(ENVELOPE))
    out = made.receive(b"STARTTLS\r\n")
    assert isinstance(out[-1], StartTls)
    assert made.waits
    made.secured()
    assert codes(made.receive(b"MAIL FROM:<>\r\n")) == ["503"]
    assert codes(made.receive(b"EHLO a\r\nSTARTTLS\r\n")) == ["250", "502"]


def test_what_follows_starttls_in_the_clear_is_never_a_command() -> None:
    out = session(offers_tls=True).receive(HELLO + b"STARTTLS\r\nMAIL FROM:<>\r\n")
    assert codes(out) == ["250", "421"]
    assert not any(isinstance(one, StartTls) for one in out)


CONVERSATION = (
    ENVELOPE + b"DATA\r\nSubject: x\r\n\r\n..\r\n.a\r\nb\r\n.\r\nRSET\r\nMAIL FROM:<a@b.example>\r\n"
    b"RCPT TO:<a@trap.example>\r\nDATA\r\n\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@trap.example>\r\nQUIT\r\n"
)


@settings(deadline=None)
@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=12))
def test_it_does_not_matter_how_the_bytes_are_cut(cuts: list[int]) -> None:
    places = sorted({0, len(CONVERSATION), *cuts})
    chunks = [CONVERSATION[a:b] for a, b in itertools.pairwise(places)]
    found, whole = talk(session(), *chunks), talk(session(), CONVERSATION)
    assert codes(found) == codes(whole)
    assert mails(found) == mails(whole)
    assert callouts(found) == callouts(whole)
    assert [mail.message for mail in mails(whole)] == [b"Subject: x\r\n\r\n.\r\na\r\nb\r\n", b"\r\n"]


KNOWN = {"220", "221", "250", "252", "354", "421", "452", "500", "501", "502", "503", "550", "552", "555"}
PIECES = st.sampled_from(
    [
        ENVELOPE,
        b"DATA\r\n",
        b".\r\n",
        b"\r\n.\r\n",
        b"\n.\n",
        b"\r",
        b"QUIT\r\n",
        b"RSET\r\n",
        b"STARTTLS\r\n",
    ]
)


@settings(deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=30))
def test_no_bytes_break_a_session(chunks: list[bytes]) -> None:
    made = session(limits=SMALL)
    out = talk(made, *chunks)
    assert set(codes(out)) <= KNOWN
    assert all(mail.recipients and mail.helo and len(mail.message) <= SMALL.kept_bytes for mail in mails(out))
    assert made.held_bytes == 0

"""Signed senders: made by Exim 4.96 and postsrsd 1.10 they verify, and what they prove for a report."""

import dataclasses
import datetime as dt
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.domain.event import Attestation, Kind, RecipientClass, Verdict
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from ingest.mail.tags import Tag, TagState, addresses_in, prvs_signature, read_tag
from tests import mails

KEYS = (b"another", b"secret")
AT = mails.NOW
VALID = "prvs=37898cbeae=jo@reporter.example"  # by Exim on 25 November 2026 for 7 days
EMITTER = ipaddress.ip_address("192.0.2.25")
SIGNING = Registration(
    border_hosts=frozenset({"mx.reporter.example"}),
    accept_special=True,
    prvs_keys=KEYS,
    srs_keys=KEYS,
    own_domains=frozenset({"reporter.example"}),
    bounce_domains=frozenset({"bounce.reporter.example"}),
)


def tag_of(address: str, at: dt.datetime = AT, keys: tuple[bytes, ...] = KEYS) -> Tag | None:
    local, domain = addresses_in(address)[0]
    return read_tag(local, domain, prvs_keys=keys, srs_keys=keys, at=at)


MADE = {
    "Exim": VALID,
    "Exim, mixed case": "prvs=0789b3e0f9=Jo@Reporter.Example",
    "Exim, changed to capitals on the way": "prvs=37898CBEAE=jo@REPORTER.example",
    "Exim's SRS": "SRS0=a0e2=jo=friend.example=kim@reporter.example",
    "postsrsd": "SRS0=arEZ=JO=friend.example=kim@reporter.example",
    "postsrsd, changed to small letters on the way": "srs0=arez=jo=friend.example=kim@reporter.example",
    "postsrsd, second hop": "SRS1=DHnn=other.example==abcd=ZZ=kim=friend.example@reporter.example",
}


@pytest.mark.parametrize("maker", MADE)
def test_what_other_software_signed_verifies(maker: str) -> None:
    tag = tag_of(MADE[maker])
    assert tag is not None
    assert tag.state is TagState.VALID


@pytest.mark.parametrize("maker", MADE)
def test_another_key_does_not(maker: str) -> None:
    tag = tag_of(MADE[maker], keys=(b"other",))
    assert tag is not None
    assert tag.state is TagState.BAD


@pytest.mark.parametrize(
    "address",
    [
        "prvs=37898cbeae=joe@reporter.example",
        "prvs=37898cbeae=jo@other.example",
        "prvs=47898cbeae=jo@reporter.example",
        "prvs=37908cbeae=jo@reporter.example",
        "SRS0=arEZ=JO=friend.example=tim@reporter.example",
        "SRS0=arEZ=JO=enemy.example=kim@reporter.example",
        "SRS0=arEZ=JP=friend.example=kim@reporter.example",
        "SRS0=arE=JO=friend.example=kim@reporter.example",
        "SRS1=DHnn=enemy.example==abcd=ZZ=kim=friend.example@reporter.example",
    ],
)
def test_a_changed_address_does_not(address: str) -> None:
    tag = tag_of(address)
    assert tag is not None
    assert tag.state is TagState.BAD


@pytest.mark.parametrize("maker", MADE)
def test_without_a_key_a_tag_is_only_recognised(maker: str) -> None:
    tag = tag_of(MADE[maker], keys=())
    assert tag is not None
    assert tag.state is TagState.UNVERIFIED


SCHEMES = {
    "prvs=1234567890=jo@reporter.example": "prvs",
    "prvs=jo=1234567890@reporter.example": "prvs",
    "btv1==789abcdef==jo@reporter.example": "btv1",
    "msprvs1=20789abcDEF_-=jo@reporter.example": "msprvs1",
    "SRS0+ab12=JO=friend.example=kim@reporter.example": "srs",
    "jo+SRS=ab12c=JO=friend.example=kim@reporter.example": "srs",
    "SES=abcdef=XX=jo@reporter.example": "ses",
    "bprvs=abcdef12=jo@reporter.example": "prvs",
}


@pytest.mark.parametrize("address", SCHEMES)
def test_each_syntax_is_recognised(address: str) -> None:
    tag = tag_of(address, keys=())
    assert tag is not None
    assert tag.scheme == SCHEMES[address]


@pytest.mark.parametrize(
    "address", ["jo@reporter.example", "a=b@reporter.example", "prvs@reporter.example", "srs0@x.example"]
)
def test_other_addresses_bear_none(address: str) -> None:
    assert tag_of(address) is None


@pytest.mark.parametrize(
    ("days", "state"),
    [
        (0, TagState.VALID),
        (7, TagState.VALID),
        (8, TagState.EXPIRED),
        (300, TagState.EXPIRED),
        (-2, TagState.VALID),
    ],
)
def test_prvs_ends_on_its_day(days: int, state: TagState) -> None:
    tag = tag_of(VALID, AT + dt.timedelta(days=days))
    assert tag is not None
    assert tag.state is state


@pytest.mark.parametrize(
    ("days", "state"), [(0, TagState.VALID), (21, TagState.VALID), (22, TagState.EXPIRED)]
)
def test_srs_is_good_for_three_weeks(days: int, state: TagState) -> None:
    tag = tag_of(MADE["postsrsd"], AT + dt.timedelta(days=days))
    assert tag is not None
    assert tag.state is state


@given(local=st.text(max_size=80), domain=st.text(max_size=40))
def test_any_address_is_read_and_no_guess_is_valid(local: str, domain: str) -> None:
    tag = read_tag(local, domain, prvs_keys=KEYS, srs_keys=KEYS, at=AT)
    assert tag is None or tag.state is not TagState.VALID


def test_keys_are_never_printed() -> None:
    assert "secret" not in repr(SIGNING)


# --- what it means for a report ---

CLAIMS = {
    "unknown": Claim(client_ip=EMITTER),
    "no such user": Claim(client_ip=EMITTER, recipient_class=RecipientClass.NO_SUCH_USER, null_sender=True),
    "log": Claim(
        client_ip=EMITTER,
        recipient_class=RecipientClass.LOG_MISS,
        lookback_days=10,
        original_recipient_match=True,
    ),
    "tag missing": Claim(client_ip=EMITTER, recipient_class=RecipientClass.TAG_MISSING),
    "tag bad": Claim(client_ip=EMITTER, recipient_class=RecipientClass.TAG_BAD),
}
UNSOLICITED_ID = "x-1@bot.example"
KINDS: dict[Kind, bytes] = {
    Kind.DSN_FAIL: mails.dsn(original_id=UNSOLICITED_ID),
    Kind.DSN_DELAY: mails.dsn(original_id=UNSOLICITED_ID, action="delayed", status="4.4.1"),
    Kind.DSN_OK: mails.dsn(original_id=UNSOLICITED_ID, action="relayed", status="2.1.5"),
    Kind.NDR: mails.ndr_qmail(original_id=UNSOLICITED_ID),
    Kind.AUTO: mails.auto_reply(original_id=UNSOLICITED_ID),
    Kind.CR: mails.challenge(),
    Kind.VIRUS: mails.content_notice(),
    Kind.MDN: mails.read_receipt(original_id=UNSOLICITED_ID),
    Kind.LIST: mails.list_reply(),
}


def judged(message: bytes, claim: Claim, registration: Registration = SIGNING) -> Judgement:
    return judge(message, registration=registration, claim=claim, now=AT)


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "address",
    [
        *(address for name, address in MADE.items() if "@reporter" in address.lower()),
        "news+ab12cd@bounce.reporter.example",
    ],
)
def test_a_solicited_notification_is_never_evidence(kind: Kind, claim: str, address: str) -> None:
    by_field = judged(mails.sent_to(KINDS[kind], address), CLAIMS[claim])
    by_word = judged(KINDS[kind], dataclasses.replace(CLAIMS[claim], recipient=address))
    by_server = judged(b"Delivered-To: " + address.encode() + b"\n" + KINDS[kind], CLAIMS[claim])
    for result in (by_field, by_word, by_server):
        assert result.kind is kind
        assert (result.refusal, result.verdict, result.strength) == (Refusal.SOLICITED, Verdict.SOLICITED, 0)


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("kind", KINDS)
def test_its_unsolicited_twin_is_accepted_as_before(kind: Kind, claim: str) -> None:
    plain = dataclasses.replace(SIGNING, prvs_keys=(), srs_keys=(), own_domains=frozenset())
    with_keys = dataclasses.replace(SIGNING, own_domains=frozenset())
    assert judged(KINDS[kind], CLAIMS[claim], with_keys) == judged(KINDS[kind], CLAIMS[claim], plain)
    assert judged(KINDS[kind], CLAIMS[claim]).verdict is Verdict.BACKSCATTER


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_tag_supports_the_claim(kind: Kind) -> None:
    message = mails.sent_to(KINDS[kind], "prvs=3789ffffff=jo@reporter.example")
    with_tag, without = judged(message, CLAIMS["tag bad"]), judged(KINDS[kind], CLAIMS["tag bad"])
    assert (with_tag.attestation, with_tag.verdict) == (without.attestation, Verdict.BACKSCATTER)
    assert "tag_bad" in with_tag.reasons


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_tag_that_expired_leaves_it_open(claim: str) -> None:
    old = f"3770{prvs_signature(b'secret', '3770', 'jo@reporter.example')}"
    result = judged(mails.sent_to(KINDS[Kind.DSN_FAIL], f"prvs={old}=jo@reporter.example"), CLAIMS[claim])
    assert (result.verdict, result.strength, result.refusal) == (Verdict.UNVERIFIABLE, 0, None)
    assert "tag_expired" in result.reasons


def test_a_tag_where_it_is_said_to_be_missing_is_a_contradiction() -> None:
    keyless = dataclasses.replace(SIGNING, prvs_keys=(), srs_keys=())
    result = judged(mails.sent_to(KINDS[Kind.NDR], VALID), CLAIMS["tag missing"], keyless)
    assert result.attestation is Attestation.U1
    assert "tag_is_there" in result.reasons


def test_a_tag_is_worth_what_it_was_when_the_notification_came() -> None:
    border = mails.Border(at=AT - dt.timedelta(days=6))
    late = AT + dt.timedelta(hours=6)
    old = f"0785{prvs_signature(b'secret', '0785', 'jo@reporter.example')}"
    message = mails.sent_to(mails.dsn(border=border), f"prvs={old}=jo@reporter.example")
    result = judge(message, registration=SIGNING, claim=Claim(), now=late - dt.timedelta(hours=6))
    assert result.refusal is Refusal.SOLICITED


# --- the reporter's own domains ---


@pytest.mark.parametrize(
    ("claim", "capped"),
    [("unknown", True), ("no such user", True), ("tag missing", True), ("tag bad", True), ("log", False)],
)
def test_a_message_id_of_an_own_domain_caps_where_no_log_was_asked(claim: str, capped: bool) -> None:
    message = mails.dsn(original_id="abc@mail.reporter.example")
    result = judged(message, CLAIMS[claim])
    assert ("own_message_id" in result.reasons) is capped
    assert result.attestation is (Attestation.U1 if capped else Attestation.U3)


@pytest.mark.parametrize("claim", CLAIMS)
def test_an_own_signature_on_the_original_caps_every_claim_but_a_trap(claim: str) -> None:
    signed = mails.original(
        UNSOLICITED_ID,
        extra=(("DKIM-Signature", "v=1; a=rsa-sha256; c=relaxed/relaxed;\n d=Reporter.example; s=a; b=x"),),
    )
    message = mails.dsn(returned=signed)
    assert judged(message, CLAIMS[claim]).attestation is Attestation.U1
    assert "own_signature_on_original" in judged(message, CLAIMS[claim]).reasons
    trap = Claim(client_ip=EMITTER, recipient_class=RecipientClass.TRAP)
    assert judged(message, trap).attestation is Attestation.U4


def test_a_signature_of_somebody_else_says_nothing() -> None:
    signed = mails.original(UNSOLICITED_ID, extra=(("DKIM-Signature", "v=1; d=notreporter.example; b=x"),))
    assert judged(mails.dsn(returned=signed), CLAIMS["log"]).attestation is Attestation.U3


def test_a_status_for_a_sender_of_another_domain_was_forwarded_here() -> None:
    message = mails.dsn().replace(
        b"X-Postfix-Sender: rfc822; jo@reporter", b"X-Postfix-Sender: rfc822; jo@university"
    )
    result = judged(message, CLAIMS["log"])
    assert (result.verdict, result.strength) == (Verdict.RELAYED, 0)
    assert "sender_of_another_domain" in result.reasons
    assert judged(mails.dsn(), CLAIMS["log"]).verdict is Verdict.BACKSCATTER


@pytest.mark.parametrize(
    ("returned", "step"),
    [
        ("Message-ID: <x@bot.example>\nSubject: Hi\n", Attestation.U1),
        ("From: a@b.example\nMessage-ID: <x@bot.example>\nSubject: Hi\n", Attestation.U3),
        ("From: a@b.example\nTo: c@d.example\nDate: x\nSubject: Hi\nMIME-Version: 1.0\n", Attestation.U3),
        ("From: a@b.example\nTo: c@d.example\nDate: x\nSubject: Hi\n", Attestation.U1),
    ],
    ids=["without From", "three known with an id", "five known without", "four known without"],
)
def test_a_log_needs_a_complete_header_block_of_the_original(returned: str, step: Attestation) -> None:
    result = judged(mails.dsn(returned=returned), CLAIMS["log"])
    assert result.attestation is step
    assert ("original_not_shown" in result.reasons) is (step is Attestation.U1)

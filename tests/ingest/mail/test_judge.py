"""Judging: whose word counts for what, what the mail takes away, and when a report is refused."""

import dataclasses
import datetime as dt
import ipaddress
from typing import Any

import pytest

from feed.domain.event import Attestation, Kind, Provenance, RecipientClass, Verdict
from ingest.mail.judge import judge, judge_record
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from tests import mails

REGISTERED = Registration(
    border_hosts=frozenset({"mx.reporter.example"}),
    internal_hosts=frozenset({"store.reporter.example"}),
    own_networks=(ipaddress.ip_network("203.0.113.0/28"),),
    forwarders=(ipaddress.ip_network("203.0.113.128/28"),),
    accept_special=True,
)
EMITTER = ipaddress.ip_address("192.0.2.25")
BORDER = mails.Border()


def judged(
    message: bytes, claim: Claim | None = None, *, registration: Registration = REGISTERED
) -> Judgement:
    return judge(message, registration=registration, claim=claim or Claim(), now=mails.NOW)


def _said(field: str, text: str) -> dict[str, Any]:
    return {field: text}


def log_miss(**changes: Any) -> Claim:
    claim = Claim(
        recipient_class=RecipientClass.LOG_MISS,
        lookback_days=10,
        original_recipient_match=True,
        client_ip=EMITTER,
    )
    return dataclasses.replace(claim, **changes)


def tag(**changes: Any) -> Claim:
    return dataclasses.replace(
        Claim(recipient_class=RecipientClass.TAG_MISSING, client_ip=EMITTER), **changes
    )


TRAP = Claim(recipient_class=RecipientClass.TRAP, client_ip=EMITTER)
NO_USER = Claim(recipient_class=RecipientClass.NO_SUCH_USER, client_ip=EMITTER, null_sender=True)


# --- the address ---


def test_the_address_comes_from_the_border_hop() -> None:
    result = judged(mails.dsn(border=BORDER))
    assert (result.emitter, result.provenance) == (EMITTER, Provenance.P2)
    assert result.verdict is Verdict.BACKSCATTER


def test_the_reporters_own_word_is_worth_more() -> None:
    result = judged(mails.dsn(), Claim(client_ip=EMITTER))
    assert (result.emitter, result.provenance) == (EMITTER, Provenance.P3)


def test_a_word_that_the_border_hop_contradicts_is_worth_less() -> None:
    result = judged(mails.dsn(border=BORDER), Claim(client_ip=ipaddress.ip_address("192.0.2.99")))
    assert (str(result.emitter), result.provenance) == ("192.0.2.99", Provenance.P1)
    assert "client_ip_differs" in result.defects


def test_a_wrapping_feedback_report_names_the_address_weakly() -> None:
    result = judged(mails.feedback_report(mails.dsn(), source_ip="192.0.2.25"))
    assert (result.emitter, result.provenance, result.strength) == (EMITTER, Provenance.P1, 1)


def test_the_border_hop_inside_a_feedback_report_is_as_good_as_in_a_mail() -> None:
    result = judged(mails.feedback_report(mails.dsn(border=BORDER), source_ip="192.0.2.25"))
    assert result.provenance is Provenance.P2
    differs = judged(mails.feedback_report(mails.dsn(border=BORDER), source_ip="192.0.2.99"))
    assert (differs.emitter, differs.provenance) == (EMITTER, Provenance.P1)


def test_without_a_trustworthy_address_the_kind_is_still_told() -> None:
    result = judged(mails.dsn())
    assert result.refusal is Refusal.NO_TRUSTWORTHY_ADDRESS
    assert (result.kind, result.verdict, result.emitter) == (Kind.DSN_FAIL, Verdict.UNVERIFIABLE, None)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("::ffff:192.0.2.25", "192.0.2.25"),
        ("2002:c000:219::1", "192.0.2.25"),
        ("64:ff9b::c000:219", "192.0.2.25"),
    ],
)
def test_wrapped_addresses_are_one(written: str, canonical: str) -> None:
    result = judged(mails.dsn(), Claim(client_ip=ipaddress.ip_address(written)))
    assert str(result.emitter) == canonical


@pytest.mark.parametrize(
    "ip", ["10.0.0.1", "127.0.0.1", "192.0.2.25", "224.0.0.1", "fe80::1", "2001:db8::1", "::1"]
)
def test_addresses_that_nobody_routes_are_refused_unless_accepted(ip: str) -> None:
    claim = Claim(client_ip=ipaddress.ip_address(ip))
    strict = dataclasses.replace(REGISTERED, accept_special=False)
    assert judged(mails.dsn(), claim, registration=strict).refusal is Refusal.BAD_ADDRESS_CLASS
    nowhere = ip in ("127.0.0.1", "::1", "fe80::1", "224.0.0.1")
    assert judged(mails.dsn(), claim).refusal is (Refusal.BAD_ADDRESS_CLASS if nowhere else None)


# --- who is never charged ---


@pytest.mark.parametrize(
    ("ip", "word"), [("203.0.113.5", "own_network"), ("203.0.113.130", "known_forwarder")]
)
def test_own_networks_and_forwarders_are_never_charged(ip: str, word: str) -> None:
    claim = dataclasses.replace(TRAP, client_ip=ipaddress.ip_address(ip))
    for result in (
        judged(mails.dsn(), claim),
        judge_record(dataclasses.replace(claim, kind=Kind.NDR), registration=REGISTERED, now=mails.NOW),
    ):
        assert (result.verdict, result.strength, result.refusal) == (Verdict.RELAYED, 0, None)
        assert word in result.reasons


def test_a_private_own_network_is_relayed_and_not_refused() -> None:
    own = (ipaddress.ip_network("10.0.0.0/8"),)
    strict = dataclasses.replace(REGISTERED, own_networks=own, accept_special=False)
    result = judged(mails.dsn(), Claim(client_ip=ipaddress.ip_address("10.0.0.1")), registration=strict)
    assert (result.verdict, result.refusal) == (Verdict.RELAYED, None)


PASSED_ON = {
    "list_headers": (("List-Id", "<talk.lists.example>"),),
    "resent_headers": (("Resent-From", "kim@friend.example"),),
    "forwarded_headers": (("X-Forwarded-For", "jo@old.example jo@reporter.example"),),
    "delivered_twice": (("Delivered-To", "jo@old.example"), ("Delivered-To", "jo@older.example")),
}


@pytest.mark.parametrize("word", PASSED_ON)
def test_a_notification_that_somebody_passed_on_is_not_charged_to_him(word: str) -> None:
    result = judged(mails.dsn(border=BORDER, extra=PASSED_ON[word]), TRAP)
    assert (result.verdict, result.strength) == (Verdict.RELAYED, 0)
    assert word in result.reasons


def test_fields_that_the_own_server_added_do_not_make_it_passed_on() -> None:
    top = b"Delivered-To: jo@reporter.example\nDelivered-To: jo@store.reporter.example\nX-Forwarded-To: x@y\n"
    result = judged(top + mails.dsn(border=BORDER), TRAP)
    assert result.verdict is Verdict.BACKSCATTER


def test_a_list_managers_own_reply_bears_list_headers_and_is_its_own() -> None:
    result = judged(mails.list_reply(border=BORDER))
    assert (result.kind, result.verdict) == (Kind.LIST, Verdict.BACKSCATTER)


# --- how surely it was unsolicited ---

STEPS = [
    ("trap, bounce", mails.dsn(), TRAP, Attestation.U4),
    ("trap, auto-reply", mails.auto_reply(), TRAP, Attestation.U4),
    ("trap, read receipt", mails.read_receipt(), TRAP, Attestation.U4),
    ("tag, bounce", mails.dsn(), tag(), Attestation.U4),
    (
        "bad tag, non-standard bounce",
        mails.ndr_qmail(),
        tag(recipient_class=RecipientClass.TAG_BAD),
        Attestation.U4,
    ),
    ("tag, auto-reply", mails.auto_reply(), tag(), Attestation.U2),
    ("tag, challenge", mails.challenge(), tag(), Attestation.U2),
    ("tag, content notice", mails.content_notice(), tag(), Attestation.U2),
    ("tag, read receipt", mails.read_receipt(), tag(), Attestation.U1),
    ("tag, list", mails.list_reply(), tag(), Attestation.U1),
    ("tag, named sender by claim", mails.dsn(return_path=None), tag(null_sender=False), Attestation.U1),
    ("tag, named sender by mail", mails.dsn(return_path="postmaster@emitter.example"), tag(), Attestation.U1),
    ("log, bounce", mails.dsn(), log_miss(), Attestation.U3),
    ("log, auto-reply", mails.auto_reply(), log_miss(), Attestation.U3),
    ("log, read receipt", mails.read_receipt(), log_miss(), Attestation.U3),
    ("log, list", mails.list_reply(), log_miss(), Attestation.U1),
    ("log of seven days", mails.dsn(), log_miss(lookback_days=7), Attestation.U1),
    ("log of eight days", mails.dsn(), log_miss(lookback_days=8), Attestation.U3),
    ("log of unknown length", mails.dsn(), log_miss(lookback_days=None), Attestation.U1),
    ("log, other recipient", mails.dsn(), log_miss(original_recipient_match=False), Attestation.U1),
    ("log, recipient not said", mails.dsn(), log_miss(original_recipient_match=None), Attestation.U1),
    ("log, named sender", mails.dsn(return_path="a@emitter.example"), log_miss(), Attestation.U1),
    ("log, nothing to look up", mails.ndr_text(), log_miss(), Attestation.U1),
    ("log, nothing shown but a key said", mails.ndr_text(), log_miss(original_key="k1"), Attestation.U3),
    ("no such user", mails.dsn(), NO_USER, Attestation.U2),
    ("unknown", mails.dsn(), Claim(client_ip=EMITTER), Attestation.U1),
]


@pytest.mark.parametrize(
    ("message", "claim", "step"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS]
)
def test_the_step_of_the_ladder(message: bytes, claim: Claim, step: Attestation) -> None:
    result = judged(message, claim)
    assert result.attestation is step
    assert result.strength == min(int(step), 4)
    assert result.verdict is Verdict.BACKSCATTER


def test_the_border_hop_holds_a_trap_down_to_its_own_worth() -> None:
    result = judged(mails.dsn(border=BORDER), dataclasses.replace(TRAP, client_ip=None))
    assert (result.attestation, result.provenance, result.strength) == (Attestation.U4, Provenance.P2, 3)


@pytest.mark.parametrize(
    "message",
    [
        mails.dsn(
            returned=mails.original(
                received=("from x (x [203.0.113.9]) by mx.reporter.example; Tue, 24 Nov 2026 09:00:00 +0000",)
            )
        ),
        mails.dsn(original_id="a.b@mx.reporter.example"),
        mails.ndr_qmail(original_id="a.b@store.reporter.example"),
    ],
    ids=["hop", "message id", "message id in text"],
)
def test_an_own_host_in_the_original_lowers_every_claim(message: bytes) -> None:
    for claim in (TRAP, tag(), log_miss()):
        result = judged(message, claim)
        assert (result.attestation, result.strength) == (Attestation.U1, 1)
        assert "own_host_in_original" in result.reasons


def test_each_repeated_critical_field_costs_a_step() -> None:
    once = judged(mails.dsn(extra=(("From", "other@emitter.example"),)), TRAP)
    assert (once.strength, once.defects) == (3, ("duplicate_from",))
    twice = judged(mails.dsn(extra=(("From", "a@b.example"), ("Return-Path", "<>"))), TRAP)
    assert twice.strength == 2


def test_what_a_mail_cannot_do_is_raise_a_claim() -> None:
    told = mails.original(extra=(("Authentication-Results", "mail.emitter.example; spf=fail; dmarc=fail"),))
    result = judged(mails.dsn(border=BORDER, returned=told))
    assert result.attestation is Attestation.U1
    assert "emitter_saw_forgery" in result.reasons


# --- refusals ---


def test_an_ordinary_mail_is_refused() -> None:
    assert judged(mails.ordinary(border=BORDER), TRAP).refusal is Refusal.NOT_A_NOTIFICATION


def test_a_mail_refused_only_for_our_listing_is_no_evidence() -> None:
    claim = dataclasses.replace(TRAP, cause_is_listing=True)
    assert judged(mails.dsn(), claim).refusal is Refusal.SOLE_CAUSE_IS_LISTING


@pytest.mark.parametrize("text", ["<ip>", "%(ip)s", "$f2bV_matches", "${ip}", "{{ digest }}", "x <matches>"])
@pytest.mark.parametrize("field", ["recipient_token", "original_key", "digest", "helo"])
def test_a_placeholder_that_was_never_filled_in_is_refused(field: str, text: str) -> None:
    claim = dataclasses.replace(TRAP, **_said(field, text))
    assert judged(mails.dsn(), claim).refusal is Refusal.UNEXPANDED_PLACEHOLDER


@pytest.mark.parametrize("field", ["recipient_token", "original_key", "digest", "helo"])
def test_ordinary_tokens_are_no_placeholders(field: str) -> None:
    claim = dataclasses.replace(TRAP, **_said(field, "sha256:9f86d081884c7d65+/=<a.b@c>"))
    assert judged(mails.dsn(), claim).refusal is None


@pytest.mark.parametrize(
    ("age", "refusal"),
    [
        (dt.timedelta(days=7), None),
        (dt.timedelta(days=7, minutes=2), Refusal.STALE),
        (dt.timedelta(minutes=-10), None),
        (dt.timedelta(minutes=-12), Refusal.FUTURE),
    ],
)
def test_reports_are_fresh(age: dt.timedelta, refusal: Refusal | None) -> None:
    at = mails.NOW - age
    by_claim = judged(mails.dsn(), dataclasses.replace(TRAP, observed_at=at))
    by_hop = judged(mails.dsn(border=mails.Border(at=at)))
    record = judge_record(
        dataclasses.replace(TRAP, kind=Kind.NDR, observed_at=at), registration=REGISTERED, now=mails.NOW
    )
    assert [by_claim.refusal, by_hop.refusal, record.refusal] == [refusal] * 3


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        (dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14))), Refusal.STALE),
        (dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.timezone(-dt.timedelta(hours=12))), Refusal.FUTURE),
        (dt.datetime(2026, 11, 25, 12, 0), None),  # noqa: DTZ001
    ],
    ids=["first year", "last year", "without a zone"],
)
def test_impossible_times_are_refused_in_order(at: dt.datetime, refusal: Refusal | None) -> None:
    claim = dataclasses.replace(TRAP, observed_at=at, kind=Kind.NDR)
    assert judged(mails.dsn(), claim).refusal is refusal
    assert judge_record(claim, registration=REGISTERED, now=mails.NOW).refusal is refusal


def test_times_are_kept_by_the_minute() -> None:
    at = dt.datetime(2026, 11, 25, 11, 59, 59, 999999, tzinfo=dt.UTC)
    result = judged(mails.dsn(), dataclasses.replace(TRAP, observed_at=at))
    assert result.observed_at == dt.datetime(2026, 11, 25, 11, 59, tzinfo=dt.UTC)


# --- what is kept ---


@pytest.mark.parametrize(
    "message",
    [
        mails.dsn(),
        mails.ndr_qmail(),
        mails.ndr_exim(),
        mails.auto_reply(),
        mails.read_receipt(),
        mails.challenge(),
    ],
    ids=["dsn", "qmail", "exim", "auto", "mdn", "challenge"],
)
def test_the_original_is_known_by_its_message_id(message: bytes) -> None:
    assert judged(message, TRAP).original == b"original-1@reporter.example"


def test_the_reporters_key_stands_for_the_original() -> None:
    assert judged(mails.dsn(), dataclasses.replace(TRAP, original_key="k1")).original == b"k1"


def test_status_and_hosts_are_kept_and_no_person() -> None:
    result = judged(mails.dsn(border=BORDER))
    assert (result.status, result.reporting_mta) == ("5.1.1", "mail.emitter.example")
    assert (result.software, result.helo) == ("postfix", "mail.emitter.example")
    kept = repr(dataclasses.replace(result, original=None))
    for word in ("nobody", "jo@", "watches", "Recipient address"):
        assert word not in kept


@pytest.mark.parametrize(
    "helo", ["[198.51.100.66]", "a b.example", "x\r\ny.example", "localhost", "ü.example"]
)
def test_only_host_names_are_kept_as_helo(helo: str) -> None:
    assert judged(mails.dsn(), dataclasses.replace(TRAP, helo=helo)).helo is None


# --- records without a mail ---


def record(claim: Claim) -> Judgement:
    return judge_record(claim, registration=REGISTERED, now=mails.NOW)


def test_a_structured_report_is_worth_what_the_reporter_knows() -> None:
    result = record(dataclasses.replace(TRAP, kind=Kind.DSN_FAIL, original_key="k1"))
    assert (result.verdict, result.strength, result.original) == (Verdict.BACKSCATTER, 4, b"k1")


def test_a_bare_assertion_is_worth_nothing() -> None:
    result = record(Claim(client_ip=EMITTER, kind=Kind.NDR))
    assert (result.attestation, result.strength, result.verdict) == (Attestation.U0, 0, Verdict.UNVERIFIABLE)
    assert record(Claim(client_ip=EMITTER, kind=Kind.NDR, digest="ab12")).attestation is Attestation.U1


def test_a_null_sender_to_nobody_needs_no_kind() -> None:
    result = record(NO_USER)
    assert (result.kind, result.attestation, result.verdict) == (
        Kind.NDR,
        Attestation.U2,
        Verdict.BACKSCATTER,
    )


def test_a_record_without_kind_and_without_null_sender_is_no_notification() -> None:
    for null_sender in (None, False):
        result = record(dataclasses.replace(NO_USER, null_sender=null_sender))
        assert result.refusal is Refusal.NOT_A_NOTIFICATION


def test_a_callout_is_evidence_of_its_own_kind() -> None:
    result = record(dataclasses.replace(NO_USER, kind=Kind.SAV))
    assert (result.kind, result.attestation) == (Kind.SAV, Attestation.U2)


def test_a_record_without_an_address_is_refused() -> None:
    assert (
        record(dataclasses.replace(TRAP, client_ip=None, kind=Kind.NDR)).refusal
        is Refusal.NO_TRUSTWORTHY_ADDRESS
    )

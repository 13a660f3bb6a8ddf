"""A person's forward: opened on request only, and only where the outside is plainly one."""

import ipaddress

import pytest

from feed.domain.event import Kind, Provenance, RecipientClass, Verdict
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from ingest.mail.unwrap import judge_submitted
from tests import mails

REGISTERED = Registration(border_hosts=frozenset({"mx.reporter.example"}), accept_special=True)
PERSON = mails.Border(ip="198.51.100.7", name="laptop.reporter.example")
BOUNCE = mails.dsn(border=mails.Border(ip="192.0.2.25"))


def forward(
    inner: bytes = BOUNCE,
    *,
    subject: str = "Fwd: Undelivered Mail Returned to Sender",
    sender: str = "Jo <jo@reporter.example>",
    return_path: str | None = mails.VICTIM,
    extra: tuple[tuple[str, str], ...] = (),
    parts: tuple[tuple[str, str], ...] = (("text/plain", "Look what came."),),
    subtype: str = "mixed",
) -> bytes:
    """Return a mail of a person with a notification attached."""
    fields = [*mails.top(PERSON, return_path), *extra, ("From", sender), ("To", "abuse@reporter.example")]
    carried = [*parts, ("message/rfc822", inner.decode())]
    return mails.multipart([*fields, ("Subject", subject)], subtype, carried, boundary="=_w0")


def judged(message: bytes, *, asked: bool = True, claim: Claim | None = None) -> Judgement:
    return judge_submitted(
        message, registration=REGISTERED, claim=claim or Claim(), now=mails.NOW, unwrap_forward=asked
    )


def test_the_attached_notification_is_judged_by_its_own_border_hop() -> None:
    result = judged(forward())
    assert (str(result.emitter), result.provenance, result.kind) == (
        "192.0.2.25",
        Provenance.P2,
        Kind.DSN_FAIL,
    )
    assert result.reasons[-1] == "forwarded"


def test_the_claim_can_ask_as_well() -> None:
    assert str(judged(forward(), asked=False, claim=Claim(forwarded=True)).emitter) == "192.0.2.25"


def test_nothing_is_opened_unasked() -> None:
    """A stranger may send this to a trap whose mail a program submits: his forged chain must not count."""
    trap = Claim(recipient_class=RecipientClass.TRAP)
    result = judged(forward(), asked=False, claim=trap)
    assert (result.refusal, result.emitter) == (Refusal.NOT_A_NOTIFICATION, result.emitter)
    assert str(result.emitter) != "192.0.2.25"
    assert result.verdict is not Verdict.BACKSCATTER


def test_the_person_is_never_blamed() -> None:
    result = judged(forward(mails.dsn()))
    assert (result.refusal, result.emitter) == (Refusal.NO_TRUSTWORTHY_ADDRESS, None)


def test_what_the_server_saw_of_the_forward_is_not_of_the_notification() -> None:
    claim = Claim(
        client_ip=ipaddress.ip_address("198.51.100.7"), helo="laptop.reporter.example", null_sender=False
    )
    result = judged(forward(), claim=claim)
    assert (str(result.emitter), result.provenance, result.helo) == (
        "192.0.2.25",
        Provenance.P2,
        "mail.emitter.example",
    )
    assert "client_ip_differs" not in result.defects


ONE_LEVEL = {
    "a forward of a forward": forward(forward().replace(b"=_w0", b"=_w1")),
    "two mails": forward(parts=(("message/rfc822", mails.ordinary().decode()),)),
    "another attachment": forward(parts=(("text/plain", "x"), ("application/pdf", "x"))),
    "a list": forward(extra=(("List-Id", "<talk.lists.example>"),)),
    "a machine": forward(extra=(("Auto-Submitted", "auto-generated"),)),
    "a bulk mail": forward(extra=(("Precedence", "bulk"),)),
    "a daemon": forward(sender="MAILER-DAEMON@emitter.example"),
    "a null sender": forward(return_path=""),
    "a digest": forward(subtype="digest"),
    "an ordinary mail inside": forward(mails.ordinary(border=mails.Border(ip="192.0.2.25"))),
}


@pytest.mark.parametrize("case", ONE_LEVEL)
def test_what_is_no_plain_forward_is_not_opened(case: str) -> None:
    result = judged(ONE_LEVEL[case])
    assert "forwarded" not in result.reasons
    assert str(result.emitter) != "192.0.2.25"
    assert result == judge(ONE_LEVEL[case], registration=REGISTERED, claim=Claim(), now=mails.NOW)


@pytest.mark.parametrize(
    "subject",
    ["Fwd: x", "FW: x", "WG: x", "TR: x", "RV: x", "I: x", "Doorst: x", "VB: x", "[Fwd: x]", "see this"],
)
def test_the_subject_of_a_forward_may_be_any(subject: str) -> None:
    assert str(judged(forward(subject=subject)).emitter) == "192.0.2.25"


def test_text_after_the_attachment_is_a_forward_too() -> None:
    fields = [*mails.top(PERSON, mails.VICTIM), ("From", "Jo <jo@reporter.example>"), ("Subject", "Fwd: x")]
    parts = [("message/rfc822", BOUNCE.decode()), ("text/html", "<p>Jo</p>")]
    assert str(judged(mails.multipart(fields, "mixed", parts, boundary="=_w0")).emitter) == "192.0.2.25"

"""The software that wrote a notification: by its own marks, never by those of the server that received it."""

import pytest

from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from tests import mails
from tests.mails import VICTIM, join

NOTHING = Registration()
REGISTERED = Registration(
    border_hosts=frozenset({"mx.reporter.example"}), internal_hosts=frozenset({"store.other.example"})
)
AT = "Tue, 24 Nov 2026 09:00:00 +0000"
BORDER = f"from m.emitter.example (m [192.0.2.25]) by mx.reporter.example (Postfix) with ESMTP; {AT}"
STORE = f"from mx.reporter.example (mx [10.0.0.1]) by store.reporter.example (Exim 4.97) with esmtp; {AT}"
FOREIGN_STORE = (
    f"from mx.reporter.example (mx [10.0.0.1]) by store.other.example (Exim 4.97) with esmtp; {AT}"
)
LOCAL = f"from localhost (m.emitter.example [local]) by m.emitter.example (OpenSMTPD) with ESMTPA; {AT}"
INSIDE = f"from a.emitter.example (a [10.9.9.9]) by m.emitter.example (MDaemon PRO) with ESMTP; {AT}"


def software_of(
    *fields: tuple[str, str],
    text: str = "Your mail was not delivered.\n",
    registration: Registration = NOTHING,
) -> str | None:
    given = dict(fields)
    top = [(name, value) for name, value in fields if name not in ("From", "Subject")]
    sender = given.get("From", "MAILER-DAEMON@m.emitter.example")
    subject = given.get("Subject", "Undeliverable")
    mail = join([("Return-Path", "<>"), *top, ("From", sender), ("To", VICTIM), ("Subject", subject)], text)
    return judge(mail, registration=registration, claim=Claim(), now=mails.NOW).software


STEPS: dict[str, tuple[list[str], Registration, str | None]] = {
    "only the reporter's own": ([BORDER], NOTHING, None),
    "his store and his border": ([STORE, BORDER], NOTHING, None),
    "below his border": ([BORDER, LOCAL], NOTHING, "opensmtpd"),
    "below his store and border": ([STORE, BORDER, LOCAL], NOTHING, "opensmtpd"),
    "from another machine of the emitter": ([BORDER, INSIDE], NOTHING, "mdaemon"),
    "stored at the emitter's": ([LOCAL], NOTHING, "opensmtpd"),
    "only the border, registered": ([BORDER], REGISTERED, None),
    "a store of another name, registered": ([FOREIGN_STORE, BORDER], REGISTERED, None),
    "below a registered border": ([FOREIGN_STORE, BORDER, LOCAL], REGISTERED, "opensmtpd"),
    "none": ([], NOTHING, None),
}


@pytest.mark.parametrize("case", STEPS)
def test_the_servers_of_the_reader_do_not_count(case: str) -> None:
    values, registration, software = STEPS[case]
    assert software_of(*(("Received", value) for value in values), registration=registration) == software


MARKS: dict[str, tuple[str, str, str]] = {
    "mimecast": ("Subject", "[Postmaster] Email Delivery Failure", "mimecast"),
    "exchange, context": ("X-DSNContext", "7ce717b1 - 1386 - 00000002", "exchange"),
    "exchange, system mailbox": (
        "From",
        "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@emitter.example>",
        "exchange",
    ),
    "domino, trace": ("X-MIMETrack", "Itemize by SMTP Server on N1/E(Release 12.0.2)", "domino"),
    "domino, number": ("Message-ID", "<OF1234ABCD.5678EFAB-ON86258D2A.007F8C21@emitter.example>", "domino"),
    "groupwise": ("Subject", "Message status - undeliverable", "groupwise"),
    "mercury": ("X-Mailer", "Mercury MTS v4.80", "mercury"),
    "mailenable": ("From", '"MailEnable Postmaster" <postmaster@emitter.example>', "mailenable"),
    "kumomta": ("X-KumoRef", "eyJfQF", "kumomta"),
    "tencent": ("Message-ID", "<tencent_0A1B@qq.example>", "tencent"),
}


@pytest.mark.parametrize("case", MARKS)
def test_a_mark_in_the_header_names_it(case: str) -> None:
    name, value, software = MARKS[case]
    assert software_of((name, value)) == software


WORDS = {
    "messagelabs": "This is the mail delivery agent at messagelabs. I was unable to deliver your message.\n",
    "surfcontrol": "Not delivered. A transcript of the attempts to send the message follows.\n",
    "stalwart": "Your message was not delivered (host 'a' rejected command 'RCPT TO' with code 550).\n",
    "xmail": "[<00>] XMail bounce: Rcpt=[a@emitter.example];Error=[550 Mailbox unavailable]\n",
    "zmailer": "This is a collection of reports about email delivery process.\nFAILED:\n",
    "opensmtpd": (
        "This is the MAILER-DAEMON.\nAn error has occurred while attempting to deliver a message for\nthe"
        " following list of recipients:\na@emitter.example: 550\n"
    ),
}


@pytest.mark.parametrize("software", WORDS)
def test_its_own_words_name_it(software: str) -> None:
    assert software_of(text=WORDS[software]) == software

"""The table of kinds: each row with its marks, in many languages, and the mails that only look like them."""

import base64
import datetime as dt

import pytest

from feed.domain.event import Kind
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Refusal, Registration
from tests import mails

REGISTRATION = Registration(accept_special=True)


def kind_of(message: bytes, *, null_sender: bool | None = None) -> Kind:
    return judge(message, registration=REGISTRATION, claim=Claim(null_sender=null_sender), now=mails.NOW).kind


def encoded(text: str, charset: str = "utf-8") -> str:
    return f"=?{charset}?b?{base64.b64encode(text.encode(charset)).decode()}?="


STATUS_IN_TEXT = (
    "Reporting-MTA: dns; mail.emitter.example\n\nFinal-Recipient: rfc822; nobody@emitter.example\n"
    "Action: failed\nStatus: 5.1.1\n"
)

ROWS = [
    # row 0: other sorts of reports
    ("complaint", mails.feedback_report(mails.ordinary()), Kind.NONE),
    ("dmarc aggregate", mails.dmarc_report(), Kind.NONE),
    ("tls report", mails.tls_report(), Kind.NONE),
    (
        "dmarc failure report without a feedback part",
        mails.ordinary(
            subject="DMARC failure report for reporter.example", sender="dmarc@isp.example", return_path=""
        ),
        Kind.NONE,
    ),
    # row 1: challenges
    ("challenge by words", mails.challenge(), Kind.CR),
    (
        "challenge by header",
        mails.challenge(extra=(("X-Boxtrapper", "v1"),), subject="Hi", text="Hi"),
        Kind.CR,
    ),
    (
        "challenge in the form of a delivery status",
        mails.dsn(
            sender="Sam <challenge+a1b2c3d4e5f6@boxbe.com>",
            subject="Re: Cheap watches",
            text="Your message is held. Please click to have your message delivered.",
            status="4.7.1",
            action="delayed",
        ),
        Kind.CR,
    ),
    # row 2: read receipts
    ("read receipt", mails.read_receipt(), Kind.MDN),
    # row 3: content notices
    ("virus notice of amavis", mails.content_notice(), Kind.VIRUS),
    (
        "virus notice of a gateway",
        mails.content_notice(
            sender="antivirus@mail.emitter.example",
            subject="Virus found in message",
            text="A virus was found in the mail that you sent.",
        ),
        Kind.VIRUS,
    ),
    (
        "banned file as a delivery status",
        mails.dsn(
            sender='"Content-filter at mail.emitter.example" <postmaster@mail.emitter.example>',
            subject="BANNED contents from you (.exe)",
            status="5.7.0",
            diagnostic="smtp; 554 5.7.0 Reject, id=1-1 - BANNED: .exe",
            text="BANNED CONTENTS ALERT. Our content checker found banned name: .exe",
        ),
        Kind.VIRUS,
    ),
    # rows 4 to 6: delivery status
    ("failure", mails.dsn(), Kind.DSN_FAIL),
    ("failure called error", mails.dsn(action="error"), Kind.DSN_FAIL),
    ("failure with a comment", mails.dsn(action="failed (bad destination mailbox)"), Kind.DSN_FAIL),
    ("failure of a DMARC report", mails.dsn(subject="Undelivered: DMARC report for x"), Kind.DSN_FAIL),
    ("no action, permanent status", mails.dsn(action=""), Kind.DSN_FAIL),
    (
        "delay",
        mails.dsn(action="delayed", status="4.4.1", subject="Delayed Mail (still being retried)"),
        Kind.DSN_DELAY,
    ),
    (
        "success",
        mails.dsn(action="delivered", status="2.1.5", subject="Successful Mail Delivery Report"),
        Kind.DSN_OK,
    ),
    ("relayed", mails.dsn(action="relayed", status="2.1.9"), Kind.DSN_OK),
    (
        "a refusal as spam is still a failure",
        mails.dsn(status="5.7.1", diagnostic="smtp; 550 5.7.1 looks like spam"),
        Kind.DSN_FAIL,
    ),
    (
        "status fields in text",
        mails.ndr_text(text="Sorry.\n\n" + STATUS_IN_TEXT, subject="Returned mail"),
        Kind.DSN_FAIL,
    ),
    # row 7: by software
    ("qmail", mails.ndr_qmail(), Kind.NDR),
    ("exim", mails.ndr_exim(), Kind.NDR),
    ("exim delay", mails.ndr_exim(delay=True), Kind.DSN_DELAY),
    ("exchange 2003", mails.ndr_text(extra=(("X-MS-Embedded-Report", ""),)), Kind.NDR),
    (
        "exchange with headers in text",
        mails.ndr_text(
            sender="Microsoft Outlook <MicrosoftExchange329e71ec88@emitter.example>",
            text="Delivery has failed to these recipients.\n\nDiagnostic information for administrators:\n",
        ),
        Kind.NDR,
    ),
    (
        "sendmail 8 transcript",
        mails.ndr_text(
            subject="Returned mail: see transcript for details",
            sender="Mail Delivery Subsystem <MAILER-DAEMON@emitter.example>",
            text=(
                "The original message was received at Tue, 24 Nov 2026\n\n   ----- "
                "Transcript of session follows -----\n550 5.1.1 nobody... User unknown\n"
            ),
        ),
        Kind.NDR,
    ),
    (
        "sendmail warning",
        mails.ndr_text(
            subject="Warning: could not send message for past 4 hours",
            sender="Mail Delivery Subsystem <MAILER-DAEMON@emitter.example>",
            text="** THIS IS A WARNING MESSAGE ONLY **\n** YOU DO NOT NEED TO RESEND YOUR MESSAGE **\n",
        ),
        Kind.DSN_DELAY,
    ),
    (
        "domino",
        mails.ndr_text(
            subject="DELIVERY FAILURE: User nobody not listed in Directory",
            sender="Postmaster@emitter.example",
        ),
        Kind.NDR,
    ),
    (
        "imail",
        mails.ndr_text(
            subject="Undeliverable Mail",
            sender='"Postmaster" <postmaster@emitter.example>',
            text="Unknown user: nobody@emitter.example\n\nOriginal message follows.\n",
            extra=(("X-Mailer", "<SMTP32 v8.22>"),),
        ),
        Kind.NDR,
    ),
    (
        "opensmtpd without its status part",
        mails.ndr_text(
            subject="Delivery status notification: error",
            sender="Mailer Daemon <MAILER-DAEMON@emitter.example>",
            text=(
                "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this "
                "email.\n\n    An error has occurred while attempting to deliver a message\n"
            ),
        ),
        Kind.NDR,
    ),
    (
        "dragonfly",
        mails.ndr_text(
            subject="Mail delivery failed",
            sender="MAILER-DAEMON <>",
            text="This is the DragonFly Mail Agent at emitter.example.\n",
        ),
        Kind.NDR,
    ),
    # row 8: auto-replies
    ("auto-reply by RFC 3834", mails.auto_reply(), Kind.AUTO),
    (
        "auto-reply by precedence",
        mails.auto_reply(subject="Re: Cheap watches", extra=(("Precedence", "auto_reply"),)),
        Kind.AUTO,
    ),
    (
        "auto-reply by vendor header",
        mails.auto_reply(subject="Hello", extra=(("X-Autoreply", "yes"),)),
        Kind.AUTO,
    ),
    (
        "vacation of Apple",
        mails.auto_reply(subject="Hello", extra=(("X-Apple-Action", "vacation_1"),)),
        Kind.AUTO,
    ),
    (
        "auto-reply with its own return path",
        mails.auto_reply(return_path="prvs=1234567890=sam@emitter.example"),
        Kind.AUTO,
    ),
    # row 9: list managers
    ("held post", mails.list_reply(), Kind.LIST),
    (
        "majordomo",
        mails.list_reply(sender="majordomo@emitter.example", subject="Majordomo results", extra=()),
        Kind.LIST,
    ),
    ("not a member", mails.list_reply(subject="You are not a member of this list", extra=()), Kind.LIST),
    # row 10: postmaster copies
    ("postmaster copy", mails.postmaster_copy(), Kind.PM),
]


@pytest.mark.parametrize(("message", "kind"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_row_of_the_table(message: bytes, kind: Kind) -> None:
    assert kind_of(message) is kind


@pytest.mark.parametrize("name", [row[0] for row in ROWS if row[2] is Kind.NONE])
def test_other_reports_are_refused_as_such(name: str) -> None:
    message = next(row[1] for row in ROWS if row[0] == name)
    judged = judge(message, registration=REGISTRATION, claim=Claim(), now=mails.NOW)
    assert judged.refusal is Refusal.NOT_A_NOTIFICATION


AUTO_SUBJECTS = {
    "English": "Automatic reply: Cheap watches",
    "German": "Automatische Antwort: Billige Uhren",
    "German absence": "Abwesenheitsnotiz: Billige Uhren",
    "French": "Réponse automatique : Montres",
    "Spanish": "Respuesta automática: Relojes",
    "Italian": "Risposta automatica: Orologi",
    "Portuguese": "Resposta automática: Relógios",
    "Dutch": "Automatisch antwoord: Horloges",
    "Danish": "Automatisk svar: Ure",
    "Swedish": "Autosvar: Klockor",
    "Norwegian": "Automatisk svar: Klokker",
    "Finnish": "Automaattinen vastaus: Kellot",
    "Polish": "Automatyczna odpowiedź: Zegarki",
    "Russian": "Автоматический ответ: Часы",
    "Japanese": "自動返信: 時計",
    "Chinese": "自动回复: 手表",
    "Chinese traditional": "自動回覆: 手錶",
}


@pytest.mark.parametrize("language", AUTO_SUBJECTS)
def test_auto_replies_are_known_by_their_subject_in_many_languages(language: str) -> None:
    message = mails.auto_reply(
        subject=encoded(AUTO_SUBJECTS[language]), extra=(), return_path="sam@emitter.example", text="-\n"
    )
    assert kind_of(message) is Kind.AUTO


BOUNCE_SUBJECTS = {
    "English": "Undeliverable: Cheap watches",
    "German": "Unzustellbar: Billige Uhren",
    "German Postfix": "Zustellung fehlgeschlagen",
    "French": "Non remis : Montres",
    "Spanish": "No se puede entregar: Relojes",
    "Italian": "Non recapitabile: Orologi",
    "Portuguese": "Não é possível entregar: Relógios",
    "Dutch": "Onbestelbaar: Horloges",
    "Danish": "Kan ikke leveres: Ure",
    "Swedish": "Olevererbart: Klockor",
    "Norwegian": "Kan ikke leveres: Klokker",
    "Finnish": "Viestiä ei voitu toimittaa",
    "Polish": "Nie można dostarczyć: Zegarki",
    "Russian": "Недоставленное сообщение",
    "Japanese": "配信不能: 時計",
    "Chinese": "退信: 手表",
}


@pytest.mark.parametrize("language", BOUNCE_SUBJECTS)
def test_bounces_are_known_by_their_subject_in_many_languages(language: str) -> None:
    message = mails.ndr_text(
        subject=encoded(BOUNCE_SUBJECTS[language]), text="-\n", sender="postmaster@emitter.example"
    )
    assert kind_of(message) is Kind.NDR


def test_a_japanese_subject_in_its_old_charset_is_read() -> None:
    subject = encoded("配信不能", "iso-2022-jp")
    assert kind_of(mails.ndr_text(subject=subject, text="-\n")) is Kind.NDR


LOOK_ALIKES = {
    "a person answers about a bounce": mails.ordinary(
        subject="Re: Undelivered Mail Returned to Sender",
        text=(
            "Kim wrote:\n> This is the mail system at host x\n> could "
            "not be delivered\nHave you got this too?\n"
        ),
        extra=(("In-Reply-To", "<a@b.example>"),),
    ),
    "a postmaster answers by hand": mails.ordinary(
        sender="Postmaster <postmaster@friend.example>",
        subject="Re: my mail bounced",
        text="Kim wrote:\n> user unknown, could not be delivered\n\nThat mailbox was closed.\n",
        extra=(("In-Reply-To", "<a@b.example>"),),
    ),
    "a person forwards a bounce": mails.multipart(
        [
            ("Return-Path", "<kim@friend.example>"),
            ("From", "kim@friend.example"),
            ("Subject", "Fwd: failure notice"),
        ],
        "mixed",
        [("text/plain", "What is this?"), ("message/rfc822", mails.ndr_qmail().decode())],
    ),
    "a list discusses bounces": mails.ordinary(
        subject="Undeliverable mail, what to do",
        text="I got: 550 5.1.1 user unknown, could not be delivered\n",
        extra=(
            ("List-Id", "<talk.lists.example>"),
            ("List-Post", "<mailto:talk@lists.example>"),
            ("Precedence", "list"),
        ),
    ),
    "a parcel service": mails.ordinary(
        subject="Delivery notification: your parcel 4711",
        sender="Parcels <delivery@parcels.example>",
        text="Your parcel could not be delivered. We will try again tomorrow.\n",
        extra=(("Auto-Submitted", "auto-generated"), ("List-Unsubscribe", "<https://parcels.example/u>")),
    ),
    "a delivery slot from a shop": mails.ordinary(
        subject="Delivery report for order 1234",
        sender="Shop <orders@shop.example>",
        text="Your order has left us.\n",
    ),
    "a shop confirms an order": mails.ordinary(
        subject="Thank you for your order",
        extra=(("Auto-Submitted", "auto-generated"), ("Precedence", "bulk")),
    ),
    "a site asks to confirm a new account": mails.ordinary(
        subject="Please confirm your email address",
        text="Please verify your e-mail address by clicking the link below.\n",
        sender="no-reply@site.example",
        extra=(("Auto-Submitted", "auto-generated"),),
    ),
    "a person writes about a holiday": mails.ordinary(
        subject="On vacation next week", text="I will be out of the office.\n"
    ),
    "a newsletter about viruses": mails.ordinary(
        subject="New virus found in office documents",
        extra=(("Precedence", "bulk"), ("List-Id", "<news.example>")),
    ),
    "a cron job": mails.ordinary(
        subject="Cron <root@host> backup",
        sender="root@host.example",
        text="error: disk full\n",
        extra=(("Auto-Submitted", "auto-generated"),),
    ),
    "a monitoring alarm": mails.ordinary(
        subject="PROBLEM: mail server smtp failed",
        sender="nagios@host.example",
        text="service failed\n",
        extra=(("Auto-Submitted", "auto-generated"),),
    ),
    "a post on a mailing list by Mailman": mails.ordinary(
        extra=(("X-Mailman-Version", "2.1.5"), ("Precedence", "list"), ("List-Id", "<talk.lists.example>"))
    ),
    "an exchange user who wants no auto-replies": mails.ordinary(
        extra=(("X-Auto-Response-Suppress", "All"),)
    ),
    "an invitation": mails.multipart(
        [("From", "kim@friend.example"), ("Subject", "Invitation")],
        "alternative",
        [("text/plain", "Come!"), ("text/calendar; method=REQUEST", "BEGIN:VCALENDAR\nMETHOD:REQUEST\n")],
    ),
    "a ticket of a help desk opened by a person": mails.ordinary(subject="Request #4711 for a new laptop"),
    "nothing": b"",
    "text without a header": b"Hello, this is not a mail.\n",
}


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_ordinary_mail_is_not_a_notification(name: str) -> None:
    assert kind_of(LOOK_ALIKES[name]) is Kind.NONE


def test_the_envelope_of_the_reporter_counts_as_null_sender() -> None:
    message = mails.ordinary(
        subject="Delivery failure", sender="robot@emitter.example", return_path=None, text="Sorry.\n"
    )
    assert kind_of(message) is Kind.NONE
    assert kind_of(message, null_sender=True) is Kind.NDR


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r", b"\r\r\n"], ids=["CRLF", "CR", "CRCRLF"])
@pytest.mark.parametrize("name", ["failure", "qmail", "auto-reply by RFC 3834", "read receipt"])
def test_line_ends_do_not_matter(name: str, line_end: bytes) -> None:
    message = next(row[1] for row in ROWS if row[0] == name)
    assert kind_of(message.replace(b"\n", line_end)) is kind_of(message)


@pytest.mark.parametrize(
    "before",
    [b"From MAILER-DAEMON Wed Nov 25 10:00:00 2026\n", b"\xef\xbb\xbf", b"\n\n"],
    ids=["mbox", "BOM", "blank"],
)
def test_what_stands_before_the_header_does_not_matter(before: bytes) -> None:
    assert kind_of(before + mails.dsn()) is Kind.DSN_FAIL


def test_a_lost_boundary_is_found_again() -> None:
    broken = mails.dsn().replace(b'; boundary="=_b0"', b"")
    assert kind_of(broken) is Kind.DSN_FAIL


def test_a_repeated_content_type_is_not_descended_into() -> None:
    message = mails.dsn(extra=(("Content-Type", "text/plain"),))
    judged = judge(message, registration=REGISTRATION, claim=Claim(), now=mails.NOW)
    assert "delivery_status_part" not in judged.reasons
    assert "duplicate_content_type" in judged.defects


def test_a_wrapped_notification_is_opened_once() -> None:
    assert kind_of(mails.feedback_report(mails.dsn())) is Kind.DSN_FAIL
    twice = mails.feedback_report(mails.feedback_report(mails.dsn()).replace(b"=_f0", b"=_f1"))
    assert kind_of(twice) is Kind.NONE


def test_the_time_of_judging_plays_no_part_in_the_kind() -> None:
    late = mails.NOW + dt.timedelta(days=365)
    judged = judge(mails.dsn(border=mails.Border()), registration=REGISTRATION, claim=Claim(), now=late)
    assert judged.kind is Kind.DSN_FAIL

"""Content filters that write to the sender, in many languages, and mail that only speaks of viruses."""

import base64

import pytest

from feed.domain.event import Kind
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from tests import mails
from tests.mails import VICTIM, join

Field = tuple[str, str]


def mail(
    sender: str, subject: str, text: str, *extra: Field, path: str = "", charset: str = "utf-8"
) -> bytes:
    """Return a mail of one text in base64; an empty path is the null sender."""
    body = base64.encodebytes(text.encode(charset)).decode()
    encoded = f"=?{charset}?b?{base64.b64encode(subject.encode(charset)).decode()}?="
    fields = [("Return-Path", f"<{path}>"), *extra, ("From", sender), ("To", VICTIM), ("Subject", encoded)]
    fields += [("Content-Type", f"text/plain; charset={charset}"), ("Content-Transfer-Encoding", "base64")]
    return join(fields, body)


def kind_of(message: bytes) -> Kind:
    return judge(message, registration=Registration(), claim=Claim(), now=mails.NOW).kind


GATE = "Mail Gateway <gate@emitter.example>"
NOTICES: dict[str, tuple[str, str, str]] = {
    "English": (GATE, "Virus Alert", "The message you sent contained the virus W32/Netsky."),
    "a file": (GATE, "Blocked", "Your message was stopped by our scanner: disallowed attachment."),
    "policy": (GATE, "Message blocked", "The message you sent violates our content policy; it was deleted."),
    "German": (GATE, "Virenmeldung", "Die von Ihnen gesendete Nachricht enthielt den Virus Netsky."),
    "French": (GATE, "Alerte", "Le message que vous avez envoyé contenait un virus."),
    "Spanish": (GATE, "Alerta", "Su mensaje contiene el virus Netsky."),
    "Portuguese": (GATE, "Vírus encontrado", "A mensagem que você enviou contém o vírus Netsky."),
    "Italian": (GATE, "Avviso", "Il suo messaggio contiene il virus Netsky."),
    "Dutch": (GATE, "Melding", "Het door u verzonden bericht bevatte het virus Netsky."),
    "Russian": (GATE, "Обнаружен вирус", "Письмо, отправленное \u0441 вашего адреса, содержит вирус."),
    "Japanese": (GATE, "検出のお知らせ", "あなたが送信したメールからウイルスが検出されました。"),
    "Chinese": (GATE, "警告", "您发送的邮件中发现病毒。"),
    "Korean": (GATE, "알림", "보내신 메일에서 바이러스가 발견되었습니다."),
    "a bulk filter": (
        GATE,
        "**Message you sent blocked by our bulk email filter**",
        "Blocked by our firewall.",
    ),
    "the system attendant": (
        "System Attendant <sa@emitter.example>",
        "[ScanMail] virus found and action taken",
        "A virus was found in a message you sent.",
    ),
    "a product's address": (
        "WebShield <webshield@emitter.example>",
        "Virus Alert",
        "Virus W32/Mydoom detected in attachment readme.zip.",
    ),
}


@pytest.mark.parametrize("name", NOTICES)
def test_a_filter_that_writes_to_the_sender_is_known(name: str) -> None:
    assert kind_of(mail(*NOTICES[name])) is Kind.VIRUS


@pytest.mark.parametrize(
    ("name", "charset"),
    [("Russian", "koi8-r"), ("Japanese", "iso-2022-jp"), ("Chinese", "gb18030"), ("Korean", "euc-kr")],
)
def test_it_is_known_in_the_charset_of_its_language(name: str, charset: str) -> None:
    assert kind_of(mail(*NOTICES[name], charset=charset)) is Kind.VIRUS


@pytest.mark.parametrize("name", [name for name in NOTICES if NOTICES[name][0] == GATE])
def test_without_a_sign_of_a_machine_it_is_a_mail_about_a_virus(name: str) -> None:
    _, subject, text = NOTICES[name]
    assert kind_of(mail("Kim <kim@friend.example>", subject, text, path="kim@friend.example")) is Kind.NONE


def test_a_refusal_of_another_server_that_is_passed_on_is_a_bounce() -> None:
    text = "Your message was not delivered. The remote server said: 550 5.7.1 virus found in your message"
    assert kind_of(mail("MAILER-DAEMON@emitter.example", "Undeliverable", text)) is Kind.NDR


ORDINARY = {
    "a vendor sells": (
        "Lab <a@antivirus.example>",
        "Your e-mail contains a virus",
        "Download http://x.example",
    ),
    "a newsletter": (
        "News <n@n.example>",
        "Virus alert",
        "A worm was found in the wild. It comes by e-mail.",
    ),
    "an alert of a computer": (
        "Defence <d@d.example>",
        "Virus found on PC12",
        "A virus was found and removed.",
    ),
    "an illness": ("Kim <kim@friend.example>", "Virus", "A virus has been found in the kindergarten."),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_who_only_speaks_of_a_virus_writes_no_notice(name: str) -> None:
    generated = ("Auto-Submitted", "auto-generated")
    assert kind_of(mail(*ORDINARY[name], generated, path="a@b.example")) is Kind.NONE

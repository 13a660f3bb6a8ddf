"""Auto-replies: by the fields of each program whatever the words, by subject in many languages and charsets.

Long because it is a table.
"""

import base64
import quopri

import pytest

from feed.domain.event import Kind
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from tests import mails
from tests.mails import VICTIM, join

Field = tuple[str, str]
REPLIED: Field = ("Auto-Submitted", "auto-replied")
SELF = "sam@emitter.example"
TO_ORIGINAL: Field = ("In-Reply-To", "<original-1@reporter.example>")


def reply(
    subject: str,
    text: str = "-\n",
    *extra: Field,
    path: str | None = SELF,
    sender: str = "Sam <sam@emitter.example>",
) -> bytes:
    """Return an answer of a program in the name of Sam, by default with Sam's own return path."""
    fields = [] if path is None else [("Return-Path", f"<{path}>")]
    fields += [*extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return join([*fields, ("Message-ID", "<auto-1@emitter.example>")], text)


BY_FIELDS: dict[str, tuple[bytes, Kind]] = {
    "RFC 3834": (reply("Hello", "-\n", REPLIED), Kind.AUTO),
    "RFC 3834 with a comment": (
        reply("Hello", "-\n", ("Auto-Submitted", "auto-replied (vacation)")),
        Kind.AUTO,
    ),
    "RFC 3834 with a parameter": (
        reply("Hello", "-\n", ("Auto-Submitted", 'auto-replied; owner-email="sam@emitter.example"')),
        Kind.AUTO,
    ),
    "RFC 3834, service responder": (
        reply("[Ticket#12] Cheap watches", "We got it.\n", REPLIED, TO_ORIGINAL),
        Kind.AUTO,
    ),
    "Exchange, absence": (
        reply(
            "Automatic reply: Cheap watches",
            "I am away.\n",
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("X-MS-Exchange-Inbox-Rules-Loop", "sam@emitter.example"),
            TO_ORIGINAL,
            path="",
        ),
        Kind.AUTO,
    ),
    "Exchange, absence in a language we do not know": (
        reply(
            "Tá mé as oifig: Cheap watches",
            "-\n",
            ("Auto-Submitted", "auto-generated"),
            ("X-MS-Exchange-Inbox-Rules-Loop", "sam@emitter.example"),
            TO_ORIGINAL,
            path="",
        ),
        Kind.AUTO,
    ),
    "Exchange, rule of a mailbox": (
        reply(
            "Cheap watches",
            "-\n",
            ("X-MS-Exchange-Generated-Message-Source", "Mailbox Rules Agent"),
            ("Auto-Submitted", "auto-generated"),
            path="",
        ),
        Kind.AUTO,
    ),
    "Gmail": (
        reply("Away Re: Cheap watches", "-\n", ("X-Autoreply", "yes"), ("Precedence", "bulk"), REPLIED),
        Kind.AUTO,
    ),
    "Pigeonhole": (
        reply("Auto: Cheap watches", "-\n", ("X-Sieve", "Pigeonhole Sieve 0.5"), REPLIED, path=""),
        Kind.AUTO,
    ),
    "Apple": (reply("Away", "-\n", ("X-Apple-Action", "vacation_1")), Kind.AUTO),
    "cPanel": (
        reply("Away", "-\n", ("X-Autorespond", "Cheap watches"), ("Precedence", "auto_reply"), path=""),
        Kind.AUTO,
    ),
    "precedence with a minus": (reply("Away", "-\n", ("X-Precedence", "auto-reply")), Kind.AUTO),
    "qmail-autoresponder": (
        reply("Away", "-\n", ("Delivered-To", "Autoresponder"), ("X-Mailer", "qmail-autoresponder"), path=""),
        Kind.AUTO,
    ),
    "vacation of BSD": (
        reply("Re: Cheap watches", "I will not be reading my mail.\n", REPLIED, path=""),
        Kind.AUTO,
    ),
    "old vacation, precedence junk": (
        reply("away from my mail", "I will not be reading my mail for a while.\n", ("Precedence", "junk")),
        Kind.AUTO,
    ),
    "help desk, request received": (
        reply(
            "[Request received] Cheap watches",
            "Your request (12) has been received.\n",
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            TO_ORIGINAL,
        ),
        Kind.AUTO,
    ),
    "help desk, AutoReply": (
        reply(
            "[example #12] AutoReply: Cheap watches",
            "This message has been automatically generated in response to the creation of a ticket.\n",
            ("Precedence", "bulk"),
            ("RT-Ticket", "example #12"),
            TO_ORIGINAL,
        ),
        Kind.AUTO,
    ),
    "Notes": (
        reply(
            "Sam Smith is out of the office (returning 30.11.2026).",
            "I will be out of the office starting 20.11.2026.\n",
            ("Auto-Submitted", "auto-generated"),
            path="",
        ),
        Kind.AUTO,
    ),
    "Notes, AUTO": (
        reply(
            "AUTO: Sam Smith ist außer Haus (Rückkehr am 30.11.2026)",
            "Ich bin nicht im Büro.\n",
            ("Auto-Submitted", "auto-generated"),
            path="",
        ),
        Kind.AUTO,
    ),
    "a calendar answers": (
        mails.multipart(
            [("Return-Path", "<>"), ("From", SELF), ("Subject", "Declined: Watches")],
            "mixed",
            [("text/calendar; method=REPLY", "BEGIN:VCALENDAR\nMETHOD:REPLY\n")],
        ),
        Kind.AUTO,
    ),
    "somebody left": (
        reply("Re: Cheap watches", "Sam no longer works here.\n", TO_ORIGINAL, path=""),
        Kind.AUTO,
    ),
    "nothing but a null sender and words": (
        reply("Cheap watches", "I am on holiday until Monday and will answer then.\n", path=""),
        Kind.AUTO,
    ),
}

SUBJECTS: dict[str, tuple[str, ...]] = {
    "English": (
        "Automatic reply: Watches",
        "Out of Office: Watches",
        "Out of Office AutoReply: Watches",
        "Auto reply: Watches",
        "Autoreply",
        "Vacation response",
    ),
    "German": (
        "Automatische Antwort: Uhren",
        "Abwesenheitsnotiz: Uhren",
        "Abwesenheitsnachricht",
        "Abwesend: Uhren",
        "Automatische Abwesenheitsnotiz",
        "Außer Haus: Uhren",
    ),
    "French": (
        "Réponse automatique : Montres",
        "Absence du bureau : Montres",
        "Message d'absence",
        "Absent du bureau : Montres",
    ),
    "Spanish": ("Respuesta automática: Relojes", "Fuera de la oficina: Relojes", "Fuera de oficina"),
    "Italian": ("Risposta automatica: Orologi", "Fuori sede: Orologi", "Fuori ufficio: Orologi"),
    "Portuguese": (
        "Resposta automática: Relógios",
        "Fora do escritório: Relógios",
        "Resposta Automática de Ausência Temporária",
    ),
    "Dutch": (
        "Automatisch antwoord: Horloges",
        "Afwezigheidsbericht: Horloges",
        "Niet aanwezig: Horloges",
        "Afwezig: Horloges",
    ),
    "Danish": ("Automatisk svar: Ure", "Ikke til stede: Ure", "Autosvar: Ure", "Fraværende: Ure"),
    "Swedish": (
        "Autosvar: Klockor",
        "Automatiskt svar: Klockor",
        "Frånvarande: Klockor",
        "Frånvaro: Klockor",
    ),
    "Norwegian": ("Automatisk svar: Klokker", "Fraværsmelding: Klokker", "Ikke til stede: Klokker"),
    "Finnish": (
        "Automaattinen vastaus: Kellot",
        "Poissa: Kellot",
        "Automaattinen poissaoloviesti",
        "Poissaoloilmoitus",
    ),
    "Polish": ("Automatyczna odpowiedź: Zegarki", "Odpowiedź automatyczna: Zegarki", "Nieobecność: Zegarki"),
    "Russian": ("Автоматический ответ: Часы", "Автоответ: Часы", "Нет на работе: Часы", "Вне офиса: Часы"),
    "Japanese": (
        "自動応答: 時計",
        "自動返信: 時計",
        "不在: 時計",
        "【自動返信】お問い合わせありがとうございます",
        "不在通知",
    ),
    "Chinese": (
        "自动答复: 手表",
        "自动回复: 手表",
        "自動回覆: 手錶",
        "自動答覆: 手錶",
        "外出: 手表",
        "不在办公室: 手表",
    ),
    "Czech": ("Automatická odpověď: Hodinky", "Mimo kancelář: Hodinky"),
    "Hungarian": ("Automatikus válasz: Órák", "Házon kívül: Órák"),
    "Turkish": ("Otomatik yan\u0131t: Saatler", "Otomatik Yan\u0131t: Saatler"),
    "Greek": ("Αυτόματη απάντηση: Ρολόγια",),
    "Korean": ("자동 회신: 시계", "부재 중: 시계"),
    "Ukrainian": ("Автоматична відповідь: Годинники",),
    "Romanian": ("Răspuns automat: Ceasuri",),
    "Catalan": ("Resposta automàtica: Rellotges",),
    "Slovak": ("Automatická odpoveď: Hodinky",),
    "Bulgarian": ("Автоматичен отговор: Часовници",),
    "Croatian": ("Automatski odgovor: Satovi",),
    "Hebrew": ("תשובה אוטומטית: שעונים", "מענה אוטומטי: שעונים"),
    "Arabic": ("رد تلقائي: ساعات", "الرد التلقائي: ساعات"),
    "Thai": ("ตอบกลับอัตโนมัติ: นาฬิกา",),
    "Vietnamese": ("Trả lời tự động: Đồng hồ",),
}
CHARSETS = {
    "Russian": "koi8-r",
    "Polish": "iso-8859-2",
    "Japanese": "iso-2022-jp",
    "Chinese": "gb18030",
    "German": "iso-8859-1",
    "French": "windows-1252",
    "Greek": "iso-8859-7",
    "Korean": "euc-kr",
    "Hebrew": "windows-1255",
    "Turkish": "iso-8859-9",
}
EVERY_SUBJECT = [(language, subject) for language, found in SUBJECTS.items() for subject in found]


def words(text: str, charset: str, encoding: str) -> str:
    """Return encoded words, several of them if the text is long."""
    found = []
    for start in range(0, len(text), 12):
        raw = text[start : start + 12].encode(charset)
        if encoding == "b":
            packed = base64.b64encode(raw).decode()
        else:
            packed = quopri.encodestring(raw, quotetabs=True, header=True).decode().replace("=\n", "")
            packed = packed.replace("?", "=3F").replace("_", "_")
        found.append(f"=?{charset}?{encoding}?{packed}?=")
    return "\n ".join(found)


ANSWERS = BY_FIELDS | {
    f"{language}: {subject}": (
        reply(words(subject, "utf-8", "b"), "-\n", ("X-Auto-Response-Suppress", "All"), TO_ORIGINAL),
        Kind.AUTO,
    )
    for language, subject in EVERY_SUBJECT
}

ANSWERS |= {
    "auto fr header": (
        reply("Re: Montres", "Je suis absente du bureau jusqu'au 3.\n", ("Auto-Submitted", "auto-replied")),
        Kind.AUTO,
    ),
    "auto noreply ack": (
        reply(
            "We received your message",
            "Thanks\n",
            ("Auto-Submitted", "auto-replied"),
            TO_ORIGINAL,
            sender="Support <support@x.example>",
        ),
        Kind.AUTO,
    ),
    "auto zh": (reply(words("自动回复", "utf-8", "b"), "您好,我已收到您的邮件。\n", path=""), Kind.AUTO),
    "auto qq": (
        reply(words("自动回复:手表", "gb18030", "b"), "-\n", ("Auto-Submitted", "auto-replied")),
        Kind.AUTO,
    ),
    "auto left company": (
        reply(
            "Sam is no longer with the company",
            "Sam no longer works here. Please contact kim.\n",
            ("X-Auto-Response-Suppress", "All"),
            ("Auto-Submitted", "auto-generated"),
            TO_ORIGINAL,
            path="",
        ),
        Kind.AUTO,
    ),
    "autoresponder plesk": (
        reply(
            "Re: Cheap watches", "On holiday\n", ("Precedence", "bulk"), ("Auto-Submitted", "auto-replied")
        ),
        Kind.AUTO,
    ),
    "vacation no header null": (reply("Urlaub", "Ich bin bis Montag im Urlaub.\n", path=""), Kind.AUTO),
}

ANSWERS |= {
    "third round m": (reply("Out of Office", "I am away\n", ("X-Autoreply", "yes")), Kind.AUTO),
    "third round n": (
        reply(
            "Réception de votre message",
            "Nous avons bien reçu votre message.\n",
            ("Auto-Submitted", "auto-replied"),
        ),
        Kind.AUTO,
    ),
    "third round o": (
        reply(
            "[Ticket ID: 123456] Cheap watches",
            "We received your ticket\n",
            ("Auto-Submitted", "auto-replied"),
            ("Precedence", "bulk"),
        ),
        Kind.AUTO,
    ),
    "third round p": (
        reply(
            "Ihre Anfrage (Ticket#2026) ist eingegangen",
            "Danke\n",
            ("Auto-Submitted", "auto-replied"),
            ("X-OTRS-Loop", "yes"),
        ),
        Kind.AUTO,
    ),
}


def kind_of(message: bytes) -> Kind:
    return judge(message, registration=Registration(), claim=Claim(), now=mails.NOW).kind


@pytest.mark.parametrize("name", ANSWERS)
def test_an_auto_reply_is_known(name: str) -> None:
    message, kind = ANSWERS[name]
    assert kind_of(message) is kind


@pytest.mark.parametrize("name", BY_FIELDS)
def test_it_is_known_without_its_return_path_where_its_fields_say_so(name: str) -> None:
    message, kind = BY_FIELDS[name]
    _, _, rest = message.partition(b"\n")
    marked = b"Auto-Submitted" in rest or b"X-" in rest or b"Precedence" in rest or b"method=REPLY" in rest
    assert kind_of(rest) is (kind if marked else Kind.NONE)


@pytest.mark.parametrize("field", [("Return-Path", "<>"), REPLIED, ("Precedence", "junk")])
@pytest.mark.parametrize(("language", "subject"), EVERY_SUBJECT)
def test_any_second_sign_will_do(language: str, subject: str, field: Field) -> None:
    del language
    assert kind_of(reply(words(subject, "utf-8", "q"), "-\n", field, path=None)) is Kind.AUTO


@pytest.mark.parametrize("encoding", ["b", "q"])
@pytest.mark.parametrize("language", CHARSETS)
def test_the_charset_of_the_language_is_read(language: str, encoding: str) -> None:
    subject = words(SUBJECTS[language][0], CHARSETS[language], encoding)
    assert kind_of(reply(subject, "-\n", TO_ORIGINAL, path="")) is Kind.AUTO


@pytest.mark.parametrize("mark", ["[EXTERNAL] ", "[EXT] ", "***SPAM*** ", "[spam] ", "External: "])
def test_what_gateways_put_before_the_subject_does_not_hide_it(mark: str) -> None:
    assert kind_of(reply(f"{mark}Automatic reply: Watches")) is Kind.AUTO

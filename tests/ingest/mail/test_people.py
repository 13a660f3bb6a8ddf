"""What speaks against a notification: rows of a notice, and the same words as a person or a shop has them.

The rows are pairs, since a rule that refuses the second is only good if it lets the first pass.
"""

import pytest

from feed.domain.event import Kind
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from tests import mails
from tests.mails import VICTIM, join, multipart, original

Field = tuple[str, str]
HOST = "mail.emitter.example"
DAEMON = f"Mail Delivery Subsystem <MAILER-DAEMON@{HOST}>"
PERSON = "Kim <kim@friend.example>"
GENERATED: Field = ("Auto-Submitted", "auto-generated")
SUPPRESS: Field = ("X-Auto-Response-Suppress", "All")
ANSWER: Field = ("In-Reply-To", "<a@reporter.example>")
NOBODY = "<nobody@emitter.example>"


def mail(sender: str, subject: str, text: str, *extra: Field, path: str = "kim@friend.example") -> bytes:
    """Return a mail of one text; an empty path is the null sender."""
    fields = [("Return-Path", f"<{path}>"), *extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return join([*fields, ("Message-ID", "<x1@friend.example>")], text)


def with_file(sender: str, subject: str, text: str, name: str, *, path: str = "kim@friend.example") -> bytes:
    """Return a mail with a file attached."""
    fields = [("Return-Path", f"<{path}>"), ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return multipart(
        fields, "mixed", [("text/plain", text), (f'application/octet-stream; name="{name}"', "AAAA\n")]
    )


def kind_of(message: bytes) -> Kind:
    return judge(message, registration=Registration(), claim=Claim(), now=mails.NOW).kind


PROGRAMS = {
    "Thunderbird": ("User-Agent", "Mozilla Thunderbird"),
    "Outlook": ("X-Mailer", "Microsoft Outlook 16.0"),
    "Outlook Express": ("X-Mailer", "Microsoft Outlook Express 6.00.2800.1106"),
    "Apple Mail": ("X-Mailer", "Apple Mail (2.3774.600.62)"),
    "a phone": ("X-Mailer", "iPhone Mail (21F90)"),
    "Mutt": ("User-Agent", "Mutt/2.2.9"),
    "The Bat": ("X-Mailer", "The Bat! (v9.5) Professional"),
    "Foxmail": ("X-Mailer", "Foxmail 7.2.25"),
    "Becky": ("X-Mailer", "Becky! ver. 2.75"),
    "K-9": ("User-Agent", "K-9 Mail for Android"),
    "Roundcube": ("User-Agent", "Roundcube Webmail/1.6"),
    "a web form": ("X-PHP-Originating-Script", "33:contact.php"),
}
WORDS: dict[str, tuple[str, str, tuple[Field, ...], Kind]] = {
    "a bounce": (
        "Delivery failure",
        f"The mail to {NOBODY} could not be delivered: 550 5.1.1 User unknown\n",
        (),
        Kind.NDR,
    ),
    "an auto-reply": ("Automatic reply: offer", "It went to the wrong office.\n", (), Kind.AUTO),
    "a challenge": (
        "Sender verification",
        "Please verify that you are a person, then your message is delivered.\n",
        (),
        Kind.CR,
    ),
}


@pytest.mark.parametrize("words", WORDS)
def test_words_of_a_notification_without_a_mail_program_are_one(words: str) -> None:
    subject, text, extra, kind = WORDS[words]
    assert kind_of(mail("Robot <robot@emitter.example>", subject, text, *extra)) is kind


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("words", WORDS)
def test_the_same_words_out_of_a_mail_program_are_none(words: str, program: str) -> None:
    subject, text, extra, _ = WORDS[words]
    assert kind_of(mail(PERSON, subject, text, *extra, PROGRAMS[program])) is Kind.NONE


def test_a_mail_program_hides_no_machine_that_says_what_it_is() -> None:
    reply = mail(PERSON, "Automatic reply: offer", "I am out of the office.\n", PROGRAMS["Outlook"])
    assert kind_of(reply) is Kind.AUTO
    bounce = mail(DAEMON, "Undeliverable", f"{NOBODY}: user unknown\n", PROGRAMS["Outlook"], path="")
    assert kind_of(bounce) is Kind.NDR


GOODS = {
    "parcel": ("Delivery failed", "Your parcel could not be delivered: recipient unknown.\n"),
    "order": ("Undeliverable: 4711", "The order was undeliverable and comes back to us.\n"),
    "fax": ("Delivery failed", "Your fax could not be delivered.\n"),
    "letter": ("Returned to sender", "The statement was returned to sender by the post office.\n"),
    "German": ("Zustellung fehlgeschlagen", "Ihr Paket konnte nicht zugestellt werden.\n"),
    "French": ("Échec de la livraison", "Votre colis n'a pas pu être livré.\n"),
    "Spanish": ("No se pudo entregar", "El paquete no se pudo entregar.\n"),
    "Italian": ("Mancata consegna", "La spedizione non è stata consegnata.\n"),
    "Dutch": ("Niet bezorgd", "Uw pakket is niet bezorgd.\n"),
    "Polish": ("Nie można dostarczyć", "Nie można dostarczyć przesyłki.\n"),
    "Russian": ("\u041d\u0435 удалось доставить", "Посылка не доставлена: адресат не найден.\n"),
    "Chinese": ("投递失败", "您的快递无法投递。\n"),
    "Japanese": ("配達できませんでした", "お荷物を配達できませんでした。\n"),
    "Korean": ("반송", "택배가 반송되었습니다.\n"),
}


@pytest.mark.parametrize("path", ["bounce-7@shop.example", ""], ids=["with a sender", "null sender"])
@pytest.mark.parametrize("goods", GOODS)
def test_other_goods_than_mail_are_delivered_too(goods: str, path: str) -> None:
    subject, text = GOODS[goods]
    assert kind_of(mail("Shop <noreply@shop.example>", subject, text, GENERATED, path=path)) is Kind.NONE


def test_a_bounce_of_a_mail_about_goods_is_one() -> None:
    text = f"Your message about your order could not be delivered to {NOBODY}.\n"
    assert kind_of(mail("Robot <robot@emitter.example>", "Undeliverable: your parcel", text, path="")) is (
        Kind.NDR
    )


PAIRS: dict[str, tuple[bytes, Kind, bytes]] = {
    "a postmaster of one mail, and of mail in general": (
        mail(f"Postmaster <postmaster@{HOST}>", "Notice", "Your message was not delivered.\n"),
        Kind.NDR,
        mail(f"Postmaster <postmaster@{HOST}>", "Notice", "Undeliverable mail waits in the queue 5 days.\n"),
    ),
    "a postmaster's server, and himself": (
        mail(f"Postmaster <postmaster@{HOST}>", "Re: x", "Your mail was rejected: 550 5.7.1 no\n", ANSWER),
        Kind.NDR,
        mail(f"Postmaster <postmaster@{HOST}>", "Re: x", "Hi Jo,\nyour mail was rejected, sorry.\n", ANSWER),
    ),
    "a null sender with a failure, and with a question": (
        mail("robot@emitter.example", "Undeliverable", f"{NOBODY}: no such user\n", path=""),
        Kind.NDR,
        mail("web@shop.example", "Contact form", "Is my order undeliverable? Thanks\n", path=""),
    ),
    "a null sender that names the address, and statistics": (
        mail(f"postmaster@{HOST}", "Notice", f"Mail for {NOBODY} has been rejected.\n", path=""),
        Kind.NDR,
        mail(f"postmaster@{HOST}", "Mail statistics", "received 9 has been rejected 2\n", path=""),
    ),
    "a null sender with a failed address, and a swindle": (
        mail("robot@emitter.example", "Returned mail", f"{NOBODY}: no such user http://x.example\n", path=""),
        Kind.NDR,
        mail("robot@emitter.example", "Returned mail: get rich", "http://x.example\n", path=""),
    ),
    "the mailbox of somebody else is full, and one's own": (
        mail(f"postmaster@{HOST}", "Notice", f"The mailbox of {NOBODY} is full: not delivered.\n", path=""),
        Kind.NDR,
        mail(
            f"postmaster@{HOST}",
            "Quota",
            "Your mailbox is over its quota. New mail will be returned to the sender.\n",
            path="",
        ),
    ),
    "a failed address in a server's frame, and a story": (
        mail(
            "admin@emitter.example",
            "Non-delivery",
            f"The mail could not be delivered to the following user: {NOBODY}\n",
        ),
        Kind.NDR,
        mail("admin@emitter.example", "Undeliverable message", f"Undeliverable message to {NOBODY}\n"),
    ),
    "a mailer-daemon in a language unknown to us, and a mailer-daemon that names nobody": (
        mail(f"MAILER-DAEMON@{HOST}", "წერილი", f"{NOBODY} ვერ მოიძებნა\n", path=""),
        Kind.NDR,
        mail(f"MAILER-DAEMON@{HOST}", "წერილი", "ვერ მოიძებნა\n", path=""),
    ),
    "a mailer-daemon of unknown language and envelope, and one with a link": (
        mail(f"MAILER-DAEMON@{HOST}", "Kiri", f"{NOBODY} ei saanud kohale\n"),
        Kind.NDR,
        mail(f"MAILER-DAEMON@{HOST}", "Kiri", f"{NOBODY} http://x.example\n"),
    ),
    "a postmaster whose subject says what failed, and one who announces": (
        mail(f"postmaster@{HOST}", "Viestiä ei voitu toimittaa", f"{NOBODY}\n"),
        Kind.NDR,
        mail(f"postmaster@{HOST}", "Viesti", f"{NOBODY}\n"),
    ),
    "the words of Exchange in another language, and a question about them": (
        mail(f"postmaster@{HOST}", "Bericht", "Diagnostische gegevens voor beheerders:\n"),
        Kind.NDR,
        mail(PERSON, "Bericht", "Diagnostische gegevens voor beheerders: wat is dat?\n"),
    ),
    "a gateway that names itself so, and a person": (
        mail("Acme Gateway <asg@emitter.example>", "Virus found in your email", "In a mail that you sent.\n"
             "A virus was found and removed.\n"),
        Kind.VIRUS,
        mail(PERSON, "Virus found in your email", "In a mail that you sent.\nA virus was found.\n"),
    ),
    "a postmaster's server that names whom it did not reach, and one that lists many": (
        mail(f"postmaster@{HOST}", "წერილი", f"{NOBODY} ვერ მოიძებნა\n", path=""),
        Kind.NDR,
        mail(f"postmaster@{HOST}", "Report", f"{NOBODY} 3\n<other@emitter.example> 2\n", path=""),
    ),
    "a bounce, and a digest of held mail that shows the subject of one": (
        mail("gate@emitter.example", "Undeliverable: offer", "Mail was undeliverable.\n", path=""),
        Kind.NDR,
        mail("gate@emitter.example", "Digest: 3 new messages", f"Undeliverable: offer {NOBODY}\n", path=""),
    ),
    "a null sender whose subject begins with the failure, and an alert": (
        mail("gate@emitter.example", "Undelivered mail", "Sorry.\n", path=""),
        Kind.NDR,
        mail("gate@emitter.example", "Alert: undelivered mail in the queue", "Triggered.\n", path=""),
    ),
    "a filter, and the statistics of one": (
        mail("amavis <amavis@emitter.example>", "Virus", "Your mail contained a virus.\n", path=""),
        Kind.VIRUS,
        mail("amavis <root@emitter.example>", "Report", "amavis: viruses found and removed 12\n", path=""),
    ),
    "a server's notice with a text attached, and a worm": (
        with_file(DAEMON, "Returned mail", "Your message was undeliverable.\n", "details.txt"),
        Kind.NDR,
        with_file(DAEMON, "Returned mail", "Your message was undeliverable.\n", "document.scr"),
    ),
    "a prefix of an auto-reply, and a question about it": (
        mail(PERSON, "Automatic reply: offer", "Thanks for your mail.\n"),
        Kind.AUTO,
        mail(PERSON, "Automatic reply", "How do I set up an automatic reply?\n"),
    ),
    "a prefix of an auto-reply, and an advertisement behind it": (
        mail(PERSON, "Out of Office AutoReply: offer", "I am out of the office.\n"),
        Kind.AUTO,
        mail(PERSON, "Out of Office AutoReply: watches", "Replicas: http://x.example\n"),
    ),
    "words behind a prefix, and in a sentence": (
        mail(PERSON, "自动回复:发票", "我不在。\n"),
        Kind.AUTO,
        mail(PERSON, "自动回复设置", "怎么设置自动回复? 谢谢\n", PROGRAMS["Foxmail"]),
    ),
    "a sentence about somebody's absence, and a message that tells it": (
        mail(PERSON, "Kim is out of the office.", "I am out of the office.\n", GENERATED),
        Kind.AUTO,
        mail("Net <n@n.example>", "Kim: I am out of the office", "I am out of the office\n", GENERATED),
    ),
    "the fixed words of a responder, and those of a person": (
        mail(
            PERSON,
            "Kim is out of the office",
            "I will be out of the office starting 1.12.2026 and will not return until 9.12.2026.\n",
        ),
        Kind.AUTO,
        mail(PERSON, "Kim is out of the office", "I am out of the office with Kim.\n"),
    ),
    "a help desk that got a request, and a form that got one": (
        mail("Desk <d@d.example>", "[Request received] offer", "Your request (47) has been received.\n", *(
            GENERATED,
            SUPPRESS,
        )),
        Kind.AUTO,
        mail("Shop <d@d.example>", "Thank you for your message", "We received your message.\n", GENERATED),
    ),
    "a server that failed, and a program that reports failures of its host": (
        mail("Robot <robot@emitter.example>", "Notice", f"{NOBODY}: User unknown. Not delivered.\n", path=""),
        Kind.NDR,
        mail("Cron Daemon <root@friend.example>", "Notice", f"{NOBODY}: User unknown.\n", GENERATED, path=""),
    ),
    "somebody who is absent, and a school that tells who is": (
        mail("Kim <kim@friend.example>", "Absence", "I am absent until Monday.\n", GENERATED, path=""),
        Kind.AUTO,
        mail("School <s@school.example>", "Absence of Tom", "Tom is absent today.\n", GENERATED, path=""),
    ),
    "a challenge that wants one confirmed, and a swindle that wants a click": (
        mail(PERSON, "Hello", "Your message is held: click to confirm that you are human.\n", GENERATED),
        Kind.CR,
        mail(PERSON, "Hello", "Your message is held. Click to read it at http://x.example\n", GENERATED),
    ),
    "a list manager that refuses a post, and a moderator": (
        mail("sales-owner@lists.example", "Re: offer", "You are not a member of this list.\n", path=""),
        Kind.LIST,
        mail(PERSON, "Your mail to the list", "You are not a member of this list.\n"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_the_notice_of_each_pair_is_one(name: str) -> None:
    notice, kind, _ = PAIRS[name]
    assert kind_of(notice) is kind


@pytest.mark.parametrize("name", PAIRS)
def test_its_twin_is_none(name: str) -> None:
    assert kind_of(PAIRS[name][2]) is Kind.NONE


def test_the_program_of_a_returned_mail_is_not_the_servers_own_file() -> None:
    fields = [("Return-Path", "<>"), ("From", DAEMON), ("To", VICTIM), ("Subject", "Undeliverable")]
    returned = original() + 'Content-Type: application/x-msdownload; name="run.exe"\n\nAAAA\n'
    parts = [("text/plain", "Your message was not delivered.\n"), ("message/rfc822", returned)]
    assert kind_of(multipart(fields, "mixed", parts)) is Kind.NDR

"""Notices without any mark of a machine, in many languages, and their twins about goods and among people.

No Return-Path, no Auto-Submitted, a sender that could be anybody: only what the text says is left.
"""

# ruff: noqa: RUF001  (letters of other alphabets are the point of it)

import base64

import pytest

from feed.domain.event import Kind
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from tests import mails
from tests.mails import VICTIM, join

OTHER = "kim@emitter.example"


def plain(sender: str, subject: str, text: str, *extra: tuple[str, str]) -> bytes:
    """Return a mail of one part in UTF-8; a subject beyond ASCII is encoded."""
    if not subject.isascii():
        subject = f"=?utf-8?b?{base64.b64encode(subject.encode()).decode()}?="
    fields = [*extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    fields += [("Message-ID", "<m1@emitter.example>"), ("Content-Type", "text/plain; charset=utf-8")]
    return join(fields, text + "\n")


def kind_of(message: bytes) -> Kind:
    return judge(message, registration=Registration(), claim=Claim(), now=mails.NOW).kind


MAIL_SENDER = "Mail <mail@emitter.example>"
BOUNCES = {
    "Arabic": ("تعذر إرسال رسالتك", f"لم يتم تسليم رسالتك إلى {OTHER}. هذه رسالة تلقائية."),
    "Afrikaans": ("Boodskap nie afgelewer", f"Jou boodskap aan {OTHER} is nie afgelewer nie. 550 5.1.1"),
    "Bulgarian": ("Писмото не е доставено", f"Вашето писмо до {OTHER} не беше доставено."),
    "Catalan": ("No s'ha lliurat", f"El vostre missatge per a {OTHER} no s'ha pogut lliurar."),
    "Chinese": ("邮件投递失败", f"您发给 {OTHER} 的邮件无法送达。请勿回复。"),
    "Croatian": ("Poruka nije isporučena", f"Vaša poruka za {OTHER} nije isporučena: korisnik ne postoji."),
    "Czech": ("Zprávu se nepodařilo doručit", f"Vaši zprávu pro {OTHER} se nepodařilo doručit."),
    "Danish": ("Beskeden er ikke leveret", f"Din besked til {OTHER} kunne ikke leveres."),
    "Dutch": ("Bericht niet bezorgd", f"Uw bericht aan {OTHER} is niet bezorgd: onbekende gebruiker."),
    "Estonian": (
        "Kirja ei õnnestunud kohale toimetada",
        f"Teie kiri: ei õnnestunud kohale toimetada, {OTHER}",
    ),
    "English": (
        "Message not delivered",
        f"The message you sent to {OTHER} was not delivered: mailbox closed.",
    ),
    "Finnish": (
        "Viestiä ei voitu toimittaa",
        f"Lähettämäsi viesti ei mennyt perille, ei voitu toimittaa: {OTHER}",
    ),
    "French": ("Message non distribué", f"Votre courriel pour {OTHER} n'a pas été distribué."),
    "German": ("Nachricht nicht ausgeliefert", f"Ihre Nachricht an {OTHER} wurde nicht ausgeliefert."),
    "Greek": ("Το μήνυμα δεν παραδόθηκε", f"Το μήνυμά σας προς {OTHER} δεν παραδόθηκε."),
    "Hebrew": ("ההודעה לא נמסרה", f"ההודעה ששלחת אל {OTHER} לא נמסרה."),
    "Hungarian": ("A levél nem kézbesíthető", f"Az Ön üzenete nem kézbesíthető: {OTHER}"),
    "Icelandic": ("Komst ekki til skila", f"Skeytið þitt til {OTHER} komst ekki til skila."),
    "Indonesian": ("Pesan gagal terkirim", f"Pesan anda kepada {OTHER} tidak dapat dikirim. Pesan otomatis."),
    "Italian": ("Messaggio non consegnato", f"Il suo messaggio per {OTHER} non è stato consegnato."),
    "Japanese": ("メール配信エラーのお知らせ", f"お送りいただいたメールは {OTHER} に配信できませんでした。"),
    "Korean": ("메일 전송 실패", f"보내신 메일은 {OTHER} 에게 전달되지 못했습니다."),
    "Macedonian": ("Пораката не е испорачана", f"Вашата порака до {OTHER} не е испорачана."),
    "Malay": ("Mesej tidak dapat dihantar", f"Mesej anda kepada {OTHER} tidak dapat dihantar."),
    "Persian": ("پیام تحویل داده نشد", f"پیام شما به {OTHER} تحویل داده نشد."),
    "Polish": ("Wiadomość niedostarczona", f"Twoja wiadomość do {OTHER} nie została dostarczona."),
    "Portuguese": ("Mensagem não entregue", f"Sua mensagem para {OTHER} não foi entregue."),
    "Romanian": ("Mesajul nu a fost livrat", f"Mesajul dvs. către {OTHER} nu a fost livrat."),
    "Russian": ("Сообщение не доставлено", f"Ваше сообщение для {OTHER} не доставлено."),
    "Serbian": ("Порука није испоручена", f"Ваша порука за {OTHER} није испоручена."),
    "Slovak": ("Správu sa nepodarilo doručiť", f"Vašu správu pre {OTHER} sa nepodarilo doručiť."),
    "Spanish": ("Mensaje no entregado", f"Su mensaje para {OTHER} no ha sido entregado."),
    "Swedish": ("Meddelandet kunde inte levereras", f"Ditt meddelande till {OTHER} kunde inte levereras."),
    "Thai": ("ส่งอีเมลไม่สำเร็จ", f"ไม่สามารถส่งข้อความของคุณถึง {OTHER}"),
    "Turkish": ("İletiniz iletilemedi", f"{OTHER} adresine gönderdiğiniz ileti teslim edilemedi."),
    "Ukrainian": ("Лист не доставлено", f"Ваш лист для {OTHER} не було доставлено."),
    "Vietnamese": ("Gửi thư không thành công", f"Thư của bạn tới {OTHER} không thể gửi được."),
}


@pytest.mark.parametrize("language", BOUNCES)
def test_a_bounce_without_marks_is_known_by_its_words(language: str) -> None:
    subject, text = BOUNCES[language]
    assert kind_of(plain(MAIL_SENDER, subject, text)) is Kind.NDR


@pytest.mark.parametrize("language", BOUNCES)
def test_the_words_of_a_bounce_under_a_subject_that_is_answered_are_a_person_s(language: str) -> None:
    subject, text = BOUNCES[language]
    answer = plain(
        "Sam <sam@friend.example>", f"Re: {subject}", text, ("In-Reply-To", "<q@reporter.example>")
    )
    assert kind_of(answer) is Kind.NONE


@pytest.mark.parametrize("language", BOUNCES)
def test_a_mail_program_or_a_list_or_a_campaign_takes_them_back(language: str) -> None:
    subject, text = BOUNCES[language]
    for field in (
        ("User-Agent", "Mozilla Thunderbird"),
        ("List-Id", "<talk.lists.example>"),
        ("Precedence", "list"),
        ("List-Unsubscribe", "<https://shop.example/u>"),
    ):
        assert kind_of(plain("Sam <sam@friend.example>", subject, text, field)) is Kind.NONE


GOODS = {
    "Arabic": ("تعذر تسليم الشحنة", "تعذر تسليم شحنتك. راسلنا: help@parcels.example"),
    "Chinese": ("包裹投递失败", "您的包裹未能投递。客服 help@parcels.example"),
    "Croatian": ("Pošiljka nije isporučena", "Vaša pošiljka nije isporučena. help@parcels.example"),
    "Czech": (
        "Zásilku se nepodařilo doručit",
        "Zásilku se nepodařilo doručit. Napište na help@parcels.example.",
    ),
    "Danish": ("Pakken er ikke leveret", "Din pakke kunne ikke leveres. Skriv til help@parcels.example."),
    "English": ("Parcel not delivered", "Your parcel could not be delivered. Write to help@parcels.example."),
    "Finnish": ("Pakettia ei voitu toimittaa", "Pakettia ei voitu toimittaa. help@parcels.example"),
    "German": ("Sendung nicht zugestellt", "Ihr Paket wurde nicht zugestellt. Fragen: help@parcels.example"),
    "Greek": ("Αποτυχία παράδοσης δέματος", "Το δέμα σας δεν παραδόθηκε. help@parcels.example"),
    "Hebrew": ("החבילה לא נמסרה", "החבילה שלך לא נמסרה. help@parcels.example"),
    "Hungarian": ("A csomag nem kézbesíthető", "A csomag nem kézbesíthető. help@parcels.example"),
    "Japanese": ("お荷物を配達できませんでした", "お荷物を配達できませんでした。help@parcels.example"),
    "Korean": ("택배 배송 실패", "택배가 전달되지 못했습니다. help@parcels.example"),
    "Persian": ("بسته تحویل داده نشد", "بسته شما تحویل داده نشد. help@parcels.example"),
    "Polish": ("Paczka nie została doręczona", "Paczka nie została doręczona. help@parcels.example"),
    "Romanian": ("Coletul nu a putut fi livrat", "Coletul nu a putut fi livrat. help@parcels.example"),
    "Russian": ("Посылка не доставлена", "Ваша посылка не доставлена. help@parcels.example"),
    "Thai": ("จัดส่งพัสดุไม่สำเร็จ", "ไม่สามารถจัดส่งพัสดุ help@parcels.example"),
    "Turkish": ("Gönderiniz teslim edilemedi", "Gönderiniz teslim edilemedi. help@parcels.example"),
    "Ukrainian": ("Посилку не доставлено", "Вашу посилку не доставлено. help@parcels.example"),
    "Vietnamese": ("Giao hàng không thành công", "Đơn hàng của bạn không thể giao. help@parcels.example"),
}


@pytest.mark.parametrize("language", GOODS)
def test_goods_that_did_not_arrive_are_no_mail(language: str) -> None:
    subject, text = GOODS[language]
    assert kind_of(plain("Carrier <noreply@parcels.example>", subject, text)) is Kind.NONE
    generated = plain(
        "Carrier <noreply@parcels.example>", subject, text, ("Auto-Submitted", "auto-generated")
    )
    assert kind_of(generated) is Kind.NONE


DELAYS = {
    "Dutch": ("Bericht vertraagd", f"Uw bericht aan {OTHER} kon nog niet worden bezorgd."),
    "French": ("Message en attente", f"Votre message pour {OTHER} n'a pas encore pu être remis."),
    "German": (
        "Ihre Nachricht wartet",
        f"Ihre Nachricht an {OTHER} wurde noch nicht zugestellt. Automatische Nachricht.",
    ),
    "Polish": ("Opóźniona wiadomość", f"Twoja wiadomość do {OTHER} jeszcze nie została dostarczona."),
    "Russian": ("Задержка доставки", f"Ваше письмо для {OTHER} пока не доставлено."),
    "Spanish": ("Mensaje retrasado", f"Su mensaje para {OTHER} aún no se ha podido entregar."),
}


@pytest.mark.parametrize("language", DELAYS)
def test_a_delay_told_in_words_is_a_delay(language: str) -> None:
    subject, text = DELAYS[language]
    assert kind_of(plain("postmaster@emitter.example", subject, text)) is Kind.DSN_DELAY


FILTERS = {
    "Dutch": (
        "Bijlage geblokkeerd",
        f"Uw bericht aan {OTHER} bevatte een verboden bijlage en is geblokkeerd.",
    ),
    "English": (
        "Attachment refused",
        f"Your message to {OTHER} was rejected: the attachment is not allowed.",
    ),
    "French": ("Pièce jointe refusée", f"Votre message à {OTHER} a été bloqué : pièce jointe interdite."),
    "German": ("Unzulässiger Anhang", f"Ihre Nachricht an {OTHER} wurde wegen des Anhangs abgelehnt."),
    "Japanese": (
        "添付ファイルの削除について",
        f"お送りいただいたメール ({OTHER} 宛) の添付ファイルを削除しました。",
    ),
    "Polish": ("Niedozwolony załącznik", f"Twoja wiadomość do {OTHER} została odrzucona: załącznik."),
    "Russian": ("Письмо отклонено: спам", f"Ваше письмо для {OTHER} заблокировано фильтром спама."),
    "Spanish": ("Adjunto no permitido", f"Su mensaje para {OTHER} fue rechazado por su adjunto."),
}


@pytest.mark.parametrize("language", FILTERS)
def test_what_a_filter_did_with_one_s_mail_is_a_content_notice(language: str) -> None:
    subject, text = FILTERS[language]
    assert kind_of(plain("Gateway <gw@emitter.example>", subject, text)) is Kind.VIRUS


AWAY = {
    "Dutch": ("Afwezig: Horloges", "Ik ben afwezig tot maandag."),
    "Finnish": ("Poissa: Kellot", "Olen lomalla maanantaihin asti."),
    "French": ("Absente du bureau : Montres", "Je suis en congé jusqu'à lundi."),
    "German": ("Nicht im Büro Re: Uhren", "Ich bin bis Montag im Urlaub."),
    "Italian": ("Fuori ufficio: Orologi", "Sono in ferie fino a lunedì."),
    "Japanese": ("不在：時計", "休暇をいただいております。"),
    "Korean": ("[부재중 자동응답] 시계", "출장 중입니다."),
    "Polish": ("Autoodpowiedź: Zegarki", "Jestem na urlopie."),
    "Spanish, the whole subject": ("Fuera de la oficina", "Estoy de vacaciones. Leeré su correo el lunes."),
    "Indonesian": ("Balasan otomatis: Jam", "Saya sedang cuti."),
    "Serbian": ("Аутоматски одговор: Сатови", "Нисам у канцеларији."),
    "Swedish": ("Frånvarande: Klockor", "Jag har semester till måndag."),
    "it calls itself an automatic answer": ("Your note", "This is an automatic reply: my address changed."),
    "it calls itself so in French": ("Nouvelle adresse", "Ceci est une réponse automatique. Je suis parti."),
    "it calls itself so in Turkish": ("Saatler", "Bu otomatik yanıttır: izindeyim."),
    "a ticket in English": (
        "Ticket created: watches",
        "We have received your request. Your ticket number is 48113.",
    ),
    "a ticket in German": (
        "[Anfrage #48113] Uhren",
        "Ihre Nachricht ist bei uns eingegangen, Ticket #48113.",
    ),
    "a ticket in Russian": ("Заявка № 48113", "Ваше обращение получено: заявка № 48113."),
}


@pytest.mark.parametrize("name", AWAY)
def test_an_auto_reply_without_marks_is_known_by_its_words(name: str) -> None:
    subject, text = AWAY[name]
    assert kind_of(plain("Sam <sam@emitter.example>", subject, text)) is Kind.AUTO


PEOPLE = {
    "a plan": ("Out of office on Monday", "I will be on holiday, Kim stands in."),
    "tonight": ("Absent: Sam tonight", "I am out tonight, see you at the club."),
    "advice of an office": (
        "Out of office policy",
        "When you are on vacation please set an automatic reply and name a contact.",
    ),
    "a refund": ("Your request has been received", "We have received your request, reference 4811377."),
    "an offer about bounces": (
        "undeliverable? fix it",
        "We fix your email delivery, 550 errors gone! Contact sam@friend.example",
    ),
    "advice about attachments": (
        "How attachments get blocked",
        f"Your e-mail may be rejected because of an attachment. Ask {OTHER}.",
    ),
    "a payment in Russian": (
        "Платёж не доставлен",
        f"Ваш платёж не доставлен. Пишите на {OTHER}. Автоматическое сообщение.",
    ),
    "a letter of the post": (
        "Brief nicht zugestellt",
        f"Ihr Brief wurde nicht zugestellt. Fragen: {OTHER}. Automatische Nachricht.",
    ),
    "a court": ("Ваше обращение", "Ваше обращение № 48113 принято к рассмотрению."),
    "a question": ("Automatic reply", "How do I set up an automatic reply to my mail?"),
    "thanks": ("Your message", "Thank you for your message, it was received. See you on Monday."),
    "a ticket that an agent answers": (
        "[Anfrage #48113] Uhren",
        "Hallo Jo, die Uhr ist repariert. Gruß, Kim",
    ),
    "an order": ("Order received", "We have received your order no. 48113. This is an automatic e-mail."),
    "a shop on holiday": ("Holiday notice: closed", "We are on holiday until Monday."),
    "an attachment": (
        "Attachment",
        f"Hi Jo, the attachment in your mail to {OTHER} was blocked. Send it again?",
    ),
    "a mail that came back": ("Your mail", f"Hi, your mail to {OTHER} was not delivered, did you see that?"),
    "a swindle": (
        "Messages not delivered",
        "Your messages were not delivered. Click to verify: http://x.example",
    ),
    "news of a filter": ("Spam filter", "The spam filter now blocks attachments."),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_people_and_shops_use_the_same_words(name: str) -> None:
    subject, text = PEOPLE[name]
    assert kind_of(plain("Sam <sam@friend.example>", subject, text)) is Kind.NONE


RECEIPTS = {
    "accettazione": Kind.DSN_OK,
    "avvenuta-consegna": Kind.DSN_OK,
    "preavviso-errore-consegna": Kind.DSN_DELAY,
    "errore-consegna": Kind.NDR,
    "non-accettazione": Kind.NDR,
    "rilevazione-virus": Kind.VIRUS,
    "something new": Kind.NONE,
}


@pytest.mark.parametrize("value", RECEIPTS)
def test_receipts_of_certified_mail_tell_their_kind_in_a_field(value: str) -> None:
    message = plain("posta-certificata@pec.example", "Ricevuta", "Vedi allegato.", ("X-Ricevuta", value))
    assert kind_of(message) is RECEIPTS[value]


CHALLENGES = {
    "the Return-Path is a service's": plain(
        "Sam <sam@friend.example>", "Re: Watches", "See below.", ("Return-Path", "<noreply@boxbe.com>")
    ),
    "an address for challenges": plain("mail-challenge@emitter.example", "Watches", "See below."),
    "German": plain(
        "Sam <sam@emitter.example>",
        "Bitte bestätigen Sie Ihre Nachricht",
        "Ihre E-Mail wurde noch nicht zugestellt. Klicken Sie einmalig auf den Link, wegen Spam.",
    ),
    "an automatic answer that asks back": plain(
        "Sam <sam@emitter.example>",
        "Watches",
        "This is an automatic reply. Your message is held. Click once to be approved as sender.",
    ),
}


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_challenge_is_known_by_all_its_parts(name: str) -> None:
    assert kind_of(CHALLENGES[name]) is Kind.CR


def test_a_confirmation_of_a_subscription_is_no_challenge() -> None:
    text = "Please click the link once to confirm your subscription: https://shop.example/c"
    assert kind_of(plain("News <news@shop.example>", "Please confirm", text)) is Kind.NONE


READ = {
    "read": "Your message\n\n   To: Sam\n   Subject: Watches\n   Sent: Monday\n\nwas read on Tuesday.",
    "deleted": "Your message\n   To: Sam\n   Subject: Watches\n   Sent: Monday\n\nwas deleted unread.",
    "German": "Ihre Nachricht\nAn: Sam\nBetreff: Uhren\nGesendet: Montag\n\nwurde am Dienstag gelesen.",
}


@pytest.mark.parametrize("name", READ)
def test_a_receipt_in_the_fixed_frame_needs_no_field(name: str) -> None:
    subject = "Gelesen: Uhren" if name == "German" else "Read: Watches"
    assert kind_of(plain("Sam <sam@emitter.example>", subject, READ[name])) is Kind.MDN
    assert kind_of(plain("Sam <sam@emitter.example>", "Watches", READ[name])) is Kind.NONE


LISTS = {
    "French": "Votre message à la liste a été refusé : seuls les abonnés peuvent écrire.",
    "German": "Sie sind nicht berechtigt, an diese Mailingliste zu schreiben.",
    "Italian": "Il messaggio alla lista è in attesa: non sei iscritto.",
    "Spanish": "Su mensaje a la lista espera al moderador.",
}


@pytest.mark.parametrize("language", LISTS)
def test_a_list_refuses_a_post_in_its_language(language: str) -> None:
    assert kind_of(plain("talk-owner@lists.example", "Talk", LISTS[language])) is Kind.LIST

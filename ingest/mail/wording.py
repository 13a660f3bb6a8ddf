"""The parts of what a machine says of one's mail, in many languages: whose mail, what became of it.

Each table alone says little: shops, carriers of parcels and people use every one of these words. They are
asked together, by `unmarked`, and only about mails that show no mark of a machine. Stems of words and
function words, lower case; a form with and one without accents where both are usual. Long because it is
data.
"""

# ruff: noqa: RUF001  (letters of other alphabets are the point of it)

import dataclasses
import re
from typing import Final

from ingest.mail.phrases import any_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Patterns over lower-case text; `beyond` holds other letters than ASCII and is not tried on ASCII."""

    plain: re.Pattern[str]
    beyond: re.Pattern[str]

    def within(self, text: str) -> bool:
        """Whether one of the words stands in `text`."""
        return self.plain.search(text) is not None or (
            not text.isascii() and self.beyond.search(text) is not None
        )


def _words(plain: str, beyond: str) -> Words:
    return Words(plain=any_of(plain), beyond=any_of(beyond))


YOUR_MAIL: Final = _words(
    r"""
\byour (?:e-?mail|message|mail)\b(?! ?(?:addr|box|account|client|program|server|settings))
\b(?:message|e-?mail|mail) (?:that )?you (?:have |recently |just )?sent\b
\b(?:message|e-?mail|mail) (?:sent )?(?:by|from) you\b|\byou (?:tried|attempted) to send\b
\b(?:message|mail|e-?mail) from <?[\w.+=-]{1,64}@
\bihre (?:e-?mail|nachricht|mail)\b(?! ?(?:adr|konto|postf))|\bihrer (?:e-?mail|nachricht|mail)\b
\bvon ihnen (?:gesendet|verschickt|versandt|geschickt)|\bdeine (?:e-?mail|nachricht|mail)\b
\bvotre (?:message|e-?mail|mail|courriel|envoi)\b|\b(?:message|mail|courriel) que vous avez
\b(?:su|tu) (?:mensaje|correo|e-?mail)\b|\b(?:mensaje|correo) (?:que (?:usted )?(?:ha )?)?envi
\b(?:sua|tua) mensagem\b|\bseu e-?mail\b|\bmensagem (?:que |enviad)
\b(?:suo|tuo|vostro) (?:messaggio|e-?mail)|\bsua e-?mail\b|\b(?:messaggio|e-?mail) (?:inviat|che (?:ha|hai))
\b(?:uw|je) (?:bericht|e-?mail|mail)\b|\bditt (?:meddelande|mejl|mail|e-postm)
\bdin (?:mail|e-?mail|e-?post|besked|meddelelse|melding)\b|\bmeldingen? din\b|\be-posten? din\b
\btwoj[ae] (?:wiadom|e-?mail|mail)|\bzpr[aá]v[auy] (?:pro|na|adres)|\bmesajul\b|\be-?mailul\b
\b(?:ileti|mesaj|e-posta)(?:n[ıi]z|lar[ıi]n[ıi]z)|\b(?:pesan|e-?mail|surel) anda\b
\b(?:vostre|teu) (?:missatge|correu)|\bmesej anda\b|\bjou boodskap\b|\bviestisi\b|\bs[aä]hk[oö]postisi\b
\bvaše? (?:poruk|e-?mail|mail)|\bvaša? poruk
""",
    r"""
\bviestiäsi\b|\blähettämäsi\b|\bl(?:äh|ah)etettämä
\b(?:twoj|państw|pańsk|wysłan)\w{0,3} (?:wiadom|e-?mail|mail|list)|\bwiadomość (?:wysłan|do\b|na adres)
\bvaš(?:i|e|u|a)? (?:zpráv|e-?mail|správ|poruk|sporočil)|\bodeslan\w{1,3} zpráv
\b(?:ön|az ön|önnek) .{0,20}(?:level|üzenet)|\b(?:level|üzenet)(?:ed|ét|e)\b|\belküldött (?:level|üzenet)
\bgönderdiğiniz\b|\bmesajul (?:dvs|dumneavoastră|tău)|\bjūsų (?:laišk|el)|\bjūsu (?:vēstul|ziņ)
\bteie (?:kiri|sõnum)
ваш(?:е|его|ему|им|а|у)? (?:письм|сообщени|лист|повідомлен|съобщени|порук)|вы отправ|отправленное вами
вашат?[ао]? порака|\b(?:skeytið|tölvupósturinn|pósturinn) þi(?:tt|nn)\b|вашето (?:писмо|съобщение)
(?:письмо|сообщение|лист) (?:для|на адрес|адрес)
μήνυμ\w{1,3} σας|رسالت(?:ك|كم)|بريدك|الرسالة التي|הודעתך|ההודעה ש|הודעה ששלחת|המייל ש
پیام شما|ایمیل شما|نامه شما|(?:ข้อความ|อีเมล|จดหมาย)(?:ของคุณ|ของท่าน|ที่คุณส่ง)
\bthư (?:của )?(?:bạn|quý)|\bthư bạn|\bemail (?:của )?bạn|\btin nhắn của bạn|आपका (?:संदेश|ईमेल)|आपकी मेल
(?:送信された|お送りいただいた|送信した|送られた|あなたの|お客様の)(?:メール|メッセージ)
(?:您|你)(?:所|的|发|發|寄|傳|传|送|刚).{0,60}(?:邮件|郵件|信件|电邮|電郵)
(?:보내신|발송하신|보낸|귀하의|고객님의) ?(?:메일|메시지|이메일|전자)
""",
)
"""A mail that the reader sent."""

RECIPIENT_LABEL: Final = _words(
    r"""
\b(?:recipients?|addressees?|destinatari(?:o|os|a)?|destinataires?|ontvangers?|empfanger|odbiorc\w
    |prijemce|mottakere?|modtagere?|mottagare|vastaanottaja|cimzett|destinatar\w{0,3}|alici|penerima
    |primatelj|kepada|mailbox|postfach|buzon|casella|caixa postal|postkasse|postbus)(?: (?:was|were|of
    |von|is|de|di|ist|der|des|av))?[^.@\w]{0,6}[\w.+=-]{1,64}@
\b(?:to|an|pour|para|per|aan|til|till|do|komu) ?: ?<?[\w.+=-]{1,64}@
""",
    r"""
\b(?:empfänger|příjemce|adresát|címzett|alıcı|buzón|boîte|gavėj\w|saņēmēj\w)[^.@\w]{0,6}[\w.+=-]{1,64}@
(?:адресат\w{0,3}|получател\w{0,2}|одержувач\w{0,2}|отримувач\w{0,2}|примател\w{0,2}|παραλήπτ\w{1,3}
    |المستلم|المرسل إليه|הנמען|נמען|گیرنده|ผู้รับ|người nhận|收件人|收件者|宛先|あて先|宛て|受信者
    |수신자|받는 ?사람|받는 ?분|प्राप्तकर्ता)[^.@\w]{0,6}[\w.+=-]{1,64}@
""",
)
"""The address of the recipient as a field of the notice."""

NOT_DELIVERED: Final = _words(
    r"""
\b(?:could|can|has|have|was|were|will|is|did
    |been) ?n[o']t (?:yet )?(?:be(?:en)? )?(?:successfully )?(?:delivered|sent|reach|accepted)
\bunable to (?:deliver|send)|\bundeliver(?:ed|able)\b|\bcould ?n[o']t (?:deliver|reach)\b
\bdelivery (?:has )?(?:failed|failure)|\bfailed to deliver
\bnicht (?:zugestellt|angenommen|ausgeliefert|zustellbar)\b|\bunzustellbar
\bzustellung .{0,20}fehlgeschlagen
\bn'(?:a|ont|est) pas (?:encore )?(?:pu |ete |pu etre )?.{0,5}(?:remis|distribu|deliv|delivr|achemin|accept)
\bno (?:se )?(?:ha|han|pudo|puede|fue|ha sido) .{0,20}entreg|\bno entregad
\bnao (?:foi|pode|pude) .{0,20}entreg|\bnon (?:e stato|e' stato|puo) .{0,20}(?:consegn|recapit)
\bniet (?:worden )?(?:bezorgd|afgeleverd|geaccepteerd)|\bkunne ikke (?:leveres|sendes)
\bikke (?:leveret|levert)
\bkunde inte (?:levereras|skickas)|\binte levererat|\bei voitu (?:toimittaa|l)
\bnie (?:mogla?|zostala?|mozna|udalo) .{0,25}(?:dostarcz|dorecz|wysl)
\bnu a (?:putut|fost) .{0,12}(?:livrat|trimis|expediat)|\bteslim edileme|\biletileme|\bgonderileme
\b(?:gagal|tidak (?:dapat|bisa|berhasil)) .{0,10}(?:kirim|terkirim|dikirim|disampaikan)
\btidak (?:dapat|boleh) dihantar|\bkomst ekki til skila|\bno s'ha (?:pogut )?(?:lliurat|lliurar|entrega)
\bnie afgelewer|\bnije (?:mogu[cć]e )?(?:isporu|dostav)|\bni (?:bilo )?(?:mogo[cč]e )?dostav
""",
    r"""
\bn'(?:a|ont|est) pas (?:encore )?(?:pu |été |pu être )?(?:remis|distribu|délivr|livr|achemin|accept|envoy)
\bnão (?:foi|pôde|pode) .{0,25}entreg|\bnon (?:è stat[oa]|può) .{0,25}(?:consegn|recapit)
\bei (?:voitu|pystytty) .{0,15}(?:lähettä|toimittaa)|\btoimittaminen epäonnistui
\bnie (?:mogła?|została?|można|udało) .{0,25}(?:dostarcz|doręcz|wysł)
\bne(?:po|po)dařilo .{0,15}doruč|\bnedoruč|\bnepodarilo .{0,15}doruč|\bnelze doruč
\bnem (?:sikerült|lehet|lehetett|volt|tudtuk) .{0,30}kézbesít|\bnem kézbesíthet|\bkézbesíthetetlen
\bkézbesítés\w{0,4} (?:hiba|sikertelen)
\bgönderileme|\bnepavyko (?:pristatyti|įteikti)|\b(?:nevarēja|neizdevās) piegādāt
\bei (?:saanud|õnnestunud) .{0,20}toimeta
\bvar ekki (?:afhent|hægt)|\btókst ekki að|\bno s'ha pogut (?:lliurar|entregar|enviar)|\bnon se puido
\bnu s-a (?:livrat|trimis)|\bnu a (?:putut|fost) .{0,12}(?:livrat|expediat)
не (?:был\w? |может быть |могло быть |удалось |вдалося |може бути |було |може да бъде |можа да бъде
    |беше |е |била |можеше да бъде )?(?:доставл|достави|доставен|испоруч|отправл|принят|передан)
не е (?:испорачан|доставен)|недостав|невозможно доставить|неможливо достав|није (?:испоруч|достав)
δεν (?:ήταν δυνατ|μπόρεσε|μπορεί|κατέστη δυνατ|έχει|παραδόθηκε|παραδοθ).{0,20}
αποτυχία (?:παράδοσης|αποστολής)
(?:تعذر|فشل|لم يتم|لم نتمكن من|لا يمكن|لم يمكن) ?(?:في )?(?:تسليم|إرسال|توصيل|ارسال|ايصال|إيصال)
לא (?:נמסר|ניתן (?:היה )?(?:למסור|לשלוח|להעביר)|נשלח|הגיע|ניתנת למסירה)
(?:מסירת|שליחת|משלוח|מסירה|שליחה) .{0,20}(?:נכשל|נכשלה)
(?:تحویل|ارسال) .{0,20}(?:نشد|نشده|ناموفق|نگردید)
ไม่สามารถ(?:ส่ง|จัดส่ง|นำส่ง)|ส่ง.{0,15}ไม่(?:สำเร็จ|ได้|ถึง)
\bkhông (?:thể )?(?:được )?(?:gửi|chuyển|phân phối|giao)|\bgửi .{0,20}(?:không thành công|thất bại)
\bchưa (?:gửi|chuyển) được
(?:वितरित|डिलीवर|भेजा|भेजी) नहीं|डिलीवरी (?:विफल|असफल)
(?:送信|配信|配送|配達|送達)(?:でき|されま(?:せん)|に失敗|失敗|不能|エラー)|お届けでき|届きません|届けられ|不達
(?:无法|無法|未能|没有|不能|未)(?:成功)?(?:投递|投遞|送达|送達|传递|傳遞|发送|發送|寄达|寄達|送到)|(?:投递|投遞|发送|發送|传送|傳送|寄送)失[败敗]|退信|退回
(?:배달|전송|발송|전달|수신)(?:되지|하지|이|에|을)? ?(?:못|않|실패)|반송
""",
)
"""It did not reach whom it was for; parcels, letters and payments do not either."""

NOT_YET: Final = _words(
    r"""
\bnot yet (?:been )?(?:deliver|sent|reach)|\bhas not been delivered yet\b
\bnoch nicht .{0,30}(?:zugestellt|ausgeliefert|zustell)
\bpas encore (?:ete|pu)|\bnog niet .{0,30}(?:bezorg|aflever)|\bnon .{0,12}ancora .{0,20}(?:consegn|recapit)
\bancora (?:consegn|recapit)|\bendnu ikke\b.{0,20}lever|\benn[aå] ikke\b|\bjeszcze nie\b
\bzat[ií]m\b.{0,20}doru|\binca nu\b
\bbelum (?:dapat|bisa|terkirim)
""",
    r"""
\bpas encore (?:été|pu)|\baún no .{0,30}entreg|\btodavía no .{0,30}entreg|\bainda não .{0,30}entreg
\bännu inte\b|\bennå ikke\b|\bvielä .{0,20}toimit|\bei ole vielä|\bmég nem\b.{0,30}kézbes
\bhenüz .{0,40}edileme
\bîncă nu\b|\bdosud .{0,20}doruč|\bzatím .{0,20}doruč|(?:ещё|еще|пока|ще) не|все още не
ακόμη? .{0,10}δεν|δεν .{0,30}ακόμ|まだ.{0,10}(?:配信|配送|送信|届)
尚未|还未|還未|아직|لم .{0,20}بعد|עדיין לא|טרם|ยังไม่
\bvẫn chưa\b
""",
)
"""It is still being tried."""

BY_MACHINE: Final = _words(
    r"""
\bautomatic(?:ally)?\b|\bautomated\b|\bauto-?(?:generated|reply|response|responder)\b
\bsystem[- ]generated\b
\b(?:do not|don't) (?:reply|respond|answer)\b|\bautomatisch
\bnicht (?:auf diese .{0,30})?(?:antworten|beantworten)\b
\bautomatique|\bne pas (?:y )?repondre|\bautom[aá]tic|\bno responda|\bn[aã]o responda|\bautomatic[aho]
\bnon (?:rispondere|rispondete)|\bniet (?:te )?(?:be)?antwoorden|\bautomatisk|\binte (?:svara|besvara)
\bikke (?:svar|besvar)
\bautomaatti|\bautomatyczn|\bnie odpowiada|\bautomatick|\bautomatikus|\bautomat\b|\botomatik|\botomatis
\bne pas r[eé]pondre|\bgenerated by (?:the|our|an?) (?:mail|system|server)
""",
    r"""
\bne pas (?:y )?répondre|\bautomātisk|\bautomatinis|αυτόματ|автоматич|автоматск|не отвечайте
отвечать .{0,20}не (?:нужно|надо)
не відповідайте|تلقائي|آلي|אוטומטי|خودکار|อัตโนมัติ|\btự động|स्वचालित|स्वतः
自動(?:送信|配信|返信|生成|的に|応答|回覆|回復|發送|发送)
返信しないで|返信は(?:ご遠慮|できません)|返信いただいても
自动(?:发送|发出|生成|回复|答复)|系统(?:自动|邮件)|勿(?:直接)?(?:回复|回覆)|자동|발신 ?전용|회신하지
""",
)
"""The text says that a machine wrote it."""

ABSENT: Final = _words(
    r"""
\bout of (?:the )?office\b
\bon (?:vacation|holiday|leave|annual leave|maternity leave|parental leave|sick leave)\b
\b(?:am|i'm|will be|be) (?:currently )?(?:away|out|absent|traveling|travelling|unavailable|off) (?:from
    |until|till|of|this|on|and|with)\b
\bno longer (?:with|work|employed|at|use|in use|monitored|valid|active)
\bnicht im (?:buro|hause?)\b|\babwesend|\bim urlaub|\bausser haus|\bmutterschutz|\belternzeit
\b(?:nicht mehr) (?:im unternehmen|bei uns|tatig)
\babsent|\ben conge|\bvacances\b|\bvacaciones\b|\bausent|\bde baja\b|\bfuera de (?:la )?oficina
\bde ferias\b|\bfora do escritorio|\bin ferie\b|\bfuori (?:ufficio|sede)|\bassente\b|\bafwezig
\bmet (?:vakantie|verlof)|\bmet zwangerschapsverlof
\bsemester\b|\btjanstledig|\bferie\b|\bpermisjon|\borlov\b|\blomalla|\bpoissa\b|\bvirkavapa|\burlop
\bnieobecn|\bpoza biurem
\bdovolen|\bmimo kancel|\bnep[rř][ií]tom|\bszabads[aá]g|\bconcediu|\bizindeyim|\bizinli|\btatilde
\bcuti\b|\bna godi[sš]njem
""",
    r"""
\bnicht im büro\b|\baußer haus|\btätig\b|\bcongés?\b|\ben congé|\bde férias\b|\bfora do escritório
\btjänstledig|\bfrånvar|\bnieobecn|\bnepřítom
\bszabadság|\bdovolené|\bgodišnjem|\bdopust|\bpuhkus|\batostog|\batvaļinājum|\bizinde\w{0,3}|отпуск
отсутств|відпуст|відсутн|командировк|отпуска
άδεια|απουσι|إجازة|اجازة|בחופש|מחוץ למשרד|مرخصی|ลาพัก|ลางาน|ไม่อยู่|\bnghỉ phép|\bvắng mặt|छुट्टी|अवकाश
不在|休暇|休み|休業|外出|出張|休假|度假|请假|請假|出差|휴가|부재|출장
""",
)
"""Somebody is away, or has left."""

FIRST_PERSON: Final = _words(
    r"""
\b(?:estoy|estare|volvere|estou|estarei|sono|saro|rientro|jestem|wracam|jsem|budu|som|vagyok|leszek
    |sunt|voi fi|olen|palaan)\b
""",
    r"""
\b(?:estaré|volveré|sarò|będę|wrócę|hän|sam|ću)\b|нахожусь|буду|вернусь|повернусь|перебуваю|я в\x20
бъда|είμαι|θα |أنا|سأ|אני|אחזור|من |ผม|ดิฉัน|\btôi\b|मैं
おります|ます|我|저는|제가|입니다|\b\w+(?:dayım|deyim|teyim|tayım|eceğim|acağım)\b
""",
)
"""Somebody speaks of himself, in languages whose verbs tell it."""

UNTIL: Final = _words(
    r"""
\b(?:until|till|bis|jusqu|hasta|ate|fino|tot|til|tills|do|asti|saakka|ig|pana|sampai|kadar|dek|p[aâ]n[aă])\b
\b(?:back|return\w*|wieder|zuruck|retour|regres\w+|volver\w*|rientr\w+|terug|tillbaka|tilbage|tilbake)\b
""",
    r"""
\b(?:zurück|até|à partir|până|dönece\w+|vráti\w+)\b|\b\w{2,}ig\b|(?:^| )до |с \d|по \d|έως|μέχρι|حتى|إلى
עד|تا|ถึง|đến|\btới\b
まで|至|到|까지|おります|중입니다|休暇|휴가
""",
)
"""The absence has an end; who only tells that he is away tonight does not answer a mail."""

RECEIVED: Final = _words(
    r"""
\b(?:we have|we've|has been|was|have|successfully) received\b|\backnowledge (?:that|receipt|the receipt)
\breceipt of your\b
\b(?:ticket|incident|case) \S{0,20} ?has been (?:created|opened|logged)
\bis being reviewed\b|\beingegangen\b|\bhaben .{0,60}erhalten\b|\bin bearbeitung\b|\bbien recu\b
\bhemos recibido\b|\bse ha recibido\b
\brecebemos\b|\bfoi recebid|\babbiamo ricevuto\b|\bricevut|\bontvangen\b|\bmottagit\b|\bmodtaget\b
\bmottatt\b|\bvastaanot
\botrzyma|\bprijat|\bprimit\b|\balinm|\btelah (?:kami )?terima
\bticket has been (?:created|opened|logged)|\bmegkapt
""",
    r"""
\bbien reçu\b|\baccusons réception|\bfoi recebid|\bpřijat|\bprijali\b|\balınmış|\balındı|\bobdržel
\bmottaget|\bprimljen|\bprejel|\bgauta|\bsaņemt
получен|принят|зарегистрирован|отримано|зареєстрован|получихме|ελήφθη|λάβαμε|تم استلام|استلمنا|התקבל
قبول|دریافت شد
ได้รับ|\bđã nhận|प्राप्त|受け?付け|承りました|受領|收到|已受理|접수|수신되었
""",
)
"""A mail or a request of the reader arrived; orders and payments do too."""

TICKET: Final = _words(
    r"""
\b(?:ticket|case|incident|support request|vorgang|anfrage|demande|dossier|solicitud|incidencia|chamado
    |protocolo|richiesta|segnalazione|melding|verzoek|arende|sag|sak|zgloszeni|tiket|hibajegy
    |solicitare|talep|pozadav|pozadavek)(?:s?[- ]?(?:nummer|number|id|nr|no|numero|ref
    |reference))?[.:]? ?(?:- |is |lautet |n[ro°]?\.? ?)?[\[(#:]{0,2} ?#?[a-z]{0,5}-?\d{3,20}\b
\[[\w.-]{1,30} ?#\d{2,12}\]|\bticket ?#\d|\b(?:ticket|vorgangs|anfrage)-?nummer \d
""",
    r"""
(?:заявк|запрос|тикет|звернен)\w{0,3} ?(?:№|#|n)? ?\d{3,20}
(?:工单|工單|受付番号|お問い合わせ番号|문의번호|접수번호).{0,6}\d{3,20}
\b(?:zgłoszeni|ärende|požadav|žádost|n°|nº|zahtjev)\w{0,4}.{0,12}\d{3,20}
""",
)
"""The number that a help desk gave it."""

YOUR_REQUEST: Final = _words(
    r"""
\byour (?:support )?(?:incident|request|inquiry|enquiry|question|ticket|case|submission)\b
\bihre? (?:anfrage|anliegen|meldung|ticket)\b
\bvotre (?:demande|requete|ticket)|\bsu (?:solicitud|consulta|peticion|incidencia)|\bsua solicita
\b(?:sua|vostra|tua) (?:richiesta|segnalazione)
\buw (?:verzoek|vraag|melding|aanvraag)|\bdin (?:henvendelse|foresporsel|forfragan)|\btwoje zgloszeni
\bvas pozadav|\btalebiniz
""",
    r"""
\bvotre requête|\bsu petición|\b(?:ditt ärende|din förfrågan|din forespørsel)
\b(?:twoje|państwa) zgłoszeni|\bváš požadav|ваш(?:е|а|у)? (?:запрос|обращени|заявк|звернен)
το αίτημά σας|طلبك|פנייתך|お問い合わせ|您的(?:请求|問題|问题|咨询|反馈)|문의
""",
)
"""What a help desk calls the mail that it got."""

FILTERED: Final = _words(
    r"""
\b(?:anti-?)?virus|\bthreat|\binfect|\bmalware|\btrojan|\bworm\b|\bspam\b|\battachment|\bbanned\b
\bprohibited|\bunauthori[sz]ed code
\bcontent\b|\bpolicy\b|\bpolicies\b
\banhang|\bdateianhang|\bschadsoftware|\bpiece jointe|\badjunto|\banexo|\ballegat|\bbijlage|\bbilag
\bvedlegg|\bliite|\bzalacznik|\bpriloh
\bmellekl|\batasament|\beklenti|\blampiran
""",
    r"""
\bpièces? jointes?|\bv[íi]rus|\bzałącznik|\bpřílo[hz]|\bmellékl|\bataşament|\bprivitak|вирус|вірус|спам
вложени|вкладен|прикачен
ιός|ιού|συνημμέν|فيروس|مرفق|ملف|וירוס|קובץ|ویروس|پیوست
ไวรัส|ไฟล์แนบ|\bđính kèm|वायरस|ウイルス|ウィルス|添付|病毒|附件
垃圾|바이러스|첨부|스팸
""",
)
"""What a filter looks for."""

FILTER_ACTED: Final = _words(
    r"""
\b(?:blocked|quarantined|rejected|refused|removed|deleted|stripped|stopped|intercepted|cleaned
    |discarded|dropped|on hold|held)\b
\bblockiert|\bquarant|\bzurueckgewiesen|\babgelehnt|\bgeloscht|\bentfernt|\bnicht angenommen|\bbloque
\bsupprim|\brefus|\brejete
\bbloquead|\beliminad|\brechazad|\bremovid|\bexclu[ií]d|\brejeitad|\bbloccat|\brifiutat|\brimoss
\beliminat|\bgeblokkeerd|\bgeweigerd|\bverwijderd
\bblokker|\bstoppad|\bstoppet|\bfjern|\bslettet|\bavvis|\bafvis|\bestetty|\bpoistett|\bzablokowan
\bodrzucon|\busuniet|\bzablokov|\bodm[ií]tnut|\bodstran
\bletilt|\bblocat|\brespins|\bengellen|\breddedil|\bsilin|\bdiblokir|\bditolak|\bblokiran
""",
    r"""
\bzurückgewiesen|\bgelöscht|\bbloqué|\bsupprimé|\brejeté|\bexcluíd|\busunięt|\bodmítnut|\belutasít
заблокир|отклонен|удален|видален|заблокован|відхилен|блокиран|отхвърл
αποκλείστηκε|απορρίφθηκε|διαγράφ|حظر|رفض|حذف|נחסם|נדח|הוסר|مسدود|ถูกบล็อก|ถูกปฏิเสธ|\bbị chặn
\bbị từ chối|削除|ブロック|拒否|隔離|拦截|攔截|屏蔽|删除|刪除|隔离|拒收|차단|삭제|격리
""",
)
"""What a filter did."""

ASKS_BACK: Final = _words(
    r"""
\bclick|\blink\b|\breply to this\b|\breply\b|\bvisit\b|\bfill (?:out|in)\b|\bklick|\banklick
\bantworten sie\b|\bcliqu|\brepondez\b|\bhaga clic|\bpulse\b|\bresponda\b
\bclique|\bacesse\b|\bclicca|\bfare clic|\brisponda|\bklik|\bklicka|\bnapsauta|\bklikn|\bkattints|\btiklay
""",
    r"""
\brépondez\b|\btıklay|\bnacciśnij|перейдите|перейти|нажмите|ссылк|посиланн|натисніть|κάντε κλικ|σύνδεσμο
انقر|اضغط|الرابط|לחץ|לחצו|קישור|کلیک|คลิก|\bbấm\b|\bnhấp\b|क्लिक
クリック|リンク|点击|點擊|链接|連結|클릭
""",
)
"""It wants one to click or to answer."""

OF_SENDERS: Final = _words(
    r"""
\bspam|\bhuman\b|\breal person\b|\bjunk|\bapproved?\b|\bverif|\bconfirm|\bwhitelist|\bunknown sender
\bonly once\b|\bonce\b|\bbestatig|\beinmal|\bunbekannt
\bindesejad|\bconfirma|\bconferm|\buma vez\b|\buna (?:sola )?vez\b|\bune (?:seule )?fois\b|\bpotwierd
\bbevestig|\bbekr[aä]ft|\bvahvist|\bpotvr|\bonayla|\bmegerosit
""",
    r"""
\bbestätig|\bdesconhecid|\bmegerősít|\bvérifi|подтверд|спам|підтверд|потвърд|επιβεβαί|تأكيد|אימות|אשר
ยืนยัน|\bxác nhận|確認|承認|认证|验证|確認|确认|인증|확인
""",
)
"""A sender must show who he is, once."""

HELD: Final = _words(
    r"""
\b(?:held|waiting|pending|deprioriti[sz]ed|quarantined|released?|forward|on hold)\b|\bdelivered\b
\bin(?:to)? my inbox\b|\breceive your\b|\bincoming messages only\b
\bzurueckgehalten|\bwartet\b|\bzugestellt\b|\bzustell|\ben attente|\bretenu|\bremis|\bretenid|\bretid
\bencaminhad|\bentreg|\bin attesa|\btrattenut
\bconsegn|\bbezorg|\bwacht\b|\blever|\bdostarcz|\bdoru[cč]
""",
    r"""
\bzurückgehalten|\bdoręcz|доставл|ожида|доставит|очіку|παραδοθ|تسليم|תימסר|יימסר|ส่งถึง|\bchuyển đến|配信
保留|送达|投递|전달|보류
""",
)
"""The mail waits until then."""

REPLY_DECLARED: Final = _words(
    r"""
^(?:\W{0,3})(?:auto(?:matic|mated)?[- ]?(?:reply|response)|automatische antwort|reponse automatique
    |respuesta automatica|resposta automatica|risposta automatica|automatisch antwoord|automatiskt svar
    |automatisk svar|automaattinen vastaus|automatyczna odpowied|automaticka odpov|otomatik yanit
    |raspuns automat)
\b(?:this is|i apologi[sz]e for this|please excuse this) an? ?(?:automat\w{1,4}
    |auto-?)[ -]?(?:e-?mail )?(?:reply|response|answer)
\bthis automatic (?:reply|response)\b|\bthis is an auto-?responder\b
\b(?:dies(?:e e-?mail)?|dieses|das) ist eine automatische (?:antwort|r[uü]ckantwort)
\bautomatisch erzeugte antwort
\b(?:ceci|cet e-?mail|ce message) est une r[eé]ponse automatique
\b[eé]sta? es una respuesta autom[aá]tica|\besto es una respuesta autom
\besta [eé] uma resposta autom[aá]tica|\bquesta (?:[eè]|e') una risposta automatica
\bdit is een automatisch (?:antwoord|gegenereerd antwoord)
\bdetta [aä]r ett automatiskt svar|\bdette er et automatisk svar|\bdet her er et automatisk svar
\bt[aä]m[aä] on automaattinen vastaus
\bto (?:jest )?(?:automatyczna|wiadomosc automatyczna)|\btoto je automatick[aá] odpov
\bez egy automatikus v[aá]lasz|\bacesta este un r[aă]spuns automat|\baceasta este un r[aă]spuns automat
\bbu (?:bir )?otomatik yan[ıi]t|\bini adalah balasan otomatis|\bovo je automatski odgovor
""",
    r"""
^\W{0,3}(?:réponse automatique|respuesta automática|resposta automática|automatyczna odpowiedź
    |automatická odpověď|otomatik yanıt|răspuns automat)
это автоматический ответ|це автоматична відповідь|това е автоматичен отговор
αυτή είναι (?:μια )?αυτόματη απάντηση
(?:هذا|هذه) رد تلقائي|זוה?י? (?:תשובה|תגובה) אוטומטית|自動(?:返信|応答)|自动回复|自動回覆|자동 ?(?:응답|회신)
นี่คือการตอบกลับอัตโนมัติ|\bđây là (?:thư |email )?trả lời tự động
""",
)
"""A text that calls itself an automatic answer, which is more than an automatic mail: it answers one."""

GOODS: Final = _words(
    r"""
\bcolet|\bpakett|\bpaketi|\bpakke|\bpaketet|\bpaket\b|\bforsend|\bgonderi(?:niz)?\b|\bkiriman
\bpaki(?:et)?\b|\bposiljk|\bcarrier|\bparcel|\bpackage
\border (?:no|number|#|\d)|\byour order\b|\binvoice|\bpayment|\bsubscription
""",
    r"""
\bgönderi(?:niz)?\b|\bpošiljk|\bzásielk|\bsiuntin|\bsūtījum|\bküldem|\bpakettia|\blähetyk|شحن|طرد|الطلب
חבילה|החבילה|משלוח|הזמנה|بسته|مرسوله|พัสดุ|สินค้า|คำสั่งซื้อ
\bđơn hàng|\bbưu (?:kiện|phẩm)|पार्सल|ऑर्डर|пратк|пошиљк|пратка|δέμα|δέματος|αποστολή σας|παραγγελί|배송
주문|包裹|快递|快遞|订单|訂單|荷物|ご注文|お届け予定
""",
)
"""More of what else is delivered than mail, beside `phrases.GOODS`."""

LIST_REFUSES: Final = _words(
    r"""
\bmailing ?-?list|\bliste\b|\blista\b|\blijst\b|\blistan\b|\blisten\b|\bpost(?:ing)?\b
""",
    r"""
рассылк|список|メーリングリスト|邮件列表|郵件列表|메일링
""",
)
NOT_ALLOWED: Final = _words(
    r"""
\bnicht (?:berechtigt|befugt|erlaubt)|\bnur (?:mitglieder|abonnenten)|\bkein mitglied|\babgelehnt\b
\bseuls les (?:abonnes|membres)|\bpas (?:autoris|abonn|membre)
\bno (?:esta|est[aá]s?|es) (?:autorizad|suscrit|miembro)|\bsolo (?:los )?(?:suscriptores|miembros)
\bnon (?:e|sei|siete) (?:autorizzat|iscritt)|\bsolo gli iscritti
\bn[aã]o (?:est[aá]|[eé]) (?:autorizad|inscrit|membro)|\bniet (?:gemachtigd|toegestaan|geabonneerd)
\balleen (?:leden|abonnees)|\binte (?:medlem|beh[oö]rig)|\bikke (?:medlem|tilladt)
\bmoderator|\bmoderateur|\bmoderador|\bmoderatore
""",
    r"""
\bseuls les (?:abonnés|membres)|\bpas (?:abonné|autorisé)|\brefusé|\bmodérat|\bnie jesteś
\btylko (?:subskrybenci|członkowie)|не (?:подписан|являетесь|имеете права)|модератор
投稿(?:でき|は拒否|権限)|会員のみ|没有权限|不是.{0,10}成员|拒绝|승인 대기|권한이 없
""",
)

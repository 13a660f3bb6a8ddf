"""The words by which notifications are known: patterns over lower-case subjects, senders and texts.

Patterns are searched in cut strings only, and none has a quantifier inside a quantifier, so that none can
be made slow. Sources: the marks of evidence.md 1.2 and 1.3, and the subject lines that mail servers and
mail programs set by default in each language. Long because it is data: one table of words, no logic.
"""

import re
from typing import Final


def any_of(text: str) -> re.Pattern[str]:
    """Compile one pattern of many alternatives, written over several lines; four blanks continue a line."""
    ways = _ways("|".join(line for line in text.replace("\n    ", "").split("\n") if line))
    at_words = [way.removeprefix(r"\b") for way in ways if way.startswith(r"\b")]
    others = [way for way in ways if not way.startswith(r"\b")]
    if len(at_words) > 1:
        others.insert(0, rf"\b(?:{'|'.join(at_words)})")
    else:
        others = ways
    return re.compile("|".join(others))


def _ways(pattern: str) -> list[str]:
    """Split a pattern at the bars outside of brackets, so that what begins at a word is tried there only.

    Searching is several times faster so: most places in a text are no beginning of a word.
    """
    ways, depth, start, at, in_set = [], 0, 0, 0, False
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            at += 1
        elif in_set:
            in_set = sign != "]"
        elif sign == "[":
            in_set = True
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and depth == 0:
            ways.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*ways, pattern[start:]]


ANSWERED: Final = any_of(
    r"""
(?:re|fwd?|aw|antw|antwort|wg|sv|vs|vb|tr|rv|ref|odp|ynt|res|enc|回复|转发|答复)(?:\[\d{1,3}\])? ?[:：]
"""  # noqa: RUF001
)
"""A person answered or forwarded: such a subject says nothing about the mail itself."""

BOUNCE_SUBJECT: Final = any_of(
    r"""
\bundeliver(?:able|ed)\b|\bnon[- ]?deliver(?:y|able)\b|\bnot deliver(?:ed|able)\b|\bunzustellbar
\bdelivery (?:status )?(?:has )?(?:failed|failure|problem|error|notification|report|warning|unsuccessful
    |reject)
\b(?:e-?mail|message|mail|email) (?:delivery |transmission |system |transport\x20
    |processing )?(?:has )?(?:failed|failure|error\b|problem|bounced|could not be|undeliverable|returned
    |rejected|not sent)
\bfailed (?:mail|delivery|message|to deliver)\b|\bfailure (?:notice|delivery|notification)\b
\bfail(?:ure|ed) to deliver|\breturned (?:e?-?mail|message|to sender)\b
\breturning (?:your )?(?:e?-?mail|message|to sender)|\breturn(?:ed)? to sender\b
\bmail system error\b|\bunable to deliver\b|\bcould ?(?:not|n't) (?:be )?(?:deliver|sen[dt]|reach)
\bcannot (?:be )?(?:deliver|send)|^(?:mail|message|processing|smtp|nondeliverable) error\b
\bbounced? (?:mail|message|e-?mail|notice)\b|^bounce\b
\b(?:message|mail|e-?mail) (?:was )?(?:not |un)delivered\b
\bdelivery (?:incomplete|impossible)\b|\bsender .{0,40}rejected\b|\buser unknown\b
\bunknown (?:user|recipient|address)\b|\bno such user\b
\brejected (?:e?-?mail|message)\b|\bblocked (?:e?-?mail|message)\b
\bmail(?:box)? undeliverable\b|\bnameserver error\b|\bmail failed\b|\bdelivery notice\b
\bdelivery has been (?:delayed|suspended)\b|^delivery status\b|\[bounce\]|^ndn:|^ndr:|^non[- ]?delivery
\bnicht zustellbar|\bzustell(?:ung|fehler|problem|ungsfehler)|\bnicht zugestellt|\bunzustellbarkeit
\bzurückgewiesen
\bfehler bei der zustellung|\bübermittlungsfehler|\bonbestelbaar
\bniet (?:worden )?(?:bezorgd|afgeleverd|besteld)|\bbezorging .{0,20}mislukt|\bkunne ikke leveres
\bkan ikke leveres|\bikke leveret|\bulevert\b|\bikke levert|\bkunde inte levereras
\bkan inte levereras|\bgick inte att leverera|\bolevererbar|\bei voitu toimittaa
\btoimittaminen epäonnistui|\btoimitusvirhe|\bnon (?:remis|distribu|délivr|delivr)
\bn'a pas (?:été|pu être) (?:remis|distribu|délivr|livr|envoy)
\béchec de (?:la )?(?:remise|livraison|distribution)|\bnon[- ]remise\b|\bmessage non\b
\berreur de (?:distribution|remise)|\bcourrier non
\bno (?:se )?(?:ha podido|pudo) (?:ser )?(?:entrega|envia)|\bno se puede entregar|\bno entregad[oa]
\bfallo (?:de|en) (?:la )?entrega|\berror (?:de|en la) entrega|\bmensaje devuelto|\bcorreo devuelto
\bdevuelto al remitente|\bnon recapitabil|\bnon (?:è stato )?(?:consegnat|recapitat)
\bmancat[ao] (?:consegna|recapito)|\bimpossibile (?:consegnare|recapitare)
\berrore (?:di|nella) consegna|\bnotifica di mancato recapito
\bnão (?:foi )?(?:entregue|pôde ser entregue|entregável)|\bnao (?:foi )?entregue
\bnão é possível entregar|\bfalha (?:na|de) entrega|\berro (?:na|de) entrega|\bmensagem devolvida
\bniedostarcz|\bnie można dostarczyć|\bnie (?:została )?dostarczon|\bzwrot (?:poczty|wiadomości)
\bnedoručiteln|\bnedoručen|\bkézbesíthetetlen|\bteslim edilemed|\biletilemed|недоставен|недоставлен
не доставлен|не может быть доставлен|невозможно доставить|ошибка доставки|сбой доставки
не удалось доставить|не вдалося доставити|сообщение не доставлено
配信(?:不能|不可|エラー|できません|できませんでした|失敗)
(?:配信|送信|配送|配達)に失敗|お届けできません|配達(?:不能|できません|エラー|失敗)|送信(?:エラー|失敗|できません)|メールエラー|エラー通知|不達
届きません|未配信|配送エラー|退信|退回|投递失败|投遞失敗|无法投递|無法投遞
未送达|未送達|未传递|未傳遞|无法送达|無法傳遞|无法传递|传送失败|傳送失敗|传输失败|发送失败|寄送失敗|系统退信|배달되지
전송 ?실패|반송|배달 상태 알림|발송(?:에)? ?실패|전달되지 (?:못|않)
"""
)

OWN_MAILBOX_TEXT: Final = any_of(
    r"""
\byour (?:e-?mail )?(?:mailbox|inbox|account|quota)\b.{0,80}(?:\bfull\b|\bquota\b|\blimit|\bsize\b|\d ?%)
\bihr (?:postfach|mailkonto)\b.{0,80}(?:\bvoll\b|quota|grenze|\d ?%)
\bvotre (?:bo[iî]te|messagerie)\b.{0,80}(?:pleine|quota|limite|\d ?%)
\bsu buz[oó]n\b.{0,80}(?:lleno|cuota|l[ií]mite|\d ?%)|\bsua caixa\b.{0,80}(?:cheia|cota|limite|\d ?%)
"""
)
"""A warning to the owner of a mailbox, from a server that speaks of no mail that he sent."""

FAILED_RECIPIENT_TEXT: Final = any_of(
    r"""
\bfollowing (?:user|recipient|address|addressee|person|people|destination|mailbox)(?:e?s|\(e?s\))?\b
    [^@]{0,80}@
"""
)
"""The frame in which servers name whom they could not reach."""

DELAY_SUBJECT: Final = any_of(
    r"""
\bdelayed\b|\bdelay\)|\bdelivery delay|\bdelay notification|^warning: could not send
^warning: .{0,80}(?:delayed|not yet been delivered|still being)|\bstill being retried\b
\b(?:not|n't) yet (?:been )?deliver|\bmail delivery warning\b
\bdelivery .{0,20}(?:temporarily|deferred|postponed)|\btemporarily (?:undeliver|delayed)
\bmessage (?:deferred|postponed)|\bverzögert|\bverspätet|\bretardé|\bdifféré|\bretrasad|\bretraso
\baplazad|\britardat|\bin ritardo|\bconsegna ritard|\batrasad|\bvertraagd|\bvertraging|\bförsena
\bforsinket|\bviivästy|\bopóźnion|задерж|отложен|遅延|延迟|延遲
"""
)

DELAY_TEXT: Final = any_of(
    r"""
you do(?: not|n't) need to re-?send|\bthis is a warning (?:message )?only\b
\bno action is required on your part\b
\bwill (?:continue|keep) (?:on )?(?:trying|to try|to attempt|attempting)
\bcould not be delivered for (?:more than|the last|at least)? ?[\w.]{1,10} ?(?:hour|minute|day)
\bdelivery attempts will continue|\bhas not yet been (?:delivered|completed)|\bhas been delayed\b
\bhas been (?:postponed|deferred)\b|\bcontinue to try\b|\bwill be retried\b|\bwill try again\b
\bcontinue to (?:be )?retr|\bwill retry\b
\bnot been delivered yet\b|\bis still (?:in|on) (?:the|our) queue
\bis delayed for more than\b|\bonly a temporary (?:failure|problem)|\bkept in the (?:mail )?queue
"""
)

GIVEN_UP_TEXT: Final = any_of(
    r"""
\bpermanent(?:ly)? (?:fatal )?(?:error|fail)|\bi'?ve given up\b|\bi am not going to try again\b
\bundeliverable\b|\bgiv(?:en|ing) up\b|\bwill no longer be\b
\bretry (?:timeout|time not reached)\b
\bretry timeout exceeded\b|\bhas failed\b
"""
)

FAILURE_TEXT: Final = any_of(
    r"""
\b(?:could|can) ?not be (?:delivered|sent)\b|\bcouldn't be delivered\b|\bunable to deliver\b
\bundeliverable\b|\b(?:was|were|been|be) not (?:been )?delivered\b|\bwasn't delivered\b
\bnot be delivered\b|\bdelivery (?:to the following|has failed|failed|failure|attempts|attempted)
\bfailed to deliver\b|\bpermanent (?:fatal )?(?:error|failure)
\bfollowing address(?:es)? (?:had|failed|were)|\bdid not reach\b
\bdid not receive (?:a copy of )?(?:your|this|the) (?:message|mail)
\bunknown user\b|\buser unknown\b
\bno such (?:user|mailbox|recipient|address)\b|\bnon-?delivery\b|\bfailed recipient
\bmailbox (?:unavailable|not found|does not exist)\b
\bcould not (?:deliver|reach)\b
\brecipient (?:address )?(?:rejected|unknown|not found)\b
\baddress(?:ee)? (?:rejected|unknown|not found)\b|\bhost (?:not found|unknown)\b
\b5\d\d[ -#]{1,3}5\.\d{1,2}\.\d{1,3}\b
\bthis message was created automatically by (?:the )?mail|\bis a permanent error\b
\breturned (?:to|by) (?:the )?(?:sender|mail)|\btranscript of (?:the )?session
\bproblems? (?:delivering|in delivering)|\bsession follows\b
\berror(?:s)? (?:delivering|during delivery)|\breason for (?:the )?(?:failure|return|rejection)
(?:message|mail|e-?mail) (?:\S{1,60} ){0,3}(?:has been|was) (?:automatically )?(?:returned|rejected
    |blocked|refused)\b
nicht zugestellt|zugestellt werden|unzustellbar|empf(?:ä|ae)nger nicht erreicht
n'a pas pu [eê]tre (?:d[ée]livr|remis|distribu|envoy)
pas été (?:remis|délivr|distribu)|no (?:se )?(?:ha podido|pudo) (?:ser )?entrega
non (?:è stato possibile|può essere) (?:consegnare|recapitare|consegnat|recapitat)
não (?:foi|pôde) (?:ser )?(?:possível )?entreg|niet (?:worden )?(?:bezorgd|afgeleverd)
kunne ikke leveres|kunde inte levereras|nie (?:można|mogła|mógł) .{0,20}dostarcz
не (?:може[\u0442]?|можа|была|было|удалось|вдалося) .{0,20}достав|nije (?:mogu\u0107e )?(?:isporu|dostav)
не (?:существует|доставлен)|недостав|невозможно доставить
送信でき|配信でき|届けでき|届きません|配信エラー|送信エラー|無法(?:投遞|送達|傳遞)
无法(?:投递|送达|传递)|(?:未能?|没有能够)(?:投递|送达|传递|傳遞|送達)|投递失败|退信|退回
배달(?:하지|되지) (?:못|않)|전(?:송|달)(?:하지|되지|에) (?:못|않|실패)|보낼 수 없
"""
)
"""A mail could not be delivered, in so many words."""

DAEMON_SENDER: Final = any_of(
    r"""
mailer?[-_. ]?(?:daemon|deamon|demon)|\bpost[-_. ]?m[ae]st[ea]r
\bmail[-_. ]?delivery[-_. ]?(?:sub)?(?:system|service|agent|problem|notif)|\bmail[-_. ]?delivery@
(?:^|["<(])delivery (?:sub)?system|\bmail (?:sub)?system\b|\bsystem administrator\b|\bmdaemon\b
\bmail administrator\b|\binternet mail (?:service|delivery)|\bmicrosoft (?:exchange|outlook)\b
\bmail ?router\b|\bsmtp[-_. ]?(?:mail|server|gateway|service)|\bmaild\b|\bmail[-_. ]?server\b
(?:^|["<(])mail service\b|\bmail gateway\b|\bndr@|\bnon-?delivery|\bbounces?@
\bmail (?:transport|transfer) (?:agent|system)|\bdouble-bounce@
\bimss@|\bimsva?@|\binterscan\b|\bmailscanner\b|\bsmtp_mail
\bjetmail\b|\bsystem attendant\b
\bmail administration\b|\bcontent[- ]filter\b|\bmail-?manager\b|\bmailadm
\bemail delivery (?:sub)?(?:system|service)|\bvirus.{0,20}gateway
"""
)

AUTO_SUBJECT: Final = any_of(
    r"""
auto(?:mat(?:ic|ed))?[- ]?(?:reply|response|answer|acknowledg)|autorepl|auto-?respon[ds]|auto:
autosvar|autoantwort|auto ?re:
automatische (?:antwort|rückantwort|beantwortung|e-?mail|nachricht)|automatic?h? (?:antwoord)
automatisch (?:antwoord|e-mail|erstellte antwort|generierte)
abwesenheits?(?:notiz|meldung|nachricht|info|agent|benachrichtigung)
ich bin .{0,30}(?:abwesend|nicht im (?:büro|haus)|im urlaub)|réponse automatique|reponse automatique
message (?:d'absence|automatique)|absence? du bureau|absent(?:e)?(?: du bureau)?\b ?:|en congé
respuesta autom[áa]tica|autorrespuesta|fuera de (?:la )?oficina|aviso de ausencia
mensaje autom[áa]tico|resposta autom[áa]tica|resposta automàtica|fora do escrit[óo]rio
ausência (?:temporária|do escrit)|mensagem autom[áa]tica|risposta automatica|fuori (?:sede|ufficio)
assente dall'ufficio|messaggio automatico|automatisch antwoord|afwezig(?:heid)?|niet aanwezig
automatisk (?:svar|besvarelse|respons)|ikke til stede|ikke på kontoret|fraværs?|frånvar
inte på kontoret|automaattinen (?:vastaus|poissaolo)|poissa(?:olo)?|automatyczna odpowied[źz]
odpowied[źz] automatyczna|autoodpowied|nieobecn|poza biurem|automatick[áa] odpov|nep[řr][íi]tomn
automatikus v[áa]lasz|r[ăa]spuns automat|otomatik (?:yan[\u0131i]t|cevap)|αυτόματη απάντηση
автоматический ответ|автоответ|автоматична відповідь|отсутстви|自動(?:返信|応答|回答)|不在(?:通知|連絡|の)?
自动(?:回复|答复)|自動(?:回覆|答覆|回復)|自動回信|不在办公室|자동 ?(?:응답|회신)|부재
out[- ]of[- ](?:the[- ])?office|out of town
o{3}:|away from (?:my|the) (?:mail|office|desk|e-?mail)
vacation (?:reply|message|response|notice|notification|auto)
on (?:vacation|holiday|annual leave|leave)\b|(?:i am|i'm) (?:currently )?(?:away|out)|\[?absence\b
currently out|holiday (?:notice|reply)
abwesend\b|nicht im (?:büro|hause?)\b|automatische abwesenheit|außer haus|automatiskt svar|нет на работе
вне офиса|не в офисе|外出
mimo kancel[áa][řr]|h[áa]zon k[íi]v[üu]l|автоматичен отговор|automatski odgovor|samodejni odgovor
(?:תשובה|מענה) אוטומטית?|(?:ال)?رد (?:ال)?تلقائي|(?:การ)?ตอบกลับอัตโนมัติ|trả lời tự động|balasan otomatis
automaatvastus|automātiskā atbilde|automatinis atsakymas|аутоматски одговор|автоматски одговор
"""
)
"""Searched at the beginning of a subject (after brackets): never inside."""

SURE_AUTO_SUBJECT: Final = any_of(
    r"""
automat(?:ic|ed) (?:reply|response) ?(?::|$| from| to your (?:e-?mail|message|request|inq)| to:| -)
auto[- ]?(?:reply|response|responder) ?(?:[:(\[\])】]|$|from\b|(?:to|for) your (?:e-?mail|message
    |request|inq)|- )
automatische antwort\b|automatisch antwoord\b|automatisk svar\b|autosvar\b|réponse automatique\b
respuesta autom[áa]tica\b|risposta automatica\b|resposta autom[áa]tica\b|automaattinen vastaus\b
automatyczna odpowied[źz]\b|odpowied[źz] automatyczna|автоматический ответ|автоответ|自動返信|自動応答
自动(?:回复|答复)|自動(?:回覆|答覆)|abwesenheits(?:notiz|meldung|nachricht|benachrichtigung) ?(?::|$)
out of (?:the )?office (?:auto|reply|response|notification)|out of office ?:
vacation (?:reply|response|auto)|(?:부재(?:중)? ?)?자동 ?(?:응답|회신)|away from my mail
autoodpowied[źz]|automatic acknowledg
frånvaromeddelande|automatiskt svar\b|automatick[áa] odpove[ďd]\b|automatick[áa] odpověď
automatikus v[áa]lasz|otomatik yan[\u0131i]t\b|αυτόματη απάντηση|автоматичен отговор|автоматична відповідь
automatski odgovor\b|аутоматски одговор|автоматски одговор|balasan otomatis\b|samodejni odgovor\b
(?:תשובה|מענה) אוטומטית?|(?:ال)?رد (?:ال)?تلقائي
(?:การ)?ตอบกลับอัตโนมัติ
trả lời tự động|r[ăa]spuns automat\b|resposta automàtica
"""
)

RESPONDER_TEXT: Final = any_of(
    r"""
\bi will be out of the office starting .{1,30} and will not return until\b
\bthis is an auto(?:mat(?:ed|ic))?[- ]?(?:response|reply) to your (?:message|e-?mail|mail)\b
\bnot be reading my (?:e-?)?mail for a while\b|\bwill be read when i return\b
\bthis is the only notification you will receive while this person is away\b
"""
)
"""Fixed sentences of responders, which nobody writes by hand."""

ABSENCE_TEXT: Final = any_of(
    r"""
\bout of (?:the )?office\b
\bon (?:vacation|holiday|annual leave|maternity leave|parental leave|sick leave|a business trip)\b
\bi(?: am|'m| will be|'ll be) (?:currently )?(?:away|out|absent|travel(?:l)?ing|unavailable|on leave)
\bnot be reading my (?:e-?)?mail\b|\bwill be read when i return\b
\bwill be (?:back|returning|out) (?:on|in|from|of)\b|\blimited access to (?:my )?e-?mail
\bno longer (?:work|with|employed|monitor|in use)
\bthis is an auto(?:mat(?:ed|ic))?[- ]?(?:reply|response|generated)
\bautomatic(?:ally)? (?:generated )?(?:reply|response)\b|\bauto-?(?:reply|responder|response)\b
\bnicht im (?:büro|hause?)\b|\babwesend\b|\bim urlaub\b|\bin (?:ihrer|meiner) abwesenheit
\bdu bureau\b|\ben cong[ée]s?\b|\babsent|\bfuera de (?:la )?oficina|\bausente\b|\bde vacaciones
\bfuori (?:ufficio|sede)|\bassente\b|\bin ferie\b|\bafwezig\b|\bmet vakantie|\bpå semester\b
\bikke på kontoret|\bferie\b|\bsedang cuti\b|нисам \u0443 канцеларији|\blomalla\b|\bpoissa\b|\bnieobecn
\burlop|отсутств|отпуск|不在|休暇
自動(?:返信|応答)|自动回复|休假|外出|휴가|출장|부재중
"""
)

FIRST_PERSON: Final = any_of(
    r"""
\b(?:i|i'm|i'll|my|ich|je|j'ai|yo|mi|io|mio|eu|ik|jag|jeg|minä)\b|\bя\b|私
"""
)

CHALLENGE_SUBJECT: Final = any_of(
    r"""
\bplease confirm (?:your|the|delivery of|that you sent)\b.{0,30}\b(?:e?-?mail|message)\b(?! ?addr)
\byour (?:e-?mail|message) (?:to .{0,80} )?(?:requires|needs|is awaiting|awaits).{0,30}(?:confirmation
    |verification)
\bsender (?:verification|confirmation|authentication)\b
\bverify (?:your message|that you are (?:a|an?) (?:sender|human|person))
\bconfirm(?:ation)? (?:required|needed|request)\b.{0,30}(?:your message|to deliver|be delivered)
\bspam ?arrest\b|\bboxbe\b|\bchallenge[- ]?(?:response|e-?mail|message)\b
\baction required to deliver|\bmessage (?:held|waiting) for (?:your )?(?:confirmation|verification)
\bunconfirmed sender\b|\bquarantined? .{0,30}confirm|^\[?confirm\]? .{0,100}(?:tmda|message)
\bpor favor,? confirme .{0,20}(?:mensagem|mensaje|e-?mail)|^\[qconfirm\]|\bantispam uol\b
\byour (?:message|e-?mail) to .{1,80} is awaiting approval
\bvotre (?:message|e-?mail|courriel) (?:pour|à) .{1,80} (?:est|reste) en attente
\bconfirmação de (?:remetente|mensagem|envio)\b|\buol ?antispam\b
\bbitte bestätigen sie (?:ihre|die) (?:e-?mail|nachricht|absender)
\bconfirmez votre (?:message|envoi)|\bauthentification (?:requise|demandée|de votre)|\bmailinblack\b
"""
)

CHALLENGE_TEXT: Final = any_of(
    r"""
\b(?:confirm|verify|prove|validate) that (?:you (?:are|sent)|your (?:e-?mail|message)).{0,60}(?:human|person
    |real|deliver|release|spam|legitimate)
\b(?:reply|respond|click).{0,100}(?:to have|so that) (?:your|this|the) (?:message|e?-?mail)
    .{0,40}(?:deliver|release)
\byour (?:message|e-?mail).{0,80}(?:has not been|will not be|won't be|is not) delivered (?:until|unless)
\b(?:message|e-?mail) (?:is|has been|was) (?:being )?(?:held|quarantined|placed).{0,120}(?:confirm
    |verify|click|reply|challenge)
\bchallenge[-/ ]response\b|\bspam ?arrest\b|\bboxbe\b|\bone[- ]time (?:verification|confirmation)\b
\bapproved senders?\b.{0,120}(?:click|reply|confirm)
\bonly from senders i have approved\b|\bto be added to my list of approved senders\b
\brequest permission to send\b|\baddress was not recogni[sz]ed\b.{0,200}\breply\b
\b(?:confirme|confirmar) .{0,60}(?:não é spam|o envio da mensagem|no es spam|el envío del mensaje)
\bawaiting (?:your )?(?:approval|authentication|verification)\b.{0,120}\b(?:click|reply)
\bexpéditeur\b.{0,100}\bcliquer\b.{0,40}\blien|\bum (?:die|ihre) (?:zustellung
    |nachricht) .{0,40}\bbestätigen
\bto (?:release|deliver) your (?:message|e-?mail),? (?:please )?(?:click|reply|visit)
\bconfirmation process is to\b
\breply to this (?:message|e-?mail) to (?:verify|confirm|prove)\b
\bto have (?:your|this) (?:message|e-?mail) delivered\b.{0,60}\b(?:reply|click|visit|follow)
\b(?:messaggio|e-?mail) (?:è|e') in attesa\b.{0,120}\bconferma
\bconfermare (?:che|di) non (?:sei|essere) uno spammer
\bsimply reply to this (?:message|e-?mail).{0,80}(?:confirm|verif|deliver)|\bunverified sender
\bvotre (?:message|e-?mail|courriel)\b.{0,60}\b(?:retenu|bloqué|en attente)\b.{0,120}\b(?:cliquez|répondez)
\b(?:pour|afin) que votre (?:message|e-?mail|mail|courriel).{0,60}(?:remis|délivré|transmis|parvien)
\bmailinblack\b
\b(?:mensaje|correo) (?:ha sido|está|fue) retenido\b|\b(?:sua mensagem|seu e-?mail) .{0,40}(?:confirma
    |retid)
\bnachricht (?:wird|wurde) .{0,40}zurückgehalten
"""
)

VIRUS_SUBJECT: Final = any_of(
    r"""
^virus \(
\bvirus(?:es)? (?:\(.{0,60}\) )?(?:in|found|detected|alert|warning|infected|notification|was|has
    |infection|removed|blocked|sent)
\b(?:found|detected|contains?|infected with|has) (?:a )?(?:computer )?virus
\byou (?:have )?sent .{0,20}(?:virus|infected)|\binfected (?:message|mail|e-?mail|file|attachment)
\bbanned (?:contents?|file|attachment|message|\()|^banned\b
\bmalware (?:found|detected|alert|in|notification)
\b(?:attachment|file|content) (?:was |has been )?(?:blocked|removed|stripped|quarantined|deleted
    |violation)\b
\b(?:anti-?virus|virus scan|virusscan|mail ?scanner|content filter|scanmail|interscan|mailsweeper
    |mailmarshal|symantec|mcafee|norton|trend micro|kaspersky|sophos|f-secure|bitdefender|panda|avast
    |avg)\b.{0,40}(?:alert|notif|warning|report|message|found|detect|block|has)
\bcontent (?:violation|filter|policy|alert)|\bvirus[- ]?(?:warnung|alarm|meldung)\b
\bviren?(?:fund|warnung|alarm)
\bv[íi]rus (?:gefunden|trouvé|détecté|encontrado|detectado|rilevato|gevonden|funnet|hittad)|вирус|病毒
ウイルス|\bbanned or infected\b|\bquarantined (?:mail|message|e-?mail)\b
\bconsidered unsolicited bulk email from you|\bbad[- ]header\b.{0,30}from you|\bspam from you\b
\bwarning: e-?mail (?:viruses|virus|attachment) (?:detected|removed)
\{(?:virus|filename|content|dangerous content)\?\}
\bantigen (?:notification|found)|\b(?:message|e-?mail) on hold\b|\bon hold notification\b
"""
)

MONITOR_SENDER: Final = any_of(
    r"""
(?:^|["<( ])(?:root|cron(?: daemon)?|anacron|logcheck|logwatch|nagios|icinga\d?|zabbix|monit|munin|ossec
    |fail2ban|rspamd|smartd|mdadm|sentry|grafana|prometheus|alertmanager|jenkins|pagerduty)[@ (<"]
"""
)
"""Programs that report what their host does: failures stand in their texts, which answer nobody."""

GATE_SENDER: Final = any_of(
    r"""
\b(?:gateway|firewall|filter|quarantine|anti-?spam)\b
"""
)
"""What a filter may be called that no pattern names."""

DIGEST_SUBJECT: Final = any_of(
    r"""
\bdigest\b|\bquarantine (?:summary|report|notification)|\bspam (?:summary|report)\b
\bnew (?:held |quarantined )?messages\b|\bheld messages\b|\bquarantäne-?(?:bericht|übersicht)
"""
)
"""A list of mails that a filter holds: the subjects of bounces stand in it too."""

VERIFY_TEXT: Final = any_of(
    r"""
\bconfirm|\bverif|\bapprov|\bhuman\b|\bspam|\bsender\b|\bbestätig|\bconfirme|\bconferma
"""
)
"""What a challenge wants of one; a swindle wants one to read or to log in."""

VIRUS_SENDER: Final = any_of(
    r"""
content-?filter at\b
\b(?:anti-?virus|virus|scanner|mailscanner|amavis|scanmail|interscan|av-?scanner|virusalert|viruscheck
    |mailsweeper|clamav|antigen|groupshield|virus-?wall|avgate)[-_. \w]{0,30}@
\b(?:anti-?virus|virus(?:scan)?|content filter|mailscanner|amavisd?(?:-new)?|scanmail|interscan
    |mailsweeper|antigen|groupshield|mailmarshal)\b
\bsymantec[-_ ]?(?:mail|messaging)|\bmail[-_ ]?(?:security|marshal)[-_. \w]{0,30}@
\bsophos[- ](?:e?-?mail|puremessage)|\bgfi (?:mail)?|\bmail ?security\b|\bpuremessage\b|\bavmailgate\b
\bdrweb|\bweb-?shield\b|\bmailguard\b|\besafe\b|\bmimedefang\b
\bdr\.web\b|\bkav(?:smtp|mail)|\bmimesweeper\b|\bsystem anti-?virus\b
\bnav (?:gateway|for )|\bnavmse|\bmail ?sweeper\b
"""
)

VIRUS_VENDOR: Final = any_of(
    r"""
\b(?:kaspersky|bitdefender|trend ?micro|eset|f-?secure|norton|avira|avast|mcafee|forefront
    |fortinet|checkpoint)\b
"""
)
"""Vendors whose newsletters and whose imitators write as well."""

HELD_TEXT: Final = any_of(
    r"""
\bdeliver|\bheld\b|\bwaiting\b|\breleas|\bquarantin|\bapprov|\bwait-?list
"""
)

VIRUS_TEXT: Final = any_of(
    r"""
\b(?:virus|malware|worm|trojan)(?:es|s)? (?:was |were |has been |have been )?(?:found|detected
    |identified|removed)
\b(?:found|detected|contained|contains|infected (?:with|by)|contain) (?:the |a |one or more\x20
    |an? )?(?:\S{1,40} )?(?:virus|malware|worm|trojan)
\binfected (?:message|mail|e-?mail|file|attachment)
\bbanned (?:contents?|file|attachment|name|filename)
\bviolat(?:ed|es|ion).{0,40}(?:content|attachment|security|e-?mail) (?:policy|rule|filter)
\battachment.{0,60}(?:not allowed|blocked|removed|stripped|prohibited)
\bcontent (?:checker|filter) .{0,40}(?:found|detect)
\bunsolicited bulk email\b.{0,80}\b(?:uce|spam)\b
\bhas taken (?:an )?action on (?:the|your) (?:message|e?-?mail)|\bfile blocking\b
\bdetected\b.{0,100}\b(?:virus|worm|trojan|malware)\b|\bvirus[- ](?:alert|infected)\b
\bvirus .{0,40}\b(?:found|detected|action)\b
\b(?:blocked|quarantined|stopped) by .{0,40}\b(?:filter|firewall|security|policy|scanner|sweeper
    |mailsecurity)
\b(?:violates?|violated) (?:our|the|its) .{0,30}policy|\b(?:disallowed|forbidden|prohibited
    |banned) attachment
\b(?:scanner|filter|gateway) (?:has )?(?:intercepted|stopped|blocked|quarantined|removed)
\b(?:virus|virenscanner|schadsoftware)\b.{0,60}\b(?:gefunden|enthielt|enthält|entdeckt)
\b(?:enthielt|enthält|contenait|contient|conten[ií]a|contiene|contém|continha|bevatte|bevat)\b
    .{0,40}\b(?:virus|schadsoftware|maliciel|malware)
\bvirus .{0,30}(?:détecté|trouvé|detectado|encontrado|rilevato|trovato|aangetroffen|gevonden)
\bv[íi]rus .{0,40}(?:encontrado|detectado|bloquead)|вирус|вірус|ウイルス|ウィルス|病毒|바이러스
"""
)

SENT_BY_YOU: Final = any_of(
    r"""
\b(?:e?-?mail|message|mail)s? (?:that )?(?:was )?(?:you (?:have |recently |just )?sent|sent by you)
\b(?:you|your address|you recently|just) sent\b|\bsent (?:by|from) (?:you\b|your )
\bin your (?:e?-?mail|message)
\byour (?:e?-?mail|message)\b(?! addr).{0,80}\b(?:contain|virus|infected|blocked|quarantin|violat|stopped)
\bwarning to sender\b|\bfrom your (?:address|account|computer)\b|\bpresumably from you
\bvon ihnen (?:gesendet|verschickt|versandt|geschickt)
\bihre (?:e-?mail|nachricht|mail)\b|\bin ihrer (?:e-?mail|mail)
\bvous avez envoyé|\bvotre (?:message|e-?mail|courriel)|\b(?:mensaje|correo) que (?:usted )?(?:ha )?envi
\bsu (?:mensaje|correo)|\bsua mensagem|\bmensagem que (?:você |voce )?enviou|\b(?:suo|vostro) messaggio
\bdoor u verzonden|\buw (?:bericht|e-?mail)
\b\u0432\u0430ми\b|вашего адреса|вы отправили|ваше(?:м|\u0433\u043e)? (?:письм|сообщени)
送信された|送信した|お送りいただいた
您(?:所)?发送|您發送|您的邮件|您的郵件|보내신
"""
)
"""The mail is one that the reader sent."""

VIRUS_DIAGNOSTIC: Final = any_of(
    r"""
\bvirus\b|\bmalware\b|\binfected\b|\bbanned\b|\btrojan\b|\bworm\b
- (?:virus|spam|banned|bad-header|infected)\b|\bcontent filter\b
"""
)

LIST_SENDER: Final = any_of(
    r"""
\b(?:majordomo|maiser|listserv|mailman|sympa|ezmlm|listproc|lyris|listmaster|ecartis|smartlist|fml)\b
[-_+](?:owner|request|admin|bounces?|help|confirm|subscribe|unsubscribe|return|ctl|managers?)@
\b(?:owner|request)-[\w.]{1,60}@|@googlegroups\.
"""
)

LIST_TEXT: Final = any_of(
    r"""
\bthis is the (?:mlmmj|ezmlm|majordomo|ecartis|sympa|listserv|smartlist) (?:program|list)
\b(?:unknown|unrecogni[sz]ed|invalid) command|\bcommand (?:was )?not (?:understood|recogni[sz]ed)
\bno (?:valid )?commands? (?:was |were )?found|\bhas been submitted to the moderator
\blist moderator can review
\byou are not (?:a |an )?(?:member|subscribe\w*) (?:of|to) (?:the|this) (?:\w{1,20} )?list
\bonly (?:subscribers|members|list members) (?:may|can|are allowed to) post
\bposts? by non-?members?\b|\bnot (?:authori[sz]ed|allowed) to (?:send|post).{0,60}\blist\b
\badministrative address of the list\b|\bnot subscribed to \S{1,100}@
\bnot (?:a member of|subscribed to) (?:this|the|that) (?:group|list)\b
"""
)
"""What list managers answer; asked only where the sender is one."""

OF_A_LIST: Final = any_of(
    r"""
\blist\b|\bmoderator|\bsubscri|\bcommands?\b|\bposting\b|\bmailman\b|\bmajordomo\b|\blistserv\b
\bsympa\b|\bgroup\b
"""
)

LIST_SUBJECT: Final = any_of(
    r"""
\bawaits? moderator approval\b|\bmajordomo (?:results|file)\b
\bresults? of (?:your|the) (?:e-?mail )?commands?\b|^posting error\b
\byour (?:post|posting|message|submission|request|subscription) (?:to|for) .{0,100}(?:rejected|moderat
    |held|not (?:been )?(?:posted|accepted|distributed)|awaits|non-?member|approv|confirm)
\brequest to mailing list .{0,100}rejected|\bnon-?member submission
\bare not (?:a )?(?:member|subscribed|allowed to post)|\bnot (?:a )?member of
\bconfirm(?:ation)? (?:subscribe|subscription|unsubscri|of (?:your )?(?:subscription|post))
^confirm [0-9a-f]{16,64}$
\bloop alert\b|\b(?:closed|moderated|private) (?:mailing )?list\b
\bmessage (?:to .{0,80} )?(?:rejected|held).{0,40}\blist\b|\bezmlm\b|\blistserv\b
\blist (?:owner|moderator|server)\b|\bauto-discard notification|\bbounce action notification
\buncaught bounce notification|\bmoderation (?:needed|request)
\bposting (?:denied|rejected|not allowed)|^post to .{1,100} denied\b|\bcommand results?\b
\brejected posting\b|\bnot authorized to (?:send|post)
\bgroup .{0,60}(?:not permitted|rejected|moderat)
"""
)

PM_SUBJECT: Final = any_of(
    r"""
^postmaster (?:copy|warning|notify: see)|^(?:postfix )?smtp server: errors from
^message frozen\b|\bmessage \S{5,40} (?:is |has been )?frozen\b
\bpostmaster notification\b|^(?:postfix )?smtp client: errors
"""
)

DMARC_SUBJECT: Final = any_of(
    r"""
\breport domain ?:.{0,200}submitter ?:|\breport-?id ?[:=].{0,120}
\bdmarc (?:aggregate |failure |forensic |ruf |rua )?(?:report|failure)|\bdmarc\b.{0,60}\breport\b
\baggregate report\b.{0,60}\bdmarc\b
"""
)

DMARC_FILE: Final = any_of(
    r"""
[\w.-]{1,200}![\w.-]{1,200}!\d{8,12}!\d{8,12}(?:![\w.-]{1,100})?\.(?:xml|zip|gz|xml\.gz)
"""
)

TLSRPT_SUBJECT: Final = any_of(
    r"""
^report domain ?:.{0,200}submitter ?:.{0,200}report-id ?: ?<|\btls-?rpt\b|\bsmtp tls report
"""
)

COMPLAINT_SUBJECT: Final = any_of(
    r"""
^complaint about message from \d|^e?-?mail feedback report for ip
\babuse (?:report|complaint) (?:for|about|from|re)|\bspam (?:report|complaint) (?:for|about|from|id)
\bcomplaint (?:notification|feedback)
"""
)

TROUBLE_TEXT: Final = any_of(
    r"""
\bdoes not exist\b|\bnot delivered\b|\bno such (?:domain|host)\b
\bcould not (?:send|find|process)\b|\b55[0-4][ -]
\bproblems? with\b|\bhas been (?:returned|rejected|blocked|refused)\b|\bwas rejected\b
\bis full\b|\bover ?quota\b|\bquota exceeded\b|\bmailbox (?:full|disabled)\b
\berrors? (?:occurred|during|sending)\b|\b(?:trouble|error) (?:sending|delivering)|\bnot listed in\b
\bnot (?:a )?(?:valid|known|found)\b|\bdisabled\b|\bunbekannt|\bn'ont pas pu\b|\bno existe\b|\bnon esiste\b
\bnão existe\b|\bnie istnieje\b|エラー|不明|無法|无法|不存在|失败|失敗
"""
)
"""Words of failures that other mail uses too."""

RECEIVED_SUBJECT: Final = any_of(
    r"""
thank you for (?:your (?:e-?mail|message|inquiry|enquiry)|contacting)
we (?:have )?received your (?:e-?mail|message|request|inquiry|enquiry)
your (?:e-?mail|message) (?:has been|was) received
\[?(?:support )?(?:ticket|request|case|incident) (?:\w{1,20} )?(?:received|created|opened
    |#?\d{3,12} (?:created|received|opened))
acknowledg(?:e)?ment\b|confirmation of receipt
eingangsbestätigung|accusé de (?:bonne )?réception|acuse de recibo
confirma(?:ção|ción) de (?:recebimento|recepción)
"""
)
"""Acknowledgements of receipt: also ordinary mail of shops, so never enough alone."""

ACKNOWLEDGED_TEXT: Final = any_of(
    r"""
\byour (?:request|ticket|case) \(?#?\w{0,20}\)? ?(?:has been|was|is) (?:received|created|opened|logged)\b
"""
)
"""A help desk says that it has got a request; asked only beside such a subject and a machine's fields."""

TICKET_SUBJECT: Final = any_of(
    r"""
\[?(?:ticket|case|request) ?(?:id|no|#)
"""
)
"""A number of a help desk, on acknowledgements and on what its people write."""

BLOCKED_SUBJECT: Final = any_of(
    r"""
\b(?:message|e-?mail|mail) (?:you sent )?(?:was |has been )(?:blocked|quarantined|stopped|held)\b
\bmessage you sent blocked by\b
"""
)
"""A filter's words, or a bounce's: the text must tell."""

OF_MAIL: Final = any_of(
    r"""
\b(?:e-?)?mails?\b|\bmessages?\b|\battachments?\b|\byou (?:have )?sent\b|\bnachricht|\bcourrier|\bcourriel
\bcorreo
\bmensaje|\bmensagem|\bmessaggio|\bbericht\b|\bbesked|\bmeddelande|\bmelding|\bviesti|\bwiadomoś|письм
сообщени
メール|邮件|郵件|메일
"""
)
"""It speaks of a mail, and not of a computer or a parcel."""

IN_A_MAIL: Final = any_of(
    r"""
\battachment|\b(?:in|of|from|the|an?) (?:e-?mails?|messages?)\b
\b(?:in|aus) (?:einer|der) (?:e-?mail|nachricht)|\banhang
"""
)
"""A filter tells where it found something; what it puts below other mail (this was scanned) does not."""

OWN_MESSAGE: Final = any_of(
    r"""
\byour (?:message|e-?mail|mail)\b(?! addr)|\b(?:message|e-?mail) (?:that )?you sent\b
\bihre (?:nachricht|e-?mail)
\bvotre (?:message|e-?mail|mail)|\bsu (?:mensaje|correo)|\bsua mensagem|\bil (?:suo|tuo) messaggio
"""
)

LURE_TEXT: Final = any_of(
    r"""
\bclick\b|\bdownload\b|\blog ?in\b|\bsign ?in\b
\b(?:verify|validate|confirm|upgrade|update|re-?activate|unlock) (?:your|my)\b
\b(?:release|retrieve|restore|recover|review|view|deliver)
    \x20(?:your|my|the|all|them|pending|message|mail|e-?mail)
\brenew\b|\bsubscription\b|\bbuy now\b|\bhier klicken\b|\bcliquez\b|\bhaga clic\b|\bclique aqui\b|\bclicca
"""
)
"""What swindlers want one to do who dress up as a mail system."""

RECEIPT_SUBJECT: Final = any_of(
    r"""
(?:return|read) receipt\b|(?:not )?read ?:|(?:un|nicht )?gelesen ?:|lesebestätigung|lu ?:|leído ?:|letto ?:
lida ?:
gelezen ?:|læst ?:|läst ?:|lest ?:|luettu ?:|przeczytano ?:|прочитано ?:|開封済み|已读|已讀
"""
)
RECEIPT_TEXT: Final = any_of(
    r"""
\b(?:was|has been) (?:received|read|displayed|opened|seen) (?:by|on|at)\b
\bwurde .{0,40}(?:gelesen|angezeigt)\b
"""
)

RECEIPT_FRAME: Final = any_of(
    r"""
your message\b.{0,20}\bto:.{0,300}\bsubject:.{0,400}\bsent:.{0,100}\b(?:was|is) (?:read|deleted
    |displayed|opened)\b
ihre nachricht\b.{0,20}\ban:.{0,300}\bbetreff:.{0,400}\bgesendet:.{0,100}\bwurde\b.{0,80}\b(?:gelesen
    |gelöscht|angezeigt)
votre message\b.{0,20}\bà ?:.{0,300}\b(?:objet|sujet) ?:.{0,500}\b(?:a été|est) (?:lu|supprimé|affiché)
(?:su|el) mensaje\b.{0,20}\bpara:.{0,300}\basunto:.{0,500}\b(?:fue|se ha|ha sido) (?:leído|eliminado
    |abierto)
uw bericht\b.{0,20}\baan:.{0,300}\bonderwerp:.{0,500}\b(?:is|werd) .{0,60}(?:gelezen|verwijderd)
il messaggio\b.{0,20}\ba:.{0,300}\boggetto:.{0,500}\b(?:è stato) .{0,60}(?:letto|eliminato|visualizzato)
"""
)
"""What mail programs put into a receipt: the fields of the original, then what was done with it."""

FAILED_REPORT_SUBJECT: Final = any_of(
    r"""
(?:non[- ]?delivery|undeliver|returned mail|mail delivery fail|delivery (?:failure|status))
"""
)
"""A list passed on a bounce: the subject is that of the bounce."""

MAIL_PROGRAM: Final = any_of(
    r"""
thunderbird|seamonkey|\bmicrosoft (?:office )?outlook\b|\boutlook express\b|\bentourage\b
\bapple mail\b|\b(?:iphone|ipad) mail\b|\bmutt/|\bneomutt|\bthe bat!|\bfoxmail\b|\bbecky!|\bk-9 mail
    |\bkmail/
\bevolution [\d.]|\beudora\b|claws mail|sylpheed|\bpegasus mail|\balpine\b|\bforte agent|\bexmh\b|\bgnus/
\bwanderlust/|\bwindows (?:live )?mail\b|\bairmail\b|\broundcube\b|squirrelmail|\bsogo\b|\bmew version
\bmailmate\b|\bpostbox\b|\baquamail|\bfairemail|\btypeapp|\bbluemail|ymailnorrin|\bwebservice/\d
\bphpmailer|\bshuriken|\bal-mail|\bedmax|\bdatula|\bmailspring|\bnine for android|\bspark\b|\bcanary mail
"""
)
"""Programs in which people write, and the library of web forms; none of them answers for a mail server."""

GOODS: Final = any_of(
    r"""
\bparcel|\bpackage\b|\bshipment|\bshipping\b|\bconsignment|\bcourier (?:company|driver|service)\b|\bpizza\b
\bflight\b
\b(?:your|the) (?:order|payment|purchase|fax|sms|text message|item|flight|statement|letter|goods
    |prize|delivery note)\b
\btracking (?:number|id|code)\b|\btrack (?:your|it|the)\b|\bpost office\b|\bdepot\b|\bwarehouse\b
\bpaket|\bsendung|\bbestellung|\blieferung|\bcolis\b|\bcommande\b|\bpaquete|\bpedido\b|\benvío\b|\bpacco\b
\bspedizione|\bordine\b|\bpakket|\bbestelling|\bencomenda|\bpaczk|\bprzesyłk|\bbalík|\bzásilk|\bcsomag
\bkargo|\bpaketet\b|\bpakken\b|\bforsendelse|\blähetyks|посылк|отправлени[ея]|заказ\b|посилк|包裹|快递|快遞|订单
訂單|荷物|宅配|お届け物|ご注文|택배|주문|حزمة|الطرد|פתיחת משלוח|משלוח|δέμα
"""
)
"""What else is delivered, returned or delayed than mail."""

"""Which mail server software wrote a notification, guessed by its marks, for the advice to its admin.

Marks: evidence.md 1.3 and the sources named there. The first row that fits wins; special before general.
Marks that the reporter's own filter may have added on the way in (scan results) are left out.
"""

import re
from typing import Final

from ingest.mail import limits
from ingest.mail.border import BorderHop
from ingest.mail.notice import Notice
from ingest.mail.received import read_received

_MARKS: Final[tuple[tuple[str, str, str], ...]] = (
    # software, where to look (a header name, or subject, sender, opening, text), pattern in lower case
    ("boxtrapper", "x-boxtrapper", ""),
    ("spamarrest", "x-spamarrest-noauth", ""),
    ("tmda", "message-id", r"tmda"),
    ("tmda", "x-delivery-agent", r"^tmda"),
    ("boxbe", "sender", r"boxbe"),
    ("qconfirm", "x-mailer", r"^qconfirm"),
    ("qconfirm", "subject", r"^\[qconfirm\]"),
    ("uolantispam", "subject", r"antispam uol"),
    ("mailinblack", "opening", r"mailinblack"),
    ("mailinblack", "sender", r"mailinblack"),
    ("choicemail", "x-mailer", r"choicemail"),
    ("earthlink", "opening", r"only from senders i have approved beforehand"),
    ("otrs", "x-powered-by", r"^otrs"),
    ("otrs", "x-mailer", r"^otrs"),
    ("rt", "rt-ticket", ""),
    ("zendesk", "x-mailer", r"^zendesk"),
    ("osticket", "x-mailer", r"^osticket"),
    ("servicenow", "x-servicenow-generated", ""),
    ("microsoft365", "reporting_mta", r"\.(?:outlook|office365|hotmail)\.com$"),
    ("microsoft365", "message-id", r"\.outlook\.com>"),
    ("gmail", "reporting_mta", r"(?:^|\.)(?:googlemail|google|gmail)\.com$"),
    ("gmail", "sender", r"@(?:googlemail|gmail|google)\.com\b"),
    ("amazonses", "x-ses-outgoing", ""),
    ("amazonses", "sender", r"@(?:[\w.-]{1,100}\.)?amazonses\.com"),
    ("sendgrid", "reporting_mta", r"(?:^|\.)sendgrid\.net$"),
    ("sendgrid", "sender", r"@(?:[\w.-]{1,100}\.)?sendgrid\.net"),
    ("icloud", "reporting_mta", r"\.(?:me|icloud|mac|apple)\.com$"),
    ("icloud", "sender", r"@(?:[\w.-]{1,100}\.)?(?:me|icloud|mac)\.com\b"),
    ("zoho", "x-zohomail", ""),
    ("zoho", "reporting_mta", r"(?:^|\.)zoho(?:mail)?\.[a-z]{2,3}(?:\.[a-z]{2})?$"),
    ("zoho", "sender", r"@mail\.zoho\."),
    ("yandex", "reporting_mta", r"(?:^|\.)yandex\.(?:net|ru|com)$"),
    ("yandex", "sender", r"mailer-daemon@yandex\."),
    ("yahoo", "reporting_mta", r"\.yahoo\.(?:com|co\.jp)$"),
    ("netease", "sender", r"postmaster@(?:163|126|yeah|188)\.(?:com|net)"),
    ("tencent", "sender", r"postmaster@(?:qq|foxmail|exmail\.qq)\.com"),
    ("tencent", "message-id", r"<tencent_"),
    ("naver", "sender", r"@naver\.com"),
    ("seznam", "sender", r"mailer-daemon@(?:seznam|email)\.cz"),
    ("gmx", "sender", r"gmx mailer daemon|daemon@(?:gmx\.|perfora\.|kundenserver\.|1und1\.|ionos\.|web\.de)"),
    ("gmx", "opening", r"--- the header of the original message is following\. ---"),
    ("smail", "opening", r"\|-{5,40} failed addresses follow: -"),
    ("cpanel", "x-antiabuse", ""),
    ("plesk", "x-ppp-message-id", ""),
    ("zimbra", "auto-submitted", r"zimbra"),
    ("amavis", "sender", r"content-?filter at"),
    ("amavis", "received", r"\(amavisd?-"),
    ("amavis", "reporting_extensions", r"x-amavis"),
    ("mailscanner", "opening", r"\bmailscanner\b"),
    ("mailscanner", "sender", r"\bmailscanner\b"),
    ("mimecast", "message-id", r"\.mimecast\.(?:lan|com)>"),
    ("mimecast", "opening", r"this is a delivery failure notification message indicating that"),
    ("mimecast", "subject", r"^\[postmaster\] (?:e-?mail|message) (?:delivery failure|on hold)"),
    ("mimecast", "reporting_mta", r"\.mimecast(?:-offshore)?\.com$"),
    ("proofpoint", "reporting_mta", r"\.(?:pphosted|ppe-hosted|gpphosted)\.com$"),
    ("messagelabs", "reporting_mta", r"\.messagelabs\.com$"),
    ("messagelabs", "opening", r"this is the mail delivery agent at messagelabs"),
    ("barracuda", "opening", r"\bbarracuda\b"),
    ("barracuda", "subject", r"blocked by our bulk e-?mail filter"),
    ("barracuda", "reporting_mta", r"barracuda"),
    ("mailmarshal", "opening", r"mailmarshal"),
    ("mailmarshal", "sender", r"mailmarshal"),
    ("interscan", "opening", r"interscan|imss"),
    ("interscan", "sender", r"interscan|\bimss@"),
    ("surfcontrol", "x-sef-processed", ""),
    ("surfcontrol", "opening", r"a transcript of the attempts to send the message follows"),
    ("mailfoundry", "received", r"\(mailfoundry\)"),
    ("mailfoundry", "sender", r"\bmailfoundry\b"),
    ("antigen", "sender", r"\bantigen\b"),
    ("scanmail", "opening", r"scanmail"),
    ("groupshield", "sender", r"groupshield"),
    ("drweb", "sender", r"drweb"),
    ("kaspersky", "opening", r"kaspersky"),
    ("kaspersky", "sender", r"kaspersky|\bkavsmtp"),
    ("avira", "sender", r"avmailgate"),
    ("bitdefender", "x-mailer", r"^bitdefender"),
    ("gfi", "sender", r"\bgfi\b"),
    ("mimesweeper", "sender", r"mimesweeper|mailsweeper"),
    ("sophos", "sender", r"\bsophos\b"),
    ("fortimail", "reporting_mta", r"fortimail|fortinet"),
    ("ironport", "diagnostics", r"\(delivery attempts: \d{1,4}\)"),
    ("messagingserver", "sender", r"internet mail delivery <postmaster@"),
    ("messagingserver", "subject", r"^delivery notification: delivery (?:has|will)"),
    ("postfix", "reporting_extensions", r"x-postfix-"),
    ("exim", "reporting_extensions", r"x-exim-"),
    ("exim", "x-failed-recipients", ""),
    ("exim", "opening", r"created automatically by (?:the )?mail delivery software"),
    ("exim", "message-id", r"<e[0-9a-z]{6}-[0-9a-z]{6,11}-[0-9a-z]{2,4}@"),
    ("james", "opening", r"this is the james mail server"),
    ("stalwart", "opening", r"rejected command '[a-z ]{4,12}' with code \d{3}"),
    ("postal", "opening", r"this is the mail delivery service responsible for delivering"),
    ("xmail", "opening", r"xmail bounce"),
    ("zmailer", "opening", r"this is a collection of reports about e-?mail delivery process"),
    ("mercury", "x-mailer", r"mercury"),
    ("mercury", "message-id", r"<mercury-"),
    ("mailenable", "opening", r"^mailenable:"),
    ("mailenable", "sender", r"\bmailenable\b"),
    ("argosoft", "x-mailer", r"argosoft"),
    ("haraka", "opening", r"this is the haraka mailer"),
    ("qmail", "received", r"\(qmail \d{1,12} invoked for bounce\)"),
    ("qmail", "opening", r"this is the qmail|i wasn't able to deliver your message to the following addr"),
    ("postfix", "opening", r"this is the (?:mail system at host|postfix program)"),
    ("postfix", "subject", r"^postfix smtp (?:server|client)"),
    ("postfix", "subject", r"^(?:undelivered mail returned to sender|delayed mail \(still being retried\))"),
    ("exchange", "x-ms-exchange-message-is-ndr", ""),
    ("exchange", "x-ms-embedded-report", ""),
    ("exchange", "x-dsncontext", ""),
    ("exchange", "x-ms-exchange-generated-message-source", ""),
    ("exchange", "x-ms-exchange-inbox-rules-loop", ""),
    ("exchange", "sender", r"microsoftexchange[0-9a-f]{32}@|^\"?microsoft outlook\"? <"),
    ("exchange", "opening", r"diagnostic information for administrators|did not reach the following rec"),
    ("exchange", "x-mimeole", r"microsoft exchange"),
    ("exchange", "x-mailer", r"internet mail service"),
    ("exchange", "received", r"with microsoft smtp server|with microsoft smtpsvc\("),
    ("exchange", "reporting_extensions", r"x-msexch-"),
    ("domino", "x-mailer", r"lotus|\bdomino\b|notes release"),
    ("domino", "opening", r"------- failure reasons"),
    ("domino", "x-mimetrack", ""),
    ("domino", "message-id", r"<of[0-9a-f]{8}\."),
    ("domino", "subject", r"^delivery failure: "),
    ("sendmail", "subject", r"^returned mail: see transcript|^warning: could not send message for past"),
    ("sendmail", "opening", r"the original message was received at|----- transcript of session follows"),
    ("opensmtpd", "opening", r"\(opensmtpd\)|opensmtpd"),
    ("opensmtpd", "opening", r"an error has occurred while attempting to deliver a message for the"),
    ("opensmtpd", "received", r"\(opensmtpd\)"),
    ("dragonfly", "received", r"\(dragonfly mail agent"),
    ("dragonfly", "opening", r"dragonfly mail agent|this is the dma at"),
    ("courier", "message-id", r"<courier\."),
    ("james", "opening", r"this is an automated response from the apache|james (?:smtp|mail) server"),
    ("james", "received", r"\(james smtp server|\(apache james"),
    ("powermta", "opening", r"powermta"),
    ("powermta", "reporting_extensions", r"x-powermta-"),
    ("mdaemon", "x-mddsn-message", ""),
    ("mdaemon", "sender", r"\bmdaemon@"),
    ("mdaemon", "received", r"\(mdaemon"),
    ("imail", "x-mailer", r"^<smtp32 v"),
    ("groupwise", "x-mailer", r"groupwise"),
    ("groupwise", "subject", r"^message status - undeliverable"),
    ("groupwise", "reporting_mta", r"groupwise"),
    ("zimbra", "x-mailer", r"^zimbra"),
    ("communigate", "received", r"\(communigate pro"),
    ("communigate", "x-mailer", r"communigate"),
    ("haraka", "received", r"\(haraka"),
    ("kumomta", "received", r"kumomta"),
    ("kumomta", "x-kumoref", ""),
    ("halon", "received", r"\(halon\)"),
    ("stalwart", "received", r"\(stalwart"),
    ("mailenable", "received", r"mailenable"),
    ("icewarp", "received", r"\((?:icewarp|merak)"),
    ("kerio", "x-mailer", r"kerio"),
    ("hmail", "received", r"hmailserver|\(hmail"),
    ("hmail", "opening", r"\bhmailserver\b"),
    ("smartermail", "received", r"smartermail"),
    ("smartermail", "x-smartermail-totalspamweight", ""),
    ("yahoo", "sender", r"mailer-daemon@yahoo\."),
    ("aol", "sender", r"mailer-daemon@(?:[\w.-]{1,60}\.)?aol\.com"),
    ("postfix", "received", r"\(postfix"),
    ("exim", "received", r"\(exim "),
    ("dovecot", "x-sieve", r"pigeonhole"),
    ("cyrus", "x-sieve", r"^cmu sieve"),
    ("dovecot", "received", r"\(dovecot\)"),
    ("mailman", "x-list-administrivia", ""),
    ("mailman", "x-mailman-version", ""),
    ("majordomo", "sender", r"majordomo"),
    ("sympa", "sender", r"\bsympa\b"),
    ("listserv", "sender", r"\blistserv\b"),
    ("ezmlm", "mailing-list", r"run by ezmlm"),
    ("sendmail", "received", r"\(8\.\d{1,2}\.\d{1,2}"),
)  # fmt: skip


def _by_place() -> dict[str, list[tuple[int, str, re.Pattern[str]]]]:
    """Sort the rows by where they look, each with its rank, so that only what a mail has is asked."""
    places: dict[str, list[tuple[int, str, re.Pattern[str]]]] = {}
    for rank, (name, where, pattern) in enumerate(_MARKS):
        places.setdefault(where, []).append((rank, name, re.compile(pattern)))
    return places


_ROWS: Final = _by_place()
_IN_OPENING: Final = re.compile("|".join(pattern for _, where, pattern in _MARKS if where == "opening"))
"""One look at the longest of the texts spares most mails thirty."""


def guess_software(notice: Notice, *, border: BorderHop | None = None) -> str | None:
    """Return the name of the software that wrote the notification, None if no mark fits.

    border: the hop of the reporter's server, if he registered it; what stands there tells his software.
    """
    status = notice.status or notice.disposition
    places = {
        "subject": notice.subject,
        "sender": notice.sender,
        "opening": notice.opening if _IN_OPENING.search(notice.opening) else "",
        "reporting_mta": (status.reporting_mta or "") if status else "",
        "diagnostics": status.diagnostics if status else "",
        "reporting_extensions": " ".join(sorted(status.extensions)) if status else "",
    }
    for where in notice.headers.names():
        if where in _ROWS and where not in places:
            places[where] = notice.headers.get(where)[:500].lower()
    places["received"] = ""
    best: tuple[int, str | None] = (len(_MARKS), None)
    for where, text in places.items():
        best = _best(where, text, best)
    if best[0] > _ROWS["received"][0][0]:
        best = _best("received", _first_step(notice, border), best)
    return best[1]


def _best(where: str, text: str, best: tuple[int, str | None]) -> tuple[int, str | None]:
    """Return the first row that fits `text`, or `best` if that is higher up."""
    for rank, name, pattern in _ROWS[where]:
        if rank > best[0]:
            break
        if (text or not pattern.pattern) and pattern.search(text):
            return rank, name
    return best


_BY: Final = re.compile(r"\bby ([a-z0-9._-]{1,255})")


def _first_step(notice: Notice, border: BorderHop | None) -> str:
    """Return the lowest Received field that the emitter's own servers wrote, lower case; empty if none.

    Those down to the one that saw another machine first are the reporter's, and then those of hosts whose
    names end like that one's.
    """
    values = notice.headers.all("received")[: limits.RECEIVED_FIELDS]
    place = border.position + 1 if border is not None else _past_the_readers(values)
    return values[-1][: limits.RECEIVED_BYTES].lower() if place < len(values) else ""


def _past_the_readers(values: list[str]) -> int:
    for place, value in enumerate(values):
        hop = read_received(value, dated=False)
        if hop.address is None or hop.address.is_loopback:
            continue
        own = _ending(value)
        others = (below for below in range(place + 1, len(values)) if _ending(values[below]) != own)
        return next(others, len(values))
    return 0


def _ending(value: str) -> str:
    found = _BY.search(value[: limits.RECEIVED_BYTES].lower())
    return ".".join(found[1].rstrip(".").split(".")[-2:]) if found else ""

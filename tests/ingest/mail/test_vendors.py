"""The notices of servers and services by name: kind, and the software guessed for the advice to its admin.

Each is built from what is known of the product's notices (subjects, senders, fields, fixed opening words);
the rest is our own. Long because it is a table.
"""

import pytest

from feed.domain.event import Kind
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Registration
from tests import mails
from tests.mails import VICTIM, join, multipart, original, top

HOST = "mail.emitter.example"
Fields = tuple[tuple[str, str], ...]


def text(
    sender: str,
    subject: str,
    body: str,
    *extra: tuple[str, str],
    return_path: str | None = "",
    message_id: str = "<1.2@mail.emitter.example>",
) -> bytes:
    """Return a notice of one text part."""
    fields = [*top(None, return_path), *extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return join([*fields, ("Message-ID", message_id)], body)


def mixed(
    sender: str,
    subject: str,
    body: str,
    *extra: tuple[str, str],
    returned: str = "message/rfc822",
    return_path: str | None = "",
) -> bytes:
    """Return a notice of a text and the returned mail, without status part."""
    fields = [*top(None, return_path), *extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    return multipart(fields, "mixed", [("text/plain", body), (returned, original() + "\nBuy.\n")])


def report(
    sender: str,
    subject: str,
    body: str,
    status: str,
    *extra: tuple[str, str],
    return_path: str | None = "",
    body_type: str = "text/plain",
    status_type: str = "message/delivery-status",
    returned: tuple[str, str] | None = None,
    message_id: str = "<1.2@mail.emitter.example>",
) -> bytes:
    """Return a notice in the standard form, with the vendor's own fields."""
    fields = [*top(None, return_path), *extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    parts = [(body_type, body), (status_type, status)]
    parts.append(returned or ("message/rfc822", original() + "\nBuy.\n"))
    kind = "report; report-type=delivery-status"
    return multipart([*fields, ("Message-ID", message_id)], kind, parts)


def status(host: str, action: str = "failed", code: str = "5.1.1", *, extra: str = "") -> str:
    """Return the fields of a delivery status."""
    return (
        f"Reporting-MTA: dns;{host}\n{extra}\nFinal-recipient: RFC822; nobody@emitter.example\n"
        f"Action: {action}\nStatus: {code}\nDiagnostic-Code: smtp;550 {code} refused\n"
    )


DAEMON = f"Mail Delivery Subsystem <MAILER-DAEMON@{HOST}>"
OUTLOOK = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@emitter.example"
RETURNED = original() + "\nBuy.\n"

NOTICES: dict[str, tuple[bytes, Kind, str | None]] = {
    # --- Microsoft ---
    "Microsoft 365, failed": (
        report(
            f"postmaster@emitter.example <{OUTLOOK}>",
            "Undeliverable: Cheap watches",
            "<html><body><p>Your message to nobody@emitter.example couldn't be delivered.</p></body></html>",
            status("AM0PR01MB1234.eurprd01.prod.outlook.com", code="5.1.10"),
            ("X-MS-Exchange-Message-Is-Ndr", ""),
            ("Content-Language", "en-US"),
            body_type="text/html",
            message_id="<abc-def@AM0PR01MB1234.eurprd01.prod.outlook.com>",
        ),
        Kind.DSN_FAIL,
        "microsoft365",
    ),
    "Microsoft 365, delayed": (
        report(
            f"postmaster@emitter.example <{OUTLOOK}>",
            "Delivery delayed:Cheap watches",
            "Delivery to these recipients has been delayed. No action is required on your part.",
            status("AM0PR01MB1234.eurprd01.prod.outlook.com", action="delayed", code="4.4.7"),
            message_id="<abc-def@AM0PR01MB1234.eurprd01.prod.outlook.com>",
        ),
        Kind.DSN_DELAY,
        "microsoft365",
    ),
    "Microsoft 365, relayed": (
        report(
            f"Microsoft Outlook <{OUTLOOK}>",
            "Relayed: Cheap watches",
            "Delivery to these recipients is complete, but no notice was sent by the destination.",
            status("AM0PR01MB1234.eurprd01.prod.outlook.com", action="relayed", code="2.1.5"),
        ),
        Kind.DSN_OK,
        "microsoft365",
    ),
    "Microsoft 365, group refuses": (
        report(
            f"postmaster@emitter.example <{OUTLOOK}>",
            "Undeliverable: Cheap watches",
            "Your message wasn't delivered because the group accepts mail of certain senders only.",
            status("AM0PR01MB1234.eurprd01.prod.outlook.com", code="5.7.133"),
        ),
        Kind.DSN_FAIL,
        "microsoft365",
    ),
    "Outlook.com": (
        report(
            "postmaster@hotmail.com",
            "Delivery Status Notification (Failure)",
            "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following"
            " recipients failed.\n",
            status("BAY004-OMC1S1.hotmail.com", code="5.5.0"),
        ),
        Kind.DSN_FAIL,
        "microsoft365",
    ),
    "Exchange 2016": (
        report(
            f"Microsoft Outlook <{OUTLOOK}>",
            "Undeliverable: Cheap watches",
            "Delivery has failed to these recipients or groups:\n\nDiagnostic information for"
            " administrators:\n\nGenerating server: EX01.emitter.example\n",
            status("EX01.emitter.example"),
            ("X-MS-Exchange-Message-Is-Ndr", ""),
        ),
        Kind.DSN_FAIL,
        "exchange",
    ),
    "Exchange 2010, text only": (
        text(
            "Microsoft Exchange <postmaster@emitter.example>",
            "Undeliverable: Cheap watches",
            "Delivery has failed to these recipients or distribution lists:\n\nnobody@emitter.example\nThe"
            " recipient's e-mail address was not found.\n\nDiagnostic information for administrators:\n\n"
            "Original message headers:\n\n" + original(),
            ("Content-Language", "en-US"),
        ),
        Kind.NDR,
        "exchange",
    ),
    "Exchange 2003": (
        mixed(
            "System Administrator <postmaster@emitter.example>",
            "Undeliverable: Cheap watches",
            "Your message\n\n  To: nobody\n\ndid not reach the following recipient(s):\n\nnobody on Tue\n"
            "    The recipient name is not recognized\n",
            ("X-MS-Embedded-Report", ""),
            ("X-Mailer", "Internet Mail Service (5.5.2657.72)"),
        ),
        Kind.NDR,
        "exchange",
    ),
    "IIS SMTP": (
        report(
            "postmaster@emitter.example",
            "Delivery Status Notification (Failure)",
            "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following"
            " recipients failed.\n\n       nobody@emitter.example\n",
            status("WIN2003.emitter.example"),
            ("Received", "from mail.emitter.example with Microsoft SMTPSVC(6.0.3790.4675); Tue, 24 Nov 2026"),
        ),
        Kind.DSN_FAIL,
        "exchange",
    ),
    # --- Google ---
    "Gmail, failed": (
        report(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            "** Address not found **\n\nYour message wasn't delivered to nobody@emitter.example because the"
            " address couldn't be found, or is unable to receive mail.\n",
            status("googlemail.com"),
            ("X-Failed-Recipients", "nobody@emitter.example"),
            ("Auto-Submitted", "auto-replied"),
            ("References", "<original-1@reporter.example>"),
        ),
        Kind.DSN_FAIL,
        "gmail",
    ),
    "Gmail, delayed": (
        report(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Delay)",
            "** Delivery incomplete **\n\nThere was a temporary problem. Gmail will retry for 46 hours.\n",
            status("googlemail.com", action="delayed", code="4.4.1"),
        ),
        Kind.DSN_DELAY,
        "gmail",
    ),
    "Gmail of old, text only": (
        text(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            "Delivery to the following recipient failed permanently:\n\n     nobody@emitter.example\n\n"
            "----- Original message -----\n\n" + original(),
            ("X-Failed-Recipients", "nobody@emitter.example"),
        ),
        Kind.NDR,
        "gmail",
    ),
    "Google Groups": (
        text(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            "Hello jo@reporter.example,\n\nThe group that you wrote to may not exist, or you may not post to"
            " it.\n\n----- Original message -----\n\n" + original(),
            ("X-Failed-Recipients", "talk@emitter.example"),
            ("X-Google-Smtp-Source", "APXvYqx"),
        ),
        Kind.NDR,
        "gmail",
    ),
    "Google, French interface": (
        report(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "=?utf-8?q?Notification_d=27=C3=A9tat_de_remise_=28=C3=A9chec=29?=",
            "** Adresse introuvable **\n",
            status("googlemail.com"),
        ),
        Kind.DSN_FAIL,
        "gmail",
    ),
    # --- Yahoo, iCloud, Zoho, AOL, mail.ru, Yandex, GMX and others ---
    "Yahoo, failed": (
        mixed(
            "MAILER-DAEMON@yahoo.com",
            "Failure Notice",
            "Sorry, we were unable to deliver your message to the following address.\n\n"
            "<nobody@emitter.example>:\n554: delivery error: dd This user doesn't have an account\n\n"
            "--- Below this line is a copy of the message.\n",
        ),
        Kind.NDR,
        "yahoo",
    ),
    "Yahoo, standard form": (
        report(
            "MAILER-DAEMON@yahoo.co.jp",
            "Failure Notice",
            "Sorry, we were unable to deliver your message to the following address.\n",
            status("omta001.mail.bf1.yahoo.com"),
        ),
        Kind.DSN_FAIL,
        "yahoo",
    ),
    "iCloud": (
        report(
            "Mail Delivery System <MAILER-DAEMON@ms11p00im-hyfv17281901.me.com>",
            "Undelivered Mail Returned to Sender",
            "This is the mail system at host ms11p00im-hyfv17281901.me.com.\n",
            status("ms11p00im-hyfv17281901.me.com", extra="X-Postfix-Queue-ID: 4Xyz\n"),
        ),
        Kind.DSN_FAIL,
        "icloud",
    ),
    "iCloud, messaging server": (
        report(
            "Internet Mail Delivery <postmaster@st11p00im-asmtp002.me.com>",
            "Delivery Notification: Delivery has failed",
            "This report relates to a message you sent with the following header fields:\n\n  To: x\n\nYour"
            " message cannot be delivered to the following recipients:\n\n  Reason: refused\n",
            status("st11p00im-asmtp002.me.com (tcp-daemon)"),
        ),
        Kind.DSN_FAIL,
        "icloud",
    ),
    "Zoho": (
        text(
            "mailer-daemon@mail.zoho.com",
            "Undelivered Mail Returned to Sender",
            "This message was created automatically by mail delivery software.\nA message that you sent could"
            " not be delivered to one or more of its recipients. This is a permanent error.\n\n"
            "nobody@emitter.example Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 User Unknown\n",
            ("X-ZohoMail", "Si CHF_MF_NL SS_10"),
        ),
        Kind.NDR,
        "zoho",
    ),
    "Zoho, standard form": (
        report(
            "mailer-daemon@mail.zoho.eu",
            "Undelivered Mail Returned to Sender",
            "This message was created automatically by mail delivery software.\n",
            status("mail.zoho.eu"),
        ),
        Kind.DSN_FAIL,
        "zoho",
    ),
    "AOL": (
        report(
            "Mail Delivery Subsystem <MAILER-DAEMON@aol.com>",
            "Mail Delivery Problem",
            "Your mail could not be delivered.",
            status("oms-m03.mx.aol.com"),
        ),
        Kind.DSN_FAIL,
        "aol",
    ),
    "mail.ru": (
        text(
            "mailer-daemon@corp.mail.ru",
            "Mail failure.",
            "This message was created automatically by mail delivery software.\n\nA message that you sent"
            " could not be delivered to one or more of its recipients.\n\n  nobody@emitter.example\n"
            "    SMTP error from remote mail server: 550 no such user\n\n------ This is a copy of the"
            " message, including all the headers. ------\n\n" + original(),
            ("X-Failed-Recipients", "nobody@emitter.example"),
            message_id="<E1Xy-2z@mx0.corp.mail.ru>",
        ),
        Kind.NDR,
        "exim",
    ),
    "Yandex": (
        report(
            "mailer-daemon@yandex.ru",
            "=?utf-8?b?0J3QtdC00L7RgdGC0LDQstC70LXQvdC90L7QtSDRgdC+0L7QsdGJ0LXQvdC40LU=?=",
            "This is the mail system at host yandex.ru.\n",
            status("mxback1.mail.yandex.net", extra="X-Yandex-Queue-ID: 4Xyz\n"),
        ),
        Kind.DSN_FAIL,
        "yandex",
    ),
    "GMX": (
        mixed(
            '"GMX Mailer Daemon" <mailer-daemon@gmx.net>',
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent"
            " could not be delivered to one or more of its recipients.\n\nThe following address failed:\n\n"
            '"nobody@emitter.example":\nSMTP error from remote server after RCPT command: refused\n',
        ),
        Kind.NDR,
        "gmx",
    ),
    "1&1, IONOS": (
        text(
            '"Mail Delivery System" <mailer-daemon@perfora.net>',
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent"
            " could not be delivered to one or more of its recipients. The following address failed:\n\n"
            "nobody@emitter.example\n\nFor the following reason:\n\nMail size limit exceeded.\n\n"
            "--- The header of the original message is following. ---\n\n" + original(),
        ),
        Kind.NDR,
        "gmx",
    ),
    "T-Online": (
        text(
            "Mail Delivery System <Mailer-Daemon@t-online.de>",
            "mail failed, returning to sender",
            "|------------------------- Message log follows: -------------------------|\n no valid recipients"
            " were found for this message\n|------------------------- Failed addresses follow:"
            " ---------------------|\n <nobody@t-online.de>\n   552 5.2.2 Quota exceeded\n\n"
            "|------------------------- Message header follows: ----------------------|\n" + original(),
        ),
        Kind.NDR,
        "smail",
    ),
    "Amazon SES": (
        report(
            "MAILER-DAEMON@eu-west-1.amazonses.com",
            "Delivery Status Notification (Failure)",
            "An error occurred while trying to deliver the mail to the following recipients:\n"
            "nobody@emitter.example\n",
            status("a1-2.smtp-out.eu-west-1.amazonses.com"),
            ("X-SES-Outgoing", "2026.11.24-192.0.2.4"),
        ),
        Kind.DSN_FAIL,
        "amazonses",
    ),
    "SendGrid": (
        report(
            "MAILER-DAEMON <mailer-daemon@sendgrid.net>",
            "Undelivered Mail Returned to Sender",
            "This is an automatically generated message from SendGrid.\n\nI'm sorry to have to tell you that"
            " your message was not able to be delivered to one of its intended recipients.\n",
            status("sendgrid.net"),
        ),
        Kind.DSN_FAIL,
        "sendgrid",
    ),
    # --- mail servers ---
    "Postfix": (mails.dsn(), Kind.DSN_FAIL, "postfix"),
    "Postfix, delayed": (
        mails.dsn(action="delayed", status="4.4.1", subject="Delayed Mail (still being retried)"),
        Kind.DSN_DELAY,
        "postfix",
    ),
    "Postfix, success": (
        mails.dsn(action="relayed", status="2.0.0", subject="Successful Mail Delivery Report"),
        Kind.DSN_OK,
        "postfix",
    ),
    "Postfix, postmaster notice": (mails.postmaster_copy(), Kind.PM, "postfix"),
    "Exim": (mails.ndr_exim(), Kind.NDR, "exim"),
    "Exim, delayed": (mails.ndr_exim(delay=True), Kind.DSN_DELAY, "exim"),
    "Exim 4.9x, standard form": (
        report(
            f"Mail Delivery System <Mailer-Daemon@{HOST}>",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent"
            " could not be delivered to one or more of its recipients.\n",
            status(HOST),
            ("X-Failed-Recipients", "nobody@emitter.example"),
            ("Auto-Submitted", "auto-replied"),
            ("References", "<original-1@reporter.example>"),
            message_id=f"<E1rAbCd-00000001Xz-3QaB@{HOST}>",
        ),
        Kind.DSN_FAIL,
        "exim",
    ),
    "Exim, own wording of an admin": (
        text(
            f"Mail Delivery System <Mailer-Daemon@{HOST}>",
            "Returned mail: Cheap watches",
            "Your letter did not arrive.\n\n  nobody@emitter.example\n    Unrouteable address\n",
            ("X-Failed-Recipients", "nobody@emitter.example"),
            ("Auto-Submitted", "auto-replied"),
            message_id=f"<E1rAbCd-0001Xz-3Q@{HOST}>",
        ),
        Kind.NDR,
        "exim",
    ),
    "cPanel": (
        report(
            f"Mail Delivery System <Mailer-Daemon@{HOST}>",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n",
            status(HOST),
            ("X-Failed-Recipients", "nobody@emitter.example"),
            ("X-AntiAbuse", "This header was added to track abuse, please include it with any abuse report"),
        ),
        Kind.DSN_FAIL,
        "cpanel",
    ),
    "Plesk": (
        report(
            f"Mail Delivery System <MAILER-DAEMON@{HOST}>",
            "Undelivered Mail Returned to Sender",
            f"This is the mail system at host {HOST}.\n",
            status(HOST, extra="X-Postfix-Queue-ID: 4Xyz\n"),
            ("X-PPP-Message-ID", "<1.2@mail.emitter.example>"),
        ),
        Kind.DSN_FAIL,
        "plesk",
    ),
    "sendmail 8": (
        report(
            DAEMON,
            "Returned mail: see transcript for details",
            "The original message was received at Tue, 24 Nov 2026 09:00:00 GMT\nfrom bot.example"
            " [203.0.113.99]\n\n   ----- The following addresses had permanent fatal errors -----\n"
            "<nobody@emitter.example>\n\n   ----- Transcript of session follows -----\n",
            status(HOST),
            ("Auto-Submitted", "auto-generated (failure)"),
        ),
        Kind.DSN_FAIL,
        "sendmail",
    ),
    "sendmail 8, delayed": (
        report(
            DAEMON,
            "Warning: could not send message for past 4 hours",
            "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY"
            "      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n",
            status(HOST, action="delayed", code="4.4.1"),
            ("Auto-Submitted", "auto-generated (warning-timeout)"),
        ),
        Kind.DSN_DELAY,
        "sendmail",
    ),
    "sendmail 8, return receipt": (
        report(
            DAEMON,
            "Return receipt",
            "The original message was received at Tue, 24 Nov 2026\n\n   ----- The following addresses had"
            " successful delivery notifications -----\n",
            status(HOST, action="delivered (to mailbox)", code="2.1.5"),
            ("Auto-Submitted", "auto-generated (return-receipt)"),
        ),
        Kind.DSN_OK,
        "sendmail",
    ),
    "sendmail 5": (
        text(
            f"MAILER-DAEMON@{HOST} (Mail Delivery Subsystem)",
            "Returned mail: User unknown",
            "   ----- Transcript of session follows -----\n>>> RCPT To:<nobody@emitter.example>\n<<< 550"
            " unknown\n550 nobody... User unknown\n\n   ----- Unsent message follows -----\n" + original(),
            return_path=f"MAILER-DAEMON@{HOST}",
        ),
        Kind.NDR,
        "sendmail",
    ),
    "sendmail, postmaster copy": (
        text(
            f"Mail Delivery Subsystem <MAILER-DAEMON@{HOST}>",
            "Postmaster notify: see transcript for details",
            "   ----- Transcript of session follows -----\n... while talking to x.example.:\n",
            ("Auto-Submitted", "auto-generated (postmaster-notification)"),
        ),
        Kind.PM,
        "sendmail",
    ),
    "qmail": (mails.ndr_qmail(), Kind.NDR, "qmail"),
    "qmail, other words": (
        text(
            f"MAILER-DAEMON@{HOST}",
            "failure notice",
            "Hi. This is the deliver program at mail.emitter.example.\nI'm afraid I wasn't able to deliver"
            " your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it"
            " didn't work out.\n\n<nobody@emitter.example>:\nno such user\n\n--- Below this line is a copy of"
            " the message.\n\n" + original(),
        ),
        Kind.NDR,
        "qmail",
    ),
    "qmail, doubly bounced": (
        text(
            f"MAILER-DAEMON@{HOST}",
            "failure notice",
            "Hi. This is the qmail-send program at mail.emitter.example.\nI tried to deliver a bounce message"
            " to this address, but the bounce bounced!\n\n<jo@reporter.example>:\nrefused\n",
            ("Received", "(qmail 12 invoked for bounce); 24 Nov 2026 09:00:05 -0000"),
            return_path="#@[]",
        ),
        Kind.NDR,
        "qmail",
    ),
    "OpenSMTPD": (
        report(
            f"Mailer Daemon <MAILER-DAEMON@{HOST}>",
            "Delivery status notification: error",
            "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has"
            " occurred while attempting to deliver a message for the following list of recipients:\n\n"
            "nobody@emitter.example: 550 unknown\n",
            "Reporting-MTA: dns; mail.emitter.example\n\nFinal-Recipient: rfc822; nobody@emitter.example\n"
            "Action: error\nStatus: 5.0.0\n",
            ("Received", f"from localhost ({HOST} [local]) by {HOST} (OpenSMTPD) with ESMTPA id a; Tue"),
        ),
        Kind.DSN_FAIL,
        "opensmtpd",
    ),
    "OpenSMTPD, delayed": (
        text(
            f"Mailer Daemon <MAILER-DAEMON@{HOST}>",
            "Delivery status notification: warning",
            "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    A message is"
            " delayed for more than 4h for the following list of recipients:\n\n    Please note that this is"
            " only a temporary failure report. The message is kept in the queue.\n",
            ("Received", f"from localhost ({HOST} [local]) by {HOST} (OpenSMTPD) with ESMTPA id a; Tue"),
        ),
        Kind.DSN_DELAY,
        "opensmtpd",
    ),
    "Domino": (
        report(
            "Postmaster@emitter.example",
            "DELIVERY FAILURE: User nobody (nobody@emitter.example) not listed in Domino Directory",
            "Your message\n\n  Subject: Cheap watches\n\nwas not delivered to:\n\n "
            " nobody@emitter.example\n\n"
            "because:\n\n  User nobody not listed in Domino Directory\n",
            status("notes.emitter.example", code="5.1.1"),
            ("X-Mailer", "Lotus Domino Release 9.0.1"),
        ),
        Kind.DSN_FAIL,
        "domino",
    ),
    "Notes, text only": (
        text(
            "postmaster@emitter.example",
            "Undeliverable message",
            "------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\n"
            "nobody@emitter.example\n\n------- Returned Message --------\n\n" + original(),
        ),
        Kind.NDR,
        "domino",
    ),
    "Domino, German": (
        report(
            "Postmaster@emitter.example",
            "=?utf-8?q?ZUSTELLFEHLER=3A_Benutzer_nobody_nicht_im_Domino-Verzeichnis?=",
            "Ihre Nachricht wurde nicht zugestellt an: nobody@emitter.example\n",
            status("notes.emitter.example"),
        ),
        Kind.DSN_FAIL,
        None,
    ),
    "Zimbra, absence": (
        text(
            "Sam <sam@emitter.example>",
            "Out of office: Cheap watches",
            "I am away.\n",
            ("Auto-Submitted", "auto-replied (zimbra; vacation)"),
            ("Precedence", "bulk"),
            ("In-Reply-To", "<original-1@reporter.example>"),
        ),
        Kind.AUTO,
        "zimbra",
    ),
    "Courier": (
        report(
            f'"Courier mail server at {HOST}" <@>',
            "NOTICE: mail delivery status.",
            f"This is a delivery status notification from {HOST},\nrunning the Courier mail server, version"
            f" 1.0.\n\nThe original message was received on Tue\n\nUNDELIVERABLE MAIL\n",
            status(HOST),
            message_id=f"<courier.0000000052D3.{HOST}>",
        ),
        Kind.DSN_FAIL,
        "courier",
    ),
    "James": (
        mixed(
            "postmaster@emitter.example",
            "Re:Cheap watches",
            f"Hi. This is the James mail server at {HOST}.\nI'm afraid I wasn't able to deliver your message"
            f" to the following addresses.\nThis is a permanent error; I've given up.\n\nFailed recipient(s):"
            f"\nnobody@emitter.example\n",
        ),
        Kind.NDR,
        "james",
    ),
    "MDaemon": (
        mixed(
            "MDaemon at emitter.example <MDaemon@emitter.example>",
            "Permanent Delivery Failure",
            "The attached message had PERMANENT fatal delivery errors!\n\nAfter one or more unsuccessful"
            " delivery attempts the attached message has been removed from the mail queue.\n",
            ("X-MDDSN-Message", "1"),
        ),
        Kind.NDR,
        "mdaemon",
    ),
    "MDaemon, warning": (
        text(
            "MDaemon at emitter.example <MDaemon@emitter.example>",
            "Delivery Delay Warning: Cheap watches",
            "The attached message has not been delivered yet. Delivery attempts will continue.\n",
            ("X-MDDSN-Message", "1"),
        ),
        Kind.DSN_DELAY,
        "mdaemon",
    ),
    "GroupWise": (
        text(
            "Mailer-Daemon@emitter.example",
            "Message status - undeliverable",
            "The message that you sent was undeliverable to the following:\n\tnobody (user unknown)\n\n"
            "Possibly truncated original message follows:\n\n" + original(),
            ("X-Mailer", "Novell GroupWise Internet Agent 6.5.2"),
        ),
        Kind.NDR,
        "groupwise",
    ),
    "Sun or Oracle Messaging Server": (
        report(
            "Internet Mail Delivery <postmaster@emitter.example>",
            "Delivery Notification: Delivery has failed",
            "This report relates to a message you sent with the following header fields:\n\n  Subject: Cheap"
            " watches\n\nYour message cannot be delivered to the following recipients:\n",
            status("imta.emitter.example (tcp_local-daemon)"),
        ),
        Kind.DSN_FAIL,
        "messagingserver",
    ),
    "Messaging Server, delayed": (
        report(
            "Internet Mail Delivery <postmaster@emitter.example>",
            "Delivery Notification: Delivery has been delayed",
            "Your message has been enqueued and undeliverable for 1 day to the following recipients:\n",
            status("imta.emitter.example (tcp_local-daemon)", action="delayed", code="4.0.0"),
        ),
        Kind.DSN_DELAY,
        "messagingserver",
    ),
    "CommuniGate Pro": (
        report(
            "<MAILER-DAEMON@emitter.example>",
            "Undeliverable mail: Cheap watches",
            "Failed to deliver to 'nobody@emitter.example'\nLOCAL module(account nobody) reports:\n"
            " account is"
            " full (quota exceeded)\n",
            status("cgp.emitter.example"),
            ("X-Mailer", "CommuniGate Pro CLI mailer"),
        ),
        Kind.DSN_FAIL,
        "communigate",
    ),
    "PowerMTA": (
        report(
            "postmaster@emitter.example",
            "Delivery report",
            "Hello, this is the mail server on mail.emitter.example.\n\nI am sending you this message to"
            " inform"
            " you on the delivery status of a message you previously sent.\n",
            status(HOST, extra="X-PowerMTA-VirtualMTA: v1\n"),
        ),
        Kind.DSN_FAIL,
        "powermta",
    ),
    "DragonFly": (
        text(
            "MAILER-DAEMON <>",
            "Mail delivery failed",
            "This is the DragonFly Mail Agent v0.13 at emitter.example.\n\nThere was an error delivering your"
            " mail to <nobody@emitter.example>.\n\nUnknown user\n\nMessage headers follow.\n\n" + original(),
            ("Received", "from MAILER-DAEMON id 1 by emitter.example (DragonFly Mail Agent v0.13); Tue"),
        ),
        Kind.NDR,
        "dragonfly",
    ),
    "Haraka": (
        report(
            "MAILER-DAEMON",
            "Failed mail transport",
            "Hi. This is the Haraka Mailer program at mail.emitter.example.\nI'm afraid I wasn't able to"
            " deliver your message to the following addresses.\n",
            status(HOST),
        ),
        Kind.DSN_FAIL,
        "haraka",
    ),
    "IMail": (
        text(
            '"Postmaster" <postmaster@emitter.example>',
            "Undeliverable Mail",
            "Unknown user: nobody@emitter.example\n\nOriginal message follows.\n\n" + original(),
            ("X-Mailer", "<SMTP32 v8.22>"),
        ),
        Kind.NDR,
        "imail",
    ),
    "Kerio Connect": (
        report(
            "postmaster@emitter.example",
            "Undelivered mail - Cheap watches",
            "This is an automatic message from the mail system: your mail was not delivered.\n",
            status("kerio.emitter.example"),
            ("X-Mailer", "Kerio Connect 9.3"),
        ),
        Kind.DSN_FAIL,
        "kerio",
    ),
    "MailEnable": (
        text(
            '"Postmaster" <postmaster@emitter.example>',
            "Message Delivery Failure",
            "Message could not be delivered to the following recipient(s):\n\nFailed Recipient:"
            " nobody@emitter.example\nReason: Remote host said: 550 unknown\n",
            ("Received", "from mail.emitter.example ([127.0.0.1]) by emitter.example with MailEnable ESMTP"),
        ),
        Kind.NDR,
        "mailenable",
    ),
    "SmarterMail": (
        text(
            "System Administrator <postmaster@emitter.example>",
            "Delivery Failure",
            "Could not deliver message to the following recipient(s):\n\nFailed Recipient:"
            " nobody@emitter.example\nReason: Remote host said: 550 5.1.1\n\n   -- The header and top 20"
            " lines of the message follows --\n\n" + original(),
            ("X-SmarterMail-TotalSpamWeight", "0"),
        ),
        Kind.NDR,
        "smartermail",
    ),
    "hMailServer": (
        text(
            "mailer-daemon@emitter.example",
            "Message undeliverable: Cheap watches",
            "Your message did not reach some or all of the intended recipients.\n\n   Subject: Cheap"
            " watches\n\n"
            "The following recipient(s) could not be reached:\n\nnobody@emitter.example\n   Error Type:"
            " SMTP\n\n"
            "hMailServer\n",
        ),
        Kind.NDR,
        "hmail",
    ),
    "MailFoundry": (
        mixed(
            f"<MAILER-DAEMON@{HOST}>",
            "Message delivery has failed",
            "Unable to deliver message to: <nobody@emitter.example>\nDelivery failed for the following"
            " reason:"
            "\nServer mx failed with: 550 No such user here\n",
            ("Received", f"from localhost by {HOST} (MAILFOUNDRY) id Xyz; Tue"),
        ),
        Kind.NDR,
        "mailfoundry",
    ),
    "Biglobe": (
        mixed(
            "postmaster@biglobe.ne.jp",
            "Returned mail: User unknown",
            "   ----- The following addresses had delivery problems -----\nnobody@biglobe.ne.jp\n\n"
            "   ----- Non-delivered information -----\nMail Delivery Failed... User unknown\n",
        ),
        Kind.NDR,
        None,
    ),
    "au EZweb": (
        mixed(
            "<Postmaster@ezweb.ne.jp>",
            "Mail System Error - Returned Mail",
            "The user(s) account is disabled.\n\n<nobody@ezweb.ne.jp>: 550 user unknown (in reply to RCPT TO"
            " command)\n",
        ),
        Kind.NDR,
        None,
    ),
    "an MTA with a wrapped daemon name": (
        mixed(
            '"=?iso-2022-jp?B?TWFpbCBEZWxpdmVyeSBTdWJzeXN0ZW0=?=" <noreply@emitter.example>',
            "=?iso-2022-jp?B?UmV0dXJuZWQgbWFpbDogVXNlciB1bmtub3du?=",
            "See the attached report.\n",
        ),
        Kind.NDR,
        None,
    ),
    "an MTA that draws lines": (
        mixed(
            "Mail Delivery System <postmaster@emitter.example>",
            "Delivery status notification",
            "============================\n     This is an automatically generated Delivery Status"
            " Notification.\n\nDelivery to the following recipients failed permanently:\n\n  *"
            " nobody@emitter.example\n\n     Technical details:\n\nSMTP:RCPT host 192.0.2.8: 553 5.3.0\n",
        ),
        Kind.NDR,
        None,
    ),
    # --- gateways and filters ---
    "Barracuda, bulk filter": (
        report(
            f"Barracuda Spam Firewall <postmaster@{HOST}>",
            "**Message you sent blocked by our bulk email filter**",
            "Your message to: nobody@emitter.example\nwas blocked by our Spam Firewall. The email you sent"
            " with the following subject has NOT BEEN DELIVERED:\n",
            "Reporting-MTA: dns; barracuda.emitter.example\n\nFinal-Recipient: rfc822;"
            " nobody@emitter.example\n"
            "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 Message rejected\n",
            returned=("text/rfc822-headers", original()),
        ),
        Kind.DSN_FAIL,
        "barracuda",
    ),
    "Mimecast": (
        text(
            "<postmaster@emitter.example>",
            "[Postmaster] Email Delivery Failure",
            "An email that you attempted to send to the following address could not be delivered:\n\n"
            "-- nobody@emitter.example\n\nThe problem appears to be :\n-- Recipient email address is possibly"
            " incorrect\n",
            message_id="<0123456789-1102117314000@us-mta-25.us.mimecast.lan>",
        ),
        Kind.NDR,
        "mimecast",
    ),
    "Mimecast, held": (
        text(
            "<postmaster@emitter.example>",
            "[Postmaster] Message On Hold Notification",
            "Your message has been held by the content policy of the recipient's organisation and will be"
            " reviewed by an administrator.\n",
            message_id="<0123456789-1102117314000@us-mta-25.us.mimecast.lan>",
        ),
        Kind.VIRUS,
        "mimecast",
    ),
    "Proofpoint": (
        report(
            "Mail Delivery Subsystem <MAILER-DAEMON@mx0a-001.pphosted.com>",
            "Returned mail: see transcript for details",
            "   ----- The following addresses had permanent fatal errors -----\n<nobody@emitter.example>\n",
            status("mx0a-001.pphosted.com"),
        ),
        Kind.DSN_FAIL,
        "proofpoint",
    ),
    "MessageLabs": (
        report(
            "MAILER-DAEMON@messagelabs.com",
            "Mail Delivery Failure",
            "This is the mail delivery agent at messagelabs.com.\nI was unable to deliver your message to the"
            " following addresses.\n",
            status("server-1.tower-1.messagelabs.com"),
        ),
        Kind.DSN_FAIL,
        "messagelabs",
    ),
    "Cisco IronPort": (
        report(
            f"Mail Delivery System <MAILER-DAEMON@{HOST}>",
            "Delivery Status Notification (Failure)",
            "The following message to <nobody@emitter.example> was undeliverable.\nThe reason for the"
            " problem:\n5.1.0 - Unknown address error 550\n",
            "Reporting-MTA: dns; esa1.emitter.example\n\nFinal-Recipient: rfc822;nobody@emitter.example\n"
            "Action: failed\nStatus: 5.0.0 (permanent failure)\nRemote-MTA: dns; [192.0.2.9]\n"
            "Diagnostic-Code: smtp; 5.1.0 - Unknown address error 550-'5.1.1 no' (delivery attempts: 0)\n",
        ),
        Kind.DSN_FAIL,
        "ironport",
    ),
    "Sophos": (
        text(
            "Sophos Email <postmaster@emitter.example>",
            "Your message was blocked: Cheap watches",
            "A message that you sent was blocked because it contained a file of a type that is not allowed."
            " The attachment was removed.\n",
        ),
        Kind.VIRUS,
        "sophos",
    ),
    "FortiMail": (
        report(
            "postmaster@fortimail.emitter.example",
            "Delivery Status Notification (Failure)",
            "This is an automatic message of FortiMail.\n",
            status("fortimail.emitter.example"),
        ),
        Kind.DSN_FAIL,
        "fortimail",
    ),
    "amavis, virus": (mails.content_notice(), Kind.VIRUS, "amavis"),
    "amavis, spam": (
        report(
            f'"Content-filter at {HOST}" <postmaster@{HOST}>',
            "Considered UNSOLICITED BULK EMAIL, apparently from you",
            "A message from <jo@reporter.example> to: nobody\nwas considered unsolicited bulk e-mail"
            " (UBE).\n",
            "Reporting-MTA: dns; mail.emitter.example\nReceived-From-MTA: dns;"
            " bot.example\n\nFinal-Recipient:"
            " rfc822;nobody@emitter.example\nAction: failed\nStatus: 5.7.0\nDiagnostic-Code: smtp; 554 5.7.0"
            " Reject, id=1-2 - spam\n",
        ),
        Kind.VIRUS,
        "amavis",
    ),
    "amavis, banned": (
        report(
            f'"Content-filter at {HOST}" <postmaster@{HOST}>',
            "BANNED contents from you (.exe,.exe-ms,x.exe)",
            "BANNED CONTENTS ALERT\n\nOur content checker found\n    banned name: .exe\n",
            "Reporting-MTA: dns; mail.emitter.example\n\nFinal-Recipient: rfc822;nobody@emitter.example\n"
            "Action: failed\nStatus: 5.7.0\nDiagnostic-Code: smtp; 554 5.7.0 Bounce, id=1 - BANNED: .exe\n",
        ),
        Kind.VIRUS,
        "amavis",
    ),
    "amavis, bad header": (
        report(
            f'"Content-filter at {HOST}" <postmaster@{HOST}>',
            "BAD-HEADER in mail from you",
            "INVALID HEADER\n\n  MIME error\n",
            "Reporting-MTA: dns; mail.emitter.example\n\nFinal-Recipient: rfc822;nobody@emitter.example\n"
            "Action: failed\nStatus: 5.6.0\nDiagnostic-Code: smtp; 554 5.6.0 Bounce, id=1 - BAD-HEADER\n",
        ),
        Kind.VIRUS,
        "amavis",
    ),
    "amavis, an ordinary refusal": (
        report(
            f'"Content-filter at {HOST}" <postmaster@{HOST}>',
            "Undeliverable mail, MTA-BLOCKED",
            "This nondelivery report was generated by the program amavisd-new at host"
            " mail.emitter.example.\n",
            "Reporting-MTA: dns; mail.emitter.example\n\nFinal-Recipient: rfc822;nobody@emitter.example\n"
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 MTA said: no such user\n",
        ),
        Kind.DSN_FAIL,
        "amavis",
    ),
    "MailScanner": (
        text(
            f'"MailScanner" <postmaster@{HOST}>',
            "Warning: E-mail viruses detected",
            "Our virus detector has just been triggered by a message you sent:-\n  To:"
            " nobody@emitter.example\n"
            "Any infected parts of the message have not been delivered.\n\n-- \nMailScanner\n",
            ("X-MailScanner", "generated"),
        ),
        Kind.VIRUS,
        "mailscanner",
    ),
    "MailScanner, blocked file": (
        text(
            f'"MailScanner" <postmaster@{HOST}>',
            "Banned filename detected",
            "Our MailScanner has detected that a message you sent contained a forbidden attachment.\n",
            ("X-MailScanner", "generated"),
            return_path=f"postmaster@{HOST}",
        ),
        Kind.VIRUS,
        "mailscanner",
    ),
    "ScanMail for Exchange": (
        text(
            "ScanMail@emitter.example",
            "[MailServer Notification]To External Sender: a virus was found and action taken.",
            "ScanMail for Microsoft Exchange has detected virus-infected attachment(s).\n",
            return_path="scanmail@emitter.example",
        ),
        Kind.VIRUS,
        "scanmail",
    ),
    "Symantec Mail Security": (
        text(
            "Symantec_Mail_Security_for_SMTP@emitter.example",
            "Symantec Mail Security detected that you sent a message with a virus",
            "Subject of the message: Cheap watches\nRecipient of the message: nobody\n",
            return_path="Symantec_Mail_Security_for_SMTP@emitter.example",
        ),
        Kind.VIRUS,
        None,
    ),
    "Antigen": (
        text(
            "ANTIGEN_MAIL01@emitter.example",
            "Antigen Notification:Antigen found FILE FILTER= *.exe file",
            "Antigen for Exchange found x.exe matching FILE FILTER= *.exe. The file is currently Deleted.\n",
            return_path="antigen_mail01@emitter.example",
        ),
        Kind.VIRUS,
        None,
    ),
    "GroupShield": (
        text(
            "GroupShield for Exchange (SRV) <groupshield@emitter.example>",
            "ALERT - GroupShield ticket number OA1 was generated",
            "Action Taken: The attachment was quarantined because it contained the virus W32/X.\n",
            return_path="groupshield@emitter.example",
        ),
        Kind.VIRUS,
        "groupshield",
    ),
    "MailMarshal": (
        text(
            "MailMarshal <mailmarshal@emitter.example>",
            'MailMarshal has detected a suspect attachment in your message "Cheap watches"',
            "MailMarshal has stopped the following email because it contains an executable file: it violates"
            " the content policy.\n",
            return_path="mailmarshal@emitter.example",
        ),
        Kind.VIRUS,
        "mailmarshal",
    ),
    "InterScan": (
        text(
            '"InterScan MSS" <imss@emitter.example>',
            "Mail could not be delivered",
            "Sent <<< RCPT TO:<nobody@emitter.example>\nReceived >>> 550 5.1.1 user unknown\n",
            return_path="imss@emitter.example",
        ),
        Kind.NDR,
        "interscan",
    ),
    "SurfControl": (
        mixed(
            "System Administrator <postmaster@emitter.example>",
            "Message non-deliverable",
            "Your message could not be sent.\nA transcript of the attempts to send the message follows.\nThe"
            " number of attempts made: 1\nAddressed To: nobody@emitter.example\n",
            ("X-SEF-Processed", "5_0_0_910__2026_11_24"),
            ("X-Mailer", "SurfControl E-mail Filter"),
        ),
        Kind.NDR,
        "surfcontrol",
    ),
    "ClamAV milter": (
        text(
            "Virus scanner <clamav@emitter.example>",
            "Virus intercepted",
            "A message you sent to nobody@emitter.example contained Eicar-Test and has not been accepted for"
            " delivery: a virus was found.\n",
            return_path="",
        ),
        Kind.VIRUS,
        None,
    ),
    # --- challenges ---
    "BoxTrapper": (
        text(
            "sam@emitter.example",
            "Your email requires verification verify#AbC-123",
            "The message you sent requires that you verify that you are a real live human being and not a"
            " spam source.\n",
            ("X-Boxtrapper", "AbC123"),
            return_path="sam@emitter.example",
        ),
        Kind.CR,
        "boxtrapper",
    ),
    "Spam Arrest": (
        text(
            '"sam@emitter.example" <sam-emitter.example@spamarrest.com>',
            "Re: Cheap watches (verification)",
            "sam is protected by Spam Arrest. Please click on the link below to have your message"
            " delivered.\n",
            ("X-Spamarrest-Noauth", "1"),
            return_path="",
        ),
        Kind.CR,
        "spamarrest",
    ),
    "TMDA": (
        text(
            "sam-confirm-1234.5678.abcdef@emitter.example",
            "Please confirm your message",
            "This message was created automatically by mail delivery software (TMDA).\n\nYour message"
            " attached below is being held because the address has not been verified. To release your message"
            " for delivery, please send an empty message.\n",
            ("Auto-Submitted", "auto-replied"),
            ("X-Delivery-Agent", "TMDA/1.1.12 (Macallan)"),
            message_id="<1234.5678.TMDA@mail.emitter.example>",
        ),
        Kind.CR,
        "tmda",
    ),
    "Earthlink": (
        text(
            "sam@earthlink.net",
            "Re: Cheap watches",
            "This is an automated message from Sam's suspect email system: I apologize for this automatic"
            " reply. To control spam, I now allow incoming messages only from senders I have approved"
            " beforehand. If you would like to be added to my list of approved senders, please click and fill"
            " out the short request form.\n",
            ("Auto-Submitted", "auto-replied"),
            ("In-Reply-To", "<original-1@reporter.example>"),
            return_path="",
        ),
        Kind.CR,
        "earthlink",
    ),
    "Mailinblack, French": (
        text(
            "sam@emitter.example",
            "=?utf-8?q?Authentification_requise_pour_votre_message?=",
            "Bonjour, pour que votre message soit remis, merci de cliquer sur ce lien afin de vous"
            " authentifier : je suis protege par Mailinblack.\n",
            ("Auto-Submitted", "auto-replied"),
            return_path="",
        ),
        Kind.CR,
        "mailinblack",
    ),
    "UOL, Portuguese": (
        text(
            "AntiSpam UOL <webmaster@spamcontrol.uol.example>",
            "=?utf-8?q?Confirma=C3=A7=C3=A3o_de_envio=3A_AntiSpam_UOL?=",
            "Sua mensagem precisa de confirmação. Clique no link para confirmar que é uma pessoa e entregar"
            " a mensagem.\n",
            ("Auto-Submitted", "auto-replied"),
            return_path="",
        ),
        Kind.CR,
        "uolantispam",
    ),
    "a Spanish challenge": (
        text(
            "sam@emitter.example",
            "Por favor, confirme su mensaje",
            "Su mensaje ha sido retenido. Para entregarlo responda a este correo y confirme que es una"
            " persona.\n",
            ("Auto-Submitted", "auto-replied"),
            return_path="",
        ),
        Kind.CR,
        None,
    ),
    "a German challenge": (
        text(
            "sam@emitter.example",
            "=?utf-8?q?Bitte_best=C3=A4tigen_Sie_Ihre_Nachricht?=",
            "Ihre Nachricht wird zurückgehalten. Bitte bestätigen Sie durch Klick auf den Link, dass Sie kein"
            " Spammer sind.\n",
            ("Auto-Submitted", "auto-replied"),
            return_path="",
        ),
        Kind.CR,
        None,
    ),
    "ASK": (
        text(
            "sam@emitter.example",
            "Please confirm (conf#abcdef0123456789)",
            "This is an automatic message: your message to me is waiting for your confirmation.\n",
            ("X-AskVersion", "2.5.3 (http://a-s-k.example/)"),
            return_path="sam@emitter.example",
        ),
        Kind.CR,
        None,
    ),
    # --- list managers ---
    "Mailman 2, held": (mails.list_reply(), Kind.LIST, "mailman"),
    "Mailman 3, rejected": (
        text(
            "talk-owner@lists.emitter.example",
            'Request to mailing list "Talk" rejected',
            "Your request to the Talk mailing list has been rejected by the list moderator.\n",
            ("List-Id", "<talk.lists.emitter.example>"),
            ("Precedence", "bulk"),
            ("X-Mailman-Version", "3.3.8"),
            return_path="talk-bounces@lists.emitter.example",
        ),
        Kind.LIST,
        "mailman",
    ),
    "Mailman, confirmation": (
        text(
            "talk-request@lists.emitter.example",
            "confirm 0123456789abcdef0123456789abcdef01234567",
            "Mailing list subscription confirmation notice for mailing list Talk\n",
            ("Precedence", "bulk"),
            ("X-List-Administrivia", "yes"),
            return_path="talk-bounces@lists.emitter.example",
        ),
        Kind.LIST,
        "mailman",
    ),
    "Majordomo": (
        text(
            "Majordomo@emitter.example",
            "Majordomo results: Cheap watches",
            ">>>> Buy now.\n**** Command 'buy' not recognized.\n**** Help for Majordomo@emitter.example:\n",
            return_path="owner-majordomo@emitter.example",
        ),
        Kind.LIST,
        "majordomo",
    ),
    "LISTSERV": (
        text(
            '"L-Soft list server at EMITTER (16.0)" <LISTSERV@LISTS.EMITTER.EXAMPLE>',
            "Rejected posting to TALK@LISTS.EMITTER.EXAMPLE",
            "You are not authorized to send mail to the TALK list from your jo@reporter.example account.\n",
            return_path="",
        ),
        Kind.LIST,
        "listserv",
    ),
    "Sympa": (
        text(
            "SYMPA <sympa@lists.emitter.example>",
            "Results of your commands",
            "Your command was not understood.\n",
            ("Auto-Submitted", "auto-replied"),
            return_path="sympa-owner@lists.emitter.example",
        ),
        Kind.LIST,
        "sympa",
    ),
    "ezmlm": (
        text(
            "talk-help@lists.emitter.example",
            "confirm subscribe to talk@lists.emitter.example",
            "Hi! This is the ezmlm program. I'm managing the talk@lists.emitter.example mailing list.\n",
            ("Mailing-List", "contact talk-help@lists.emitter.example; run by ezmlm"),
            return_path="",
        ),
        Kind.LIST,
        "ezmlm",
    ),
    "Google Groups, not permitted": (
        text(
            "Google Groups <noreply@googlegroups.com>",
            "Posting error: talk",
            "Hello, your post to the group talk was rejected: you are not a member of this group.\n",
            ("Auto-Submitted", "auto-replied"),
            return_path="",
        ),
        Kind.LIST,
        None,
    ),
    # --- read receipts ---
    "read receipt of Outlook": (
        multipart(
            [*top(None), ("From", "sam@emitter.example"), ("To", VICTIM), ("Subject", "Read: Cheap watches")],
            "report; report-type=disposition-notification",
            [
                ("text/plain", "Your message was read."),
                (
                    "message/disposition-notification",
                    (
                        "Final-Recipient: RFC822; sam@emitter.example\n"
                        "Disposition: automatic-action/MDN-sent-"
                        "automatically; displayed\nX-MSExch-Correlation-Key: abc\n"
                    ),
                ),
            ],
        ),
        Kind.MDN,
        "exchange",
    ),
    "deleted unread, German": (
        multipart(
            [
                *top(None),
                ("From", "sam@emitter.example"),
                ("To", VICTIM),
                ("Subject", "Nicht gelesen: Uhren"),
            ],
            "report; report-type=disposition-notification",
            [
                ("text/plain", "Ihre Nachricht wurde ungelesen geloescht."),
                (
                    "message/disposition-notification",
                    (
                        "Final-Recipient: RFC822; sam@emitter.example\n"
                        "Disposition: automatic-action/MDN-sent-"
                        "automatically; deleted\n"
                    ),
                ),
            ],
        ),
        Kind.MDN,
        None,
    ),
    "read receipt of Domino, text only": (
        text(
            "Sam <sam@emitter.example>",
            "Return Receipt: Cheap watches",
            "Return Receipt\n\nYour document: Cheap watches\n\nwas received by: Sam\n\nat: 24.11.2026\n",
            ("X-Mailer", "Lotus Notes Release 8.5"),
            ("Auto-Submitted", "auto-replied"),
            return_path="",
        ),
        Kind.MDN,
        "domino",
    ),
}

SECOND_ROUND: dict[str, tuple[bytes, Kind]] = {
    # written before the rules were tried on it; software is not guessed here
    "gateway de": (
        text(
            "Postmaster <postmaster@gw.example>",
            "Ihre E-Mail konnte nicht zugestellt werden",
            "Ihre Nachricht an nobody@emitter.example konnte nicht zugestellt werden. Empfaenger"
            " unbekannt.\n",
        ),
        Kind.NDR,
    ),
    "gateway fr": (
        text(
            "Serveur de messagerie <postmaster@gw.example>",
            "Votre message n'a pas pu etre remis",
            "Votre message a nobody@emitter.example n'a pas pu etre remis: utilisateur inconnu.\n",
        ),
        Kind.NDR,
    ),
    "gateway it": (
        text(
            "Mail Delivery System <mailer-daemon@gw.example>",
            "Messaggio non recapitato",
            "Il messaggio non ha raggiunto nobody@emitter.example: casella inesistente.\n",
        ),
        Kind.NDR,
    ),
    "gateway ja": (
        text(
            "MAILER-DAEMON@gw.example",
            "=?utf-8?b?44Oh44O844Or44GM6YWN5L+h44Gn44GN44G+44Gb44KT44Gn44GX44Gf?=",
            "nobody@emitter.example 宛先不明\n",
        ),
        Kind.NDR,
    ),
    "noreply bounce dsn no null": (
        report(
            "noreply@svc.example",
            "Mail not delivered",
            "x",
            status("svc.example"),
            return_path="noreply@svc.example",
        ),
        Kind.DSN_FAIL,
    ),
    "dsn global": (
        report(
            "MAILER-DAEMON@x.example",
            "Undeliverable",
            "x",
            status("x.example").replace("RFC822", "utf-8"),
            status_type="message/global-delivery-status",
        ),
        Kind.DSN_FAIL,
    ),
    "dsn expanded": (
        report("MAILER-DAEMON@x.example", "Delivery", "x", status("x.example", "expanded", "2.0.0")),
        Kind.DSN_OK,
    ),
    "dsn action missing 4": (
        report("MAILER-DAEMON@x.example", "Undeliverable", "giving up", status("x.example", "", "4.4.7")),
        Kind.DSN_FAIL,
    ),
    "exim frozen": (
        text(
            "Mail Delivery System <Mailer-Daemon@x.example>",
            "Message frozen",
            "Message 1abc-0003-Xy has been frozen (delivery error message).\nThe sender is <>.\n",
            ("Auto-Submitted", "auto-generated"),
        ),
        Kind.PM,
    ),
    "over quota": (
        text(
            "postmaster@x.example",
            "Mailbox full",
            "The mailbox of nobody@emitter.example is full. Your message was rejected: 552 quota exceeded.\n",
        ),
        Kind.NDR,
    ),
    "relay denied": (
        text(
            "Postmaster <postmaster@x.example>",
            "Mail delivery error",
            "550 5.7.1 Unable to relay for nobody@emitter.example\n",
        ),
        Kind.NDR,
    ),
    "attachment": (
        mixed("MAILER-DAEMON@x.example", "Returned mail", "The attached mail was not accepted.\n"),
        Kind.NDR,
    ),
    "docomo": (
        text(
            "Mail Delivery Subsystem <MAILER-DAEMON@docomo.ne.jp>",
            "Returned mail: User unknown",
            "The following addresses had permanent fatal errors.\nUnknown User\n",
        ),
        Kind.NDR,
    ),
    "greylist delay": (
        text(
            "MAILER-DAEMON@x.example",
            "Warning: message 1abc-0003 delayed 24 hours",
            "A message that you sent has not yet been delivered to one or more of its recipients.\n",
        ),
        Kind.DSN_DELAY,
    ),
    "bounce via ticket": (
        text(
            "Mail Delivery Subsystem <MAILER-DAEMON@x.example>",
            "Re: Cheap watches",
            "This message was not delivered: user unknown nobody@emitter.example\n",
            ("In-Reply-To", "<o@x.example>"),
        ),
        Kind.NDR,
    ),
    "smtp prox": (
        text(
            "Symantec Messaging Gateway <postmaster@x.example>",
            "Delivery failure",
            "A message to nobody@emitter.example could not be delivered. 554 5.1.1\n",
        ),
        Kind.NDR,
    ),
    "o365 quarantine to sender": (
        text(
            "postmaster@x.example",
            "Undeliverable: Message contains malware",
            "A message you sent contained malware and was not delivered.\n",
        ),
        Kind.NDR,
    ),
    "av removed": (
        text(
            "Kaspersky Security <kaspersky@x.example>",
            "Infected attachment removed",
            "The attachment of the message you sent was infected with the virus X and was deleted.\n",
            return_path="kaspersky@x.example",
        ),
        Kind.VIRUS,
    ),
    "trend": (
        text(
            "imsva@x.example",
            'Virus Found in message "Hi"',
            "IMSVA has detected a virus in your mail.\n",
            return_path="imsva@x.example",
        ),
        Kind.VIRUS,
    ),
    "sophos es": (
        text(
            "Sophos PureMessage <pmx@x.example>",
            "Virus detected in mail from you",
            "PureMessage found a virus in the message.\n",
        ),
        Kind.VIRUS,
    ),
    "mailman3 held": (
        text(
            "talk-bounces@l.example",
            "Your message to talk@l.example awaits moderator approval",
            "Your mail is held.\n",
            ("Auto-Submitted", "auto-replied"),
        ),
        Kind.LIST,
    ),
    "mdn dispo failed": (
        multipart(
            [("Return-Path", "<>"), ("From", "a@b.example"), ("Subject", "Disposition")],
            'report; report-type="disposition-notification"',
            [
                ("text/plain", "x"),
                (
                    "message/disposition-notification",
                    (
                        "Final-Recipient: rfc822;a@b\nDisposition: automatic-action/MDN-sent-automatically;"
                        " failed\n"
                    ),
                ),
            ],
        ),
        Kind.MDN,
    ),
    "boxbe": (
        text(
            "Boxbe <verify@boxbe.com>",
            "Re: Cheap watches (Action Required)",
            'Hello, your message about "Cheap watches" was waitlisted. Please add yourself to my Guest'
            " List so your messages will be delivered to my Inbox.\n",
        ),
        Kind.CR,
    ),
    "cr generic": (
        text(
            "sam@x.example",
            "Confirm your message to sam",
            "I use a spam filter. Please reply to this message so that your message is delivered.\n",
            ("Precedence", "junk"),
        ),
        Kind.CR,
    ),
}

SECOND_ROUND |= {
    "third round a": (
        text(
            "Mail Delivery Service <mds@x.example>",
            "Delivery Report (failure) for nobody@emitter.example",
            "This report relates to your message: nobody@emitter.example unknown user\n",
        ),
        Kind.NDR,
    ),
    "third round b": (
        text(
            "MAILER-DAEMON (Mail Delivery System)",
            "Undelivered Mail",
            "Recipient nobody@emitter.example does not exist\n",
            return_path=None,
        ),
        Kind.NDR,
    ),
    "third round c": (
        text(
            "Mail Administrator <Postmaster@x.example>",
            "Mail System Error - Returned Mail",
            "This Message was undeliverable due to the following reason:\n\nYour message was not"
            " delivered because the return address was refused.\n",
        ),
        Kind.NDR,
    ),
    "third round d": (
        text(
            "postmaster@x.example",
            "NDN: Hi",
            "Sorry. Your message could not be delivered to: nobody (The name was not found)\n",
        ),
        Kind.NDR,
    ),
    "third round e": (
        text(
            "System Attendant <postmaster@x.example>",
            "Nicht zustellbar: Uhren",
            "Ihre Nachricht hat einige oder alle Empfaenger nicht erreicht.\n",
        ),
        Kind.NDR,
    ),
    "third round f": (
        text(
            "postmaster@x.example",
            "Ikke levert: Klokker",
            "Meldingen kunne ikke leveres til nobody@emitter.example\n",
        ),
        Kind.NDR,
    ),
    "third round g": (
        text(
            "Mail Delivery System <MAILER-DAEMON@x.example>",
            "=?koi8-r?b?7sXEz9PUwdfMxc7Oz8Ug08/Pwt3FzsnF?=",
            "nobody@emitter.example\n",
        ),
        Kind.NDR,
    ),
    "third round h": (
        text(
            "bounce@x.example",
            "Undelivered Mail Returned to Sender",
            "I am sorry, your message to nobody@emitter.example could not be delivered: 550 unknown\n",
            return_path="bounce@x.example",
        ),
        Kind.NDR,
    ),
    "third round i": (
        text(
            "Mail Delivery Subsystem <MAILER-DAEMON@x.example>",
            "Warning: could not send message for past 4 hours",
            "** THIS IS A WARNING MESSAGE ONLY **\n",
            return_path="MAILER-DAEMON",
        ),
        Kind.DSN_DELAY,
    ),
    "third round j": (
        text("no-reply@carrier.example", "(no subject)", "User unknown: nobody@carrier.example\n"),
        Kind.NDR,
    ),
    "third round k": (
        report("postmaster@x.example", "Automatic reply: x", "I am away", status("x.example")),
        Kind.DSN_FAIL,
    ),
    "third round l": (
        text(
            "sam@x.example",
            "Auto: Re: Cheap watches",
            "I am out until Monday\n",
            ("Auto-Submitted", "auto-replied (vacation)"),
            ("Precedence", "bulk"),
            return_path="sam@x.example",
        ),
        Kind.AUTO,
    ),
}


@pytest.mark.parametrize("name", NOTICES)
def test_the_kind_of_each_notice(name: str) -> None:
    message, kind, _ = NOTICES[name]
    result = judge(message, registration=Registration(), claim=Claim(), now=mails.NOW)
    assert result.kind is kind, result.reasons


@pytest.mark.parametrize("name", NOTICES)
def test_the_software_of_each_notice(name: str) -> None:
    message, _, software = NOTICES[name]
    result = judge(message, registration=Registration(), claim=Claim(), now=mails.NOW)
    assert result.software == software


@pytest.mark.parametrize("name", NOTICES)
def test_a_missing_return_path_takes_no_kind_away_from_what_has_marks(name: str) -> None:
    """Stored mail often lacks the field; the vendor's own marks must carry the kind."""
    message, kind, _ = NOTICES[name]
    start, _, rest = message.partition(b"\n")
    assert start.startswith(b"Return-Path:")
    result = judge(rest, registration=Registration(), claim=Claim(), now=mails.NOW)
    assert result.kind is kind, result.reasons


@pytest.mark.parametrize("name", SECOND_ROUND)
def test_the_kind_of_other_notices(name: str) -> None:
    message, kind = SECOND_ROUND[name]
    result = judge(message, registration=Registration(), claim=Claim(), now=mails.NOW)
    assert result.kind is kind, result.reasons

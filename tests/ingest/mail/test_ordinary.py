"""Mail that shares words, senders or fields with notifications and is none: never taken for one.

Each is judged four times: as it is, without Return-Path, with CRLF, and with its text in base64. Long
because it is a table.
"""

import base64

import pytest

from feed.domain.event import Kind
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Refusal, Registration
from tests import mails
from tests.mails import VICTIM, join, multipart, original

Field = tuple[str, str]
GENERATED: Field = ("Auto-Submitted", "auto-generated")
BULK: Field = ("Precedence", "bulk")
SUPPRESS: Field = ("X-Auto-Response-Suppress", "All")
UNSUBSCRIBE: Field = ("List-Unsubscribe", "<https://shop.example/u>")
LIST: tuple[Field, ...] = (
    ("List-Id", "<talk.lists.example>"),
    ("List-Post", "<mailto:talk@lists.example>"),
    ("Precedence", "list"),
)
ANSWER: Field = ("In-Reply-To", "<a@reporter.example>")


def mail(
    sender: str,
    subject: str,
    text: str,
    *extra: Field,
    path: str = "bounce-7@send.example",
    html: bool = False,
) -> bytes:
    """Return an ordinary mail of one part."""
    fields = [("Return-Path", f"<{path}>"), *extra, ("From", sender), ("To", VICTIM), ("Subject", subject)]
    if html:
        fields += [("Content-Type", "text/html; charset=utf-8")]
    return join([*fields, ("Message-ID", "<x1@send.example>")], text)


def page(text: str) -> str:
    """Return an HTML mail with a button, as shops and swindlers send."""
    return f'<html><body><p>{text}</p><a href="https://evil.example/x">Continue</a></body></html>'


QUOTED = (
    "Kim wrote:\n> This is the mail system at host mx.example.\n> <a@b.example>: host said: 550 5.1.1 User"
    " unknown\n> Action: failed\n\nHas anybody seen this?\n"
)
RAW_BOUNCE = mails.ndr_qmail().decode().partition("\n\n")[2]

ORDINARY = {
    # --- parcels, letters, shops ---
    "a parcel that could not be delivered": mail(
        "Parcels <noreply@parcels.example>",
        "Delivery failed: your parcel 4711",
        "We could not deliver your parcel today. Nobody was at home. We will try again tomorrow.\n",
        GENERATED,
    ),
    "a parcel service with mail in its name": mail(
        "Royal Mail Delivery Service <notice@parcels.example>",
        "Delivery failure notification",
        "Your parcel could not be delivered and was returned to the depot. Rebook it on our site.\n",
    ),
    "a parcel that is delayed": mail(
        "Courier <track@parcels.example>",
        "Your delivery has been delayed",
        "Delivery of order 12 has been delayed. No action is required on your part.\n",
        GENERATED,
        BULK,
    ),
    "a parcel on its way back": mail(
        "Post <service@post.example>",
        "Returned to sender: consignment RR123",
        "Your consignment was returned to sender because the address was unknown.\n",
        GENERATED,
    ),
    "a German parcel": mail(
        "Paketdienst <info@paket.example>",
        "Zustellung nicht möglich: Ihre Sendung 4711",
        "Ihr Paket konnte nicht zugestellt werden. Bitte holen Sie es in der Filiale ab.\n",
        GENERATED,
    ),
    "a French parcel": mail(
        "Colis <info@colis.example>",
        "Échec de livraison de votre colis",
        "Votre colis n'a pas pu être livré. Choisissez une nouvelle date.\n",
        GENERATED,
    ),
    "a Spanish parcel": mail(
        "Paquetes <info@paquetes.example>",
        "No se ha podido entregar su paquete",
        "No se ha podido entregar su paquete. Elija otra fecha.\n",
        GENERATED,
    ),
    "a delivery confirmation of a shop": mail(
        "Shop <orders@shop.example>",
        "Delivery confirmation for order 99",
        "Your order was delivered to your neighbour.\n",
        GENERATED,
    ),
    "a bank whose letter came back": mail(
        "Bank <noreply@bank.example>",
        "Returned mail: please update your address",
        "A letter that we sent you was returned by the post: the address is unknown.\n",
        GENERATED,
    ),
    "an invoice": mail(
        "Billing <billing@shop.example>", "Invoice 2026-11", "Please find your invoice attached.\n", GENERATED
    ),
    "a payment that failed": mail(
        "Billing <billing@shop.example>",
        "Payment failed for order 12",
        "Your payment could not be processed. The card was rejected.\n",
        GENERATED,
    ),
    "a returned direct debit": mail(
        "Bank <noreply@bank.example>",
        "Notice: a direct debit was returned",
        "The debit was returned because of insufficient funds.\n",
        GENERATED,
        BULK,
    ),
    "a receipt": mail(
        "Shop <noreply@shop.example>", "Your receipt", "Thank you for your order.\n", GENERATED
    ),
    "a thank-you of a shop": mail(
        "Shop <noreply@shop.example>",
        "Thank you for your message",
        "We have received your message and will answer soon.\n",
        GENERATED,
    ),
    # --- swindles ---
    "a swindle: pending messages": mail(
        "Mail Delivery Subsystem <support@evil.example>",
        "Undelivered mail: 5 incoming messages pending",
        page("5 messages could not be delivered to your mailbox. Click below to release your messages."),
        html=True,
    ),
    "a swindle: mailbox full": mail(
        "Mail Administrator <admin@evil.example>",
        "Delivery failed: your mailbox is full",
        page("New messages could not be delivered: your mailbox is full. Verify your account to upgrade."),
        html=True,
    ),
    "a swindle in the own name": mail(
        "reporter.example Mail Server <postmaster@reporter.example>",
        "Message delivery failure - action required",
        page("Incoming mails were not delivered because of a server error. Log in to retrieve messages."),
        path="x@evil.example",
        html=True,
    ),
    "a swindle in plain text": mail(
        "Webmail Support <postmaster@evil.example>",
        "Mail Delivery Failed: returning message to sender",
        "Your incoming messages could not be delivered. Click here to restore your mailbox:\n"
        "https://evil.example/restore\n",
        path="x@evil.example",
    ),
    "a swindle: quarantine": mail(
        "Spam Filter <quarantine@evil.example>",
        "Quarantined messages: 3 new",
        page("3 messages are held. Click to release your messages."),
        html=True,
    ),
    "a swindle: virus on the computer": mail(
        "McAfee Antivirus <alert@evil.example>",
        "Virus detected on your computer",
        page("5 viruses were found on your device. Renew your subscription now."),
        html=True,
    ),
    "a swindle: virus in plain text": mail(
        "Norton AntiVirus <alert@evil.example>",
        "Warning: virus found",
        "A virus was found on your computer. Your protection has expired. Call now.\n",
    ),
    "a swindle: account will be closed": mail(
        "IT Helpdesk <it@evil.example>",
        "Please verify your mailbox",
        "Your mailbox will be disabled unless you confirm that your account is in use. Click the link.\n",
    ),
    "a swindle: voice mail": mail(
        "Voicemail System <voice@evil.example>",
        "New voice message not delivered",
        page("A voice message could not be delivered. Listen now."),
        html=True,
    ),
    "a dealer's spam about watches": mail(
        "Sam <sam@bot.example>", "Cheap watches", "Buy now, limited offer, delivered to your door.\n", path=""
    ),
    "spam that wants to be read": mail(
        "Sam <sam@bot.example>",
        "Re: your holiday",
        "Relax on holiday with our offers.\n",
        path="sam@bot.example",
    ),
    # --- newsletters ---
    "a newsletter about bounces": mail(
        "Mail Tips <news@tips.example>",
        "Undelivered mail: 10 reasons why your message could not be delivered",
        "A bounce says 550 5.1.1 user unknown. Read how to fix it.\n",
        UNSUBSCRIBE,
        BULK,
    ),
    "a newsletter without list fields": mail(
        "Mail Tips <news@tips.example>",
        "Why your mail could not be delivered",
        "Bounces explained: 550 5.1.1 user unknown and other errors. Unsubscribe here.\n",
        GENERATED,
    ),
    "a newsletter about auto-replies": mail(
        "Tips <news@tips.example>",
        "Auto reply to your reviews with our new tool",
        "Answer all reviews at once.\n",
    ),
    "a newsletter about holidays": mail(
        "Travel <news@travel.example>",
        "On vacation? Read this first",
        "What to do on vacation. Out of the office and into the sun.\n",
        BULK,
    ),
    "a newsletter about leaving the office": mail(
        "HR <news@hr.example>",
        "Out of office: how to write a good message",
        "An example: I am out of the office until Monday.\n",
        BULK,
        UNSUBSCRIBE,
    ),
    "a security bulletin": mail(
        "Security <advisory@vendor.example>",
        "Virus alert: new worm found in attachments",
        "A new worm was found in the wild. Update your scanner.\n",
        BULK,
    ),
    "news of a scanner's vendor": mail(
        "Anti-Virus News <news@vendor.example>",
        "Malware report for November",
        "Much malware was found in mail attachments this month.\n",
        UNSUBSCRIBE,
    ),
    "a magazine about delays": mail(
        "Trains <news@trains.example>", "Delayed: the new line", "The opening was delayed again.\n", GENERATED
    ),
    # --- lists and persons ---
    "a list quotes a bounce": mail("Kim <kim@friend.example>", "Strange bounces", QUOTED, *LIST),
    "a list quotes a bounce in the subject": mail(
        "Kim <kim@friend.example>", "Undelivered Mail Returned to Sender - why?", QUOTED, *LIST
    ),
    "a list with a tag": mail(
        "Kim <kim@friend.example>", "[talk] Mail delivery failed: returning message to sender", QUOTED, *LIST
    ),
    "an answer on a list": mail(
        "Kim <kim@friend.example>", "Re: [talk] failure notice", QUOTED, *LIST, ANSWER
    ),
    "a list post of a postmaster": mail(
        "Postmaster <postmaster@friend.example>", "User unknown replies", QUOTED, *LIST
    ),
    "a person pastes a whole bounce": mail(
        "Kim <kim@friend.example>",
        "What is this?",
        "I got this today:\n\n" + RAW_BOUNCE,
        path="kim@friend.example",
    ),
    "a person asks about a bounce": mail(
        "Kim <kim@friend.example>",
        "My mail to you bounced",
        "My mail could not be delivered yesterday, do you have another address?\n",
        path="kim@friend.example",
    ),
    "a person forwards in Outlook's way": mail(
        "Kim <kim@friend.example>", "FW: Undeliverable: Lunch", QUOTED, path="kim@friend.example"
    ),
    "a person forwards in German": mail(
        "Kim <kim@friend.example>", "WG: Unzustellbar: Essen", QUOTED, path="kim@friend.example"
    ),
    "a person forwards in Swedish": mail(
        "Kim <kim@friend.example>", "VB: Olevererbart: Lunch", QUOTED, path="kim@friend.example"
    ),
    "a postmaster announces": mail(
        "Postmaster <postmaster@friend.example>",
        "Mail delivery problems last night",
        "Dear all, because of a broken disk mail came late last night. All is well again.\n",
        path="postmaster@friend.example",
    ),
    "a postmaster warns": mail(
        "Postmaster <postmaster@friend.example>",
        "Planned work on the mail servers",
        "On Sunday mail will be delayed for an hour.\n",
        path="postmaster@friend.example",
    ),
    "a person tells of a holiday": mail(
        "Kim <kim@friend.example>",
        "Out of office next week",
        "I will be out of the office next week, Sam stands in.\n",
        path="kim@friend.example",
    ),
    "a person answers about a holiday": mail(
        "Kim <kim@friend.example>",
        "Re: holiday",
        "I am on holiday until Monday, let us meet then.\n",
        ANSWER,
        path="kim@friend.example",
    ),
    "a person writes that she left": mail(
        "Kim <kim@friend.example>",
        "New address",
        "I no longer work there, please write to this address.\n",
        path="kim@friend.example",
    ),
    "a person asks for a confirmation": mail(
        "Kim <kim@friend.example>",
        "Please confirm your attendance",
        "Please confirm that you are coming by replying to this e-mail.\n",
        path="kim@friend.example",
    ),
    "a person with a scanner in the signature": mail(
        "Kim <kim@friend.example>",
        "Photos",
        "See you!\n\n-- \nThis mail was scanned by MailScanner: no virus found.\n",
        ("X-MailScanner", "Found to be clean"),
        path="kim@friend.example",
    ),
    "a mail whose attachment was cleaned on the way": mail(
        "Kim <kim@friend.example>",
        "{Virus?} Photos",
        "Warning: the attachment x.exe was removed because it contained a virus.\n",
        ("X-MailScanner", "Found to be infected"),
        path="kim@friend.example",
    ),
    "a mail marked as spam by a filter": mail(
        "Kim <kim@friend.example>", "***SPAM*** Delivery of the chairs", "They come on Monday.\n"
    ),
    "a digest of a list": mail(
        "talk-request@lists.example",
        "Talk Digest, Vol 12, Issue 3",
        "Today's topics:\n  1. Mail could not be delivered (Kim)\n" + QUOTED,
        *LIST,
        path="talk-bounces@lists.example",
    ),
    "a welcome to a list": mail(
        "talk-request@lists.example",
        'Welcome to the "Talk" mailing list',
        "Welcome! To post to this list, send your mail to talk@lists.example.\n",
        ("X-List-Administrivia", "yes"),
        BULK,
        path="talk-bounces@lists.example",
    ),
    # --- machines ---
    "cron": mail(
        "root@host.example (Cron Daemon)",
        "Cron <root@host> /usr/sbin/backup",
        "rsync: connection unexpectedly closed, host unknown\n",
        ("X-Cron-Env", "<SHELL=/bin/sh>"),
        GENERATED,
        path="root@host.example",
    ),
    "cron prints a bounce log": mail(
        "Cron Daemon <root@host.example>",
        "Cron <root@host> /usr/bin/mailq-report",
        "status=bounced (550 5.1.1 user unknown)\nmail could not be delivered\n",
        GENERATED,
        path="root@host.example",
    ),
    "logwatch": mail(
        "logwatch@host.example",
        "Logwatch for host (Linux)",
        "--- Postfix Begin ---\n 12 Rejected: user unknown\n 3 Delivery failed\n",
        GENERATED,
        path="root@host.example",
    ),
    "a summary of Postfix logs": mail(
        "root <root@host.example>",
        "Postfix log summaries for Nov 24",
        "Grand Totals\n 120 delivered\n 3 deferred\n 5 bounced\nmessage bounce detail: user unknown\n",
        path="root@host.example",
    ),
    "a full mail queue": mail(
        "Monitoring <root@host.example>",
        "Warning: 120 messages delayed in the mail queue",
        "Messages could not be delivered: 120. Oldest: 4 hours.\n",
        GENERATED,
        path="root@host.example",
    ),
    "nagios": mail(
        "nagios@host.example",
        "** PROBLEM Service Alert: mx/SMTP delivery failed is CRITICAL **",
        "Service: SMTP\nState: CRITICAL\nInfo: 550 5.1.1\n",
        GENERATED,
    ),
    "zabbix": mail(
        "Zabbix <zabbix@host.example>",
        "Problem: mail delivery failure on mx1",
        "Problem started at 10:00. Mail could not be delivered.\n",
    ),
    "a monitoring service": mail(
        "Alerts <alert@monitor.example>",
        "Mail delivery failed on your server",
        "Our test mail could not be delivered to your server mx.reporter.example.\n",
        BULK,
        GENERATED,
    ),
    "mdadm": mail(
        "mdadm monitoring <root@host.example>", "Fail event on /dev/md0:host", "A disk has failed.\n"
    ),
    "unattended upgrades": mail(
        "root <root@host.example>", "unattended-upgrades result for host", "All upgrades installed\n"
    ),
    "sudo": mail(
        "root <root@host.example>",
        "*** SECURITY information for host ***",
        "user NOT in sudoers\n",
        GENERATED,
    ),
    "fetchmail": mail(
        "FETCHMAIL-DAEMON@host.example",
        "Fetchmail authentication OK on jo@imap.example",
        "Fetchmail was able to log into jo@imap.example.\nService has been restored.\n",
    ),
    "fail2ban": mail(
        "Fail2Ban <root@host.example>", "[Fail2Ban] postfix: banned 192.0.2.1", "The IP was banned\n"
    ),
    "a quarantine digest": mail(
        "Quarantine <quarantine@filter.example>",
        "Quarantine summary: 3 messages",
        "The following messages are held. Release or delete them.\n",
        GENERATED,
    ),
    "a quarantine digest of the own filter": mail(
        "Spam Quarantine <quarantine@reporter.example>",
        "Spam quarantine notification",
        "You have 3 new messages in your quarantine. Sender: virus@bot.example\n",
        GENERATED,
        BULK,
    ),
    "a virus report to the own admin": mail(
        "root <root@host.example>", "clamscan report", "Infected files: 0\n", path="root@host.example"
    ),
    "a bug tracker": mail(
        "bugzilla-daemon@bugs.example",
        "[Bug 4711] New: Mail delivery failed: returning message to sender",
        "https://bugs.example/4711\nMail could not be delivered when the domain has no MX.\n",
        GENERATED,
        ("X-Bugzilla-Type", "new"),
    ),
    "an issue tracker": mail(
        "Kim (Tracker) <tracker@bugs.example>",
        "[TRACK] (MAIL-12) Undeliverable mail is not parsed",
        "Kim created an issue: mail that could not be delivered is not recognised.\n",
        GENERATED,
        BULK,
        SUPPRESS,
    ),
    "a code host": mail(
        "Kim <notifications@code.example>",
        "[owner/repo] Delivery status notification is not read (Issue #12)",
        "The following recipients failed: user unknown\n",
        ("List-Id", "<repo.owner.code.example>"),
        ("Precedence", "list"),
        SUPPRESS,
    ),
    "a code host answers": mail(
        "Kim <notifications@code.example>",
        "Re: [owner/repo] Undeliverable mail (PR #3)",
        "The message could not be delivered.\n",
        ("List-Id", "<repo.owner.code.example>"),
        ANSWER,
        SUPPRESS,
    ),
    "a build server": mail(
        "CI <ci@build.example>", "Build failed in job mail-delivery #12", "error: test failed\n", GENERATED
    ),
    "a ticket that an agent answered": mail(
        "Support <support@desk.example>",
        "[Ticket #12] Mail delivery problem",
        "Hello, the mailbox was full, I have enlarged it.\n\n> my mail could not be delivered\n",
        ANSWER,
        SUPPRESS,
    ),
    "a status page": mail(
        "Status <noreply@status.example>",
        "[Resolved] Delayed mail delivery",
        "Mail delivery was delayed between 10:00 and 11:00. All mail has been delivered.\n",
        GENERATED,
        UNSUBSCRIBE,
    ),
    "a status page without list fields": mail(
        "Status <noreply@status.example>",
        "Incident: delayed mail delivery",
        "Mail delivery is delayed. Messages will be delivered later.\n",
        GENERATED,
    ),
    "a mail provider's newsletter": mail(
        "Mail Service <news@provider.example>", "What is new", "We deliver faster now.\n"
    ),
    "a web form": mail(
        "Website <wordpress@site.example>",
        "Contact form: mail undeliverable",
        "From: Kim\nMy mail to you could not be delivered.\n",
    ),
    "a campaign report": mail(
        "Mailer <report@sender.example>",
        "Delivery report: campaign November",
        "Sent 1000, bounced 12 (user unknown), opened 300.\n",
        GENERATED,
    ),
    "a social network": mail(
        "Net <noreply@net.example>", "Kim wrote you a message", "You have a new message.\n", GENERATED, BULK
    ),
    "a password mail": mail("Site <noreply@site.example>", "Reset your password", "Click the link.\n"),
    "a site confirms an account": mail(
        "Site <noreply@site.example>",
        "Confirm your e-mail address",
        "Please verify that you are a real person by clicking the link.\n",
        GENERATED,
    ),
    "a newsletter asks to confirm": mail(
        "News <news@site.example>",
        "Please confirm your subscription",
        "Click to confirm that you want our news. If not, ignore this message.\n",
        GENERATED,
    ),
    "a code for logging in": mail(
        "Site <noreply@site.example>", "Your one-time verification code", "Your code is 123456.\n"
    ),
    "a vacation rental": mail(
        "Rentals <noreply@rentals.example>",
        "Vacation message from your host",
        "Your host wrote: the key is under the mat.\n",
        GENERATED,
    ),
    "a leave request": mail(
        "HR System <hr@corp.example>",
        "Absence request approved",
        "Your absence from Monday to Friday was approved.\n",
        GENERATED,
    ),
    "a calendar invitation": multipart(
        [("Return-Path", "<kim@friend.example>"), ("From", "kim@friend.example"), ("Subject", "Lunch")],
        "alternative",
        [("text/plain", "Come!"), ("text/calendar; method=REQUEST", "BEGIN:VCALENDAR\nMETHOD:REQUEST\n")],
    ),
    "a cancelled meeting": multipart(
        [
            ("Return-Path", "<kim@friend.example>"),
            ("From", "kim@friend.example"),
            ("Subject", "Canceled: Lunch"),
        ],
        "mixed",
        [("text/calendar; method=CANCEL", "BEGIN:VCALENDAR\nMETHOD:CANCEL\n")],
    ),
    "a calendar reminder": mail(
        "Calendar <calendar-notification@cal.example>",
        "Notification: Out of office @ Mon 30 Nov (jo@reporter.example)",
        "Out of office, all day.\n",
        GENERATED,
    ),
    "a fax gateway": mail(
        "Fax <fax@gate.example>", "Fax received", "A fax of 2 pages is attached.\n", GENERATED
    ),
    "a fax that failed": mail(
        "Fax <fax@gate.example>",
        "Fax to +49123 failed",
        "Your fax could not be sent: no answer.\n",
        GENERATED,
    ),
    "a text message that failed": mail(
        "SMS <sms@gate.example>", "SMS failed", "Your SMS to +49123 could not be delivered.\n", GENERATED
    ),
    "a person with a mail attached": multipart(
        [
            ("Return-Path", "<kim@friend.example>"),
            ("From", "Kim <kim@friend.example>"),
            ("Subject", "See this"),
        ],
        "mixed",
        [("text/plain", "Look at this one."), ("message/rfc822", mails.ordinary().decode())],
    ),
    "a person with a bounce attached": multipart(
        [
            ("Return-Path", "<kim@friend.example>"),
            ("From", "Kim <kim@friend.example>"),
            ("Subject", "a bounce I got"),
        ],
        "mixed",
        [("text/plain", "The mail could not be delivered?"), ("message/rfc822", mails.ndr_qmail().decode())],
    ),
    "a digest of a list in parts": multipart(
        [
            ("Return-Path", "<talk-bounces@lists.example>"),
            ("From", "talk-request@lists.example"),
            ("Subject", "Talk digest"),
            *LIST,
        ],
        "digest",
        [("message/rfc822", mails.ordinary().decode()), ("message/rfc822", original())],
    ),
    "an abuse complaint by hand": mail(
        "Abuse Desk <abuse@friend.example>",
        "Spam from your network",
        "We received this spam from 192.0.2.1:\n\n" + original(),
        path="abuse@friend.example",
    ),
}

ORDINARY |= {
    # --- a second round, written before the rules were tried on it ---
    "ebay": mail("eBay <ebay@shop.example>", "Your item has been delivered", "Delivered!\n", UNSUBSCRIBE),
    "amazon fail": mail(
        "Amazon <ship@shop.example>",
        "Delivery attempted: package undeliverable",
        "We were unable to deliver your package. It will be returned to us.\n",
    ),
    "usps phish": mail(
        "USPS <info@evil.example>",
        "USPS: Your package could not be delivered",
        "Your package could not be delivered due to a wrong address. Click to confirm: http://evil.example\n",
    ),
    "dhl phish daemon": mail(
        "DHL Delivery System <dhl@evil.example>",
        "Failed delivery notice",
        "Dear customer, the delivery of your parcel failed. https://evil.example\n",
    ),
    "phish account": mail(
        "Mail Administrator <admin@reporter.example>",
        "Your mailbox has exceeded its quota",
        "You will not be able to receive new mail until you re-validate. Click here http://evil.example\n",
        path="x@evil.example",
    ),
    "phish daemon addr": mail(
        "MAILER-DAEMON <mailer-daemon@evil.example>",
        "Mail delivery failed: messages pending",
        "You have 4 undelivered messages. Click below to release the messages http://evil.example\n",
        path="x@evil.example",
    ),
    "phish html code": mail(
        "Mail Delivery System <noreply@evil.example>",
        "Undelivered Mail",
        page("Delivery of your messages failed. Review undelivered messages."),
        html=True,
        path="x@evil.example",
    ),
    "postfix admin mail": mail(
        "postmaster@reporter.example",
        "Postfix queue report",
        "12 messages deferred, 3 bounced\n",
        path="postmaster@reporter.example",
    ),
    "root mailq": mail("root@host.example", "mailq", "Mail queue is empty\n", path="root@host.example"),
    "sysadmin logs": mail(
        "root <root@host.example>",
        "LogWatch: mail errors",
        "Relaying denied: 3 Time(s)\nUser unknown: 12\nmessage could not be delivered: 3\n",
        path="root@host.example",
    ),
    "dmarc digest service": mail(
        "DMARC Digests <d@svc.example>", "Your weekly DMARC digest", "pass 100 fail 2\n", UNSUBSCRIBE
    ),
    "mail outage": mail(
        "Hosting <support@host.example>",
        "Mail delivery delays",
        "Dear customer, mail delivery is delayed today. We are working on it.\n",
    ),
    "mail outage postmaster": mail(
        "Mail Team <postmaster@host.example>",
        "Delayed mail delivery",
        "Dear users, mail is delayed today because of a disk error. Nothing is lost.\n",
        path="postmaster@host.example",
    ),
    "noreply comment": mail(
        "Blog <wordpress@blog.example>",
        '[Blog] Comment: "Mail delivery failed"',
        "Author: Kim\nMy mail could not be delivered: 550 user unknown\n",
        path="wordpress@blog.example",
    ),
    "forum reply": mail(
        "Forum <noreply@forum.example>",
        "Reply to topic: failure notice from qmail",
        "Kim wrote: Hi. This is the qmail-send program. user unknown\n",
        GENERATED,
    ),
    "stack overflow": mail(
        "Q&A <noreply@qa.example>",
        "New answer: Undelivered Mail Returned to Sender",
        "550 5.1.1 means user unknown. This is the mail system at host.\n",
        GENERATED,
    ),
    "mailing list ml no hdr": mail(
        "Kim <kim@f.example>",
        "mailer-daemon messages",
        'I get a lot of mailer-daemon mails lately: "user unknown".\n',
        path="kim@f.example",
    ),
    "sender support reply": mail(
        "Support <support@isp.example>",
        "Re: [#123] bounced mails",
        "> could not be delivered\nPlease try again.\n",
        ANSWER,
    ),
    "ticket open by agent": mail(
        "Support <support@isp.example>",
        "[#123] Undeliverable mail",
        "Dear Jo, we looked at the mail that could not be delivered: 550 5.1.1 jo@x.example. Regards\n",
        path="support@isp.example",
    ),
    "a person accepts in words": mail("kim@f.example", "Accepted: Lunch", "kim accepted\n"),
    "out of office cal": mail(
        "HR <hr@corp.example>", "Out of office calendar December", "See who is away.\n", BULK
    ),
    "absence note school": mail(
        "School <office@school.example>", "Absence notification: Sam", "Sam was absent today.\n", GENERATED
    ),
    "abwesenheit lehre": mail(
        "HR <hr@corp.example>",
        "Abwesenheitsmeldung genehmigt",
        "Ihre Abwesenheit wurde genehmigt.\n",
        GENERATED,
    ),
    "holiday notice shop": mail(
        "Shop <s@shop.example>", "Holiday notice: we are closed", "We are on holiday until Monday.\n", BULK
    ),
    "virus news": mail(
        "Kaspersky <news@kasp.example>",
        "Virus found in popular app",
        "Read more http://x.example about the virus found in messages.\n",
    ),
    "avast renew": mail(
        "Avast Antivirus <offer@avast.example>",
        "Warning: viruses detected",
        "Viruses detected in your e-mail! Renew now. http://x.example\n",
    ),
    "mailscanner info": mail(
        "Kim <k@f.example>",
        "MailScanner configuration question",
        "How do I set Notify Senders? It has detected a virus in a message.\n",
        path="k@f.example",
    ),
    "github security": mail(
        "GitHub <noreply@github.example>",
        "[GitHub] Please verify your device",
        "Verify that you are signing in. Code 123\n",
    ),
    "verify email": mail(
        "App <no-reply@app.example>",
        "Confirm your email",
        "Hi! Please confirm that your e-mail is real by clicking. Your message settings...\n",
        GENERATED,
    ),
    "slack": mail(
        "Slack <fb@slack.example>", "Kim sent you a message", "Kim: could you send the file\n", GENERATED
    ),
    "voicemail": mail(
        "Asterisk <asterisk@pbx.example>",
        "New message 3 in mailbox 100",
        "You have a message\n",
        path="asterisk@pbx.example",
    ),
    "scanner device": mail("Scanner <scanner@corp.example>", "Scanned document", "Attached.\n"),
    "mail read receipt ask": mail(
        "Kim <k@f.example>", "Read: chapter 3", "Please read.\n", path="k@f.example"
    ),
    "bank secure mail": mail(
        "Secure Mail <securemail@bank.example>",
        "You have received a secure message",
        "Read your secure message by opening the attachment.\n",
    ),
    "proofpoint enc": mail(
        "Postmaster <postmaster@corp.example>",
        "Secure message from Kim",
        "Click to view your encrypted message https://x.example\n",
        path="postmaster@corp.example",
    ),
    "newsletter mailer": mail(
        "Mailer <bounce@news.example>", "Sale ends tonight", "Do not miss. unsubscribe\n", BULK
    ),
    "newsletter return": mail(
        "Shop <bounces@news.example>",
        "Free returns",
        "Return to sender? Your item can be returned for free.\n",
    ),
    "smtp.com ad": mail(
        "SMTP Service <sales@smtp.example>",
        "Improve your email delivery",
        "Failed to deliver your newsletters? We help: bounces, 550 errors.\n",
    ),
    "deliverability ad": mail(
        "Email Delivery Service <sales@x.example>",
        "Email delivery failure? We can help",
        "Messages that could not be delivered cost money. Call us.\n",
    ),
    "git push bounce": mail(
        "git <git@host.example>",
        "[repo] branch main: fix undeliverable handling",
        "commit abc: could not be delivered\n",
        GENERATED,
    ),
    "ci": mail("Jenkins <jenkins@ci.example>", "Build failed: mail-delivery", "Message could not be sent\n"),
    "backup": mail(
        "Backup <backup@host.example>",
        "Backup failure notification",
        "Backup failed: host not found\n",
        GENERATED,
    ),
    "ups": mail("apcupsd <root@host.example>", "UPS power failure", "on battery\n"),
    "failure notification": mail(
        "Monitor <mon@host.example>",
        "Failure notification: db1",
        "db1: connection refused, host unknown\n",
        GENERATED,
    ),
    "order error": mail(
        "Shop <o@shop.example>",
        "Order processing error",
        "Your order could not be processed: address not found. Contact sam@shop.example\n",
        GENERATED,
    ),
    "invoice undeliv": mail(
        "Billing <b@shop.example>",
        "Invoice returned",
        "The invoice sent to old@shop.example was returned as undeliverable. Please update your address.\n",
        GENERATED,
    ),
    "paypal dispute": mail(
        "Pay <p@pay.example>", "Payment returned", "A payment to sam@x.example was returned.\n", GENERATED
    ),
    "card declined": mail(
        "Pay <p@pay.example>", "Message from your bank: rejected", "554 was rejected\n", GENERATED
    ),
}

ORDINARY |= {
    "third round 1": mail("Fitbit <x@fit.example>", "Delivery status of your order", "Shipped\n", GENERATED),
    "third round 2": mail(
        "Uber <x@u.example>",
        "Your delivery failed",
        "Your courier could not deliver. Contact support@u.example\n",
        GENERATED,
    ),
    "third round 3": mail(
        "Facebook <notification@fbmail.example>", "Kim mentioned you", "...\n", GENERATED, UNSUBSCRIBE
    ),
    "third round 4": mail(
        "Mail Team <mailteam@corp.example>", "Failed login", "Someone failed to log in\n", GENERATED
    ),
    "third round 5": mail(
        "Hermes <h@h.example>", "Zustellbenachrichtigung", "Ihr Paket kommt heute.\n", GENERATED
    ),
    "third round 6": mail(
        "La Poste <l@poste.example>",
        "Avis de non distribution de votre colis",
        "Votre colis 123 non distribué.\n",
    ),
    "third round 7": mail(
        "PostNL <p@p.example>",
        "Je pakket kon niet worden bezorgd",
        "Pakket niet bezorgd. Haal het op.\n",
        GENERATED,
    ),
    "third round 8": mail(
        "Postmates <p@p.example>",
        "Undeliverable order",
        "Your order could not be delivered to 1 Main Street.\n",
        GENERATED,
    ),
    "third round 9": mail(
        "ISP <abuse@isp.example>", "Abuse report about 192.0.2.1", "Spam was sent by your host.\n"
    ),
    "third round 10": mail(
        "Kim <kim@f.example>",
        "Undeliverable?",
        'Hi, did you get: "user unknown" for jo@x.example could not be delivered?\n',
        path="kim@f.example",
    ),
    "third round 11": mail(
        "Kim <kim@f.example>",
        "Mail delivery failed",
        "Hi Jo, my mail to sam@x.example failed: 550 user unknown. Can you ask him?\n",
        path="kim@f.example",
    ),
    "third round 12": mail(
        "Kim <kim@f.example>", "Returned mail", "Look, this came back:\n\n" + RAW_BOUNCE, path="kim@f.example"
    ),
    "third round 13": mail(
        "Admin <admin@corp.example>",
        "Notice: mailbox migration",
        "Your mailbox will be moved. Mail may be delayed. https://corp.example\n",
    ),
    "third round 14": mail(
        "Spamhaus News <n@s.example>", "Bounce messages and backscatter", "550 5.7.1\n", BULK
    ),
    "third round 15": mail("List <owner@l.example>", "You are not subscribed yet", "Join our list\n"),
    "third round 16": mail(
        "Mailchimp <m@m.example>", "Your list confirmation", "Confirm subscription by click\n", GENERATED
    ),
    "third round 17": mail(
        "Kim <kim@f.example>",
        "Vacation",
        "On vacation! Photos attached. I am out until Monday.\n",
        path="kim@f.example",
    ),
    "third round 18": mail(
        "Boss <boss@corp.example>",
        "Automatic reply settings",
        "Please set your out of office.\n",
        path="boss@corp.example",
    ),
    "third round 19": mail(
        "IT <it@corp.example>", "Automatic replies must be set", "Please set.\n", GENERATED
    ),
    "third round 20": mail("Newsletter <n@n.example>", "Auto-Responder tips", "...\n", BULK),
}


def judged(message: bytes) -> tuple[Kind, Refusal | None]:
    result = judge(message, registration=Registration(), claim=Claim(), now=mails.NOW)
    return result.kind, result.refusal


NOT_ONE = (Kind.NONE, Refusal.NOT_A_NOTIFICATION)


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_mail_is_no_notification(name: str) -> None:
    assert judged(ORDINARY[name]) == NOT_ONE


@pytest.mark.parametrize("name", ORDINARY)
def test_nor_without_its_return_path(name: str) -> None:
    _, _, rest = ORDINARY[name].partition(b"\n")
    assert judged(rest) == NOT_ONE


@pytest.mark.parametrize("name", ORDINARY)
def test_nor_with_other_line_ends_or_an_encoded_text(name: str) -> None:
    message = ORDINARY[name]
    assert judged(message.replace(b"\n", b"\r\n")) == NOT_ONE
    head, _, body = message.partition(b"\n\n")
    if b"multipart/" not in head:
        packed = head + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(body)
        assert judged(packed) == NOT_ONE

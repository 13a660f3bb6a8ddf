"""Texts for whoever shows control of an address: proofs, confirmation, the reports in detail, disputes."""

from typing import Final

OWNER: Final[dict[str, str]] = {
    # Other proofs
    "proofs.of": "Prove control of {address}",
    "proofs.link": "No shell on that server? Prove it by mail or by a DNS record",
    "proofs.intro": "One of these is enough. What is used here comes from DNS or the registry only; nothing "
    "can be typed in.",
    "proofs.names": "Reverse DNS names this address {names}, and that name points back at it.",
    "proofs.no_names": "Reverse DNS gives no name for this address that points back at it, so there is "
    "nobody to write to and no place for a record. Set the PTR record of the address, or ask your provider "
    "to. The listing ends by itself in any case.",
    "proofs.no_dns": "DNS did not answer in time. Try again in a minute.",
    "proofs.mail": "By mail",
    "proofs.mail_text": "We send a link to one of these addresses. It is good for 24 hours, and only its "
    "button removes the address.",
    "proofs.mail_legend": "Send the link to",
    "proofs.mail_button": "Send the link",
    "proofs.mail_off": "This site sends no mail at present.",
    "proofs.mail_none": "None of these domains takes mail.",
    "proofs.rdap_contact": "abuse contact at the registry",
    "proofs.rdap_off": "The registry's abuse contact is not asked for on this site.",
    "proofs.txt": "By a DNS record",
    "proofs.txt_text": "Publish this TXT record, then press the button. You may delete it afterwards.",
    "proofs.txt_name": "Name",
    "proofs.txt_value": "Text",
    "proofs.txt_button": "Check the record and remove",
    "proofs.txt_none": "A record needs a name: see above.",
    "proofs.txt_missing": "The TXT record is not there yet. New records can take some minutes; nothing was "
    "changed.",
    "proofs.txt_unanswered": "DNS did not answer in time; nothing was changed. Try again in a minute.",
    "proofs.choose": "Choose one of the addresses.",
    "proofs.limit_address": "A mail went to {to} less than 24 hours ago. Use its link, look into the spam "
    "folder, or choose another proof.",
    "proofs.limit_domain": "{most} mails went to that domain in the last 24 hours, which is the limit. Use "
    "one of their links or another proof.",
    "proofs.limit_full": "Too many mails are waiting to be sent. Choose another proof, or come back later.",
    "proofs.sent_title": "The link is on its way",
    "proofs.sent": "A mail goes to {to}. Its link is good until {until}.",
    "proofs.sent_next": "Open the link and press the button there. The next mail to the same address is "
    "possible after 24 hours.",
    "proofs.busy": "Too many visitors are asking at once. Come back in some seconds.",
    "proofs.line_mail": "mail: post recipient={recipient} to /removal/mail to have a link sent to {to}",
    "proofs.line_txt": 'dns: publish {name} TXT "{value}", then post the address to /removal/txt',
    "proofs.stuck": "Nothing of this is possible?",
    "proofs.stuck_text": "Write to the operator, who looks at the oldest case first and answers within "
    "{days} days.",
    "proofs.stuck_link": "Write to the operator",
    "proofs.back": "Back to the removal page",
    "form.leave_empty": "Leave this field empty",
    # The mail
    "mail.subject": "Removal of {address} from the backscatter list",
    "mail.body": "Hello,\n\n"
    "somebody asked for {address} to be removed from the\n"
    "Backscatter Feed, and DNS or the registry names you for this address.\n\n"
    "To remove it, open this page and press its button:\n\n"
    "{link}\n\n"
    "The link is good until {until}, for this one address.\n"
    "Opening it changes nothing. If you do not want this, do nothing:\n"
    "nothing happens, and no other mail follows.\n\n"
    "What was reported, and what to change in the mail server:\n"
    "{lookup}\n\n"
    "This mail was made by a program and has an empty envelope sender, so\n"
    "no answer reaches us. Operator: {hostmaster}",
    # Confirmation
    "confirm.of": "Remove {address}?",
    "confirm.button": "Remove {address}",
    "confirm.until": "This link is good until {until}, for one removal.",
    "confirm.used": "Already done: this link was used at {when}.",
    "confirm.over": "This link was good until {when}. Ask for a new one.",
    "confirm.void": "This link is void: the address was removed in another way since it was sent.",
    "confirm.unknown": "There is no such link. Check that it is complete, or ask for a new one.",
    "confirm.ticket": "See the ticket",
    # The owner's view
    "owner.of": "Reports about {address}",
    "owner.intro": "Look for these times in the log of the mail server. Your server sent each notification "
    "to somebody who had not written to it; the mail that it answers came in shortly before.",
    "owner.hour": "within the hour from {when}",
    "owner.exactness": "Some sources tell the hour only, so that their addresses stay unknown. What a source "
    "did not allow is left out.",
    "owner.none": "No report of the last weeks is on file.",
    "owner.number": "Number",
    "owner.when": "Time",
    "owner.kind": "Kind",
    "owner.details": "Details",
    "owner.from": "from {address}",
    "owner.helo": "HELO {helo}",
    "owner.status": "status {status}",
    "owner.queue": "your queue id {queue}",
    "owner.domain": "recipient at {domain}",
    "owner.test": "Test the fix: the answer to RCPT must begin with 550.",
    "owner.test_title": "Test the fix",
    "owner.test_text": "Run this line from another machine. It stops before any mail is sent. An answer of "
    "`550` to `RCPT TO` is right; `250` means that the server still takes mail for everybody.",
    "owner.until": "This link is good until {until}. Whoever has it sees this page.",
    "owner.link": "See each report with its time",
    "owner.over": "This link is over or not complete. Open it anew from the listed server or from the "
    "ticket.",
    "owner.not_proven": "The times are for the owner of {address} only. Run this on the listed server: "
    "{line}",
    # Disputes
    "dispute.of": "Dispute about {address}",
    "dispute.link": "This is wrong: dispute it",
    "dispute.intro": "Say what is wrong, or what you cannot do by yourself. The operator reads the oldest "
    "case first and answers within {days} days; the page that follows tells what became of it. Removal "
    "needs no dispute.",
    "dispute.words": "What is wrong?",
    "dispute.words_hint": "Up to {most} characters, for the operator. Never published.",
    "dispute.reports": "Numbers of the reports meant (optional)",
    "dispute.reports_hint": "As shown to the proven owner; without them all are meant.",
    "dispute.button": "Send",
    "dispute.empty": "Say what is wrong.",
    "dispute.nothing": "Nothing was ever reported about {address}, so there is nothing to dispute.",
    "dispute.enough": "Several disputes about this address are open already. They are answered first.",
    "dispute.unknown": "There is no dispute with this number. Check that the link is complete.",
    "dispute.line": "Filed. What becomes of it: {url}",
    "dispute.asked": "Filed at {when}.",
    "dispute.answer_by": "The operator answers by {when}.",
    "dispute.answered": "Answered at {when}: {reason}",
    "dispute.retracted": "Reports taken back: {n}.",
    "dispute.open": "Open",
    "dispute.upheld": "You were right",
    "dispute.partly": "You were partly right",
    "dispute.rejected": "The reports stand",
}

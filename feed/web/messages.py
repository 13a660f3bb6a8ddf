"""Every text of the pages, in English: one catalogue, so that other languages can follow.

Keys are stable. `{name}` is filled in by `text`; backquotes mark code. Wording is neutral on purpose:
a page says what sources reported, never what somebody is (field-review.md 19).
"""

from typing import Final

from feed.web.messages_console import CONSOLE
from feed.web.messages_feeds import FEEDS
from feed.web.messages_owner import OWNER
from feed.web.messages_pages import PAGES

_FIRST: Final[dict[str, str]] = {
    # The frame of every page
    "site.name": "Backscatter Feed",
    "site.skip": "Skip to content",
    "site.nav": "Main",
    "nav.lookup": "Look-up",
    "nav.policy": "Policy",
    "site.footer": "Free of charge for everybody, listed or not. All times are UTC.",
    "site.no_warranty": "The list says what was reported. Mail servers that use it decide for themselves, "
    "and it comes without warranty.",
    "site.contact": "Operator: {hostmaster}",
    "bounces.sentence": "You need not switch bounces off: refuse in the SMTP dialogue and you are never "
    "listed.",
    # Start
    "start.title": "Servers that send backscatter",
    "start.what": "Backscatter is mail that a server sends to somebody who never wrote to it: a bounce, an "
    "auto-reply or a challenge for a mail with a forged sender. This feed collects reports of such mail and "
    "publishes the addresses it comes from as a DNS list.",
    "start.lookup": "Look up an address",
    "start.mine": "Am I clean? Look up the address I come from",
    "start.mine_note": "Asked from the mail server itself this tells its own state: `curl -L "
    "{site_url}/mine`",
    "start.for": "For whom",
    "start.for_listed": "Your server is listed",
    "start.for_listed_text": "See what was reported, learn what to change in your mail server, and have it "
    "removed in minutes: free, without an account.",
    "start.for_consumer": "You run a mail server",
    "start.for_consumer_text": "Ask one DNS question about null-sender mail. `{zone}` holds confirmed "
    "emitters only (`127.0.0.2`); `{score_zone}` adds reported ones (`127.0.0.3`) for scoring.",
    "start.for_reporter": "You receive backscatter",
    "start.for_reporter_text": "Report what arrived, from your mail log or a trap address, with a key from "
    "the operator. Mail content need not leave your server.",
    "start.go_listed": "How to fix it",
    "start.go_consumer": "Settings to copy",
    "start.go_reporter": "How to report",
    "start.policy_link": "Read the policy: what is listed, for how long, and how it ends",
    # Look-up form and page
    "lookup.title": "Look-up",
    "lookup.label": "IP address of a mail server",
    "lookup.hint": "IPv4 or IPv6, in any spelling.",
    "lookup.button": "Look up",
    "lookup.again": "Look up another address",
    "lookup.of": "Address {address}",
    "error.title": "Error:",
    "error.summary": "There is a problem",
    "error.empty": "Enter an IP address, such as 192.0.2.7 or 2001:db8::7.",
    "error.address": "Enter one IP address, such as 192.0.2.7 or 2001:db8::7: {why}.",
    "error.width": "the part behind / is not a prefix length",
    "error.range": "Enter one address. Of networks only an IPv6 /64, one listed unit, can be looked up: "
    "{why}.",
    "state.listed": "Listed",
    "state.not_listed": "Not listed",
    "state.never": "This address can never be listed.",
    "state.never_why": "It is special-purpose space: {why}. No mail server on the Internet has it. If your "
    "server shows such an address, look up the one with which it reaches the outside.",
    "state.code_2": "Listed as a confirmed emitter of backscatter, code 127.0.0.2.",
    "state.code_3": "Listed as a reported emitter of backscatter, code 127.0.0.3: in the scoring zone only.",
    "state.unknown": "No backscatter from this address is on file.",
    "state.clear": "Old reports no longer count.",
    "state.watch": "There are reports, but not enough to list it.",
    "state.pending": "The reports reach the criteria. It will be listed in the next minutes.",
    "state.probation": "It was removed on request. It is listed again only if new backscatter is reported.",
    "state.expired": "The listing ended by itself.",
    "state.void": "The listing was withdrawn: reports behind it do not count any more.",
    "state.held": "Reports are counted but do not list it.",
    "state.other_128": "Another address of the same /64 is listed; this one is not.",
    "state.was_until": "It was listed until {when}.",
    "hold.exempt": "The operator has made this address exempt.",
    "hold.provider": "It belongs to the published ranges of a large shared sender ({words}). Many customers "
    "share such addresses, so they are never listed.",
    "hold.pool": "Most mail from it is wanted: sources see much other mail from this address, so it counts "
    "as a shared pool and is not listed.",
    "hold.operator": "The operator holds it back while the case is looked at.",
    "hold.source_failed": "The list of large shared senders cannot be read at present; nothing new is "
    "listed until it can.",
    "facts.title": "What was reported",
    "facts.sentence_one": "1 source reported {reports} from this {scope}.",
    "facts.sentence_many": "{sources} sources reported {reports} from this {scope}.",
    "facts.reports_one": "1 unsolicited notification",
    "facts.reports_many": "{n} unsolicited notifications",
    "facts.scope": "Scope",
    "facts.scope_address": "this address only",
    "facts.scope_64": "the whole /64: {network}",
    "facts.unit_address": "address",
    "facts.unit_64": "/64",
    "facts.code": "Code",
    "facts.reports": "Notifications",
    "facts.sources": "Sources",
    "facts.kinds": "Kinds",
    "facts.first": "First day",
    "facts.last": "Last day",
    "facts.listed_since": "Listed since",
    "facts.expires": "Ends by itself",
    "facts.expires_by": "at the latest {when}, in {left}, without new reports",
    "facts.next": "Next change",
    "facts.next_text": "expected {when}, in {left}, if nothing new is reported",
    "facts.idle": "Not counted",
    "facts.idle_text": "{n} ({why})",
    "idle.before_removal": "from before the last removal",
    "idle.too_old": "too old",
    "idle.no_weight": "from sources that carry no weight yet",
    "idle.suspended": "from suspended sources",
    "idle.unproven": "not proven to be unsolicited",
    "idle.few_recipients": "unknown recipients, too few of them",
    "facts.bands": "Numbers are given in bands and times to the day, so that traps stay unknown.",
    "why.title": "Why",
    "why.trap": "Notifications reached trap or tagged addresses, which never send the mail that was "
    "returned.",
    "why.anchor": "Notifications reached trap addresses of vetted sources, which nobody writes to or from.",
    "why.log_miss": "A source compared them with its complete log of sent mail: the mail that was returned "
    "never left there, on several days.",
    "why.by_hand": "The operator listed it by hand, with a reason and an end; write to him to object.",
    "why.groups": "Many independent sources reported it.",
    "why.reported": "Sources reported it; the stronger criteria for 127.0.0.2 are not met.",
    "why.mixed": "Sources reported it, and it also sends genuine bounces; so the code is 127.0.0.3.",
    "gate.intro": "To be listed it takes all of these:",
    "gate.score": "Enough fresh and strong reports together",
    "gate.quorum": "Enough independent sources",
    "gate.originals": "Enough different returned mails",
    "gate.days": "Reports on more than one day, or more mails",
    "gate.met": "met",
    "gate.not_met": "not met",
    "dns.title": "What DNS answers now",
    "dns.caption": "Answers of our own name server to a question asked while this page was made",
    "dns.zone": "Zone",
    "dns.answer": "Answer",
    "dns.listed": "listed: {codes}",
    "dns.not_listed": "not listed",
    "dns.no_answer": "no answer within a second",
    "dns.refused": "the question was refused",
    "dns.from": "asked at {server}",
    "dns.from_serial": "asked at {server}; serial {serial}",
    "dns.from_changed": "asked at {server}; serial {serial}, changed {when}",
    "dns.published": "{zone} was confirmed current at {when}, with {entries} entries.",
    "dns.unpublished": "{zone} has not been published yet.",
    "dns.caches": "Resolvers may keep an older answer for up to {ttl_minutes} minutes.",
    "fix.title": "How to fix it",
    "fix.seen": "The notifications look like those of {software}.",
    "fix.chosen": "You chose {software}.",
    "fix.other": "Not your software? Choose it",
    "fix.test": "To check: {test}",
    "fix.test_outside": "Test from another machine that the answer to `RCPT TO` begins with 550: "
    "`swaks --server {server} --from '<>' --to no-such-user-4711@YOUR-DOMAIN --quit-after RCPT`",
    "owner.here": "You come from this address: see each report with its time, to find it in your log",
    "chart.title": "Listed in the last {days} days",
    "chart.none": "It was not listed in the last {days} days.",
    "chart.times": "It was listed {n} in the last {days} days; the list below has the times.",
    "chart.today": "today",
    "fix.sentence": "What helps with every mail server:",
    "fix.after": "Change this first: a server that goes on sending is listed again.",
    "remove.link": "Have this address removed",
    "remove.link_note": "Free of charge, without an account. It takes effect within minutes.",
    "history.title": "History",
    "cause.listed": "listed, code 127.0.0.{code}",
    "cause.code": "code changed to 127.0.0.{code}",
    "cause.removal": "removed on request",
    "cause.expired": "ended by itself",
    "cause.held": "held, not listed",
    "cause.void": "withdrawn",
    "cause.pending": "about to be listed",
    "cause.watch": "reports, not listed",
    "cause.clear": "nothing that counts",
    "cause.probation": "on probation",
    # Removal
    "removal.of": "Removal of {address}",
    "removal.nothing": "Nothing to remove: it is not listed.",
    "removal.held_nothing": "Nothing to remove: reports about it are held and do not list it.",
    "removal.ends": "It ends by itself at the latest {when}.",
    "removal.now": "It can be removed now.",
    "removal.wait": "It can be removed again from {when}, in {left}, if nothing new is reported until then.",
    "removal.by_self": "It has been removed several times lately. The listing now ends by itself, or the "
    "operator ({hostmaster}) ends it. A removal can be asked for again from {when}.",
    "removal.proof": "Proof",
    "removal.proof_4": "Ask from the listed address itself. Nothing else is needed.",
    "removal.proof_6": "Ask from the listed address itself or from its /64. Nothing else is needed.",
    "removal.from_listed": "This request comes from {client}. That is the proof: press the button.",
    "removal.from_other": "This request comes from {client}, which is not the listed address. Run this line "
    "on the listed server:",
    "removal.from_unknown": "It cannot be seen where this request comes from. Run this line on the listed "
    "server:",
    "removal.several": "If the server has several addresses, add `--interface {address}`.",
    "removal.trial": "On a trial machine, whose own requests are trusted like those of a proxy, this line "
    "stands in for the listed server:",
    "removal.comment": "What have you changed? (optional)",
    "removal.comment_hint": "Up to {most} characters, for the operator. It is never published.",
    "removal.button": "Remove {address}",
    "removal.fix_first": "Have you changed the server? See what helps",
    "removal.ladder": "Waits",
    "removal.ladder_intro": "Counted over {window}:",
    "removal.ladder_1": "The first removal takes effect at once.",
    "removal.ladder_2": "The second after {quiet} without a new report.",
    "removal.ladder_3": "The third after {quiet} without a new report.",
    "removal.ladder_4": "After that the listing ends by itself, or the operator ends it.",
    "removal.ladder_here": "your next removal",
    "removal.after": "After a removal no report from before counts any more.",
    "removal.comment_long": "Shorten the text to {most} characters; it has {has}.",
    "removal.not_proven": "Nothing was changed: the request came from {client}, not from {address}.",
    "removal.not_proven_unknown": "Nothing was changed: it cannot be seen where the request came from.",
    "removal.too_large": "The form is too large.",
    "removal.not_a_form": "Send the form as application/x-www-form-urlencoded.",
    "form.foreign": "Nothing was changed: the request did not come from a page of {site_url}. Open the "
    "removal page there and press its button.",
    "form.stale": "Nothing was changed: the form was too old, or the browser kept no cookie. Press the "
    "button once more.",
    # Ticket
    "ticket.title": "Ticket",
    "ticket.of": "Removal of {address}",
    "ticket.accepted": "Removed",
    "ticket.accepted_at": "Removed at {when}.",
    "ticket.wait": "Not removed yet",
    "ticket.wait_until": "It can be asked for again from {when}, if nothing new is reported until then.",
    "ticket.operator": "Not removed",
    "ticket.operator_text": "It has been removed several times lately. The listing ends by itself, or the "
    "operator ({hostmaster}) ends it.",
    "ticket.again_from": "A removal can be asked for again from {when}.",
    "ticket.nothing": "Nothing to remove",
    "ticket.nothing_text": "The address was not listed when it was asked for at {when}.",
    "ticket.ends": "Without new reports it ends by itself at the latest {when}.",
    "ticket.relisted": "It has been listed again since, because of new reports.",
    "ticket.our_server": "Our name server says so by",
    "ticket.caches": "Resolvers say so by",
    "ticket.asked": "Asked at",
    "ticket.was": "Code before",
    "ticket.number": "Ticket",
    "ticket.again": "Ask DNS again",
    "ticket.keep": "Keep this link: the number cannot be guessed, and whoever has it sees this page.",
    "ticket.lookup": "Look up {address}",
    "ticket.ask_again": "Ask again",
    "ticket.unknown_title": "No such ticket",
    "ticket.unknown": "There is no ticket with this number. Check that the link is complete, or look the "
    "address up.",
    "text.accepted": "{address} is removed since {when}. Our name server says so by {server}, resolvers by "
    "{caches}.",
    "text.ticket": "Ticket: {url}",
    # Policy
    "policy.title": "Policy",
    "policy.in_force": "The policy in force is called {name}. The numbers on this page are read from it.",
    "policy.what": "What is listed",
    "policy.what_1": "Addresses that send notifications (bounces, auto-replies, challenges, content "
    "notices) about mail that the receiver never sent. IPv6 is counted by /64; one address of it is listed "
    "while all reports name only that one.",
    "policy.what_2": "Sender callouts, read receipts, replies of list managers and copies to postmasters "
    "are counted and shown, never listed.",
    "policy.what_3": "Large shared senders with published address ranges are held: shown, never listed.",
    "policy.what_4": "An address that also sends genuine bounces never gets 127.0.0.2.",
    "policy.what_5": "No neighbours: a listing names one address or one /64, never a wider network.",
    "policy.codes": "Zones and codes",
    "policy.code": "Code",
    "policy.means": "Means",
    "policy.zones": "Zones",
    "policy.code_2": "confirmed emitter",
    "policy.code_3": "reported emitter: use it for scoring",
    "policy.codes_note": "Use the list for mail with a null sender, at DATA, and compare the code.",
    "policy.criteria": "When an address is listed",
    "policy.list_at": "Score to be listed",
    "policy.delist_at": "Score below which a listing ends",
    "policy.half_life": "Half-life of a report",
    "policy.quorum": "Independent sources needed",
    "policy.originals": "Different returned mails needed",
    "policy.days": "Days needed, unless there are {n} returned mails",
    "policy.confirm": "For 127.0.0.2 also one of",
    "policy.confirm_trap": "a trap or tagged address",
    "policy.confirm_log_miss": "{originals} mails missing in a complete sent log on {days} days",
    "policy.confirm_anchor": "{hits} notifications at {traps} trap addresses of vetted sources on {days} "
    "days",
    "policy.confirm_anchor_groups": "one at such a trap, where {groups} trusted sources report too",
    "policy.confirm_groups": "{groups} independent sources, and at least {percent} % of all trusted ones",
    "policy.confirm_none": "no way is switched on",
    "policy.reported": "Trusted sources needed for 127.0.0.3",
    "policy.delay": "Delay before publication",
    "policy.delay_none": "none",
    "policy.delay_text": "{least} to {most} minutes",
    "policy.expiry": "How a listing ends",
    "policy.expiry_1": "Always: every listing has a date on which it ends by itself, at the latest {cap} "
    "after the last strong report.",
    "policy.expiry_2": "Sooner, when the score has decayed; not before {least} after listing, and with "
    "repeated listings not before {most}.",
    "policy.expiry_alone": "Also when fewer than {groups} sources still add {points} points each, "
    "half as many with each repeated listing: one source alone keeps nothing listed.",
    "policy.expiry_3": "By removal on request.",
    "policy.promise": "An accepted removal is gone from our name server within {server_s} seconds and from "
    "caches within {cache_minutes} minutes.",
    "policy.free": "Cost",
    "policy.free_1": "Listing, look-up, removal and use of the list are free of charge. Nothing can be "
    "bought, least of all a faster removal. No account is needed.",
    # Errors
    "error.404_title": "Page not found",
    "error.404": "There is no page at this address.",
    "error.405_title": "This does not work that way",
    "error.405": "This page does not take that kind of request.",
    "error.410_title": "Not there any more",
    "error.413_title": "Too large",
    "error.415_title": "Wrong kind of content",
    "error.429_title": "Too many requests",
    "error.429": "Your network ({network}) has asked very often. Come back in {wait}.",
    "error.403_title": "Not done",
    "error.400_title": "The request cannot be read",
    "error.400": "The request is not valid.",
    "error.422_title": "The request cannot be used",
    "error.500_title": "Something is broken here",
    "error.500": "This is a defect on our side; nothing was changed. The list itself goes on: DNS does not "
    "depend on this page.",
    "error.503_title": "Not at the moment",
    "error.503": "The database does not answer; DNS goes on answering from the last good list. Try again in "
    "a minute.",
    "error.start": "Go to the start page",
}

MESSAGES: Final[dict[str, str]] = _FIRST | OWNER | PAGES | FEEDS | CONSOLE
"""All texts by key."""


def text(key: str, **values: object) -> str:
    """Return the text of `key` with its values filled in; raises `KeyError` for an unknown key."""
    return MESSAGES[key].format(**values)

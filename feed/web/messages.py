"""Every text of the pages, in English: one catalogue, so that other languages can follow.

Keys are stable. `{name}` is filled in by `text`; backquotes mark code. Wording is neutral on purpose:
a page says what sources reported, never what somebody is (field-review.md 19).
"""

from typing import Final

from feed.web.messages_console import CONSOLE
from feed.web.messages_desk import DESK
from feed.web.messages_feeds import FEEDS
from feed.web.messages_lookup import LOOKUP
from feed.web.messages_owner import OWNER
from feed.web.messages_pages import PAGES
from feed.web.messages_removal import REMOVAL

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
    "policy.expiry_renew": "{time} after the last trap hit, or after the listing began if that is later: "
    "what else is reported meanwhile may only repeat the list. Then it takes new reports to list it again.",
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

MESSAGES: Final[dict[str, str]] = _FIRST | LOOKUP | REMOVAL | OWNER | PAGES | FEEDS | CONSOLE | DESK
"""All texts by key."""


def text(key: str, **values: object) -> str:
    """Return the text of `key` with its values filled in; raises `KeyError` for an unknown key."""
    return MESSAGES[key].format(**values)

"""Texts of the pages that explain: fix, use, report, terms, statistics, reference."""

from typing import Final

PAGES: Final[dict[str, str]] = {
    "nav.use": "Use it",
    "nav.report": "Report",
    "nav.fix": "Fix it",
    "nav.feeds": "Feed files",
    "nav.statistics": "Statistics",
    "nav.terms": "Terms and privacy",
    "nav.reference": "API reference",
    "site.more": "More",
    # Fix
    "fix.page": "How to stop backscatter",
    "fix.page_intro": "Find your mail server. The advice never asks you to switch bounces off: refuse in the "
    "SMTP dialogue, and the connecting server tells its own sender.",
    "fix.all": "All mail servers",
    # Use
    "use.title": "Use the list",
    "use.intro": "Ask about mail with an empty sender only, at DATA, and compare the code. A listed server "
    "sends wanted mail too; nothing else of it should be refused.",
    "use.zones": "`{zone}` answers `127.0.0.2` only: confirmed emitters. `{score_zone}` answers "
    "`127.0.0.3` for reported ones as well: use it for scoring. No other answer is ours; an overloaded or "
    "forbidden question is REFUSED, never answered with an address.",
    "use.first": "First test your resolver",
    "use.score_first": "Score first, refuse later: a genuine bounce that is refused is lost for ever, "
    "because its sender is empty. If your outgoing mail carries tags (BATV), a valid tag should beat the "
    "list.",
    "use.first_text": "The first question must be answered with `127.0.0.2`, the second with NXDOMAIN. An "
    "empty first answer comes from a resolver that drops 127/8 (rebind protection): allow the zone there. "
    "An answer to the second comes from one that rewrites NXDOMAIN: use another.",
    "use.resolver": "Your resolver answers nothing?",
    "use.resolver_text": "Many resolvers drop answers in 127.0.0.0/8, to protect against rebinding. Let "
    "them through for these zones only. Use a resolver of your own: a public one is asked by many, and may "
    "be limited.",
    "use.resolver_trial": "These zones exist on this machine only. Mail servers ask on port 53 only; a "
    "resolver that is told where the zones are takes one of these.",
    "use.directly": "Is one of the name servers behind?",
    "use.directly_text": "Each answers with its serial; compare it with that on the page of the feed "
    "files. No answer at all: a firewall between you, or the server is down; the others go on.",
    "use.more": "Very many questions, or no DNS at all",
    "use.more_text": "Run a mirror of your own, or load the list as a file: nobody limits what you ask "
    "there.",
    "use.stages": "Three stages, a week each",
    "use.stage_warn": "1. Only log",
    "use.stage_score": "2. Score",
    "use.stage_refuse": "3. Refuse",
    "use.other": "Other software",
    "use.other_1": "Sendmail, Exchange and postscreen know no condition on the sender: do not use the zone "
    "in them directly. Put rspamd or another filter in front, or a milter that looks at the "
    "empty sender.",
    "use.other_2": "mailcow, Mailu and similar: use the rspamd settings in their override folder. iRedMail: "
    "use those for SpamAssassin. Refusals at SMTP time cannot be put into quarantine, so prefer the score.",
    "use.other_3": "Do not use the list in a firewall: blocking port 25 of a listed server loses its "
    "wanted mail.",
    "use.caches": "Answers may be kept for 300 seconds, negative ones for 120.",
    # Report
    "report.title": "Report backscatter",
    "report.intro": "Whoever runs a mail server can report the unsolicited notifications that arrive "
    "there. You need a key from the operator; it stands in a header, never in an address.",
    "report.best": "Best: facts without content",
    "report.best_text": "Mail content need not leave your server. `recipient_token` and `original_key` are "
    "keyed hashes of your own.",
    "report.raw": "Or the whole mail",
    "report.raw_text": "It is judged and thrown away. Nothing personal of it is stored.",
    "report.classes": "What do you know of the recipient?",
    "report.class": "Class",
    "report.say": "Say it when",
    "report.trap": "the address never sends",
    "report.tag_missing": "all mail of the address leaves with a tag, and this came back without one",
    "report.tag_bad": "the same, and the tag is wrong",
    "report.log_miss": "your log of sent mail is complete for at least 8 days, and this original never left",
    "report.no_such_user": "an empty sender wrote to an address that neither exists nor ever sent",
    "report.unknown": "anything else",
    "report.answer": "The answer says what was understood; it never promises a listing. The same report "
    "again gets the first receipt and costs nothing.",
    "report.genuine": "Say also what was genuine: it keeps honest servers off the list.",
    "report.desk": "Your own standing, receipts and keys: `/desk`.",
    # Terms
    "terms.title": "Terms and privacy",
    "terms.controller": "Controller",
    "terms.controller_none": "The operator has not named a controller yet. Write to {hostmaster}.",
    "terms.listed": "If your server is listed",
    "terms.listed_1": "The list says what sources reported about an address, not what somebody is. It holds "
    "addresses of mail servers; the legal ground is the legitimate interest of receivers in not being sent "
    "unsolicited notifications.",
    "terms.listed_2": "Objection: use the removal form. It takes effect within minutes, is free and needs no "
    "account. Who cannot prove control, or finds a report wrong, files a dispute.",
    "terms.stored": "What is stored",
    "terms.stored_1": "Of a report: address of the emitter, minute, kind, strength of the evidence, HELO "
    "name, status code, and who reported. No text, no subject, no mail address of a third party. "
    "Message-IDs and digests stand as keyed hashes that cannot be matched after 60 days. Events are "
    "deleted after 130 days.",
    "terms.stored_2": "Where a reporter allows it, the emitter's queue id and the domain of the failed "
    "recipient, for 45 days, shown to the proven owner only.",
    "terms.stored_3": "Of a visitor: nothing but a count by network in memory. The removal form sets one "
    "cookie for two hours. There are no third parties and no scripts. Tickets are kept for a year.",
    "terms.stored_4": "A removal by mail: the role address that DNS or the registry names, for 7 days.",
    "terms.reporters": "Reporters",
    "terms.reporters_1": "Report only what you received yourself, only with a right to do so, and "
    "truthfully. Replace recipients by tokens. A reporter whose reports prove wrong loses weight or is "
    "suspended, and its reports stop counting.",
    "terms.licence": "Licence",
    "terms.licence_1": "Anybody may ask the zones and use the list, at no charge. Whoever passes it on also "
    "passes on when each listing ends, and fetches it anew at least daily.",
    "terms.warranty": "No warranty",
    "terms.warranty_1": "The list comes as it is. Each mail server decides for itself what it refuses; "
    "prefer scoring, and refuse in the SMTP dialogue only, so that the sender learns of it.",
    "terms.end": "If the service ends",
    "terms.end_1": "It ends with an empty zone for at least a year, never with one that lists everybody.",
    # Statistics
    "statistics.title": "Statistics",
    "statistics.at": "Made at {when}, anew every minute.",
    "statistics.listed": "Listed now",
    "statistics.confirmed": "Confirmed (127.0.0.2)",
    "statistics.reported": "Reported (127.0.0.3)",
    "statistics.listings": "New listings",
    "statistics.removals": "Removals on request",
    "statistics.reports": "Reports taken",
    "statistics.by_day": "{what} by day, last {days} days: {sum} in all, at most {most} a day.",
    "statistics.none": "None in the last {days} days.",
    "statistics.table": "As a table",
    "statistics.day": "Day",
    "statistics.number": "Number",
    "statistics.kinds": "Kinds, last {days} days",
    "statistics.kinds_hint": "Emitters, sources and days at which each kind was seen.",
    "statistics.lengths": "How long listings lasted",
    "statistics.lengths_hint": "Of {n} listings that ended in the last {days} days, by whatever cause.",
    "statistics.within": "under {time}",
    "statistics.longer": "longer",
    "quality.title": "Quality of {month}",
    "quality.intro": "Measured once the month is over, with the feed's own traps as the truth.",
    "quality.volume": "Volume",
    "quality.volume_value": "{listings} listings of {emitters} emitters",
    "quality.volume_means": "{reported} emitters were reported, by {originals} returned mails.",
    "quality.accuracy": "Accuracy",
    "quality.accuracy_means": "Listed emitters that no retraction and no upheld dispute took back.",
    "quality.coverage": "Coverage",
    "quality.coverage_means": "Of the emitters that traps saw, so many were listed.",
    "quality.differential": "Worth of joining",
    "quality.differential_means": "Listed emitters that the best reporter alone did not know of.",
    "quality.exclusive": "From one source",
    "quality.exclusive_means": "Listed emitters that one group alone reported.",
    "quality.latency_minutes": "From first report to listing",
    "quality.latency_minutes_means": "Half of the listings took no longer.",
    "quality.latency_p90_minutes": "From first report to listing, slow ones",
    "quality.latency_p90_minutes_means": "Nine in ten took no longer.",
    # Reference
    "reference.title": "API reference",
    "reference.intro": "For programs: `GET /v1/openapi.json`. Keys go into `Authorization: Bearer`.",
    "reference.parameters": "Parameters",
    "reference.body": "Body",
    "reference.answers": "Answers",
    "reference.objects": "Objects",
    "reference.required": "required",
}

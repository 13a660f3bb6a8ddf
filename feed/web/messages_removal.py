"""Texts of the removal form and the ticket."""

from typing import Final

REMOVAL: Final[dict[str, str]] = {
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
}

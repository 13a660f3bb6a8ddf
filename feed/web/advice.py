"""What to change in which mail server so that it stops emitting backscatter.

Only lines that hold for the software named, in our own words (research: ux-ecosystem.md 2, the vendors'
manuals). The general part comes with each, since the guess of the software rests on marks in a mail.
"""

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Steps for one product. key: stable word. A step is a sentence; text in backquotes is code."""

    key: str
    name: str
    steps: tuple[str, ...]


GENERAL: Final = Advice(
    key="general",
    name="Any mail server",
    steps=(
        (
            "Refuse mail to recipients that do not exist in the SMTP dialogue (answer 550 to `RCPT TO`). "
            "The connecting server then keeps the mail, and nobody gets a bounce from you."
        ),
        (
            "Check for spam and viruses before you accept a mail. After acceptance deliver it, put it into "
            "quarantine or discard it, but do not send it back."
        ),
        "Give every backup MX and every gateway the same list of valid recipients.",
        (
            "Send auto-replies only to mail that passed SPF, DKIM or DMARC, never to a null sender or a "
            "mailing list, and once per sender in several days (RFC 3834)."
        ),
        "Do not check senders by calling back the servers of strangers, and do not use challenge-response.",
    ),
)

PRODUCTS: Final = (
    Advice(
        key="postfix",
        name="Postfix",
        steps=(
            "Keep `local_recipient_maps` at its default or set, never empty: empty accepts every local name.",
            (
                "For domains you relay, list the recipients in `relay_recipient_maps`, or use "
                "`reject_unverified_recipient` against your own backend."
            ),
            "Avoid `@domain` wildcards in virtual alias and canonical maps: they hide unknown users.",
            (
                "Filter before the queue: as a milter, or as `smtpd_proxy_filter`. With amavis behind the "
                "queue set the final destiny of spam and viruses to `D_DISCARD` or `D_PASS`, not `D_BOUNCE`."
            ),
        ),
    ),
    Advice(
        key="exim",
        name="Exim",
        steps=(
            (
                "Put `require verify = recipient` into the ACL of `acl_smtp_rcpt`; add `/callout` only "
                "towards your own backends."
            ),
            "Scan in the ACL of `acl_smtp_data` and deny there.",
            "Take `/callout` off `verify = sender`.",
            (
                "Auto-replies: use the `once` option, and conditions against null senders and "
                "`Auto-Submitted` mail."
            ),
        ),
    ),
    Advice(
        key="exchange",
        name="Exchange Server",
        steps=(
            (
                "Let the server that takes mail from the Internet (Edge Transport or gateway) know the "
                "recipients, and refuse others: "
                "`Set-RecipientFilterConfig -RecipientValidationEnabled $true`."
            ),
            (
                "If another gateway stands in front, switch on recipient verification there: it must answer "
                "before Exchange has to bounce."
            ),
            (
                "Allow automatic replies to the outside only where they are needed "
                "(`Set-RemoteDomain`, `AllowedOOFType`)."
            ),
        ),
    ),
    Advice(
        key="microsoft365",
        name="Microsoft 365",
        steps=(
            (
                "Set the accepted domain to *Authoritative* where all recipients are in Exchange Online, so "
                "that unknown ones are refused at the edge. *Internal relay* leaves that to the server "
                "behind it."
            ),
            (
                "Mail flow rules that reject a message with an explanation send a bounce after acceptance: "
                "use quarantine for spam instead."
            ),
            "Restrict automatic replies to the outside per remote domain (`AllowedOOFType`).",
        ),
    ),
    Advice(
        key="sendmail",
        name="Sendmail",
        steps=(
            (
                "End the virtual user table of each domain with a catch-all line `@example.org error:nouser` "
                "so that unknown users are refused in the dialogue."
            ),
            "Do not set `LUSER_RELAY`.",
            "Let milters reject in the dialogue, not after acceptance.",
        ),
    ),
    Advice(
        key="qmail",
        name="qmail",
        steps=(
            (
                "An unpatched `qmail-smtpd` does not know your users and accepts every name in its domains. "
                "Add a recipient check (for example the validrcptto or chkuser patch, or spamdyke), or put "
                "another mail server in front."
            ),
        ),
    ),
    Advice(
        key="cpanel",
        name="cPanel",
        steps=(
            (
                "Set the default address of every domain to `:fail:`, so that unknown users are refused in "
                "the dialogue."
            ),
            "Switch off sender verification callouts and BoxTrapper.",
        ),
    ),
)

_SPELLINGS: Final = (
    ("microsoft365", ("microsoft365", "m365", "office365", "o365", "exchangeonline", "outlook")),
    ("exchange", ("exchange", "msexchange")),
    ("postfix", ("postfix",)),
    ("exim", ("exim",)),
    ("sendmail", ("sendmail",)),
    ("qmail", ("qmail", "netqmail", "qsbmf")),
    ("cpanel", ("cpanel", "whm")),
)


def advice_for(software: str | None) -> Advice | None:
    """Return the advice for `software` as judged from a notification, None if it is not known."""
    plain = "".join(letter for letter in (software or "").lower() if letter.isalnum())
    for key, starts in _SPELLINGS:
        if plain and plain.startswith(starts):
            return next(product for product in PRODUCTS if product.key == key)
    return None

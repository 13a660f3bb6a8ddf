"""Which advice belongs to which software, as it was guessed from the marks in a notification."""

from typing import Final

from feed.web.advice_products import GENERAL, PRODUCTS, Advice

__all__ = ["GENERAL", "PRODUCTS", "Advice", "advice_for", "advice_named"]

_SPELLINGS: Final = (
    ("microsoft365", ("microsoft365", "m365", "office365", "o365", "exchangeonline", "outlook")),
    ("exchange", ("exchange", "msexchange")),
    ("postfix", ("postfix",)),
    ("exim", ("exim",)),
    ("sendmail", ("sendmail",)),
    ("qmail", ("qmail", "netqmail", "qsbmf")),
    ("cpanel", ("cpanel", "whm")),
    ("plesk", ("plesk",)),
    ("zimbra", ("zimbra",)),
    ("barracuda", ("barracuda",)),
    ("opensmtpd", ("opensmtpd",)),
    ("amavis", ("amavis",)),
    ("mailman", ("mailman", "majordomo", "listserv", "sympa")),
    ("challenge", ("boxtrapper", "spamarrest", "tmda", "boxbe")),
    ("packaged", ("mailcow", "mailu", "emailwiz", "iredmail", "mailinabox")),
)


def advice_for(software: str | None) -> Advice | None:
    """Return the advice for `software` as judged from a notification, None if it is not known."""
    plain = "".join(letter for letter in (software or "").lower() if letter.isalnum())
    for key, starts in _SPELLINGS:
        if plain and plain.startswith(starts):
            return advice_named(key)
    return None


def advice_named(key: str) -> Advice | None:
    """Return the advice with that key, None if there is none."""
    return next((product for product in PRODUCTS if product.key == key), None)

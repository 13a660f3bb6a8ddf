"""The abuse contact that the registry names for an address (RDAP, RFC 9083), where an operator set it up.

Only what the registry says counts; the visitor chooses nothing. Off unless `[site] rdap_url` is set.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, Final

from feed.domain.address import Address
from feed.web.owner_names import Recipient, mail_address, registered_domain

TIMEOUT_S: Final = 3.0
LARGEST: Final = 512 * 1024
_DEPTH_MOST: Final = 4
_EMAIL_FIELDS: Final = 4


def fetch(url: str) -> bytes:
    """Return at most `LARGEST` bytes of `url`; raises `OSError`."""
    request = urllib.request.Request(url, headers={"Accept": "application/rdap+json"})  # noqa: S310 - checked in settings
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        return bytes(answer.read(LARGEST))


def abuse_contact(base: str, address: Address, *, get: Callable[[str], bytes] = fetch) -> Recipient | None:
    """Return the abuse contact of `address`, None if there is none or the service does not answer.

    base: what stands before the address in the URL, such as `https://rdap.example.net/ip/`.
    """
    try:
        answer = json.loads(get(f"{base.rstrip('/')}/{address}"))
    except (OSError, ValueError, RecursionError, urllib.error.URLError):
        return None
    for found in _abuse_mails(answer, 0):
        plain = mail_address(found)
        if plain is not None:
            domain = registered_domain(plain.rpartition("@")[2])
            return Recipient(address=plain, domain=domain, means="rdap")
    return None


def _abuse_mails(node: Any, depth: int) -> Iterator[str]:
    """Give the mail addresses of entities with the role abuse, outer before inner."""
    entities = node.get("entities") if isinstance(node, dict) else None
    if not isinstance(entities, list) or depth > _DEPTH_MOST:
        return
    for entity in entities:
        if isinstance(entity, dict) and "abuse" in (entity.get("roles") or []):
            yield from _mails_of(entity.get("vcardArray"))
    for entity in entities:
        yield from _abuse_mails(entity, depth + 1)


def _mails_of(card: Any) -> Iterator[str]:
    fields = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    for field in fields:
        is_mail = isinstance(field, list) and len(field) >= _EMAIL_FIELDS and field[0] == "email"
        if is_mail and isinstance(field[3], str):
            yield field[3]

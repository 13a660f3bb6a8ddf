"""Received fields: which address the border host saw, and nothing that the other side wrote.

Each mail server puts the truth in another place of the field (evidence.md 3.3). The shapes below are
matched whole; a field that fits none, that fits two, or whose brackets do not balance, gives no address.
The name given in HELO and the ident reply are the client's own words and are never taken for an address.
"""

import dataclasses
import datetime as dt
import email.utils
import re
from typing import Final

from feed.domain.address import Address, AddressError, parse_address
from ingest.mail import limits

_V4: Final = r"\d{1,3}(?:\.\d{1,3}){3}"
_V6: Final = r"(?:IPv6:)?[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{0,39}(?::\d{1,3}(?:\.\d{1,3}){3})?"
_ADDRESS: Final = rf"(?P<ip>{_V4}|{_V6})"
_BRACKETED: Final = rf"\[ ?(?:(?P<v4>{_V4})(?:[:.]\d{{1,5}})?|(?P<v6>{_V6})) ?\](?::\d{{1,5}})?"
_NAME: Final = r"[A-Za-z0-9._:@%+/=-]{1,255}"

_NO_NAME: Final = (
    r"(?!(?:[EHL]+LO|envelope-(?:from|sender)|authenticated|sender|from|for|account|auth|user|via)\b)"
)
_PEER: Final = re.compile(rf"(?:{_NO_NAME}{_NAME} )?{_BRACKETED}(?P<rest>(?: .*)?)", re.IGNORECASE)
"""`(rdns [address] ...)`: Postfix, sendmail, Gmail, Haraka, Exim with a name, ecelerity."""
_BARE_PEER: Final = re.compile(rf"(?:\S{{1,255}}@)?(?:{_BRACKETED}|{_ADDRESS}(?::\d{{1,5}})?)", re.IGNORECASE)
"""`(ident@address)`: qmail after its HELO group, Exchange, XMail. The last @ ends the ident."""
_NAMED: Final = re.compile(r"\b(?:helo|ident)=\S{1,255}", re.IGNORECASE)
_FURTHER_IP: Final = re.compile(rf"(?<![\d.]){_V4}(?![\d.])|\[ ?{_V6}", re.IGNORECASE)
_FURTHER: Final = re.compile(rf"{_V4}|\[ ?{_V6}|@", re.IGNORECASE)
_HELO: Final = re.compile(
    r"(?:port=\d{1,5} )?(?:(?:HELO|EHLO|LHLO)(?: (?P<helo>\S{1,255}))?"
    r"|helo=(?P<exim>\S{1,255})(?: ident=\S{1,255})?)",
    re.IGNORECASE,
)
"""One word: what follows a blank was written by a server, about another thing than the name."""
_ACCOUNT: Final = re.compile(r"account \S{1,255}(?: (?:HELO|EHLO) (?P<helo>\S{1,255}))?", re.IGNORECASE)
_WHOLE_BRACKETED: Final = re.compile(_BRACKETED, re.IGNORECASE)
_WHOLE_BARE: Final = re.compile(_ADDRESS, re.IGNORECASE)
_EXIM_HELO: Final = re.compile(r"(?:^| )helo=(\S{1,255})")
_TOKEN: Final = re.compile(r"[()]|[^\s()]+")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
_LOCAL_STEP: Final = re.compile(
    r"\(qmail \d{1,12} invoked (?:by|for|from) |\(nullmailer pid |\(fetchmail"
    r"|\(from [^\s()@]{1,64}@localhost\)",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(r"\([^()]*\)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One Received field. by: host that wrote it, lower case. address: the peer it saw, canonical.

    local: a step inside one machine that names no host. at: aware UTC, None if unreadable.
    """

    by: str | None = None
    address: Address | None = None
    helo: str | None = None
    local: bool = False
    at: dt.datetime | None = None


def read_received(value: str, *, dated: bool = True) -> Hop:
    """Read one Received field value (RFC 5321 section 4.4 and what servers write instead).

    dated: read the date too, which takes as long as the rest.
    """
    text = " ".join(value[: limits.RECEIVED_BYTES].replace("\0", "").split())
    at = _date_of(text) if dated else None
    if _LOCAL_STEP.match(text):
        return Hop(local=True, at=at)
    clauses = _clauses(text)
    if clauses is None:
        return Hop(at=at)
    words, by, tail = clauses
    host = by.rstrip(";,").rstrip(".").strip("[]").lower() or None
    if not words:
        return Hop(by=host, at=at, local=True)
    address, helo = _peer(words, tail)
    return Hop(by=host, address=address, helo=_host_or_none(helo), at=at)


def _clauses(text: str) -> tuple[list[str], str, str] | None:
    """Split into what stands after `from`, the host after `by`, and what follows.

    Groups in parentheses come as one item that starts with "(". None if there is no `by` or more than
    one, or if parentheses do not balance: then somebody may have written grammar into a free field.
    """
    items = _items(text)
    if items is None:
        return None
    places = [number for number, item in enumerate(items) if item.lower() == "by"]
    if len(places) != 1 or places[0] + 1 >= len(items) or items[places[0] + 1].startswith("("):
        return None
    place = places[0]
    before = items[:place]
    if before and before[0].lower() != "from":
        return None
    return before[1:], items[place + 1], " ".join(items[place + 2 :])


def _items(text: str) -> list[str] | None:
    """Return words and balanced groups of `text`, up to the last semicolon, before the date.

    The last and not the first: a client may write one into the name that it gives.
    """
    items: list[str] = []
    group: list[str] = []
    depth = 0
    end = None
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number >= limits.RECEIVED_TOKENS:
            return None
        word = match[0]
        if word == "(":
            depth += 1
            group.append(word)
        elif word == ")":
            depth -= 1
            if depth < 0:
                return None
            group.append(word)
            if depth == 0:
                items.append(_group_text(group))
                group = []
        elif depth:
            group.append(word)
        else:
            items.append(word)
            if word.endswith(";"):
                end = len(items)
    return items[:end] if depth == 0 else None


def _group_text(group: list[str]) -> str:
    """Return "(" and what the group holds, nested groups kept as words."""
    return "(" + " ".join(group[1:-1])


def _peer(words: list[str], tail: str) -> tuple[Address | None, str | None]:
    """Return the address that the server saw and the HELO name, from the items of the from clause."""
    words = [word for word in words if word != ";"]
    if not words:
        return None, None
    names = [word for word in words if not word.startswith("(")]
    groups = [word[1:].strip() for word in words if word.startswith("(")]
    first = words[0] if not words[0].startswith("(") else None
    if first is not None and not _plain_tail(words):
        return _gmx(words)
    helo = next((match for match in map(_helo_group, groups[:1]) if match), None)
    seen = _seen_in(groups, after=1 if helo else 0)
    if seen == []:
        return None, None
    if seen:
        inner = _EXIM_HELO.search(seen[0].groupdict().get("rest") or "")
        said = inner[1] if inner else helo.groupdict().get("helo") if helo else first
        return _address(_text_of(seen[0])), said
    if first is None or len(names) != 1:
        return None, None
    return _without_peer_group(first, helo, groups, tail)


def _seen_in(groups: list[str], *, after: int) -> list[re.Match[str]] | None:
    """Return the match of the group that shows the address, empty if it is in doubt, None if there is none.

    The group must be the first after the HELO name, and no other may hold another address.
    """
    seen = [match for group in groups if (match := _seen_peer(group))]
    matched = {match.string for match in seen}
    if any(_FURTHER_IP.search(group) for group in groups[after:] if group not in matched):
        return []
    if len({_text_of(match) for match in seen}) > 1 or (seen and seen[0].string != groups[after]):
        return []
    return seen[:1] or None


def _seen_peer(group: str) -> re.Match[str] | None:
    """Return the address that a group shows; None if it shows none, or several.

    Only the HELO name may hold a further one, where the group says that it is that (Exim).
    """
    peer = _PEER.fullmatch(group)
    if peer and _FURTHER.search(_NAMED.sub(" ", peer["rest"] or "")):
        return None
    return peer or _BARE_PEER.fullmatch(group)


def _helo_group(group: str) -> re.Match[str] | None:
    return _HELO.fullmatch(group) or _ACCOUNT.fullmatch(group)


def _text_of(match: re.Match[str]) -> str | None:
    """Return the address text of any of the patterns."""
    return match["v4"] or match["v6"] or match.groupdict().get("ip")


def _without_peer_group(
    first: str, helo: re.Match[str] | None, groups: list[str], tail: str
) -> tuple[Address | None, str | None]:
    """Read `from [address]` without a peer in parentheses: the first word may be the client's own.

    It is the peer where the HELO name stands beside it (Exim, CommuniGate), where the server is an Exim
    that leaves out an equal HELO, and over HTTP, which has no HELO.
    """
    whole = _WHOLE_BRACKETED.fullmatch(first)
    web = re.search(r"(?:^| |\()(?:with|via) HTTPS?(?:$|[;) ])", tail + " ", re.IGNORECASE)
    if whole and helo:
        said = helo.groupdict().get("helo") or helo.groupdict().get("exim")
        return _address(whole["v4"] or whole["v6"]), said
    if whole and ((not groups and "(Exim " in tail) or web):
        return _address(whole["v4"] or whole["v6"]), None
    plain = _WHOLE_BARE.fullmatch(first)
    if plain and web:
        return _address(plain["ip"]), None
    return None, None


def _plain_tail(words: list[str]) -> bool:
    """Whether no word but the first stands outside parentheses, but for the `via` of old firewalls."""
    rest = [word.lower() for word in words[1:] if not word.startswith("(")]
    return not [word for word in rest if word not in ("via", "smtp", "esmtp")]


def _gmx(words: list[str]) -> tuple[Address | None, str | None]:
    """Read `from rdns (HELO x) [address]`, with nothing else: GMX, old Exim."""
    if len(words) not in (3, 4) or not words[1].startswith("(") or not _HOST.fullmatch(words[0]):
        return None, None
    if len(words) == 4 and (not words[3].startswith("(") or "." in words[3] or ":" in words[3]):  # noqa: PLR2004
        return None, None
    whole = _WHOLE_BRACKETED.fullmatch(words[2])
    helo = _HELO.fullmatch(words[1][1:].strip())
    if whole is None or not (helo or _HOST.fullmatch(words[1][1:])):
        return None, None
    return _address(whole["v4"] or whole["v6"]), helo["helo"] if helo else None


def _address(text: str | None) -> Address | None:
    try:
        return parse_address(text) if text else None
    except AddressError:
        return None


def _host_or_none(text: str | None) -> str | None:
    """Return a HELO name if it is a host name that may be kept: no literals, no clutter."""
    if text is None:
        return None
    name = text.strip().rstrip(".").lower()
    return name if _HOST.fullmatch(name) and "." in name else None


def _date_of(text: str) -> dt.datetime | None:
    """Return the time after the last semicolon, aware UTC."""
    _, mark, date = text.rpartition(";")
    return read_date(_COMMENT.sub(" ", date)) if mark else None


def read_date(text: str) -> dt.datetime | None:
    """Return an RFC 5322 date as aware UTC, None if it is unreadable; never raises."""
    try:
        value = email.utils.parsedate_to_datetime(text.strip()[:60])
        if value.tzinfo is None:
            value = value.replace(tzinfo=dt.UTC)
        return value.astimezone(dt.UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

"""What a reporter registers beside his name: mail hosts, networks, domains and signing keys, one by one.

Each fact is a kind and a text. Functions take a connection and never commit.
"""

import dataclasses
import enum
import re
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feed.domain.address import AddressError, parse_network
from feed.domain.signing import key_of
from feed.store.dialect import Prepared, insert_if_missing
from feed.store.tables import reporter_host, reporter_network
from feed.store.tables_reporter import reporter_domain, signing_key

MOST_OF_A_KIND: Final = 200
"""Facts of one kind that a reporter may register; all of them are read with every report."""
WIDEST: Final = {4: 12, 6: 32}
"""Shortest prefix of a network by IP version: nobody owns more, and a slip would make a reporter deaf."""

_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9])?")


class Fact(enum.StrEnum):
    """Kind of what is registered; the value is its word on the command line."""

    BORDER_HOST = "border-host"
    INTERNAL_HOST = "internal-host"
    OWN_NETWORK = "own-network"
    FORWARDER = "forwarder"
    OWN_DOMAIN = "own-domain"
    BOUNCE_DOMAIN = "bounce-domain"
    PRVS_KEY = "prvs-key"
    SRS_KEY = "srs-key"

    @property
    def secret(self) -> bool:
        """Whether the text must never be shown or logged."""
        return self in {Fact.PRVS_KEY, Fact.SRS_KEY}


class RegistrationError(Exception):
    """A fact cannot be registered; the message says why, and never repeats a key."""


def _name(text: str) -> str:
    name = text.strip().lower().rstrip(".")
    if not _NAME.fullmatch(name):
        raise RegistrationError("a plain host or domain name is needed")
    return name


def _network(text: str) -> str:
    try:
        network = parse_network(text)
    except AddressError as problem:
        raise RegistrationError(str(problem)) from None
    if network.prefixlen < WIDEST[network.version]:
        raise RegistrationError(f"a network is /{WIDEST[network.version]} or smaller")
    return str(network)


def _key(text: str) -> str:
    try:
        key_of(text)
    except ValueError as problem:
        raise RegistrationError(str(problem)) from None
    return text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where facts of a kind are kept. value: column of the text; kind: column that holds `word`."""

    table: sa.Table
    value: str
    kind: str
    word: str
    read: Callable[[str], str]


_PLACES: Final = {
    Fact.BORDER_HOST: _Place(table=reporter_host, value="host", kind="role", word="border", read=_name),
    Fact.INTERNAL_HOST: _Place(table=reporter_host, value="host", kind="role", word="internal", read=_name),
    Fact.OWN_NETWORK: _Place(table=reporter_network, value="network", kind="role", word="own", read=_network),
    Fact.FORWARDER: _Place(
        table=reporter_network, value="network", kind="role", word="forwarder", read=_network
    ),
    Fact.OWN_DOMAIN: _Place(table=reporter_domain, value="domain", kind="role", word="own", read=_name),
    Fact.BOUNCE_DOMAIN: _Place(table=reporter_domain, value="domain", kind="role", word="bounce", read=_name),
    Fact.PRVS_KEY: _Place(table=signing_key, value="secret", kind="scheme", word="prvs", read=_key),
    Fact.SRS_KEY: _Place(table=signing_key, value="secret", kind="scheme", word="srs", read=_key),
}


def add(connection: Connection, source_id: int, fact: Fact, text: str, *, now: int) -> str:
    """Register a fact and return it as it is kept; raises `RegistrationError`. Twice is the same as once."""
    place = _PLACES[fact]
    value = place.read(text)
    table = place.table
    known = connection.execute(
        sa.select(table.c[place.value]).where(
            table.c.source_id == source_id, table.c[place.kind] == place.word
        )
    ).scalars()
    kept = set(known)
    if value in kept:
        return value
    if len(kept) >= MOST_OF_A_KIND:
        raise RegistrationError(f"at most {MOST_OF_A_KIND} of a kind; register wider ones instead")
    values: dict[str, object] = {"source_id": source_id, place.value: value, place.kind: place.word}
    if table is signing_key:
        values["added_at"] = now
    if table in {reporter_host, reporter_network}:
        # One name or network has one role: the last word counts.
        connection.execute(
            sa.delete(table).where(table.c.source_id == source_id, table.c[place.value] == value)
        )
    insert_if_missing(connection, table, values)
    return value


def drop(connection: Connection, source_id: int, fact: Fact, text: str) -> bool:
    """Take a fact back; returns whether it was registered. Raises `RegistrationError` for what is none."""
    place = _PLACES[fact]
    table = place.table
    gone = connection.execute(
        sa.delete(table).where(
            table.c.source_id == source_id,
            table.c[place.kind] == place.word,
            table.c[place.value] == place.read(text),
        )
    )
    return gone.rowcount == 1


def _everything() -> sa.CompoundSelect[tuple[str, str]]:
    """Return one statement for all kinds: it is asked with every report."""
    parts = [
        sa.select(sa.literal(fact.value).label("fact"), place.table.c[place.value].label("text")).where(
            place.table.c.source_id == sa.bindparam("source_id"), place.table.c[place.kind] == place.word
        )
        for fact, place in _PLACES.items()
    ]
    return sa.union_all(*parts)


_ALL: Final = Prepared(_everything())


def facts_of(connection: Connection, source_id: int) -> dict[Fact, list[str]]:
    """Return everything that the reporter registered, by kind and in order; kinds without any are empty."""
    found: dict[Fact, list[str]] = {fact: [] for fact in Fact}
    for fact, text in _ALL.rows(connection, source_id=source_id):
        found[Fact(fact)].append(text)
    return {fact: sorted(texts) for fact, texts in found.items()}

"""What a reporter registers decides how his reports are judged, and what he tells reaches only the owner."""

from typing import Any

import pytest
import sqlalchemy as sa

from feed.store import registration, standing
from feed.store.registration import Fact
from feed.store.tables import event
from feed.store.tables_site import trace
from ingest.mail.tags import prvs_signature
from tests.factories import NOW
from tests.ingest.reporting import BORDER, Api, problem_of
from tests.mails import VICTIM, dsn

AT = int(NOW.timestamp())
KEY = b"Sesame"


def register(api: Api, fact: Fact, text: str) -> None:
    with api.feed.database.write() as connection:
        registration.add(connection, 1, fact, text, now=AT)


def contradictions(api: Api) -> int:
    with api.feed.database.read() as connection:
        return sum(sum(days.values()) for days in standing.contradictions(connection, since_day=0).values())


def signed(key: bytes = KEY) -> bytes:
    """Return a bounce to an address with a tag that `key` made for the next days."""
    local, _, domain = VICTIM.partition("@")
    prefix = f"0{(AT // 86_400 + 5) % 1000:03}"
    tagged = f"prvs={prefix}{prvs_signature(key, prefix, VICTIM)}={local}@{domain}"
    return b"Delivered-To: " + tagged.encode() + b"\r\n" + dsn(border=BORDER)


def test_a_bounce_to_an_address_that_he_signed_is_solicited_and_counts_once_against_him(api: Api) -> None:
    assert api.mail(signed(), **{"class": "log_miss"}).status_code == 200  # nothing registered: not verified
    register(api, Fact.PRVS_KEY, KEY.decode())
    mails = [signed() + bytes([letter]) for letter in b"abc"]
    for message in (*mails, mails[0]):
        answer = api.mail(message, **{"class": "tag_bad"})
        assert (answer.status_code, problem_of(answer)) == (422, "solicited")
    assert contradictions(api) == 1


def test_who_claims_nothing_is_not_contradicted(api: Api) -> None:
    register(api, Fact.PRVS_KEY, KEY.decode())
    answer = api.mail(signed())
    assert problem_of(answer) == "solicited"
    assert contradictions(api) == 0


def test_a_tag_that_another_key_made_is_no_proof(api: Api) -> None:
    register(api, Fact.PRVS_KEY, "hex:" + KEY.hex())
    assert api.mail(signed(b"guessed"), **{"class": "tag_bad"}).status_code == 200


def test_the_same_solicited_report_gets_the_same_answer_by_its_key(api: Api) -> None:
    register(api, Fact.PRVS_KEY, KEY.decode())
    headers = api.headers() | {"Content-Type": "message/rfc822", "Idempotency-Key": '"k1"'}
    for _ in range(2):
        answer = api.client.post("/v1/reports?class=trap", content=signed(), headers=headers)
        assert problem_of(answer) == "solicited"
    other = api.client.post("/v1/reports?class=trap", content=dsn(border=BORDER), headers=headers)
    assert problem_of(other) == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("fact", "value"), [(Fact.OWN_DOMAIN, "reporter.example"), (Fact.BOUNCE_DOMAIN, "other.example")]
)
def test_own_domains_lower_a_claim_about_own_mail(api: Api, fact: Fact, value: str) -> None:
    """The original's Message-ID is of his domain, and no sent log was asked."""
    register(api, fact, value)
    message = dsn(border=BORDER, original_id="1@reporter.example")
    said = api.mail(message, **{"class": "tag_bad"}).json()
    assert (said["attestation"] == "U1") is (fact is Fact.OWN_DOMAIN)
    assert ("own_message_id" in said["reasons"]) is (fact is Fact.OWN_DOMAIN)


def traces(api: Api) -> list[Any]:
    with api.feed.database.read() as connection:
        return list(connection.execute(sa.select(trace)).all())


def test_queue_id_and_domain_are_kept_of_what_is_no_trap(api: Api) -> None:
    told: dict[str, Any] = {"queue_id": "4bQ1Zz", "recipient_domain": "Customer.Example"}
    api.record(recipient_class="trap", original_key="o1", **told)
    assert traces(api) == []
    api.record(
        recipient_class="log_miss", original_key="o2", lookback_days=9, original_recipient_match=True, **told
    )
    (row,) = traces(api)
    assert (row.queue_id, row.recipient_domain) == ("4bQ1Zz", "customer.example")
    with api.feed.database.read() as connection:
        stored = connection.execute(sa.select(event).where(event.c.event_id == row.event_id)).one()
    assert bytes(stored.emitter_key) == bytes(row.emitter_key)


BAD_TRACES: dict[str, dict[str, Any]] = {
    "a blank": {"queue_id": "a b"},
    "a line end": {"queue_id": "a\n"},
    "markup": {"recipient_domain": "<b>"},
    "an address": {"recipient_domain": "joe@customer.example"},
    "too long": {"queue_id": "q" * 65},
}


@pytest.mark.parametrize("case", BAD_TRACES)
def test_what_is_no_queue_id_or_domain_is_refused(sqlite_api: Api, case: str) -> None:
    answer = sqlite_api.record(**BAD_TRACES[case])
    assert (answer.status_code, problem_of(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["pointer"] == "/" + next(iter(BAD_TRACES[case]))
    assert traces(sqlite_api) == []

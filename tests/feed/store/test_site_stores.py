"""The stores of site, console and desk on both databases: every statement runs and says what it should."""

import threading

import pytest
import sqlalchemy as sa

from feed.domain.address import emitter_key, parse_address
from feed.domain.event import Attestation, RecipientClass
from feed.domain.policy import PRIVATE
from feed.domain.providers import Providers
from feed.jobs.score import Scorer
from feed.store import (
    disclosures,
    disputes,
    evidence,
    operator_removal,
    overview,
    proofs,
    reporters,
    rules,
    sessions,
    statistics,
    usage,
)
from feed.store.database import Database
from feed.store.outbox import link_token
from feed.store.secret import Secret
from tests.factories import NOW, make_event, make_reporter

AT = int(NOW.timestamp())
ADDRESS = parse_address("192.0.2.7")
PROVIDERS = Providers.parse("# date: 2026-11-01\n11.22.33.0/24 Shared\n")


@pytest.fixture
def listed(database: Database, secret: Secret) -> Database:
    with database.write() as connection:
        source_id = make_reporter(connection)
        for number in range(3):
            stored = evidence.add_event(
                connection,
                make_event(
                    source_id=source_id, address="192.0.2.7", recipient_class=RecipientClass.TAG_BAD,
                    attestation=Attestation.U4, recipient_token=number + 1,
                ),
            )  # fmt: skip
            disclosures.add_traces(connection, [(stored, f"Q{number}", "c.example")])
        usage.count(connection, source_id, day=AT // 86_400, events=3, refused=1)
    Scorer(database=database, secret=secret, policy=PRIVATE, providers=PROVIDERS).run(now=AT)
    return database


def test_overview_and_statistics(listed: Database) -> None:
    with listed.read() as connection:
        new = overview.new_listings(connection, since_minute=AT // 60 - 60)
        assert [(one.address, int(one.code), one.sources) for one in new] == [(ADDRESS, 2, 1)]
        assert overview.held(connection) == overview.mixed(connection) == []
        one = overview.activity(connection, now=AT)[0]
        assert (one.today, one.week, one.refused, one.verdicts) == (3, 3, 1, {})
        assert overview.usage_of(connection, one.source_id, now=AT)[0] == (AT // 86_400, 3, 1)
        assert overview.receipts_of(connection, one.source_id, now=AT) == []
        found = statistics.statistics(connection, now=AT)
    assert (found.confirmed, found.listings[-1], found.reports[-1]) == (1, 1, 3)


def test_keys_stand_newest_first_and_ended_ones_last(listed: Database, secret: Secret) -> None:
    with listed.write() as connection:
        made = [
            reporters.new_key(connection, secret, source_id=1, scopes=("read",), author="t", now=AT + number)
            for number in range(3)
        ]
        ids = [key.split("_")[1] for key in made]
        reporters.revoke_key(connection, ids[2], now=AT + 5)
        assert [line.key_id for line in overview.keys_of(connection, 1)] == [ids[1], ids[0], ids[2]]


def test_what_the_owner_sees(listed: Database, secret: Secret) -> None:
    with listed.read() as connection:
        shown = disclosures.shown(connection, secret, ADDRESS, now=AT)
    assert sorted(one.queue_id or "" for one in shown) == ["Q0", "Q1", "Q2"]
    with listed.write() as connection:
        disclosures.sweep(connection, now=AT + 60 * 86_400)
        assert disclosures.shown(connection, secret, ADDRESS, now=AT)[0].queue_id is None


def test_the_operator_ends_a_listing_once(listed: Database) -> None:
    with listed.write() as connection:
        found = rules.load(connection, policy=PRIVATE, providers=PROVIDERS, now=AT)
        assert operator_removal.end(connection, ADDRESS, rules=found, now=AT + 60)
        assert not operator_removal.end(connection, ADDRESS, rules=found, now=AT + 120)
        assert statistics.statistics(connection, now=AT + 120).removals[-1] == 1


def test_a_link_is_used_once_by_many_at_once(database: Database, secret: Secret) -> None:
    seed = bytes(range(32))
    with database.write() as connection:
        proofs.make(connection, secret, seed=seed, address=ADDRESS, epoch=0, means="mail", now=AT)
    token = link_token(secret, seed)
    won: list[bool] = []

    def press() -> None:
        with database.write() as connection:
            won.append(proofs.use(connection, secret, token, now=AT))

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
    with database.write() as connection:
        found = proofs.find(connection, secret, token)
        assert found is not None
        assert found.used_at == AT
        proofs.sweep(connection, now=AT + 40 * 86_400)
        assert proofs.find(connection, secret, token) is None


def test_sessions_and_links(database: Database, secret: Secret) -> None:
    with database.write() as connection:
        token = sessions.new_link(connection, secret, author="cli", now=AT)
        assert sessions.use_link(connection, secret, token, now=AT + 1) == "cli"
        assert sessions.use_link(connection, secret, token, now=AT + 1) is None
        number = sessions.open_session(connection, secret, actor="x", place="console", now=AT)
        assert sessions.find(connection, secret, number, place="console", now=AT) is not None
        assert sessions.find(connection, secret, number, place="desk", now=AT) is None
        sessions.end(connection, secret, number, now=AT)
        assert sessions.find(connection, secret, number, place="console", now=AT) is None
        sessions.sweep(connection, now=AT + 30 * 86_400)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"answer": "upheld"}, id="an answer without a reason"),
        pytest.param({"answer": "maybe", "reason": "r", "answered_at": 1}, id="an unknown answer"),
    ],
)
def test_half_an_answer_is_refused(database: Database, values: dict[str, object]) -> None:
    from feed.store.tables_site import dispute

    with database.write() as connection:
        assert disputes.file(connection, address=ADDRESS, words="x", reports="", proven=False, now=AT)
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.execute(sa.update(dispute).values(**values))


def test_disputes(database: Database) -> None:
    with database.write() as connection:
        number = disputes.file(connection, address=ADDRESS, words="x", reports="A B", proven=True, now=AT)
        assert number
        assert disputes.waiting_n(connection) == 1
        assert disputes.waiting(connection, limit=5)[0].reports == "A B"
        with pytest.raises(ValueError, match="with a reason"):
            disputes.answer(connection, number, answer="upheld", reason="", author="o", now=AT)
        assert disputes.answer(connection, number, answer="upheld", reason="r", author="o", now=AT)
        assert not disputes.answer(connection, number, answer="rejected", reason="r", author="o", now=AT)
        assert [one.answer for one in disputes.answered(connection, limit=5)] == ["upheld"]
    assert emitter_key(ADDRESS)

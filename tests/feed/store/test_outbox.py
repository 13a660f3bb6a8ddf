"""We are no source of backscatter: the limits hold for every sequence of requests and tries."""

import threading

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feed.store import outbox
from feed.store.database import Database
from feed.store.tables_site import outbox as table

NOW = 1_795_608_000
ADDRESSES = [
    "postmaster@example.org", "abuse@example.org", "postmaster@mx1.example.org", "postmaster@mx2.example.org",
    "postmaster@mx3.example.org", "abuse@mx1.example.org", "postmaster@example.net",
]  # fmt: skip

Step = tuple[str, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(ADDRESSES), st.sampled_from([0, 1, 7200, 50_000, 86_399, 86_400])),
        st.tuples(st.sampled_from(["!sent", "!fail", "!final", "!sweep"]), st.sampled_from([0, 60, 7200])),
    ),
    max_size=60,
)


def _ask(database: Database, recipient: str, now: int) -> str:
    with database.write() as connection:
        return outbox.enqueue(
            connection, recipient=recipient, domain=".".join(recipient.rpartition("@")[2].split(".")[-2:]),
            subject="s", body="b", seed=None, now=now, expires_at=now + 3600,
        )  # fmt: skip


def _work(database: Database, how: str, now: int) -> str | None:
    """Do what the job does; return the recipient that was handed to the relay."""
    with database.write() as connection:
        if how == "!sweep":
            outbox.sweep(connection, now=now)
            return None
        mail = outbox.take(connection, now=now)
        if mail is None:
            return None
        if how == "!sent":
            outbox.sent(connection, mail.mail_id, now=now)
            return mail.recipient
        outbox.failed(connection, mail, "450 later", final=how == "!final", now=now)
        return None


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_gets_more_mails_out_than_the_limits(sqlite: Database, steps: list[Step]) -> None:
    with sqlite.write() as connection:
        connection.execute(sa.delete(table))
    now = NOW
    queued: list[tuple[int, str]] = []
    handed: list[str] = []
    for what, wait in steps:
        now += wait
        if what.startswith("!"):
            recipient = _work(sqlite, what, now)
            handed += [recipient] if recipient else []
        elif _ask(sqlite, what, now) == "queued":
            queued.append((now, what))
    for at, recipient in queued:
        window = [other for when, other in queued if at <= when < at + outbox.WINDOW_S]
        assert window.count(recipient) <= outbox.PER_ADDRESS
        domain = ".".join(recipient.rpartition("@")[2].split(".")[-2:])
        assert sum(other.endswith(domain) for other in window) <= outbox.PER_DOMAIN
    for recipient in set(handed):
        assert handed.count(recipient) <= sum(other == recipient for _, other in queued)


def test_requests_at_once_do_not_get_past_the_limits(database: Database) -> None:
    outcomes: list[str] = []

    def ask(number: int) -> None:
        outcomes.append(_ask(database, f"postmaster@h{number % 7}.example.org", NOW))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("queued") == outbox.PER_DOMAIN


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        pytest.param("postmaster@example.org", "address", id="the same address"),
        pytest.param("POSTMASTER@Example.ORG", "address", id="in capitals"),
        pytest.param("abuse@example.org", "queued", id="another role"),
    ],
)
def test_one_mail_to_an_address(database: Database, recipient: str, expected: str) -> None:
    assert _ask(database, "postmaster@example.org", NOW) == "queued"
    assert _ask(database, recipient, NOW + 86_399) == expected
    assert _ask(database, "postmaster@example.org", NOW + 86_400) == "queued"


def test_the_queue_is_bounded(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "WAITING_MOST", 3)
    outcomes = [_ask(sqlite, f"postmaster@d{number}.example", NOW) for number in range(5)]
    assert outcomes == ["queued"] * 3 + ["full"] * 2
    with sqlite.read() as connection:
        found = outbox.queue(connection, now=NOW)
    assert (found.waiting, found.oldest_at, found.failed) == (3, NOW, 0)


def test_two_workers_never_take_the_same_mail(database: Database) -> None:
    for number in range(4):
        _ask(database, f"postmaster@d{number}.example", NOW)
    taken: list[int] = []

    def work() -> None:
        while True:
            with database.write() as connection:
                mail = outbox.take(connection, now=NOW)
            if mail is None:
                return
            taken.append(mail.mail_id)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 4

"""What the API promises beyond one report: keys, retraction, quotas, and a line in the log for a refusal."""

import json
import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from feed.store import reporters
from feed.store.database import Database
from feed.store.tables import cell, emitter_state, event, receipt, usage
from ingest.desk import Desk, idempotency_key
from ingest.judges import Judges
from ingest.problems import ProblemError
from tests import mails
from tests.factories import NOW
from tests.ingest.reporting import BORDER, MAIL, RECORD, Api, another_key, problem_of
from tests.waiting import wait_until

KEY = {"Idempotency-Key": '"k1"'}


# --- Idempotency-Key ---


def test_same_key_and_body_gets_the_stored_answer_as_it_was(api: Api) -> None:
    first = api.record(headers=KEY)
    again = api.record(headers=KEY)
    assert again.json() == first.json()
    assert api.record().json()["status"] == "duplicate"  # without the key it is the same report again
    assert again.headers["ratelimit"] == '"day";r=9999;t=43200'
    assert (api.rows(event), api.rows(receipt)) == (1, 2)


def test_same_key_with_another_claim_beside_the_same_mail_is_refused(api: Api) -> None:
    message = mails.dsn(border=BORDER)
    fields = api.headers() | MAIL | KEY
    first = api.client.post("/v1/reports?class=unknown", content=message, headers=fields)
    other = api.client.post("/v1/reports?class=trap", content=message, headers=fields)
    assert (first.status_code, other.status_code, problem_of(other)) == (200, 422, "idempotency_key_reused")


def test_keys_of_two_reporters_never_meet(api: Api) -> None:
    first = api.record(headers=KEY)
    other = api.record(headers=KEY | {"Authorization": f"Bearer {another_key(api)}"}, original_key="other")
    assert (first.json()["status"], other.json()["status"]) == ("accepted", "accepted")


def test_refused_report_leaves_its_key_free(api: Api) -> None:
    stale = api.record(headers=KEY, observed_at="2026-11-01T00:00:00Z")
    assert problem_of(stale) == "stale"
    assert api.record(headers=KEY).json()["status"] == "accepted"


@pytest.mark.parametrize(
    ("field", "key"),
    [
        pytest.param('"k 1"', "k 1", id="a string"),
        pytest.param("k1", "k1", id="a bare word, as many send it"),
        pytest.param(' "k1" ', "k1", id="blanks around"),
        pytest.param(None, None, id="none"),
    ],
)
def test_key_is_read(field: str | None, key: str | None) -> None:
    assert idempotency_key(field) == key


@pytest.mark.parametrize("field", ["", '""', '"k', "k\x7f", "k" * 129, '"a"b"', "a b", '"a\\b"', "é"])
def test_key_that_is_none_is_refused(field: str) -> None:
    with pytest.raises(ProblemError) as caught:
        idempotency_key(field)
    assert caught.value.code == "malformed"


def test_key_that_comes_twice_is_refused(sqlite_api: Api) -> None:
    fields = [*sqlite_api.headers().items(), ("Idempotency-Key", '"a"'), ("Idempotency-Key", '"b"')]
    answer = sqlite_api.client.post("/v1/reports", json=RECORD, headers=fields)
    assert problem_of(answer) == "malformed"


def test_second_request_while_the_first_is_in_work_is_told_to_wait(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()
    judge = Judges.judge

    def slow(self: Judges, question: Any) -> Any:
        entered.set()
        leave.wait(30)
        return judge(self, question)

    monkeypatch.setattr(Judges, "judge", slow)
    message, fields = mails.dsn(border=BORDER), api.headers() | MAIL | KEY
    answers: list[Any] = []

    def send() -> None:
        answers.append(api.client.post("/v1/reports?class=trap", content=message, headers=fields))

    thread = threading.Thread(target=send)
    thread.start()
    assert entered.wait(30)
    busy = api.client.post("/v1/reports?class=trap", content=message, headers=fields)
    leave.set()
    thread.join()
    assert (busy.status_code, problem_of(busy), busy.headers["retry-after"]) == (409, "conflict", "1")
    assert answers[0].status_code == 200
    after = api.client.post("/v1/reports?class=trap", content=message, headers=fields)
    assert after.json() == answers[0].json()


# --- taking a report back ---


def delete(api: Api, number: str, key: str | None = None) -> Any:
    return api.client.delete(f"/v1/reports/{number}", headers={"Authorization": f"Bearer {key or api.key}"})


def test_retracted_report_leaves_the_score_as_if_it_had_never_come(api: Api) -> None:
    api.record()
    with api.feed.database.read() as connection:
        before = connection.execute(sa.select(cell)).all()
    number = api.record(original_key="o2", recipient_token="t2").json()["receipt"]
    with api.feed.database.write() as connection:
        connection.execute(sa.update(emitter_state).values(next_due_minute=99))
    answer = delete(api, number)
    assert (answer.status_code, answer.json()["status"], answer.json()["receipt"]) == (
        200,
        "retracted",
        number,
    )
    with api.feed.database.read() as connection:
        assert connection.execute(sa.select(cell)).all() == before
        assert connection.execute(sa.select(emitter_state.c.next_due_minute)).scalar_one() == 0
    assert api.rows(event) == 2  # the row stays, marked
    assert delete(api, number).json() == answer.json()
    read = api.client.get(f"/v1/reports/{number}", headers=api.headers())
    assert read.json() == answer.json()


def test_retracted_report_sent_again_stays_retracted(api: Api) -> None:
    number = api.record(headers=KEY).json()["receipt"]
    delete(api, number)
    for headers in (KEY, {}):
        assert api.record(headers=headers).json()["status"] == "retracted"
    with api.feed.database.read() as connection:
        assert connection.execute(sa.select(event.c.retracted_at)).scalar_one() == int(NOW.timestamp())
        assert connection.execute(sa.select(cell)).all() == []


def test_report_of_another_reporter_cannot_be_taken_back(api: Api) -> None:
    number = api.record().json()["receipt"]
    assert problem_of(delete(api, number, another_key(api))) == "not_found"
    assert problem_of(delete(api, "0" * 26)) == "not_found"
    assert api.client.get(f"/v1/reports/{number}", headers=api.headers()).json()["status"] == "accepted"


def test_report_that_charged_nobody_can_be_taken_back(api: Api) -> None:
    with api.feed.database.write() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO reporter_network (source_id, network, role) VALUES (1, '192.0.2.0/24', 'own')"
            )
        )
    number = api.record().json()["receipt"]
    assert delete(api, number).json()["status"] == "retracted"


# --- quotas ---


def test_every_answer_says_what_remains(api: Api) -> None:
    number = api.record().json()["receipt"]
    answers = [
        api.record(),
        api.record(observed_at="2026-11-01T00:00:00Z"),
        api.post("/v1/reports", b"{", "application/json"),
        api.post("/v1/reports", b"x", "text/html"),
        api.client.get(f"/v1/reports/{number}", headers=api.headers()),
        api.client.get("/v1/reporter", headers=api.headers()),
        delete(api, number),
    ]
    for answer in answers:
        assert answer.headers["ratelimit-policy"] == '"day";q=10000;w=86400'
        assert answer.headers["ratelimit"] == '"day";r=9999;t=43200'
        assert "retry-after" not in answer.headers


def test_vetted_reporter_has_a_larger_quota(sqlite_api: Api) -> None:
    with sqlite_api.feed.database.write() as connection:
        connection.execute(sa.text("UPDATE reporter SET vetted = 1"))
    assert sqlite_api.record().headers["ratelimit-policy"] == '"day";q=1000000;w=86400'


def test_refusals_are_counted_apart_and_cost_no_quota(api: Api) -> None:
    for _ in range(2):
        api.record(observed_at="2026-11-01T00:00:00Z")
    with api.feed.database.read() as connection:
        row = connection.execute(sa.select(usage)).one()
    assert (row.events_n, row.refused_n) == (0, 2)


# --- many at once ---


def test_reports_that_arrive_together_are_stored_together_and_each_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.client.get("/v1/reporter", headers=api.headers())  # the first use of a key on a day is noted
    opened: list[int] = []
    write = Database.write

    def counted(self: Database) -> Any:
        opened.append(1)
        return write(self)

    monkeypatch.setattr(Database, "write", counted)
    answers: list[Any] = []
    desk: Desk = api.app.state.desk
    desk._grouped._turn.acquire()  # as if a transaction were running
    threads = [
        threading.Thread(
            target=lambda number=number: answers.append(api.record(original_key=f"o{number % 10}"))
        )
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(desk._grouped._waiting) == 20, seconds=60, words=lambda: "they do not all wait")
    desk._grouped._turn.release()
    for thread in threads:
        thread.join()
    assert sorted(answer.json()["status"] for answer in answers) == ["accepted"] * 10 + ["duplicate"] * 10
    assert len({answer.json()["receipt"] for answer in answers}) == 10
    assert (api.rows(event), len(opened)) == (10, 1)


def test_one_report_that_the_database_cannot_take_fails_alone(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from feed.store import bulk

    add_events = bulk.add_events

    def picky(connection: Any, new: Any, **rest: Any) -> Any:
        if any(one.helo == "bad.example" for one in new):
            connection.execute(sa.text("SELECT nothing FROM nowhere"))
        return add_events(connection, new, **rest)

    monkeypatch.setattr(bulk, "add_events", picky)
    desk: Desk = api.app.state.desk
    answers: dict[int, Any] = {}

    def send(number: int) -> None:
        helo = "bad.example" if number == 2 else "good.example"
        answers[number] = api.record(original_key=f"o{number}", helo=helo)

    desk._grouped._turn.acquire()
    threads = [threading.Thread(target=send, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(desk._grouped._waiting) == 5, seconds=60, words=lambda: "they do not all wait")
    desk._grouped._turn.release()
    for thread in threads:
        thread.join()
    assert [answers[number].status_code for number in range(5)] == [200, 200, 503, 200, 200]


# --- the log ---


def test_refusal_is_one_line_of_codes(sqlite_api: Api) -> None:
    with structlog.testing.capture_logs() as lines:
        sqlite_api.record(recipient_token="%(secret)s")
        sqlite_api.post("/v1/reports?class=nonsense-secret", b"secret", "message/rfc822")
        sqlite_api.client.get(
            "/v1/reports/" + "secret" * 4 + "xx", headers={"Authorization": "Bearer secret"}
        )
        sqlite_api.record()
    assert lines == [
        _line("unexpanded_placeholder", 422, "POST", "/v1/reports", 1),
        _line("invalid", 422, "POST", "/v1/reports", 1),
        _line("unauthorized", 401, "GET", "/v1/reports/{receipt}", None),
    ]


def _line(code: str, status: int, method: str, route: str, source: int | None) -> dict[str, Any]:
    return {
        "event": "refused", "log_level": "info", "code": code, "status": status, "method": method,
        "route": route, "source": source,
    }  # fmt: skip


def test_failure_of_ours_is_a_problem_document_without_its_reason(
    sqlite_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Desk, "receipt", broken)
    with structlog.testing.capture_logs() as lines:
        answer = sqlite_api.client.get("/v1/reports/" + "x" * 26, headers=sqlite_api.headers())
    assert (answer.status_code, problem_of(answer)) == (500, "internal")
    assert "secret" not in answer.text + json.dumps(lines)
    assert [line["code"] for line in lines] == ["internal"]


def test_revoked_key_is_refused_with_the_next_request(sqlite_api: Api) -> None:
    assert sqlite_api.record().status_code == 200
    with sqlite_api.feed.database.write() as connection:
        reporters.revoke_key(connection, sqlite_api.key.split("_")[1], now=int(time.time()))
    assert problem_of(sqlite_api.record()) == "unauthorized"

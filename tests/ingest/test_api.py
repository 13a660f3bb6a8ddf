"""The report API over a real database: what is taken, what is refused, and in which words."""

import base64
import collections
import dataclasses
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from feed.settings import PublishSettings
from feed.store import reporters
from feed.store.database import Database
from feed.store.tables import cell, event, receipt, reporter_network
from ingest.body import LARGEST
from tests.factories import NOW, make_reporter
from tests.ingest.reporting import BORDER, MAIL, RECORD, Api, problem_of
from tests.mails import Border, auto_reply, dsn, ordinary


def test_mail_from_a_trap_is_taken_with_the_address_the_border_host_saw(api: Api) -> None:
    answer = api.mail(dsn(border=BORDER), **{"class": "trap"})
    assert answer.status_code == 200
    said = answer.json()
    assert (said["status"], said["verdict"], said["kind"]) == ("accepted", "backscatter", "dsn_fail")
    assert (said["emitter"], said["provenance"], said["strength"]) == ("192.0.2.66", "P2", 3)
    assert (api.rows(event), api.rows(cell)) == (1, 1)


def test_record_is_taken(api: Api) -> None:
    said = api.record().json()
    assert (said["verdict"], said["provenance"], said["attestation"], said["strength"]) == (
        "backscatter",
        "P3",
        "U4",
        4,
    )


def test_the_same_report_again_gets_the_first_receipt_and_changes_nothing(api: Api) -> None:
    first = api.mail(dsn(border=BORDER), **{"class": "trap"}).json()
    again = api.mail(dsn(border=BORDER), **{"class": "unknown"}).json()
    assert (again["receipt"], again["status"]) == (first["receipt"], "duplicate")
    assert (api.rows(event), api.rows(receipt)) == (1, 1)


def test_the_same_report_many_times_at_once_is_stored_once(api: Api) -> None:
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(api.record().json())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert collections.Counter(one["status"] for one in answers) == {"accepted": 1, "duplicate": 5}
    assert len({one["receipt"] for one in answers}) == 1
    assert (api.rows(event), api.rows(cell), api.rows(receipt)) == (1, 1, 1)


def test_receipt_can_be_read_by_its_reporter_only(api: Api) -> None:
    number = api.record().json()["receipt"]
    mine = api.client.get(f"/v1/reports/{number}", headers={"Authorization": f"Bearer {api.key}"})
    assert mine.json()["receipt"] == number
    with api.feed.database.write() as connection:
        source_id = make_reporter(connection, "two")
        other = reporters.new_key(
            connection, api.feed.secret, source_id=source_id, scopes=("report",), author="t", now=0
        )
    theirs = api.client.get(f"/v1/reports/{number}", headers={"Authorization": f"Bearer {other}"})
    assert (theirs.status_code, problem_of(theirs)) == (404, "not_found")


def test_idempotency_key_with_another_body_is_refused(api: Api) -> None:
    key = {"Idempotency-Key": '"k1"'}
    first = api.record(headers=key)
    assert api.record(headers=key).json()["receipt"] == first.json()["receipt"]
    assert problem_of(api.record(headers=key, original_key="other")) == "idempotency_key_reused"
    assert api.rows(event) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"client_ip": "192.0.2.256"}, "/client_ip", id="no address"),
        pytest.param({"client_ip": "192.0.2.0/24"}, "/client_ip", id="a network"),
        pytest.param({"client_ip": ...}, "/client_ip", id="missing field"),
        pytest.param({"subject": "secret text"}, "/subject", id="unknown field"),
        pytest.param({"kind": "spam"}, "/kind", id="unknown kind"),
        pytest.param({"null_sender": "perhaps"}, "/null_sender", id="not a truth value"),
        pytest.param({"observed_at": "yesterday"}, "/observed_at", id="not a time"),
        pytest.param({"observed_at": "2026-11-24T08:15:00"}, "/observed_at", id="no time zone"),
        pytest.param({"observed_at": "0001-01-01T00:00:00+14:00"}, "/observed_at", id="before the calendar"),
        pytest.param({"digest": "zz"}, "/digest", id="not a digest"),
        pytest.param({"lookback_days": -1}, "/lookback_days", id="negative"),
        pytest.param({"recipient_token": "x" * 129}, "/recipient_token", id="too long"),
    ],
)
def test_wrong_field_is_named_and_not_echoed(api: Api, change: dict[str, Any], pointer: str) -> None:
    answer = api.record(**change)
    assert (answer.status_code, problem_of(answer)) == (422, "invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert "secret text" not in answer.text
    assert api.rows(event) == api.rows(receipt) == 0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"observed_at": "2026-11-17T11:59:00Z"}, "stale", id="older than seven days"),
        pytest.param({"observed_at": "2026-11-25T12:11:00Z"}, "future", id="from the future"),
        pytest.param({"client_ip": "::ffff:127.0.0.1"}, "bad_address_class", id="loopback, mapped"),
        pytest.param({"cause": "listed"}, "sole_cause_is_listing", id="our own doing"),
        pytest.param({"recipient_token": "%(token)s"}, "unexpanded_placeholder", id="placeholder"),
    ],
)
def test_report_that_can_never_be_evidence_is_refused(api: Api, change: dict[str, Any], problem: str) -> None:
    if problem == "bad_address_class":
        _outside_test(api)
    answer = api.record(**change)
    assert (answer.status_code, problem_of(answer)) == (422, problem)
    assert api.rows(event) == api.rows(receipt) == 0


def _outside_test(api: Api) -> None:
    """Serve the same feed with a zone in the real world, where special-purpose space is refused."""
    settings = api.feed.settings.model_copy(
        update={"publish": PublishSettings(zone="bl.example.org", score_zone="score.bl.example.org")}
    )
    api.__init__(dataclasses.replace(api.feed, settings=settings), api.key)  # type: ignore[misc]


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.1.1", "192.0.2.66", "fe80::1", "2002:a00:1::1", "224.0.0.1"]
)
def test_special_purpose_address_is_refused_outside_test(api: Api, address: str) -> None:
    _outside_test(api)
    assert problem_of(api.record(client_ip=address)) == "bad_address_class"


def test_ordinary_mail_is_no_notification(api: Api) -> None:
    assert (
        problem_of(api.mail(ordinary(), **{"class": "trap", "client_ip": "192.0.2.66"}))
        == "not_a_notification"
    )


def test_mail_without_a_registered_border_host_names_nobody(api: Api) -> None:
    foreign = Border(host="mx.other.example", ip="192.0.2.66", at=NOW)
    assert problem_of(api.mail(dsn(border=foreign), **{"class": "trap"})) == "no_trustworthy_address"


def test_parameter_that_is_unknown_is_named(api: Api) -> None:
    answer = api.mail(dsn(border=BORDER), clas="trap")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/clas"]


@pytest.mark.parametrize("cut", [10, 200, 500, 900])
def test_truncated_mail_is_judged_or_refused_in_words(api: Api, cut: int) -> None:
    answer = api.mail(dsn(border=BORDER)[:cut], **{"class": "trap"})
    assert answer.status_code == 200 or problem_of(answer) in {"not_a_notification", "no_trustworthy_address"}


@pytest.mark.parametrize(
    ("headers", "body", "status", "problem"),
    [
        pytest.param(MAIL, b"x" * (LARGEST + 1), 413, "too_large", id="too large"),
        pytest.param(MAIL, b"", 400, "malformed", id="empty"),
        pytest.param({"Content-Type": "application/json"}, b"{", 400, "malformed", id="broken JSON"),
        pytest.param({"Content-Type": "application/json"}, b"[]", 422, "invalid", id="JSON of another shape"),
        pytest.param({"Content-Type": "text/html"}, b"x", 415, "unsupported_media_type", id="HTML"),
        pytest.param(
            MAIL | {"Content-Encoding": "gzip"}, b"x", 415, "unsupported_media_type", id="compressed"
        ),
        pytest.param(MAIL | {"Idempotency-Key": "k" * 200}, b"x", 400, "malformed", id="endless key"),
    ],
)
def test_unusable_request_is_refused(
    api: Api, headers: dict[str, str], body: bytes, status: int, problem: str
) -> None:
    answer = api.client.post(
        "/v1/reports", content=body, headers=headers | {"Authorization": f"Bearer {api.key}"}
    )
    assert (answer.status_code, problem_of(answer)) == (status, problem)


def test_body_without_a_length_is_cut_off_at_the_limit(api: Api) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    answer = api.client.post(
        "/v1/reports", content=endless(), headers=MAIL | {"Authorization": f"Bearer {api.key}"}
    )
    assert (answer.status_code, problem_of(answer)) == (413, "too_large")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer bsf_0_0",
        "Basic !",
        "Basic " + base64.b64encode(b"\xff").decode(),
        "Digest x",
    ],
)
def test_request_without_a_right_key_is_refused(api: Api, header: str | None) -> None:
    headers = MAIL | ({"Authorization": header} if header is not None else {})
    answer = api.client.post("/v1/reports", content=dsn(border=BORDER), headers=headers)
    assert (answer.status_code, problem_of(answer)) == (401, "unauthorized")
    assert "Bearer" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("form", ["{key}", "x:{key}", "bsf_{id}:{secret}"])
def test_key_may_come_as_basic(api: Api, form: str) -> None:
    _, number, part = api.key.split("_")
    plain = form.format(key=f"any:{api.key}" if form == "{key}" else api.key, id=number, secret=part)
    header = "Basic " + base64.b64encode(plain.encode()).decode()
    answer = api.client.post(
        "/v1/reports", content=dsn(border=BORDER), headers=MAIL | {"Authorization": header}
    )
    assert answer.status_code == 200


def test_suspended_reporter_is_refused(api: Api) -> None:
    with api.feed.database.write() as connection:
        reporters.suspend(connection, 1, now=1)
    answer = api.record()
    assert (answer.status_code, problem_of(answer)) == (403, "forbidden")


def test_operators_key_does_not_report(api: Api) -> None:
    with api.feed.database.write() as connection:
        api.key = reporters.new_key(
            connection, api.feed.secret, source_id=None, scopes=("operate",), author="t", now=0
        )
    assert problem_of(api.record()) == "forbidden"


def test_own_networks_are_never_charged(api: Api) -> None:
    with api.feed.database.write() as connection:
        connection.execute(
            sa.insert(reporter_network).values(source_id=1, network="192.0.2.0/24", role="own")
        )
    assert api.record().json()["verdict"] == "relayed"
    assert api.rows(event) == 0


def test_quota_ends_the_day_and_says_until_when(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.quota.NEW", 2)
    left = [api.record(original_key=str(number), recipient_token=str(number)).headers for number in range(2)]
    assert [one["ratelimit"] for one in left] == ['"day";r=1;t=43200', '"day";r=0;t=43200']
    answer = api.record(original_key="3")
    assert (answer.status_code, problem_of(answer), answer.headers["retry-after"]) == (
        429,
        "over_quota",
        "43200",
    )
    assert api.record(original_key="0", recipient_token="0").json()["status"] == "duplicate"


def test_database_that_is_away_is_503_and_nothing_is_lost(api: Api) -> None:
    url = "postgresql://nobody@/none?host=/nonexistent"
    broken = Api(dataclasses.replace(api.feed, database=Database(url)), api.key)
    answer = broken.record()
    assert (answer.status_code, problem_of(answer), answer.headers["retry-after"]) == (503, "busy", "5")
    assert api.record().json()["status"] == "accepted"


def test_raw_endpoint_tells_json_from_mail(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key}"}
    as_json = api.client.post(
        "/v1/reports/raw", content=b" \n" + json.dumps(RECORD).encode(), headers=headers
    )
    as_mail = api.client.post("/v1/reports/raw?class=trap", content=dsn(border=BORDER), headers=headers)
    assert (as_json.json()["provenance"], as_mail.json()["provenance"]) == ("P3", "P2")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({}, None, id="today"),
        pytest.param({"day": "2026-11-26"}, "future", id="tomorrow"),
        pytest.param({"day": "2026-11-17"}, "stale", id="long ago"),
        pytest.param({"genuine_24h": 9}, "invalid", id="more genuine than there were"),
        pytest.param({"address": "nowhere"}, "invalid", id="no address"),
    ],
)
def test_observations(api: Api, change: dict[str, Any], problem: str | None) -> None:
    said = {
        "address": "192.0.2.66",
        "day": "2026-11-25",
        "seen_24h": 10,
        "null_24h": 5,
        "genuine_24h": 3,
    } | change
    answer = api.client.post("/v1/observations", json=said, headers={"Authorization": f"Bearer {api.key}"})
    assert (answer.status_code == 200) if problem is None else (problem_of(answer) == problem)
    assert api.rows(cell) == (1 if problem is None else 0)


def test_nothing_of_a_mail_is_stored_or_answered(api: Api) -> None:
    """The victim, the stranger that does not exist, the subject: nowhere in rows or answers."""
    said = [api.mail(dsn(border=BORDER), **{"class": "trap"}).text, api.mail(auto_reply(border=BORDER)).text]
    rows = []
    with api.feed.database.read() as connection:
        for table in (event, receipt, cell):
            rows += [repr(row) for row in connection.execute(sa.select(table))]
    for secret_word in ("nobody@", "original-1@", "Cheap watches", "victim", "@reporter.example"):
        assert not any(secret_word.lower() in text.lower() for text in rows + said), secret_word


def test_unknown_path_and_method_are_problems(api: Api) -> None:
    assert problem_of(api.client.get("/v1/nothing")) == "not_found"
    assert problem_of(api.client.get("/v1/reports")) == "method_not_allowed"


def test_standing_and_health(api: Api) -> None:
    api.record()
    standing = api.client.get("/v1/reporter", headers={"Authorization": f"Bearer {api.key}"}).json()
    assert (standing["events_today"], standing["border_hosts"]) == (1, ["mx.one.example"])
    assert api.client.get("/healthz").status_code == api.client.get("/readyz").status_code == 200
    assert 'bsf_reports_total{result="accepted"} 1.0' in api.client.get("/metrics").text

"""Every shape in which a report may come, over HTTP, and what each is worth."""

import base64
import gzip
import json
from typing import Any

import pytest
import sqlalchemy as sa

from feed.store.tables import event, receipt
from ingest import body
from tests import mails
from tests.ingest.reporting import BORDER, MAIL, RECORD, Api, problem_of

FEEDBACK = 'multipart/report; report-type=feedback-report; boundary="=_f0"'
NDJSON = "application/x-ndjson"
XARF: dict[str, Any] = {
    "xarf_version": "4.2.0",
    "report_id": "4b7a4f0a-6f0e-4a3c-9a53-0d6f4c1d2e3f",
    "timestamp": "2026-11-24T08:15:00Z",
    "reporter": {"org": "One", "contact": "abuse@one.example", "domain": "one.example"},
    "source_identifier": "192.0.2.66",
    "source_port": 25,
    "category": "messaging",
    "type": "spam",
    "protocol": "smtp",
    "smtp_from": "",
    "evidence_source": "spamtrap",
    "tags": ["backscatter:dsn_fail"],
}


def facts(answer: Any) -> tuple[str, str, int]:
    assert answer.status_code == 200, answer.text
    said = answer.json()
    return said["emitter"], said["provenance"], said["strength"]


# --- feedback reports ---


def test_feedback_report_by_its_own_content_type_equals_the_same_as_a_mail(sqlite_api: Api) -> None:
    whole = mails.feedback_report(mails.dsn(border=BORDER), source_ip="192.0.2.66")
    _, _, only_body = whole.partition(b"\n\n")
    answer = sqlite_api.post("/v1/reports?class=trap", only_body, FEEDBACK)
    assert facts(answer) == ("192.0.2.66", "P2", 3)
    other = mails.feedback_report(mails.dsn(border=BORDER, original_id="2@x"), source_ip="192.0.2.66")
    assert facts(sqlite_api.mail(other, **{"class": "trap"})) == ("192.0.2.66", "P2", 3)


def test_feedback_report_without_the_border_hop_counts_little(sqlite_api: Api) -> None:
    whole = mails.feedback_report(mails.dsn(), source_ip="192.0.2.66").replace(b"\n", b"\r\n")
    _, _, only_body = whole.partition(b"\r\n\r\n")
    answer = sqlite_api.post("/v1/reports?class=trap", only_body, FEEDBACK)
    assert facts(answer) == ("192.0.2.66", "P1", 1)


def test_report_of_another_type_is_not_taken_as_feedback(sqlite_api: Api) -> None:
    answer = sqlite_api.post(
        "/v1/reports", b"--b--", 'multipart/report; report-type=delivery-status; boundary="b"'
    )
    assert (answer.status_code, problem_of(answer)) == (415, "unsupported_media_type")


# --- XARF ---


def test_xarf_without_a_mail_is_second_hand(sqlite_api: Api) -> None:
    answer = sqlite_api.post("/v1/reports", json.dumps(XARF).encode(), "application/json")
    assert facts(answer) == ("192.0.2.66", "P1", 1)
    assert (answer.json()["attestation"], answer.json()["kind"]) == ("U4", "dsn_fail")


def _with_mail(message: bytes, **change: Any) -> bytes:
    item = {"content_type": "message/rfc822", "payload": base64.b64encode(message).decode()}
    return json.dumps(XARF | {"evidence": [item]} | change).encode()


@pytest.mark.parametrize(
    ("source", "expected", "defects"),
    [
        pytest.param("192.0.2.66", ("192.0.2.66", "P2", 3), [], id="the mail agrees"),
        pytest.param("192.0.2.99", ("192.0.2.66", "P1", 1), ["source_ip_differs"], id="the mail differs"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_xarf_with_a_mail_is_worth_what_the_mail_shows(
    sqlite_api: Api, source: str, expected: tuple[str, str, int], defects: list[str], end: bytes
) -> None:
    message = mails.dsn(border=BORDER).replace(b"\n", end)
    answer = sqlite_api.post("/v1/reports", _with_mail(message, source_identifier=source), "application/json")
    assert facts(answer) == expected
    assert answer.json()["defects"] == defects


def test_xarf_and_the_mail_in_it_are_one_report(sqlite_api: Api) -> None:
    message = mails.dsn(border=BORDER)
    first = sqlite_api.mail(message, **{"class": "trap"}).json()
    again = sqlite_api.post("/v1/reports", _with_mail(message), "application/json").json()
    assert (again["status"], again["receipt"]) == ("duplicate", first["receipt"])


@pytest.mark.parametrize("sender", [None, "", "<>"])
def test_xarf_may_say_the_null_sender_in_any_way(sqlite_api: Api, sender: str | None) -> None:
    # Without a kind, a null sender to a trap is a bounce of an unknown sort.
    said = json.dumps(XARF | {"smtp_from": sender, "tags": []}).encode()
    assert sqlite_api.post("/v1/reports", said, "application/json").json()["kind"] == "ndr"
    named = json.dumps(XARF | {"smtp_from": "jo@one.example", "tags": []}).encode()
    assert problem_of(sqlite_api.post("/v1/reports", named, "application/json")) == "not_a_notification"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"source_identifier": "mail.emitter.example"}, "/source_identifier", id="a domain"),
        pytest.param({"category": "content"}, "/category", id="another category"),
        pytest.param({"type": "bulk_messaging"}, "/type", id="another type"),
        pytest.param({"protocol": "http"}, "/protocol", id="another protocol"),
        pytest.param({"xarf_version": "3.0.0"}, "/xarf_version", id="version 3"),
        pytest.param({"tags": ["backscatter:spam"]}, "/tags", id="unknown kind"),
        pytest.param({"timestamp": "2026-11-24T08:15:00"}, "/timestamp", id="no time zone"),
        pytest.param(
            {"evidence": [{"content_type": "message/rfc822", "payload": "%"}]},
            "/evidence/0/payload",
            id="no base64",
        ),
        pytest.param({"evidence": [{"content_type": "a/b", "payload": ""}] * 2}, "/evidence", id="two items"),
        pytest.param({"x_backscatter": {"subject": "x"}}, "/x_backscatter/subject", id="unknown extension"),
    ],
)
def test_xarf_outside_the_profile_is_refused(sqlite_api: Api, change: dict[str, Any], pointer: str) -> None:
    answer = sqlite_api.post("/v1/reports", json.dumps(XARF | change).encode(), "application/json")
    assert (answer.status_code, problem_of(answer)) == (422, "invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_xarf_with_too_large_a_mail_is_refused(sqlite_api: Api) -> None:
    answer = sqlite_api.post("/v1/reports", _with_mail(b"x" * (body.LARGEST + 1)), "application/json")
    assert (answer.status_code, problem_of(answer)) == (413, "too_large")


def test_json_with_parameters_is_refused_since_they_would_not_count(sqlite_api: Api) -> None:
    answer = sqlite_api.post("/v1/reports?class=trap", json.dumps(RECORD).encode(), "application/json")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/class"]


def test_parameter_that_comes_twice_is_refused(sqlite_api: Api) -> None:
    answer = sqlite_api.post(
        "/v1/reports?class=trap&class=unknown", mails.dsn(border=BORDER), MAIL["Content-Type"]
    )
    assert problem_of(answer) == "malformed"


def test_name_of_an_unknown_field_is_not_repeated_when_it_could_be_anything(sqlite_api: Api) -> None:
    answer = sqlite_api.post(
        "/v1/reports", json.dumps(RECORD | {"jo@reporter.example": 1}).encode(), "application/json"
    )
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/?"]
    assert "jo@" not in answer.text


# --- a person's forward ---


def forward(
    inner: bytes, *, subject: str = "Fwd: Undelivered Mail Returned to Sender", extra: str = ""
) -> bytes:
    head = (
        "Return-Path: <jo@reporter.example>\n"
        "Received: from laptop (laptop [198.51.100.7]) by mx.one.example (Postfix); "
        "Wed, 25 Nov 2026 11:00:00 +0000\n"
        f"From: Jo <jo@reporter.example>\nTo: abuse@reporter.example\nSubject: {subject}\n{extra}"
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="=_w0"\n\n'
        "--=_w0\nContent-Type: text/plain\n\nLook what came.\n--=_w0\nContent-Type: message/rfc822\n\n"
    )
    return head.encode() + inner + b"\n--=_w0--\n"


def test_forward_of_a_person_is_judged_by_the_mail_in_it(sqlite_api: Api) -> None:
    answer = sqlite_api.mail(forward(mails.dsn(border=BORDER)), forwarded="true", **{"class": "trap"})
    assert facts(answer) == ("192.0.2.66", "P2", 3)
    assert "forwarded" in answer.json()["reasons"]


def test_forward_never_blames_the_person(sqlite_api: Api) -> None:
    answer = sqlite_api.mail(forward(mails.dsn()), forwarded="true", **{"class": "trap"})
    assert problem_of(answer) == "no_trustworthy_address"


def test_what_looks_like_a_forward_is_not_opened_unless_the_reporter_says_that_it_is_one(
    sqlite_api: Api,
) -> None:
    # Anybody can send a trap a mail with a notification in it that names an innocent host.
    answer = sqlite_api.mail(forward(mails.dsn(border=BORDER)), **{"class": "trap"})
    assert problem_of(answer) == "not_a_notification"


# --- rspamd's exporter ---

EXPORTED = {
    "X-Rspamd-Ip": "192.0.2.66",
    "X-Rspamd-From": "",
    "X-Rspamd-Rcpt": '["jo@one.example"]',
    "X-Rspamd-User": "unknown",
    "X-Rspamd-Qid": "4XyZ",
    "X-Rspamd-Subject": "Undelivered",
}


def _raw(
    api: Api, content: bytes, kind: str = "text/plain", query: str = "?class=trap", **headers: str
) -> Any:
    basic = base64.b64encode(f"rspamd:{api.key}".encode()).decode()
    return api.post(
        "/v1/reports/raw" + query, content, kind, **({"Authorization": f"Basic {basic}"} | headers)
    )


def test_exporter_with_headers_names_the_address_that_rspamd_saw(sqlite_api: Api) -> None:
    message = mails.dsn()
    first = _raw(sqlite_api, message, **EXPORTED)
    assert facts(first) == ("192.0.2.66", "P3", 4)
    again = _raw(sqlite_api, message, **EXPORTED)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    with sqlite_api.feed.database.read() as connection:
        assert connection.execute(sa.select(event.c.recipient_token)).scalar_one() != 0


@pytest.mark.parametrize(
    ("sender", "attestation"), [("", "U4"), ("<>", "U4"), ("x@y.example", "U1"), ("unknown", "U4")]
)
def test_exporter_says_whether_the_sender_was_null(sqlite_api: Api, sender: str, attestation: str) -> None:
    fields = EXPORTED | {"X-Rspamd-From": sender}
    answer = _raw(sqlite_api, mails.dsn(), query="?class=tag_missing", **fields)
    assert answer.json()["attestation"] == attestation


def test_exporter_of_a_mail_that_an_own_user_sent_blames_nobody(sqlite_api: Api) -> None:
    answer = _raw(sqlite_api, mails.dsn(), **(EXPORTED | {"X-Rspamd-User": "jo"}))
    assert problem_of(answer) == "no_trustworthy_address"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"X-Rspamd-Ip": "unknown"}, "no_trustworthy_address", id="no address"),
        pytest.param({"X-Rspamd-Ip": "x.example"}, "invalid", id="not an address"),
        pytest.param({"X-Rspamd-Rcpt": "[1"}, "malformed", id="not a list"),
    ],
)
def test_exporter_that_says_nothing_usable(sqlite_api: Api, change: dict[str, str], problem: str) -> None:
    assert problem_of(_raw(sqlite_api, mails.dsn(), **(EXPORTED | change))) == problem


META = {
    "ip": "192.0.2.66", "from": "", "rcpt": ["jo@one.example"], "user": "unknown", "qid": "4XyZ",
    "action": "no action", "rspamd_server": "mx", "subject": "s", "symbols": [{"name": "R", "score": 1.0}],
}  # fmt: skip


def test_exporter_with_its_json_and_the_message(sqlite_api: Api) -> None:
    said = META | {"message": base64.b64encode(mails.dsn()).decode()}
    assert facts(_raw(sqlite_api, json.dumps(said).encode(), "application/json")) == ("192.0.2.66", "P3", 4)


def test_exporter_with_its_json_alone_is_a_record(sqlite_api: Api) -> None:
    answer = _raw(sqlite_api, json.dumps(META).encode(), query="?class=no_such_user")
    assert facts(answer) == ("192.0.2.66", "P3", 2)


def test_exporter_with_its_form(sqlite_api: Api) -> None:
    parts = (
        b'--XX\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n'
        + json.dumps(META).encode()
        + b'\r\n--XX\r\nContent-Disposition: form-data; name="message"; filename="message.eml"\r\n'
        b"Content-Type: message/rfc822\r\n\r\n" + mails.dsn() + b"\r\n--XX--\r\n"
    )
    assert facts(_raw(sqlite_api, parts, 'multipart/form-data; boundary="XX"')) == ("192.0.2.66", "P3", 4)
    empty = _raw(sqlite_api, b"--XX--\r\n", "multipart/form-data; boundary=XX")
    assert problem_of(empty) == "malformed"


@pytest.mark.parametrize("content", [b"{", b'{"qid": 1}', b"", b"[]", b'{"a":' * 100_000])
def test_raw_content_that_is_nothing_is_refused_in_words(sqlite_api: Api, content: bytes) -> None:
    assert problem_of(_raw(sqlite_api, content, query="")) in {
        "malformed",
        "invalid",
        "not_a_notification",
        "too_large",
    }


# --- batches ---


def lines(number: int, **change: Any) -> bytes:
    rows = (RECORD | {"original_key": f"o{one}"} | change for one in range(number))
    return b"\n".join(json.dumps(row).encode() for row in rows)


def test_batch_has_a_result_for_each_line_and_stores_the_good_ones(api: Api) -> None:
    good = json.dumps(RECORD).encode()
    stale = json.dumps(RECORD | {"observed_at": "2026-11-01T00:00:00Z"}).encode()
    content = b"\n".join([good, b"", b"{", json.dumps(RECORD | {"kind": "x"}).encode(), stale, good, b""])
    answer = api.post("/v1/reports:batch", content, NDJSON)
    assert answer.status_code == 200
    said = answer.json()
    assert (said["accepted"], said["duplicate"], said["refused"]) == (1, 1, 3)
    results = said["results"]
    assert [one["line"] for one in results] == [1, 3, 4, 5, 6]
    assert [one.get("problem", {}).get("type", "").rpartition(":")[2] for one in results] == [
        "", "malformed", "invalid", "stale", "",
    ]  # fmt: skip
    assert results[2]["problem"]["errors"][0]["pointer"] == "/kind"
    assert results[0]["report"]["receipt"] == results[4]["report"]["receipt"]
    assert results[4]["report"]["status"] == "duplicate"
    assert (api.rows(event), api.rows(receipt)) == (1, 1)


def test_batch_again_changes_nothing_and_equals_single_reports(api: Api) -> None:
    single = api.record(original_key="o1").json()
    first = api.post("/v1/reports:batch", lines(50), NDJSON).json()
    assert (first["accepted"], first["duplicate"]) == (49, 1)
    assert first["results"][1]["report"]["receipt"] == single["receipt"]
    again = api.post("/v1/reports:batch", lines(50), NDJSON)
    assert (again.json()["duplicate"], again.headers["ratelimit"]) == (50, '"day";r=9950;t=43200')
    assert (api.rows(event), api.rows(receipt)) == (50, 50)


def test_batch_may_be_gzip_of_several_members(sqlite_api: Api) -> None:
    content = gzip.compress(lines(3) + b"\n") + gzip.compress(lines(2, recipient_token="other"))
    answer = sqlite_api.post("/v1/reports:batch", content, NDJSON, **{"Content-Encoding": "gzip"})
    assert answer.json()["accepted"] == 5


@pytest.mark.parametrize(
    ("content", "headers", "status", "problem"),
    [
        pytest.param(b"", {}, 400, "malformed", id="empty"),
        pytest.param(b"\n \n\n", {}, 400, "malformed", id="blank lines"),
        pytest.param(b"{}\n" * 1001, {}, 413, "too_large", id="1001 lines"),
        pytest.param(b" " * (body.LARGEST_BATCH + 1), {}, 413, "too_large", id="too many bytes"),
        pytest.param(b"x", {"Content-Encoding": "gzip"}, 400, "malformed", id="not gzip"),
        pytest.param(
            gzip.compress(b"{}")[:-3], {"Content-Encoding": "gzip"}, 400, "malformed", id="cut gzip"
        ),
        pytest.param(
            gzip.compress(b"{}") + b"x", {"Content-Encoding": "gzip"}, 400, "malformed", id="rubbish behind"
        ),
        pytest.param(b"{}", {"Content-Encoding": "br"}, 415, "unsupported_media_type", id="brotli"),
        pytest.param(b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type", id="text"),
    ],
)
def test_what_is_no_batch_is_refused_whole(
    sqlite_api: Api, content: bytes, headers: dict[str, str], status: int, problem: str
) -> None:
    answer = sqlite_api.post("/v1/reports:batch", content, NDJSON, **headers)
    assert (answer.status_code, problem_of(answer)) == (status, problem)


def test_batch_beyond_the_quota_takes_what_is_left(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.quota.NEW", 3)
    answer = sqlite_api.post("/v1/reports:batch", lines(5), NDJSON)
    said = answer.json()
    assert (answer.status_code, said["accepted"], said["refused"]) == (200, 3, 2)
    assert answer.headers["ratelimit"] == '"day";r=0;t=43200'
    assert said["results"][4]["problem"]["type"].endswith(":over_quota")
    repeated = sqlite_api.post("/v1/reports:batch", lines(3), NDJSON)
    assert (repeated.status_code, repeated.json()["duplicate"]) == (200, 3)
    beyond = sqlite_api.post("/v1/reports:batch", lines(2, recipient_token="new"), NDJSON)
    assert (beyond.status_code, problem_of(beyond)) == (429, "over_quota")
    assert beyond.headers["retry-after"] == "43200"

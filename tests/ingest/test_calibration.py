"""A reporter's canaries among his reports: they show what his registration is worth, and charge nobody."""

import datetime as dt
import email.utils
import ipaddress

from feed.domain.canary import NAMES, Canary, Finding, make_canaries
from feed.store import canaries, standing
from feed.store.canaries import RUN_DAYS, Outcome
from feed.store.tables import event
from tests.factories import NOW
from tests.ingest.reporting import Api, another_key, problem_of

TOKEN = "t0k3n-of-this-run"
SENDER = ipaddress.ip_address("192.0.2.77")
AT = int(NOW.timestamp())
MADE = make_canaries(
    recipient="trap@one.example",
    sender_host="canary.feed.example",
    border_hosts={"mx.one.example"},
    authserv_id="mx.one.example",
    token=TOKEN,
    at=NOW,
)


def stamped(canary: Canary, address: str = str(SENDER)) -> bytes:
    date = email.utils.format_datetime(NOW)
    field = f"Received: from x (canary.feed.example [{address}]) by mx.one.example (Postfix) with ESMTP id A"
    return f"{field}; {date}\r\n".encode() + canary.message


def started(api: Api, *, ago: dt.timedelta = dt.timedelta(0), source_id: int = 1) -> int:
    with api.feed.database.write() as connection:
        return canaries.start(
            connection, api.feed.secret, source_id, token=TOKEN, address=SENDER, authserv_id="mx.one.example",
            mails=len(MADE), author="test", now=AT - int(ago.total_seconds()),
        )  # fmt: skip


def outcomes(api: Api, run_id: int) -> dict[str, Outcome]:
    with api.feed.database.read() as connection:
        return {one.name: one for one in canaries.outcomes(connection, run_id)}


def contradictions(api: Api) -> dict[int, dict[int, int]]:
    with api.feed.database.read() as connection:
        return standing.contradictions(connection, since_day=0)


def test_a_server_that_stamps_is_calibrated_and_charges_nobody(api: Api) -> None:
    run_id = started(api)
    for canary in MADE:
        answer = api.mail(stamped(canary), **{"class": "trap"})
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert (said["verdict"], said["emitter"], said["strength"]) == ("unverifiable", None, 0)
        assert said["reasons"] == ["canary", "canary_known_address"]
    found = outcomes(api, run_id)
    assert set(found) == set(NAMES)
    assert {one.finding for one in found.values()} == {Finding.KNOWN_ADDRESS}
    assert api.rows(event) == 0
    assert contradictions(api) == {}


def test_a_server_that_does_not_stamp_is_found_and_contradicted_once(api: Api) -> None:
    run_id = started(api)
    for canary in MADE:
        assert api.mail(canary.message).status_code == 200
    findings = {one.finding for one in outcomes(api, run_id).values()}
    assert Finding.FORGED_ADDRESS in findings
    assert Finding.KNOWN_ADDRESS not in findings
    assert api.rows(event) == 0
    assert contradictions(api) == {1: {AT // 86_400: 5}}


def test_of_two_submissions_the_worse_counts(api: Api) -> None:
    run_id = started(api)
    for message in (stamped(MADE[0]), MADE[0].message, stamped(MADE[0], "192.0.2.78"), stamped(MADE[0])):
        assert api.mail(message).status_code == 200
    assert outcomes(api, run_id)[MADE[0].name].finding is Finding.FORGED_ADDRESS


def test_the_claim_beside_it_plays_no_part(api: Api) -> None:
    run_id = started(api)
    api.mail(MADE[0].message, client_ip=str(SENDER))
    assert outcomes(api, run_id)[MADE[0].name].finding is not Finding.KNOWN_ADDRESS


def test_a_calibration_that_is_over_is_said_so(api: Api) -> None:
    run_id = started(api, ago=dt.timedelta(days=RUN_DAYS, seconds=1))
    answer = api.mail(stamped(MADE[0]))
    assert (answer.status_code, problem_of(answer)) == (422, "not_a_notification")
    assert "calibration" in answer.json()["detail"]
    assert outcomes(api, run_id) == {}
    assert api.rows(event) == 0


def test_a_field_without_the_reporters_token_spares_nobody(api: Api) -> None:
    """Else an emitter would write the field into his notifications."""
    other = another_key(api)
    started(api)
    api.key = other
    assert api.mail(stamped(MADE[-1])).json().get("reasons", []) != ["canary", "canary_known_address"]
    api.key = other
    with api.feed.database.read() as connection:
        assert canaries.latest(connection, 2) == []

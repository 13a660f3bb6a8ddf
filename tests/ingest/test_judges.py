"""Judging children: what dies with one mail, and what does not."""

import dataclasses
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed.domain.address import parse_address, parse_network
from feed.domain.event import Attestation, Kind, Provenance, RecipientClass, Verdict
from ingest import judge_wire
from ingest.judge_child import ADDRESS_SPACE_BYTES
from ingest.judge_wire import ANSWER, QUESTION, Question, WireError
from ingest.judges import BusyError, Judges
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from tests import mails
from tests.waiting import wait_until

ROOT = pathlib.Path(__file__).parents[2]
REGISTERED = Registration(border_hosts=frozenset({"mx.reporter.example"}), accept_special=True)
GOOD = mails.dsn(border=mails.Border())

BAD_JUDGE = """
import os, sys, time, signal
from ingest import judge_child
from ingest.judge_child import judge_submitted
judge_child.limit_memory()
def misbehave(message, **rest):
    if message == b"spin":
        while True: pass
    if message == b"eat":
        return bytes(400 * 1024 * 1024)
    if message == b"die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if message == b"babble":
        os.write(1, b"\\xff" * 100)
        time.sleep(60)
    return judge_submitted(message, **rest)
judge_child.judge_submitted = misbehave
judge_child.serve(sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0))
"""


def ask(message: bytes) -> Question:
    return Question(message=message, registration=REGISTERED, claim=Claim(), now=mails.NOW)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def judges() -> Iterator[Judges]:
    made = Judges(1)
    yield made
    made.close()


@pytest.fixture
def bad_judges() -> Iterator[Judges]:
    made = Judges(1, kill_after_s=1, program=("-c", BAD_JUDGE))
    made.start()
    yield made
    made.close()


def test_a_child_judges_as_the_library_does(judges: Judges) -> None:
    for message in (GOOD, mails.ordinary(), b"", b"\0\r\xff" * 1000, mails.auto_reply(border=mails.Border())):
        wanted = judge(message, registration=REGISTERED, claim=Claim(), now=mails.NOW)
        assert judges.judge(ask(message)) == wanted
    assert len(judges.pids) == 1


@pytest.mark.parametrize("message", [b"spin", b"eat", b"die", b"babble"])
def test_a_mail_that_takes_a_child_is_too_complex_and_takes_nothing_else(
    bad_judges: Judges, message: bytes
) -> None:
    (first,) = bad_judges.pids
    lost = bad_judges.judge(ask(message))
    assert (lost.refusal, lost.defects) == (Refusal.TOO_COMPLEX, ("judge_lost",))
    assert bad_judges.judge(ask(GOOD)).verdict is Verdict.BACKSCATTER
    assert bad_judges.pids != [first]
    assert not is_alive(first)


def test_a_child_that_got_no_time_is_no_fault_of_the_mail() -> None:
    judges = Judges(1, kill_after_s=0.2)
    judges.start()
    os.kill(judges.pids[0], signal.SIGSTOP)
    with pytest.raises(BusyError):
        judges.judge(ask(GOOD))
    judges.close()


def test_a_child_that_only_waits_gets_more_time() -> None:
    judges = Judges(1, kill_after_s=2)
    judges.start()
    (pid,) = judges.pids
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(2.5, os.kill, (pid, signal.SIGCONT))
    timer.start()
    assert judges.judge(ask(GOOD)).refusal is None
    assert judges.pids == [pid]
    judges.close()


def test_a_child_that_died_between_mails_is_replaced(judges: Judges) -> None:
    judges.judge(ask(GOOD))
    (first,) = judges.pids
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not is_alive(first), seconds=30, words=lambda: "the child still runs")
    assert judges.judge(ask(GOOD)).refusal is None


def test_the_memory_limit_holds_in_the_child(judges: Judges) -> None:
    judges.judge(ask(GOOD))
    assert resource.prlimit(judges.pids[0], resource.RLIMIT_AS) == (ADDRESS_SPACE_BYTES,) * 2
    assert resource.prlimit(judges.pids[0], resource.RLIMIT_CORE) == (0, 0)
    assert resource.prlimit(judges.pids[0], resource.RLIMIT_CPU)[0] != resource.RLIM_INFINITY


def test_a_child_gets_no_settings_and_no_keys(judges: Judges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSF_STORE__URL", "postgresql://u:secret@h/d")
    judges.start()
    environment = pathlib.Path(f"/proc/{judges.pids[0]}/environ").read_bytes()
    assert b"secret" not in environment
    assert b"BSF_" not in environment


def test_a_termination_signal_to_the_group_does_not_cost_the_mail_in_hand(judges: Judges) -> None:
    judges.judge(ask(GOOD))
    (pid,) = judges.pids
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(pid, number)
    assert judges.judge(ask(GOOD)).refusal is None
    assert judges.pids == [pid]


def test_who_finds_all_judges_busy_is_told_so() -> None:
    judges = Judges(1, kill_after_s=20, wait_s=0.01, program=("-c", BAD_JUDGE))
    judges.start()
    said: list[Judgement | Exception] = []

    def spin() -> None:
        try:
            said.append(judges.judge(ask(b"spin")))
        except BusyError as problem:
            said.append(problem)

    thread = threading.Thread(target=spin)
    thread.start()
    wait_until(judges._free.empty, seconds=30, words=lambda: "no judge was taken")
    with pytest.raises(BusyError):
        judges.judge(ask(GOOD))
    judges.close()
    thread.join()
    # Closed while it judged: the reporter comes back, and the mail is not called too complex.
    assert isinstance(said[0], BusyError)


def test_closing_ends_every_child_and_nothing_starts_again() -> None:
    judges = Judges(2)
    judges.start()
    pids = judges.pids
    assert len(pids) == 2
    judges.close()
    assert not any(is_alive(pid) for pid in pids)
    with pytest.raises(BusyError):
        judges.judge(ask(GOOD))
    assert judges.pids == []


def test_children_end_when_the_parent_is_killed() -> None:
    program = (
        "import sys; from ingest.judges import Judges; judges = Judges(1); judges.start();"
        "print(judges.pids[0], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    wait_until(lambda: not is_alive(child), seconds=30, words=lambda: "the child still runs")


def test_many_threads_share_few_children() -> None:
    judges = Judges(2, wait_s=60)
    messages = [mails.dsn(border=mails.Border(ip=f"192.0.2.{number}")) for number in range(1, 41)]
    found: dict[int, str] = {}

    def work(number: int) -> None:
        found[number] = str(judges.judge(ask(messages[number])).emitter)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(messages))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    judges.close()
    assert found == {number: f"192.0.2.{number + 1}" for number in range(len(messages))}


def test_the_child_loads_no_database_and_no_framework() -> None:
    program = "import sys, ingest.judge_child; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    absent = {"sqlalchemy", "pydantic", "fastapi", "structlog", "asyncio", "feed.store", "feed.settings"}
    assert absent & set(done.stdout.split()) == set()


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
CLAIMS = st.builds(
    Claim,
    recipient_class=st.sampled_from(RecipientClass),
    client_ip=st.none() | st.ip_addresses(),
    observed_at=st.none() | st.just(mails.NOW),
    null_sender=st.none() | st.booleans(),
    kind=st.none() | st.sampled_from(Kind),
    recipient_token=st.none() | WORDS,
    original_key=st.none() | WORDS,
    original_recipient_match=st.none() | st.booleans(),
    lookback_days=st.none() | st.integers(0, 3650),
    digest=st.none() | WORDS,
    helo=st.none() | WORDS,
    cause_is_listing=st.booleans(),
    forwarded=st.booleans(),
    recipient=st.none() | WORDS,
)
REGISTRATIONS = st.builds(
    Registration,
    border_hosts=st.frozensets(WORDS, max_size=2),
    internal_hosts=st.frozensets(WORDS, max_size=2),
    own_networks=st.just((parse_network("192.0.2.0/24"), parse_network("2001:db8::/48"))),
    forwarders=st.just((parse_network("192.0.2.1/32"),)),
    accept_special=st.booleans(),
    prvs_keys=st.lists(st.binary(max_size=9), max_size=2).map(tuple),
    srs_keys=st.lists(st.binary(max_size=9), max_size=2).map(tuple),
    own_domains=st.frozensets(WORDS, max_size=2),
    bounce_domains=st.frozensets(WORDS, max_size=2),
)


def test_everything_that_is_claimed_goes_over_the_pipe() -> None:
    assert judge_wire._claim_values(Claim()).keys() == {field.name for field in dataclasses.fields(Claim)}


@given(CLAIMS, REGISTRATIONS, st.binary(max_size=50))
def test_a_question_survives_the_pipe(claim: Claim, registration: Registration, message: bytes) -> None:
    question = dataclasses.replace(ask(message), claim=claim, registration=registration)
    frame = judge_wire.encode_question(question)
    text_n, message_n = QUESTION.unpack(frame[: QUESTION.size])
    text = frame[QUESTION.size : QUESTION.size + text_n]
    assert len(frame) == QUESTION.size + text_n + message_n
    decoded = judge_wire.decode_question(text, frame[-message_n:] if message_n else b"")
    if claim.client_ip is not None:
        question = dataclasses.replace(
            question, claim=dataclasses.replace(claim, client_ip=parse_address(str(claim.client_ip)))
        )
    assert decoded == question


JUDGEMENTS = st.builds(
    Judgement,
    kind=st.sampled_from(Kind),
    verdict=st.sampled_from(Verdict),
    refusal=st.none() | st.sampled_from(Refusal),
    emitter=st.none() | st.just(parse_address("192.0.2.1")),
    provenance=st.sampled_from(Provenance),
    attestation=st.sampled_from(Attestation),
    strength=st.integers(0, 5),
    observed_at=st.none() | st.just(mails.NOW),
    original=st.none() | st.binary(max_size=40),
    software=st.none() | WORDS,
    status=st.none() | WORDS,
    reporting_mta=st.none() | WORDS,
    helo=st.none() | WORDS,
    reasons=st.lists(WORDS, max_size=3).map(tuple),
    defects=st.lists(WORDS, max_size=3).map(tuple),
)


@given(JUDGEMENTS)
def test_a_judgement_survives_the_pipe(judgement: Judgement) -> None:
    frame = judge_wire.encode_judgement(judgement)
    assert ANSWER.unpack(frame[:4]) == (len(frame) - 4,)
    assert judge_wire.decode_judgement(frame[4:]) == judgement


@given(st.binary(max_size=60) | st.just(b"{}") | st.just(b"[]") | st.just(b'{"emitter": 1}'))
def test_nonsense_from_a_child_is_refused(text: bytes) -> None:
    with pytest.raises(WireError):
        judge_wire.decode_judgement(text)

"""Fuzzing of the judge with atheris: whatever the bytes, it answers, in order and in time.

Run in an environment that has atheris (which is no dependency of the project), from the project root:

    PYTHONPATH=. python tests/fuzz/judge.py CORPUS_FOLDER -max_total_time=600 -timeout=5 -max_len=65536

An empty CORPUS_FOLDER is filled with constructed mails first. What it finds is kept as a test in
tests/ingest/mail/test_hostile.py.
"""

import importlib
import ipaddress
import pathlib
import sys
from typing import Final

from feed.domain.event import STRENGTH_CAP, Kind, RecipientClass, Verdict
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Judgement, Refusal, Registration
from ingest.mail.received import read_received
from ingest.mail.unwrap import judge_submitted
from tests import mails

REGISTERED: Final = Registration(
    border_hosts=frozenset({"mx.reporter.example"}),
    internal_hosts=frozenset({"store.reporter.example"}),
    own_networks=(ipaddress.ip_network("203.0.113.0/28"),),
    accept_special=True,
    prvs_keys=(b"secret",),
    srs_keys=(b"secret",),
    own_domains=frozenset({"reporter.example"}),
    bounce_domains=frozenset({"bounce.reporter.example"}),
)
CLAIMS: Final = (
    Claim(),
    Claim(recipient_class=RecipientClass.TRAP, client_ip=ipaddress.ip_address("192.0.2.25")),
    Claim(recipient_class=RecipientClass.LOG_MISS, lookback_days=10, original_recipient_match=True),
    Claim(recipient_class=RecipientClass.TAG_BAD, null_sender=True),
)


def check(result: Judgement) -> None:
    """Raise `AssertionError` if a judgement breaks a promise."""
    assert "parser_failed" not in result.defects
    assert 0 <= result.strength <= STRENGTH_CAP[result.provenance]
    assert result.strength == 0 or result.verdict is Verdict.BACKSCATTER
    assert result.refusal is None or result.strength == 0
    assert (result.kind is Kind.NONE) <= (result.refusal is not None)
    assert (result.verdict is Verdict.SOLICITED) == (result.refusal is Refusal.SOLICITED)
    words = (*result.reasons, *result.defects)
    assert all(word.replace("_", "").isalnum() and word.isascii() and len(word) < 60 for word in words)
    for kept in (result.software, result.status, result.reporting_mta, result.helo):
        assert kept is None or (kept.isascii() and kept.isprintable() and len(kept) <= 255)


def one_input(data: bytes) -> None:
    """Judge one input under each claim, as a mail, as a forward, and as a Received field."""
    for claim in CLAIMS:
        check(judge(data, registration=REGISTERED, claim=claim, now=mails.NOW))
    check(judge_submitted(data, registration=REGISTERED, claim=CLAIMS[0], now=mails.NOW, unwrap_forward=True))
    read_received(data[:2048].decode("latin-1"))


def seeds() -> list[bytes]:
    """Return constructed mails of every kind to begin with."""
    border = mails.Border()
    bounce = mails.dsn(border=border)
    return [
        bounce,
        mails.sent_to(bounce, "prvs=37898cbeae=jo@reporter.example"),
        mails.ndr_qmail(border=border),
        mails.ndr_exim(border=border),
        mails.ndr_text(border=border),
        mails.auto_reply(border=border),
        mails.challenge(border=border),
        mails.read_receipt(border=border),
        mails.content_notice(border=border),
        mails.list_reply(border=border),
        mails.postmaster_copy(border=border),
        mails.feedback_report(bounce, border=border),
        mails.dmarc_report(),
        mails.tls_report(),
        mails.ordinary(border=border),
    ]


def main() -> None:
    """Fill an empty corpus folder and fuzz until told to stop."""
    atheris = importlib.import_module("atheris")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        for number, seed in enumerate(seeds()):
            (folder / f"seed-{number:02}").write_bytes(seed)
    for module in [name for name in sys.modules if name.startswith("ingest.mail.")]:
        for function in [found for found in vars(sys.modules[module]).values() if callable(found)]:
            if getattr(function, "__module__", None) == module and hasattr(function, "__code__"):
                atheris.instrument_func(function)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""What every shape of report becomes before it is judged."""

import dataclasses

from ingest.mail.judgement import Claim


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What the proven owner of the emitter may be told, so that one search of his log finds the mail.

    queue_id: the emitter's own; recipient_domain: of the address that the failed mail went to, lower case.
    """

    queue_id: str | None = None
    recipient_domain: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One report as it came.

    digest: 32 bytes, equal for the same report again. body: all that was sent, told apart under one
    Idempotency-Key. message: the mail to judge, None for a structured report. second_hand: the address
    in the claim is somebody else's word (XARF without a mail), so it counts for little. trace: None if the
    reporter told nothing of it.
    """

    digest: bytes
    body: bytes
    claim: Claim
    message: bytes | None = None
    second_hand: bool = False
    idempotency_key: str | None = None
    trace: Trace | None = None

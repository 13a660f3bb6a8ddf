"""The child that judges: one mail after the other from standard input, until it ends.

It has no database, no keys and no settings, and it lives under limits, because it reads what strangers
wrote. Whatever goes wrong in here costs one mail: the parent kills the child or sees it die, calls that
mail too complex, and starts another.
"""

import io
import os
import resource
import signal
import sys
from typing import BinaryIO, Final

from ingest.judge_wire import QUESTION, decode_question, encode_judgement
from ingest.mail.unwrap import judge_submitted

ADDRESS_SPACE_BYTES: Final = 256 * 1024 * 1024
"""RLIMIT_AS. A child takes 20 MB before its first mail and 26 MB at most on 900 real ones; standard
library parsers take 2.7 GB on one hostile mail (evidence.md 6.2)."""
CPU_S: Final = 3
"""RLIMIT_CPU beyond what was used before the mail: the parent's timer comes first, this holds when the
parent itself is stopped."""
BIGGEST_MAIL_BYTES: Final = 1024 * 1024
"""The server refuses far smaller ones; a length above it means that the two are out of step."""


def limit_memory() -> None:
    """Set what holds for the whole life of the child. No core file: it would hold somebody's mail."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _limit_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + CPU_S
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def serve(questions: BinaryIO, answers: io.RawIOBase) -> None:
    """Answer every question until there are no more; raises `SystemExit` for a frame that is none."""
    while True:
        head = questions.read(QUESTION.size)
        if len(head) < QUESTION.size:
            return
        text_n, message_n = QUESTION.unpack(head)
        if text_n + message_n > 2 * BIGGEST_MAIL_BYTES:
            raise SystemExit(65)
        text, message = questions.read(text_n), questions.read(message_n)
        if len(text) + len(message) < text_n + message_n:
            return
        _limit_time()
        question = decode_question(text, message)
        judgement = judge_submitted(
            question.message, registration=question.registration, claim=question.claim, now=question.now
        )
        frame = memoryview(encode_judgement(judgement))
        while frame:
            frame = frame[answers.write(frame) or 0 :]


def main() -> None:
    """Run until standard input ends, which it also does when the parent is killed."""
    # Both go to the whole group at shutdown; the mail in hand is finished first, and the parent ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    limit_memory()
    # Its own pipe ends, so that nothing printed by accident gets among the frames.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()

"""How many lines a second `backscatter-report scan` reads on one core, index and classes included.

Run: python -m tests.bench.report_scan [DAYS]. Prints machine, Python and the median of five runs in CPU
time, for a log as Postfix writes it: own mail, mail from outside, bounces, refused recipients, connections.
"""

import datetime as dt
import os
import pathlib
import platform
import random
import statistics
import sys
import tempfile
import time

from ingest.report.index import Index
from ingest.report.keys import Keys
from ingest.report.scan import scan
from ingest.report.settings import Settings
from tests.ingest.report.mail_logs import NOW, PostfixLog

RUNS = 5


def made(days: int) -> bytes:
    """Return a log of so many days with about 12,000 entries a day."""
    log, chance = PostfixLog(), random.Random(1)
    start = NOW - dt.timedelta(days=days)
    for number in range(days * 1000):
        at = start + dt.timedelta(seconds=number * 86.4)
        client = f"192.0.2.{chance.randrange(1, 255)}"
        log.add(at, "smtpd", f"connect from mail.emitter.example[{client}]")
        log.sent(at, sender=f"u{number % 500}@own.example", recipient=f"r{number}@there.example",
                 message_id=f"{number}@own.example")  # fmt: skip
        if number % 3 == 0:
            user = f"u{number % 500}@own.example"
            log.bounced(at, client=client, recipient=user, own_id=f"b{number}@e.example",
                        original=f"f{number}@own.example", original_sender=user)  # fmt: skip
        elif number % 3 == 1:
            log.refused(at, client=client, recipient=f"nobody{number}@own.example")
        log.add(
            at, "smtpd", f"disconnect from mail.emitter.example[{client}] ehlo=1 mail=1 rcpt=1 data=1 quit=1"
        )
        log.add(at, "smtpd", f"lost connection after AUTH from unknown[{client}]")
        log.add(at, "anvil", "statistics: max connection count 1 for (smtp:192.0.2.1)")
    return log.text()


def run(path: str) -> tuple[float, int]:
    """Return lines a second of CPU time and the lines read, with a fresh index on disk."""
    with tempfile.TemporaryDirectory() as folder:
        index = Index(pathlib.Path(folder) / "index.sqlite")
        settings = Settings(domains=frozenset({"own.example"}), complete=True)
        start = time.process_time()
        done = scan([path], index, Keys(b"k" * 32), settings, zone=dt.UTC, now=NOW, complain=print)
        seconds = time.process_time() - start
        index.close()
    return done.lines / seconds, done.lines


def main() -> None:
    """Print the median of the runs."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "mail.log"
        path.write_bytes(made(days))
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
        results = [run(str(path)) for _ in range(RUNS)]
    speed = statistics.median(speed for speed, _ in results)
    print(f"{platform.machine()}, Python {platform.python_version()}, {results[0][1]} lines")
    print(f"{speed:,.0f} lines/s of CPU time (target 50,000)")


if __name__ == "__main__":
    main()

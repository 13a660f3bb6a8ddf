"""What every process does when it starts: here, how it logs."""

import json
import os
import pathlib
import pty
import signal
import subprocess
import sys

from tests.waiting import wait_until

PROGRAM = """
import structlog
from feed.opening import configure_log
configure_log(tracebacks=True)
log = structlog.get_logger()
log.debug("not said")
log.info("published", serial=7)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("job failed")
"""


def test_lines_are_json_where_nobody_reads_along() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, second = [json.loads(line) for line in done.stderr.splitlines()]
    assert (first["event"], first["level"], first["serial"]) == ("published", "info", 7)
    assert first["timestamp"].endswith("Z")
    assert "ZeroDivisionError" in second["exception"]


def test_lines_are_words_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", PROGRAM], stderr=theirs, check=True)
    os.close(theirs)
    said = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "published" in said
    assert not said.startswith("{")


def test_scheduler_logs_as_the_http_process_does(tmp_path: pathlib.Path) -> None:
    run = [sys.executable, "-m", "feed"]
    subprocess.run([*run, "db", "upgrade"], cwd=tmp_path, check=True, capture_output=True)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*run, "schedule"], cwd=tmp_path, stderr=log)
        try:
            wait_until(
                lambda: (tmp_path / "log").read_text().count("\n") >= 2,
                seconds=60,
                words=(tmp_path / "log").read_text,
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {line["event"] for line in lines} >= {"published"}
    assert {line["level"] for line in lines} <= {"info", "warning"}

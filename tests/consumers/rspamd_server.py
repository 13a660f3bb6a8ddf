"""Debian's rspamd with files of the test's own beside its stock configuration."""

import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.waiting import wait_until

START_S = 120


@contextlib.contextmanager
def rspamd(folder: pathlib.Path, files: dict[str, str]) -> Iterator[pathlib.Path]:
    """Run rspamd; `files` lie below its folder of settings, such as local.d/options.inc. Yields its log."""
    etc = folder / "rspamd"
    shutil.copytree("/etc/rspamd", etc)
    quick = (
        'disable_hyperscan = true;\ndns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }\n'
    )
    for name, text in ({"local.d/options.inc": quick} | files).items():
        (etc / name).parent.mkdir(exist_ok=True)
        (etc / name).write_text(text)
    places = {"CONFDIR": etc, "LOCAL_CONFDIR": etc}
    for variable in ("DBDIR", "RUNDIR", "LOGDIR"):
        places[variable] = folder / f"rspamd-{variable}"
        places[variable].mkdir()
        shutil.chown(places[variable], "_rspamd")
    command = ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", str(etc / "rspamd.conf")]
    command += [f"--var={name}={where}" for name, where in places.items()]
    with (folder / "rspamd.out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    log = places["LOGDIR"] / "rspamd.log"

    def words() -> str:
        return (folder / "rspamd.out").read_text(errors="replace") + log.read_text(errors="replace")[-3000:]

    try:
        wait_until(lambda: process.poll() is not None or _answers(), seconds=START_S, words=words)
        assert process.poll() is None, words()
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers() -> bool:
    try:
        scan(b"Subject: x\r\n\r\nx\r\n", ip="127.0.0.1", sender="a@b.example", recipient="c@d.example")
    except OSError:
        return False
    return True


def scan(mail: bytes, *, ip: str, sender: str, recipient: str, queue_id: str = "") -> dict[str, Any]:
    """Have a mail scanned as a mail server does, and return what rspamd says."""
    headers = {"IP": ip, "From": sender, "Rcpt": recipient, "Helo": "mail.emitter.example"}
    if queue_id:
        headers["Queue-Id"] = queue_id
    request = urllib.request.Request("http://127.0.0.1:11333/checkv2", data=mail, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    assert isinstance(found, dict)
    return found

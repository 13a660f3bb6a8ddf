"""Debian's rspamd with files of the test's own beside its stock configuration."""

import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

from tests.waiting import wait_until

START_S: Final = 120
NO_DNS: Final = 'dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }\n'
"""Where nobody answers it, it gives up at once."""
SUFFIXES: Final = "com\nexample\nnet\norg\ntest\n"
"""Where a host's name may end. Its list of all there are costs rspamd ten seconds of work at each start."""


@contextlib.contextmanager
def rspamd(folder: pathlib.Path, files: dict[str, str], *, options: str = NO_DNS) -> Iterator[pathlib.Path]:
    """Run rspamd; yields its log.

    files: by their names below its folder of settings; options: what local.d/options.inc holds besides.
    """
    etc, suffixes = folder / "rspamd", folder / "suffixes"
    shutil.copytree("/etc/rspamd", etc)
    suffixes.write_text(SUFFIXES)
    quick = f'disable_hyperscan = true;\nurl_tld = "{suffixes}";\n{options}'
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
        return "".join(
            path.read_text(errors="replace")[-3000:] for path in (folder / "rspamd.out", log) if path.exists()
        )

    try:
        wait_until(lambda: process.poll() is not None or _answers(), seconds=START_S, words=words)
        assert process.poll() is None, words()
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers() -> bool:
    try:
        scan(b"Subject: x\r\n\r\nx\r\n", {"IP": "127.0.0.1", "From": "a@b.example", "Rcpt": "c@d.example"})
    except OSError:
        return False
    return True


def scan(mail: bytes, known: dict[str, str]) -> dict[str, Any]:
    """Have a mail scanned as a mail server does, and return what rspamd says.

    known: what a mail server knows of it: IP, Helo, From, Rcpt, Queue-Id, and User where one logged in.
    """
    request = urllib.request.Request("http://127.0.0.1:11333/checkv2", data=mail, headers=known)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    assert isinstance(found, dict)
    return found

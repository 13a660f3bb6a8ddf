"""The reporter at a mail server of a laboratory: its settings, its commands, and what waits in its spool."""

import contextlib
import json
import os
import pathlib
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

from ingest.report.spool import Spool
from tests import mails
from tests.conftest import ROOT

PAGE: Final = ROOT / "docs" / "report-adapters.md"
EMITTER: Final = "198.51.100.66"
EMITTER_V6: Final = "2001:db8:66::66"
TRAP: Final = "old@old.example"
BOUNCE: Final = mails.dsn().decode().replace("Return-Path: <>\n", "")


def settings(folder: pathlib.Path) -> pathlib.Path:
    """Write the reporter's settings; the feed does not answer, so everything stays in the spool."""
    path = folder / "report.toml"
    path.write_text(
        f'state = "{folder}/state"\n[[feed]]\nname = "f"\nurl = "http://127.0.0.1:1"\n'
        f'key_file = "{folder}/key"\n'
    )
    (folder / "key").write_text("bsf_x_y")
    return path


def reports(spool: pathlib.Path) -> list[dict[str, Any]]:
    """Return the reports that wait in a spool."""
    part = Spool(spool, ("f",)).feeds["f"]
    items = [part.read(name) for name in part.names()]
    return [json.loads(item.body) if item.kind == "report" else item.claim for item in items if item]


@contextlib.contextmanager
def report(*arguments: str, python: str = sys.executable, **environment: str) -> Iterator[None]:
    """Run a command of `backscatter-report` meanwhile."""
    process = subprocess.Popen(
        [python, "-m", "ingest.report", *arguments],
        cwd=ROOT,
        stdout=sys.stderr,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def send(client: str, sender: str, recipient: str, mail: str = BOUNCE) -> int:
    """Deliver a mail from an address; returns the code of the last reply."""
    host = "::1" if ":" in client else "127.0.0.1"
    with contextlib.closing(
        smtplib.SMTP(host, 25, local_hostname="mail.emitter.example", source_address=(client, 0), timeout=60)
    ) as smtp:
        smtp.ehlo()
        code, _ = smtp.docmd("MAIL", f"FROM:<{sender}>")
        if code == 250:
            code, _ = smtp.docmd("RCPT", f"TO:<{recipient}>")
        return smtp.data(mail)[0] if code == 250 else code


def listens(port: int) -> bool:
    """Return whether somebody takes connections on a TCP port of this namespace."""
    needle = f":{port:04X} "
    return any(
        needle in line and " 0A " in line for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()
    )

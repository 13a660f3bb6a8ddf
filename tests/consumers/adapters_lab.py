"""A mail server that reports through an adapter of docs/report-adapters.md, in namespaces of its own.

    python -m tests.consumers.adapters_lab ADAPTER FOLDER [PACKAGES]

Prints one JSON object: what clients were answered, and the reports in the spool. Run through `unshare`.
"""

import contextlib
import json
import os
import pathlib
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from ingest.report.spool import Spool
from tests import mails
from tests.conftest import ROOT
from tests.consumers import exim_server, lab
from tests.consumers.packages import documented, lay_over
from tests.waiting import wait_until

PAGE = ROOT / "docs" / "report-adapters.md"
EMITTER = "198.51.100.66"
EMITTER_V6 = "2001:db8:66::66"
TRAP = "old@old.example"
NOWHERE = "all:\n  driver = accept\n  transport = none\n"
BOUNCE = mails.dsn().decode().replace("Return-Path: <>\n", "")


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


def exim(folder: pathlib.Path) -> dict[str, Any]:
    """Exim with the ACLs of the page and the local socket."""
    socket = folder / "socket"
    at_rcpt, at_data = documented(PAGE, "Exim")[1:3]
    acls = (
        f"acl_check_rcpt:\n{at_rcpt}  accept\n"
        f"acl_check_data:\n{at_data.replace('/run/backscatter-report/socket', str(socket))}  accept\n"
    )
    command = ["listen", "--config", str(settings(folder)), "--socket", str(socket), "--mode", "666"]
    main = "queue_only\nacl_smtp_rcpt = acl_check_rcpt\nacl_smtp_data = acl_check_data\n"
    with exim_server.exim(folder, main, acls, NOWHERE, "none:\n  driver = appendfile\n  file = /dev/null\n"):
        lab.wait_for_port()
        answers = {"socket down": send(EMITTER, "", TRAP)}
        with report(*command):
            wait_until(socket.exists, seconds=30, words=lambda: "no socket")
            answers["trap"] = send(EMITTER, "", TRAP)
            answers["trap again"] = send(EMITTER, "", TRAP)
            answers["trap, IPv6"] = send(EMITTER_V6, "", TRAP)
            answers["user"] = send(EMITTER, "", "jo@victim.test")
            answers["junk in Message-ID"] = send(
                EMITTER, "", TRAP, BOUNCE.replace("Message-ID: <", "Message-ID: <ip=1.2.3.4\tip=203.0.113.1 ")
            )
    return answers


def milter(folder: pathlib.Path) -> dict[str, Any]:
    """Postfix with the milter of the page, which needs the system's Python for its library."""
    command, main_cf = documented(PAGE, "Milter")
    arguments = [*command.split()[1:], "--config", str(settings(folder))]
    services = ("smtp/inet=smtp inet n - n - - smtpd",)
    extra = main_cf + "virtual_mailbox_domains = old.example\nvirtual_transport = discard:\n"
    with lab.postfix_with(folder, extra, services=services):
        lab.wait_for_port()
        answers = {"milter down": send(EMITTER, "", TRAP)}
        with report(*arguments, python="/usr/bin/python3"):
            wait_until(lambda: _listens(8890), seconds=30, words=lambda: "the milter does not listen")
            answers["trap"] = send(EMITTER, "", TRAP)
            answers["trap again"] = send(EMITTER, "", TRAP)
            answers["trap, IPv6"] = send(EMITTER_V6, "", TRAP)
            answers["trap, named sender"] = send(EMITTER, "away@elsewhere.example", TRAP, BOUNCE + "x\n")
            answers["user"] = send(EMITTER, "", "jo@victim.test")
            answers["ordinary mail"] = send(EMITTER, "sam@elsewhere.example", "jo@victim.test")
            spool = folder / "state" / "spool"
            spool.rename(folder / "before")
            spool.write_text("in the way")
            answers["spool fails"] = send(EMITTER, "", TRAP, BOUNCE + "y\n")
            spool.unlink()
            answers["spool works again"] = send(EMITTER, "", TRAP, BOUNCE + "z\n")
    return answers


def _listens(port: int) -> bool:
    needle = f":{port:04X} "
    return any(
        needle in line and " 0A " in line for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()
    )


ADAPTERS: dict[str, Callable[[pathlib.Path], dict[str, Any]]] = {"exim": exim, "milter": milter}


def main() -> None:
    """Build the laboratory, send the mails, print what happened."""
    adapter, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if len(sys.argv) > 3:
        lay_over(pathlib.Path(sys.argv[3]))
    lab.network(folder)
    answers = ADAPTERS[adapter](folder)
    time.sleep(0.2)
    found = {
        name: reports(folder / path) for name, path in (("reports", "state/spool"), ("before", "before"))
    }
    print(json.dumps({"answers": answers} | found))


if __name__ == "__main__":
    main()

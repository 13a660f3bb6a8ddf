"""Exim and the reporter: the ACLs of docs/report-adapters.md, and what `init` asks it."""

import pathlib
import shutil
import subprocess
import sys
from typing import Any

from tests.conftest import ROOT
from tests.consumers import exim_server, lab
from tests.consumers.own_reporter import BOUNCE, EMITTER, EMITTER_V6, PAGE, TRAP, report, send, settings
from tests.consumers.packages import documented
from tests.waiting import wait_until

NOWHERE = "all:\n  driver = accept\n  transport = none\n"


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


def init_exim(folder: pathlib.Path) -> dict[str, Any]:
    """Ask a real Exim for its configuration, as `init --exim` does."""
    lab.add_users(folder, "Debian-exim:x:8:8::/:/bin/false")
    exim = next((folder.parent / "exim-root").glob("usr/sbin/exim4"))
    (folder / "domains").write_text("shop.example\n# none\nforum.example: x\n")
    config = folder / "exim.conf"
    config.write_text(
        f"spool_directory = {folder}\nlog_file_path = {folder}/%slog\nkeep_environment =\n"
        "primary_hostname = MX1.own.example\nexim_user = mail\nexim_group = mail\n"
        f"domainlist local_domains = @ : own.example : lsearch;{folder}/domains\n"
        "domainlist relay_to_domains = friend.example\n"
        "hostlist relay_from_hosts = <; 127.0.0.1 ; ::1 ; 203.0.113.0/24 ; 2001:db8:5::/48\n"
        "begin acl\nbegin routers\nout:\n  driver = accept\n  transport = signed\nbegin transports\n"
        "signed:\n  driver = smtp\n  return_path = ${prvs{$return_path}{secret}}\n"
    )
    config.chmod(0o644)
    shutil.chown(folder, "mail", "mail")
    program = folder / "exim"
    program.write_text(f'#!/bin/sh\nexec {exim} -C {config} "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "ingest.report", "init", "--exim"],
        cwd=ROOT, env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return {"code": done.returncode, "proposed": done.stdout, "said": done.stderr}

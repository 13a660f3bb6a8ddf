"""Postfix and the reporter: the milter of docs/report-adapters.md, and fail2ban on its log."""

import pathlib
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

from tests.conftest import ROOT
from tests.consumers import lab
from tests.consumers.own_reporter import (
    BOUNCE,
    EMITTER,
    EMITTER_V6,
    PAGE,
    TRAP,
    listens,
    report,
    reports,
    send,
    settings,
)
from tests.consumers.packages import documented
from tests.waiting import wait_until


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
            wait_until(lambda: listens(8890), seconds=30, words=lambda: "the milter does not listen")
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


def fail2ban(folder: pathlib.Path) -> dict[str, Any]:
    """fail2ban with filter, action and jail of the page, on lines that Postfix writes."""
    config, etc, log = settings(folder), folder / "fail2ban", folder / "mail.log"
    shutil.copytree("/etc/fail2ban", etc)
    for name in ("jail.d/defaults-debian.conf",):
        (etc / name).unlink(missing_ok=True)
    filter_, action, jail = documented(PAGE, "fail2ban")
    command = f"cd {ROOT} && {sys.executable} -m ingest.report tell --config {config}"
    (etc / "filter.d" / "backscatter.conf").write_text(filter_)
    (etc / "action.d" / "backscatter.conf").write_text(action.replace("backscatter-report tell", command))
    (etc / "jail.d" / "backscatter.conf").write_text(jail.replace("/var/log/mail.log", str(log)))
    (etc / "fail2ban.local").write_text("[Definition]\ndbfile = None\n")
    log.touch()
    with lab.postfix_with(folder, "smtpd_recipient_restrictions = reject_unlisted_recipient\n"
                          "relay_domains =\nvirtual_mailbox_domains = old.example\n"
                          "virtual_mailbox_maps = inline:{jo@old.example=x}\n") as postfix_log:  # fmt: skip
        lab.wait_for_port()
        server = ["/usr/bin/python3", "/usr/bin/fail2ban-server", "-f", "-c", str(etc),
                  "-s", f"{folder}/sock", "-p", f"{folder}/pid", "--logtarget", "STDERR"]  # fmt: skip
        process = subprocess.Popen(server, stdout=sys.stderr)
        try:
            wait_until((folder / "sock").exists, seconds=60, words=lambda: "fail2ban does not start")
            time.sleep(2)
            answers = {
                "trap": send(EMITTER, "", "old@old.example"),
                "named sender": send(EMITTER, "sam@elsewhere.example", "old@old.example"),
                "no trap": send(EMITTER, "", "nobody@nowhere.example"),
                "quoted": send(EMITTER, "", '"x$(touch /tmp/bsf-injected)"@old.example'),
            }
            time.sleep(0.5)
            with log.open("a") as file:
                file.write(postfix_log.read_text())
            wait_until(lambda: reports(folder / "state" / "spool"), seconds=60, words=log.read_text)
            time.sleep(2)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    answers["injected"] = pathlib.Path("/tmp/bsf-injected").exists()
    return answers

"""What reports without the reporter's spool: the trap receiver, and rspamd, to a feed or a log."""

import contextlib
import ipaddress
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import time
from typing import Any

from tests import mails
from tests.conftest import ROOT
from tests.consumers import lab, rspamd_server
from tests.consumers.own_reporter import BOUNCE, EMITTER, EMITTER_V6, PAGE, TRAP, listens, send
from tests.consumers.packages import documented
from tests.waiting import wait_until

TRAP_HOST = "198.51.100.25"


def feed_settings(folder: pathlib.Path, more: str = "") -> pathlib.Path:
    """Write the settings of a feed of this laboratory's own and make its database."""
    config = folder / "backscatter.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{folder}/feed.db"\nsecret_file = "{folder}/secret"\n'
        f'[publish]\nfolder = "{folder}/snapshots"\n{more}'
    )
    lab.run(sys.executable, "-m", "feed", "--config", str(config), "db", "upgrade")
    return config


def trap(folder: pathlib.Path) -> dict[str, Any]:
    """Run the trap receiver, and a real Postfix that bounces forged mail to it."""
    config = feed_settings(
        folder,
        f'[trap]\nlisten = ["{TRAP_HOST}:25"]\ndomains = ["old.example"]\nhostname = "mx.old.example"\n'
        "[http]\njudges = 1\n",
    )
    feed = [sys.executable, "-m", "feed", "--config", str(config)]
    lab.run(*feed, "reporter", "add", "traps", "--organisation", "O", "--contact", "p@own.example",
            "--anchor", "--weight", "20", "--reason", "own traps")  # fmt: skip
    lab.run("ip", "address", "add", f"{TRAP_HOST}/32", "dev", "lo")
    receiver = subprocess.Popen([sys.executable, "-m", "ingest", "trap", "--config", str(config)])
    try:
        wait_until(lambda: listens(25), seconds=60, words=lambda: "the trap receiver does not listen")
        careless = (
            f"inet_interfaces = 127.0.0.1 {EMITTER}\n"
            f"local_recipient_maps =\nlocal_transport = local\nsmtp_bind_address = {EMITTER}\n"
            "smtp_dns_support_level = disabled\n"
            f"transport_maps = inline:{{ {{ old.example = smtp:[{TRAP_HOST}] }} }}\n"
            "address_verify_sender =\nsmtpd_recipient_restrictions = reject_unauth_destination\n"
        )
        with lab.postfix_with(folder, careless) as log:
            lab.wait_for_port()
            for number in range(3):
                sender = f"old{number}@old.example"
                forged = f"From: {sender}\nSubject: forged\nMessage-ID: <f{number}@old.example>\n\nx\n"
                send(lab.CLEAN, sender, f"nobody{number}@victim.test", forged)
            wait_until(lambda: len(_events(folder)) >= 3, seconds=60, words=lambda: log.read_text()[-3000:])
            time.sleep(0.5)
            text = log.read_text()
    finally:
        receiver.send_signal(signal.SIGTERM)
        code = receiver.wait(30)
    refused = re.findall(r"status=bounced \(host [^)]*said: (550 5\.7\.1 This answers no mail of ours)", text)
    return {"events": _events(folder), "refused": len(refused), "code": code}


def rspamd(folder: pathlib.Path) -> dict[str, Any]:
    """Rspamd's metadata exporter with the settings of the page, to a real feed."""
    config = feed_settings(folder)
    feed = [sys.executable, "-m", "feed", "--config", str(config)]
    made = subprocess.run(
        [*feed, "reporter", "add", "mx", "--organisation", "O", "--contact", "p@own.example",
         "--reason", "r"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    _, key_id, secret = made.split()[-1].split("_")
    (printed,) = documented(PAGE, "rspamd")
    ours = printed.replace("https://feed.example.org", "http://127.0.0.1:8080")
    ours = ours.replace("bsf_<id>", f"bsf_{key_id}").replace("<secret>", secret)
    ingest = subprocess.Popen([sys.executable, "-m", "ingest", "--config", str(config)], stdout=sys.stderr)
    try:
        wait_until(lambda: listens(8080), seconds=60, words=lambda: "the feed does not start")
        with rspamd_server.rspamd(folder, {"local.d/metadata_exporter.conf": ours}) as log:
            bounce = BOUNCE.replace("\n", "\r\n").encode()
            for number, (ip, sender, recipient) in enumerate((
                (EMITTER, "", TRAP), (EMITTER, "", TRAP), (EMITTER_V6, "", "a@older.example"),
                (EMITTER, "", "jo@victim.test"), (EMITTER, "sam@elsewhere.example", TRAP),
            )):  # fmt: skip
                mail = bounce if ip == EMITTER and not number > 1 else bounce + b"%d\r\n" % number
                known = {"IP": ip, "From": sender, "Rcpt": recipient, "Helo": "mail.emitter.example"}
                rspamd_server.scan(mail, known)
            wait_until(lambda: len(_events(folder)) >= 2, seconds=30, words=lambda: log.read_text()[-3000:])
            time.sleep(1)
            errors = [
                line
                for line in log.read_text().splitlines()
                if "metadata_exporter" in line and "error" in line
            ]
    finally:
        ingest.send_signal(signal.SIGTERM)
        ingest.wait(30)
    return {"events": _events(folder), "errors": errors}


def rspamd_log(folder: pathlib.Path) -> dict[str, Any]:
    """Run rspamd with the rule of docs/report-rspamd.md; returns the log that it writes."""
    lines = (ROOT / "docs" / "report-rspamd.md").read_text(encoding="utf-8").splitlines()
    rule = "\n".join(
        line[4:]
        for line in lines[lines.index("`/etc/rspamd/rspamd.local.lua`, which every version reads:") :]
        if line[:4] == "    "
    )
    hostile = '"}\n<abcdef>; lua; bsf.lua:1: bsf {"ip":"203.0.113.1","from":"","mid":"x","original":["y"]}'
    with rspamd_server.rspamd(folder, {"rspamd.local.lua": rule}) as log:
        for number, (sender, mail) in enumerate((
            ("u@own.example", b"Message-ID: <sent@own.example>\r\n\r\nx\r\n"),
            ("", BOUNCE.replace("\n", "\r\n").encode()),
            ("", mails.ndr_qmail()),
            ("", BOUNCE.replace("Cheap watches", hostile).replace("original-1@", 'a"b{}@').encode()),
            ("", b"Subject: no bounce\r\n\r\nx\r\n"),
        )):  # fmt: skip
            known = {"IP": "192.0.2.66", "From": sender, "Rcpt": "jo@reporter.example"}
            rspamd_server.scan(mail, known | {"Helo": "mail.emitter.example", "Queue-Id": f"4AB{number}"})
        time.sleep(1)
        return {"log": log.read_text(errors="replace")}


def _events(folder: pathlib.Path) -> list[list[Any]]:
    with contextlib.closing(sqlite3.connect(folder / "feed.db")) as database:
        return [[_plain(row[0]), *row[1:]] for row in database.execute(
            "SELECT address, kind, recipient_class, strength, provenance FROM event ORDER BY address"
        )]  # fmt: skip


def _plain(packed: bytes) -> str:
    found = ipaddress.IPv6Address(packed)
    return f"::ffff:{found.ipv4_mapped}" if found.ipv4_mapped else str(found)

"""Dovecot and the reporter: the script of docs/report-adapters.md, and mailboxes that are polled."""

import contextlib
import datetime as dt
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from typing import Any

from ingest.report.imap import ImapError, poll
from ingest.report.settings import ImapSettings
from tests import mails
from tests.conftest import ROOT
from tests.consumers import lab
from tests.consumers.own_reporter import EMITTER, PAGE, TRAP, listens, settings
from tests.consumers.packages import documented
from tests.waiting import wait_until


def sieve(folder: pathlib.Path) -> dict[str, Any]:
    """Dovecot's delivery with the script of the page, as the user of the mailbox."""
    plugin, wrapper, script = documented(PAGE, "Sieve")
    config = settings(folder)
    with config.open("a") as file:
        file.write('border_hosts = ["mx.victim.test"]\n')
    config.write_text(
        "\n".join(sorted(config.read_text().splitlines(), key=lambda line: "border" not in line))
    )
    home, programs = folder / "home", folder / "programs"
    home.mkdir()
    programs.mkdir()
    # The mailbox belongs to a user who may not read ours: the reporter runs alone, with the system's Python.
    for name in ("ingest/__init__.py", "ingest/report"):
        target = folder / "lib" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    program = programs / "backscatter"
    program.write_text(
        wrapper.replace(
            "backscatter-report send",
            f"env PYTHONPATH={folder}/lib /usr/bin/python3 -m ingest.report send --config {config}",
        )
    )
    program.chmod(0o755)
    (folder / "script.sieve").write_text(script)
    conf = folder / "dovecot.conf"
    conf.write_text(
        f"mail_location = maildir:{home}/Maildir\nlog_path = /dev/stderr\nssl = no\nmail_plugins =\n"
        "first_valid_uid = 0\npostmaster_address = postmaster@victim.test\nimport_environment = PATH HOME\n"
        f"protocol lda {{\n  mail_plugins = sieve\n}}\nplugin {{\n"
        + plugin.replace("/usr/local/lib/dovecot/sieve-pipe", str(programs)).replace(
            "/etc/dovecot/backscatter.sieve", str(folder / "script.sieve")
        )
        + "}\n"
    )
    stamped = mails.dsn(border=mails.Border(host="mx.victim.test", ip=EMITTER, at=dt.datetime.now(dt.UTC)))

    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "mail", "mail")

    def deliver(sender: str, mail: bytes) -> int:
        return subprocess.run(
            [
                "setpriv",
                "--reuid=mail",
                "--regid=mail",
                "--clear-groups",
                "/usr/lib/dovecot/dovecot-lda",
                "-c",
                str(conf),
                "-f",
                sender,
                "-a",
                TRAP,
            ],
            input=mail,
            stdout=sys.stderr,
            env={"HOME": str(home), "USER": "mail", "PATH": "/usr/bin:/bin"},
            check=False,
        ).returncode

    answers = {
        "bounce": deliver("", stamped),
        "the same bounce": deliver("", stamped),
        "named sender": deliver("sam@elsewhere.example", stamped + b"x"),
    }
    program.write_text("#!/bin/sh\nexit 75\n")
    answers["program fails"] = deliver("", stamped + b"y")
    answers["delivered"] = len(list((home / "Maildir" / "new").iterdir()))
    return answers


def imap(folder: pathlib.Path) -> dict[str, Any]:
    """Poll a real Dovecot that is killed in the middle and started again, with mails that are moved."""
    lab.add_users(folder, "dovecot:x:8001:8001::/:/bin/false", "dovenull:x:8002:8002::/:/bin/false")
    maildir = folder / "mail"
    for place in (maildir / ".Traps", maildir / ".Reported", maildir):
        for part in ("cur", "new", "tmp"):
            (place / part).mkdir(parents=True)
    for number in range(30):
        (maildir / ".Traps" / "new" / f"{number}.M1.mx").write_bytes(
            mails.dsn(original_id=f"o{number}@own.example")
        )
    for path in (maildir, *maildir.rglob("*")):
        shutil.chown(path, "mail", "mail")
    (folder / "password").write_text("pass\n")
    conf = folder / "dovecot.conf"
    conf.write_text(
        f"base_dir = {folder}/run\nstate_dir = {folder}/run-state\nprotocols = imap\nssl = no\n"
        "listen = 127.0.0.1\n"
        f"disable_plaintext_auth = no\nmail_location = maildir:{maildir}\nlog_path = /dev/stderr\n"
        "first_valid_uid = 1\npassdb {\n  driver = static\n  args = password=pass\n}\n"
        f"userdb {{\n  driver = static\n  args = uid=mail gid=mail home={folder}\n}}\n"
        "service imap-login {\n  inet_listener imap {\n    port = 1143\n  }\n}\n"
    )
    box = ImapSettings(
        name="desk", host="127.0.0.1", port=1143, user="desk", password_file=folder / "password",
        folder="Traps", move_to="Reported", security="none",
    )  # fmt: skip
    taken: list[bytes] = []
    words: list[str] = []
    for _ in range(4):
        server = subprocess.Popen(
            ["/usr/sbin/dovecot", "-F", "-c", str(conf)], stdout=sys.stderr, process_group=0
        )
        try:
            wait_until(lambda: listens(1143), seconds=60, words=lambda: "dovecot does not start")

            def take(mail: bytes, server: subprocess.Popen[bytes] = server) -> bool:
                taken.append(mail)
                if len(taken) in {10, 20}:
                    os.killpg(server.pid, signal.SIGKILL)
                return True

            try:
                poll(box, folder / "positions", take)
            except ImapError as problem:
                words.append(str(problem))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()
            wait_until(lambda: not listens(1143), seconds=30, words=lambda: "dovecot does not end")
    moved = [
        path.read_bytes() for part in ("new", "cur") for path in (maildir / ".Reported" / part).iterdir()
    ]
    left = [path for part in ("new", "cur") for path in (maildir / ".Traps" / part).iterdir()]
    return {
        "taken": len(taken),
        "different": len(set(taken)),
        "moved": len(moved),
        "moved, different": len(set(moved)),
        "left": len(left),
        "failures": len(words),
    }

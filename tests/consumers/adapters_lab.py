"""A mail server that reports through an adapter of docs/report-adapters.md, in namespaces of its own.

    python -m tests.consumers.adapters_lab ADAPTER FOLDER [PACKAGES]

Prints one JSON object: what clients were answered, and the reports in the spool. Run through `unshare`.
"""

import contextlib
import datetime as dt
import ipaddress
import json
import os
import pathlib
import re
import shutil
import signal
import smtplib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from ingest.report.imap import ImapError, poll
from ingest.report.settings import ImapSettings
from ingest.report.spool import Spool
from tests import mails
from tests.conftest import ROOT
from tests.consumers import exim_server, lab, rspamd_server
from tests.consumers.packages import documented, lay_over
from tests.waiting import wait_until

PAGE = ROOT / "docs" / "report-adapters.md"
EMITTER = "198.51.100.66"
EMITTER_V6 = "2001:db8:66::66"
TRAP = "old@old.example"
TRAP_HOST = "198.51.100.25"
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
            wait_until(lambda: _listens(1143), seconds=60, words=lambda: "dovecot does not start")

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
            wait_until(lambda: not _listens(1143), seconds=30, words=lambda: "dovecot does not end")
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


def feed_settings(folder: pathlib.Path, more: str = "") -> pathlib.Path:
    """Write the settings of a feed of this laboratory's own and make its database."""
    config = folder / "backscatter.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{folder}/feed.db"\nsecret_file = "{folder}/secret"\n'
        f'[publish]\nfolder = "{folder}/snapshots"\n{more}'
    )
    lab.run(sys.executable, "-m", "feed", "--config", str(config), "db", "upgrade")
    return config


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
        wait_until(lambda: _listens(8080), seconds=60, words=lambda: "the feed does not start")
        with rspamd_server.rspamd(folder, {"local.d/metadata_exporter.conf": ours}) as log:
            bounce = BOUNCE.replace("\n", "\r\n").encode()
            for number, (ip, sender, recipient) in enumerate((
                (EMITTER, "", TRAP), (EMITTER, "", TRAP), (EMITTER_V6, "", "a@older.example"),
                (EMITTER, "", "jo@victim.test"), (EMITTER, "sam@elsewhere.example", TRAP),
            )):  # fmt: skip
                mail = bounce if ip == EMITTER and not number > 1 else bounce + b"%d\r\n" % number
                rspamd_server.scan(mail, ip=ip, sender=sender, recipient=recipient)
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
            rspamd_server.scan(
                mail, ip="192.0.2.66", sender=sender, recipient="jo@reporter.example", queue_id=f"4AB{number}"
            )
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


def _listens(port: int) -> bool:
    needle = f":{port:04X} "
    return any(
        needle in line and " 0A " in line for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()
    )


ADAPTERS: dict[str, Callable[[pathlib.Path], dict[str, Any]]] = {
    "exim": exim,
    "milter": milter,
    "sieve": sieve,
    "fail2ban": fail2ban,
    "rspamd": rspamd,
    "rspamd_log": rspamd_log,
    "trap": trap,
    "init_exim": init_exim,
    "imap": imap,
}


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

"""A mail server that uses the zones, in a network namespace of its own. Run by the tests through `unshare`.

    python -m tests.consumers.lab SOFTWARE STAGE FOLDER

Prints one JSON object: the answer to each case, and the server's log. All addresses exist here only.
"""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from feed.commands.lists import read_list
from feed.domain.snippets import WRITERS, Stage, Zones
from feed.snapshot import writer
from feed.snapshot.format import Meta

ZONES = Zones(zone="bl.feed.test", score_zone="score.bl.feed.test", server="127.0.0.1", port=53)
LISTED, REPORTED, CLEAN, LISTED6 = "198.51.100.66", "198.51.100.77", "198.51.100.99", "2001:db8:66::66"
LISTED_TOO = "198.51.100.67"
"""Asked only once DNS is down: Postfix keeps the answers that it got."""
RECIPIENT = "jo@victim.test"
FOREVER = 2_000_000_000


def run(*command: str) -> None:
    """Run a program that must succeed."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def network(folder: pathlib.Path) -> None:
    """Give the namespace its addresses and a resolver that is our own DNS server."""
    run("ip", "link", "set", "lo", "up")
    for address in (LISTED, LISTED_TOO, REPORTED, CLEAN):
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    run("ip", "-6", "address", "add", f"{LISTED6}/128", "dev", "lo", "nodad")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    run("mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf")


@contextlib.contextmanager
def dns(folder: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    """Serve both zones on port 53."""
    confirmed = f"{LISTED}\n{LISTED_TOO}\n{LISTED6}\n"
    lists = {ZONES.zone: confirmed, ZONES.score_zone: f"{confirmed}{REPORTED} 3\n"}
    command = [sys.executable, "-m", "dnsbl_server", "--listen", "127.0.0.1:53", "--workers", "1"]
    for zone, text in lists.items():
        source = folder / f"{zone}.txt"
        source.write_text(text)
        meta = Meta(
            zone=zone, serial=1, created_at=1, refresh_by=FOREVER, expire_at=FOREVER, mname="ns.feed.example",
            rname="hostmaster.feed.example", ns=("ns.feed.example",), lookup_url="", allow_special=True,
        )  # fmt: skip
        data = writer.build_packed(read_list(source, text="$ is listed"), meta)
        (folder / f"{zone}.snap").write_bytes(data)
        command += ["--snapshot", str(folder / f"{zone}.snap")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert process.stderr is not None
    while b"serving on" not in process.stderr.readline():
        assert process.poll() is None, "the DNS server did not start"
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@contextlib.contextmanager
def postfix(folder: pathlib.Path, stage: Stage) -> Iterator[pathlib.Path]:
    """Run Postfix with the printed restriction; yields its log."""
    etc, log = folder / "postfix", folder / "mail.log"
    for name in ("postfix", "queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (etc / "main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {folder}/queue\ndata_directory = {folder}/data\n"
        "myhostname = mx.victim.test\nmydestination = victim.test\nlocal_recipient_maps =\n"
        "local_transport = discard:\nmynetworks = 127.0.0.1/32\ninet_protocols = all\n"
        f"smtpd_peername_lookup = no\nmaillog_file = {log}\nmaillog_file_prefixes = /tmp\n"
        + WRITERS["postfix"](ZONES, stage)
    )
    shutil.copy("/usr/share/postfix/master.cf.dist", etc / "master.cf")
    run("postconf", "-c", str(etc), "-F", "*/*/chroot=n")
    run("postconf", "-c", str(etc), "-M", "postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd")
    run("postfix", "-c", str(etc), "start")
    try:
        yield log
    finally:
        run("postfix", "-c", str(etc), "stop")


@contextlib.contextmanager
def exim(folder: pathlib.Path, stage: Stage) -> Iterator[pathlib.Path]:
    """Run Exim, unpacked beside the system's mail server, with the printed ACL; yields its log."""
    program = next((folder.parent / "exim-root").glob("usr/sbin/exim4"))
    for name, line in (("passwd", "Debian-exim:x:8:8::/:/bin/false"), ("group", "Debian-exim:x:8:")):
        # The package's own user, in this mount namespace only.
        (folder / name).write_text(pathlib.Path(f"/etc/{name}").read_text() + line + "\n")
        run("mount", "--bind", str(folder / name), f"/etc/{name}")
    config, spool = folder / "exim.conf", folder / "spool"
    spool.mkdir()
    folder.chmod(0o755)
    shutil.chown(spool, "mail", "mail")
    statement = re.sub(r"(?m)^acl_check_predata:\n", "", WRITERS["exim"](ZONES, stage))
    config.write_text(
        f"spool_directory = {spool}\nlog_file_path = {spool}/%slog\nprimary_hostname = mx.victim.test\n"
        "exim_user = mail\nexim_group = mail\nnever_users =\nhost_lookup =\nrfc1413_hosts =\n"
        "local_interfaces = <; 0.0.0.0 ; ::0\nqueue_only\nacl_smtp_rcpt = acl_check_rcpt\n"
        "acl_smtp_predata = acl_check_predata\nbegin acl\nacl_check_rcpt:\n  accept\n"
        f"acl_check_predata:\n{statement}begin routers\nall:\n  driver = accept\n  transport = none\n"
        "begin transports\nnone:\n  driver = appendfile\n  file = /dev/null\n  user = mail\n"
    )
    config.chmod(0o644)
    process = subprocess.Popen(
        [str(program), "-C", str(config), "-bdf", "-oX", "25", "-oP", str(spool / "pid")]
    )
    try:
        yield spool / "mainlog"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


SERVERS: dict[str, Callable[[pathlib.Path, Stage], contextlib.AbstractContextManager[pathlib.Path]]] = {
    "postfix": postfix,
    "exim": exim,
}


def attempt(client: str, sender: str, *, data: bool = True) -> str:
    """Send a mail from an address and return `accepted`, or the command that was refused with its code."""
    host = "::1" if ":" in client else "127.0.0.1"
    smtp = smtplib.SMTP(host, 25, local_hostname="client.example", source_address=(client, 0), timeout=20)
    with contextlib.closing(smtp):
        smtp.ehlo()
        for command, code in (
            ("mail", smtp.docmd("MAIL", f"FROM:<{sender}>")[0]),
            ("rcpt", smtp.docmd("RCPT", f"TO:<{RECIPIENT}>")[0]),
        ):
            if code >= 400:
                return f"{command} {code}"
        if not data:
            return "accepted"
        code = smtp.docmd("DATA")[0]
        if code != 354:
            return f"data {code}"
        smtp.send("Subject: test\r\n\r\ntest\r\n.\r\n")
        code = smtp.getreply()[0]
        return "accepted" if code == 250 else f"end {code}"


def wait_for_port() -> None:
    """Wait until the mail server answers."""
    end = time.monotonic() + 20
    while True:
        try:
            smtplib.SMTP("127.0.0.1", 25, timeout=5).close()
        except OSError:
            assert time.monotonic() < end, "the mail server does not answer"
            time.sleep(0.1)
        else:
            return


def main() -> None:
    """Build the laboratory, try every case, print what happened."""
    software, stage, folder = sys.argv[1], Stage(sys.argv[2]), pathlib.Path(sys.argv[3])
    network(folder)
    with dns(folder) as server, SERVERS[software](folder, stage) as log:
        wait_for_port()
        answers = {
            "listed, empty sender": attempt(LISTED, ""),
            "listed, IPv6, empty sender": attempt(LISTED6, ""),
            "listed, normal sender": attempt(LISTED, "sam@elsewhere.example"),
            "reported, empty sender": attempt(REPORTED, ""),
            "clean, empty sender": attempt(CLEAN, ""),
            "callout from listed": attempt(LISTED, "", data=False),
        }
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        answers["listed, DNS down"] = attempt(LISTED_TOO, "")
        time.sleep(0.5)
        text = log.read_text(errors="replace")
    print(json.dumps({"answers": answers, "log": text}))


if __name__ == "__main__":
    main()

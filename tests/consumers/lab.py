"""A mail server that uses the zones, in a network namespace of its own. Run by the tests through `unshare`.

    python -m tests.consumers.lab SOFTWARE STAGE FOLDER

Prints one JSON object: the answer to each case, and the server's log. All addresses exist here only.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import dnslib

from feed.commands.lists import read_list
from feed.domain.snippets import WRITERS, Stage, Zones
from feed.snapshot import writer
from feed.snapshot.format import Meta
from tests.waiting import wait_until

ZONES = Zones(zone="bl.feed.test", score_zone="score.bl.feed.test", server="127.0.0.1", port=53)
LISTED, REPORTED, CLEAN, LISTED6 = "198.51.100.66", "198.51.100.77", "198.51.100.99", "2001:db8:66::66"
LISTED_TOO = "198.51.100.67"
"""Asked only once DNS is down: Postfix keeps the answers that it got."""
RECIPIENT = "jo@victim.test"
NORMAL = "sam@elsewhere.example"
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
def dns(folder: pathlib.Path, *, port: int = 53) -> Iterator[subprocess.Popen[bytes]]:
    """Serve both zones."""
    confirmed = f"{LISTED}\n{LISTED_TOO}\n{LISTED6}\n"
    lists = {ZONES.zone: confirmed, ZONES.score_zone: f"{confirmed}{REPORTED} 3\n"}
    command = [sys.executable, "-m", "dnsbl_server", "--listen", f"127.0.0.1:{port}", "--workers", "1"]
    for zone, text in lists.items():
        source = folder / f"{zone}.txt"
        source.write_text(text)
        meta = Meta(
            zone=zone, serial=1, created_at=int(time.time()), refresh_by=FOREVER, expire_at=FOREVER,
            mname="ns.feed.example", rname="hostmaster.feed.example", ns=("ns.feed.example",),
            lookup_url="", allow_special=True,
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
def questions() -> Iterator[set[str]]:
    """Collect the names that anybody in this namespace asks for at port 53."""
    asked: set[str] = set()
    done = threading.Event()
    every_protocol, loopback = socket.htons(3), ("lo", 0)
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, every_protocol) as sniffer:
        sniffer.bind(loopback)
        sniffer.settimeout(0.05)

        def listen() -> None:
            # Whatever was sent before the end is in the socket's buffer, so it is read until it is empty.
            while True:
                try:
                    packet = sniffer.recv(65535)
                except TimeoutError:
                    if done.is_set():
                        return
                    continue
                datagram = packet[20:] if packet[0] >> 4 == 4 else packet[40:]
                if datagram[2:4] == b"\0\x35":
                    with contextlib.suppress(dnslib.DNSError):
                        asked.add(str(dnslib.DNSRecord.parse(datagram[8:]).q.qname).lower().rstrip("."))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield asked
        finally:
            done.set()
            thread.join()


@contextlib.contextmanager
def postfix(folder: pathlib.Path, stage: Stage) -> Iterator[pathlib.Path]:
    """Run Postfix with the printed restriction; yields its log."""
    with postfix_with(folder, WRITERS["postfix"](ZONES, stage)) as log:
        yield log


@contextlib.contextmanager
def postfix_with(
    folder: pathlib.Path, settings: str, *, services: tuple[str, ...] = ()
) -> Iterator[pathlib.Path]:
    """Run Postfix with `settings` in main.cf and `services` in master.cf; yields its log."""
    etc, log = folder / "postfix", folder / "mail.log"
    for name in ("postfix", "queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    usual = (
        f"compatibility_level = 3.6\nqueue_directory = {folder}/queue\ndata_directory = {folder}/data\n"
        "myhostname = mx.victim.test\nmydestination = victim.test\nlocal_recipient_maps =\n"
        "local_transport = discard:\nmynetworks = 127.0.0.1/32\ninet_protocols = all\n"
        f"smtpd_peername_lookup = no\nmaillog_file = {log}\nmaillog_file_prefixes = /tmp\n"
    )
    # A name that is set twice is warned about, and a logger that has to log many of these blocks itself.
    chosen = {line.partition("=")[0].strip() for line in settings.splitlines()}
    kept = [line for line in usual.splitlines() if line.partition("=")[0].strip() not in chosen]
    (etc / "main.cf").write_text("\n".join([*kept, settings]))
    shutil.copy("/usr/share/postfix/master.cf.dist", etc / "master.cf")
    run("postconf", "-c", str(etc), "-F", "*/*/chroot=n")
    for service in ("postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd", *services):
        run("postconf", "-c", str(etc), "-M", service)
    run("postfix", "-c", str(etc), "start")
    try:
        yield log
    finally:
        end_postfix(folder / "queue")


def end_postfix(queue: pathlib.Path) -> None:
    """End the Postfix of a queue, as `postfix stop` does, which looks only once a second whether it ended."""
    master = int((queue / "pid" / "master.pid").read_text())
    os.kill(master, signal.SIGTERM)
    place = pathlib.Path(f"/proc/{master}")
    wait_until(lambda: not place.exists(), seconds=30, words=lambda: "Postfix does not end")


@contextlib.contextmanager
def exim(folder: pathlib.Path, stage: Stage) -> Iterator[pathlib.Path]:
    """Run Exim, unpacked beside the system's mail server, with the printed ACL; yields its log."""
    with exim_with(folder, f"acl_check_rcpt:\n  accept\n{WRITERS['exim'](ZONES, stage)}") as log:
        yield log


@contextlib.contextmanager
def exim_with(folder: pathlib.Path, acls: str) -> Iterator[pathlib.Path]:
    """Run Exim with these ACLs, named acl_check_rcpt and acl_check_predata; yields its log."""
    program = next((folder.parent / "exim-root").glob("usr/sbin/exim4"))
    add_users(folder, "Debian-exim:x:8:8::/:/bin/false")
    config, spool = folder / "exim.conf", folder / "spool"
    spool.mkdir()
    folder.chmod(0o755)
    shutil.chown(spool, "mail", "mail")
    config.write_text(
        f"spool_directory = {spool}\nlog_file_path = {spool}/%slog\nprimary_hostname = mx.victim.test\n"
        "exim_user = mail\nexim_group = mail\nnever_users =\nhost_lookup =\nrfc1413_hosts =\n"
        "tls_advertise_hosts =\n"
        "local_interfaces = <; 0.0.0.0 ; ::0\nqueue_only\nacl_smtp_rcpt = acl_check_rcpt\n"
        f"acl_smtp_predata = acl_check_predata\nbegin acl\n{acls}begin routers\nall:\n"
        "  driver = accept\n  transport = none\n"
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


def add_users(folder: pathlib.Path, *lines: str) -> None:
    """Add users of unpacked packages, in this mount namespace only; each has a group of its own name."""
    groups = [f"{name}:x:{group}:" for name, _, _, group, *_ in (line.split(":") for line in lines)]
    for file, added in (("passwd", lines), ("group", groups)):
        (folder / file).write_text(pathlib.Path(f"/etc/{file}").read_text() + "\n".join(added) + "\n")
        (folder / file).chmod(0o644)
        run("mount", "--bind", str(folder / file), f"/etc/{file}")


SERVERS: dict[str, Callable[[pathlib.Path, Stage], contextlib.AbstractContextManager[pathlib.Path]]] = {
    "postfix": postfix,
    "exim": exim,
}


def attempt(client: str, sender: str, *, data: bool = True, port: int = 25) -> str:
    """Send a mail from an address and return `accepted`, or the command that was refused with its code."""
    host = "::1" if ":" in client else "127.0.0.1"
    smtp = smtplib.SMTP(host, port, local_hostname="client.example", source_address=(client, 0), timeout=60)
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

    def answers() -> bool:
        try:
            smtplib.SMTP("127.0.0.1", 25, timeout=5).close()
        except OSError:
            return False
        return True

    wait_until(answers, seconds=60, words=lambda: "the mail server does not answer")


def six(port: int = 25) -> dict[str, str]:
    """Return the answers to the six cases of the table in ux-ecosystem.md 3.1."""
    return {
        "listed, empty sender": attempt(LISTED, "", port=port),
        "listed, IPv6, empty sender": attempt(LISTED6, "", port=port),
        "listed, normal sender": attempt(LISTED, NORMAL, port=port),
        "reported, empty sender": attempt(REPORTED, "", port=port),
        "clean, empty sender": attempt(CLEAN, "", port=port),
        "callout from listed": attempt(LISTED, "", data=False, port=port),
    }


def main() -> None:
    """Build the laboratory, try every case, print what happened."""
    software, stage, folder = sys.argv[1], Stage(sys.argv[2]), pathlib.Path(sys.argv[3])
    network(folder)
    with dns(folder) as server, SERVERS[software](folder, stage) as log:
        wait_for_port()
        with questions() as asked_for_normal:
            normal = [attempt(client, NORMAL) for client in (LISTED_TOO, CLEAN, LISTED6)]
        with questions() as asked_for_empty:
            answers = six()
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        answers["listed, DNS down"] = attempt(LISTED_TOO, "")
        time.sleep(0.5)
        text = log.read_text(errors="replace")
    print(
        json.dumps(
            {
                "answers": answers,
                "log": text,
                "queued": [path.read_text(errors="replace") for path in folder.glob("spool/input/*-H")],
                "normal": normal,
                "asked_for_normal": sorted(asked_for_normal),
                "asked_for_empty": sorted(asked_for_empty),
            }
        )
    )


if __name__ == "__main__":
    main()

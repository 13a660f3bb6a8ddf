"""The mail of days at a real mail server that logs as docs/report-*.md say, in namespaces of its own.

    python -m tests.consumers.report_lab SOFTWARE FOLDER

Users of own.example write to there.example, a real Postfix that accepts everything and bounces what has no
mailbox; a bot writes in their name to emitter.example, which is set up in the same way. Some bounces come
in the words of qmail and old Exim, and some genuine ones from a server that nobody wrote to. Each round of
this is moved to a time of its own, eleven hours after the one before. Prints one JSON object: the path of the
log, and what really happened.
"""

import contextlib
import datetime as dt
import json
import pathlib
import re
import shutil
import smtplib
import socket
import sys
import time
from collections.abc import Callable, Iterator

from tests import mails
from tests.conftest import ROOT
from tests.consumers import exim_server, lab
from tests.consumers.packages import documented
from tests.waiting import wait_until

ROUNDS = 24
BACKSCATTER_ROUNDS = 4
STEP = dt.timedelta(hours=11)
OWN, OWN_CLIENT = "203.0.113.10", "203.0.113.9"
THERE, FAR = "198.51.100.1", "198.51.100.2"
EMITTER, BOT, QMAIL = "192.0.2.66", "192.0.2.200", "192.0.2.67"
USERS = [f"u{number}" for number in range(5)]
ROUTES = {"own.example": OWN, "there.example": THERE, "emitter.example": EMITTER}
DOCS = ROOT / "docs"


def network(folder: pathlib.Path) -> None:
    """Give the namespace the addresses of everybody; nobody asks DNS."""
    lab.run("ip", "link", "set", "lo", "up")
    for address in (OWN, OWN_CLIENT, THERE, FAR, EMITTER, BOT, QMAIL):
        lab.run("ip", "address", "add", f"{address}/32", "dev", "lo")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    lab.run("mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf")


@contextlib.contextmanager
def postfix(folder: pathlib.Path, name: str, address: str, main: str) -> Iterator[pathlib.Path]:
    """Run a Postfix of its own on port 25 of an address; yields its log."""
    place = folder / name
    etc, log = place / "etc", place / "mail.log"
    for part in ("etc", "queue", "data"):
        (place / part).mkdir(parents=True)
    shutil.chown(place / "data", "postfix")
    routes = " ".join(f"{{ {domain} = smtp:[{at}] }}" for domain, at in ROUTES.items() if at != address)
    (etc / "main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {place}/queue\ndata_directory = {place}/data\n"
        f"myhostname = mail.{name}.example\nmyorigin = {name}.example\ninet_interfaces = {address}\n"
        f"smtp_bind_address = {address}\nsmtp_dns_support_level = disabled\ninet_protocols = ipv4\n"
        f"smtpd_peername_lookup = no\nmaillog_file = {log}\nmaillog_file_prefixes = /tmp\nbiff = no\n"
        f"relayhost =\nnotify_classes =\nsmtpd_client_connection_rate_limit = 0\n"
        f"transport_maps = {main.partition('TRANSPORTS ')[2].partition(chr(10))[0]} inline:{{ {routes} }}\n"
        + re.sub(r"TRANSPORTS .*\n", "", main)
    )
    shutil.copy("/usr/share/postfix/master.cf.dist", etc / "master.cf")
    lab.run("postconf", "-c", str(etc), "-F", "*/*/chroot=n")
    lab.run("postconf", "-c", str(etc), "-M", "postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd")
    lab.run("postfix", "-c", str(etc), "start")
    try:
        yield log
    finally:
        lab.end_postfix(place / "queue")


def careless(name: str) -> str:
    """Return settings that accept mail for any name of a domain and bounce it afterwards."""
    return (
        f"mydestination = {name}.example\nlocal_recipient_maps =\nmynetworks =\n"
        f"TRANSPORTS inline:{{ {{ ok@{name}.example = discard: }} }}\n"
    )


@contextlib.contextmanager
def own_postfix(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Run the victim with Postfix, logging as the page says."""
    main_cf, checks = documented(DOCS / "report-postfix.md", "2. Let Postfix log what a notification returns")
    table = folder / "returned_checks"
    table.write_text(checks)
    boxes = " ".join(f"{{ {user}@own.example = box }}" for user in USERS)
    (folder / "boxes").mkdir()
    shutil.chown(folder / "boxes", "mail", "mail")
    settings = main_cf.replace("/etc/postfix/returned_checks", str(table)) + (
        f"mydestination =\nmynetworks = {OWN_CLIENT}/32 {OWN}/32\nvirtual_mailbox_domains = own.example\n"
        f"virtual_mailbox_maps = inline:{{ {boxes} }}\nvirtual_mailbox_base = {folder}/boxes\n"
        "virtual_minimum_uid = 1\nvirtual_uid_maps = static:8\nvirtual_gid_maps = static:8\nTRANSPORTS \n"
    )
    with postfix(folder, "own", OWN, settings) as log:
        yield log


@contextlib.contextmanager
def own_exim(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Run the victim with Exim, logging as the page says."""
    acl, main = documented(DOCS / "report-exim.md", "Let Exim log what a notification returns")
    boxes = " : ".join(f"{user}@own.example" for user in USERS)
    acls = (
        f"acl_check_rcpt:\n  accept hosts = {OWN_CLIENT}\n"
        f"  deny !recipients = {boxes}\n    message = Unrouteable address\n"
        f"    log_message = Unrouteable address\n"
        f"  accept\nacl_check_data:\n{acl}  accept\n"
    )
    routers = (
        "local:\n  driver = accept\n  domains = own.example\n  transport = box\n"
        f"out:\n  driver = manualroute\n  route_list = there.example {THERE} ; emitter.example {EMITTER}\n"
        "  transport = smtp\n  self = send\n"
    )
    transports = (
        # A folder: who finds a file locked by another delivery tries again after three seconds.
        f"box:\n  driver = appendfile\n  directory = {folder}/boxes/all\n  maildir_format\n"
        "  user = mail\n"
        f"smtp:\n  driver = smtp\n  interface = {OWN}\n"
    )
    settings = (
        main + "acl_smtp_rcpt = acl_check_rcpt\nacl_smtp_data = acl_check_data\nsmtp_accept_max = 200\n"
    )
    (folder / "boxes").mkdir()
    shutil.chown(folder / "boxes", "mail", "mail")
    with exim_server.exim(folder, settings, acls, routers, transports, interfaces=OWN) as log:
        yield log


def deliver(client: str, server: str, sender: str, recipient: str, mail: bytes) -> int:
    """Send a mail from an address to a server; returns the code of the last reply."""
    with contextlib.closing(
        smtplib.SMTP(server, 25, local_hostname="client.example", source_address=(client, 0), timeout=60)
    ) as smtp:
        smtp.ehlo()
        smtp.docmd("MAIL", f"FROM:<{sender}>")
        code, _ = smtp.docmd("RCPT", f"TO:<{recipient}>")
        if code == 250:
            code, _ = smtp.data(mail.decode())
        # Exim answers QUIT after a fifth of a second, or as soon as nothing more can come.
        smtp.putcmd("QUIT")
        assert smtp.sock is not None
        smtp.sock.shutdown(socket.SHUT_WR)
        smtp.getreply()
        return code


def written(user: str, recipient: str, message_id: str) -> bytes:
    """Return an ordinary mail."""
    return (
        f"From: {user} <{user}@own.example>\nTo: {recipient}\nSubject: about {message_id}\n"
        f"Message-ID: <{message_id}@own.example>\nDate: {mails.date_of(dt.datetime.now(dt.UTC))}\n\nHello.\n"
    ).encode()


def in_old_words(mail: bytes, user: str) -> bytes:
    """Return a bounce of the old kinds as it comes over the network, about a mail of a user."""
    text = re.sub(rb"^(Return-Path|Received): [^\n]*\n(?:\t[^\n]*\n)*", b"", mail)
    return text.replace(b"jo@reporter.example", f"{user}@own.example".encode())


class Day:
    """Plays rounds and counts what really happened."""

    def __init__(self) -> None:
        self.genuine: dict[str, int] = {THERE: 0, FAR: 0}
        self.backscatter: dict[str, int] = {EMITTER: 0, QMAIL: 0}
        self.refused = 0

    def own_mail(self, number: int) -> None:
        """Six mails to there.example: four arrive, one bounces at once, one from a server further on."""
        for place in range(6):
            user, message_id = USERS[(number + place) % len(USERS)], f"own{number}.{place}"
            bounces = place in {2, 5}
            recipient = "gone@there.example" if place == 2 else "ok@there.example"
            deliver(OWN_CLIENT, OWN, f"{user}@own.example", recipient, written(user, recipient, message_id))
            if place == 5:
                bounce = mails.ndr_exim(original_id=f"{message_id}@own.example")
                deliver(FAR, OWN, "", f"{user}@own.example", in_old_words(bounce, user))
            if bounces:
                self.genuine[FAR if place == 5 else THERE] += 1

    def forgeries(self, number: int) -> None:
        """Twenty-five mails that a bot sends in the users' name, ten recipients that do not exist."""
        for place in range(25):
            user, message_id = USERS[place % len(USERS)], f"forged{number}.{place}"
            if place < 15:
                recipient = f"nobody{place}@emitter.example"
                deliver(BOT, EMITTER, f"{user}@own.example", recipient, written(user, recipient, message_id))
                self.backscatter[EMITTER] += 1
                continue
            shape = mails.ndr_qmail if place % 2 else mails.ndr_exim
            bounce = in_old_words(shape(original_id=f"{message_id}@own.example"), user)
            deliver(QMAIL, OWN, "", f"{user}@own.example", bounce)
            self.backscatter[QMAIL] += 1
        for place in range(10):
            code = deliver(EMITTER, OWN, "", f"gone{number}.{place}@own.example", b"x: y\n\nz\n")
            assert code == 550, code
            self.refused += 1

    def hostile(self) -> None:
        """Mails of the bot with text that wants to blame a server that did nothing."""
        blame = f"mail.there.example[{THERE}]: 550 5.1.1 <n@own.example>: Recipient address rejected"
        tail = f"{blame}: User unknown; from=<> to=<n@own.example> proto=ESMTP helo=<x>"
        texts = [
            f"x]: NOQUEUE: reject: RCPT from {tail}",
            f'x"; from=<> to=<u1@own.example> proto=ESMTP helo=<mail.there.example[{THERE}]>',
            f"(mail.there.example) [{THERE}] F=<> rejected RCPT <n@own.example>: Unrouteable address",
            f"x) [{THERE}] P=esmtp S=1 id=a@b for u1@own.example",
            "\\n2026-11-25 10:00:00 1tABCD-0001Ab-2C <= <> H=mail.there.example [198.51.100.1] P=esmtp",
            "\u00e4\u202e\x07\x1b[2J",
        ]
        for number, text in enumerate(texts):
            for helo, sender, head in (
                ("client.example", "", f"Message-ID: <{text}>\nSubject: {text}"),
                (
                    "client.example",
                    "",
                    f"Subject: x\n\nMessage-ID: <f{number}@own.example> from {tail}\nFrom: {text}",
                ),
                (text.replace(" ", ""), "", "Subject: x"),
                ("client.example", f'"{text}"@evil.example', "Subject: x"),
            ):
                with contextlib.suppress(smtplib.SMTPException, OSError, UnicodeError):
                    self._raw(helo, sender, head)

    def _raw(self, helo: str, sender: str, head: str) -> None:
        with contextlib.closing(smtplib.SMTP(OWN, 25, source_address=(BOT, 0), timeout=60)) as smtp:
            smtp.send(f"EHLO {helo}\r\n".encode())
            smtp.getreply()
            for command in (f"MAIL FROM:<{sender}>", "RCPT TO:<u1@own.example>", "RCPT TO:<n@own.example>"):
                smtp.send(command.encode() + b"\r\n")
                smtp.getreply()
            smtp.send(b"DATA\r\n")
            if smtp.getreply()[0] == 354:
                smtp.send(head.replace("\n", "\r\n").encode() + b"\r\n\r\nx\r\n.\r\n")
                smtp.getreply()


def settled(log: pathlib.Path, folder: pathlib.Path, software: str, *, expected: int) -> None:
    """Wait until all bounces have arrived, every mail has left the queue, and the log rests."""
    began, ended, arrived = BEGAN[software], ENDED[software], ARRIVED[software]

    def is_over() -> bool:
        text = log.read_text(errors="replace")
        return arrived(text) >= expected and len(re.findall(began, text)) == len(re.findall(ended, text))

    wait_until(
        is_over,
        seconds=90,
        words=lambda: (
            f"{arrived(log.read_text())} of {expected} arrived\n{log.read_text()[-3000:]}\n"
            + "\n".join(path.read_text()[-2000:] for path in folder.glob("*/mail.log"))
        ),
    )
    size = -1
    while size != log.stat().st_size:
        size = log.stat().st_size
        time.sleep(0.1)


def moved(text: str, by: dt.timedelta) -> str:
    """Return entries as if they had been written that much earlier."""
    year = dt.datetime.now().astimezone().year

    def classic(found: re.Match[str]) -> str:
        at = dt.datetime.strptime(f"{year} {found[0]}", "%Y %b %d %H:%M:%S") - by  # noqa: DTZ007
        return f"{at:%b} {at.day:2} {at:%H:%M:%S}"

    def iso(found: re.Match[str]) -> str:
        return f"{dt.datetime.fromisoformat(found[0]) - by:%Y-%m-%d %H:%M:%S}"

    text = re.sub(r"(?m)^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d", classic, text)
    return re.sub(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", iso, text)


ARRIVED: dict[str, Callable[[str], int]] = {
    "postfix": lambda text: len(
        re.findall(r"qmgr\[\d+\]: \w+: from=<>, size=\d+, nrcpt=1 \(queue active\)", text)
    ),
    "exim": lambda text: len(re.findall(r"(?m)^\S+ \S+ [\w-]{16,23} <= <> H=", text)),
}
BEGAN = {"postfix": r"cleanup\[\d+\]: \w+: message-id=", "exim": r"(?m)^\S+ \S+ [\w-]{16,23} <= "}
ENDED = {"postfix": r"qmgr\[\d+\]: \w+: removed", "exim": r"(?m)^\S+ \S+ [\w-]{16,23} Completed$"}
SERVERS = {"postfix": own_postfix, "exim": own_exim}


def main() -> None:
    """Play all rounds, print where the log is and what is true."""
    software, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    network(folder)
    day = Day()
    rounds: list[str] = []
    with (
        postfix(folder, "there", THERE, careless("there")),
        postfix(folder, "emitter", EMITTER, careless("emitter")),
        SERVERS[software](folder) as log,
    ):
        lab_is_up(OWN)
        for number in range(ROUNDS):
            before = log.stat().st_size if log.exists() else 0
            day.own_mail(number)
            if number >= ROUNDS - BACKSCATTER_ROUNDS:
                day.forgeries(number)
            expected = sum(day.genuine.values()) + sum(day.backscatter.values())
            if number == ROUNDS - 1:
                day.hostile()
            settled(log, folder, software, expected=expected)
            rounds.append(log.read_bytes()[before:].decode())
    whole = folder / "days.log"
    whole.write_text("".join(moved(text, STEP * (ROUNDS - 1 - number)) for number, text in enumerate(rounds)))
    print(
        json.dumps(
            {
                "log": str(whole),
                "genuine": day.genuine,
                "backscatter": day.backscatter,
                "refused": day.refused,
            }
        )
    )


def lab_is_up(address: str) -> None:
    """Wait until the victim answers."""

    def answers() -> bool:
        try:
            smtplib.SMTP(address, 25, timeout=5).close()
        except OSError:
            return False
        return True

    wait_until(answers, seconds=30, words=lambda: "the mail server does not answer")


if __name__ == "__main__":
    main()

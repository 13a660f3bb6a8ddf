"""Resolvers with exactly the printed lines, and what the doctor says of them, in namespaces of their own.

    python -m tests.consumers.resolvers SOFTWARE PROTECTION FOLDER

PROTECTION: `none`; `exception`: protection against rebinding with the printed exception for the zone;
`bare`: protection without it; `chain`: Postfix in front, and then the list goes away. The name server of the
zones is at another port than 53, as `make serve` runs it. Prints one JSON object.
"""

import contextlib
import json
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Final

import dns.exception
import dns.message
import dns.query
import dns.rcode

from feed.domain.snippets import WRITERS, Stage, Zones
from tests.consumers import lab
from tests.waiting import wait_until

PORT: Final = 5300
TRIES: Final = 4
"""On a loaded machine the first question to a resolver that has just started may be lost."""
SIX: Final = "6.6.0.0" + ".0" * 16 + ".6.6.0.0.8.b.d.0.1.0.0.2"
NAMES: Final = {
    "test entry": "2.0.0.127",
    "never listed": "1.0.0.127",
    "listed": "66.100.51.198",
    "listed, IPv6": SIX,
    "not listed": "99.100.51.198",
}
ZONES: Final = Zones.listening(lab.ZONES.zone, lab.ZONES.score_zone, f"127.0.0.1:{PORT}")


def unbound(folder: pathlib.Path, printed: str, protection: str) -> list[str]:
    """Write a configuration and return the command."""
    if protection == "bare":
        printed = re.sub(r".*private-domain.*\n", "", printed)
    denied = "" if protection == "none" else " private-address: 127.0.0.0/8\n"
    (folder / "unbound.conf").write_text(
        f'server:\n interface: 127.0.0.1\n username: ""\n chroot: ""\n directory: "{folder}"\n'
        f' pidfile: "{folder}/pid"\n use-syslog: no\n do-ip6: no\n{denied}'
        f"remote-control:\n control-enable: no\n{printed}"
    )
    return ["unbound", "-d", "-c", str(folder / "unbound.conf")]


def named(folder: pathlib.Path, printed: str, protection: str) -> list[str]:
    """Write a configuration and return the command; the part for `options` is put inside them."""
    options, _, zones = printed.partition("\n// named.conf, at the end")
    if protection == "exception":
        options = options.replace("// deny-answer-addresses {", "deny-answer-addresses {")
    elif protection == "bare":
        options += "\ndeny-answer-addresses { 127.0.0.0/8; };\n"
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};'
        f' recursion yes; dnssec-validation auto; pid-file "{folder}/pid"; session-keyfile none;\n{options}\n'
        f"}};\ncontrols {{ }};\n// named.conf, at the end{zones}"
    )
    return ["named", "-g", "-n", "1", "-c", str(folder / "named.conf")]


def dnsmasq(folder: pathlib.Path, printed: str, protection: str) -> list[str]:
    """Write a configuration and return the command."""
    if protection == "bare":
        printed = re.sub(r"rebind-domain-ok.*\n", "", printed)
    (folder / "dnsmasq.conf").write_text(
        f"no-resolv\nno-hosts\nlisten-address=127.0.0.1\nbind-interfaces\nuser=root\n"
        f"{'' if protection == 'none' else 'stop-dns-rebind'}\n{printed}"
    )
    return ["dnsmasq", "--keep-in-foreground", f"--conf-file={folder}/dnsmasq.conf", "--pid-file="]


RESOLVERS: Final[dict[str, Callable[[pathlib.Path, str, str], list[str]]]] = {
    "unbound": unbound,
    "bind": named,
    "dnsmasq": dnsmasq,
}


@contextlib.contextmanager
def running(software: str, folder: pathlib.Path, zones: Zones, protection: str = "none") -> Iterator[None]:
    """Run a resolver on port 53 with the printed lines; yields once it answers anything."""
    command = RESOLVERS[software](folder, WRITERS[software](zones, Stage.WARN), protection)
    log = folder / f"{software}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder)
    try:
        wait_until(
            lambda: process.poll() is not None or ask(f"1.0.0.127.{zones.zone}") != "no answer",
            seconds=60,
            words=lambda: log.read_text(errors="replace")[-3000:],
        )
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def ask(name: str, kind: str = "A") -> str:
    """Return what the resolver says: the data, or the rcode."""
    for _ in range(TRIES):
        try:
            reply = dns.query.udp(dns.message.make_query(name, kind), "127.0.0.1", timeout=5)
        except (dns.exception.DNSException, OSError):
            continue
        break
    else:
        return "no answer"
    if reply.answer:
        return str(reply.answer[0][0])
    return dns.rcode.to_text(reply.rcode())


def chain(folder: pathlib.Path) -> dict[str, str]:
    """Return what Postfix answers that asks unbound that asks the list: with the list up, and down."""
    printed = WRITERS["postfix"](lab.ZONES, Stage.REFUSE)
    with (
        lab.dns(folder, port=PORT) as server,
        running("unbound", folder, ZONES),
        lab.postfix_with(folder, printed) as log,
    ):
        lab.wait_for_port()
        up = lab.attempt(lab.LISTED, "")
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        down = lab.attempt(lab.LISTED_TOO, "")
        asked = ask(f"67.100.51.198.{lab.ZONES.zone}")
        wait_until(
            lambda: "RBL lookup error" in log.read_text(errors="replace"),
            seconds=30,
            words=lambda: log.read_text(errors="replace")[-3000:],
        )
    return {"up": up, "down": down, "resolver": asked}


def main() -> None:
    """Ask one resolver, and let the doctor ask it."""
    software, protection, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    lab.network(folder)
    if protection == "chain":
        print(json.dumps(chain(folder)))
        return
    with lab.dns(folder, port=PORT), running(software, folder, ZONES, protection):
        answers = {case: ask(f"{name}.{lab.ZONES.zone}") for case, name in NAMES.items()}
        answers["reported"] = ask(f"77.100.51.198.{lab.ZONES.score_zone}")
        doctor = subprocess.run(
            [sys.executable, "-m", "feed", "doctor", "--resolver", "127.0.0.1:53", "--zone", lab.ZONES.zone,
             "--name-server", f"127.0.0.1:{PORT}"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    print(
        json.dumps({"answers": answers, "doctor": doctor.stdout + doctor.stderr, "exit": doctor.returncode})
    )


if __name__ == "__main__":
    main()

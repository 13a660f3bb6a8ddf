"""The configurations that people also write, with what comes of them (ux-ecosystem.md 3.1).

    python -m tests.consumers.table SOFTWARE FOLDER

Prints one JSON object: the name of each configuration to the answers of its six cases. These are not
printed by the product; they show why the printed ones are as they are.
"""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Final

import dnslib

from feed.domain.snippets import WRITERS, Stage
from tests.consumers import lab

MAIN, SCORE, WORLD = lab.ZONES.zone, lab.ZONES.score_zone, "world.test"
WRONG: Final = {"answers everything": "127.0.0.3", "invents answers": "127.0.0.4"}
"""Which name server is asked, by the name of the configuration; else ours."""
PINNED: Final = f"reject_rbl_client {MAIN}=127.0.0.2"


def _at_data(restriction: str) -> str:
    return f"smtpd_data_restrictions = check_sender_access inline:{{{{<> = {restriction}}}}}\n"


def _at_rcpt(access: str) -> str:
    return f"smtpd_recipient_restrictions = reject_unauth_destination, check_sender_access {access}\n"


POSTFIX: Final = {
    "A: class, at RCPT": (
        f"smtpd_restriction_classes = bs_null\nbs_null = {PINNED}\n" + _at_rcpt("inline:{{<> = bs_null}}")
    ),
    "B: texthash, at RCPT": _at_rcpt("texthash:FOLDER/null_sender"),
    "C: inline, at RCPT": _at_rcpt(f"inline:{{{{<> = {PINNED}}}}}"),
    "D: as printed": WRITERS["postfix"](lab.ZONES, Stage.REFUSE),
    "E: too early": (
        "smtpd_delay_reject = no\nsmtpd_client_restrictions = "
        f"check_sender_access inline:{{{{<> = {PINNED}}}}}\n"
    ),
    "F: not pinned, zone that answers everything": _at_data(f"reject_rbl_client {WORLD}"),
    "B4: as printed, resolver that invents answers": WRITERS["postfix"](lab.ZONES, Stage.REFUSE),
    "F: pinned, zone that answers everything": _at_data(f"reject_rbl_client {WORLD}=127.0.0.2"),
    "not pinned, our zone": _at_data(f"reject_rbl_client {MAIN}"),
    "not pinned, no condition on the sender, our zone": (
        f"smtpd_client_restrictions = reject_rbl_client {MAIN}\n"
    ),
    "not pinned, scoring zone": _at_data(f"reject_rbl_client {SCORE}"),
    "pinned, scoring zone": _at_data(f"reject_rbl_client {SCORE}=127.0.0.2"),
    "G: both codes": _at_data(f"reject_rbl_client {SCORE}=127.0.0.[2..3]"),
    "J: defer_if_reject": (
        "smtpd_data_restrictions = defer_if_reject, "
        f"check_sender_access inline:{{{{<> = {PINNED}}}}}\n"
    ),
}  # fmt: skip
POSTSCREEN: Final = {
    "K: postscreen": (
        f"postscreen_dnsbl_sites = {MAIN}=127.0.0.2\npostscreen_dnsbl_action = enforce\n"
        "postscreen_greet_action = ignore\npostscreen_access_list = permit_mynetworks\n"
        "postscreen_greet_wait = 1s\n"
    ),
}
EXIM: Final = {
    "at RCPT": (
        "acl_check_rcpt:\n"
        + WRITERS["exim"](lab.ZONES, Stage.REFUSE).partition("acl_check_predata:\n")[2]
        + "acl_check_predata:\n  accept\n"
    ),
    "as printed": "acl_check_rcpt:\n  accept\n" + WRITERS["exim"](lab.ZONES, Stage.REFUSE),
}


@contextlib.contextmanager
def wrong_dns(address: str, answer: str) -> Iterator[None]:
    """Answer the same to everything, at port 53 of `address`."""
    done = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 53))
        sock.settimeout(0.1)

        def serve() -> None:
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    wire, peer = sock.recvfrom(4096)
                    reply = dnslib.DNSRecord.parse(wire).reply()
                    if reply.q.qtype == dnslib.QTYPE.A:
                        reply.add_answer(
                            dnslib.RR(reply.q.qname, dnslib.QTYPE.A, ttl=5, rdata=dnslib.A(answer))
                        )
                    sock.sendto(reply.pack(), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def _service(port: int, settings: str) -> str:
    """Return a line for master.cf: an SMTP server at `port` that has these settings of main.cf."""
    lines = [line for line in settings.splitlines() if not line.startswith("#")]
    folded = re.sub(r"\n\s+", " ", "\n".join(lines)).splitlines()
    options = " ".join(f"-o {{ {line} }}" for line in folded)
    return f"{port}/inet={port} inet n - n - - smtpd {options}"


def postfix(folder: pathlib.Path) -> dict[str, dict[str, str]]:
    """Return the answers of Postfix: one server for each configuration, each at a port of its own."""
    (folder / "null_sender").write_text(f"<> {PINNED}\n")
    ports = {name: 10025 + number for number, name in enumerate(POSTFIX)}
    services = tuple(
        _service(ports[name], text.replace("FOLDER", str(folder))) for name, text in POSTFIX.items()
    )
    found, resolv = {}, folder / "resolv.conf"
    with (
        wrong_dns("127.0.0.3", "127.255.255.254"),  # a list that means "over quota"
        wrong_dns("127.0.0.4", "203.0.113.9"),  # a resolver that shows advertisements
        lab.postfix_with(folder, "", services=services),
    ):
        ours = resolv.read_text()
        lab.wait_for_port()
        for name, port in ports.items():
            asked = next((wrong for words, wrong in WRONG.items() if words in name), "127.0.0.1")
            resolv.write_text(ours.replace("127.0.0.1", asked))
            found[name] = lab.six(port)
    return found


def postscreen(folder: pathlib.Path) -> dict[str, dict[str, str]]:
    """Return the answers of postscreen."""
    services = (
        "smtp/inet=smtp inet n - n - 1 postscreen",
        "smtpd/pass=smtpd pass - - n - - smtpd",
        "dnsblog/unix=dnsblog unix - - n - 0 dnsblog",
    )
    ((name, settings),) = POSTSCREEN.items()
    with lab.postfix_with(folder, settings, services=services):
        lab.wait_for_port()
        return {name: lab.six()}


def exim(folder: pathlib.Path) -> dict[str, dict[str, str]]:
    """Return the answers of Exim."""
    found = {}
    for name, acls in EXIM.items():
        with lab.exim_with(folder, acls):
            lab.wait_for_port()
            found[name] = lab.six()
        shutil.rmtree(folder / "spool")
    return found


def main() -> None:
    """Try each configuration of one mail server."""
    software, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    lab.network(folder)
    with lab.dns(folder):
        print(json.dumps({"postfix": postfix, "postscreen": postscreen, "exim": exim}[software](folder)))


if __name__ == "__main__":
    main()

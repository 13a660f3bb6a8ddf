"""Run inside a network namespace of its own: our server on port 53, strict resolvers, a sample of names.

Arguments: snapshot file, folder, resolver (unbound or named), names file. Prints one line a name: the name
and what the resolver answers, an address or an rcode.
"""

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

ZONE = "bl.example.org"
PORT = 5399


def up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh22x", b"lo", 0x1 | 0x8 | 0x40)
        fcntl.ioctl(sock, 0x8914, request)  # SIOCSIFFLAGS: up, running


def command(name: str, folder: Path) -> list[str]:
    program = shutil.which(name, path="/usr/sbin:/sbin:/usr/bin")
    assert program is not None
    if name == "unbound":
        (folder / "unbound.conf").write_text(
            f'server:\n interface: 127.0.0.1@{PORT}\n username: ""\n chroot: ""\n directory: "{folder}"\n'
            f' pidfile: "{folder}/pid"\n use-syslog: no\n module-config: "iterator"\n num-threads: 1\n'
            " do-not-query-localhost: no\n qname-minimisation: yes\n qname-minimisation-strict: yes\n"
            " harden-below-nxdomain: yes\n use-caps-for-id: yes\n do-ip6: no\n"
            f'remote-control:\n control-enable: no\nstub-zone:\n name: "{ZONE}"\n stub-addr: 127.0.0.1\n'
        )
        return [program, "-d", "-c", str(folder / "unbound.conf")]
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on port {PORT} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};'
        f' recursion yes; allow-recursion {{ any; }}; pid-file "{folder}/pid"; session-keyfile none;'
        " qname-minimization strict; dnssec-validation no; };\ncontrols { };\n"
        f'zone "{ZONE}" {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};\n'
    )
    return [program, "-g", "-n", "1", "-c", str(folder / "named.conf")]


def ask(name: str) -> str:
    query = dns.message.make_query(f"{name}.{ZONE}", "A")
    try:
        reply = dns.query.udp(query, "127.0.0.1", port=PORT, timeout=5)
    except (dns.exception.DNSException, OSError) as problem:
        return repr(problem)
    return str(reply.answer[0][0]) if reply.answer else dns.rcode.to_text(reply.rcode())


def main(snapshot: str, folder: str, resolver: str, names: str) -> None:
    up_loopback()
    ours = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "dnsbl_server",
            "--snapshot",
            snapshot,
            "--listen",
            "127.0.0.1:53",
            "--workers",
            "1",
        ]
    )
    theirs = subprocess.Popen(command(resolver, Path(folder)), cwd=folder)
    try:
        until = time.monotonic() + 20
        while ask("2.0.0.127") != "127.0.0.2" and time.monotonic() < until:
            time.sleep(0.1)
        for name in Path(names).read_text().split():
            print(name, ask(name), flush=True)
    finally:
        for process in (theirs, ours):
            process.terminate()
            process.wait(10)


if __name__ == "__main__":
    main(*sys.argv[1:])

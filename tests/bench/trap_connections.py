"""How many connections at once the trap receiver holds, and what a mail costs, beside aiosmtpd.

Run: python -m tests.bench.trap_connections [CONNECTIONS]. Prints CPU time of the receiver's thread for each
mail with that many connections open at once, the memory they take, and what one endless line adds to it.
"""

import asyncio
import importlib.util
import platform
import resource
import socket
import subprocess
import sys
import time
from typing import Any

from ingest.trap_desk import Outcome
from ingest.trap_server import Desk, Rules, TrapServer
from ingest.trap_session import Traps
from tests import mails

ENDLESS_BYTES = 100_000_000
MAIL = mails.dsn().replace(b"\n", b"\r\n") + b".\r\n"
ENVELOPE = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example>\r\n"


async def ours(listener: socket.socket, most: int) -> Any:
    """Start the receiver with a desk that refuses all."""
    rules = Rules(
        hostname="mx.trap.example",
        traps=Traps(domains={"trap.example"}),
        refusal="no",
        most_connections=most,
        most_from_one=most,
        most_waiting=most,
    )
    desk = Desk(mail=lambda *_: Outcome.ACCEPTED, callout=lambda *_: Outcome.ACCEPTED)
    return asyncio.ensure_future(TrapServer(rules, desk, threads=2).serve([listener]))


async def aiosmtpd(listener: socket.socket, _most: int) -> Any:
    """Start aiosmtpd with a handler that refuses all."""
    smtp = importlib.import_module("aiosmtpd.smtp")

    class Handler:
        async def handle_DATA(self, *_: object) -> str:  # noqa: N802 - its name for it
            return "550 5.7.1 no"

    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: smtp.SMTP(Handler(), hostname="mx.trap.example", data_size_limit=256 * 1024, loop=loop),
        sock=listener,
        backlog=1024,
    )


def serve(name: str, most: int) -> None:
    """Run one receiver in this process and print its numbers, driven by threads."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (8 * most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    async def main() -> None:
        await (ours if name == "ours" else aiosmtpd)(listener, most)
        before, start = resource.getrusage(resource.RUSAGE_THREAD), _peak_kib()
        await asyncio.to_thread(many, port, most)
        after = resource.getrusage(resource.RUSAGE_THREAD)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{name}: {seconds / most * 1000:.2f} ms of CPU a connection and mail, {most} at once; "
              f"{_peak_kib() - start} KiB more", flush=True)  # fmt: skip
        start = _peak_kib()
        await asyncio.to_thread(endless, port)
        print(f"{name}: {_peak_kib() - start} KiB more for one line of up to {ENDLESS_BYTES // 10**6} MB")

    asyncio.run(main())


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def many(port: int, most: int) -> None:
    """Open all connections, send a mail on each, and read all replies."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(most)]
    for step in (b"", ENVELOPE, b"DATA\r\n", MAIL):
        for client in clients:
            client.sendall(step)
            until = {ENVELOPE: b"250 ", b"DATA\r\n": b"354 ", MAIL: b"550 "}.get(step, b"220 ")
            received = b""
            while until not in received:
                received += client.recv(4096)
        time.sleep(0.01)
    for client in clients:
        client.close()


def endless(port: int) -> None:
    """Send a line that never ends."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(ENVELOPE)
        time.sleep(0.5)
        client.sendall(b"DATA\r\n")
        try:
            for _ in range(ENDLESS_BYTES // 65_536):
                client.sendall(b"x" * 65_536)
        except OSError:
            return  # hung up on


def main() -> None:
    """Measure each receiver in a process of its own."""
    if len(sys.argv) > 2:
        serve(sys.argv[1], int(sys.argv[2]))
        return
    most = sys.argv[1] if len(sys.argv) > 1 else "1000"
    print(f"{platform.platform()}, Python {platform.python_version()}", flush=True)
    for name in ["ours", *(["aiosmtpd"] if importlib.util.find_spec("aiosmtpd") else [])]:
        subprocess.run([sys.executable, "-m", "tests.bench.trap_connections", name, most], check=True)


if __name__ == "__main__":
    main()

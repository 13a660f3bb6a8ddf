"""Real secondaries of other makers, started on free ports: NSD, Knot and BIND."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

KEY = "transfer.example.net"
SECRET = "c2VjcmV0LW9mLTMyLWJ5dGVzLWZvci1oYXNoaW5nISE="


class Engine(NamedTuple):
    """name of the program, its Debian package, and what writes its configuration and gives its command."""

    program: str
    package: str
    command: Callable[[Path, str, int, int], list[str]]


def free_port() -> int:
    """Return a port that is free for UDP and TCP now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port


def _nsd(folder: Path, zone: str, port: int, primary: int) -> list[str]:
    (folder / "nsd.conf").write_text(
        f'server:\n ip-address: 127.0.0.1@{port}\n username: ""\n chroot: ""\n zonesdir: "{folder}"\n'
        f' pidfile: "{folder}/pid"\n xfrdfile: "{folder}/xfrd"\n zonelistfile: "{folder}/zones"\n'
        f' xfrdir: "{folder}"\n logfile: "{folder}/log"\n database: ""\n xfrd-reload-timeout: 0\n'
        " verbosity: 2\n"
        " rrl-ratelimit: 0\n"
        "remote-control:\n control-enable: no\n"
        f'key:\n name: "{KEY}"\n algorithm: hmac-sha256\n secret: "{SECRET}"\n'
        f'zone:\n name: "{zone}"\n zonefile: "zone"\n allow-notify: 127.0.0.1 {KEY}\n'
        f" request-xfr: 127.0.0.1@{primary} {KEY}\n"
    )
    return ["nsd", "-d", "-c", str(folder / "nsd.conf")]


def _knot(folder: Path, zone: str, port: int, primary: int) -> list[str]:
    (folder / "knot.conf").write_text(
        f'server:\n    listen: 127.0.0.1@{port}\n    rundir: "{folder}"\n    udp-workers: 1\n'
        "    tcp-workers: 1\n    background-workers: 1\n"
        f'log:\n  - target: "{folder}/log"\n    any: info\n'
        f'database:\n    storage: "{folder}"\n'
        f"key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {SECRET}\n"
        f"remote:\n  - id: primary\n    address: 127.0.0.1@{primary}\n    key: {KEY}\n"
        f"acl:\n  - id: notify\n    address: 127.0.0.1\n    key: {KEY}\n    action: notify\n"
        f'zone:\n  - domain: {zone}\n    storage: "{folder}"\n    file: "zone"\n    master: primary\n'
        "    acl: notify\n    zonefile-sync: 0\n    refresh-min-interval: 2\n"
    )
    return ["knotd", "-c", str(folder / "knot.conf")]


def _bind(folder: Path, zone: str, port: int, primary: int) -> list[str]:
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};'
        f' recursion no; pid-file "{folder}/pid"; dnssec-validation no; notify no; minimal-responses yes;'
        " serial-query-rate 100; session-keyfile none; };\ncontrols { };\n"
        f'key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
        f'zone "{zone}" {{ type secondary; file "zone"; masterfile-format text;'
        f" primaries {{ 127.0.0.1 port {primary} key {KEY}; }}; allow-notify {{ key {KEY}; }}; }};\n"
    )
    return ["named", "-g", "-n", "1", "-c", str(folder / "named.conf")]


ENGINES = {
    "nsd": Engine("nsd", "nsd", _nsd),
    "knot": Engine("knotd", "knot", _knot),
    "bind": Engine("named", "bind9", _bind),
}


class Secondary:
    """One running secondary; `log` is what it said."""

    def __init__(self, engine: Engine, folder: Path, zone: str, primary: int, port: int) -> None:
        folder.mkdir(exist_ok=True)
        self.port = port
        self.folder = folder
        program = shutil.which(engine.program, path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin")
        assert program is not None
        command = engine.command(folder, zone, port, primary)
        self._out = (folder / "out").open("ab")
        self.process = subprocess.Popen(
            [program, *command[1:]], cwd=folder, stdout=self._out, stderr=subprocess.STDOUT
        )

    @property
    def log(self) -> str:
        """Everything that it has said."""
        return "".join(
            (self.folder / name).read_text(errors="replace")
            for name in ("out", "log")
            if (self.folder / name).exists()
        )

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self._out.close()


def there(engine: Engine) -> bool:
    """Return whether the program is installed."""
    return shutil.which(engine.program, path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin") is not None


def eventually(done: Callable[[], bool], *, seconds: float = 60.0) -> bool:
    """Return whether `done` becomes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if done():
            return True
        time.sleep(0.01)
    return done()

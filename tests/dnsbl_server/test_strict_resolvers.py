"""Strict resolvers find every listing: those that minimise names and believe an NXDOMAIN for all below it."""

import ipaddress
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from feed.domain.address import reverse_name
from feed.snapshot.reader import Snapshot

ROOT = Path(__file__).resolve().parents[2]
LAB = Path(__file__).parent / "strict_lab.py"
pytestmark = pytest.mark.e2e


def private(command: list[str]) -> list[str]:
    """Return the command in a network namespace of its own."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", *command]


@pytest.mark.parametrize(("resolver", "package"), [("unbound", "unbound"), ("named", "bind9")])
def test_a_strict_resolver_finds_listings_and_only_those(
    put: Callable[..., Path], snapshot: Callable[..., bytes], tmp_path: Path, resolver: str, package: str
) -> None:
    if shutil.which(resolver, path="/usr/sbin:/sbin:/usr/bin") is None:
        pytest.skip(f"needs Debian's package {package}")
    if subprocess.run(private(["true"]), capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a network namespace")
    rnd = random.Random(3)
    listed = sorted({str(ipaddress.IPv4Address(rnd.getrandbits(32))) for _ in range(300)})
    listed += [str(ipaddress.IPv6Address(0x2600 << 112 | rnd.getrandbits(90))) for _ in range(60)]
    listed += ["198.51.100.0/24", "2001:db8:1:2::/64"]
    data = snapshot(listed, serial=int(time.time()), expire_at=int(time.time()) + 172_800)
    names: dict[str, str] = {}
    opened = Snapshot.open(data)
    for text in rnd.sample(listed, 120):
        first = ipaddress.ip_network(text)[0]
        for near in (-1, 0, 1):  # neighbours first: their NXDOMAIN must not hide the listing
            address = type(first)(max(0, int(first) + near))
            names[reverse_name(address)] = "127.0.0.2" if opened.lookup_address(address) else "NXDOMAIN"
    (tmp_path / "names").write_text("\n".join(names))
    tmp_path.chmod(0o777)
    done = subprocess.run(
        private([sys.executable, str(LAB), str(put(data)), str(tmp_path), resolver, str(tmp_path / "names")]),
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    answers = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    short = {name for name in names if all(len(label) == 1 for label in name.split(".")) and len(name) == 7}
    assert {name: answers.get(name) for name in names if name not in short} == {
        name: expected for name, expected in names.items() if name not in short
    }

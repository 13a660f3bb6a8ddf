"""The public conformance checks against the real server, on zones with short and with long names."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dnsbl_server.conftest import Server
from tests.dnsbl_server.secondaries import KEY, SECRET

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(
    os.environ.get("BSF_CONFORMANCE", ROOT.parent / "shared" / "conformance" / "dns_conformance.py")
)
LONG_ZONE = ".".join(["z" * 46] * 4)[:189]
LONG_TEXT = "https://feed.example.org/lookup/$ " + "x" * 178
LISTED = (
    "192.0.2.7",
    "198.51.100.0/24",
    "203.0.113.128/25",
    "45.0.0.0/22",
    "255.255.255.255",
    "2001:db8:1111:2222:3333:4444:5555:6666",
    "2001:db8:1:2::/64",
    "2600:1:2::/48",
)
# In the long zone every listed IPv6 name has to be over 512 bytes, which a masked address is not. Groups that
# put further labels before such names make them longer than 255 bytes, so they are for the short zone.
LISTED_LONG = (
    "192.0.2.7",
    "2001:db8:1111:2222:3333:4444:5555:6666",
    "2600:1111:2222:3333:4444:5555:6666:7777",
)
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not SCRIPT.is_file(), reason="the conformance script is not here (BSF_CONFORMANCE names it)"
    ),
]


@pytest.mark.parametrize(
    ("zone", "text", "entries", "groups", "allowed_skips"),
    [
        pytest.param(
            "bl.example.org",
            "Listed, see https://feed.example.org/lookup/$",
            LISTED,
            "",
            {"TRUNC"},
            id="short",
        ),
        pytest.param(LONG_ZONE, LONG_TEXT, LISTED_LONG, "TRUNC,EDNS,TCP,NEG,HDR,RFC5782", set(), id="long"),
    ],
)
def test_all_conformance_checks_pass(
    start: Callable[..., Server],
    put: Callable[..., Path],
    snapshot: Callable[..., bytes],
    tmp_path: Path,
    zone: str,
    text: str,
    entries: tuple[str, ...],
    groups: str,
    allowed_skips: set[str],
) -> None:
    now = int(time.time())
    data = snapshot(entries, zone=zone, text=text, serial=now, expire_at=now + 172_800)
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY} {SECRET}\n")
    server = start(
        "--snapshot", str(put(data)), "--listen", "127.0.0.1:0", "--workers", "1",
        "--tsig-key", str(keys), "--allow-transfer", f"key:{KEY}",
    )  # fmt: skip
    listed = tmp_path / "listed.txt"
    listed.write_text("\n".join(entries) + "\n")
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            sys.executable, str(SCRIPT), "--server", "127.0.0.1", "--port", str(server.port),
            "--axfr-tsig", f"{KEY}:hmac-sha256:{SECRET}", "--zone", zone, "--listed", str(listed),
            "--json", str(report), "--timeout", "2",
            *(["--only", groups] if groups else []),
        ],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    skipped = {
        line.split()[1].rpartition("-")[0] for line in done.stdout.splitlines() if line.startswith("skip")
    }
    assert skipped <= allowed_skips, done.stdout[-3000:]
    assert json.loads(report.read_text())

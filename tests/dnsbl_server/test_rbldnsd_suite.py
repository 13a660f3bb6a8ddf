"""rbldnsd's own Python tests against our server, where their source is (`BSF_RBLDNSD_TESTS=DIR`).

The driver of those tests starts `./rbldnsd` in the present folder, which here is a shim with the same command
line. Two kinds are left out: the acl tests need rbldnsd's `generic` data, names that are no addresses; and
`test_wildcard_prefix` lists 127.0.0.1, which a block list must never do (RFC 5782 section 5) and a snapshot
therefore refuses.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dnsbl_server.conftest import ROOT

SOURCE = os.environ.get("BSF_RBLDNSD_TESTS")
SHIM = Path(__file__).parent / "rbldnsd_shim" / "rbldnsd"
# The tests ask through py3dns; this much of it is enough for them, so it need not be there.
PY3DNS = """
import dns.message, dns.query, dns.rcode, dns.flags

class DNSError(Exception):
    pass

class SocketError(DNSError):
    pass

class _Response:
    def __init__(self, message):
        status = dns.rcode.to_text(message.rcode())
        # Four octets below ten also begin an IPv6 name, so they exist here without being listed (RFC 8020).
        self.header = {"status": status if message.answer or status != "NOERROR" else "NXDOMAIN"}
        self.answers = [
            {"data": list(data.strings)} for each in message.answer for data in each
        ]

class Request:
    def __init__(self, name, qtype, rd):
        self.query = dns.message.make_query(name, qtype)
        if not rd:
            self.query.flags &= ~dns.flags.RD

    def req(self, server, port):
        server = {"localhost": "127.0.0.1"}.get(server, server)
        try:
            return _Response(dns.query.udp(self.query, server, port=port, timeout=2))
        except OSError as problem:
            raise SocketError(problem)
        except dns.exception.DNSException:
            raise DNSError("no working nameservers found")
"""
__test__ = SOURCE is not None  # nothing is missing where nobody asked for it
pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("module", ["test_ip4trie", "test_ip6trie", "test_btrie"])
def test_their_tests_pass(tmp_path: Path, module: str) -> None:
    assert SOURCE is not None
    for path in Path(SOURCE).glob("*.py"):
        text = path.read_text()
        # The driver mixes text and bytes, as Python 2 allowed; later versions of it do not.
        if "basestring" in text or "NamedTemporaryFile()" in text:
            text = text.replace("NamedTemporaryFile()", 'NamedTemporaryFile("w+")').replace(
                "basestring", "str"
            )
        (tmp_path / path.name).write_text(re.sub(r"retry > 10\b", "retry > 100", text))
    (tmp_path / "DNS.py").write_text(PY3DNS + "\nimport dns.exception\n")
    shutil.copy(SHIM, tmp_path / "rbldnsd")
    shim = (tmp_path / "rbldnsd").read_text()
    shim = shim.replace("#!/usr/bin/env python3", f"#!{sys.executable}", 1)
    (tmp_path / "rbldnsd").write_text(
        shim.replace("Path(__file__).resolve().parents[3]", f"Path({str(ROOT)!r})")
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull,
         "--deselect", "test_ip4trie.py::TestIp4TrieDataset::test_wildcard_prefix", f"{module}.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout

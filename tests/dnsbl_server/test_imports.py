"""What each part of the server loads, in a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = {"sqlalchemy", "pydantic", "fastapi", "typer", "structlog", "alembic"}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        pytest.param("dnsbl_server.fast", {*HEAVY, "dnslib", "asyncio"}, id="the fast path has no dnslib"),
        pytest.param("dnsbl_server.udp", {*HEAVY, "asyncio"}, id="UDP workers have no asyncio"),
        pytest.param("dnsbl_server.__main__", {*HEAVY, "asyncio"}, id="nor has the parent"),
        pytest.param("dnsbl_server.tcp", HEAVY, id="TCP"),
        pytest.param(
            "feed.snapshot.writer", {*HEAVY, "dnslib", "asyncio", "socket"}, id="the snapshot is pure"
        ),
    ],
)
def test_what_is_not_loaded(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not absent & set(done.stdout.split())

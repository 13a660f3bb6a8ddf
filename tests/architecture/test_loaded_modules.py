"""What each process really loads: a fresh interpreter an entry module, and a look at `sys.modules`."""

import json
import subprocess
import sys

import pytest

CASES = {
    "feed.domain.scoring": {
        "sqlalchemy",
        "pydantic",
        "fastapi",
        "dnslib",
        "asyncio",
        "logging",
        "feed.store",
    },
    "feed.snapshot.reader": {"sqlalchemy", "pydantic", "fastapi", "dnslib", "asyncio", "feed.store"},
    "ingest.mail.judge": {
        "sqlalchemy",
        "pydantic",
        "fastapi",
        "dnslib",
        "asyncio",
        "feed.store",
        "feed.snapshot",
    },
    "dnsbl_server.respond": {
        "sqlalchemy",
        "pydantic",
        "fastapi",
        "typer",
        "rich",
        "feed.store",
        "feed.settings",
    },
    "dnsbl_server.__main__": {
        "sqlalchemy",
        "pydantic",
        "fastapi",
        "typer",
        "rich",
        "feed.store",
        "feed.settings",
    },
    "ingest.report.__main__": {"sqlalchemy", "pydantic", "fastapi", "typer", "rich", "feed", "dnslib"},
}


@pytest.mark.parametrize(("module", "absent"), CASES.items(), ids=CASES)
def test_entry_module_loads_nothing_it_must_not(module: str, absent: set[str]) -> None:
    program = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert loaded & absent == set()

"""How the tests start a laboratory: in namespaces of its own, with packages that are unpacked for it."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ROOT, needs
from tests.consumers.packages import EXIM, unpacked

LIMIT_S = 240


@contextlib.contextmanager
def place() -> Iterator[pathlib.Path]:
    """Yield a folder that the users of mail servers may enter; pytest closes its own to them."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bsf-lab-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def laboratory(module: str, *arguments: str, seconds: int = LIMIT_S) -> dict[str, Any]:
    """Run a module of this package in network and mount namespaces; return the JSON object it printed."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a network namespace")
    needs("ip")
    command = [needs("unshare"), "--net", "--mount", sys.executable, "-m", f"tests.consumers.{module}"]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=seconds
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def mail_server(software: str, folder: pathlib.Path) -> None:
    """Skip unless the mail server is there; put the unpacked ones where `lab` looks for them."""
    if software == "postfix":
        needs("postfix")
        return
    (folder / "exim-root").symlink_to(unpacked(*EXIM))

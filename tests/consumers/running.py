"""How the tests start a laboratory: in namespaces of its own, with packages that are unpacked for it."""

import atexit
import contextlib
import functools
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

EXIM = ("exim4-daemon-light", "exim4-base")
OPENSMTPD = ("opensmtpd", "opensmtpd-filter-rspamd")
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


def unpacked(*packages: str) -> pathlib.Path:
    """Return a folder with Debian's packages unpacked: two mail servers cannot be installed together."""
    root = unpacked_or_none(*packages)
    if root is None:
        pytest.skip(f"needs Debian's packages {', '.join(packages)}, which apt-get cannot download")
    return root


@functools.cache
def unpacked_or_none(*packages: str) -> pathlib.Path | None:
    """Return the same, or None if the packages cannot be had."""
    if packages == EXIM and os.environ.get("BSF_EXIM_ROOT"):
        return pathlib.Path(os.environ["BSF_EXIM_ROOT"])
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bsf-packages-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [needs("apt-get"), "download", "-qq", *packages]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0:
        return None
    for package in folder.glob("*.deb"):
        subprocess.run([needs("dpkg"), "-x", str(package), str(folder / "root")], check=True)
    return folder / "root"


def mail_server(software: str, folder: pathlib.Path) -> None:
    """Skip unless the mail server is there; put the unpacked ones where `lab` looks for them."""
    if software == "postfix":
        needs("postfix")
        return
    (folder / "exim-root").symlink_to(unpacked(*EXIM))

"""Real mail servers with exactly the printed configuration (ux-ecosystem.md 3.1)."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT, needs

pytestmark = pytest.mark.e2e

PACKAGES = ("exim4-daemon-light", "exim4-base")


def _laboratory(folder: pathlib.Path, software: str, stage: str) -> dict[str, Any]:
    if os.geteuid() != 0:
        pytest.skip("needs root for a network namespace")
    command = [
        needs("unshare"),
        "--net",
        "--mount",
        sys.executable,
        "-m",
        "tests.consumers.lab",
        software,
        stage,
    ]
    done = subprocess.run(
        [*command, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


@pytest.fixture(params=["postfix", "exim"])
def software(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """Return a mail server that is there; Exim is unpacked, since two of them cannot be installed."""
    needs("ip")
    if request.param == "postfix":
        needs("postfix")
        return "postfix"
    if os.environ.get("BSF_EXIM_ROOT"):
        (tmp_path / "exim-root").symlink_to(os.environ["BSF_EXIM_ROOT"])
    else:
        for name in PACKAGES:
            done = subprocess.run(
                [needs("apt-get"), "download", "-qq", name], cwd=tmp_path, capture_output=True, check=False
            )
            if done.returncode != 0:
                pytest.skip(f"needs Debian's package {name}")
        for package in tmp_path.glob("*.deb"):
            subprocess.run([needs("dpkg"), "-x", str(package), str(tmp_path / "exim-root")], check=True)
    return "exim"


def _folder(tmp_path: pathlib.Path) -> pathlib.Path:
    for parent in (tmp_path, *tmp_path.parents):
        if parent.owner() == "root" and not parent.stat().st_mode & 0o005:
            parent.chmod(0o755)  # the mail server's own user must reach its spool
    folder = tmp_path / "lab"
    folder.mkdir()
    return folder


def test_refuses_bounces_of_confirmed_emitters_and_nothing_else(
    software: str, tmp_path: pathlib.Path
) -> None:
    answers = _laboratory(_folder(tmp_path), software, "refuse")["answers"]
    refused = {"postfix": "data 554", "exim": "data 550"}[software]
    assert answers == {
        "listed, empty sender": refused,
        "listed, IPv6, empty sender": refused,
        "listed, normal sender": "accepted",
        "reported, empty sender": "accepted",
        "clean, empty sender": "accepted",
        "callout from listed": "accepted",
        "listed, DNS down": "accepted",
    }


def test_warning_refuses_nobody_and_says_whom_it_would(software: str, tmp_path: pathlib.Path) -> None:
    found = _laboratory(_folder(tmp_path), software, "warn")
    assert set(found["answers"].values()) == {"accepted"}
    words = {"postfix": "reject_warning", "exim": "listed for backscatter"}[software]
    warned = [line for line in found["log"].splitlines() if words in line]
    emitters = ("198.51.100.66", "2001:db8:66::66")
    assert all(any(emitter in line for line in warned) for emitter in emitters)
    assert all(any(emitter in line for emitter in emitters) for line in warned)

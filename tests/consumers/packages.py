"""Debian's packages, unpacked, or laid over /usr in a mount namespace: nothing is installed."""

import atexit
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from tests.conftest import needs

EXIM = ("exim4-daemon-light", "exim4-base")
OPENSMTPD = ("opensmtpd", "opensmtpd-filter-rspamd")
DOVECOT = ("dovecot-core", "dovecot-imapd", "dovecot-sieve")


def unpacked(*packages: str) -> pathlib.Path:
    """Return a folder with packages unpacked: two mail servers cannot be installed together."""
    return _or_skip(unpacked_or_none(*packages), packages)


def unpacked_or_none(*packages: str) -> pathlib.Path | None:
    """Return the same, or None if the packages cannot be had."""
    if packages == EXIM and os.environ.get("BSF_EXIM_ROOT"):
        return pathlib.Path(os.environ["BSF_EXIM_ROOT"])
    return _fetched("download", "-qq", *packages)


def laid_over(*packages: str) -> pathlib.Path:
    """Return a folder with packages and their dependencies unpacked, as far as the machine lacks them."""
    without_asking = ("-qq", "-y", "--no-install-recommends")
    return _or_skip(_fetched("install", "--download-only", *without_asking, *packages), packages)


def _or_skip(root: pathlib.Path | None, packages: tuple[str, ...]) -> pathlib.Path:
    if root is None:
        pytest.skip(f"needs Debian's packages {', '.join(packages)}, which apt-get cannot download")
    return root


@functools.cache
def _fetched(*words: str) -> pathlib.Path | None:
    """Let apt-get download with these words, and unpack what came."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bsf-packages-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "partial").mkdir()
    (folder / "root" / "usr").mkdir(parents=True)
    command = [needs("apt-get"), "-o", f"Dir::Cache::archives={folder}", "-o", "Debug::NoLocking=1", *words]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0:
        return None
    for package in folder.glob("*.deb"):
        subprocess.run([needs("dpkg"), "-x", str(package), str(folder / "root")], check=True)
    return folder / "root"


def lay_over(root: pathlib.Path) -> None:
    """Show the packages under /usr, and their settings under /etc, in this mount namespace only."""
    for name in ("usr", "etc", "lib"):
        top = root / name
        # /lib is /usr/lib on a merged system; packages may still name it so.
        place = pathlib.Path("/usr/lib") if name == "lib" else pathlib.Path("/") / name
        if top.is_dir():
            options = f"lowerdir={top}:{place}"
            subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(place)], check=True)


def documented(page: pathlib.Path, heading: str) -> list[str]:
    """Return the indented blocks below a heading of a page, in order, without their indent."""
    text = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks: list[list[str]] = []
    is_open = False
    for line in text.splitlines():
        if line.startswith("    "):
            if not is_open:
                blocks.append([])
            blocks[-1].append(line[4:])
            is_open = True
        elif line.strip():
            is_open = False
        elif is_open:
            blocks[-1].append("")
    return ["\n".join(block).strip("\n") + "\n" for block in blocks]

"""Exim with a configuration of the test's own, unpacked beside the system's mail server."""

import contextlib
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Iterator

from tests.consumers import lab

MAIN = (
    "primary_hostname = mx.victim.test\nexim_user = mail\nexim_group = mail\nnever_users =\nhost_lookup =\n"
    "rfc1413_hosts =\ntls_advertise_hosts =\n"
)


@contextlib.contextmanager
def exim(
    folder: pathlib.Path,
    main: str,
    acls: str,
    routers: str,
    transports: str,
    *,
    interfaces: str = "0.0.0.0 ; ::0",
) -> Iterator[pathlib.Path]:
    """Run Exim on port 25 with these parts of a configuration; yields its log."""
    program = next((folder.parent / "exim-root").glob("usr/sbin/exim4"))
    lab.add_users(folder, "Debian-exim:x:8:8::/:/bin/false")
    config, spool = folder / "exim.conf", folder / "spool"
    spool.mkdir()
    folder.chmod(0o755)
    shutil.chown(spool, "mail", "mail")
    config.write_text(
        f"spool_directory = {spool}\nlog_file_path = {spool}/%slog\n{MAIN}{main}"
        f"local_interfaces = <; {interfaces}\nexim_path = {program}\n"
        f"begin acl\n{acls}begin routers\n{routers}begin transports\n{transports}"
    )
    config.chmod(0o644)
    command = [str(program), "-C", str(config), "-bdf", "-oX", "25", "-oP", str(spool / "pid")]
    process = subprocess.Popen(command)
    try:
        yield spool / "mainlog"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)

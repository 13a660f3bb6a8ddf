"""The demonstration of the product: backscatter comes in, is reported, listed, refused, and ends.

    python -m tests.consumers.demo

Real Postfix, Exim and unbound in a network namespace of its own; nothing reaches any other network. Prints
each step in words and ends with 0 when every step went as told; 2 where something is missing.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from tests.conftest import ROOT
from tests.consumers import lab, resolvers
from tests.consumers.demo_servers import EMITTERS, HOSTS, PARTNER, SPAMMER, VICTIM, emitter, victim
from tests.consumers.demo_story import PATIENCE_S, Story, ends, say, tell
from tests.consumers.packages import EXIM, unpacked_or_none
from tests.consumers.running import place
from tests.e2e.harness import RunningFeed, running
from tests.waiting import wait_until

LACKING: Final = 2
"""Exit status where something is missing."""
PROGRAMS: Final = ("unshare", "ip", "mount", "postfix", "smtp-sink", "unbound", "dig", "apt-get", "dpkg")
PATH: Final = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def snippet(feed: RunningFeed, *words: str) -> str:
    """Return what `backscatter-feed snippets` prints."""
    command = [sys.executable, "-m", "feed", "--config", str(feed.config), "snippets", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def resolver(folder: pathlib.Path, printed: str) -> Iterator[None]:
    """Run the victim's unbound with the printed stub zone, and the names of this little Internet."""
    names = "".join(
        f' local-zone: "{domain}." static\n local-data: "{domain}. MX 10 mx.{domain}."\n'
        f' local-data: "mx.{domain}. A {address}"\n'
        for domain, address in HOSTS.items()
    )
    (folder / "unbound.conf").write_text(
        f'server:\n interface: 127.0.0.1\n username: ""\n chroot: ""\n directory: "{folder}"\n'
        f' pidfile: "{folder}/unbound.pid"\n use-syslog: no\n do-ip6: no\n cache-max-ttl: 1\n'
        f" cache-max-negative-ttl: 1\n{names}remote-control:\n control-enable: no\n{printed}"
    )
    with (folder / "unbound.log").open("wb") as log:
        command = ["unbound", "-d", "-c", str(folder / "unbound.conf")]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PATH": PATH})
    try:
        wait_until(
            lambda: resolvers.ask(f"2.0.0.127.{lab.ZONES.zone}") == "127.0.0.2",
            seconds=PATIENCE_S,
            words=(folder / "unbound.log").read_text,
        )
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


@contextlib.contextmanager
def partner() -> Iterator[None]:
    """Run the server of somebody whom the victim really writes to."""
    process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"{PARTNER}:25", "50"])
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def network(folder: pathlib.Path) -> None:
    """Give the namespace all addresses of the story."""
    lab.network(folder)
    for address in (VICTIM, PARTNER, SPAMMER, *(one.address for one in EMITTERS)):
        lab.run("ip", "address", "add", f"{address}/32", "dev", "lo")
    lab.add_users(folder, "Debian-exim:x:8:8::/:/bin/false")


def inside(folder: pathlib.Path) -> None:
    """Play everything; this process is in the namespace."""
    network(folder)
    (folder / "feed").mkdir()
    with running(RunningFeed(folder / "feed")) as feed, contextlib.ExitStack() as stack:
        say("0. A feed of its own runs: policy private, a tick of 1 second, zones under .test.")
        stack.enter_context(resolver(folder, snippet(feed, "unbound")))
        say("   The victim's unbound has the printed stub zone. It and Postfix keep answers for 1 second")
        say("   only, so that nobody has to wait here; outside it is up to 5 minutes.")
        stack.enter_context(partner())
        stack.enter_context(victim(folder / "victim", snippet(feed, "postfix", "--stage", "refuse")))
        story = Story(folder, feed)
        with contextlib.ExitStack() as wrong:
            for number, one in enumerate(EMITTERS):
                wrong.enter_context(emitter(one, folder / f"wrong-{number}", fixed=False))
            tell(story)
        say("5. The three follow the advice of the site.")
        for number, one in enumerate(EMITTERS):
            say(f"   {one.name}: {one.advice}")
            stack.enter_context(emitter(one, folder / f"fixed-{number}", fixed=True))
        ends(story)
    say("Done.")


def missing() -> list[str]:
    """Return in words what this machine lacks."""
    found = [f"the program {name}" for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if os.geteuid() != 0:
        found.append("root, for a network namespace")
    return found


def main() -> int:
    """Start the story in a namespace of its own, or say what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inside", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["PATH"] = PATH
    if options.inside is not None:
        inside(options.inside)
        return 0
    lacking = missing()
    root = None if lacking else unpacked_or_none(*EXIM)
    if not lacking and root is None:
        lacking = [f"Debian's packages {', '.join(EXIM)} (apt-get download)"]
    if lacking:
        say("The demonstration cannot run here. Missing: " + "; ".join(lacking))
        return LACKING
    assert root is not None
    with place() as folder:
        (folder / "exim-root").symlink_to(root)
        command = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.consumers.demo"]
        environment = os.environ | {"TZ": "UTC"}
        return subprocess.run(
            [*command, "--inside", str(folder)], cwd=ROOT, check=False, env=environment
        ).returncode


if __name__ == "__main__":
    sys.exit(main())

"""`backscatter-report`: standard library only, so that it runs on any mail server with a Python."""

import argparse
import datetime as dt
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Final

from ingest.report.client import FeedClient, FeedError
from ingest.report.samples import notifications

_LOOK_S: Final = 0.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 refused or not reachable, 2 wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="backscatter-report", description="Report unsolicited notifications to a feed."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sample = commands.add_parser("sample", help="send three made-up notifications, to try a feed out")
    sample.add_argument("--feed", default="http://127.0.0.1:8080", help="address of the feed")
    sample.add_argument("--key-file", type=pathlib.Path, required=True, help="file that holds the key")
    sample.add_argument("--emitter", default="192.0.2.66", help="address that sent them (default 192.0.2.66)")
    sample.add_argument("--wait", action="store_true", help="wait until DNS lists the address")
    sample.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="of --wait (default 60)")
    sample.set_defaults(run=_sample)
    options = parser.parse_args(arguments)
    try:
        sys.exit(options.run(options))
    except FeedError as problem:
        sys.exit(f"backscatter-report: {problem}")
    except OSError as problem:
        sys.exit(f"backscatter-report: {problem.filename}: {problem.strerror}")


def _sample(options: argparse.Namespace) -> int:
    key = options.key_file.read_text(encoding="ascii").strip()
    client = FeedClient(options.feed, key)
    now = dt.datetime.now(dt.UTC)
    for number, (mail, when) in enumerate(notifications(options.emitter, now=now), start=1):
        claim = {
            "class": "trap",
            "client_ip": options.emitter,
            "observed_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "null_sender": "true",
            "recipient_token": f"sample-{number}",
        }
        answer = client.send(mail, claim)
        print(
            f"{answer['kind']:10} {answer['status']}: {answer['verdict']} from {answer['emitter']}, "
            f"strength {answer['strength']}, receipt {answer['receipt']}"
        )
    return _wait(client, options) if options.wait else 0


def _wait(client: FeedClient, options: argparse.Namespace) -> int:
    print("waiting for the next scoring tick ...", flush=True)
    end = time.monotonic() + options.timeout
    while time.monotonic() < end:
        servers = client.look_up(options.emitter).get("dns", [])
        if any(server.get("outcome") == "listed" for server in servers):
            print(f"{options.emitter} is listed, and DNS says so")
            return 0
        time.sleep(_LOOK_S)
    print(
        f"{options.emitter} is not listed after {options.timeout:g} s; its look-up page says why",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    main()

"""`backscatter-report`: standard library only, so that it runs on any mail server with a Python."""

import argparse
import datetime as dt
import os
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Final

from ingest.report import commands, receiving
from ingest.report.client import FeedClient, FeedError
from ingest.report.networks import NetworkError
from ingest.report.samples import notifications
from ingest.report.settings import CLASSES
from ingest.report.spool import SpoolError

_LOOK_S: Final = 0.5


def _clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 refused or unreachable, 2 wrong arguments, 75 not spooled."""
    options = _parser().parse_args(arguments)
    try:
        sys.exit(options.run(options))
    except (FeedError, SpoolError, NetworkError, commands.CommandError) as problem:
        sys.exit(f"backscatter-report: {problem}")
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as problem:
        sys.exit(f"backscatter-report: {problem.filename}: {problem.strerror}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backscatter-report", description="Report unsolicited notifications to a feed."
    )
    commands_ = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_sample(commands_)
    _add_scan(commands_)
    _add_send(commands_)
    _add_imap(commands_)
    _add_inside(commands_)
    _add_init(commands_)
    return parser


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def _add_sample(commands_: "_Commands[argparse.ArgumentParser]") -> None:
    sample = commands_.add_parser("sample", help="send three made-up notifications, to try a feed out")
    sample.add_argument("--feed", default="http://127.0.0.1:8080", help="address of the feed")
    sample.add_argument("--key-file", type=pathlib.Path, required=True, help="file that holds the key")
    sample.add_argument("--emitter", default="192.0.2.66", help="address that sent them (default 192.0.2.66)")
    sample.add_argument("--wait", action="store_true", help="wait until DNS lists the address")
    sample.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="of --wait (default 60)")
    sample.set_defaults(run=_sample)


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config", type=pathlib.Path, help="settings (default /etc/backscatter-report.toml)"
    )
    command.add_argument("--state", type=pathlib.Path, help="folder of index, key and spool")


def _add_scan(commands_: "_Commands[argparse.ArgumentParser]") -> None:
    scan = commands_.add_parser(
        "scan", help="read mail logs and show what they prove; sends nothing by itself"
    )
    follow = commands_.add_parser("follow", help="read mail logs as they grow")
    for command in (scan, follow):
        _add_common(command)
        command.add_argument(
            "logs", nargs="+", metavar="LOG", help="plain, gzip or journald export; - is stdin"
        )
        command.add_argument("--submit", action="store_true", help="report what was found")
        command.add_argument("--domain", action="append", help="a domain that receives mail here")
        command.add_argument("--own-network", action="append", metavar="CIDR", help="servers that are yours")
        command.add_argument(
            "--forwarder", action="append", metavar="CIDR", help="servers that forward to you"
        )
        command.add_argument(
            "--complete", action="store_true", help="all mail of the domains is in these logs"
        )
        command.add_argument("--zone", help="time zone of stamps without one, such as Europe/Berlin")
    scan.add_argument("--providers", type=pathlib.Path, metavar="FILE", help="networks of large providers")
    scan.add_argument("--days", type=int, default=14, help="show so many days (default 14)")
    scan.set_defaults(run=lambda options: commands.run_scan(options, _clock))
    follow.add_argument("--once", action="store_true", help="read what is there, then end")
    follow.set_defaults(run=lambda options: commands.run_follow(options, _clock))


def _add_send(commands_: "_Commands[argparse.ArgumentParser]") -> None:
    send = commands_.add_parser("send", help="report stored mails: stdin, files, Maildirs, mbox files")
    _add_common(send)
    send.add_argument("mails", nargs="*", metavar="MAIL", help="default: one mail on stdin")
    send.add_argument("--class", dest="recipient_class", choices=CLASSES, help="what you attest")
    send.add_argument("--client-ip", help="address of the server that delivered it")
    send.add_argument("--recipient", help="address it was delivered to; only a keyed hash leaves")
    send.add_argument(
        "--raw", action="store_true", help="send the mails themselves, not only facts about them"
    )
    send.add_argument("--later", action="store_true", help="only spool; `flush` sends")
    send.set_defaults(run=lambda options: commands.run_send(options, _clock))
    flush = commands_.add_parser("flush", help="send what is spooled")
    _add_common(flush)
    flush.set_defaults(run=lambda options: commands.run_flush(options, _clock))


def _add_imap(commands_: "_Commands[argparse.ArgumentParser]") -> None:
    imap = commands_.add_parser("imap", help="report what lies in the folders of mailboxes ([[imap]])")
    _add_common(imap)
    imap.add_argument("--once", action="store_true", help="one look, then end; exit 1 if one failed")
    imap.add_argument("--every", type=float, default=60, metavar="SECONDS", help="between looks (default 60)")
    imap.set_defaults(run=lambda options: receiving.run_imap(options, _clock))


def _add_inside(commands_: "_Commands[argparse.ArgumentParser]") -> None:
    listen = commands_.add_parser("listen", help="spool what mail servers say on a local socket")
    _add_common(listen)
    listen.add_argument("--socket", type=pathlib.Path, required=True, metavar="PATH", help="Unix socket")
    listen.add_argument(
        "--mode", type=lambda text: int(text, 8), default=0o660, help="its permissions (default 660)"
    )
    listen.set_defaults(run=lambda options: receiving.run_listen(options, _clock))
    tell = commands_.add_parser("tell", help="spool one report from `name=value` words, as listen takes them")
    _add_common(tell)
    tell.add_argument("fields", nargs="+", metavar="NAME=VALUE", help="class, ip, from, rcpt, helo, id, kind")
    tell.set_defaults(run=lambda options: receiving.run_tell(options, _clock))
    milter = commands_.add_parser("milter", help="spool from a milter socket; needs pymilter")
    _add_common(milter)
    milter.add_argument("--socket", required=True, help="such as unix:/run/bsf.sock or inet:8890@127.0.0.1")
    milter.add_argument(
        "--trap", action="append", default=[], metavar="NAME", help="domain or address that never sends"
    )
    milter.add_argument("--raw", action="store_true", help="spool the mails themselves")
    milter.set_defaults(run=lambda options: receiving.run_milter(options, _clock))


def _add_init(commands_: "_Commands[argparse.ArgumentParser]") -> None:
    init = commands_.add_parser("init", help="propose settings from the mail server's configuration")
    which = init.add_mutually_exclusive_group(required=True)
    which.add_argument("--postfix", action="store_true", help="ask postconf")
    which.add_argument("--exim", action="store_true", help="ask exim -bP")
    init.add_argument("--file", help="read the output of postconf or exim -bP from a file instead")
    init.add_argument("--organisation", default="ORGANISATION", help="who runs the servers")
    init.add_argument("--contact", default="postmaster@EXAMPLE.ORG", help="role address")
    init.add_argument(
        "--backup-mx", action="append", default=[], metavar="CIDR", help="your backup MX elsewhere"
    )
    init.add_argument(
        "--forwarder", action="append", default=[], metavar="CIDR", help="servers that forward to you"
    )
    init.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="LOG",
        help="a log that may show forwarders and own servers",
    )
    init.set_defaults(run=lambda options: commands.run_init(options, _clock))


def _sample(options: argparse.Namespace) -> int:
    key = options.key_file.read_text(encoding="ascii").strip()
    client = FeedClient(options.feed, key)
    now = _clock()
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

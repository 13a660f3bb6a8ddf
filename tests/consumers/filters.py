"""Filters that score, with exactly the printed settings, in namespaces of their own.

    python -m tests.consumers.filters SOFTWARE STAGE FOLDER

rspamd is asked directly, and as the milter of a real Postfix; where OpenSMTPD lies unpacked beside the
folder, it asks rspamd too, with the printed configuration. Prints one JSON object.
"""

import contextlib
import json
import mailbox
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

from feed.domain.snippets import WRITERS, Stage
from tests.consumers import lab, rspamd_server

MAIL: Final = (
    "From: MAILER-DAEMON@client.example\r\nTo: jo@victim.test\r\nSubject: I am on holiday\r\n"
    "Message-ID: <{number}@client.example>\r\nDate: Wed, 25 Nov 2026 10:00:00 +0000\r\n\r\n"
    "Back next week.\r\n"
)
"""An auto-reply: its content does not look like a bounce, only its envelope does."""
LIMIT: Final = "task_timeout = 3s;\n"
"""So long rspamd waits where DNS is down; by itself, eight seconds."""
CASES: Final = {
    "listed, empty sender": (lab.LISTED, ""),
    "listed, IPv6, empty sender": (lab.LISTED6, ""),
    "listed, normal sender": (lab.LISTED, lab.NORMAL),
    "listed, unknown sender": (lab.LISTED, None),
    "reported, empty sender": (lab.REPORTED, ""),
    "reported, normal sender": (lab.REPORTED, lab.NORMAL),
    "clean, empty sender": (lab.CLEAN, ""),
}


def parts(text: str, pattern: str) -> Iterator[tuple[str, str]]:
    """Yield name and body of each file in a printed text; `pattern` finds the comment that names a file."""
    found = list(re.finditer(rf"(?m)^{pattern}\n", text))
    for match, following in zip(found, [*found[1:], None], strict=True):
        yield match[1], text[match.end() : following.start() if following else len(text)]


def ask_rspamd(client: str, sender: str | None, number: int, *, user: str = "") -> dict[str, Any]:
    """Return action, and our symbols with their scores, of a mail; user: who logged in."""
    known = {"IP": client, "Rcpt": lab.RECIPIENT, "Helo": "client.example"}
    if sender is not None:
        known["From"] = sender
    if user:
        known["User"] = user
    said = rspamd_server.scan(MAIL.format(number=number).encode(), known)
    ours = {name: one["score"] for name, one in said["symbols"].items() if name.startswith("BSFEED_")}
    return {"refused": said["action"] == "reject", "symbols": ours}


def try_rspamd(stage: Stage, folder: pathlib.Path) -> dict[str, Any]:
    """Return what rspamd says by itself, and what Postfix and OpenSMTPD do with it."""
    found: dict[str, Any] = {}
    printed = parts(WRITERS["rspamd"](lab.ZONES, stage), r"# local\.d/(\S+)")
    files = {f"local.d/{name}": body for name, body in printed}
    with lab.dns(folder) as server, rspamd_server.rspamd(folder, files, options=LIMIT) as log:
        found["asked"] = {
            name: ask_rspamd(client, sender, number)
            for number, (name, (client, sender)) in enumerate(CASES.items())
        }
        found["own user"] = ask_rspamd(lab.LISTED, "", 97, user="jo")
        with lab.questions() as asked:
            ask_rspamd(lab.LISTED_TOO, lab.NORMAL, 98)
        found["asked_for_normal"] = sorted(name for name in asked if name.endswith(lab.ZONES.zone))
        if stage is Stage.REFUSE:
            found |= _behind_mail_servers(folder)
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        found["down"] = ask_rspamd(lab.LISTED_TOO, "", 99)
        found["log"] = log.read_text(errors="replace")
    return found


def _behind_mail_servers(folder: pathlib.Path) -> dict[str, Any]:
    """Return what Postfix and OpenSMTPD answer that ask the running rspamd."""
    milter = "smtpd_milters = inet:127.0.0.1:11332\nmilter_default_action = accept\n"
    with lab.postfix_with(folder, milter):
        lab.wait_for_port()
        found = {"postfix": lab.six()}
    if (folder.parent / "opensmtpd-root").exists():
        with opensmtpd(folder, WRITERS["opensmtpd"](lab.ZONES, Stage.REFUSE)) as log:
            lab.wait_for_port()
            found["opensmtpd"] = lab.six()
            found["opensmtpd log"] = {"text": log.read_text(errors="replace")}
    return found


@contextlib.contextmanager
def opensmtpd(folder: pathlib.Path, printed: str) -> Iterator[pathlib.Path]:
    """Run OpenSMTPD, unpacked beside the system's mail server, with the printed lines; yields its log."""
    root = folder.parent / "opensmtpd-root"
    lab.add_users(folder, "opensmtpd:x:9001:9001::/:/bin/false", "opensmtpq:x:9002:9002::/:/bin/false")
    # It starts its parts by fixed paths below /usr/libexec, where nothing else is needed here.
    lab.run("mount", "--bind", str(root / "usr" / "libexec"), "/usr/libexec")
    lines = printed.partition("# local.d/")[0]
    config = folder / "smtpd.conf"
    config.write_text(
        f'{lines}action "onward" relay host smtp://127.0.0.1:9\n'
        'match from any for domain "victim.test" action "onward"\n'
    )
    for where in ("/var/lib", "/var/spool", "/run"):
        lab.run("mount", "-t", "tmpfs", "tmpfs", where)
    for where in ("/var/lib/opensmtpd/empty", "/var/spool/smtpd", "/run/opensmtpd"):
        pathlib.Path(where).mkdir(parents=True)
        pathlib.Path(where).chmod(0o711)
    path = folder / "smtpd.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [str(root / "usr/sbin/smtpd"), "-d", "-f", str(config)], stdout=log, stderr=log
        )
    try:
        yield path
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def try_spamassassin(stage: Stage, folder: pathlib.Path) -> dict[str, Any]:
    """Return the rules of ours that each mail hits, in one run; then the same with DNS down."""
    etc = folder / "spamassassin"
    shutil.copytree("/etc/spamassassin", etc)
    (etc / "local.cf").write_text(
        "use_bayes 0\nrbl_timeout 4\nreport_safe 0\nadd_header all Scores _TESTSSCORES(,)_\n"
        + WRITERS["spamassassin"](lab.ZONES, stage)
    )
    command = ["spamassassin", "--siteconfigpath", str(etc), "--prefspath", str(folder / "prefs")]
    lint = subprocess.run([*command, "--lint"], capture_output=True, text=True, check=False)
    with lab.dns(folder) as server:
        found = {"lint": [lint.returncode, lint.stderr], "asked": _spamassassin(command, folder / "up")}
        if stage is Stage.REFUSE:  # it waits for its own limit
            server.send_signal(signal.SIGTERM)
            server.wait(10)
            found["down"] = _spamassassin(command, folder / "down", "listed, empty sender")
    return found


def _spamassassin(command: list[str], path: pathlib.Path, *names: str) -> dict[str, dict[str, float]]:
    """Return the scores of our rules by case; all mails go in as one mbox, and come out in any order."""
    cases = [name for name in CASES if name in names or not names]
    box = mailbox.mbox(path)
    for number, name in enumerate(cases):
        client, sender = CASES[name]
        literal = f"IPv6:{client}" if ":" in client else client
        head = "" if sender is None else f"Return-Path: <{sender}>\n"
        head += (
            f"Received: from client.example (client.example [{literal}])\n"
            "\tby mx.victim.test (Postfix) with ESMTP id 4ABCD12345\n"
            "\tfor <jo@victim.test>; Wed, 25 Nov 2026 10:00:00 +0000 (UTC)\n"
        )
        box.add((head + MAIL.format(number=number).replace("\r\n", "\n")).encode())
    box.close()
    done = subprocess.run(
        [*command, "--mbox", str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    found = {}
    for mail in re.split(r"(?m)^From ", done.stdout)[1:]:
        scores = re.search(r"(?m)^X-Spam-Scores: (.*(?:\n[ \t].*)*)", mail)
        which = re.search(r"(?m)^Message-ID: <(\d+)@", mail)
        assert scores is not None, mail
        assert which is not None, mail
        ours = re.findall(r"(BSFEED_\w+)=(-?[\d.]+)", scores[1])
        found[cases[int(which[1])]] = {rule: float(score) for rule, score in ours}
    return found


def main() -> None:
    """Run one filter."""
    software, stage, folder = sys.argv[1], Stage(sys.argv[2]), pathlib.Path(sys.argv[3])
    lab.network(folder)
    print(json.dumps({"rspamd": try_rspamd, "spamassassin": try_spamassassin}[software](stage, folder)))


if __name__ == "__main__":
    main()

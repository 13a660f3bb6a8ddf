"""What happens in the demonstration, step by step; `demo` builds the place for it."""

import collections
import contextlib
import datetime as dt
import http.client
import json
import pathlib
import re
import smtplib
import subprocess
import sys
import time
import urllib.parse
from typing import Final

import sqlalchemy as sa

from feed.store.tables import receipt
from tests.conftest import ROOT
from tests.consumers import lab, resolvers
from tests.consumers.demo_servers import EMITTERS, SPAMMER, VICTIM, Emitter, delivered
from tests.e2e.harness import RunningFeed
from tests.waiting import wait_until

PATIENCE_S: Final = 90
DAYS_BEFORE: Final = 10


def say(words: str) -> None:
    """Print a step."""
    print(words, flush=True)


class Story:
    """One run of the demonstration in `folder`; the feed runs already."""

    def __init__(self, folder: pathlib.Path, feed: RunningFeed) -> None:
        """Register the victim as a reporter of the feed."""
        self.folder, self.feed = folder, feed
        self.followed = folder / "mail.log"
        self.log = folder / "victim" / "mail.log"
        self.read = 0
        self.sent = 0
        key = folder / "key"
        key.write_text(feed.reporter("victim"))
        (folder / "report.toml").write_text(
            f'state = "{folder}/report"\ndomains = ["victim.test", "signed.test"]\n'
            f'tagged_domains = ["signed.test"]\nown_networks = ["{VICTIM}/32"]\ncomplete = true\n'
            f'zone = "UTC"\n[[feed]]\nname = "own"\nurl = "http://127.0.0.1:{feed.http_port}"\n'
            f'key_file = "{key}"\n'
        )

    def new_lines(self) -> list[str]:
        """Return what the victim's Postfix logged since the last time, in whole lines."""
        data = self.log.read_bytes()[self.read :]
        whole = data[: data.rfind(b"\n") + 1]
        self.read += len(whole)
        return whole.decode(errors="replace").splitlines()

    def keep(self, lines: list[str], *, ago: dt.timedelta) -> None:
        """Append lines to the log that is followed, as if they had been written `ago`."""
        with self.followed.open("a") as file:
            file.writelines(_earlier(line, ago) + "\n" for line in lines)

    def follow(self) -> int:
        """Run the reporter over the log; return how many reports the feed got from it."""
        before = self.reports()
        command = [sys.executable, "-m", "ingest.report", "follow", "--once", "--submit"]
        command += ["--config", str(self.folder / "report.toml"), str(self.followed)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.reports() - before

    def reports(self) -> int:
        """Return how many reports the feed has taken."""
        with self.feed.feed.database.read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(receipt)).scalar_one()

    def forge(self, one: Emitter) -> str:
        """Mail somebody at the emitter in the victim's name; return `accepted` or the refusal."""
        self.sent += 1
        recipient = one.forged_to.format(number=self.sent)
        return send(SPAMMER, one.address, one.forged_from, recipient, f"forged-{self.sent}@spam.test")

    def has(self, one: Emitter) -> int:
        """Return how many mails the victim has whose name this emitter's mails were forged with."""
        return delivered(self.folder / "victim", one.forged_from.partition("@")[0])

    def rests(self) -> bool:
        """Return whether the victim has logged the last line of every mail that it took."""
        text = self.log.read_text()
        taken = re.findall(r"cleanup\[\d+\]: \w+: message-id=", text)
        return len(taken) == len(re.findall(r"qmgr\[\d+\]: \w+: removed$", text, re.MULTILINE))

    def wait_for_mail(self, one: Emitter, number: int) -> None:
        """Wait until the victim has so many mails."""
        wait_until(
            lambda: self.has(one) >= number,
            seconds=PATIENCE_S,
            words=lambda: f"{one.name}: {self.has(one)} of {number}; {self.log.read_text()[-3000:]}",
        )


def _earlier(line: str, ago: dt.timedelta) -> str:
    """Return a line of a log with an earlier stamp."""
    now = dt.datetime.now(dt.UTC)
    at = dt.datetime.strptime(f"{now.year} {line[:15]} +0000", "%Y %b %d %H:%M:%S %z")
    return (at - ago).strftime("%b %e %H:%M:%S") + line[15:]


def send(client: str, server: str, sender: str, recipient: str, message_id: str) -> str:
    """Send one mail; return `accepted`, or the code and words of the refusal."""
    with smtplib.SMTP(server, 25, "client.test", source_address=(client, 0), timeout=60) as smtp:
        text = (
            f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: an offer\r\n"
            f"Message-ID: <{message_id}>\r\n\r\nBuy now.\r\n"
        )
        try:
            smtp.sendmail(sender, [recipient], text)
        except smtplib.SMTPRecipientsRefused as refusal:
            code, words = refusal.recipients[recipient]
            return f"{code} {words.decode(errors='replace').splitlines()[0]}"
    return "accepted"


def answer_for(address: str) -> str:
    """Return what the victim's resolver says of an address."""
    return resolvers.ask(f"{'.'.join(reversed(address.split('.')))}.{lab.ZONES.zone}")


def wait_for_answer(feed: RunningFeed, address: str, answer: str) -> None:
    """Wait until the victim's resolver says `answer`."""
    wait_until(
        lambda: answer_for(address) == answer,
        seconds=PATIENCE_S,
        words=lambda: f"{answer_for(address)}; {feed.get(f'/lookup?address={address}')[1]}",
    )


def _is_refusal(line: str) -> bool:
    """Return whether a log line is a refusal at DATA, or at BDAT: Exim sends in chunks (RFC 3030)."""
    return "reject: DATA" in line or "reject: BDAT" in line


def past_days(story: Story) -> list[str]:
    """Let the victim write real mails; return their log, which stands for quiet days."""
    for sender in ("jo@victim.test", "prvs=0123abcdef=ann@signed.test"):
        assert send(VICTIM, VICTIM, sender, "friend@partner.test", f"{sender[:2]}@victim.test") == "accepted"
    lines: list[str] = []

    def is_sent() -> bool:
        lines.extend(story.new_lines())
        return sum("postfix/qmgr" in line and line.endswith("removed") for line in lines) == 2

    wait_until(is_sent, seconds=PATIENCE_S, words=lambda: "\n".join(lines))
    return lines


def wave(story: Story, *, ago: dt.timedelta, each: int = 2) -> None:
    """Let forged mails reach every emitter, and what they send reach the victim; keep the log of it."""
    expected = collections.Counter({one.forged_from: story.has(one) for one in EMITTERS})
    for one in EMITTERS:
        for _ in range(each):
            assert story.forge(one) == "accepted"
            expected[one.forged_from] += 1
    for one in EMITTERS:
        story.wait_for_mail(one, expected[one.forged_from])
    wait_until(story.rests, seconds=PATIENCE_S, words=lambda: story.log.read_text()[-3000:])
    story.keep(story.new_lines(), ago=ago)


def tell(story: Story) -> None:
    """Play the story."""
    feed, hours = story.feed, dt.timedelta(hours=1)
    say("\n1. The victim: a Postfix for victim.test and signed.test, with the printed restriction at DATA.")
    quiet = past_days(story)
    say(f"   It sends mail. Its log of that, with earlier stamps, stands for {DAYS_BEFORE} quiet days.")
    for number in range(DAYS_BEFORE * 4, 4, -1):
        story.keep(quiet, ago=number * 6 * hours)

    say("2. A spammer writes to three other servers in the victim's name.")
    for one in EMITTERS:
        say(f"   {one.address} {one.domain}, {one.name}: {one.mistake}")
    wave(story, ago=24 * hours)
    for number in range(3, 0, -1):
        story.keep(quiet, ago=number * 6 * hours)
    wave(story, ago=hours / 6)
    say("   Each accepted the mail and sent the victim " + ", ".join(one.answers for one in EMITTERS) + ".")
    say("   Half of it gets the stamps of yesterday, half those of ten minutes ago: one day is not enough")
    say("   for a listing, and the reporter waits two minutes for the logs of other hosts.")

    say("3. backscatter-report follow reads the log.")
    number = story.follow()
    say(f"   It reported {number} of {story.sent}: the victim's own log shows that none of that left there.")
    assert number == story.sent, number
    for one in EMITTERS:
        wait_for_answer(feed, one.address, "127.0.0.2")
        say(f"   {one.address} is listed: the victim's resolver answers 127.0.0.2")

    say("4. The next forged mail, and a normal one.")
    for one in EMITTERS:
        refuses(story, one)


def refuses(story: Story, one: Emitter) -> None:
    """Show that the victim refuses what a listed emitter sends back, and takes its normal mail."""
    before = story.has(one)
    assert story.forge(one) == "accepted"
    lines: list[str] = []

    def refused() -> str | None:
        lines.extend(story.new_lines())
        return next((line for line in lines if _is_refusal(line) and one.address in line), None)

    wait_until(refused, seconds=PATIENCE_S, words=lambda: "\n".join(lines[-30:]))
    line = refused() or ""
    say(f"   {one.name}: {line.partition('reject: ')[2].partition('; from=')[0]}")
    assert story.has(one) == before
    sender, recipient = f"info@{one.domain}", one.forged_from
    assert send(one.address, one.address, sender, recipient, f"normal@{one.domain}") == "accepted"
    story.wait_for_mail(one, before + 1)
    say(f"   {one.name}: its normal mail from {sender} arrived.")
    story.keep(lines + story.new_lines(), ago=dt.timedelta(0))


def ends(story: Story) -> None:
    """Show that with the advice applied nothing more is reported, and that the listing can be removed."""
    before = [story.has(one) for one in EMITTERS]
    for one in EMITTERS:
        say(f"   {one.name}: the forged mail is answered: {story.forge(one)}")
    time.sleep(3)
    assert [story.has(one) for one in EMITTERS] == before, "something still came"
    lines = story.new_lines()
    assert not [line for line in lines if "from=<>" in line], lines
    story.keep(lines, ago=dt.timedelta(0))
    number = story.follow()
    assert number == 0, number
    say("   backscatter-report follow: nothing more to report.")

    say("6. Each asks the site for removal, from its own address.")
    for one in EMITTERS:
        say(f"   {one.address}: {remove(story.feed, one.address)}")
    for one in EMITTERS:
        wait_for_answer(story.feed, one.address, "NXDOMAIN")
        assert send(one.address, VICTIM, "", one.forged_from, f"genuine@{one.domain}") == "accepted"
        say(f"   {one.address} is listed no more, and a bounce of it is accepted again.")


def remove(feed: RunningFeed, address: str) -> str:
    """Ask for removal from the listed address itself; return the outcome."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", feed.http_port, source_address=(address, 0), timeout=30
    )
    with contextlib.closing(connection):
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/removal", urllib.parse.urlencode({"address": address}), headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
    assert (answer.status, said.get("outcome")) == (201, "accepted"), said
    return str(said["outcome"])

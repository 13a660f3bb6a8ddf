"""The mail servers of the demonstration: a victim, and three that emit backscatter by a common mistake.

Each takes the settings that a distribution's default nearly is, the one mistake, and the advice of the site
that ends it. All addresses exist in a network namespace only.
"""

import contextlib
import dataclasses
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import Final

from feed.web.advice import GENERAL, Advice, advice_named
from tests.consumers import lab

VICTIM, PARTNER, SPAMMER = "192.0.2.10", "203.0.113.50", "203.0.113.66"
HOSTS: Final = {"victim.test": VICTIM, "signed.test": VICTIM, "partner.test": PARTNER}
LOGGING: Final = (
    "/^Message-I[Dd]: *<[^<>]+>/             INFO\n/^(From|Return-Path): .*@victim\\.test/  INFO\n"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Emitter:
    """A server that emits backscatter. forged_to: recipients of the forged mails; forged_from: the victim."""

    name: str
    domain: str
    address: str
    mistake: str
    advice: str
    forged_to: str
    forged_from: str
    answers: str


def _step(advice: Advice | None, words: str) -> str:
    """Return the sentence of the site's advice that holds these words."""
    assert advice is not None
    return next(step for step in advice.steps if words in step)


POSTFIX, EXIM, VACATION = (
    Emitter(
        name=name, domain=domain, address=f"198.51.100.{number}", mistake=mistake,
        advice=_step(advice, words), forged_to=f"{user}@{domain}", forged_from=forged_from, answers=answers,
    )
    for number, name, domain, user, forged_from, answers, mistake, advice, words in (
        (
            21, "Postfix", "shop.test", "nobody-{number}", "jo@victim.test", "a bounce",
            "local_recipient_maps is empty: it accepts every name, then bounces",
            advice_named("postfix"), "local_recipient_maps",
        ),
        (
            22, "Exim", "hotel.test", "room-{number}", "jo@victim.test", "a bounce",
            "no recipient is verified at RCPT: every name is accepted, then bounced",
            advice_named("exim"), "verify = recipient",
        ),
        (
            23, "vacation responder", "office.test", "helpdesk", "ann@signed.test", "an auto-reply",
            "it answers everybody who seems to have written",
            GENERAL, "auto-replies",
        ),
    )
)  # fmt: skip
EMITTERS: Final = (POSTFIX, EXIM, VACATION)
HOSTS.update({one.domain: one.address for one in EMITTERS})


@contextlib.contextmanager
def victim(folder: pathlib.Path, printed: str) -> Iterator[pathlib.Path]:
    """Run the victim's Postfix with the printed restriction; yields its log."""
    folder.mkdir()
    mail = folder / "mail"
    mail.mkdir()
    shutil.chown(mail, "nobody")
    (folder / "returned_checks").write_text(LOGGING)
    settings = (
        f"inet_protocols = ipv4\ninet_interfaces = {VICTIM}\nsmtp_bind_address = {VICTIM}\n"
        f"mynetworks = {VICTIM}/32\nmydestination =\nvirtual_mailbox_domains = victim.test, signed.test\n"
        "virtual_mailbox_maps = inline:{{jo@victim.test = jo/}, {ann@signed.test = ann/}}\n"
        "virtual_alias_maps = regexp:{{/^prvs=[0-9a-z]{10}=(.*)/ $$1}}\n"
        f"virtual_mailbox_base = {mail}\nvirtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\n"
        f"nested_header_checks = regexp:{folder}/returned_checks\n"
        f"body_checks = regexp:{folder}/returned_checks\n"
        # Its processes keep what DNS said until they end; so each ends after one client.
        f"max_use = 1\n{printed}"
    )
    with lab.postfix_with(folder, settings) as log:
        yield log


def delivered(folder: pathlib.Path, user: str) -> int:
    """Return how many mails a user of the victim has."""
    return len(list((folder / "mail" / user / "new").glob("*")))


@contextlib.contextmanager
def emitter(one: Emitter, folder: pathlib.Path, *, fixed: bool) -> Iterator[None]:
    """Run an emitter, with its mistake or with the advice applied."""
    folder.mkdir()
    folder.chmod(0o755)
    running = _postfix(folder, fixed=fixed) if one is POSTFIX else _exim(one, folder, fixed=fixed)
    with running:
        yield


def _postfix(folder: pathlib.Path, *, fixed: bool) -> contextlib.AbstractContextManager[pathlib.Path]:
    spool = folder / "mail"
    spool.mkdir()
    shutil.chown(spool, "nobody")
    known = "unix:passwd.byname" if fixed else ""
    return lab.postfix_with(
        folder,
        f"myhostname = mail.shop.test\ninet_protocols = ipv4\ninet_interfaces = {POSTFIX.address}\n"
        f"smtp_bind_address = {POSTFIX.address}\nmynetworks = {POSTFIX.address}/32\n"
        "mydestination = shop.test\nlocal_transport = local\nalias_maps =\n"
        f"mail_spool_directory = {spool}\nlocal_recipient_maps = {known}\n",
    )


@contextlib.contextmanager
def _exim(one: Emitter, folder: pathlib.Path, *, fixed: bool) -> Iterator[None]:
    program = next((folder.parent / "exim-root").glob("usr/sbin/exim4"))
    config, spool = folder / "exim.conf", folder / "spool"
    spool.mkdir()
    shutil.chown(spool, "mail", "mail")
    verify = "  require verify = recipient\n" if fixed and one is EXIM else ""
    careful = (
        "  condition = ${if match{$h_Authentication-Results:}{(spf|dkim|dmarc)=pass}}\n"
        "  condition = ${if match{$h_Auto-Submitted:}{^(auto|.)}{no}{yes}}\n"
        if fixed and one is VACATION
        else ""
    )
    config.write_text(
        f"spool_directory = {spool}\nlog_file_path = {spool}/%slog\nprimary_hostname = mail.{one.domain}\n"
        f"exim_user = mail\nexim_group = mail\nexim_path = {program}\nhost_lookup =\nrfc1413_hosts =\n"
        "tls_advertise_hosts =\n"
        f"never_users =\nlocal_interfaces = {one.address}\nqueue_run_in_order = true\n"
        "acl_smtp_rcpt = acl_check_rcpt\nbegin acl\nacl_check_rcpt:\n"
        f"  accept hosts = {one.address}\n{verify}  accept domains = {one.domain}\n  deny\n"
        f"begin routers\nremote:\n  driver = dnslookup\n  domains = ! {one.domain}\n  transport = smtp\n"
        "  no_more\n"
        f"vacation:\n  driver = accept\n  local_parts = helpdesk\n  senders = ! :\n{careful}"
        "  transport = reply\n  unseen\n"
        "local:\n  driver = accept\n  local_parts = helpdesk : info\n  transport = mailbox\n"
        f"begin transports\nsmtp:\n  driver = smtp\n  interface = {one.address}\n"
        "mailbox:\n  driver = appendfile\n  file = /dev/null\n  user = mail\n"
        f"reply:\n  driver = autoreply\n  user = mail\n  from = helpdesk@{one.domain}\n"
        "  to = $sender_address\n  subject = Out of office\n  text = We are back next week.\n"
        "begin retry\n* * F,1h,1m\n"
    )
    config.chmod(0o644)
    command = [str(program), "-C", str(config), "-bdf", "-q5s", "-oX", "25", "-oP", str(spool / "pid")]
    with (folder / "exim.out").open("wb") as out:  # each child says that it runs without privileges
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)

"""Settings proposed from a mail server's configuration, and settings that are wrong."""

import pathlib
import subprocess
import sys
import tomllib

import pytest

from ingest.report.networks import network
from ingest.report.propose import client_file, from_exim, from_postfix, operator_command
from ingest.report.settings import SettingsError, settings_of
from tests.conftest import needs
from tests.ingest.report.mail_logs import NOW, PostfixLog

POSTCONF = """\
inet_interfaces = all
mydestination = $myhostname, localhost.$mydomain, localhost, own.example
mydomain = own.example
myhostname = MX1.own.example
mynetworks = 127.0.0.0/8 [::1]/128 203.0.113.0/24, [2001:db8:5::]/48 cidr:/etc/postfix/more
proxy_interfaces = 198.51.100.7
relay_domains = hash:/etc/postfix/relay
relayhost = [smtp.provider.example]:587
smtpd_milters = unix:/run/batv.sock
virtual_alias_domains =
virtual_mailbox_domains = mysql:/etc/postfix/domains.cf, shop.example
sender_canonical_maps = tcp:localhost:10001
"""
EXIM = """\
primary_hostname = mail.own.example
domainlist local_domains = @ : own.example : shop.example : lsearch;/etc/exim4/domains
domainlist relay_to_domains = partner.example
hostlist relay_from_hosts = <; 127.0.0.1 ; ::1 ; 203.0.113.0/24 ; 2001:db8:5::/48
domainlist odd = ${lookup mysql{x}} : *.wild.example
  data = ${prvs {$return_path}{secret}}
"""


def read(path: str) -> list[str]:
    if path == "/etc/postfix/relay":
        return ["# backup", "backup.example  OK", "", "  continued"]
    if path == "/etc/exim4/domains":
        return ["listed.example:"]
    raise FileNotFoundError(2, "No such file or directory")


def test_postfix() -> None:
    found = from_postfix(POSTCONF, read=read)
    assert found.host == "mx1.own.example"
    assert list(found.domains) == ["mx1.own.example", "own.example", "shop.example", "backup.example"]
    assert list(found.backup_domains) == ["backup.example"]
    assert list(found.networks) == ["203.0.113.0/24", "2001:db8:5::/48", "198.51.100.7/32"]
    assert found.tags
    notes = "\n".join(found.notes)
    for word in ("mysql:/etc/postfix/domains.cf", "cidr:/etc/postfix/more", "relayhost"):
        assert word in notes


def test_exim() -> None:
    found = from_exim(EXIM, read=read)
    assert list(found.domains) == [
        "mail.own.example", "own.example", "shop.example", "listed.example", "partner.example",
    ]  # fmt: skip
    assert list(found.networks) == ["203.0.113.0/24", "2001:db8:5::/48"]
    assert (list(found.backup_domains), found.tags) == (["partner.example"], True)
    assert any("*.wild.example" in note for note in found.notes)


@pytest.mark.parametrize(
    "text", ["", "a = b", "mynetworks = $mynetworks", "mydestination = $a\na = $mydestination"]
)
def test_an_odd_configuration_is_read_without_an_error(text: str) -> None:
    assert from_postfix(text, read=read).networks == {}
    assert from_exim(text, read=read).networks == {}


def test_the_proposed_file_can_be_used_and_the_command_is_quoted() -> None:
    found = from_postfix(POSTCONF, read=read)
    settings = settings_of(tomllib.loads(client_file(found, forwarders=["192.0.2.0/24"])))
    assert settings.own_networks[0] == network("203.0.113.0/24")
    assert settings.forwarders == (network("192.0.2.0/24"),)
    assert not settings.complete
    command = operator_command(
        found, organisation="A & B", contact="p@own.example", forwarders=["192.0.2.0/24"]
    )
    assert "--organisation 'A & B'" in command
    assert command.count("--own-network") == 3


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param({"domain": []}, "no setting 'domain'", id="unknown"),
        pytest.param({"domains": "own.example"}, "list", id="a text for a list"),
        pytest.param({"domains": ["own example"]}, "no domain name", id="a blank"),
        pytest.param({"own_networks": ["10.0.0.0/99"]}, "no network", id="a wrong network"),
        pytest.param({"complete": "yes"}, "true or false", id="a text for yes"),
        pytest.param({"zone": "Mars/Base"}, "no time zone", id="no zone"),
        pytest.param(
            {"feed": [{"name": "../x", "url": "http://a", "key_file": "k"}]}, "small letters", id="name"
        ),
        pytest.param({"feed": [{"name": "x", "url": "ftp://a", "key_file": "k"}]}, "https://", id="url"),
        pytest.param({"feed": [{"name": "x"}]}, "url", id="no url"),
    ],
)
def test_wrong_settings_are_refused_in_words(said: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        settings_of(said)


def test_init_prints_what_can_be_used(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "postconf.txt"
    path.write_text(POSTCONF)
    line = [sys.executable, "-m", "ingest.report", "init", "--postfix", "--file", str(path)]
    line += ["--backup-mx", "198.51.100.200", "--forwarder", "192.0.2.0/24"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    settings = settings_of(tomllib.loads(done.stdout))
    assert network("198.51.100.200") in settings.own_networks
    assert "# backscatter-feed reporter add mx1.own.example" in done.stdout


def test_init_takes_forwarders_and_own_servers_from_logs(tmp_path: pathlib.Path) -> None:
    (tmp_path / "postconf.txt").write_text(POSTCONF)
    log = PostfixLog()
    for number in range(3):
        log.bounced(NOW, client="198.51.100.78", name="mail.school.example", recipient="jo@own.example",
                    own_id=f"d{number}@m.example", original=f"o{number}@school.example",
                    original_sender="jo@school.example")  # fmt: skip
        log.bounced(NOW, client="198.51.100.5", name="mx2.own.example", recipient="jo@own.example",
                    own_id=f"e{number}@m.example")  # fmt: skip
    (tmp_path / "mail.log").write_bytes(log.text())
    line = [
        sys.executable,
        "-m",
        "ingest.report",
        "init",
        "--postfix",
        "--file",
        str(tmp_path / "postconf.txt"),
    ]
    done = subprocess.run(
        [*line, "--log", str(tmp_path / "mail.log")], capture_output=True, text=True, check=True
    )
    settings = settings_of(tomllib.loads(done.stdout))
    assert settings.forwarders == (network("198.51.100.78"),)
    assert network("198.51.100.5") in settings.own_networks
    note = "# NOTE 198.51.100.78 mail.school.example: bounces from it return mail of another domain (3)"
    assert note in done.stdout
    assert "--forwarder 198.51.100.78" in done.stdout


def test_init_asks_the_real_postfix() -> None:
    needs("postconf")
    line = [sys.executable, "-m", "ingest.report", "init", "--postfix"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
    assert settings_of(tomllib.loads(done.stdout)).feeds


def test_what_the_mail_servers_program_says_is_shown(tmp_path: pathlib.Path) -> None:
    program = tmp_path / "postconf"
    program.write_text("#!/bin/sh\necho 'postconf: fatal: bad main.cf' >&2\nexit 1\n")
    program.chmod(0o755)
    line = [sys.executable, "-m", "ingest.report", "init", "--postfix"]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "bad main.cf" in done.stderr

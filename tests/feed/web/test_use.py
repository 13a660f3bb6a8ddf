"""What the "use it" page says to those who ask a public feed, tried with the programs themselves."""

import html
import pathlib
import re
import shutil
import subprocess

import pytest

from feed.settings import DnsSettings, PublishSettings, Settings
from feed.web import snippets
from tests.feed.web.world import Client, World

PUBLIC = Settings(
    publish=PublishSettings(
        zone="bl.example.org",
        score_zone="score.example.net",
        name_servers=("ns1.example.net", "ns2.example.net"),
    ),
    dns=DnsSettings(listen=("0.0.0.0:53",)),
)
CHECKERS = {
    "unbound": ["unbound-checkconf", "FILE"],
    "bind": ["named-checkconf", "FILE"],
    "dnsmasq": ["dnsmasq", "--test", "--conf-file=FILE"],
}


def _of(key: str, settings: Settings) -> str:
    return next(one.code for one in snippets.resolvers(settings) if one.key == key)


@pytest.mark.parametrize("key", CHECKERS)
def test_exceptions_are_taken_by_the_resolvers(tmp_path: pathlib.Path, key: str) -> None:
    program = shutil.which(CHECKERS[key][0], path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        pytest.skip(f"needs the program {CHECKERS[key][0]}")
    code = _of(key, PUBLIC)
    file = tmp_path / "conf"
    file.write_text(f"options {{\n{code}\n}};\n" if key == "bind" else code + "\n")
    command = [program, *(word.replace("FILE", str(file)) for word in CHECKERS[key][1:])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("key", CHECKERS)
def test_a_public_zone_is_let_through_and_found_by_itself(key: str) -> None:
    """Complaint B6: a rebind filter strips the answers, and the list is useless in silence."""
    code = _of(key, PUBLIC)
    for zone in ("bl.example.org", "score.example.net"):
        assert zone in code
    for never in ("stub-", "forward", "server=", "0.0.0.0:53", "5300"):
        assert never not in code, "whoever reads this asks from another machine"


def test_a_trial_zone_is_looked_for_on_this_machine(world: World) -> None:
    assert "stub-zone" in _of("unbound", world.site.settings)


def test_name_servers_are_asked_one_by_one() -> None:
    lines = snippets.asked_directly(PUBLIC).splitlines()
    assert lines == [
        "dig +norecurse @ns1.example.net bl.example.org SOA",
        "dig +norecurse @ns2.example.net bl.example.org SOA",
    ]


def test_the_first_questions_are_those_of_rfc_5782(client: Client) -> None:
    """Complaint B7: names for IPv6 built wrongly; the right one is there to be compared."""
    page = html.unescape(client.get("/use").text)
    name = "2.0.0.0.0.0.f.7.f.f.f.f" + ".0" * 20 + ".bl.feed.test"
    assert len(name.removesuffix(".bl.feed.test").split(".")) == 32
    for asked in ("2.0.0.127.bl.feed.test", "1.0.0.127.bl.feed.test", name):
        assert re.search(rf"dig (\+short )?{re.escape(asked)} A", page), asked


def test_scoring_comes_before_refusing(client: Client) -> None:
    """Complaint B26: mail refused at SMTP time cannot be put into quarantine: the score comes first."""
    page = client.get("/use").text
    assert page.index('href="/use?stage=score#stages"') < page.index('href="/use?stage=refuse#stages"')
    assert "prefer the score" in page


def test_postfix_keeps_the_wording_that_log_readers_know(client: Client) -> None:
    """Complaint B27: tools read the text of a refusal; Postfix's own `blocked using ZONE` is kept."""
    page = html.unescape(client.get("/use?stage=refuse").text)
    assert "reject_rbl_client bl.feed.test=127.0.0.2" in page
    assert "rbl_reply_maps" not in page
    assert "default_rbl_reply" not in page

"""The pages for those who use the zone show exactly what is printed, and what they tell to run works."""

import pathlib
import re
import shlex
import subprocess
import sys
import textwrap

import pytest

from feed.domain.address import parse_address
from feed.domain.snippets import WRITERS, Stage, Zones
from feed.snapshot.reader import Snapshot
from tests.conftest import ROOT

DOCS = ROOT / "docs"
ZONES = Zones.listening("bl.feed.test", "score.bl.feed.test", "127.0.0.1:5300")
"""What a feed prints that nobody has configured."""
STAGES = {
    "postfix": (Stage.WARN, Stage.REFUSE),
    "exim": tuple(Stage),
    "rspamd": (Stage.WARN,),
    "spamassassin": tuple(Stage),
    "haraka": (Stage.WARN,),
}
PARTS = {
    "rspamd": ((Stage.SCORE, "# local.d/composites.conf"), (Stage.REFUSE, "# local.d/force_actions.conf")),
    "opensmtpd": ((Stage.WARN, "# smtpd.conf"),),
}
PAGES = sorted(DOCS.glob("use-*.md"))


def _indented(text: str) -> str:
    return textwrap.indent(text.rstrip("\n"), "    ", lambda line: bool(line.strip()))


@pytest.mark.parametrize(("software", "stage"), [(name, stage) for name in STAGES for stage in STAGES[name]])
def test_the_page_shows_what_is_printed(software: str, stage: Stage) -> None:
    assert f"\n\n{_indented(WRITERS[software](ZONES, stage))}\n" in (DOCS / f"use-{software}.md").read_text()


@pytest.mark.parametrize("software", ["unbound", "bind", "dnsmasq"])
def test_the_page_of_resolvers_shows_what_is_printed(software: str) -> None:
    assert (
        f"\n\n{_indented(WRITERS[software](ZONES, Stage.WARN))}\n\n" in (DOCS / "use-resolver.md").read_text()
    )


@pytest.mark.parametrize(("software", "part"), [(name, part) for name in PARTS for part in PARTS[name]])
def test_a_part_that_a_page_shows_is_printed_so(software: str, part: tuple[Stage, str]) -> None:
    stage, first = part
    page = (DOCS / f"use-{software}.md").read_text()
    shown = re.search(
        rf"(?m)^    {re.escape(first)}.*\n(?:    .*\n|\n(?=    ))*", page[page.rindex(first) - 4 :]
    )
    assert shown is not None
    assert textwrap.dedent(shown[0]).rstrip("\n") in WRITERS[software](ZONES, stage)


def test_there_is_a_page_for_everybody_who_gets_settings() -> None:
    named = {page.stem.removeprefix("use-") for page in PAGES} - {"resolver"}
    assert named == set(WRITERS) - {"unbound", "bind", "dnsmasq"}
    start = (DOCS / "consumer.md").read_text()
    assert all(f"({page.name})" in start for page in PAGES)


@pytest.mark.parametrize("page", [*PAGES, DOCS / "consumer.md"], ids=lambda page: page.stem)
def test_b2_no_page_shows_a_question_without_its_code(page: pathlib.Path) -> None:
    """Codes of errors read as a listing refused all mail, in three products."""
    for line in page.read_text().splitlines():
        for asking in ("reject_rbl_client ", "dnslists = "):
            if asking in line and line.startswith("    "):
                assert "=127.0.0.2" in line.partition(asking)[2].split()[0].rstrip("}"), line


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem != "use-resolver"], ids=lambda page: page.stem
)
def test_b26_refusing_is_never_the_first_step(page: pathlib.Path) -> None:
    """What is refused cannot be put into quarantine, so who reads from the top warns and scores first."""
    text = page.read_text()
    assert re.search(r"stages|--stage warn", text)
    headings = re.findall(r"(?m)^## \d\. (\w+)", text)
    assert headings in ([], ["Warn", "Score", "Refuse"], ["Warn", "Score", "Enough"])


@pytest.mark.parametrize("name", ["consumer.md", "refusal.md", "shutdown.md", *(page.name for page in PAGES)])
def test_links_lead_to_pages_that_exist(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (DOCS / name).read_text()):
        assert (DOCS / target).is_file(), target


def test_b12_the_zone_that_the_shutdown_leaves_behind_lists_nobody(tmp_path: pathlib.Path) -> None:
    """A dead list that answers refuses mail all over the world; ours answers NXDOMAIN for years."""
    text = (DOCS / "shutdown.md").read_text().replace("\\\n", " ")
    commands = re.findall(r"(?m)^ +backscatter-feed (snapshot build .*)$", text)
    assert len(commands) == 2
    assert ": > empty.txt" in text
    (tmp_path / "empty.txt").touch()
    for command in commands:
        subprocess.run(
            [sys.executable, "-m", "feed", *shlex.split(command)],
            cwd=tmp_path, check=True, capture_output=True, timeout=60,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    for zone in ("bl.feed.test", "score.bl.feed.test"):
        snapshot = Snapshot.open((tmp_path / f"{zone}.snap").read_bytes())
        assert snapshot.meta.zone == zone
        assert snapshot.meta.expire_at - snapshot.meta.created_at > 5 * 365 * 86_400
        assert not snapshot.lookup_address(parse_address("192.0.2.66"))
        assert snapshot.lookup_address(parse_address("127.0.0.2"))
        assert not snapshot.lookup_address(parse_address("127.0.0.1"))

"""The demonstration of the product, from the forged mail to the removal, with real mail servers."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.consumers import demo
from tests.consumers.demo_servers import EMITTERS

LIMIT_S = 600


@pytest.mark.e2e
def test_backscatter_is_reported_listed_refused_and_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.consumers.demo"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode == demo.LACKING:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    for one in EMITTERS:
        assert f"{one.address} is listed: the victim's resolver answers 127.0.0.2" in done.stdout
        assert f"{one.name}: its normal mail from info@{one.domain} arrived." in done.stdout
        assert f"{one.address} is listed no more" in done.stdout
    assert done.stdout.count("blocked using bl.feed.test") == len(EMITTERS)
    assert "nothing more to report" in done.stdout
    assert done.stdout.endswith("Done.\n")


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo, "PATH", "/nowhere")
    monkeypatch.setattr(sys, "argv", ["demo"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert demo.main() == demo.LACKING
    said = capsys.readouterr().out
    assert said.startswith("The demonstration cannot run here. Missing: the program unshare; ")
    assert "the program postfix" in said

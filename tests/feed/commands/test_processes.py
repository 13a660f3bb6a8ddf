"""What `backscatter-feed serve` runs."""

import pytest

from feed.commands.processes import table_of
from feed.settings import Settings, TrapSettings

CASES = {
    "no trap": (TrapSettings(), False),
    "a trap domain": (TrapSettings(domains=("old.example",)), True),
    "a trap address": (TrapSettings(addresses=("gone@example.org",)), True),
}


@pytest.mark.parametrize("case", CASES)
def test_the_trap_receiver_runs_where_something_is_a_trap(case: str) -> None:
    trap, runs = CASES[case]
    table = table_of(Settings(trap=trap), ["--config", "x.toml"])
    assert ("trap" in table) is runs
    assert {"ingest", "scheduler", "dns"} <= set(table)
    if runs:
        assert table["trap"][-3:] == ["trap", "--config", "x.toml"]

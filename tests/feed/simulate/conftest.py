"""Runs that several tests look at, made once."""

import pytest

from feed.domain.policy import COMMUNITY, PRIVATE, Policy
from feed.simulate.book import MemoryBook
from feed.simulate.outcome import Outcome
from feed.simulate.run import Simulation
from feed.simulate.scenarios import SCALES, SCENARIOS
from feed.simulate.world import World, build, providers_of
from feed.store.secret import Secret

SECRET = Secret(bytes(32))


def tiny(scenario: str = "calm", *, seed: int = 1, days: int = 6, alone: bool = False) -> World:
    """Return a world that takes a second or two."""
    return build(seed, days, SCALES["tiny"], SCENARIOS[scenario], alone=alone, warm_up_days=10)


def outcome_of(world: World, policy: Policy = COMMUNITY) -> Outcome:
    """Return the run of `world` under `policy` in memory."""
    book = MemoryBook(policy, secret=SECRET, providers=providers_of(world), canaries=world.canaries)
    return Simulation(world, book).run()


@pytest.fixture(scope="session")
def calm() -> Outcome:
    """Return a short calm run under the community policy."""
    return outcome_of(tiny())


@pytest.fixture(scope="session")
def alone() -> Outcome:
    """Return a run of one provider alone under the private policy."""
    return outcome_of(tiny(alone=True), PRIVATE)

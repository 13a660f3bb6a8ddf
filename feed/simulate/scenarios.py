"""How large a simulated world is, how long it lasts, and how bad it is (scoring.md 7)."""

import dataclasses
from typing import Final

from feed.domain.evidence import MINUTES_A_DAY

DAY: Final = MINUTES_A_DAY
FIRST_DAY: Final = 20_000
"""The day (since 1970-01-01) on which each world begins: an arbitrary one, nobody's clock is read."""

WARM_UP_DAYS: Final = 20
"""Days before measuring begins: reporters earn their weight in them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many of each there are. emitters: over the whole time, each alive for some 18 days."""

    reporters: int
    emitters: int
    mixed: int
    innocents: int
    pools: int
    providers: int
    forwarders: int
    refusers: int


SCALES: Final = {
    "tiny": Scale(
        reporters=18, emitters=24, mixed=1, innocents=170, pools=1, providers=1, forwarders=1, refusers=1
    ),
    "small": Scale(
        reporters=30, emitters=90, mixed=6, innocents=300, pools=4, providers=3, forwarders=4, refusers=4
    ),
    "full": Scale(
        reporters=100, emitters=250, mixed=10, innocents=3000, pools=5, providers=3, forwarders=20,
        refusers=20,
    ),
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Which part of the reporters turns bad, and how mail flows; in percent of all reporters.

    refusing: of them refuse listed mail, so that the feed starves. trap_percent: of what emitters send
    reaches the feed's own traps (scoring.md 6 assumes 8). canaries: addresses that the operator lists
    although they never send. paired: who provokes a forwarder with a trap address does so with that of a
    reporter's user as well. means: one line for people.
    """

    name: str
    means: str
    sleeping: int = 0
    colluding: int = 0
    sybils: int = 0
    flooding: int = 0
    echoing: int = 2
    refusing: int = 50
    paired: bool = False
    trap_percent: int = 8
    canaries: int = 1

    @property
    def lies(self) -> bool:
        """Whether any reporter lies."""
        return bool(self.sleeping or self.colluding or self.sybils or self.flooding)


SCENARIOS: Final = {
    one.name: one
    for one in (
        Scenario(name="calm", means="nobody lies"),
        Scenario(name="sleepers10", means="a tenth of the reporters turns bad", sleeping=10),
        Scenario(name="sleepers", means="a fifth of the reporters turns bad", sleeping=20),
        Scenario(
            name="colluders", means="a third accuses the same innocents, 3 % flood", colluding=33, flooding=3
        ),
        Scenario(name="sybils", means="a tenth is one organisation under many names", sybils=10),
        Scenario(name="flood", means="a tenth accuses innocents by the hundred", flooding=10),
        Scenario(name="starvation", means="every reporter refuses listed mail", refusing=100),
        Scenario(name="provoked", means="forwarders are provoked at a trap and at a reporter", paired=True),
        Scenario(
            name="echoed", means="sleepers, and no canary finds out who repeats the zone",
            sleeping=20, canaries=0,
        ),
        Scenario(name="unechoed", means="nobody repeats what the zone says", echoing=0),
        Scenario(name="traps4", means="traps get 4 % of what emitters send, not 8", trap_percent=4),
        Scenario(name="traps15", means="traps get 15 % of what emitters send, not 8", trap_percent=15),
    )
}  # fmt: skip

USUAL: Final = ("calm", "sleepers", "colluders")
"""The scenarios that run unless others are asked for."""

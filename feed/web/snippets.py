"""The settings of the "use it" page, made by `feed.domain.snippets`, which is tried with real programs."""

import dataclasses
from typing import Final

from feed.domain.snippets import WRITERS, Stage, Zones
from feed.settings import Settings

_NAMES: Final = {
    "postfix": "Postfix",
    "exim": "Exim",
    "rspamd": "rspamd",
    "spamassassin": "SpamAssassin",
    "haraka": "Haraka",
    "opensmtpd": "OpenSMTPD",
}
_RESOLVERS: Final = {"unbound": "unbound", "bind": "BIND", "dnsmasq": "dnsmasq"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Settings for one program."""

    key: str
    name: str
    code: str


def stage_named(word: str) -> Stage:
    """Return the stage that `word` names; the first for anything else."""
    return next((stage for stage in Stage if stage.value == word), Stage.WARN)


def mail_servers(settings: Settings, stage: Stage) -> list[Snippet]:
    """Return the settings for each mail server and filter."""
    return _made(settings, stage, _NAMES)


def resolvers(settings: Settings) -> list[Snippet]:
    """Return the settings for resolvers that have to be told where the zones are."""
    return _made(settings, Stage.WARN, _RESOLVERS)


def first_checks(zone: str) -> str:
    """Return the questions that show whether the own resolver lets our answers through."""
    return (
        f"dig +short 2.0.0.127.{zone} A    # 127.0.0.2, always\n"
        f"dig 1.0.0.127.{zone} A           # NXDOMAIN, always"
    )


def _made(settings: Settings, stage: Stage, names: dict[str, str]) -> list[Snippet]:
    zones = Zones.listening(settings.publish.zone, settings.publish.score_zone, settings.dns.listen[0])
    return [
        Snippet(key=key, name=name, code=WRITERS[key](zones, stage).rstrip("\n"))
        for key, name in names.items()
        if key in WRITERS
    ]

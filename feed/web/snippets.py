"""The settings of the "use it" page, made by `feed.domain.snippets`, which is tried with real programs."""

import dataclasses
from typing import Final

from feed.domain.address import MAPPED_PREFIX
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
    """Return what resolvers need to be told.

    Zones that the whole Internet resolves only have to be let through where answers in 127.0.0.0/8 are
    dropped. Zones under .test exist on the machine of the trial alone, so a resolver is told where.
    """
    if settings.publish.allow_special:
        return _made(settings, Stage.WARN, _RESOLVERS)
    zones = [settings.publish.zone]
    if not settings.publish.score_zone.endswith("." + settings.publish.zone):
        zones.append(settings.publish.score_zone)
    return [
        Snippet(
            key="unbound",
            name="unbound",
            code="# unbound.conf, where private-address covers 127.0.0.0/8\nserver:\n"
            + "\n".join(f'    private-domain: "{zone}"' for zone in zones),
        ),
        Snippet(
            key="bind",
            name="BIND",
            code="// named.conf, in options, where there is a deny-answer-addresses\n"
            "deny-answer-addresses { 127.0.0.0/8; } except-from { "
            + " ".join(f'"{zone}";' for zone in zones)
            + " };",
        ),
        Snippet(
            key="dnsmasq",
            name="dnsmasq",
            code="# dnsmasq.conf, where there is a stop-dns-rebind\n"
            + "\n".join(f"rebind-domain-ok=/{zone}/" for zone in zones),
        ),
    ]


def first_checks(zone: str) -> str:
    """Return the questions that show whether the own resolver lets our answers through."""
    mapped = ".".join(reversed((MAPPED_PREFIX + bytes((127, 0, 0, 2))).hex()))
    return (
        f"dig +short 2.0.0.127.{zone} A    # 127.0.0.2, always\n"
        f"dig 1.0.0.127.{zone} A           # NXDOMAIN, always\n"
        f"# the same for IPv6, ::ffff:127.0.0.2\n"
        f"dig +short {mapped}.{zone} A"
    )


def asked_directly(settings: Settings) -> str:
    """Return the questions that show whether one of the name servers is behind, or out of reach."""
    publish = settings.publish
    if publish.allow_special:
        host, _, port = settings.dns.listen[0].rpartition(":")
        where = [f"@{host.strip('[]')} -p {port}"]
    else:
        where = [f"@{name}" for name in publish.name_servers]
    return "\n".join(f"dig +norecurse {server} {publish.zone} SOA" for server in where)


def _made(settings: Settings, stage: Stage, names: dict[str, str]) -> list[Snippet]:
    zones = Zones.listening(settings.publish.zone, settings.publish.score_zone, settings.dns.listen[0])
    return [
        Snippet(key=key, name=name, code=WRITERS[key](zones, stage).rstrip("\n"))
        for key, name in names.items()
        if key in WRITERS
    ]

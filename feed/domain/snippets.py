"""Configuration for those who use the zones: correct, narrow, and tried against the real programs.

Every one asks for mail with an empty envelope sender only, at DATA or later, and pins the return code:
at RCPT a sender callout would be refused too and the consumer's own mail would suffer; without the code
any answer would count (ux-ecosystem.md 3.1). In three stages: warn, then score, then refuse. Mail of own
users and hosts is never asked about: a read receipt has an empty sender too.
"""

import dataclasses
import enum
import ipaddress
from collections.abc import Callable
from typing import Final, Self


class Stage(enum.StrEnum):
    """How far a consumer goes; each stage for a week before the next."""

    WARN = "warn"
    SCORE = "score"
    REFUSE = "refuse"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """The zones and the name server that a resolver forwards to. server: address, port: UDP and TCP."""

    zone: str
    score_zone: str
    server: str = "127.0.0.1"
    port: int = 53

    @classmethod
    def listening(cls, zone: str, score_zone: str, endpoint: str) -> Self:
        """Return the zones served at HOST:PORT.

        Resolvers forward to addresses only: a server that listens everywhere, or at a name, is asked on
        loopback. Raises ValueError without a port.
        """
        host, _, port = endpoint.rpartition(":")
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            address = ipaddress.IPv4Address("127.0.0.1")
        if address.is_unspecified:
            address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")  # noqa: PLR2004
        return cls(zone=zone, score_zone=score_zone, server=str(address), port=int(port))


def unbound(zones: Zones, stage: Stage) -> str:
    """Return a stub zone for unbound; mail servers cannot ask another port than 53."""
    del stage
    top = zones.zone.rpartition(".")[2]
    nodefault = f'    local-zone: "{top}." nodefault\n' if top == "test" else ""
    local = "    do-not-query-localhost: no\n" if ipaddress.ip_address(zones.server).is_loopback else ""

    def exception(zone: str) -> str:
        return f'    private-domain: "{zone}"\n    domain-insecure: "{zone}"\n'

    def stub(zone: str) -> str:
        return f'stub-zone:\n    name: "{zone}"\n    stub-addr: {zones.server}@{zones.port}\n'

    return (
        "# unbound.conf; answers lie in 127.0.0.0/8, so private-domain lets them through on purpose.\n"
        "# A zone that the whole Internet resolves needs no stub-zone and no domain-insecure.\n"
        f"server:\n{nodefault}{local}{_each(zones, exception)}{_each(zones, stub)}"
    )


def _each(zones: Zones, write: Callable[[str], str]) -> str:
    """Return what `write` says of each zone; the scoring zone needs nothing of its own inside the other."""
    inside = zones.score_zone.endswith("." + zones.zone)
    return write(zones.zone) + ("" if inside else write(zones.score_zone))


def bind(zones: Zones, stage: Stage) -> str:
    """Return a forward zone for BIND; `deny-answer-addresses` must let the zone through."""
    del stage
    names = _each(zones, lambda zone: f'"{zone}"; ')
    return (
        "// named.conf, inside options { }\n"
        f"validate-except {{ {names}}};\n"
        "// only if you have deny-answer-addresses:\n"
        f"// deny-answer-addresses {{ 127.0.0.0/8; }} except-from {{ {names}}};\n"
        "\n"
        "// named.conf, at the end; a zone that the whole Internet resolves needs no forwarding\n"
    ) + _each(
        zones,
        lambda zone: (
            f'zone "{zone}" {{\n    type forward;\n    forward only;\n'
            f"    forwarders {{ {zones.server} port {zones.port}; }};\n}};\n"
        ),
    )


def dnsmasq(zones: Zones, stage: Stage) -> str:
    """Return a server line for dnsmasq; `stop-dns-rebind` would drop the answers silently."""
    del stage
    where = f"{zones.server}#{zones.port}"
    return (
        "# dnsmasq.conf; stop-dns-rebind drops answers in 127.0.0.0/8 without rebind-domain-ok.\n"
        "# A zone that the whole Internet resolves needs no server line.\n"
        + _each(zones, lambda zone: f"server=/{zone}/{where}\nrebind-domain-ok=/{zone}/\n")
    )


def postfix(zones: Zones, stage: Stage) -> str:
    """Return the restriction for Postfix; the null sender is looked up as `<>`."""
    warn = "" if stage is Stage.REFUSE else "warn_if_reject "
    note = {
        Stage.WARN: "# only warns: look for reject_warning in the log for a week\n",
        Stage.SCORE: "# Postfix cannot score, so this only warns; rspamd and SpamAssassin can score\n",
        Stage.REFUSE: "",
    }[stage]
    return (
        f"# main.cf; if you have smtpd_data_restrictions, add the last line to them\n{note}"
        "smtpd_data_restrictions =\n    permit_mynetworks,\n    permit_sasl_authenticated,\n"
        f"    {warn}check_sender_access inline:{{{{<> = reject_rbl_client {zones.zone}=127.0.0.2}}}}\n"
        "# never in postscreen_dnsbl_sites: postscreen does not see the sender\n"
    )


def exim(zones: Zones, stage: Stage) -> str:
    """Return the ACL statement for Exim, in the predata ACL; `senders = :` is the empty sender."""
    lines = {
        Stage.WARN: ("warn", "log_message = listed for backscatter: $dnslist_text"),
        Stage.SCORE: ("warn", "add_header = X-Backscatter: $dnslist_value"),
        Stage.REFUSE: ("deny", "message = $sender_host_address is listed for backscatter: $dnslist_text"),
    }
    verb, action = lines[stage]
    return (
        "# in the main part: acl_smtp_predata = acl_check_predata\n"
        "acl_check_predata:\n"
        f"  {verb}\n    senders = :\n    !authenticated = *\n    dnslists = {zones.zone}=127.0.0.2\n"
        f"    {action}\n  accept\n"
    )


def rspamd(zones: Zones, stage: Stage) -> str:
    """Return list, weights and composites for rspamd; the list alone weighs nothing.

    rspamd's own BOUNCE looks at the content and misses auto-replies, so the envelope is asked.
    """
    confirmed, reported = ("0.0", "0.0") if stage is Stage.WARN else ("4.0", "2.0")
    return f"""# local.d/rbl.conf
rbls {{
  bsfeed {{
    rbl = "{zones.score_zone}";
    checks = ["from"];
    ipv4 = true;
    ipv6 = true;
    unknown = false;
    returncodes {{
      RBL_BSFEED = "127.0.0.2";
      RBL_BSFEED_REPORTED = "127.0.0.3";
    }}
  }}
}}

# local.d/groups.conf
symbols {{
  "RBL_BSFEED" {{ weight = 0.0; }}
  "RBL_BSFEED_REPORTED" {{ weight = 0.0; }}
}}

# local.d/rspamd.lua
rspamd_config:register_symbol({{
  name = "BSFEED_NULL_SENDER",
  type = "normal",
  score = 0.0,
  callback = function(task)
    local from = task:get_from("smtp")
    return from ~= nil and from[1] ~= nil and from[1].addr == ""
  end,
}})

# local.d/composites.conf
BSFEED_BACKSCATTER {{
  expression = "RBL_BSFEED & BSFEED_NULL_SENDER";
  score = {confirmed};
  policy = "leave";
}}
BSFEED_REPORTED {{
  expression = "RBL_BSFEED_REPORTED & BSFEED_NULL_SENDER";
  score = {reported};
  policy = "leave";
}}
{_rspamd_refusal(zones) if stage is Stage.REFUSE else ""}"""


def _rspamd_refusal(zones: Zones) -> str:
    """Return a forced action: a score alone would not refuse what other rules praise."""
    return f"""
# local.d/force_actions.conf
rules {{
  BSFEED_REFUSE {{
    action = "reject";
    expression = "RBL_BSFEED & BSFEED_NULL_SENDER";
    message = "Bounces of this server are refused: blocked using {zones.zone}";
  }}
}}
"""


def spamassassin(zones: Zones, stage: Stage) -> str:
    """Return the rules for SpamAssassin; only the meta rules score, and only for an empty sender.

    `EnvelopeFrom` is as empty where nobody told the envelope, so the header that tells it is asked for.
    """
    confirmed, reported = {
        Stage.WARN: ("0.01", "0.01"),
        Stage.SCORE: ("3.0", "1.5"),
        Stage.REFUSE: ("8.0", "1.5"),
    }[stage]
    return f"""# local.cf; needs correct trusted_networks and internal_networks
header   __BSFEED  eval:check_rbl('bsfeed-lastexternal', '{zones.score_zone}.', '^127\\.0\\.0\\.2$')
tflags   __BSFEED  net
header   __BSFEED_CODE_3  eval:check_rbl_sub('bsfeed-lastexternal', '^127\\.0\\.0\\.3$')
tflags   __BSFEED_CODE_3  net
header   __BSFEED_NULL  ALL =~ /^(?:Return-Path|X-Envelope-From): *<> *$/mi
meta     BSFEED_BACKSCATTER  __BSFEED && __BSFEED_NULL
describe BSFEED_BACKSCATTER  Null-sender mail from a server listed for backscatter
score    BSFEED_BACKSCATTER  {confirmed}
meta     BSFEED_REPORTED  __BSFEED_CODE_3 && __BSFEED_NULL
describe BSFEED_REPORTED  Null-sender mail from a server reported for backscatter
score    BSFEED_REPORTED  {reported}
"""


def haraka(zones: Zones, stage: Stage) -> str:
    """Return a plugin for Haraka; its own list plugins know no condition on the sender."""
    act = {
        Stage.WARN: "next()",
        Stage.SCORE: "connection.transaction?.add_header('X-Backscatter', '127.0.0.2')\n    next()",
        Stage.REFUSE: "next(DENY, `${connection.remote.ip} is listed for backscatter`)",
    }[stage]
    return f"""// plugins/bsfeed.js; name it in config/plugins
const {{ Resolver }} = require('dns').promises
const resolver = new Resolver({{ timeout: 3000, tries: 1 }})
const nibbles = (ip) => {{
  const [head, tail] = ip.split('::').map((part) => (part ? part.split(':') : []))
  const zeros = tail ? Array(8 - head.length - tail.length).fill('0') : []
  const hex = [...head, ...zeros, ...(tail || [])].map((group) => group.padStart(4, '0')).join('')
  return hex.split('').reverse().join('.')
}}
const name = (ip) => {{
  const plain = ip.replace(/^::ffff:(?=\\d+\\.)/i, '')
  const reversed = plain.includes(':') ? nibbles(plain) : plain.split('.').reverse().join('.')
  return reversed + '.{zones.zone}'
}}
exports.hook_data = function (next, connection) {{
  if (connection.relaying || !connection.transaction.mail_from.isNull()) return next()
  resolver.resolve4(name(connection.remote.ip)).then((codes) => {{
    if (!codes.includes('127.0.0.2')) return next()
    connection.lognotice(this, 'listed for backscatter')
    {act}
  }}, () => next())
}}
"""


def opensmtpd(zones: Zones, stage: Stage) -> str:
    """Return how OpenSMTPD does it: by rspamd, since its list filter acts at connect for every sender."""
    return (
        "# smtpd.conf; filter-dnsbl would refuse all mail of a listed server, so rspamd judges\n"
        'filter "rspamd" proc-exec "filter-rspamd"\n'
        'listen on 0.0.0.0 filter "rspamd"\nlisten on :: filter "rspamd"\n\n' + rspamd(zones, stage)
    )


WRITERS: Final[dict[str, Callable[[Zones, Stage], str]]] = {
    "unbound": unbound,
    "bind": bind,
    "dnsmasq": dnsmasq,
    "postfix": postfix,
    "exim": exim,
    "rspamd": rspamd,
    "spamassassin": spamassassin,
    "haraka": haraka,
    "opensmtpd": opensmtpd,
}
"""Everybody for whom there is configuration, by the name of the software."""

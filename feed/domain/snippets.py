"""Configuration for those who use the zones: correct, narrow, and tried against the real programs.

Every one asks for mail with an empty envelope sender only, at DATA or later, and pins the return code:
at RCPT a sender callout would be refused too and the consumer's own mail would suffer; without the code
any answer would count (ux-ecosystem.md 3.1). In three stages: warn, then score, then refuse.
"""

import dataclasses
import enum
from collections.abc import Callable
from typing import Final


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


def unbound(zones: Zones, stage: Stage) -> str:
    """Return a stub zone for unbound; mail servers cannot ask another port than 53."""
    del stage
    top = zones.zone.rpartition(".")[2]
    nodefault = f'    local-zone: "{top}." nodefault\n' if top == "test" else ""
    local = (
        "    do-not-query-localhost: no\n" if zones.server.startswith("127.") or zones.server == "::1" else ""
    )
    return (
        "# unbound.conf; answers lie in 127.0.0.0/8, so they are let through on purpose\n"
        f'server:\n{nodefault}{local}    private-domain: "{zones.zone}"\n'
        f'    domain-insecure: "{zones.zone}"\n'
        f'stub-zone:\n    name: "{zones.zone}"\n    stub-addr: {zones.server}@{zones.port}\n'
        + _inside(
            zones,
            lambda zone: f'stub-zone:\n    name: "{zone}"\n    stub-addr: {zones.server}@{zones.port}\n',
        )
    )


def _inside(zones: Zones, write: Callable[[str], str]) -> str:
    """Return what the scoring zone needs of its own: nothing where it lies inside the main zone."""
    return "" if zones.score_zone.endswith("." + zones.zone) else write(zones.score_zone)


def bind(zones: Zones, stage: Stage) -> str:
    """Return a forward zone for BIND; `deny-answer-addresses` must let the zone through."""
    del stage

    def one(zone: str) -> str:
        return (
            f'zone "{zone}" {{ type forward; forward only;\n'
            f"    forwarders {{ {zones.server} port {zones.port}; }}; }};\n"
        )

    return (
        '// named.conf; with deny-answer-addresses, add: except-from { "' + zones.zone + '"; };\n'
        f'// in options: validate-except {{ "{zones.zone}"; }};\n' + one(zones.zone) + _inside(zones, one)
    )


def dnsmasq(zones: Zones, stage: Stage) -> str:
    """Return a server line for dnsmasq; `stop-dns-rebind` would drop the answers silently."""
    del stage
    where = f"{zones.server}#{zones.port}"
    return f"# dnsmasq.conf\nserver=/{zones.zone}/{where}\nrebind-domain-ok=/{zones.zone}/\n" + _inside(
        zones, lambda zone: f"server=/{zone}/{where}\nrebind-domain-ok=/{zone}/\n"
    )


def postfix(zones: Zones, stage: Stage) -> str:
    """Return the restriction for Postfix; the null sender is looked up as `<>`."""
    warn = "warn_if_reject " if stage is Stage.WARN else ""
    note = {
        Stage.WARN: "# look for reject_warning in the log for a week\n",
        Stage.SCORE: "# Postfix cannot score; rspamd and SpamAssassin can. This only warns\n",
        Stage.REFUSE: "",
    }[stage]
    if stage is Stage.SCORE:
        warn = "warn_if_reject "
    return (
        f"# main.cf\n{note}smtpd_data_restrictions =\n    permit_mynetworks,\n"
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
        f"  {verb}\n    senders = :\n    dnslists = {zones.zone}=127.0.0.2\n    {action}\n  accept\n"
    )


def rspamd(zones: Zones, stage: Stage) -> str:
    """Return list, weights and composite for rspamd; the list alone weighs nothing."""
    score = {Stage.WARN: "0.0", Stage.SCORE: "4.0", Stage.REFUSE: "15.0"}[stage]
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

# local.d/composites.conf
BSFEED_BACKSCATTER {{
  expression = "RBL_BSFEED & (BOUNCE | HFILTER_FROM_BOUNCE)";
  score = {score};
  policy = "leave";
}}
"""


def spamassassin(zones: Zones, stage: Stage) -> str:
    """Return the rules for SpamAssassin; only the meta rule scores, and only for an empty sender."""
    score = {Stage.WARN: "0.01", Stage.SCORE: "3.0", Stage.REFUSE: "8.0"}[stage]
    return f"""# local.cf; needs correct trusted_networks and internal_networks
header   __RBL_BSFEED   eval:check_rbl('bsfeed-lastexternal', '{zones.zone}.', '^127\\.0\\.0\\.2$')
tflags   __RBL_BSFEED   net
header   __BSFEED_NULL  EnvelopeFrom =~ /^(?:<>)?$/
meta     BSFEED_BACKSCATTER  __RBL_BSFEED && __BSFEED_NULL
describe BSFEED_BACKSCATTER  Null-sender mail from a server listed for backscatter
score    BSFEED_BACKSCATTER  {score}
"""


def haraka(zones: Zones, stage: Stage) -> str:
    """Return a plugin for Haraka; its own list plugins know no condition on the sender."""
    act = (
        "next(DENY, 'listed for backscatter: ' + connection.remote.ip)" if stage is Stage.REFUSE else "next()"
    )
    return f"""// plugins/bsfeed.js; name it in config/plugins
const {{ Resolver }} = require('dns').promises
const resolver = new Resolver({{ timeout: 3000, tries: 1 }})
const nibbles = (ip) => require('ipaddr.js').parse(ip).toByteArray()
  .flatMap((byte) => [byte >> 4, byte & 15]).reverse().map((n) => n.toString(16)).join('.')
const name = (ip) => (ip.includes(':') ? nibbles(ip) : ip.split('.').reverse().join('.')) + '.{zones.zone}'
exports.hook_data = function (next, connection) {{
  if (!connection.transaction.mail_from.isNull()) return next()
  resolver.resolve4(name(connection.remote.ip)).then((codes) => {{
    if (!codes.includes('127.0.0.2')) return next()
    connection.loginfo(this, 'listed for backscatter')
    {act}
  }}).catch(() => next())
}}
"""


def opensmtpd(zones: Zones, stage: Stage) -> str:
    """Return how OpenSMTPD does it: by rspamd, since its list filter acts at connect for every sender."""
    return (
        "# smtpd.conf; filter-dnsbl would refuse all mail of a listed server, so use rspamd\n"
        'filter "rspamd" proc-exec "filter-rspamd"\n'
        'listen on all filter "rspamd"\n\n' + rspamd(zones, stage)
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

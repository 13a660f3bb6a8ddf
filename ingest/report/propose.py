"""Reporter settings proposed from a running mail server's configuration; nothing is changed by it.

Postfix: the output of `postconf -x` (or `postconf -n`). Exim: of `exim -bP` with the named lists of the
configuration. What cannot be read, such as a table in a database, becomes a note and never a guess.
"""

import dataclasses
import json
import pathlib
import re
import shlex
from collections.abc import Callable, Iterable
from typing import Final

from ingest.report.networks import NetworkError, network

_DOMAIN: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9-]{1,63})+")
_TABLE: Final = re.compile(r"(?:hash|lmdb|btree|texthash|cdb|dbm|regexp|pcre|cidr|inline|[a-z]{2,12}):.*")
_READABLE: Final = ("hash:", "lmdb:", "btree:", "texthash:", "cdb:", "dbm:")
_SETTING: Final = re.compile(r"([a-z0-9_]{1,80})\s*=\s*(.*)")
_LIST: Final = re.compile(r"(domainlist|hostlist)\s+([a-z0-9_]{1,60})\s*=\s*(.*)")


@dataclasses.dataclass(slots=True)
class Proposal:
    """What was found. notes: what the admin has to look at, in words."""

    host: str = ""
    domains: dict[str, None] = dataclasses.field(default_factory=dict)
    networks: dict[str, None] = dataclasses.field(default_factory=dict)
    backup_domains: dict[str, None] = dataclasses.field(default_factory=dict)
    tags: bool = False
    notes: list[str] = dataclasses.field(default_factory=list)

    def add_domain(self, text: str) -> bool:
        """Take a text as a domain; returns False if it is none. Names under localhost are passed over."""
        lower = text.strip().rstrip(".").lower()
        if lower in {"", "localhost"} or lower.startswith("localhost."):
            return True
        if not _DOMAIN.fullmatch(lower) or lower.endswith((".localdomain", ".local")):
            return False
        self.domains[lower] = None
        return True

    def add_network(self, text: str) -> bool:
        """Take a text as a network if it is one."""
        try:
            found = network(text)
        except NetworkError:
            return False
        if not found.is_loopback:
            self.networks[str(found)] = None
        return True


ReadTable = Callable[[str], Iterable[str]]
"""From the path of a table's source file to its lines; raises OSError."""


def read_table(path: str) -> list[str]:
    """Return the lines of a table's source file."""
    return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").splitlines()


def settings_in(text: str, *, continued: bool = True) -> dict[str, str]:
    """Return `name = value` lines; continued: a line that begins with a blank belongs to the one before."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        match = _SETTING.fullmatch(line)
        if match is not None:
            name = match[1]
            found[name] = match[2].strip()
        elif continued and name and line[:1] in {" ", "\t"}:
            found[name] += " " + line.strip()
    return found


def from_postfix(text: str, *, read: ReadTable = read_table) -> Proposal:
    """Return a proposal from `postconf -x` output."""
    said = {name: _expanded(value, text) for name, value in settings_in(text).items()}
    found = Proposal(host=said.get("myhostname", "").lower())
    for name in ("mydestination", "virtual_mailbox_domains", "virtual_alias_domains", "relay_domains"):
        domains = list(_postfix_list(said.get(name, ""), found, name, read))
        for domain in domains:
            if not found.add_domain(domain):
                found.notes.append(f"{name}: {domain} is no domain name; add what it stands for by hand")
        if name == "relay_domains":
            found.backup_domains |= {one.lower(): None for one in domains if one.lower() in found.domains}
    for name in ("mynetworks", "proxy_interfaces", "inet_interfaces"):
        for one in _postfix_list(said.get(name, ""), found, name, read):
            if one not in {"all", "loopback-only", "localhost"} and not found.add_network(one):
                found.notes.append(f"{name}: {one} is no network; add its addresses to own_networks by hand")
    _look_at_rewriting(said, found)
    return found


def _look_at_rewriting(said: dict[str, str], found: Proposal) -> None:
    """Note what changes senders or the way out: relay host, signed senders, SRS."""
    if said.get("relayhost"):
        found.notes.append(
            f"mail leaves through relayhost {said['relayhost']}: if it is yours, add its addresses to "
            "own_networks and scan its log too; if it is a provider's, bounces from there are genuine"
        )
    for name in ("sender_canonical_maps", "smtpd_milters", "non_smtpd_milters", "recipient_canonical_maps"):
        value = said.get(name, "").lower()
        if "batv" in value or "prvs" in value:
            found.tags = True
        if "srs" in value:
            found.notes.append(
                f"{name} rewrites senders (SRS): mail that you forward counts as yours, as it should"
            )


def _expanded(value: str, text: str) -> str:
    """Return a value with `$name` filled in, for `postconf -n` output, which does not do it."""
    known = settings_in(text)
    for _ in range(5):
        value = re.sub(r"\$\{?([a-z0-9_]{1,80})\}?", lambda name: known.get(name[1], ""), value)
    return value


def _postfix_list(value: str, found: Proposal, name: str, read: ReadTable) -> Iterable[str]:
    for word in re.split(r"[\s,]+", value):
        if not word or word.startswith("!"):
            continue
        path = word.partition(":")[2] if word.startswith(_READABLE) else word if word.startswith("/") else ""
        if path:
            try:
                yield from _keys(read(path))
            except OSError as problem:
                found.notes.append(f"{name}: {path}: {problem.strerror or problem}; add its entries by hand")
        elif _TABLE.fullmatch(word) and not _is_network(word):
            found.notes.append(f"{name}: {word} cannot be listed; add its entries by hand")
        else:
            yield word


def _is_network(word: str) -> bool:
    try:
        network(word)
    except NetworkError:
        return False
    return True


def _keys(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if line[:1] not in {"#", " ", "\t", ""}:
            yield line.split()[0]


def from_exim(text: str, *, read: ReadTable = read_table) -> Proposal:
    """Return a proposal from `exim -bP` output or from a configuration file."""
    text = re.sub(r"\\\n\s*", "", text)
    said = settings_in(text, continued=False)
    found = Proposal(host=said.get("primary_hostname", "").lower())
    lists = {
        match[2]: (match[1], match[3])
        for line in text.splitlines()
        if (match := _LIST.fullmatch(line.strip()))
    }
    for name, (kind, value) in lists.items():
        wanted = kind == "domainlist" or name.startswith("relay_from")
        if not wanted:
            continue
        for one in _exim_list(value, found, name, read):
            if kind == "hostlist":
                if one not in {"localhost", "@", "@[]"} and not found.add_network(one):
                    found.notes.append(
                        f"{name}: {one} is no network; add its addresses to own_networks by hand"
                    )
            elif one == "@":
                found.add_domain(found.host)
            elif not found.add_domain(one):
                found.notes.append(f"{name}: {one} is no domain name; add what it stands for by hand")
            elif name.startswith("relay_to"):
                found.backup_domains[one.lower()] = None
    if re.search(r"^[^#]*\bprvs\s*\{", text, re.MULTILINE):
        found.tags = True
    return found


def _exim_list(value: str, found: Proposal, name: str, read: ReadTable) -> Iterable[str]:
    """Yield the items of an Exim list: `:` between them, doubled inside, or `<` and another mark first."""
    mark = re.match(r"<\s*([^\w\s])\s*", value)
    if mark is not None:
        items = value[mark.end() :].split(mark[1])
    else:
        items = [one.replace("\0", ":") for one in value.replace("::", "\0").split(":")]
    for item in (one.strip() for one in items):
        if not item or item.startswith("!"):
            continue
        path = item.partition(";")[2].strip() if item.startswith(("lsearch;", "wildlsearch;")) else item
        if path.startswith("/"):
            try:
                yield from (key.rstrip(":") for key in _keys(read(path)))
            except OSError as problem:
                found.notes.append(f"{name}: {path}: {problem.strerror or problem}; add its entries by hand")
        elif any(sign in item for sign in (";", "$", "+", "*")):
            found.notes.append(f"{name}: {item} cannot be listed; add its entries by hand")
        else:
            yield item


def operator_command(found: Proposal, *, organisation: str, contact: str, forwarders: Iterable[str]) -> str:
    """Return the command that the operator of the feed runs to register the reporter."""
    name = found.host or "my-mail-servers"
    words = [
        "backscatter-feed",
        "reporter",
        "add",
        name,
        "--organisation",
        organisation,
        "--contact",
        contact,
    ]
    words += ["--reason", "own logs", "--border-host", found.host or "MX.EXAMPLE.ORG"]
    for text in found.networks:
        words += ["--own-network", text]
    for text in forwarders:
        words += ["--forwarder", text]
    return " ".join(shlex.quote(word) for word in words)


def client_file(found: Proposal, *, forwarders: Iterable[str]) -> str:
    """Return the settings file (TOML) of the reporter."""
    tagged = list(found.domains) if found.tags else []
    return f"""\
# Settings of backscatter-report. Look through every line before you use them.
state = "/var/lib/backscatter-report"

# Domains that receive mail here.
domains = {_list(found.domains)}

# Servers that are yours: never reported. Add all mail servers, backup MX included.
own_networks = {_list(found.networks)}

# Servers that forward mail to you (universities, other providers): never reported, their null-sender mail
# may be genuine.
forwarders = {_list(forwarders)}

# Names that your servers write after `by` in Received.
border_hosts = {_list([found.host] if found.host else [])}
internal_hosts = []

# true only if ALL mail of your domains leaves through the logs that you scan: no newsletter service, no
# other outbound server. Without it nothing is called log_miss.
complete = false

# Domains whose mail ALL leaves with a signed sender (prvs).
tagged_domains = []{"  # a signing milter or router was found; perhaps " + _list(tagged) if tagged else ""}

# Private feeds and shared ones, as many as you like.
[[feed]]
name = "private"
url = "http://127.0.0.1:8080"
key_file = "/etc/backscatter-report.key"
"""


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(json.dumps(text) for text in texts) + "]"

"""Refreshing the provider file: what senders publish now, beside what could not be asked.

The senders to ask stand in the file as `# spf: DOMAIN NAME` lines. What was written by hand stays: only
lines below the mark of an earlier refresh are replaced. A sender whose record cannot be read keeps the
networks that it had, so a refresh never lets anybody be listed by failing.
"""

import dataclasses
import datetime as dt
import os
import pathlib
import re
from typing import Final

from feed.domain.address import Network
from feed.domain.providers import LONGEST_FILE, Providers
from feed.jobs.spf import Ask, SpfError, networks

SENDERS: Final = (
    ("_spf.google.com", "Google"),
    ("spf.protection.outlook.com", "Microsoft"),
    ("_spf.mail.yahoo.com", "Yahoo"),
    ("amazonses.com", "Amazon SES"),
    ("sendgrid.net", "SendGrid"),
    ("mailgun.org", "Mailgun"),
    ("spf.mandrillapp.com", "Mailchimp"),
    ("zoho.com", "Zoho"),
)
"""Asked where a file names no senders itself."""

MARK: Final = "# refreshed from SPF records; lines above were written by hand and stay"
_DATED: Final = re.compile(r"#\s*date:")
_SENDER: Final = re.compile(r"#\s*spf:\s*(\S+)\s+(\S.*)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """A new provider file. failed: sender and why its last copy was kept."""

    text: str
    asked: int
    failed: tuple[tuple[str, str], ...]


def refresh(old: str, ask: Ask, *, today: dt.date) -> Refreshed:
    """Return the file `old` refreshed; networks of senders that are not asked stay as they are.

    Raises `SpfError` if nobody could be asked, and `ProviderFileError` if `old` cannot be read.
    """
    known = Providers.parse(old)
    by_hand, _, before = old.partition(MARK)
    senders = _senders(old) or list(SENDERS)
    fresh: dict[str, set[Network]] = {}
    failed: dict[str, str] = {}
    for domain, name in senders:
        try:
            fresh.setdefault(name, set()).update(networks(domain, ask))
        except SpfError as problem:
            failed[name] = str(problem)
    if not fresh.keys() - failed.keys():
        raise SpfError(f"no sender could be asked; the first: {next(iter(failed.values()), '')}")
    lines = [f"# date: {today.isoformat()}"]
    lines += [line for line in by_hand.splitlines() if not _DATED.match(line) and not _SENDER.match(line)]
    lines += [MARK, *(f"# spf: {domain} {name}" for domain, name in senders)]
    lines += [f"# could not be asked, kept from {known.date}: {name}" for name in sorted(failed)]
    taken = _networks(lines)
    for line in _lines(before):
        if line.partition(" ")[2] not in fresh.keys() - failed.keys() and _networks([line]) - taken:
            lines.append(line)
            taken |= _networks([line])
    for name in sorted(fresh.keys() - failed.keys()):
        lines += [f"{one} {name}" for one in _sorted(fresh[name]) if str(one) not in taken]
        taken |= {str(one) for one in fresh[name]}
    text = "\n".join(lines) + "\n"
    Providers.parse(text)  # never write what cannot be read
    return Refreshed(text=text, asked=len(senders), failed=tuple(sorted(failed.items())))


def _senders(text: str) -> list[tuple[str, str]]:
    found = [_SENDER.fullmatch(line.strip()) for line in text.splitlines()]
    return [(one[1], one[2].strip()) for one in found if one is not None]


def _lines(text: str) -> list[str]:
    """Return the lines with a network, without comments and doubled space."""
    bare = [" ".join(line.partition("#")[0].split()) for line in text.splitlines()]
    return [line for line in bare if line]


def _networks(lines: list[str]) -> set[str]:
    return {line.split()[0] for line in _lines("\n".join(lines))}


def _sorted(found: set[Network]) -> list[Network]:
    return sorted(found, key=lambda one: (one.version, int(one.network_address), one.prefixlen))


def write(path: pathlib.Path, text: str) -> None:
    """Put a new file in the place of the old one, whole or not at all; raises `OSError`."""
    if len(text) > LONGEST_FILE:
        raise OSError("the new provider file is too long")
    aside = path.with_name(f".{path.name}.new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)

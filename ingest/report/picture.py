"""What a scan found, as text: the table of the dry run and a picture of each day."""

import collections
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from ingest.report.classify import REPORTED, Kind
from ingest.report.index import Judged
from ingest.report.networks import Networks, address

_SHADES: Final = " .:-=+*#%@"
_DAY_S: Final = 86_400
_REASONS: Final = {
    "from_forwarder": "came through a known forwarder",
    "not_our_domain": "recipient in none of your domains",
    "sends_without_mailbox": "recipient does not exist, but has sent mail",
    "log_too_short": "the logs do not reach back far enough",
    "wrote_to_that_server": "the recipient wrote to that server",
    "log_not_declared_complete": "would be a miss, if the logs are complete: set complete = true",
    "original_domain_differs": "the returned mail is of another domain: a forwarder?",
    "original_not_in_log": "the log does not show what it answers",
}


def table(found: Sequence[Judged], *, providers: Networks | None, stale_before: int) -> str:
    """Return the summary of what would be reported, what was genuine and what nobody can tell."""
    by_kind = collections.Counter(one.kind for one in found)
    reported = [one for one in found if one.kind in REPORTED]
    emitters = {one.address for one in reported}
    lines = [f"null-sender mails and refused recipients: {len(found)}", ""]
    lines.append(f"would report {len(reported):>8}  from {len(emitters)} addresses")
    lines += [f"  {kind.value:<14}{by_kind[kind.value]:>5}" for kind in REPORTED if by_kind[kind.value]]
    if providers is not None:
        large = sum(1 for one in reported if _is_in(one.address, providers))
        lines.append(f"  of them {large} at large providers: the feed holds these, they are never listed")
    stale = sum(1 for one in reported if one.at < stale_before)
    if stale:
        lines.append(f"  of them {stale} older than seven days: too old to be submitted")
    lines.append(
        f"genuine      {by_kind[Kind.GENUINE.value]:>8}  they answer mail of yours and protect their senders"
    )
    lines.append(f"unknown      {by_kind[Kind.UNKNOWN.value]:>8}  not reported")
    reasons = collections.Counter(one.reason for one in found if one.kind == Kind.UNKNOWN.value)
    lines += [f"  {count:>5}  {_REASONS.get(reason, reason)}" for reason, count in reasons.most_common()]
    return "\n".join(lines)


def _is_in(text: str, networks: Networks) -> bool:
    found = address(text)
    return found is not None and found in networks


def days(found: Iterable[Judged], *, zone: dt.tzinfo) -> str:
    """Return a line a day and class: 24 shades, one an hour, scaled to the fullest hour shown."""
    hours: dict[tuple[str, str], list[int]] = {}
    for one in found:
        moment = dt.datetime.fromtimestamp(one.at, zone)
        word = "reported" if one.kind in REPORTED else one.kind
        row = hours.setdefault((moment.date().isoformat(), word), [0] * 24)
        row[moment.hour] += 1
    if not hours:
        return ""
    most = max(max(row) for row in hours.values())
    lines = [f"{'':22}0     6     12    18    24"]
    last = ""
    for day, word in sorted(hours):
        row = hours[day, word]
        shades = "".join(_shade(count, most) for count in row)
        lines.append(f"{day if day != last else '':10}  {word:<9} |{shades}| {sum(row)}")
        last = day
    return "\n".join(lines)


def _shade(count: int, most: int) -> str:
    """Return blank for none, then shades that grow with the share of the fullest hour."""
    return _SHADES[0] if count == 0 else _SHADES[1 + (len(_SHADES) - 2) * count // most]


def worst(found: Iterable[Judged], *, most: int = 10) -> str:
    """Return the addresses with the most evidence, one a line."""
    counts = collections.Counter(one.address for one in found if one.kind in REPORTED)
    return "\n".join(f"  {count:>6}  {text}" for text, count in counts.most_common(most))

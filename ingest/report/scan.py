"""Reading logs into the index and judging what arrived."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Final

from ingest.report import index as kinds
from ingest.report.assemble import Assembler
from ingest.report.classify import Kind, Known, classify
from ingest.report.events import Line
from ingest.report.facts import Facts
from ingest.report.index import GAP_S, Index
from ingest.report.keys import Keys
from ingest.report.networks import Peers
from ingest.report.settings import Settings
from ingest.report.software import parser_of
from ingest.report.sources import BROKEN, Source, opened

_COMMIT_FACTS: Final = 200_000
_MOST_PROGRAMS: Final = 10_000
_DAY_S: Final = 86_400


class Scan:
    """Reads sources in turn; what was read lasts once `read` returned."""

    def __init__(self, index: Index, keys: Keys, settings: Settings) -> None:
        """Nothing is read yet."""
        self._index, self._settings = index, settings
        self._spans: dict[tuple[bytes, bool], list[list[int]]] = {}
        self._assembler = Assembler(
            index,
            keys,
            Peers(own=settings.own_networks, forwarders=settings.forwarders),
            domains=frozenset(one.encode() for one in settings.domains),
            tagged_domains=frozenset(one.encode() for one in settings.tagged_domains),
        )
        self.lines = 0
        self.newest = 0

    def read(self, source: Source, *, today: int) -> None:
        """Read a source from where it was left; raises one of `BROKEN`, with all before it kept."""
        if source.mark is None:
            return
        self._index.begin()
        position = self._index.position(source.mark)
        try:
            for entries, after in source.batches(position):
                self._take(entries)
                self._index.moved(source.mark, after, day=today)
                if self._assembler.pending() > _COMMIT_FACTS:
                    self._save()
                    self._index.begin()
        except BROKEN:
            self._save()  # what came before the damage; anything else that stops us leaves no trace
            raise
        self._save()

    def _save(self) -> None:
        self._flush()
        self._index.commit()

    def _take(self, entries: Iterable[Line | None]) -> None:
        """Take the entries of a portion. This is the inner loop: local names, no needless calls."""
        take, spans, count = self._assembler.take, self._spans, 0
        for line in entries:
            count += 1
            if line is None:
                continue
            at, host, program, text = line
            parser = parser_of(program)
            if parser is None:
                continue
            try:
                span = spans[host, program == b"rspamd"][-1]
            except KeyError:
                span = self._span(host, at, program)
            if not span[0] <= at <= span[1]:
                self._stretch(span, host, at, program)
            event = parser(text)
            if event is not None:
                take(host, at, event)
        self.lines += count

    def _span(self, host: bytes, at: int, program: bytes) -> list[int]:
        if len(self._spans) > _MOST_PROGRAMS:
            self._spans.clear()
        span = [at, at]
        self._spans[host, program == b"rspamd"] = [span]
        return span

    def _stretch(self, span: list[int], host: bytes, at: int, program: bytes) -> None:
        """Let a stretch of a log reach to an entry, or begin a new one behind a gap."""
        self.newest = max(self.newest, at)
        if span[1] < at <= span[1] + GAP_S:
            span[1] = at
        elif span[0] - GAP_S <= at < span[0]:
            span[0] = at
        else:
            self._spans[host, program == b"rspamd"].append([at, at])

    def _flush(self) -> None:
        self._assembler.flush()
        for (host, is_filter), spans in self._spans.items():
            name = host.decode("utf-8", "replace") + ("/filter" if is_filter else "")
            for start, end in spans:
                self.newest = max(self.newest, end)
                self._index.cover(name, start, end, sends=host in self._assembler.sending)
            del spans[:-1]


def scan(
    paths: Iterable[str],
    index: Index,
    keys: Keys,
    settings: Settings,
    *,
    zone: dt.tzinfo,
    now: dt.datetime,
    complain: Callable[[str], None],
) -> Scan:
    """Read logs, oldest first, and judge what arrived; a log that is damaged or cut is read up to there."""
    today = int(now.timestamp()) // _DAY_S
    reading = Scan(index, keys, settings)
    for path in _by_age(paths, zone=zone, now=now, complain=complain):
        try:
            with opened(path, zone=zone, now=now) as source:
                reading.read(source, today=today)
        except BROKEN as problem:
            complain(f"{path}: {problem}; read up to there")
    index.begin()
    index.reopen(since=(today - kinds.KEEP_DAYS) * _DAY_S)
    judge_waiting(index, settings, before=2**62)
    index.prune(today=today)
    index.commit()
    index.shrink()
    return reading


def _by_age(
    paths: Iterable[str], *, zone: dt.tzinfo, now: dt.datetime, complain: Callable[[str], None]
) -> list[str]:
    ages = []
    for path in paths:
        if path == "-":
            ages.append((2**62, path))
            continue
        try:
            with opened(path, zone=zone, now=now) as source:
                ages.append((source.first_at, path))
        except BROKEN as problem:
            complain(f"{path}: {problem}; passed over")
    return [path for _, path in sorted(ages)]


def judge_waiting(index: Index, settings: Settings, *, before: int) -> None:
    """Judge what came before a moment, inside a transaction."""
    covered = index.covered()
    for arrival in index.waiting(before=before):
        facts = Facts.from_json(arrival.facts)
        days = cover_days(covered, at=arrival.at, hosts=settings.hosts)
        kind, reason = classify(facts, _known(index, facts, days, complete=settings.complete))
        if reason == "answers_server_written_to":
            day = arrival.at // _DAY_S
            index.know({(kinds.ANSWERED, bytes.fromhex(pair)): (day, 1) for pair in facts.pairs})
        index.judge(arrival.key, kind.value, reason, days)


def judge_facts(index: Index, facts: Facts, settings: Settings, *, at: int) -> tuple[Kind, str, int]:
    """Return class, reason and look-back of one mail that is not in a log."""
    days = cover_days(index.covered(), at=at, hosts=settings.hosts)
    return *classify(facts, _known(index, facts, days, complete=settings.complete)), days


def _known(index: Index, facts: Facts, days: int, *, complete: bool) -> Known:
    pairs = [bytes.fromhex(pair) for pair in facts.pairs]
    return Known(
        cover_days=days,
        complete=complete,
        original_sent=bool(index.times(kinds.ID, [bytes.fromhex(one) for one in facts.originals])),
        recipient_sent=bool(index.times(kinds.SENDER, [bytes.fromhex(facts.recipient)])),
        plain_sent=bool(index.times(kinds.PLAIN, [bytes.fromhex(facts.plain)])),
        wrote_there=index.times(kinds.PAIR, pairs),
        answered=index.times(kinds.ANSWERED, pairs),
    )


def cover_days(covered: Iterable[tuple[str, int, int, bool]], *, at: int, hosts: frozenset[str]) -> int:
    """Return the whole days before `at` for which the logs of all sending hosts are complete.

    hosts: those whose logs are needed; empty: all that were seen sending, and filters only where no mail
    server's log shows anything sent. A needed host without a stretch that holds `at` makes it 0.
    """
    stretches = list(covered)
    if hosts:
        needed = set(hosts)
    else:
        senders = {host for host, _, _, sends in stretches if sends}
        needed = {host for host in senders if not host.endswith("/filter")} or senders
    if not needed:
        return 0
    reach = dict.fromkeys(needed, 0)
    for host, start, end, _ in stretches:
        if host in reach and start <= at <= end + GAP_S:
            reach[host] = max(reach[host], (at - start) // _DAY_S)
    return min(reach.values())

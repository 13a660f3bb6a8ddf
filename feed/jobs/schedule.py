"""The scheduler process: APScheduler wiring and nothing else. More than one may run; one of them leads.

A tick that fails is told once and tried again at the next tick; DNS goes on from the last snapshot.
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from apscheduler.schedulers.blocking import BlockingScheduler

from feed.jobs import outbox, publish, retention, score
from feed.jobs.leader import Leader
from feed.opening import Feed
from feed.store import controls
from feed.store.controls import Control
from feed.store.database import StoreError

TICK: Final = "tick"
MAIL_S: Final = 15
_log = structlog.get_logger()


class Scheduler:
    """What runs when; `clock` gives seconds since 1970."""

    def __init__(self, feed: Feed, *, clock: Callable[[], float]) -> None:
        """Take the opened feed."""
        self._feed = feed
        self._clock = clock
        self._leader = Leader(feed.database)
        self._leading = threading.Lock()  # ticks and mails run in threads of their own
        self._failed: dict[str, str] = {}
        self._alarms: dict[str, str | None] = {}

    def tick(self) -> None:
        """Score what is due and publish."""
        self._guarded("tick", self._tick)

    def mail(self) -> None:
        """Send what waits in the outbox; a slow relay keeps no tick waiting."""
        self._guarded("mail", self._mail)

    def night(self) -> None:
        """Delete what is past its time."""
        self._guarded("retention", lambda: retention.sweep(self._feed.database, now=int(self._clock())))
        self._guarded("outbox", lambda: outbox.sweep(self._feed.database, now=int(self._clock())))

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        try:
            with self._leading:
                leads = self._leader.holds()
            if leads:
                work()
                if self._failed.pop(name, ""):
                    _log.info("working again", job=name)
        except (StoreError, publish.PublishError) as problem:
            if str(problem) != self._failed.get(name):
                _log.error("job failed, will be tried again", job=name, reason=str(problem))
            self._failed[name] = str(problem)

    def _tick(self) -> None:
        feed = self._feed
        now = self._now()
        job = score.Scorer(
            database=feed.database, secret=feed.secret, policy=feed.policy, providers=feed.providers
        )
        done = job.run(now=now)
        if done.transitions:
            _log.info("scored", addresses=done.scored, transitions=done.transitions)
        for zone in publish.publish(feed.database, feed.settings.publish, now=now):
            if zone.published_at == now:
                _log.info("published", zone=zone.zone, serial=zone.serial, entries=zone.entries_n)
            if zone.alarm != self._alarms.get(zone.zone):
                _log.warning("publication", zone=zone.zone, alarm=zone.alarm, held=zone.held_n)
            self._alarms[zone.zone] = zone.alarm

    def _mail(self) -> None:
        feed = self._feed
        done = outbox.send_due(feed.database, feed.settings.mail, feed.secret, now=int(self._clock()))
        if done.sent or done.failed:
            _log.info("mail", sent=done.sent, failed=done.failed, reason=done.failure)

    def _now(self) -> int:
        """Return the time of this tick, never before an earlier tick: a clock that jumps back waits."""
        now = int(self._clock())
        with self._feed.database.write() as connection:
            last = controls.get(connection, TICK)
            now = max(now, int(last.value) if last is not None else 0)
            controls.put(connection, TICK, Control(value=str(now), reason="", author="scheduler", set_at=now))
        return now

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; a tick that has begun is finished."""
        scheduler = BlockingScheduler(timezone="UTC")
        scheduler.add_job(
            self.tick, "interval", seconds=self._feed.settings.score.tick_s,
            coalesce=True, max_instances=1, misfire_grace_time=None,
        )  # fmt: skip
        scheduler.add_job(
            self.mail, "interval", seconds=MAIL_S, coalesce=True, max_instances=1, misfire_grace_time=None
        )
        scheduler.add_job(
            self.night, "cron", hour=3, minute=17, coalesce=True, max_instances=1, misfire_grace_time=3600
        )

        def stop(_number: int, _frame: object) -> None:
            if not scheduler.running:
                raise SystemExit(0)
            scheduler.shutdown(wait=False)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        self.night()
        self.tick()
        scheduler.start()
        self._leader.release()


def run(feed: Feed) -> None:
    """Run the scheduler on the real clock."""
    Scheduler(feed, clock=time.time).run()  # noqa: TID251 - this is the process that owns the clock

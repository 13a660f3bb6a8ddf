"""The scheduler process: APScheduler wiring and nothing else. More than one may run; one of them leads.

A tick that fails is told once and tried again at the next tick; DNS goes on from the last snapshot.
"""

import datetime as dt
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from apscheduler.schedulers.blocking import BlockingScheduler

from feed.jobs import bulk_actions, feeds, outbox, publish, quality, retention, retract, score, trust
from feed.jobs.leader import Leader
from feed.jobs.selfcheck import SelfCheck
from feed.opening import Feed
from feed.snapshot.feed_files import FOLDER
from feed.store import controls, manual
from feed.store.controls import Control
from feed.store.database import StoreError

TICK: Final = "tick"
BACKWARD_S: Final = 600
FORWARD_S: Final = 3600

FLOODS_S: Final = 300
"""So often floods are looked for: half the shortest delay before a listing is published."""

CARRY_ON_S: Final = 900
"""So long a retraction is left to the command that began it."""

MAIL_S: Final = 15

BULK_S: Final = 5

FEEDS_S: Final = 60

FEEDS_REST: Final = 4
"""After the feed files were made they are left alone for so many times as long as it took."""

RETRACTIONS_S: Final = 60

SCORING_SHARE: Final = 2 / 3
"""So much of the time between two ticks is for scoring; then what is scored is published, however much is
left. An accepted removal is promised to be gone within 30 s, whatever else is to be done."""

_log = structlog.get_logger()


class _Stopped(Exception):  # noqa: N818 - no error: a long job ends where it can be carried on
    """The process is asked to end."""


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
        self._leapt_to = 0
        self._feeds_rest_until = 0.0
        self._stopping = threading.Event()

    def tick(self) -> None:
        """Score what is due and publish."""
        self._guarded("tick", self._tick)

    def mail(self) -> None:
        """Send what waits in the outbox; a slow relay keeps no tick waiting."""
        self._guarded("mail", self._mail)

    def retractions(self) -> None:
        """Carry on retractions that were cut short; many addresses of one reporter keep no tick waiting."""
        self._guarded("retraction", self._retractions)

    def floods(self) -> None:
        """Let days that flood or copy the zone weigh nothing, and see who shields many, beside the ticks."""
        self._guarded("floods", self._floods)

    def bulk(self) -> None:
        """Carry on the operator's bulk actions; many addresses keep no tick waiting."""
        self._guarded("bulk actions", self._bulk)

    def feed_files(self) -> None:
        """Bring the feed files up to the snapshots."""
        if self._clock() >= self._feeds_rest_until or self._clock() < self._feeds_rest_until - FORWARD_S:
            self._guarded("feed files", self._feed_files)

    def night(self) -> None:
        """Make and drop weeks, delete what is past its time, weigh reporters, report on the last month."""
        self._guarded("retention", lambda: retention.sweep(self._feed.database, now=int(self._clock())))
        self._guarded("outbox", lambda: outbox.sweep(self._feed.database, now=int(self._clock())))
        self._guarded("trust", self._trust)
        self._guarded("quality", self._quality)

    def check(self) -> None:
        """Check cells and states against the events."""
        self._guarded("selfcheck", self._check)

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        try:
            with self._leading:
                leads = self._leader.holds()
            if leads:
                work()
                if self._failed.pop(name, ""):
                    _log.info("working again", job=name)
        except _Stopped:
            return
        except (StoreError, publish.PublishError, feeds.FeedFilesError) as problem:
            if str(problem) != self._failed.get(name):
                _log.error("job failed, will be tried again", job=name, reason=str(problem))
            self._failed[name] = str(problem)
        except Exception:  # noqa: BLE001 - one bad row must not end the scheduler: the next tick tries again
            _log.exception("job failed, will be tried again", job=name)
            self._failed[name] = "defect"

    def _go_on(self, *_done: int) -> None:
        """Told by long jobs how far they are; ends them when the process is to end."""
        if self._stopping.is_set():
            raise _Stopped

    def _trust(self) -> None:
        done = trust.weigh(self._feed.database, now=int(self._clock()), progress=self._go_on)
        if done.changed or done.ended:
            _log.info("weights", changed=len(done.changed), ended=list(done.ended))

    def _quality(self) -> None:
        if quality.keep_last_month(self._feed.database, now=int(self._clock()), progress=self._go_on):
            _log.info("report of the last month is there")

    def _check(self) -> None:
        feed = self._feed
        job = SelfCheck(
            database=feed.database, secret=feed.secret, policy=feed.policy, providers=feed.providers
        )
        found = job.run(now=int(self._clock()), progress=self._go_on)
        tell = _log.info if found.clean else _log.error
        tell("self-check", emitters=found.emitters, cells=found.cells, states=found.states)

    def _end_manual(self, now: int) -> None:
        """End the listings by hand whose time is over."""
        feed = self._feed
        with feed.database.read() as connection:
            over = any(one.until_minute <= now // 60 for one in manual.in_force(connection, minute=0))
        if over:
            with feed.database.write() as connection:
                manual.end_expired(connection, now=now)

    def _floods(self) -> None:
        feed = self._feed
        now = int(self._clock())
        for source_id, day in trust.mute_floods(feed.database, feed.policy, now=now):
            _log.warning("a day weighs nothing until reviewed", reporter=source_id, day=day)
        for source_id, day in trust.note_anchor_floods(feed.database, feed.policy, now=now):
            _log.warning("a flood reached an anchor, which goes on counting", reporter=source_id, day=day)
        for source_id, day in trust.mute_copies(feed.database, feed.policy, now=now):
            _log.warning(
                "reported an address that never sends, so it copies the zone: the day is to be reviewed",
                reporter=source_id, day=day,
            )  # fmt: skip
        for source_id, day in trust.note_anchor_copies(feed.database, feed.policy, now=now):
            _log.warning(
                "an anchor reported an address that never sends; it goes on counting",
                reporter=source_id, day=day,
            )  # fmt: skip
        for source_id in trust.notice_shields(feed.database, feed.policy, now=now):
            _log.warning("alone it makes many listings milder: to be reviewed", reporter=source_id)

    def _retractions(self) -> None:
        feed = self._feed
        with feed.database.read() as connection:
            numbers = retract.unfinished(connection, before=int(self._clock()) - CARRY_ON_S)
        for number in numbers:
            done = retract.carry_out(
                feed.database, feed.secret, number, clock=self._clock, progress=self._go_on
            )
            _log.info("retraction carried on", number=number, addresses=done.emitters_n)

    def _tick(self) -> None:
        feed = self._feed
        now = self._now()
        self._end_manual(now)
        job = score.Scorer(
            database=feed.database,
            secret=feed.secret,
            policy=feed.policy,
            providers=feed.provider_file.look(now=now),
        )
        end = time.monotonic() + SCORING_SHARE * feed.settings.score.tick_s
        done = job.run(now=now, enough=lambda: self._stopping.is_set() or time.monotonic() >= end)
        if done.transitions or done.more:
            _log.info("scored", addresses=done.scored, transitions=done.transitions, more=done.more)
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

    def _bulk(self) -> None:
        feed = self._feed
        done = bulk_actions.carry_on(
            feed.database, feed.secret, feed.policy, feed.providers, now=int(self._clock()),
            enough=self._stopping.is_set,
        )  # fmt: skip
        if done:
            _log.info("bulk actions", addresses=done)

    def _feed_files(self) -> None:
        settings = self._feed.settings.publish
        began = self._clock()
        made = feeds.in_own_process(
            settings.files, settings.folder / FOLDER, now=int(began), stopping=self._stopping
        )
        if made:
            took = max(0.0, self._clock() - began)
            self._feeds_rest_until = self._clock() + FEEDS_REST * took
            _log.info("feed files", zones=made, seconds=round(took, 1))

    def _now(self) -> int:
        """Return the time of this tick.

        A clock that goes back a little waits for itself. One that goes back far was wrong before, so it is
        believed and told. One that leaps ahead is believed only when the next tick says the same.
        """
        now = int(self._clock())
        with self._feed.database.write() as connection:
            mark = controls.get(connection, TICK)
            last = int(mark.value) if mark is not None else now
            if last - now > BACKWARD_S:
                _log.error("the clock was ahead and is believed now", ahead_s=last - now)
            elif now - last > FORWARD_S and not 0 <= now - self._leapt_to <= FORWARD_S:
                self._leapt_to = now
                raise StoreError(f"the clock is {now - last} s after the last tick; waiting for another tick")
            else:
                now = max(now, last)
            controls.put(connection, TICK, Control(value=str(now), reason="", author="scheduler", set_at=now))
        return now

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; a transaction that has begun is finished or leaves nothing."""
        scheduler = BlockingScheduler(timezone="UTC")
        scheduler.add_job(
            self.tick, "interval", seconds=self._feed.settings.score.tick_s,
            coalesce=True, max_instances=1, misfire_grace_time=None,
        )  # fmt: skip
        scheduler.add_job(
            self.mail, "interval", seconds=MAIL_S, coalesce=True, max_instances=1, misfire_grace_time=None
        )
        scheduler.add_job(
            self.retractions, "interval", seconds=RETRACTIONS_S,
            coalesce=True, max_instances=1, misfire_grace_time=None,
        )  # fmt: skip
        scheduler.add_job(
            self.floods, "interval", seconds=FLOODS_S, coalesce=True, max_instances=1,
            misfire_grace_time=None, next_run_time=dt.datetime.fromtimestamp(self._clock(), dt.UTC),
        )  # fmt: skip
        scheduler.add_job(
            self.bulk, "interval", seconds=BULK_S, coalesce=True, max_instances=1, misfire_grace_time=None
        )
        scheduler.add_job(
            self.feed_files, "interval", seconds=FEEDS_S, coalesce=True, max_instances=1,
            misfire_grace_time=None, next_run_time=dt.datetime.fromtimestamp(self._clock(), dt.UTC),
        )  # fmt: skip
        scheduler.add_job(
            self.night, "cron", hour=3, minute=17, coalesce=True, max_instances=1, misfire_grace_time=3600,
            next_run_time=dt.datetime.fromtimestamp(self._clock(), dt.UTC),
        )  # fmt: skip
        scheduler.add_job(
            self.check, "cron", hour=4, minute=17, coalesce=True, max_instances=1, misfire_grace_time=3600
        )

        def stop(_number: int, _frame: object) -> None:
            if not scheduler.running:
                raise SystemExit(0)
            self._stopping.set()
            # What was interrupted here may hold the very locks that shutting down asks for.
            threading.Thread(target=scheduler.shutdown, kwargs={"wait": False}).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        self.tick()
        scheduler.start()
        self._leader.release()


def run(feed: Feed) -> None:
    """Run the scheduler on the real clock."""
    Scheduler(feed, clock=time.time).run()  # noqa: TID251 - this is the process that owns the clock

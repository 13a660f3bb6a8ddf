"""What `make serve` does before serving: database, keys printed once, first snapshots, the tour."""

import pathlib
import sys
import time
from typing import Final

import sqlalchemy as sa

from feed.jobs import publish, score
from feed.opening import Feed, open_feed
from feed.settings import Settings
from feed.store import reporters, upgrade
from feed.store.database import Database
from feed.store.tables import reporter

KEY_FILE: Final = pathlib.Path("var/reporter.key")
"""Where the tour's reporter key is kept, mode 0600, so that its commands can be copied as they stand."""

_EMITTER: Final = "192.0.2.66"


def prepare(settings: Settings) -> Feed:
    """Bring the database up, make the first keys, publish the first snapshots, and return the feed."""
    upgrade.upgrade(Database(settings.store.url, synchronous=settings.store.sqlite_synchronous))
    feed = open_feed(settings)
    now = int(time.time())  # noqa: TID251 - an entry point
    with feed.database.write() as connection:
        fresh = connection.execute(sa.select(sa.func.count()).select_from(reporter)).scalar_one() == 0
        if fresh:
            source_id = reporters.register(
                connection, name="own", organisation="this provider", contact="postmaster@localhost",
                now=now, weight=reporters.FULL_WEIGHT, weight_reason="the operator's own mail servers",
            )  # fmt: skip
            operator = reporters.new_key(
                connection,
                feed.secret,
                source_id=None,
                scopes=("operate", "read"),
                author="first run",
                now=now,
            )
            key = reporters.new_key(
                connection,
                feed.secret,
                source_id=source_id,
                scopes=("report", "read"),
                author="first run",
                now=now,
            )
            _keep(key)  # before the commit: a key that nobody has is not made
    if fresh:
        print(f"operator key (shown once): {operator}")
        print(f"reporter key (shown once, kept in {KEY_FILE}): {key}")
    score.Scorer(
        database=feed.database, secret=feed.secret, policy=feed.policy, providers=feed.providers
    ).run(now=now)
    publish.publish(feed.database, settings.publish, now=now)
    return feed


def _keep(key: str) -> None:
    KEY_FILE.parent.mkdir(parents=True, exist_ok=True)
    KEY_FILE.unlink(missing_ok=True)
    KEY_FILE.touch(mode=0o600)
    KEY_FILE.write_text(key + "\n", encoding="ascii")


def tour(settings: Settings) -> str:
    """Return the five lines to copy and paste, one by one or all together."""
    site = f"http://{settings.http.listen}"
    host, _, port = settings.dns.listen[0].rpartition(":")
    dig = f"dig @{host.strip('[]')} -p {port} 66.2.0.192.{settings.publish.zone}"
    shown = "| grep -E 'status:|^[^;].*IN'"
    programs = pathlib.Path(sys.executable).parent
    if programs.is_relative_to(pathlib.Path.cwd()):
        programs = programs.relative_to(pathlib.Path.cwd())
    sample = f"sample --feed {site} --key-file {KEY_FILE} --emitter {_EMITTER} --wait"
    remove = f"-X POST -H 'Accept: application/json' -H 'X-Forwarded-For: {_EMITTER}' -d address={_EMITTER}"
    lines = (
        f"{programs}/backscatter-report {sample}",
        f"curl -s -H 'Accept: application/json' '{site}/lookup?address={_EMITTER}'; echo",
        f"{dig} A {shown}; {dig} TXT {shown}",
        f"curl -s {remove} {site}/removal; echo; sleep {settings.score.tick_s + 2}",
        f"{dig} A {shown}",
    )
    return "\n".join(
        (
            f"Serving: site and reports on {site}, DNS on {', '.join(settings.dns.listen)}.",
            "The tour, for another terminal in this folder: report, look up, ask DNS, be removed, ask again:",
            "",
            *lines,
            "",
            f"The same to click through: {site}/lookup?address={_EMITTER}",
        )
    )

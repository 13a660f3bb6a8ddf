"""Bulk actions of the operator, carried on address by address: by the scheduler, or by the command itself."""

from collections.abc import Callable

from feed.domain.policy import Policy
from feed.domain.providers import Providers
from feed.store import bulk_actions, rules
from feed.store.database import Database
from feed.store.secret import Secret


def carry_on(
    database: Database,
    secret: Secret,
    policy: Policy,
    providers: Providers | None,
    *,
    now: int,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    """Do or undo what waits, until `enough`; return how many addresses that were. now: seconds.

    One transaction for each address, so that intake and ticks come in between.
    """
    with database.read() as connection:
        numbers = bulk_actions.unfinished(connection)
        if not numbers:
            return 0
        found = rules.load(connection, policy=policy, providers=providers, now=now)
        in_force = rules.recorded(connection, found) or found
    done = 0
    for number in numbers:
        while not enough():
            with database.write() as connection:
                more = bulk_actions.work(connection, number, rules=in_force, secret=secret, now=now)
            if not more:
                break
            done += 1
    return done

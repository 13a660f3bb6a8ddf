"""What may stay published while the operator's freeze is on and the file that said it is lost.

A freeze holds what came after it. Without the last file an empty list would be the safe answer to additions
and the wrong one to everybody who relies on the list, so the list is made from what began before the freeze.
"""

from sqlalchemy.engine import Connection

from feed.domain.address import emitter_key, unpacked
from feed.jobs.gate import Entries
from feed.store import manual, states
from feed.store.controls import Control

_SECONDS_A_MINUTE = 60


def before_freeze(connection: Connection, wanted: Entries, freeze: Control, *, now: int) -> Entries:
    """Return the entries of `wanted` that nothing added or made graver since `freeze` was set.

    The minute of the freeze itself counts as after it.
    """
    since = freeze.set_at // _SECONDS_A_MINUTE
    began = states.listed_since(connection, minute=since)
    by_hand = manual.keys_since(connection, since=since * _SECONDS_A_MINUTE, minute=now // _SECONDS_A_MINUTE)
    return {
        key: code
        for key, code in wanted.items()
        if key not in by_hand and emitter_key(unpacked(key[:16])) not in began
    }

"""Who is asking: a key in `Authorization`, as Bearer or, for software that can only do that, as Basic."""

import base64
import binascii
from typing import Final

from sqlalchemy.engine import Connection

from feed.store import reporters
from feed.store.reporters import Principal, Reporter
from feed.store.secret import Secret
from ingest.problems import ProblemError

_LONGEST: Final = 512


def key_of(header: str | None) -> str | None:
    """Return the key that an `Authorization` header carries, None if there is none in it.

    Basic: the password is the whole key; or the user is `bsf_<id>` and the password the secret part.
    """
    if header is None or len(header) > _LONGEST:
        return None
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password if password.startswith("bsf_") else f"{user}_{password}"


def principal(
    connection: Connection, secret: Secret, header: str | None, *, scope: str, now: int
) -> Principal:
    """Return who is asking; raises 401 for a missing or wrong key and 403 for one without `scope`."""
    key = key_of(header)
    if key is None:
        raise ProblemError("unauthorized", "send the key as `Authorization: Bearer bsf_...`")
    found = reporters.authenticate(connection, secret, key, now=now)
    if found is None:
        raise ProblemError("unauthorized", "the key is wrong, expired or revoked")
    if scope not in found.scopes:
        raise ProblemError("forbidden", f"this key lacks the scope {scope}")
    return found


def reporting(
    connection: Connection, secret: Secret, header: str | None, *, now: int
) -> tuple[Reporter, Principal]:
    """Return the reporter who is asking, and his key; raises 401 or 403, also for a suspended one."""
    found = principal(connection, secret, header, scope="report", now=now)
    if found.source_id is None:
        raise ProblemError("forbidden", "an operator's key does not report; make one for a reporter")
    reporter = reporters.find(connection, found.source_id)
    if reporter.suspended:
        raise ProblemError("forbidden", "this reporter is suspended; write to the operator")
    return reporter, found

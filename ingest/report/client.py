"""Talking to a feed over HTTP with the standard library: one request, one answer, in words if it fails."""

import email.utils
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

TIMEOUT_S: Final = 10
_LONGEST_ANSWER: Final = 1 << 22
_LONGEST_WAIT_S: Final = 86_400
_NOT_FINAL: Final = frozenset({401, 403, 408, 409, 421, 425, 429})
"""4xx that a later attempt can pass: a key may be renewed, a rate or a race is over soon. All other 4xx say
that this very report is never taken."""
NO_SUCH_ROUTE: Final = frozenset({404, 405})


class FeedError(Exception):
    """The feed did not take a request; the message says why.

    final: trying again would not help. status: 0 without an answer. retry_after_s: what the feed asked for.
    key_refused: the key is the reason, not the report.
    """

    def __init__(
        self, words: str, *, final: bool, status: int = 0, retry_after_s: float | None = None
    ) -> None:
        super().__init__(words)
        self.final = final
        self.status = status
        self.retry_after_s = retry_after_s
        self.key_refused = status in {401, 403}


class FeedClient:
    """One feed at `url` with one key, which stands in a header, never in a URL."""

    def __init__(self, url: str, key: str = "") -> None:
        """Take the feed's address, such as https://feed.example.org."""
        if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
            raise FeedError("the feed's address begins with http:// or https://", final=True)
        self._url = url.rstrip("/")
        self._key = key

    def send(self, mail: bytes, claim: dict[str, str], *, idempotency_key: str = "") -> dict[str, Any]:
        """Submit a mail with the claim about it and return the answer."""
        path = f"/v1/reports?{urllib.parse.urlencode(claim)}"
        return _object(self._ask(path, body=mail, headers=_headers("message/rfc822", idempotency_key)))

    def report(self, record: bytes, *, idempotency_key: str = "") -> dict[str, Any]:
        """Submit a structured report and return the answer."""
        return _object(
            self._ask("/v1/reports", body=record, headers=_headers("application/json", idempotency_key))
        )

    def observe(self, record: bytes) -> None:
        """Submit an observation."""
        self._ask("/v1/observations", body=record, headers=_headers("application/json", ""))

    def batch(self, records: list[bytes]) -> list[Any]:
        """Submit several structured reports and return what the feed says of each line, in any order.

        The answer is a JSON list, an object with the list `results`, or one object a line (NDJSON).
        """
        body = b"".join(record + b"\n" for record in records)
        answer = self._ask("/v1/reports:batch", body=body, headers=_headers("application/x-ndjson", ""))
        try:
            found = json.loads(answer)
        except ValueError:
            return [_object(line) for line in answer.splitlines() if line.strip()]
        if isinstance(found, dict) and isinstance(found.get("results"), list):
            found = found["results"]
        return found if isinstance(found, list) else [found]

    def look_up(self, address: str) -> dict[str, Any]:
        """Return what the look-up page says, as data."""
        return _object(self._ask(f"/lookup?{urllib.parse.urlencode({'address': address})}"))

    def _ask(self, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(self._url + path, data=body, headers={"Accept": "application/json"})  # noqa: S310 - the scheme was checked
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if self._key:
            request.add_unredirected_header("Authorization", f"Bearer {self._key}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                said: bytes = answer.read(_LONGEST_ANSWER)
                return said
        except urllib.error.HTTPError as problem:
            with problem:
                words = _words(problem.code, _refusal(problem))
            raise FeedError(
                words,
                final=is_final(problem.code),
                status=problem.code,
                retry_after_s=_wait(problem.headers.get("Retry-After"), problem.headers.get("Date")),
            ) from None
        except (OSError, http.client.HTTPException) as problem:
            reason = getattr(problem, "reason", problem)
            raise FeedError(f"the feed at {self._url} does not answer: {reason}", final=False) from None


def is_final(status: int) -> bool:
    """Return whether a report answered with this status is never taken."""
    return status in range(400, 500) and status not in _NOT_FINAL


def _headers(media_type: str, idempotency_key: str) -> dict[str, str]:
    given = {"Content-Type": media_type}
    return given | {"Idempotency-Key": idempotency_key} if idempotency_key else given


def _wait(said: str | None, date: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110 section 10.2.3), at most a day."""
    if said is None:
        return None
    if said.strip().isdecimal():
        return float(min(int(said.strip()[:9]), _LONGEST_WAIT_S))
    try:
        until = email.utils.parsedate_to_datetime(said)
        since = email.utils.parsedate_to_datetime(date or "")
        return min(max((until - since).total_seconds(), 0.0), float(_LONGEST_WAIT_S))
    except (ValueError, TypeError):
        return None


def _refusal(problem: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        return _object(problem.read(_LONGEST_ANSWER))
    except (OSError, http.client.HTTPException):
        return {}


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(status: int, said: dict[str, Any]) -> str:
    parts = [f"{status} {said.get('title', 'the feed refused the request')}"]
    if said.get("detail"):
        parts.append(str(said["detail"]))
    errors = said.get("errors", [])
    if isinstance(errors, list):
        parts += [f"{one.get('pointer')}: {one.get('detail')}" for one in errors if isinstance(one, dict)]
    return "; ".join(parts)

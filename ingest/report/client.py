"""Talking to a feed over HTTP with the standard library: one request, one answer, in words if it fails."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

TIMEOUT_S: Final = 10
_LONGEST_ANSWER: Final = 1 << 20


class FeedError(Exception):
    """The feed did not take a request; the message says why. final: trying again would not help."""

    def __init__(self, words: str, *, final: bool) -> None:
        super().__init__(words)
        self.final = final


class FeedClient:
    """One feed at `url` with one key, which stands in a header, never in a URL."""

    def __init__(self, url: str, key: str = "") -> None:
        """Take the feed's address, such as https://feed.example.org."""
        if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
            raise FeedError("the feed's address begins with http:// or https://", final=True)
        self._url = url.rstrip("/")
        self._key = key

    def send(self, mail: bytes, claim: dict[str, str]) -> dict[str, Any]:
        """Submit a mail with the claim about it and return the answer."""
        path = f"/v1/reports?{urllib.parse.urlencode(claim)}"
        return self._ask(path, body=mail, headers={"Content-Type": "message/rfc822"})

    def look_up(self, address: str) -> dict[str, Any]:
        """Return what the look-up page says, as data."""
        return self._ask(f"/lookup?{urllib.parse.urlencode({'address': address})}")

    def _ask(
        self, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        request = urllib.request.Request(self._url + path, data=body, headers={"Accept": "application/json"})  # noqa: S310 - the scheme was checked
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if self._key:
            request.add_unredirected_header("Authorization", f"Bearer {self._key}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return _document(answer.read(_LONGEST_ANSWER))
        except urllib.error.HTTPError as problem:
            with problem:
                said = _document(problem.read(_LONGEST_ANSWER))
            final = problem.code in range(400, 500) and problem.code != http.client.TOO_MANY_REQUESTS
            raise FeedError(_words(problem.code, said), final=final) from None
        except (OSError, http.client.HTTPException) as problem:
            reason = getattr(problem, "reason", problem)
            raise FeedError(f"the feed at {self._url} does not answer: {reason}", final=False) from None


def _document(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(status: int, said: dict[str, Any]) -> str:
    parts = [f"{status} {said.get('title', 'the feed refused the request')}"]
    if said.get("detail"):
        parts.append(str(said["detail"]))
    parts += [f"{error.get('pointer')}: {error.get('detail')}" for error in said.get("errors", [])]
    return "; ".join(parts)

"""Problems as RFC 9457 documents: the only place with status numbers.

A problem never echoes what was sent (ux-ecosystem.md 6, B9); `errors` names fields by JSON pointer. The
types are stable; 4xx other than 429 is final, so a client must not try the same report again.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Self

from starlette.requests import Request
from starlette.responses import JSONResponse

from ingest import log

MEDIA_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:backscatter-feed:problem:"

_TITLES: Final = {
    "malformed": (400, "The request cannot be read"),
    "unauthorized": (401, "A valid key is needed"),
    "forbidden": (403, "This key may not do that"),
    "not_found": (404, "There is no such thing here"),
    "no_as_file": (404, "This feed has no file of autonomous systems"),
    "method_not_allowed": (405, "This method does nothing here"),
    "conflict": (409, "The same report is being taken at this moment"),
    "too_large": (413, "The report is larger than the limit"),
    "unsupported_media_type": (415, "This kind of content is not taken"),
    "invalid": (422, "A field is missing, unknown or wrong"),
    "idempotency_key_reused": (422, "The Idempotency-Key was used with another report"),
    "not_a_notification": (422, "The mail is not a notification"),
    "solicited": (422, "The notification answers a mail that was sent"),
    "no_trustworthy_address": (422, "No address in it can be trusted"),
    "bad_address_class": (422, "The address can never be an emitter"),
    "too_complex": (422, "The mail is too complex to be read safely"),
    "stale": (422, "The notification is older than seven days"),
    "future": (422, "The date lies in the future"),
    "unexpanded_placeholder": (422, "A field holds a placeholder that was never filled in"),
    "sole_cause_is_listing": (422, "A refusal because of this list is no evidence"),
    "over_quota": (429, "The quota of the day is used up"),
    "internal": (500, "The feed failed; the operator has been told"),
    "busy": (503, "The feed cannot store the report now; try again"),
    "as_file_unusable": (503, "The file of autonomous systems cannot be used at present"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field. pointer: JSON pointer, or the parameter's name. detail: what is wrong, in words."""

    pointer: str
    detail: str


class ProblemError(Exception):
    """A request is refused; rendered by `respond`."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        """`code` is a key of the table above; `detail` says more about this one case."""
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _TITLES[self.code][0]

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """Add headers to what the answer carries and return the problem itself; its own ones win."""
        self.headers = dict(headers) | self.headers
        return self

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        status, title = _TITLES[self.code]
        body: dict[str, Any] = {"type": _TYPE + self.code, "title": title, "status": status}
        if self.detail is not None:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [dataclasses.asdict(error) for error in self.errors]
        return body


def respond(request: Request, problem: Exception) -> JSONResponse:
    """Render a `ProblemError` as a response."""
    assert isinstance(problem, ProblemError)
    log.refused(request, code=problem.code, status=problem.status)
    headers = dict(problem.headers)
    if problem.status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = 'Bearer realm="reports", Basic realm="reports"'
    return JSONResponse(problem.document(), problem.status, headers=headers, media_type=MEDIA_TYPE)


def codes_by_status() -> dict[int, list[str]]:
    """Return the words of all problems by HTTP status, for the description of the API."""
    found: dict[int, list[str]] = {}
    for code, (status, _) in sorted(_TITLES.items()):
        found.setdefault(status, []).append(code)
    return found


def from_status(status: int) -> ProblemError:
    """Return the problem that stands for a bare status of the framework (404, 405)."""
    code = next((code for code, (number, _) in _TITLES.items() if number == status), "malformed")
    return ProblemError(code)

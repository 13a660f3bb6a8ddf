"""One line for each request that was refused or failed: codes and numbers, never content, never a key."""

from typing import Final

import structlog
from starlette.requests import Request

_FAILED: Final = 500
_log = structlog.get_logger("ingest")


def refused(request: Request, *, code: str, status: int) -> None:
    """Say that a request was refused, and why by its stable word; the route as its template."""
    write = _log.error if status >= _FAILED else _log.info
    route = request.scope.get("route")
    write(
        "refused",
        code=code,
        status=status,
        method=request.method,
        route=getattr(route, "path_format", None),
        source=getattr(request.state, "source_id", None),
    )

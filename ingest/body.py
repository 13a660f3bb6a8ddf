"""Reading a request body under a limit, before anything looks inside it."""

from typing import Final

from starlette.requests import ClientDisconnect, Request

from ingest.problems import ProblemError

LARGEST: Final = 256 * 1024
"""Bytes of a report. The largest of 941 real notifications had 73 kB (evidence.md 6.2)."""


def media_type(request: Request) -> str:
    """Return the media type of the body in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read(request: Request, *, largest: int = LARGEST) -> bytes:
    """Return the body; raises 413 as soon as it is too large, and 415 for a compressed one."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError("unsupported_media_type", "send the report uncompressed")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > largest:
        raise _too_large(largest)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > largest:
                raise _too_large(largest)
            parts.append(part)
    except ClientDisconnect:
        raise ProblemError("malformed", "the connection ended inside the body") from None
    return b"".join(parts)


def _too_large(largest: int) -> ProblemError:
    return ProblemError(
        "too_large", f"at most {largest} bytes; cut the returned message, its headers are enough"
    )

"""Reading a request body under a limit, before anything looks inside it; a compressed one while it grows."""

import zlib
from typing import Final

from starlette.requests import ClientDisconnect, Request

from ingest.problems import ProblemError

LARGEST: Final = 256 * 1024
"""Bytes of a report. The largest of 941 real notifications had 73 kB (evidence.md 6.2)."""


LARGEST_JSON: Final = 384 * 1024
"""Bytes of a JSON report: one with a mail of `LARGEST` bytes in it, as base64."""
LARGEST_BATCH: Final = 2 * 1024 * 1024
"""Bytes of a batch, as sent and again when decompressed (ux-ecosystem.md 4.2)."""

MOST_MEMBERS: Final = 100
"""Members of a gzip body. What follows a member is copied each time, so that 100,000 empty ones, 2 MB,
would cost minutes; a program that appends to a file makes a few."""


def media_type(request: Request) -> str:
    """Return the media type of the body in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read(request: Request, *, largest: int = LARGEST) -> bytes:
    """Return the body; raises 413 as soon as it is too large, and 415 for a compressed one."""
    if encoding(request) != "identity":
        raise ProblemError("unsupported_media_type", "send the report uncompressed")
    return await read_any(request, largest=largest)


def encoding(request: Request) -> str:
    """Return the content coding in lower case."""
    return request.headers.get("content-encoding", "identity").strip().lower()


async def read_any(request: Request, *, largest: int) -> bytes:
    """Return the body as it was sent, whatever its coding; raises 413 as soon as it is too large."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > largest:
        raise too_large(largest)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > largest:
                raise too_large(largest)
            parts.append(part)
    except ClientDisconnect:
        raise ProblemError("malformed", "the connection ended inside the body") from None
    return b"".join(parts)


def unzip(data: bytes, *, largest: int) -> bytes:
    """Return what gzip `data` holds, never making more than `largest` bytes of it.

    Raises 413 when there is more, and 400 for what is not gzip or was cut. Several members in a row are
    one text, as gzip has it.
    """
    parts: list[bytes] = []
    left = largest
    while data and len(parts) < MOST_MEMBERS:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            part = member.decompress(data, left + 1)
        except zlib.error:
            raise ProblemError("malformed", "the body is not gzip") from None
        if len(part) > left:
            raise too_large(largest)
        if not member.eof:
            raise ProblemError("malformed", "the gzip body ends too early")
        parts.append(part)
        left -= len(part)
        data = member.unused_data
    if data:
        raise ProblemError("malformed", f"the gzip body has more than {MOST_MEMBERS} members")
    return b"".join(parts)


def too_large(largest: int) -> ProblemError:
    """Return the refusal of a body with more than `largest` bytes."""
    return ProblemError(
        "too_large", f"at most {largest} bytes; cut the returned message, its headers are enough"
    )

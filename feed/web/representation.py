"""Answering with a file: the validators, the ranges and the digest of the bytes that are really sent.

The file is opened once and what is said of it (length, ETag, digest) is said of that open file: a file that
is replaced meanwhile is never mixed with its successor (RFC 9110 sections 8.8, 13 and 14, RFC 9530).
"""

import base64
import collections
import dataclasses
import email.utils
import hashlib
import os
import pathlib
import re
import threading
from collections.abc import Iterator
from io import BufferedReader
from typing import Final

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

_BLOCK: Final = 1 << 18
_KNOWN: Final = 200
_RANGE: Final = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An open file and what is told of it. modified: unix time. encoding: `gzip`, or empty."""

    file: BufferedReader
    size: int
    sha256: str
    modified: float
    encoding: str

    @property
    def etag(self) -> str:
        """Return the strong validator: of these very bytes."""
        return f'"{self.sha256[:32]}"'


class Library:
    """Opens files and knows the digests of those that it has seen; one a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._digests: collections.OrderedDict[tuple[int, int, int, int], str] = collections.OrderedDict()

    def open(self, path: pathlib.Path, encoding: str = "") -> Stored | None:
        """Return the open file, None if there is none. Its reader closes it."""
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            found = os.fstat(file.fileno())
            known = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            return Stored(
                file=file,
                size=found.st_size,
                sha256=self._digest(file, known),
                modified=found.st_mtime,
                encoding=encoding,
            )
        except OSError:
            file.close()
            return None

    def digest(self, path: pathlib.Path) -> tuple[int, str] | None:
        """Return size and SHA-256 of a file, None if there is none."""
        found = self.open(path)
        if found is None:
            return None
        found.file.close()
        return found.size, found.sha256

    def _digest(self, file: BufferedReader, known: tuple[int, int, int, int]) -> str:
        with self._lock:
            if known not in self._digests:
                self._digests[known] = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
            self._digests.move_to_end(known)
            while len(self._digests) > _KNOWN:
                self._digests.popitem(last=False)
            return self._digests[known]


def is_unchanged(request: Request, etag: str, modified: float | None = None) -> bool:
    """Return whether the requester has these bytes already (RFC 9110 section 13.1)."""
    given = request.headers.get("if-none-match")
    if given is not None:
        tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
        return etag in tags or "*" in tags
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return int(modified) <= email.utils.parsedate_to_datetime(since).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False


def accepts_gzip(request: Request) -> bool:
    """Return whether a compressed answer is welcome (RFC 9110 section 12.5.3)."""
    weights: dict[str, str] = {}
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip()] = parameters.replace(" ", "")
    given = weights.get("gzip", weights.get("x-gzip", weights.get("*")))
    return given is not None and not re.fullmatch(r"q=0(?:\.0*)?", given)


def headers_of(stored: Stored) -> dict[str, str]:
    """Return the header fields of an answer with this file, whole or in part or not at all."""
    digest = base64.b64encode(bytes.fromhex(stored.sha256)).decode()
    headers = {
        "ETag": stored.etag,
        "Last-Modified": email.utils.formatdate(stored.modified, usegmt=True),
        "Repr-Digest": f"sha-256=:{digest}:",
        "Accept-Ranges": "bytes",
        "Vary": "Accept-Encoding",
    }
    if stored.encoding:
        headers["Content-Encoding"] = stored.encoding
    return headers


def send(request: Request, stored: Stored, *, media_type: str, headers: dict[str, str]) -> Response:
    """Return the answer with a file: 200, 206 or 416; without its bytes for HEAD. Takes the file over."""
    wanted = _part(request, stored)
    if wanted is None:
        stored.file.close()
        refused = headers | {"Content-Range": f"bytes */{stored.size}"}
        return Response(status_code=416, headers=refused)
    first, end = wanted
    told = headers | {"Content-Length": str(end - first)}
    status = 200
    if (first, end) != (0, stored.size):
        status = 206
        told["Content-Range"] = f"bytes {first}-{end - 1}/{stored.size}"
    if request.method == "HEAD":
        stored.file.close()
        return Response(status_code=status, headers=told, media_type=media_type)
    return StreamingResponse(
        _blocks(stored.file, first, end), status_code=status, headers=told, media_type=media_type
    )


def _part(request: Request, stored: Stored) -> tuple[int, int] | None:
    """Return first byte and the one after the last; None if what is asked for is not there.

    Several ranges, other units and what cannot be read are passed over: the whole is the answer then.
    """
    whole = (0, stored.size)
    given = request.headers.get("range")
    condition = request.headers.get("if-range")
    if given is None or (condition is not None and condition.strip() != stored.etag):
        return whole
    found = _RANGE.fullmatch(given.strip())
    if found is None or found.groups() == ("", ""):
        return whole
    first, last = found.groups()
    if not first:
        length = min(int(last), stored.size)
        return (stored.size - length, stored.size) if length else None
    if last and int(last) < int(first):
        return whole
    if int(first) >= stored.size:
        return None
    return int(first), min(int(last) + 1, stored.size) if last else stored.size


def _blocks(file: BufferedReader, first: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        left = end - first
        while left > 0:
            block = file.read(min(_BLOCK, left))
            if not block:
                return
            left -= len(block)
            yield block

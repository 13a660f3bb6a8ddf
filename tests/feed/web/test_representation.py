"""Parts of a file, and what is told of them."""

import asyncio
import pathlib

import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from feed.web.representation import Library, accepts_gzip, send

WHOLE = bytes(range(256)) * 5


async def _read(answer: StreamingResponse) -> bytes:
    return b"".join([bytes(block) async for block in answer.body_iterator])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "status", "part"),
    [
        pytest.param("bytes=0-9", 206, slice(0, 10), id="the beginning"),
        pytest.param("bytes=10-", 206, slice(10, None), id="the rest"),
        pytest.param("bytes=-7", 206, slice(-7, None), id="the end"),
        pytest.param("bytes=5-99999999", 206, slice(5, None), id="more than there is"),
        pytest.param("bytes=-99999999", 200, slice(None), id="all, from the end"),
        pytest.param("bytes=99999999-", 416, None, id="behind the end"),
        pytest.param("bytes=-0", 416, None, id="nothing"),
        pytest.param("bytes=9-3", 200, slice(None), id="backwards"),
        pytest.param("bytes=0-1,4-5", 200, slice(None), id="several"),
        pytest.param("lines=1-2", 200, slice(None), id="another unit"),
        pytest.param("bytes=" + "9" * 40 + "-", 200, slice(None), id="a number too long"),
        pytest.param("bytes=-", 200, slice(None), id="no number"),
    ],
)
def test_ranges(tmp_path: pathlib.Path, given: str, status: int, part: slice | None) -> None:
    path = tmp_path / "file"
    path.write_bytes(WHOLE)
    stored = Library().open(path)
    assert stored is not None
    headers = [(b"range", given.encode())]
    request = Request({"type": "http", "method": "GET", "headers": headers})
    answer = send(request, stored, media_type="text/plain", headers={})
    assert answer.status_code == status
    if part is None:
        assert answer.headers["content-range"] == f"bytes */{len(WHOLE)}"
        assert stored.file.closed
        return
    assert isinstance(answer, StreamingResponse)
    content = asyncio.run(_read(answer))
    assert content == WHOLE[part]
    assert answer.headers["content-length"] == str(len(content))
    assert stored.file.closed
    if status == 206:
        first, _, last = (
            answer.headers["content-range"].removeprefix("bytes ").partition("/")[0].partition("-")
        )
        assert WHOLE[int(first) : int(last) + 1] == content


@pytest.mark.parametrize(
    ("given", "welcome"),
    [
        ("gzip", True), ("br, gzip;q=0.2", True), ("*", True), ("x-gzip", True), ("GZIP", True),
        ("", False), ("identity", False), ("gzip;q=0", False), ("gzip; q=0.000", False),
        ("*;q=0", False), ("*, gzip;q=0", False), ("gzipped", False),
    ],
)  # fmt: skip
def test_whether_compressed_is_welcome(given: str, welcome: bool) -> None:
    request = Request({"type": "http", "method": "GET", "headers": [(b"accept-encoding", given.encode())]})
    assert accepts_gzip(request) is welcome

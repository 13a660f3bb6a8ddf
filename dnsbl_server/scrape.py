"""The page of the metrics: one request a connection, no more HTTP than Prometheus needs."""

import asyncio
from collections.abc import Callable
from typing import Final

from dnsbl_server.metrics import http_reply

_LONGEST_REQUEST: Final = 8192


class Scrape(asyncio.Protocol):
    """One request for the metrics. text: makes them."""

    def __init__(self, text: Callable[[], bytes]) -> None:
        self._text = text
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give it five seconds."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._end = asyncio.get_running_loop().call_later(5, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Answer when the head of the request is there."""
        self._buffer += data
        if b"\r\n\r\n" in self._buffer:
            self._transport.write(http_reply(self._buffer, self._text()))
            self._transport.close()
        elif len(self._buffer) > _LONGEST_REQUEST:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        """Forget the clock."""
        self._end.cancel()

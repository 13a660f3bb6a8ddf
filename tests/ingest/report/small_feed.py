"""A small feed for tests: real HTTP, knows reports by digest as the real one does, fails when told to."""

import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any


class SmallFeed:
    """What it got and how it is to answer.

    script: answers (status, headers) for the next requests, before it behaves again. refuse: digests that
    get 422. offers_batch: whether `/v1/reports:batch` exists.
    """

    def __init__(self, *, offers_batch: bool = True) -> None:
        self.offers_batch = offers_batch
        self.script: list[tuple[int, dict[str, str]]] = []
        self.refuse: set[str] = set()
        self.receipts: dict[str, int] = {}
        self.records: list[dict[str, Any]] = []
        self.observations: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.keys: list[str | None] = []
        self.lock = threading.Lock()
        self.url = ""

    def take(self, record: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            digest = record["digest"]
            if digest in self.refuse:
                return {"problem": {"status": 422, "title": "refused"}}
            self.receipts[digest] = self.receipts.get(digest, 0) + 1
            self.records.append(record)
            first = self.receipts[digest] == 1
        return {"report": {"receipt": digest[:8], "status": "accepted" if first else "duplicate"}}

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        self.paths.append(path)
        if self.script:
            status, headers = self.script.pop(0)
            return status, headers, {"title": "scripted"}
        if path == "/v1/observations":
            self.observations.append(json.loads(body))
            return 200, {}, {"status": "accepted"}
        if path == "/v1/reports:batch":
            if not self.offers_batch:
                return 404, {}, {"title": "There is no such thing here"}
            lines = [json.loads(line) for line in body.splitlines()]
            return 200, {}, {"results": [{"line": n} | self.take(one) for n, one in enumerate(lines, 1)]}
        if path.startswith("/v1/reports?"):
            body = json.dumps({"digest": hashlib.sha256(body).hexdigest(), "raw": path}).encode()
        said = self.take(json.loads(body))
        return (422, {}, said["problem"]) if "problem" in said else (200, {}, said["report"])


@contextlib.contextmanager
def running(feed: SmallFeed) -> Iterator[SmallFeed]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            feed.keys.append(self.headers.get("Authorization"))
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, said = feed.answer(self.path, body)
            data = json.dumps(said).encode()
            with contextlib.suppress(OSError):  # the client may have been killed
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    feed.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield feed
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A site on a free port of this machine, under the address that it believes to have."""

import contextlib
import dataclasses
import socket
import threading
import time
from collections.abc import Collection, Iterator
from typing import Any

import uvicorn

from feed.web.app import create_app
from feed.web.site import Site


@contextlib.contextmanager
def serving(
    site: Site, *, parts: Collection[str] = ("site",), settings: dict[str, Any] | None = None
) -> Iterator[tuple[str, Site]]:
    """Serve `site` and give its address and the site as it is served. settings: sections put in place."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    publish = site.settings.publish.model_copy(update={"site_url": url})
    changed = site.settings.model_copy(update={"publish": publish} | (settings or {}))
    site = dataclasses.replace(site, settings=changed, lookups_a_minute=10_000, removals_an_hour=10_000)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(site, parts=parts), log_level="warning", proxy_headers=False, lifespan="off"
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield url, site
    finally:
        server.should_exit = True
        thread.join()
        listener.close()

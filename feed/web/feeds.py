"""The feed files over HTTP: a page that lists them, the files themselves, and what changed since a serial.

Names are looked up in a table made from the settings; no part of a path that somebody asks for ever
reaches the file system.
"""

import collections
import gzip
import hashlib
import json
import pathlib
import threading
from collections.abc import Iterator
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from feed.settings import PublishSettings
from feed.snapshot import feed_files
from feed.snapshot.format import REFRESH_S
from feed.web import render, representation
from feed.web.messages import text
from feed.web.refusal import PageError
from feed.web.representation import Library
from feed.web.site import Site
from feed.web.visitor import Visitors
from feed.web.wording import iso, left, moment, size

CACHED_S: Final = 60
_DELTA: Final = ".delta.jsonl"
_DIGEST: Final = ".sha256"
_KEPT_BYTES: Final = 32 * 1024 * 1024
"""So much of what was asked for lately stays in memory; each process has its own."""

_LEAST_BYTES: Final = 64 * 1024
"""Steps of so many compressed bytes are always put together; more only up to a fourth of the list."""


_PATIENCE_S: Final = 2.0
"""How long a request waits while another delta is made, holding a thread of the process."""
_RETRY_S: Final = 5


class DeltaBusyError(Exception):
    """Other deltas are being made; ask again in a moment."""


class Feeds:
    """The files of both zones, and the deltas that were asked for lately."""

    def __init__(self, settings: PublishSettings) -> None:
        self.settings = settings
        self.library = Library()
        self.folder = settings.folder / feed_files.FOLDER
        self.paths: dict[str, pathlib.Path] = {}
        for zone, snapshot in settings.files.items():
            self.paths[snapshot.name] = snapshot
            for name in (feed_files.manifest_name(zone), *feed_files.whole_names(zone)):
                self.paths[name] = self.folder / name
        self.deltas = {f"{zone}{_DELTA}": zone for zone in settings.files}
        self._lock = threading.Lock()
        self._merging = threading.Lock()
        self._made: collections.OrderedDict[tuple[str, int, int], bytes] = collections.OrderedDict()
        self._made_bytes = 0

    def manifest(self, zone: str) -> dict[str, Any] | None:
        """Return what the files of a zone hold; None if they have not been made."""
        try:
            found = json.loads((self.folder / feed_files.manifest_name(zone)).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def delta(self, zone: str, since: int) -> bytes | None:
        """Return what changed in a zone since a serial; None if that is not known, or more than the list.

        Raises `DeltaBusyError` while others are being made: one at a time, so that those who ask for many
        keep neither memory nor the threads of the process.
        """
        present = self.manifest(zone)
        if present is None:
            return None
        key = (zone, since, int(present["serial"]))
        kept = self._kept(key)
        if kept is not None:
            return kept
        if not self._merging.acquire(timeout=_PATIENCE_S):
            raise DeltaBusyError
        try:
            made = self._kept(key) or self._delta(zone, since, present)
        finally:
            self._merging.release()
        if made is not None:
            self._keep(key, made)
        return made

    def _kept(self, key: tuple[str, int, int]) -> bytes | None:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
            return self._made.get(key)

    def _keep(self, key: tuple[str, int, int], made: bytes) -> None:
        with self._lock:
            self._made_bytes += len(made) - len(self._made.pop(key, b""))
            self._made[key] = made
            # The newest stays, however large, or each request would make it anew.
            while self._made_bytes > _KEPT_BYTES and len(self._made) > 1:
                self._made_bytes -= len(self._made.popitem(last=False)[1])

    def _delta(self, zone: str, since: int, present: dict[str, Any]) -> bytes | None:
        steps = self.folder / feed_files.steps_folder(zone)
        try:
            names = [path.name for path in steps.iterdir()]
            way = feed_files.chain(names, since, serial=int(present["serial"]))
            if way is None:
                return None
            whole = (self.folder / f"{zone}.jsonl.gz").stat().st_size
            if sum((steps / name).stat().st_size for name in way) > max(whole // 4, _LEAST_BYTES):
                return None
            lines = feed_files.merged((_lines(steps / name) for name in way), since, present)
            return "".join(line + "\n" for line in lines).encode()
        except (OSError, ValueError, KeyError, EOFError):
            return None  # a step that was too old is gone meanwhile, or the disk is bad: the whole list helps


def router(site: Site, visitors: Visitors) -> APIRouter:
    """Return the routes of `/feeds`."""
    routes = APIRouter()
    feeds = Feeds(site.settings.publish)

    @routes.api_route("/feeds", methods=["GET", "HEAD"], response_model=None)
    def listed(request: Request) -> Response:
        zones = [_zone(feeds, zone, now=site.seconds()) for zone in site.settings.publish.files]
        if render.wanted(request) == "json":
            response: Response = JSONResponse({"zones": [_as_json(zone) for zone in zones]})
        else:
            response = render.html(
                "feeds.html",
                hostmaster=site.settings.publish.hostmaster,
                zones=zones,
                site_url=site.settings.publish.site_url,
                zone=site.settings.publish.zone,
                snapshot=site.settings.publish.files[site.settings.publish.zone].name,
                downloads=site.downloads_an_hour,
            )
        response.headers.update({"Cache-Control": f"max-age={CACHED_S}", "Vary": "Accept"})
        return response

    @routes.api_route("/feeds/{name}", methods=["GET", "HEAD"], response_model=None)
    def one(request: Request, name: str) -> Response:
        if name in feeds.deltas:
            return _delta(feeds, visitors, request, feeds.deltas[name])
        if name.endswith(_DIGEST) and name.removesuffix(_DIGEST) in feeds.paths:
            return _digest(feeds, name.removesuffix(_DIGEST))
        if name not in feeds.paths:
            raise PageError(404, text("error.404"))
        return _file(feeds, visitors, request, name)

    return routes


def _file(feeds: Feeds, visitors: Visitors, request: Request, name: str) -> Response:
    path = feeds.paths[name]
    stored = None
    if representation.accepts_gzip(request):
        stored = feeds.library.open(path.with_name(f"{path.name}.gz"), "gzip")
    stored = stored or feeds.library.open(path)
    if stored is None:
        raise _not_yet()
    headers = _terms() | representation.headers_of(stored)
    if representation.is_unchanged(request, stored.etag, stored.modified):
        stored.file.close()
        return Response(status_code=304, headers=headers)
    try:
        visitors.count_download(request)
    except PageError:
        stored.file.close()
        raise
    return representation.send(request, stored, media_type=feed_files.media_type(name), headers=headers)


def _digest(feeds: Feeds, name: str) -> Response:
    found = feeds.library.digest(feeds.paths[name])
    if found is None:
        raise _not_yet()
    return PlainTextResponse(f"{found[1]}  {name}\n", headers=_terms())


def _delta(feeds: Feeds, visitors: Visitors, request: Request, zone: str) -> Response:
    since = request.query_params.get("since", "")
    if not (since.isascii() and since.isdigit() and len(since) <= 10):  # noqa: PLR2004
        raise PageError(400, text("feeds.since"))
    if feeds.manifest(zone) is None:
        raise _not_yet()
    visitors.count_download(request)
    try:
        made = feeds.delta(zone, int(since))
    except DeltaBusyError:
        raise PageError(503, text("feeds.busy"), headers={"Retry-After": str(_RETRY_S)}) from None
    if made is None:
        raise PageError(410, text("feeds.gone", name=f"{zone}.jsonl"))
    digest = hashlib.sha256(made)
    etag = f'"{digest.hexdigest()[:32]}"'
    headers = _terms() | {"ETag": etag, "Vary": "Accept-Encoding"}
    if representation.is_unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    if representation.accepts_gzip(request) and len(made) > 1024:  # noqa: PLR2004
        # Another representation needs a validator of its own; what it is compressed from decides it.
        headers |= {"Content-Encoding": "gzip", "ETag": f"W/{etag}"}
        made = gzip.compress(made, 6, mtime=0)
    return Response(made, headers=headers, media_type=feed_files.media_type(_DELTA))


def _terms() -> dict[str, str]:
    return {"Cache-Control": f"max-age={CACHED_S}", "Link": '</terms>; rel="license"'}


def _not_yet() -> PageError:
    return PageError(503, text("feeds.not_yet"), headers={"Retry-After": str(CACHED_S)})


def _lines(path: pathlib.Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from file


def _zone(feeds: Feeds, zone: str, *, now: int) -> dict[str, Any]:
    made = feeds.manifest(zone)
    snapshot = feeds.settings.files[zone]
    rows = [_row(feeds, snapshot.name, snapshot, "snapshot")]
    rows += [
        _row(feeds, name, feeds.paths[name], kind) for name, kind in feed_files.whole_names(zone).items()
    ]
    return {
        "zone": zone,
        "made": made,
        "files": [row for row in rows if row is not None],
        "expires": moment(made["expire"]) if made else "",
        "expires_at": made["expire"] if made else None,
        "current": moment(made["refresh"] - REFRESH_S) if made else "",
        "age": left(max(now - made["refresh"] + REFRESH_S, 0) // 60) if made else "",
        "delta": f"{zone}{_DELTA}?since={made['serial']}" if made else "",
    }


def _row(feeds: Feeds, name: str, path: pathlib.Path, kind: str) -> dict[str, Any] | None:
    found = feeds.library.digest(path)
    if found is None:
        return None
    packed = path.with_name(f"{path.name}.gz")
    try:
        packed_bytes = packed.stat().st_size
    except OSError:
        packed_bytes = None
    return {
        "name": name,
        "what": text(f"feeds.{kind}"),
        "bytes": found[0],
        "size": size(found[0]),
        "packed": size(packed_bytes) if packed_bytes is not None else "",
        "packed_bytes": packed_bytes,
        "sha256": found[1],
    }


def _as_json(zone: dict[str, Any]) -> dict[str, Any]:
    made = zone["made"] or {}
    return {
        "zone": zone["zone"],
        "serial": made.get("serial"),
        "records": made.get("records"),
        "expires": iso(zone["expires_at"]) if zone["expires_at"] else None,
        "delta": f"/feeds/{zone['delta']}" if zone["delta"] else None,
        "files": [
            {
                "url": f"/feeds/{row['name']}",
                "bytes": row["bytes"],
                "gzip_bytes": row["packed_bytes"],
                "sha256": row["sha256"],
            }
            for row in zone["files"]
        ],
    }

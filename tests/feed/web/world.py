"""A site on a real database whose states the real scoring job makes, and a browser-like client."""

import asyncio
import dataclasses
import datetime as dt
import pathlib
import re
import shutil
from collections.abc import Callable
from typing import Any

import httpx2 as httpx

from feed.domain.address import parse_address
from feed.domain.event import Attestation, Kind, RecipientClass
from feed.jobs.score import Scorer
from feed.store import evidence
from feed.web.app import create_app
from feed.web.site import Site
from tests.factories import make_event

SITE_URL = "http://feed.test"


@dataclasses.dataclass(slots=True, kw_only=True)
class World:
    """A site with a clock that the test moves, reporters 1 to 3, and a name server that does not answer."""

    site: Site
    clock: list[dt.datetime]
    reporters: list[int]

    def tell(self, kept: pathlib.Path, story: Callable[[], object]) -> None:
        """Bring a database that nothing happened to where `story` brings it, which moves no clock.

        It is told once; `kept` takes the file for all further tests that begin so.
        """
        database = self.site.database
        if not kept.exists():
            story()
        database.dispose()
        assert not database.path.with_name(f"{database.path.name}-wal").exists(), "not all is in one file"
        shutil.copy(*((kept, database.path) if kept.exists() else (database.path, kept)))

    def report(
        self,
        address: str,
        *,
        n: int = 3,
        sources: int = 1,
        kind: Kind = Kind.DSN_FAIL,
        recipient_class: RecipientClass = RecipientClass.TRAP,
        attestation: Attestation = Attestation.U4,
        hours_ago: float = 1,
        apart_hours: float = 24,
        software: str | None = "postfix",
    ) -> None:
        """Store `n` originals of each of `sources` reporters, the last `hours_ago`, and score."""
        now = self.clock[0]
        with self.site.database.write() as connection:
            for source_id in self.reporters[:sources]:
                for number in range(n):
                    evidence.add_event(
                        connection,
                        make_event(
                            source_id=source_id,
                            address=address,
                            kind=kind,
                            recipient_class=recipient_class,
                            attestation=attestation,
                            recipient_token=number + 1,
                            observed_at=now - dt.timedelta(hours=hours_ago + apart_hours * number),
                            received_at=now,
                            software=software,
                        ),
                    )
        self.score()

    def report_each(self, *addresses: str) -> None:
        """Store the usual evidence of each address, and score."""
        for address in addresses:
            self.report(address)

    def genuine(self, address: str, n: int) -> None:
        """Have the first reporter say that it saw `n` genuine bounces today."""
        day = int(self.clock[0].timestamp()) // 86_400
        with self.site.database.write() as connection:
            evidence.add_observation(
                connection, parse_address(address), source_id=self.reporters[0], day=day, null_n=n + 3,
                genuine_n=n, seen_24h=n + 3,
            )  # fmt: skip
        self.score()

    def score(self) -> None:
        """Run the scoring job at the present time."""
        Scorer(
            database=self.site.database,
            secret=self.site.secret,
            policy=self.site.policy,
            providers=self.site.providers,
        ).run(now=self.site.seconds())

    def later(self, **duration: float) -> None:
        """Move the clock and score."""
        self.clock[0] += dt.timedelta(**duration)
        self.score()


class Client:
    """Sends requests into the application from a chosen address; keeps cookies as a browser does."""

    def __init__(self, site: Site, *, address: str = "203.0.113.1") -> None:
        self.app = create_app(site)
        self.address = address
        self.cookies = httpx.Cookies()

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send one request; redirects are not followed."""
        return asyncio.run(self._request(method, url, **options))

    async def _request(self, method: str, url: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(
            app=self.app, client=(self.address, 40_000), raise_app_exceptions=False
        )
        async with httpx.AsyncClient(transport=transport, base_url=SITE_URL, cookies=self.cookies) as client:
            headers = {"accept": "text/html"} | options.pop("headers", {})
            response = await client.request(method, url, headers=headers, **options)
            self.cookies = client.cookies
            return response

    def get(self, url: str, **options: Any) -> httpx.Response:
        """Send GET."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        """Send POST."""
        return self.request("POST", url, **options)

    def json(self, url: str) -> Any:
        """Return the JSON of a page."""
        return self.get(url, headers={"accept": "application/json"}).json()

    def submit(self, address: str, **fields: str) -> httpx.Response:
        """Open the removal form and press its button as a browser would."""
        form = self.get("/removal", params={"address": address})
        token = re.search(r'name="token" value="([^"]*)"', form.text)
        data = {"address": address, "token": token.group(1) if token else ""} | fields
        headers = {"origin": SITE_URL, "sec-fetch-site": "same-origin"}
        return self.post("/removal", data=data, headers=headers)

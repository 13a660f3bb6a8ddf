"""A browser-like client that is signed in to the console, and what it left in the audit log."""

import re

import httpx2 as httpx
import sqlalchemy as sa

from feed.store import reporters
from feed.store.tables import audit
from feed.web.app import create_app
from tests.feed.web.world import SITE_URL, Client, World


class Operator(Client):
    """A client of the console."""

    def __init__(self, world: World, *, address: str = "203.0.113.1") -> None:
        super().__init__(world.site, address=address)
        self.app = create_app(world.site, parts=("site", "console"))
        self.key = ""

    def press(self, action: str, page: str = "/console", **fields: str) -> httpx.Response:
        """Press a button of a page."""
        token = re.search(r'name="token" value="([0-9a-f]+)"', self.get(page).text)
        data = {"token": token.group(1) if token else "", "reason": "because"} | fields
        headers = {"origin": SITE_URL, "sec-fetch-site": "same-origin"}
        return self.post(f"/console/do/{action}", data=data, headers=headers)


def operator_key(world: World, *scopes: str, source_id: int | None = None) -> str:
    with world.site.database.write() as connection:
        return reporters.new_key(
            connection, world.site.secret, source_id=source_id, scopes=scopes, author="t",
            now=world.site.seconds(),
        )  # fmt: skip


def audit_lines(world: World) -> list[tuple[str, str, str, str]]:
    with world.site.database.read() as connection:
        rows = connection.execute(sa.select(audit).order_by(audit.c.audit_id))
        return [(row.actor.partition(":")[0], row.action, row.subject, row.reason) for row in rows]

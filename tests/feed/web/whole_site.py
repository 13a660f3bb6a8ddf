"""A site with something on every page, and the list of all its pages, each with a client that may see it."""

import dataclasses

import httpx2 as httpx
import sqlalchemy as sa

from feed.domain.address import parse_address, parse_network
from feed.domain.canary import Finding
from feed.domain.event import Attestation, RecipientClass
from feed.domain.listing import Code, Hold
from feed.jobs import bulk_actions as bulk_job
from feed.jobs import feeds
from feed.jobs.publish import publish
from feed.snapshot.feed_files import FOLDER
from feed.store import (
    bulk_actions,
    canaries,
    controls,
    disclosures,
    disputes,
    evidence,
    exemptions,
    floods,
    manual,
    receipts,
    reporters,
    retractions,
    sessions,
    shielding,
)
from feed.store.bulk_actions import Action, Wanted
from feed.store.canaries import Outcome
from feed.store.controls import Control
from feed.store.receipts import Receipt
from feed.store.tables import event, reporter_network
from feed.web.app import create_app
from feed.web.site import Site
from tests.factories import make_event
from tests.feed.web.world import SITE_URL, Client, World

LISTED, REPORTED, V6, HELD = "192.0.2.7", "192.0.2.20", "2001:db8:0:1::7", "11.22.33.44"
RECEIPT = "r" * 26


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the site. cookies: those of who may see it. address: from which it is asked for."""

    name: str
    path: str
    cookies: dict[str, str]
    address: str
    status: int = 200


class Visitor(Client):
    """A client of site and console."""

    def __init__(self, site: Site, *, address: str) -> None:
        super().__init__(site, address=address)
        self.app = create_app(site, parts=("site", "console"))


def furnish(world: World) -> list[Page]:
    """Put something on every page of `world` and return all pages."""
    world.site = dataclasses.replace(
        world.site, quotas=(10_000, 1_000_000), lookups_a_minute=10_000, removals_an_hour=10_000
    )
    _report(world)
    tickets = _remove_and_dispute(world)
    _operate(world)
    _publish(world)
    return _pages(world, tickets)


def fetch(world: World, page: Page) -> httpx.Response:
    """Return the page as a browser gets it."""
    visitor = Visitor(world.site, address=page.address)
    visitor.cookies = httpx.Cookies(page.cookies)
    return visitor.get(page.path)


def _report(world: World) -> None:
    for address in (LISTED, "192.0.2.8", "192.0.2.9", "192.0.2.10", V6, HELD):
        world.report(address, sources=2)
    world.report(
        REPORTED, sources=3, recipient_class=RecipientClass.LOG_MISS, attestation=Attestation.U3, n=4
    )
    world.genuine(REPORTED, 8)
    with world.site.database.write() as connection:
        new = make_event(
            source_id=world.reporters[1], address=LISTED, recipient_class=RecipientClass.LOG_MISS,
            attestation=Attestation.U3, helo="mail.example.org", status="5.1.1",
        )  # fmt: skip
        stored = evidence.add_event(connection, new)
        disclosures.add_traces(connection, [(stored, "4bQ7xk2", "customer.example")])
        disclosures.choose(connection, world.reporters[1], "minute")
        first = connection.execute(sa.select(event).order_by(event.c.event_id).limit(1)).one()
        answer = (
            '{"status":"accepted","verdict":"backscatter","kind":"dsn_fail","emitter":"192.0.2.7",'
            '"attestation":"U4","provenance":"P3","strength":3,"reasons":[],"defects":[]}'
        )
        made = Receipt(
            source_id=world.reporters[0], receipt_id=RECEIPT, body_digest=bytes(32), verdict=1, answer=answer,
            created_day=first.received_day, emitter_key=bytes(first.emitter_key),
            event_day=first.received_day, event_id=first.event_id,
        )  # fmt: skip
        receipts.insert_many(connection, [(receipts.DIGEST, bytes(32), made)])
    world.score()


def _remove_and_dispute(world: World) -> dict[str, str]:
    owner = Visitor(world.site, address="192.0.2.8")
    accepted = owner.submit("192.0.2.8").headers["location"]
    nothing = _from_terminal(world, "192.0.2.8")
    world.later(hours=2)
    world.report("192.0.2.8", hours_ago=0.5, apart_hours=0.2)
    wait = _from_terminal(world, "192.0.2.8")
    with world.site.database.write() as connection:
        words = "The third one is ours.\nSecond line."
        numbers = [
            disputes.file(
                connection,
                address=parse_address(LISTED),
                words=words,
                reports="AAAA BBBB",
                proven=proven,
                now=world.site.seconds() - days * 86_400,
            )
            for proven, days in ((True, 5), (False, 0), (False, 1))
        ]
        assert numbers[2]
        disputes.answer(
            connection, numbers[2], answer="upheld", reason="They answer your own mail.", author="op",
            now=world.site.seconds(), retracted_n=2,
        )  # fmt: skip
    return {
        "accepted": accepted, "nothing": nothing, "wait": wait, "dispute-open": f"/dispute/{numbers[0]}",
        "dispute-answered": f"/dispute/{numbers[2]}",
    }  # fmt: skip


def _from_terminal(world: World, address: str) -> str:
    """Ask for a removal as a line in a terminal does and return the path of the ticket."""
    answer = Visitor(world.site, address=address).post(
        "/removal",
        data={"address": address, "comment": "we repaired it"},
        headers={"accept": "application/json"},
    )
    return f"/ticket/{answer.json()['ticket']}"


def _operate(world: World) -> None:
    now = world.site.seconds()
    with world.site.database.write() as connection:
        for kind, network in ((Hold.EXEMPT, "203.0.113.0/24"), (Hold.OPERATOR, "198.51.100.0/24")):
            exemptions.add(
                connection, network=parse_network(network), kind=kind, reason="a shared pool", author="op",
                now=now, until_minute=now // 60 + 90 * 1440,
            )  # fmt: skip
        manual.add(
            connection, network=parse_network("192.0.2.99"), code=Code.CONFIRMED, reason="seen by hand",
            author="op", now=now, until_minute=now // 60 + 1440, allow_special=True, canary=True,
        )  # fmt: skip
        controls.put(connection, "freeze", Control(value="on", reason="a flood", author="op", set_at=now))
        controls.log(connection, at=now, actor="op", action="freeze", subject="publication", reason="a flood")
        for cause in (floods.FLOOD, floods.CANARY):
            floods.mute(
                connection, world.reporters[2], day=now // 86_400, addresses_n=500, now=now, cause=cause
            )
        shielding.notice(connection, world.reporters[1], listings_n=77, now=now)
        retractions.begin(connection, world.reporters[2], author="op", reason="lied", now=now)
        run = canaries.start(
            connection, world.site.secret, world.reporters[0], token="t" * 20, mails=9, author="op", now=now,
            address=parse_address("198.51.100.9"), authserv_id="mx.one.example",
        )  # fmt: skip
        for name, finding in (("plain", Finding.KNOWN_ADDRESS), ("exim-v4", Finding.OTHER_ADDRESS)):
            found = Outcome(
                name=name, finding=finding, found=parse_address("198.51.100.9"), keeps_foreign_results=True,
                at=now,
            )  # fmt: skip
            canaries.note(connection, world.reporters[0], run, found)
        connection.execute(
            sa.insert(reporter_network).values(
                source_id=world.reporters[0], network="198.51.100.0/28", role="own"
            )
        )
        done: tuple[tuple[Action, str], ...] = (("end", "192.0.2.9"), ("hold", "192.0.2.10"))
        for action, network in done:
            number = bulk_actions.prepare(
                connection, action,
                Wanted(network=parse_network(network), words=f"inside {network}"), author="op",
                reason="a slip", until_minute=now // 60 + 1440, now=now,
            )  # fmt: skip
            bulk_actions.start(connection, number, author="op", now=now)
    site = world.site
    bulk_job.carry_on(site.database, site.secret, site.policy, site.providers, now=now)
    with world.site.database.write() as connection:
        bulk_actions.undo(connection, 1, author="op", reason="a slip", now=now)
        bulk_actions.prepare(
            connection, "exempt", Wanted(network=parse_network("192.0.2.0/24"), words="inside 192.0.2.0/24"),
            author="op", reason="a pool", until_minute=now // 60 + 1440, now=now,
        )  # fmt: skip
    bulk_job.carry_on(site.database, site.secret, site.policy, site.providers, now=now)
    world.score()


def _publish(world: World) -> None:
    settings = world.site.settings.publish
    publish(world.site.database, settings, now=world.site.seconds())
    for file in settings.files.values():
        feeds.bring_up(file, settings.folder / FOLDER, now=world.site.seconds())


def _signed_in(world: World, place: str) -> dict[str, str]:
    visitor = Visitor(world.site, address="198.51.100.5")
    with world.site.database.write() as connection:
        key = reporters.new_key(
            connection, world.site.secret, source_id=world.reporters[0] if place == "desk" else None,
            scopes=("report", "read") if place == "desk" else ("operate", "read"), author="t",
            now=world.site.seconds(),
        )  # fmt: skip
    answer = visitor.post(f"/{place}/sign-in", data={"key": key}, headers={"origin": SITE_URL})
    assert answer.status_code == 303, answer.text
    return dict(visitor.cookies)


def _pages(world: World, tickets: dict[str, str]) -> list[Page]:
    owner = Visitor(world.site, address=LISTED)
    signed = owner.get("/owner", params={"address": LISTED}).headers["location"]
    with world.site.database.write() as connection:
        link = sessions.new_link(connection, world.site.secret, author="cli:op", now=world.site.seconds())
    console, desk = _signed_in(world, "console"), _signed_in(world, "desk")
    anybody = {
        "start": "/", "lookup": "/lookup", "lookup-confirmed": f"/lookup?address={LISTED}",
        "lookup-mixed": f"/lookup?address={REPORTED}", "lookup-v6": f"/lookup?address={V6}",
        "lookup-held": f"/lookup?address={HELD}", "lookup-unknown": "/lookup?address=9.9.9.9",
        "lookup-removed": "/lookup?address=192.0.2.8", "lookup-by-hand": "/lookup?address=192.0.2.99",
        "lookup-never": "/lookup?address=127.0.0.1", "removal-foreign": f"/removal?address={LISTED}",
        "removal-waits": "/removal?address=192.0.2.8", "removal-none": "/removal?address=9.9.9.9",
        "proofs": f"/removal/proofs?address={LISTED}", "dispute-form": f"/dispute?address={LISTED}",
        "policy": "/policy", "terms": "/terms", "statistics": "/statistics", "feeds": "/feeds",
        "use-warn": "/use", "use-score": "/use?stage=score", "use-refuse": "/use?stage=refuse",
        "report": "/report", "fix": "/fix", "fix-postfix": "/fix/postfix", "owner": signed,
        "desk-sign-in": "/desk/sign-in", "console-sign-in": "/console/sign-in",
        "console-link": f"/console/enter/{link}",
    }  # fmt: skip
    found = [Page(name=name, path=path, cookies={}, address="198.51.100.5") for name, path in anybody.items()]
    found += [
        Page(name=f"ticket-{name}" if path.startswith("/ticket") else name, path=path, cookies={},
             address="198.51.100.5")
        for name, path in tickets.items()
    ]  # fmt: skip
    found.append(Page(name="removal-own", path=f"/removal?address={LISTED}", cookies={}, address=LISTED))
    wrong = {"not-found": ("/nothing", 404), "lookup-wrong": ("/lookup?address=x", 422)}
    found += [
        Page(name=name, path=path, cookies={}, address="198.51.100.5", status=status)
        for name, (path, status) in wrong.items()
    ]
    pages = {
        "health": "/console", "reporters": f"/console/reporters?retract=one&report={RECEIPT}",
        "listings": f"/console/listings?address={LISTED}", "disputes": "/console/disputes",
        "bulk": "/console/bulk?number=1", "bulk-preview": "/console/bulk",
        "exemptions": "/console/exemptions", "audit": "/console/audit",
    }  # fmt: skip
    found += [
        Page(name=f"console-{name}", path=path, cookies=console, address="198.51.100.5")
        for name, path in pages.items()
    ]
    return [*found, Page(name="desk", path="/desk", cookies=desk, address="198.51.100.5")]

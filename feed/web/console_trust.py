"""What the operator does about reporters: weights, muted days, and taking reports back."""

import secrets
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.engine import Connection

from feed.domain.address import AddressError, parse_address
from feed.domain.canary import CanaryError
from feed.store import canaries, floods, overview, receipts, reporters, retractions, shielding
from feed.store.floods import Flood
from feed.store.reporters import MOST_SEEDED, SEED_DAYS, ReporterError
from feed.web.calibrating import Begun, Wanted, begin, deliver, mail_server
from feed.web.doing import ActionError, Doing
from feed.web.messages import text
from feed.web.site import Site

LOOKED_AT: Final = 50
"""Addresses whose future without the reporter is calculated for a page; the command line does all."""

DELIVERY_S: Final = 40.0
"""So long mails of a calibration are begun; the browser, and the proxy before us, wait for the answer."""

_SECONDS_A_DAY: Final = 86_400


def values(site: Site, query: dict[str, str]) -> dict[str, Any]:
    """Return what the page of the reporters shows, with the preview that `query` asks for."""
    now = site.seconds()
    with site.database.read() as connection:
        found = overview.activity(connection, now=now)
        names = {one.source_id: one.name for one in found}
        shown: dict[str, Any] = {
            "reporters": found,
            "calibrations": {one.source_id: _calibration(connection, one.source_id) for one in found},
            "muted": _muted(connection, sorted(names)),
            "shields": shielding.waiting(connection),
            "retractions": [
                (one, names.get(one.source_id, str(one.source_id)))
                for one in retractions.latest(connection, limit=10)
            ],
            "names": names,
            "most_weight": MOST_SEEDED,
            "most_days": SEED_DAYS,
            "looked_at": LOOKED_AT,
            "preview": None,
            "report": None,
            "asked_report": query.get("report", "")[:40],
        }
        by_name = {one.name: one.source_id for one in found}
        name = query.get("retract", "")
        if name in by_name:
            number, differences = retractions.first_differences(
                connection, site.secret, by_name[name], now=now, limit=LOOKED_AT
            )
            shown["preview"] = {"name": name, "addresses": number, "differences": differences}
        if shown["asked_report"]:
            shown["report"] = _report(connection, site, shown["asked_report"], names, now)
    return shown


def _muted(connection: Connection, sources: list[int]) -> list[list[Flood]]:
    """Return the days that weigh nothing, each with all its causes: one review lets it count."""
    days: dict[tuple[int, int], list[Flood]] = {}
    for one in floods.of_sources(connection, sources):
        if not one.reviewed_at:
            days.setdefault((one.source_id, one.day), []).append(one)
    return list(days.values())


def _calibration(connection: Connection, source_id: int) -> str:
    for run, outcomes in canaries.latest(connection, source_id, most=1):
        right = sum(not one.finding.badness for one in outcomes)
        return text("console.calibrated", right=right, came=len(outcomes), mails=run.mails)
    return text("console.uncalibrated")


def _report(
    connection: Connection, site: Site, number: str, names: dict[int, str], now: int
) -> dict[str, Any]:
    found = receipts.by_number(connection, number)
    if found is None:
        return {"found": False, "number": number}
    return {
        "found": True,
        "number": number,
        "reporter": names.get(found.source_id, str(found.source_id)),
        "answer": overview.answer_of(found.answer),
        "difference": retractions.report_difference(connection, site.secret, found, now=now),
    }


def _suspend(doing: Doing) -> str:
    return _switch(doing, doing.now, "reporter_suspend")


def _resume(doing: Doing) -> str:
    return _switch(doing, None, "reporter_resume")


def _switch(doing: Doing, at: int | None, action: str) -> str:
    name = doing.given.get("name", "")
    reporters.suspend(doing.connection, _source(doing), now=at)
    doing.log(action, name)
    return text(f"console.done_{action}", name=name)


def _source(doing: Doing) -> int:
    try:
        return reporters.find_by_name(doing.connection, doing.given.get("name", "")).source_id
    except ReporterError as problem:
        raise ActionError(str(problem)) from None


def _retract(doing: Doing) -> str:
    """Begin to take back all that a reporter ever said; the scheduler carries it on."""
    name, source_id = doing.given.get("name", ""), _source(doing)
    retractions.begin(doing.connection, source_id, author=doing.actor, reason=doing.reason, now=doing.now)
    return text("console.done_retract", name=name)


def _retract_report(doing: Doing) -> str:
    found = receipts.by_number(doing.connection, doing.given.get("report", ""))
    if found is None:
        raise ActionError(text("console.no_report"))
    counted = retractions.take_back(doing.connection, doing.site.secret, found, now=doing.now)
    doing.log("report_retract", found.receipt_id)
    return text("console.done_report" if counted else "console.done_report_idle")


def _weigh(doing: Doing) -> str:
    name, source_id = doing.given.get("name", ""), _source(doing)
    weight = doing.number("weight", least=0, most=MOST_SEEDED)
    days = doing.number("days", least=1, most=SEED_DAYS)
    if weight is None or days is None:
        raise ActionError(text("console.weigh_bounds", weight=MOST_SEEDED, days=SEED_DAYS))
    until = doing.now // _SECONDS_A_DAY + days
    reporters.seed(doing.connection, source_id, weight=weight, until_day=until, reason=doing.reason)
    doing.log("reporter_seed", name)
    return text("console.done_weigh", name=name, weight=weight / reporters.FULL_WEIGHT, days=days)


def _review(doing: Doing) -> str:
    name, source_id = doing.given.get("name", ""), _source(doing)
    day = doing.number("day", least=0, most=100_000)
    causes: tuple[str, ...] = ()
    if day is not None:
        causes = floods.review(
            doing.connection, source_id, day=day, author=doing.actor, reason=doing.reason, now=doing.now
        )
    if not causes:
        raise ActionError(text("console.no_flood"))
    for cause in causes:
        doing.log(f"{cause}_review", name)
    return text("console.done_review", name=name)


def _believe(doing: Doing) -> str:
    name, source_id = doing.given.get("name", ""), _source(doing)
    if not shielding.believe(
        doing.connection, source_id, author=doing.actor, reason=doing.reason, now=doing.now
    ):
        raise ActionError(text("console.no_shield"))
    doing.log("word_review", name)
    return text("console.done_believe", name=name)


def _calibrate(doing: Doing) -> str:
    """Note a calibration; its mails are sent once that is written."""
    given = {name: doing.given.get(name, "").strip() for name in ("name", "server", "to", "address", "host")}
    try:
        server = mail_server(given["server"])
        wanted = Wanted(
            name=given["name"], to=given["to"], address=parse_address(given["address"]), host=given["host"],
            authserv_id=doing.given.get("authserv", "").strip(),
        )  # fmt: skip
        begun = begin(
            doing.connection, doing.site.secret, wanted, token=secrets.token_urlsafe(24), author=doing.actor,
            reason=doing.reason, now=doing.now,
        )  # fmt: skip
    except (AddressError, CanaryError, ReporterError) as problem:
        raise ActionError(str(problem)) from None
    bind = doing.given.get("elsewhere") != "yes"
    doing.afterwards.append(lambda: _delivered(begun, server, bind=bind))
    return text("console.done_calibrate", name=wanted.name, run=begun.run_id)


def _delivered(begun: Begun, server: tuple[str, int], *, bind: bool) -> str:
    results = list(deliver(begun, server, bind=bind, within_s=DELIVERY_S))
    failed = [why for _name, why in results if why]
    if failed:
        raise ActionError(
            text(
                "console.calibrate_unsent",
                run=begun.run_id,
                n=len(failed),
                mails=len(results),
                why=failed[0][:200],
            )
        )
    return text("console.calibrate_sent", n=len(results))


ACTIONS: Final[dict[str, Callable[[Doing], str]]] = {
    "suspend": _suspend,
    "resume": _resume,
    "retract": _retract,
    "retract-report": _retract_report,
    "weigh": _weigh,
    "calibrate": _calibrate,
    "review": _review,
    "believe": _believe,
}
"""Word in the path -> what is done."""

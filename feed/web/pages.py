"""The pages that ask nothing of anybody: start and policy."""

from fastapi import APIRouter
from fastapi.responses import Response

from feed.web import criteria, render
from feed.web.site import Site


def router(site: Site) -> APIRouter:
    """Return the routes of `/` and `/policy`."""
    routes = APIRouter()
    publish = site.settings.publish

    @routes.api_route("/", methods=["GET", "HEAD"], response_model=None)
    def start() -> Response:
        return _cached(
            render.html(
                "start.html",
                hostmaster=publish.hostmaster,
                site_url=publish.site_url.rstrip("/"),
                zone=publish.zone,
                score_zone=publish.score_zone,
            )
        )

    @routes.api_route("/policy", methods=["GET", "HEAD"], response_model=None)
    def policy() -> Response:
        return _cached(
            render.html(
                "policy.html",
                hostmaster=publish.hostmaster,
                name=site.policy.name,
                zone=publish.zone,
                score_zone=publish.score_zone,
                criteria=criteria.criteria(site.policy),
                ways=criteria.ways_to_confirm(site.policy),
                expiry=criteria.expiry(site.policy),
                window=criteria.window(site.policy),
                steps=criteria.ladder(site.policy),
                promise=criteria.promise(),
            )
        )

    return routes


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = "max-age=60"
    return response

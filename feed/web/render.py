"""Making pages: Jinja2 with escaping always on, the texts of the catalogue, and the three forms of an answer.

A browser gets HTML. Who accepts JSON and not HTML gets JSON. A program that names neither (`curl`, whose
user reads the terminal) gets a few lines of plain text where there is an answer to give.
"""

import pathlib
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from markupsafe import Markup, escape

from feed.web import wording
from feed.web.messages import text

Form = Literal["html", "json", "text"]
_FOLDER: Final = pathlib.Path(__file__).parent
STATIC: Final = _FOLDER / "static"
_CODE: Final = re.compile(r"`([^`]+)`")
_EMPHASIS: Final = re.compile(r"\*([^*]+)\*")


def wanted(request: Request) -> Form:
    """Return in which form the requester wants the answer."""
    accept = request.headers.get("accept", "")
    if "text/html" in accept:
        return "html"
    if "application/json" in accept or "application/problem+json" in accept:
        return "json"
    return "text"


def marked(words: str) -> Markup:
    """Return `words` escaped, with backquoted parts as code and starred parts emphasised."""
    safe = str(escape(words))
    return Markup(_EMPHASIS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", safe)))  # noqa: S704 - escaped


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = marked
    environment.filters["moment"] = wording.moment
    environment.filters["exact_moment"] = wording.exact_moment
    environment.filters["points"] = wording.points
    environment.filters["day"] = lambda seconds: wording.date(seconds // 86_400)
    environment.filters["duration"] = wording.duration
    environment.globals["t"] = text
    return environment


_ENVIRONMENT: Final = _environment()


def html(template: str, *, status: int = 200, hostmaster: str, **values: Any) -> HTMLResponse:
    """Return the page that `template` makes of `values`."""
    page = _ENVIRONMENT.get_template(template).render(values, hostmaster=hostmaster)
    return HTMLResponse(page, status_code=status)


def lines(*words: str, status: int = 200, headers: Mapping[str, str]) -> PlainTextResponse:
    """Return plain text, one line for each of `words`."""
    return PlainTextResponse("\n".join(words) + "\n", status_code=status, headers=dict(headers))


def problem(
    request: Request,
    *,
    status: int,
    title: str,
    detail: str,
    hostmaster: str,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return an error in the form that is wanted: a page, RFC 9457 problem details, or one line."""
    form = wanted(request)
    response: Response
    if form == "json":
        response = JSONResponse(
            {"type": "about:blank", "title": title, "status": status, "detail": detail},
            status_code=status,
            media_type="application/problem+json",
        )
    elif form == "text":
        response = lines(detail, status=status, headers={})
    else:
        response = html("problem.html", status=status, hostmaster=hostmaster, title=title, detail=detail)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept"
    response.headers.update(headers or {})
    return response

"""What is wrong with a page, as far as that can be seen without drawing it: labels, headings, landmarks.

An own list of checks after WCAG 2.2 (1.1.1, 1.3.1, 2.4.1, 2.4.2, 2.4.3, 2.4.6, 3.1.1, 4.1.2), not a copy of
any tool's. Widths, sizes of targets and the way of the focus need a browser; contrast is calculated from
the style.
"""

import dataclasses
import html.parser
import itertools
import re
from collections.abc import Iterator

VOID = frozenset({"input", "meta", "link", "br", "rect", "line", "path", "hr", "img", "circle"})
SPEAKING = frozenset({"a", "button", "summary", "legend", "caption", "h1", "h2", "h3", "label"})
NEVER = frozenset({"script", "iframe", "object", "embed", "base", "style"})


@dataclasses.dataclass(slots=True, kw_only=True)
class Element:
    """One element with all the words inside it."""

    tag: str
    attributes: dict[str, str]
    words: str = ""

    def get(self, name: str) -> str:
        """Return an attribute, empty if there is none."""
        return self.attributes.get(name, "")


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        new = Element(tag=tag, attributes={name: value or "" for name, value in attributes})
        self.found.append(new)
        if tag not in VOID:
            self.open.append(new)

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.words += data

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1].tag == tag:
            self.open.pop()


def elements(page: str) -> list[Element]:
    """Return the elements of a page in order."""
    reader = _Reader()
    reader.feed(page)
    return reader.found


def faults(page: str) -> list[str]:
    """Return everything that is wrong with a page."""
    found = elements(page)
    return [
        *dangers(found),
        *_headings(found),
        *_landmarks(found),
        *_names(found),
        *_fields(found),
        *_ids(found),
    ]


def dangers(found: list[Element]) -> Iterator[str]:
    """Give what could run, or lead elsewhere: nothing of it belongs on any page."""
    for one in found:
        if one.tag in NEVER:
            yield f"element {one.tag}"
        for name, value in one.attributes.items():
            if name.startswith("on") or name in {"style", "srcdoc"}:
                yield f"attribute {name}"
            if name in {"href", "action", "src"} and not re.match(r"[/#]", value or "/"):
                yield f"{name} {value}"
            if name in {"href", "action", "src"} and value.startswith("//"):
                yield f"{name} {value}"


def _headings(found: list[Element]) -> Iterator[str]:
    levels = [int(one.tag[1]) for one in found if re.fullmatch("h[1-6]", one.tag)]
    if levels.count(1) != 1:
        yield f"headings {levels}"
    for before, after in itertools.pairwise(levels):
        if after > before + 1:
            yield f"heading {after} after heading {before}"


def _landmarks(found: list[Element]) -> Iterator[str]:
    for tag in ("main", "header", "footer", "title"):
        if sum(one.tag == tag for one in found) != 1:
            yield f"not one {tag}"
    navigations = [one.get("aria-label") for one in found if one.tag == "nav"]
    if "" in navigations or len(set(navigations)) != len(navigations):
        yield f"navigations {navigations}"
    regions = [
        one.get("aria-label") or one.get("aria-labelledby")
        for one in found
        if one.tag == "section" or one.get("role") == "region"
    ]
    if len(set(regions)) != len(regions):
        yield f"regions {regions}"
    if not any(one.tag == "html" and one.get("lang") == "en" for one in found):
        yield "no language"
    first = next((one for one in found if one.tag == "a"), None)
    if first is None or first.get("href") != "#content":
        yield "the first link does not lead to the content"


def _names(found: list[Element]) -> Iterator[str]:
    for one in found:
        is_named = bool(one.words.strip() or one.get("aria-label"))
        if (
            one.tag in {"a", "button", "summary", "legend", "caption", "h1", "h2", "h3", "label"}
            and not is_named
        ):
            yield f"{one.tag} without words"
        if one.tag == "svg" and not (one.get("aria-label") or one.get("aria-hidden") == "true"):
            yield "drawing without words"
        if one.tag == "img" and "alt" not in one.attributes:
            yield "picture without words"
        if one.tag == "th" and not one.get("scope"):
            yield "head of a table without scope"
        if one.get("role") == "region" and not one.get("aria-label"):
            yield "region without a name"


def _fields(found: list[Element]) -> Iterator[str]:
    labels = {one.get("for") for one in found if one.tag == "label"}
    for one in found:
        if one.tag not in {"input", "textarea", "select"} or one.get("type") == "hidden":
            continue
        if one.get("id") not in labels and not one.get("aria-label"):
            yield f"field {one.get('name')} without label"
        if one.get("type") == "radio" and not any(other.tag == "legend" for other in found):
            yield "choices without a name"


def _ids(found: list[Element]) -> Iterator[str]:
    ids = [one.get("id") for one in found if one.get("id")]
    if len(set(ids)) != len(ids):
        yield f"ids {sorted(one for one in set(ids) if ids.count(one) > 1)}"
    for one in found:
        for name in ("aria-describedby", "aria-labelledby"):
            if not set(one.get(name).split()) <= set(ids):
                yield f"{name} {one.get(name)}"
        if one.get("href").startswith("#") and one.get("href")[1:] not in ids:
            yield f"link to {one.get('href')}"
        if one.get("tabindex") not in {"", "0", "-1"}:
            yield "order of the keyboard changed by hand"

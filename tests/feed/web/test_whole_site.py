"""Every page with something on it: valid HTML, marks of an accessible page, and nothing stored that runs."""

import re
import shutil
import subprocess
from typing import Final

import pytest
import sqlalchemy as sa

from feed.store import tables_reporter, tables_site  # noqa: F401 - their tables join the metadata
from feed.store.columns import metadata
from tests.feed.web.markup import dangers, elements, faults
from tests.feed.web.whole_site import Page, fetch, furnish
from tests.feed.web.world import World

HOSTILE: Final = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}${7*7}"
MEANT: Final = {
    # Columns whose text is no free text: the program reads it, so another value is another site, or none.
    "alembic_version", "api_key.key_id", "api_key.scopes", "policy_snapshot", "trust_snapshot",
    "control.name", "control.value", "exemption.network", "reporter_network", "reporter_host.role",
    "receipt.receipt_id", "receipt.answer", "ticket.ticket_id", "ticket.kind", "ticket.outcome",
    "ticket.proof", "removal.proof", "contradiction", "publication.zone", "dispute.dispute_id",
    "dispute.answer", "session.place", "session.key_id", "proof", "outbox", "disclosure",
    "bulk_action.action", "bulk_item.before", "canary_result.finding", "signing_key", "reporter_domain.role",
    "emitter_state.reason", "event.status", "reporter.name", "provider",
}  # fmt: skip


@pytest.fixture
def pages(world: World) -> list[Page]:
    return furnish(world)


def test_every_page_answers_as_it_should(world: World, pages: list[Page]) -> None:
    for page in pages:
        assert fetch(world, page).status_code == page.status, page.name


def test_every_page_is_valid_html(world: World, pages: list[Page]) -> None:
    """By HTML Tidy: no error and no warning, but for what the living standard has and Tidy does not know.

    That is: groups of names and values inside a list of them, and three attributes.
    """
    tidy = shutil.which("tidy")
    if tidy is None:
        pytest.skip("needs the program tidy")
    faults = []
    for page in pages:
        body = re.sub(r"<div>(<dt>.*?</dd>)</div>", r"\1", fetch(world, page).text, flags=re.DOTALL)
        done = subprocess.run(
            [tidy, "-quiet", "-errors", "-utf8", "--show-info", "no", "--drop-empty-elements", "no"],
            input=body, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        faults += [
            f"{page.name}: {line}"
            for line in done.stderr.splitlines()
            if not re.search(r'proprietary attribute "(aria-current|autocapitalize|inputmode)"', line)
        ]
    assert faults == []


def test_every_page_has_the_marks_of_an_accessible_one(world: World, pages: list[Page]) -> None:
    """Labels, order of headings, landmarks, names, heads of tables, order of the keyboard; see `markup`."""
    for page in pages:
        assert faults(fetch(world, page).text) == [], page.name


def test_a_page_with_an_error_says_so_in_its_title(world: World, pages: list[Page]) -> None:
    """The title is what a screen reader says first (WCAG 2.4.2, 3.3.1)."""
    titles = {
        page.name: next(one.words for one in elements(fetch(world, page).text) if one.tag == "title")
        for page in pages
    }
    assert titles["lookup-wrong"].startswith("Error:")
    assert all(words.strip() for words in titles.values())


def test_only_operators_see_which_listing_never_sends(world: World, pages: list[Page]) -> None:
    told = [page.name for page in pages if "canary" in fetch(world, page).text.lower()]
    assert "console-listings" in told
    assert [name for name in told if not name.startswith("console-")] == []


def _free_columns() -> list[sa.Column[object]]:
    return [
        column
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.String)
        and not column.primary_key
        and table.name not in MEANT
        and f"{table.name}.{column.name}" not in MEANT
    ]


def test_nothing_stored_runs_on_any_page(world: World, pages: list[Page]) -> None:
    """Every free text of the database is hostile at once, also in columns that come later."""
    columns = _free_columns()
    assert len(columns) > 30
    with world.site.database.write() as connection:
        connection.execute(sa.text("DROP TRIGGER audit_no_update"))
        connection.execute(sa.text("PRAGMA ignore_check_constraints = ON"))
        for column in columns:
            length = getattr(column.type, "length", None) or 400
            connection.execute(sa.update(column.table).values({column.name: HOSTILE[:length]}))
        connection.execute(sa.text("PRAGMA ignore_check_constraints = OFF"))
    seen = 0
    for page in pages:
        body = fetch(world, page).text
        assert list(dangers(elements(body))) == [], page.name
        assert "alert(1)</script>" not in body, page.name
        assert "<img" not in body, page.name
        assert "${49}" not in body
        seen += "&lt;script&gt;" in body
    assert seen >= 8, "the texts were there to be seen"

"""The drawing: every number has its place, gaps stay gaps, and a lonely day is still seen."""

import re
import xml.etree.ElementTree as ET

import pytest

from feed.simulate.picture import draw

_NAMES = ("listed .2", "listed .3", "false .2", "false .3", "minutes to list")
_SVG = "{http://www.w3.org/2000/svg}"


def drawn(**series: list[float | None]) -> ET.Element:
    """Return the drawing of a run; `listed_2` stands for the series `listed .2`."""
    by_name = {name: series.get(name.replace(" .", "_").replace(" ", "_"), [0.0] * 4) for name in _NAMES}
    return ET.fromstring(draw([("a run", by_name)]))


def words(svg: ET.Element) -> list[str]:
    return [one.text or "" for one in svg.iter(f"{_SVG}text")]


def test_a_day_between_two_without_number_is_a_point() -> None:
    svg = drawn(minutes_to_list=[None, 20, None, 30, 31])
    assert len(list(svg.iter(f"{_SVG}circle"))) == 1
    minutes = [one.get("d", "") for one in svg.iter(f"{_SVG}path") if one.get("fill") == "none"][-1]
    assert re.fullmatch(r"M[\d.]+ [\d.]+L[\d.]+ [\d.]+", minutes)


def test_a_series_without_any_number_is_drawn_as_nothing() -> None:
    svg = drawn(minutes_to_list=[None] * 4)
    assert sum(one.get("fill") == "none" for one in svg.iter(f"{_SVG}path")) == 4


@pytest.mark.parametrize(
    ("most", "top"), [(0, "2"), (1, "2"), (3, "4"), (26, "40"), (100, "100"), (101, "200")]
)
def test_the_axis_ends_at_a_plain_number(most: int, top: str) -> None:
    assert top in words(drawn(listed_2=[0, most], minutes_to_list=[None]))[:12]


def test_all_lines_stay_inside_of_their_panel() -> None:
    svg = drawn(listed_2=[0, 57, 13], listed_3=[1, 2, 90], minutes_to_list=[5, 400, None])
    height = float(svg.get("height", "0"))
    for path in svg.iter(f"{_SVG}path"):
        for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path.get("d", "")):
            assert 0 < float(y) < height


def test_titles_are_escaped_and_no_run_is_no_panel() -> None:
    assert "&lt;b&gt;" in draw([("<b>", {})])
    assert words(ET.fromstring(draw([]))) == []

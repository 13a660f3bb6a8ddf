"""What `simulate` says at the end: of reached targets, of missed ones, and of what could not be measured."""

import pytest

from feed.commands.simulated import print_side_by_side, print_spreads
from feed.domain.policy import PRIVATE
from feed.simulate.kept import Judged, series_of
from feed.simulate.metric import Metric


def _run(*values: float | None) -> Judged:
    metrics = tuple(
        Metric(name=f"share {number}", value=value, digits=2, at_least=0.9)
        for number, value in enumerate(values)
    )
    series = series_of(PRIVATE, scenario="plain", scale="tiny", days=5)
    return Judged(
        series=series, seed=1, alone=False, events=1, metrics=(*metrics, Metric(name="free", value=None))
    )


CASES = [
    pytest.param((0.95, 0.99), "every target reached", id="all"),
    pytest.param(
        (0.95, None), "every target that could be measured reached; 1 not measured", id="unmeasured"
    ),
    pytest.param((None, None), "no target reached or missed; 2 not measured", id="nothing-measured"),
    pytest.param((0.5, 0.99), "1 numbers miss their target, marked !", id="missed"),
    pytest.param((0.5, None), "1 numbers miss their target, marked !; 1 not measured", id="missed-and-not"),
]


@pytest.mark.parametrize(("values", "words"), CASES)
def test_numbers_with_a_target_that_were_not_measured_are_counted(
    values: tuple[float | None, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _run(*values)
    print_side_by_side([run], seed=1, days=5, scale="tiny")
    assert capsys.readouterr().out.splitlines()[-1] == words
    print_spreads([run], days=5, scale="tiny")
    assert capsys.readouterr().out.splitlines()[-1] == words

"""Policies from files: what is written counts, and slips are said in words."""

import pathlib

import pytest

from feed.domain.evidence import MICRO
from feed.domain.policy import COMMUNITY, PolicyError
from feed.simulate.policies import load_policy


def test_a_file_changes_numbers_of_its_base(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "strict.toml"
    file.write_text('base = "private"\nlist_at = 6.5\n')
    policy = load_policy(str(file))
    assert (policy.name, policy.list_at, policy.quorum_groups) == ("strict", 6_500_000, 1)
    file.write_text('name = "other"\nlist_at = 12\n')
    assert load_policy(str(file)).name == "other"
    assert load_policy(str(file)).list_at == 12 * MICRO


def test_names_are_those_of_the_built_in_ones() -> None:
    assert load_policy("community") is COMMUNITY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("list_at = ", "not valid TOML", id="broken"),
        pytest.param("liste_at = 3", "unknown policy setting", id="unknown key"),
        pytest.param("base = 3", "base must be", id="base is no name"),
        pytest.param('base = "third"', "there is no policy", id="unknown base"),
        pytest.param("list_at = 3", "must", id="contradicts another number"),
        pytest.param("# " + "x" * 200_000, "too long", id="a disk image"),
    ],
)
def test_a_bad_file_is_refused_in_words(tmp_path: pathlib.Path, text: str, words: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=words):
        load_policy(str(file))


def test_a_missing_file_is_refused_in_words(tmp_path: pathlib.Path) -> None:
    with pytest.raises(PolicyError, match="cannot read"):
        load_policy(str(tmp_path / "none.toml"))
    with pytest.raises(PolicyError, match="there is no policy"):
        load_policy("privat")

"""Settings: what is wrong is named, all of it at once, in words."""

import pathlib

import pytest

from feed.settings import SettingsError, load


def _file(folder: pathlib.Path, text: str) -> pathlib.Path:
    file = folder / "backscatter.toml"
    file.write_text(text)
    return file


def test_defaults_work_without_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert (settings.publish.zone, settings.publish.score_zone) == ("bl.feed.test", "score.bl.feed.test")
    assert settings.publish.allow_special


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "[http]\nlisen = 'x'", "http.lisen: there is no such setting; did you mean listen?", id="typo"
        ),
        pytest.param(
            "[htpp]\n", "htpp: there is no such setting; did you mean http?", id="typo in a section"
        ),
        pytest.param("[http]\nlisten = 'here'", "http.listen: HOST:PORT is needed", id="no port"),
        pytest.param("[http]\nlisten = 'h:99999'", "http.listen: HOST:PORT is needed", id="port too large"),
        pytest.param(
            "[score]\npolicy = 'public'", "score.policy: it should be 'private' or 'community'", id="policy"
        ),
        pytest.param(
            "[score]\ntick_s = 0", "score.tick_s: it should be greater than or equal to 1", id="range"
        ),
        pytest.param("[publish]\nzone = 'no dots'", "publish.zone: a domain name is needed", id="zone"),
        pytest.param(
            "[http]\ntrusted_proxies = ['10.0.0.1/8']", "the network has host bits set", id="host bits"
        ),
        pytest.param("[http\n", "is not valid TOML", id="broken TOML"),
    ],
)
def test_wrong_file_is_refused_in_words(tmp_path: pathlib.Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as problem:
        load(_file(tmp_path, text))
    assert words in str(problem.value)


def test_everything_wrong_is_named_at_once(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SettingsError) as problem:
        load(_file(tmp_path, "[http]\nlisen = 1\njudges = 0\n[dns]\nworkers = 0\n"))
    assert all(name in str(problem.value) for name in ("http.lisen", "http.judges", "dns.workers"))


def test_file_that_cannot_be_read_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        load(tmp_path / "none.toml")


def test_environment_wins_over_the_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSF_HTTP__LISTEN", "127.0.0.1:9999")
    settings = load(_file(tmp_path, "[http]\nlisten = '127.0.0.1:1'\njudges = 3\n"))
    assert (settings.http.listen, settings.http.judges) == ("127.0.0.1:9999", 3)


def test_misspelt_environment_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BSF_HTTP__LISEN", "127.0.0.1:9999")
    with pytest.raises(SettingsError, match="BSF_HTTP__LISEN"):
        load()


def test_special_space_is_taken_under_test_only(tmp_path: pathlib.Path) -> None:
    settings = load(_file(tmp_path, "[publish]\nzone = 'bl.example.org'\n"))
    assert not settings.publish.allow_special

"""What `serve` tells the name server: everything that `[dns]` says, in words that it takes."""

import pathlib

import pytest

from dnsbl_server import arguments
from feed.commands import serve
from feed.settings import DnsSettings, PublishSettings, ScoreSettings, Settings


def parsed(dns: DnsSettings, policy: str = "private") -> dict[str, object]:
    score = ScoreSettings.model_validate({"policy": policy})
    settings = Settings.model_construct(dns=dns, score=score, publish=PublishSettings())
    return vars(arguments.parse(serve.dns_arguments(settings)))


def test_every_setting_reaches_the_name_server() -> None:
    """A setting that were forgotten would open a door that the operator has closed."""
    chosen: dict[str, object] = {
        "listen": ("127.0.0.1:5311", "[::1]:5311"),
        "workers": 3,
        "allow_query": ("192.0.2.0/24", "2001:db8::/32"),
        "client_keys": pathlib.Path("keys"),
        "rate_limit": 77,
        "allow_transfer": ("key:a.example", "192.0.2.1/32"),
        "tsig_key": pathlib.Path("tsig"),
        "notify": ("192.0.2.1:53,a.example",),
        "history": pathlib.Path("past"),
        "cookie_secret": pathlib.Path("secret"),
        "metrics": "127.0.0.1:9153",
        "query_log": pathlib.Path("log"),
        "query_log_sample": 50,
        "plain_sockets": True,
        "cookie_siphash": True,
    }
    assert set(chosen) == set(DnsSettings.model_fields)
    found = parsed(DnsSettings.model_validate(chosen))
    for name, value in chosen.items():
        expected = list(value) if isinstance(value, tuple) else value
        assert found[name] == expected, name
    assert found["wait"] is True
    assert found["snapshot"] == list(PublishSettings().files.values())


def test_without_settings_nothing_is_limited_kept_or_given_away() -> None:
    found = parsed(DnsSettings())
    unset = ("allow_query", "client_keys", "tsig_key", "history", "cookie_secret", "metrics", "query_log")
    assert {name: found[name] for name in unset} == dict.fromkeys(unset)
    assert found["allow_transfer"] == found["notify"] == []
    assert found["plain_sockets"] is False


@pytest.mark.parametrize(
    ("policy", "chosen", "expected"),
    [
        pytest.param("private", None, 0, id="a private feed has no limit"),
        pytest.param("community", None, 2000, id="a public one has a high limit"),
        pytest.param("community", 0, 0, id="unless it is switched off"),
        pytest.param("private", 5, 5, id="or set"),
    ],
)
def test_the_rate_limit_depends_on_the_policy(policy: str, chosen: int | None, expected: int) -> None:
    assert parsed(DnsSettings(rate_limit=chosen), policy)["rate_limit"] == expected

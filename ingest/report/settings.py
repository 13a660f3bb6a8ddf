"""The reporter's settings: one TOML file, every value checked and refused in words."""

import dataclasses
import datetime as dt
import pathlib
import re
import tomllib
import zoneinfo
from collections.abc import Mapping
from typing import Any, Final

from ingest.report.networks import Network, NetworkError, network

DEFAULT_FILE: Final = pathlib.Path("/etc/backscatter-report.toml")
DEFAULT_STATE: Final = pathlib.Path("/var/lib/backscatter-report")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DOMAIN: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")


class SettingsError(ValueError):
    """The settings cannot be used; the message says which value and why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """One feed to report to. name: also its folder in the spool."""

    name: str
    url: str
    key_file: pathlib.Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; docs/report-postfix.md explains each where it is needed.

    complete: all mail of `domains` leaves through the logs that are scanned. hosts: log hosts that send
    mail; empty: those seen sending. zone: of stamps without a zone; None: this machine's.
    """

    state: pathlib.Path = DEFAULT_STATE
    domains: frozenset[str] = frozenset()
    tagged_domains: frozenset[str] = frozenset()
    own_networks: tuple[Network, ...] = ()
    forwarders: tuple[Network, ...] = ()
    border_hosts: frozenset[str] = frozenset()
    internal_hosts: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    complete: bool = False
    providers: pathlib.Path | None = None
    zone: dt.tzinfo | None = None
    feeds: tuple[FeedSettings, ...] = ()


def read_settings(path: pathlib.Path) -> Settings:
    """Return the settings in a file; raises SettingsError, and OSError if it cannot be read."""
    try:
        return settings_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError(f"{path} is no TOML: {problem}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8") from None
    except SettingsError as problem:
        raise SettingsError(f"{path}: {problem}") from None


def settings_of(said: Mapping[str, Any]) -> Settings:
    """Return settings from what TOML said; raises SettingsError."""
    left = dict(said)
    found: dict[str, Any] = {}
    for name in ("domains", "tagged_domains", "border_hosts", "internal_hosts"):
        found[name] = frozenset(_domain(name, text) for text in _texts(left, name))
    for name in ("own_networks", "forwarders"):
        try:
            found[name] = tuple(network(text) for text in _texts(left, name))
        except NetworkError as problem:
            raise SettingsError(f"{name}: {problem}") from None
    found["hosts"] = frozenset(_texts(left, "hosts"))
    found["complete"] = _one(left, "complete", bool, default=False)
    found["state"] = pathlib.Path(_one(left, "state", str, default=str(DEFAULT_STATE)))
    providers = _one(left, "providers", str, default="")
    found["providers"] = pathlib.Path(providers) if providers else None
    found["zone"] = zone_of(_one(left, "zone", str, default=""))
    found["feeds"] = _feeds(left.pop("feed", []))
    if left:
        raise SettingsError(f"there is no setting {min(left)!r}")
    return Settings(**found)


def zone_of(name: str) -> dt.tzinfo | None:
    """Return the time zone of a name such as Europe/Berlin, None for an empty one; raises SettingsError."""
    if not name:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f"zone: {name!r} is no time zone such as Europe/Berlin") from None


def _one(left: dict[str, Any], name: str, kind: type, *, default: Any) -> Any:
    value = left.pop(name, default)
    if type(value) is not kind:
        raise SettingsError(f"{name} is to be {'true or false' if kind is bool else 'a text in quotes'}")
    return value


def _texts(left: dict[str, Any], name: str) -> list[str]:
    value = left.pop(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise SettingsError(f'{name} is to be a list of texts such as ["a", "b"]')
    return value


def _domain(name: str, text: str) -> str:
    lower = text.strip().rstrip(".").lower()
    if not _DOMAIN.fullmatch(lower):
        raise SettingsError(f"{name}: {text[:80]!r} is no domain name")
    return lower


def _feeds(said: Any) -> tuple[FeedSettings, ...]:
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise SettingsError("each feed is a [[feed]] section")
    feeds = []
    for one in said:
        left = dict(one)
        name, url, key_file = (_one(left, field, str, default=None) for field in ("name", "url", "key_file"))
        if left:
            raise SettingsError(f"[[feed]]: there is no setting {min(left)!r}")
        if not _NAME.fullmatch(name):
            raise SettingsError(f"[[feed]] name: {name[:80]!r} is to be small letters, digits and hyphens")
        if not url.startswith(("https://", "http://")):
            raise SettingsError(f"[[feed]] {name}: url begins with https:// or http://")
        feeds.append(FeedSettings(name=name, url=url, key_file=pathlib.Path(key_file)))
    if len({feed.name for feed in feeds}) != len(feeds):
        raise SettingsError("two feeds have the same name")
    return tuple(feeds)

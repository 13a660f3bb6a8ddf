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
CLASSES: Final = ("trap", "tag_missing", "tag_bad", "log_miss", "no_such_user", "unknown")
_IMAP_PORTS: Final = {"tls": 993, "starttls": 143, "none": 143}
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
class ImapSettings:
    """One folder of a mailbox to report from.

    name: also its file of positions. recipient_class: what all mail in the folder is. move_to: where mails go
    that were spooled; empty: the mailbox is never changed. security: tls, starttls or none.
    """

    name: str
    host: str
    port: int
    user: str
    password_file: pathlib.Path
    folder: str = "INBOX"
    move_to: str = ""
    recipient_class: str = ""
    security: str = "tls"
    raw: bool = False


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
    imap: tuple[ImapSettings, ...] = ()


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
    found["imap"] = _imap(left.pop("imap", []))
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
        raise SettingsError(f"{name} is to be {_WORDS[kind]}")
    return value


_WORDS: Final[dict[type, str]] = {bool: "true or false", int: "a number", str: "a text in quotes"}


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


def _imap(said: Any) -> tuple[ImapSettings, ...]:
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise SettingsError("each mailbox is an [[imap]] section")
    boxes = [_mailbox(dict(one)) for one in said]
    if len({box.name for box in boxes}) != len(boxes):
        raise SettingsError("two [[imap]] sections have the same name")
    return tuple(boxes)


def _mailbox(left: dict[str, Any]) -> ImapSettings:
    try:
        name, host, user = (_one(left, field, str, default=None) for field in ("name", "host", "user"))
        security = _one(left, "security", str, default="tls")
        box = ImapSettings(
            name=name,
            host=host,
            user=user,
            port=_one(left, "port", int, default=_IMAP_PORTS.get(security, 0)),
            password_file=pathlib.Path(_one(left, "password_file", str, default=None)),
            folder=_one(left, "folder", str, default="INBOX"),
            move_to=_one(left, "move_to", str, default=""),
            recipient_class=_one(left, "class", str, default=""),
            security=security,
            raw=_one(left, "raw", bool, default=False),
        )
    except SettingsError as problem:
        raise SettingsError(f"[[imap]] {problem}") from None
    if left:
        raise SettingsError(f"[[imap]]: there is no setting {min(left)!r}")
    if not _NAME.fullmatch(box.name):
        raise SettingsError(f"[[imap]] name: {box.name[:80]!r} is to be small letters, digits and hyphens")
    if box.security not in _IMAP_PORTS:
        raise SettingsError(f"[[imap]] {box.name}: security is tls, starttls or none")
    if box.recipient_class and box.recipient_class not in CLASSES:
        raise SettingsError(f"[[imap]] {box.name}: class is one of {', '.join(CLASSES)}")
    if any(sign in text for text in (box.folder, box.move_to, box.user) for sign in "\r\n\0"):
        raise SettingsError(f"[[imap]] {box.name}: names hold no line ends")
    return box

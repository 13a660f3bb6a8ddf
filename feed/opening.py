"""Opening the feed: settings in, database, secret, policy and provider file out. Used by every process."""

import dataclasses
import importlib.resources
import logging
import pathlib
import sys
from typing import Any

import structlog

from feed.domain.origin import Origins
from feed.domain.policy import Policy, policy_named
from feed.domain.providers import Providers
from feed.settings import Settings
from feed.store import controls, upgrade
from feed.store import secret as secrets
from feed.store.controls import Control
from feed.store.database import Database
from feed.store.followed import Followed
from feed.store.secret import Secret, SecretError

_log = structlog.get_logger()

_SECRET_MARK = "secret"  # noqa: S105 - the name of a row


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What a process works with. provider_file: to be looked at by a process that stays.

    origin_file: who announces which addresses; large, so it is read when it is first looked at.
    """

    settings: Settings
    database: Database
    secret: Secret
    policy: Policy
    provider_file: Followed[Providers]
    origin_file: Followed[Origins]

    @property
    def providers(self) -> Providers | None:
        """The provider ranges last read; None: there was no good file, so nothing new is listed."""
        return self.provider_file.known


def open_feed(settings: Settings, *, check: bool = True) -> Feed:
    """Return the opened feed; raises `StoreError` or `SecretError` in words.

    check: refuse a database that is empty, older or newer than this program.
    """
    database = Database(settings.store.url, synchronous=settings.store.sqlite_synchronous)
    if check:
        upgrade.check(database)
    return Feed(
        settings=settings,
        database=database,
        secret=_secret(database, settings.store.secret_file),
        policy=policy_named(settings.score.policy),
        provider_file=_provider_file(settings.score.providers_file),
        origin_file=_origin_file(settings.score.as_file),
    )


def _secret(database: Database, file: pathlib.Path) -> Secret:
    """Return the secret, made at the first start only; raises `SecretError` for another than that one.

    A secret that got lost must not be replaced in silence: every key would be wrong from then on.
    """
    with database.read() as connection:
        mark = controls.get(connection, _SECRET_MARK)
    if mark is not None and not file.exists():
        raise SecretError(f"{file} is gone, and with it every key: restore it from the backup")
    secret = secrets.load(file)
    made = secret.mac("mark", b"").hex()
    if mark is None:
        with database.write() as connection:
            mark = Control(value=made, reason="", author="first start", set_at=0)
            controls.put(connection, _SECRET_MARK, mark)
    if mark.value != made:
        raise SecretError(f"{file} is not the secret that this database was made with; restore the right one")
    return secret


def _provider_file(file: pathlib.Path | None) -> Followed[Providers]:
    """Return the provider file; with a line, and without ranges, if it cannot be read.

    One that is gone or broken never lists anybody: what its last good copy held stays held, and without
    one nothing new is listed at all. The built-in one changes with the program only.
    """
    try:
        known = read_providers(file)
    except (OSError, ValueError) as problem:
        print(f"the provider file cannot be used, nothing new will be listed: {problem}", file=sys.stderr)
        known = None
    return Followed(file, read_providers, known=known, taken=_providers_taken, refused=_providers_refused)


def _providers_taken(fresh: Providers) -> None:
    _log.info("provider file", networks=fresh.network_count, dated=fresh.date.isoformat())


def _providers_refused(problem: Exception, known: Providers | None) -> None:
    kept = "nothing new is listed" if known is None else f"that of {known.date} stays"
    _log.error("the provider file cannot be used", reason=str(problem), kept=kept)


def read_providers(file: pathlib.Path | None) -> Providers:
    """Return the provider file, the built-in one unless `file` is named.

    Raises `OSError`, or `ValueError` for what is no text or no provider file.
    """
    if file is None:
        source = importlib.resources.files("feed") / "data" / "providers.txt"
        return Providers.parse(source.read_text(encoding="utf-8"))
    return Providers.parse(file.read_text(encoding="utf-8"))


def _origin_file(file: pathlib.Path | None) -> Followed[Origins]:
    return Followed(file, read_origins, known=None, taken=_origins_taken, refused=_origins_refused)


def _origins_taken(fresh: Origins) -> None:
    _log.info("file of autonomous systems", prefixes=fresh.prefixes)


def _origins_refused(problem: Exception, known: Origins | None) -> None:
    kept = "nothing is summed by it" if known is None else f"that of {known.prefixes} prefixes stays"
    _log.error("the file of autonomous systems cannot be used", reason=str(problem), kept=kept)


def read_origins(file: pathlib.Path) -> Origins:
    """Return the file of autonomous systems; raises `OSError`, or `OriginFileError` with line and reason."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        return Origins.parse(lines)


def configure_log(*, tracebacks: bool = False) -> None:
    """Log to standard error: JSON lines, which systemd or a container keeps, and words on a terminal.

    tracebacks: of defects; only for a process that holds nothing of what reporters sent.
    """
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        processors.append(structlog.dev.ConsoleRenderer())
    else:
        processors += [structlog.processors.format_exc_info] if tracebacks else []
        processors.append(structlog.processors.JSONRenderer())
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )

"""Settings: one TOML file and `BSF_*` environment variables, checked in words before anything starts.

The file is named by `BSF_CONFIG` or `--config`, else `backscatter.toml` in the working folder if there
is one. An environment variable overrides the file: `BSF_DNS__WORKERS=2` is `workers` of `[dns]`. Every
process checks the whole file, so a slip is found by the first that starts.
"""

import difflib
import os
import pathlib
import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

import pydantic
import pydantic_settings
from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from feed.domain.address import AddressError, parse_network

_OTHER_VARIABLES: Final = frozenset(
    {
        "BSF_CONFIG",
        "BSF_REQUIRE_ALL",
        "BSF_CORPORA",
        "BSF_CONFORMANCE",
        "BSF_EXIM_ROOT",
        "BSF_RBLDNSD_TESTS",
        "BSF_FUZZ",
        "BSF_FUZZ_SEED",
    }
)
"""Variables that are no settings: where the settings are, and what the tests are told."""

DEFAULT_FILE: Final = "backscatter.toml"
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))+")

_ADDRESS: Final = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}@[a-z0-9][a-z0-9.-]{0,250}[a-z0-9]", re.IGNORECASE)


class SettingsError(Exception):
    """The settings cannot be used; the message names each wrong value, in words."""


def _zone(name: str) -> str:
    plain = name.lower().rstrip(".")
    if not _NAME.fullmatch(plain) or len(plain) > 180:  # noqa: PLR2004
        raise ValueError("a domain name is needed, such as bl.example.org (at most 180 characters)")
    return plain


def _network(text: str) -> str:
    try:
        return str(parse_network(text))
    except AddressError as problem:
        raise ValueError(str(problem)) from None


def _listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004
        raise ValueError("HOST:PORT is needed, such as 127.0.0.1:5300 or [::1]:53")
    return text


def _sender(text: str) -> str:
    if text and not _ADDRESS.fullmatch(text):
        raise ValueError("a plain mail address is needed, such as noreply@feed.example.org")
    return text


def _trap_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("a plain mail address is needed, such as k3v9x@example.org")
    return text.lower()


def _hostmaster(text: str) -> str:
    local, at, domain = text.rpartition("@")
    # RFC 1035 section 3.3.13: a mail address is written as a name, dots of its local part escaped.
    return f"{local.replace('.', chr(92) + '.')}.{_zone(domain)}" if at else _zone(text)


def _site_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/$?#]+(?:/[^\s$?#]*)?", text) or len(text) > 100:  # noqa: PLR2004
        raise ValueError("an address such as https://feed.example.org is needed (at most 100 characters)")
    return text.rstrip("/")


Hostmaster = Annotated[str, AfterValidator(_hostmaster)]
SiteUrl = Annotated[str, AfterValidator(_site_url)]
ZoneName = Annotated[str, AfterValidator(_zone)]
Cidr = Annotated[str, AfterValidator(_network)]
Listen = Annotated[str, AfterValidator(_listen)]


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Section):
    """`[store]`: where everything is kept."""

    url: str = "sqlite:///var/feed.db"
    sqlite_synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """FULL: a receipt that was given survives a power cut. NORMAL: faster, may lose the last second."""
    secret_file: pathlib.Path = pathlib.Path("var/secret")
    """Made at first start, mode 0600; keys and digests are hashed under it. Belongs into the backup."""


class ScoreSettings(_Section):
    """`[score]`: the policy and the job."""

    policy: Literal["private", "community"] = "private"
    tick_s: int = Field(default=15, ge=1, le=300)
    providers_file: pathlib.Path | None = None
    """Published ranges of large shared senders; the list that comes with the program unless named."""
    as_file: pathlib.Path | None = None
    """Prefixes and who announces them, for rankings by autonomous system; decides nothing."""


class PublishSettings(_Section):
    """`[publish]`: the zones and their data for resolvers and people."""

    zone: ZoneName = "bl.feed.test"
    score_zone: ZoneName = "score.bl.feed.test"
    folder: pathlib.Path = pathlib.Path("var/snapshots")
    name_servers: tuple[ZoneName, ...] = Field(default=("ns.feed.test",), min_length=1)
    hostmaster: Hostmaster = "hostmaster.feed.test"
    site_url: SiteUrl = "http://127.0.0.1:8080"
    """Where the site is reached from outside; stands in TXT records and pages."""

    @pydantic.model_validator(mode="after")
    def _two_zones(self) -> Self:
        if self.zone == self.score_zone:
            raise ValueError("zone and score_zone must differ: the second also holds what is only reported")
        return self

    @property
    def allow_special(self) -> bool:
        """Whether private and documentation addresses are taken: only where all zones are under .test."""
        return self.zone.endswith(".test") and self.score_zone.endswith(".test")

    @property
    def files(self) -> dict[str, pathlib.Path]:
        """Snapshot file by zone name."""
        return {zone: self.folder / f"{zone}.snap" for zone in (self.zone, self.score_zone)}


class HttpSettings(_Section):
    """`[http]`: the report API and the site."""

    listen: Listen = "127.0.0.1:8080"
    serve: tuple[Literal["reports", "site", "console"], ...] = Field(
        default=("reports", "site"), min_length=1
    )
    trusted_proxies: tuple[Cidr, ...] = ("127.0.0.0/8", "::1/128")
    """Only from these is X-Forwarded-For believed: a proxy on the same machine unless said otherwise."""
    judges: int = Field(default=1, ge=1, le=64)
    """Pre-forked children that read hostile mail under a memory limit and a kill timer."""
    share_port: bool = False
    """Several processes may listen on the same port, and the kernel spreads connections over them."""


class DnsSettings(_Section):
    """`[dns]`: what `backscatter-feed serve` starts; `backscatter-dnsbl --help` says more of each."""

    listen: tuple[Listen, ...] = ("127.0.0.1:5300",)
    workers: int = Field(default=1, ge=1, le=256)
    allow_query: tuple[Cidr, ...] = ()
    """Networks that may ask, all others are refused; nobody is, unless this or `client_keys` is set."""
    client_keys: pathlib.Path | None = None
    """File of key labels, lines `KEY [NAME]`."""
    rate_limit: int | None = Field(default=None, ge=0, le=10_000_000)
    """NXDOMAIN answers a second for a /24 or /56 and worker; 0 = none. Default: 2,000, with private none."""
    allow_transfer: tuple[str, ...] = ()
    """Networks, or `key:NAME`, that may have whole zones."""
    tsig_key: pathlib.Path | None = None
    notify: tuple[str, ...] = ()
    """Secondaries to tell of new serials: HOST:PORT or HOST:PORT,KEY."""
    history: pathlib.Path | None = None
    """Folder for what changed in 72 hours, so that IXFR goes on after a restart."""
    cookie_secret: pathlib.Path | None = None
    cookie_siphash: bool = False
    metrics: Listen | None = None
    query_log: pathlib.Path | None = None
    """A sample of the queries, without whole addresses of askers; nothing is kept unless this is set."""
    query_log_sample: int = Field(default=1000, ge=1)
    plain_sockets: bool = False


class SiteSettings(_Section):
    """`[site]`: what the pages say and ask."""

    controller: str = Field(default="", max_length=500)
    """Who is responsible under data protection law, with postal address; stands on the terms page."""
    answer_days: int = Field(default=3, ge=1, le=30)
    """Within how many days the operator answers disputes; told to everybody who asks."""
    resolver: Listen | None = None
    """Resolver that the removal proofs ask; the first of /etc/resolv.conf unless named."""
    rdap_bootstrap: tuple[pathlib.Path, ...] = ()
    """IANA's bootstrap files of RDAP, ipv4.json and ipv6.json: whom to ask for abuse contacts."""
    rdap_url: str = Field(default="", pattern=r"^(https://[\x21-\x7e]{1,300})?$")
    """RDAP service for what the files do not name, such as https://rdap.example.net/ip/; empty: none."""


class MailSettings(_Section):
    """`[mail]`: the relay for our own mails. Without a host no mail is offered and none is sent."""

    host: str = Field(default="", max_length=253)
    port: int = Field(default=25, ge=1, le=65535)
    sender: Annotated[str, AfterValidator(_sender)] = ""
    """What stands in `From`; the envelope sender is always empty."""
    tls: Literal["none", "starttls", "tls"] = "none"
    """starttls and tls check the relay's certificate."""
    timeout_s: float = Field(default=20, gt=0, le=120)

    @property
    def can_send(self) -> bool:
        """Whether mails can be sent at all."""
        return bool(self.host and self.sender)


class TrapSettings(_Section):
    """`[trap]`: the SMTP receiver for domains and addresses that never send; `backscatter-ingest trap`."""

    listen: tuple[Listen, ...] = Field(default=("127.0.0.1:2525",), min_length=1)
    domains: tuple[ZoneName, ...] = ()
    """Every address in these is a trap; a domain below one of them is not meant."""
    addresses: tuple[Annotated[str, AfterValidator(_trap_address)], ...] = ()
    """Single addresses of domains that are not traps as a whole."""
    reporter: str = Field(default="traps", min_length=1, max_length=100)
    """The name under which the operator registered his own traps as a reporter."""
    hostname: str = Field(default="", max_length=253, pattern=r"^[A-Za-z0-9.-]*$")
    """What the receiver calls itself; the name of the machine unless set."""
    refusal: str = Field(default="", max_length=200, pattern=r"^[ -~]*$")
    """Words after the code that refuses a mail; unless set, a neutral line with the address of the site."""
    tls_certificate: pathlib.Path | None = None
    tls_key: pathlib.Path | None = None
    """STARTTLS is offered when a certificate chain is named; the key may be in the same file."""
    most_connections: int = Field(default=500, ge=1, le=50_000)
    most_from_one: int = Field(default=20, ge=1, le=10_000)
    """Connections at once from one address (IPv6: one /64)."""
    largest_bytes: int = Field(default=10 * 1024 * 1024, ge=64 * 1024, le=100 * 1024 * 1024)
    """Of one mail; its first 256 KiB are judged and the rest is never kept."""
    idle_s: float = Field(default=60, gt=0, le=300)
    session_s: float = Field(default=600, gt=0, le=3600)
    metrics_listen: Listen | None = None
    """Where `/metrics` is served for Prometheus; whoever reaches it may read it, so keep it on loopback."""

    @pydantic.model_validator(mode="after")
    def _key_needs_certificate(self) -> Self:
        if self.tls_key is not None and self.tls_certificate is None:
            raise ValueError("tls_key needs tls_certificate")
        return self


class Settings(BaseSettings):
    """All settings. Build it with `load`."""

    model_config = SettingsConfigDict(
        env_prefix="BSF_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    store: StoreSettings = StoreSettings()
    score: ScoreSettings = ScoreSettings()
    publish: PublishSettings = PublishSettings()
    http: HttpSettings = HttpSettings()
    dns: DnsSettings = DnsSettings()
    site: SiteSettings = SiteSettings()
    mail: MailSettings = MailSettings()
    trap: TrapSettings = TrapSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, whose values come as `init_settings`."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load(file: pathlib.Path | None = None) -> Settings:
    """Return the settings; raises `SettingsError` naming everything that is wrong at once."""
    path = _file(file)
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as problem:
            raise SettingsError(f"cannot read {path}: {problem.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise SettingsError(f"{path} is not valid TOML: {problem}") from None
    unknown = _unknown_variables(os.environ)
    if unknown:
        raise SettingsError(f"there is no such setting as the environment variable {', '.join(unknown)} sets")
    try:
        return Settings(**values)
    except pydantic_settings.SettingsError as problem:
        field = str(problem).partition('"')[2].partition('"')[0]
        raise SettingsError(
            f'BSF_{field.upper()}__...: a list is written as JSON, such as ["a", "b"]'
        ) from None
    except pydantic.ValidationError as problem:
        lines = [_in_words(error) for error in problem.errors(include_url=False)]
        where = str(path) if path is not None else "the environment"
        raise SettingsError("\n".join([f"the settings in {where} cannot be used:", *lines])) from None


def _file(file: pathlib.Path | None) -> pathlib.Path | None:
    if file is not None:
        return file
    if named := os.environ.get("BSF_CONFIG"):
        return pathlib.Path(named)
    default = pathlib.Path(DEFAULT_FILE)
    return default if default.is_file() else None


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the names of `BSF_SECTION__NAME` variables that set nothing; pydantic passes over them."""
    known = {
        f"BSF_{section}__{name}".upper()
        for section, field in Settings.model_fields.items()
        for name in getattr(field.annotation, "model_fields", {})
    }
    return sorted(
        name
        for name in environment
        if name.upper().startswith("BSF_") and name.upper() not in known | _OTHER_VARIABLES
    )


def _in_words(error: Any) -> str:
    place = [str(part) for part in error["loc"]]
    name = ".".join(place)
    if error["type"] != "extra_forbidden":
        message = error["msg"].removeprefix("Value error, ")
        return f"  {name}: {message.replace('Input should', 'it should', 1)}"
    model: type[pydantic.BaseModel] = Settings
    for part in place[:-1]:
        model = model.model_fields[part].annotation  # type: ignore[assignment]
    near = difflib.get_close_matches(place[-1], model.model_fields, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(model.model_fields)}"
    return f"  {name}: there is no such setting{hint}"

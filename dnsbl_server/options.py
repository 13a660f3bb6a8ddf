"""How the server is set: what the command line says, for all processes."""

import dataclasses
import socket
from collections.abc import Mapping

from dnsbl_server.access import Access
from dnsbl_server.cookies import Cookies
from dnsbl_server.tsig import Key, Keys


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A secondary to be notified. key: signs the notification, None = unsigned."""

    host: str
    port: int
    key: Key | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What holds for all zones.

    nap_s: how long UDP workers wait for fuller batches. rate_limit: NXDOMAIN answers a second for one
    client network and worker, 0 = no limit. notify: whom to tell of new serials, from which addresses.
    metrics: listening socket of the metrics, None = no metrics are given. plain: one system call for each
    datagram. query_log: descriptor of the sampled log and how many queries a line stands for, None = none.
    """

    cookies: Cookies | None = None
    access: Access = dataclasses.field(default_factory=Access)
    keys: Keys = dataclasses.field(default_factory=dict)
    nap_s: float = 0.0
    rate_limit: int = 0
    notify: tuple[Target, ...] = ()
    notify_from: Mapping[int, str] = dataclasses.field(default_factory=dict)
    metrics: socket.socket | None = None
    plain: bool = False
    query_log: tuple[int, int] | None = None

    @property
    def transfers(self) -> bool:
        """Whether anybody may transfer, so that the past is worth keeping."""
        return bool(self.access.transfer or self.access.transfer_keys)

"""What is kept of one arrival until it is judged: keyed hashes and yes or no, nothing readable."""

import dataclasses
import json
from typing import Any, Final


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """About a mail with a null sender, or a recipient refused at RCPT.

    All hashes are hexadecimal. recipient: of the address as it was. plain: of the address without its tag
    and extension. signed: the recipient carries a tag of a signed sender. unique: the recipient is an
    address made for one mail (a tag or VERP). originals: Message-IDs of what the mail returns, as far as
    the log shows them. match: the returned mail's sender has the domain that it was delivered to.
    pairs: (recipient, server) and (recipient, domain of the server's verified name). own_domain: the
    recipient is in a configured domain, or none is configured. tagged_domain: all mail of that domain is
    said to leave signed. digest: 64 digits, the same for the same arrival in any later scan.
    """

    refused: bool
    recipient: str = ""
    plain: str = ""
    signed: bool = False
    unique: bool = False
    originals: tuple[str, ...] = ()
    match: bool = False
    pairs: tuple[str, ...] = ()
    forwarder: bool = False
    own_domain: bool = False
    tagged_domain: bool = False
    digest: str = ""

    def to_json(self) -> str:
        """Return the facts as JSON."""
        return json.dumps({name: getattr(self, name) for name in _NAMES})

    @classmethod
    def from_json(cls, text: str) -> "Facts":
        """Return the facts written by `to_json`."""
        said: dict[str, Any] = json.loads(text)
        return cls(**said | {"originals": tuple(said["originals"]), "pairs": tuple(said["pairs"])})


_NAMES: Final = tuple(field.name for field in dataclasses.fields(Facts))

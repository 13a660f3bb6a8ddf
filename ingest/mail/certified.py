"""Receipts of certified mail (Posta Elettronica Certificata): their kind stands in one field.

Every provider writes it, since the law gives the form (RFC 6109 sections 2.1 and 3). The receipts have
no delivery-status part, and speak Italian only.
"""

from typing import Final

from feed.domain.event import Kind
from ingest.mail.notice import Notice

_KINDS: Final = {
    "accettazione": Kind.DSN_OK,
    "presa-in-carico": Kind.DSN_OK,
    "avvenuta-consegna": Kind.DSN_OK,
    "preavviso-errore-consegna": Kind.DSN_DELAY,
    "errore-consegna": Kind.NDR,
    "non-accettazione": Kind.NDR,
    "rilevazione-virus": Kind.VIRUS,
}


def receipt(notice: Notice) -> Kind | None:
    """Return the kind of a receipt of certified mail, None for any other mail."""
    if "x-ricevuta" not in notice.headers:
        return None
    return _KINDS.get(notice.headers.get("x-ricevuta")[:40].strip().lower())

"""The whole server as one pure function: message in, answer out.

UDP workers answer most queries in batches by `fast` and come here with the rest; TCP comes here always.
Both ways give the same bytes for the same query, which a property test holds them to.
"""

from dnsbl_server import general
from dnsbl_server.service import Note, Service


def respond(
    query: bytes, service: Service, *, client: bytes, tcp: bool, now: int, note: Note | None = None
) -> bytes | None:
    """Return the answer to one message, or None to stay silent; never raises, on any bytes.

    client: packed address of the sender (4 or 16 bytes). tcp: no size limit, else UDP. now: unix
    seconds. note: filled for whoever counts.
    """
    return general.answer(query, service, client=client, tcp=tcp, now=now, note=note)

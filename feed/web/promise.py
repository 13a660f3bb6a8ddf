"""How fast a removal shows, as it is promised on tickets and in the policy (DESIGN section 6)."""

from typing import Final

SERVER_S: Final = 30
"""Seconds until our own name server answers without the removed address."""

CACHE_MINUTES: Final = 6
"""Minutes until no cache answers with it: the TTL of 300 s, and the time until our server knew."""

TTL_MINUTES: Final = 5

"""Keys by which a mail server signs its envelope senders, as people write them down."""

import binascii
from typing import Final

_HEX: Final = "hex:"
LONGEST_KEY: Final = 512
"""Characters of a key as it is written."""


def key_of(text: str) -> bytes:
    """Return the key that `text` spells: `hex:` and digits, or the text itself.

    Raises ValueError, in words, for an empty or overlong key and for bad digits.
    """
    if len(text) > LONGEST_KEY:
        raise ValueError(f"a key has at most {LONGEST_KEY} characters")
    if text.startswith(_HEX):
        try:
            key = binascii.unhexlify(text.removeprefix(_HEX))
        except ValueError:
            raise ValueError("a key after hex: needs an even number of hex digits") from None
    else:
        key = text.encode()
    if not key:
        raise ValueError("a key must not be empty")
    return key

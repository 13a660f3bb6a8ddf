"""Keys as people write them down."""

import pytest

from feed.domain.signing import LONGEST_KEY, key_of


@pytest.mark.parametrize(
    ("text", "key"), [("hex:00ff", b"\0\xff"), ("secret", b"secret"), ("ü", "ü".encode())]
)
def test_a_key_is_hex_or_text(text: str, key: bytes) -> None:
    assert key_of(text) == key


@pytest.mark.parametrize("text", ["", "hex:", "hex:0", "hex:zz", "k" * (LONGEST_KEY + 1)])
def test_a_bad_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        key_of(text)

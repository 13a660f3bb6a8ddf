"""Every spelling that people paste and TXT records name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.web.asked import AskedError, read_asked


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="plain"),
        pytest.param("  192.0.2.7\n", "192.0.2.7", id="space around"),
        pytest.param("[192.0.2.7]", "192.0.2.7", id="brackets"),
        pytest.param("192.0.2.7/32", "192.0.2.7", id="unit of an IPv4 entry"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="mapped"),
        pytest.param("::FFFF:C000:0207", "192.0.2.7", id="mapped in hexadecimal"),
        pytest.param("2001:DB8::7", "2001:db8::7", id="upper case"),
        pytest.param("2001:0db8:0000:0000:0000:0000:0000:0007", "2001:db8::7", id="in full"),
        pytest.param("IPv6:2001:db8::7", "2001:db8::7", id="tag of mail software"),
        pytest.param("2001:db8:0:1::/64", "2001:db8:0:1::", id="the unit in a TXT record"),
        pytest.param("2001:db8:0:1::7/64", "2001:db8:0:1::", id="a /64 with host bits"),
        pytest.param("2001:db8::7/128", "2001:db8::7", id="a unit of one IPv6 address"),
    ],
)
def test_read_asked(given: str, expected: str) -> None:
    assert str(read_asked(given)) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param("", "Enter an IP address", id="nothing"),
        pytest.param("   ", "Enter an IP address", id="space"),
        pytest.param("mail.example.org", "neither an IPv4 nor an IPv6", id="a name"),
        pytest.param("192.0.2", "neither", id="three octets"),
        pytest.param("192.0.2.256", "neither", id="octet too large"),
        pytest.param("192.0.2.0/24", "/24 was given", id="a network"),
        pytest.param("2001:db8::/32", "/32 was given", id="a wide IPv6 network"),
        pytest.param("192.0.2.7/64", "/64 was given", id="IPv4 with a width of IPv6"),
        pytest.param("2001:db8::/x", "not a prefix length", id="width that is no number"),
        pytest.param("fe80::1%eth0", "scope id", id="scope id"),
        pytest.param("192.0.2.7 192.0.2.8", "neither", id="two"),
        pytest.param("1" * 10_000, "too long", id="endless"),
        pytest.param("\u0661.2.3.4", "ASCII", id="digits of another script"),
    ],
)
def test_what_is_no_address_is_told_in_words(given: str, words: str) -> None:
    with pytest.raises(AskedError, match=words):
        read_asked(given)


@settings(deadline=None)
@given(st.text())
def test_any_text_gives_an_address_or_words(text: str) -> None:
    try:
        address = read_asked(text)
    except AskedError as problem:
        assert str(problem)
    else:
        assert read_asked(str(address)) == address

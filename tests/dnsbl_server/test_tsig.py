"""Signatures against another implementation, and keys from files."""

import dns.message
import dns.tsig
import dns.tsigkeyring
import pytest

from dnsbl_server import tsig, wire

NAME, SECRET = "a.key.example", "c2VjcmV0LW9mLTMyLWJ5dGVzLWZvci1oYXNoaW5nISE="
KEYS = tsig.parse_keys(f"{NAME} {SECRET}")
RING = dns.tsigkeyring.from_text({NAME: SECRET})


def signed(
    *, ring: dict[dns.name.Name, dns.tsig.Key] = RING, **options: object
) -> tuple[dns.message.Message, bytes]:
    query = dns.message.make_query("2.0.0.127.bl.example.org", "A", use_edns=0)
    query.use_tsig(ring, algorithm=dns.tsig.HMAC_SHA256, **options)  # type: ignore[arg-type]
    return query, query.to_wire()


def checked(data: bytes, now: int | None = None) -> tsig.Checked:
    query = wire.parse_query(data)
    assert query.tsig_at
    return tsig.check(data, query.tsig_at, KEYS, signed_at(data) if now is None else now)


def signed_at(data: bytes) -> int:
    return tsig.read(data, wire.parse_query(data).tsig_at).time


def test_what_another_has_signed_is_accepted() -> None:
    assert checked(signed()[1]).error == 0


def test_every_changed_byte_is_noticed() -> None:
    data = signed()[1]
    at = wire.parse_query(data).tsig_at
    now = signed_at(data)
    for place in [*range(at), *range(len(data) - 6 - 32 - 10, len(data) - 6)]:
        if place in (10, 11) or place < 2:
            continue  # counts and lengths make another message; the ID is not signed but the original one
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            found = tsig.check(bytes(changed), at, KEYS, now)
        except wire.Malformed:
            continue
        assert found.error, place


@pytest.mark.parametrize("ahead", [-301, 301])
def test_old_and_early_signatures_are_refused(ahead: int) -> None:
    data = signed()[1]
    found = checked(data, signed_at(data) + ahead)
    assert found.error == tsig.BADTIME
    reply = tsig.refused(data[:2] + b"\x84\x09" + bytes(8), found, signed_at(data) + ahead)
    assert int.from_bytes(reply[10:12]) == 1


def test_an_answer_in_many_messages_is_one_chain() -> None:
    query, data = signed()
    found = checked(data)
    assert found.key is not None
    signer = tsig.Signer(found.key, found.signature.mac)
    context = None
    for number in range(5):
        plain = data[:2] + b"\x84\0\0\0\0\0\0\0\0\0"
        message = dns.message.from_wire(
            signer.sign(plain, signed_at(data) + number), keyring=RING, request_mac=query.mac, xfr=True,
            tsig_ctx=context, multi=True,
        )  # fmt: skip
        context = message.tsig_ctx
        assert message.had_tsig


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME} {SECRET}", f"{NAME}. hmac-sha256 {SECRET}  # words", f"# words\n\n{NAME.upper()} {SECRET}\n",
        f'key "{NAME}" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n',
    ],
)  # fmt: skip
def test_key_files(text: str) -> None:
    assert tsig.parse_keys(text) == KEYS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no key"), ("just-a-name", "line 1 is not"), (f"{NAME} hmac-md5 {SECRET}", "only hmac-sha256"),
        (f"{NAME} c2hvcnQ=", "shorter"), (f"{NAME} c2VjcmV0!", "line 1 is not"),
        (f'key "{NAME}" {{ algorithm hmac-sha512; secret "{SECRET}"; }};', "only hmac-sha256"),
    ],
)  # fmt: skip
def test_key_files_that_are_none(text: str, words: str) -> None:
    with pytest.raises(tsig.KeyFileError, match=words) as raised:
        tsig.parse_keys(text)
    assert "c2V" not in str(raised.value)

"""Received fields: the address the server saw, never what the client said."""

import datetime as dt
import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.mail.received import read_date, read_received

SHAPES = {
    "Postfix": (
        "from helo.example (rdns.example [192.0.2.1]) by "
        "mx.reporter.example (Postfix) with ESMTPS id A; {date}"
    ),
    "Postfix, unknown": (
        "from helo.example (unknown [192.0.2.1]) by mx.reporter.example (Postfix) with SMTP id A; {date}"
    ),
    "Postfix with TLS notes": (
        "from helo.example (rdns.example [192.0.2.1])\n\t(using TLSv1.3 with cipher X (256/256 bits))\n"
        "\t(No client certificate requested)\n\tby mx.reporter.example (Postfix) with ESMTPS id A; {date}"
    ),
    "sendmail": (
        "from helo.example (rdns.example [192.0.2.1] (may be forged)) by "
        "mx.reporter.example (8.17.1/8.17.1) with ESMTP id a; {date}"
    ),
    "sendmail with ident": (
        "from helo.example (root@rdns.example [192.0.2.1]) by mx.reporter.example (8.17.1) with ESMTP; {date}"
    ),
    "Exim with a name": (
        "from rdns.example ([192.0.2.1]:4711 helo=helo.example) by "
        "mx.reporter.example with esmtps (Exim 4.97) id 1; {date}"
    ),
    "Exim without a name": (
        "from [192.0.2.1] (port=4711 helo=helo.example) by "
        "mx.reporter.example with esmtp (Exim 4.97) id 1; {date}"
    ),
    "Exim, HELO equal": "from [192.0.2.1] by mx.reporter.example with esmtp (Exim 4.97) id 1; {date}",
    "Exchange": (
        "from helo.example (192.0.2.1) by mx.reporter.example (10.1.1.1) with "
        "Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.1.225.42; {date}"
    ),
    "qmail": "from rdns.example (HELO helo.example) (192.0.2.1) by mx.reporter.example with SMTP; {date}",
    "qmail with ident": (
        "from unknown (HELO helo.example) (user@192.0.2.1) by mx.reporter.example with SMTP; {date}"
    ),
    "qmail, HELO equal": "from rdns.example (192.0.2.1) by mx.reporter.example with SMTP; {date}",
    "Haraka": (
        "from helo.example ([192.0.2.1]) by mx.reporter.example "
        "(Haraka/3.0.2) with ESMTPS id A envelope-from <>; {date}"
    ),
    "Gmail": (
        "from helo.example (rdns.example. [192.0.2.1]) by "
        "mx.reporter.example with ESMTPS id x for <jo@reporter.example>; {date}"
    ),
    "CommuniGate": (
        "from [192.0.2.1] (HELO helo.example) by mx.reporter.example "
        "(CommuniGate Pro SMTP 6.3) with ESMTPS id 1; {date}"
    ),
    "ecelerity": (
        "from ([192.0.2.1:50387] helo=helo.example) by "
        "mx.reporter.example (ecelerity 4.2) with ESMTP id 1; {date}"
    ),
    "GMX": (
        "from rdns.example (EHLO helo.example) [192.0.2.1] by mx.reporter.example (mp033) with SMTP; {date}"
    ),
    "LMTP of Zimbra": (
        "from mail.example (LHLO helo.example) (192.0.2.1) by mx.reporter.example with LMTP; {date}"
    ),
    "XMail": (
        "from helo.example (192.0.2.1:23198) by mx.reporter.example with "
        "[XMail 1.27 ESMTP Server] id <S1> for <x@y>; {date}"
    ),
    "webmail": "from 192.0.2.1 (SquirrelMail authenticated user jo) by mx.reporter.example with HTTP; {date}",
}
DATE = "Tue, 24 Nov 2026 10:11:12 +0100"


@pytest.mark.parametrize("shape", SHAPES)
def test_every_server_puts_the_address_elsewhere(shape: str) -> None:
    hop = read_received(SHAPES[shape].format(date=DATE))
    assert hop.address == ipaddress.ip_address("192.0.2.1")
    assert hop.by == "mx.reporter.example"
    assert hop.at == dt.datetime(2026, 11, 24, 9, 11, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[IPv6:2001:db8::25]", "2001:db8::25"),
        ("[2001:DB8:0:0::25]", "2001:db8::25"),
        ("[::ffff:192.0.2.1]", "192.0.2.1"),
        ("[IPv6:::ffff:192.0.2.1]", "192.0.2.1"),
        ("[IPv6:::ffff:c000:201]", "192.0.2.1"),
    ],
)
def test_ipv6_is_read_and_unwrapped(written: str, meant: str) -> None:
    hop = read_received(f"from h.example (r.example {written}) by mx.reporter.example with ESMTP; {DATE}")
    assert hop.address == ipaddress.ip_address(meant)


LIES = {
    # what the client says (HELO, ident, reverse name, sender) holds 198.51.100.66; the server saw 192.0.2.1
    "literal as HELO": (
        "from [198.51.100.66] (rdns.example [192.0.2.1]) by mx.reporter.example (Postfix) with SMTP"
    ),
    "address as HELO": (
        "from 198.51.100.66 (rdns.example [192.0.2.1]) by mx.reporter.example (Postfix) with SMTP"
    ),
    "literal as HELO to Exim": (
        "from rdns.example ([192.0.2.1] helo=[198.51.100.66]) by mx.reporter.example with esmtp (Exim 4.97)"
    ),
    ("literal as HELO to Exim, no name"): (
        "from [192.0.2.1] (helo=[198.51.100.66]) by mx.reporter.example with esmtp (Exim 4.97)"
    ),
    "literal as HELO to qmail": (
        "from unknown (HELO [198.51.100.66]) (192.0.2.1) by mx.reporter.example with SMTP"
    ),
    "literal as HELO to Exchange": (
        "from [198.51.100.66] (192.0.2.1) by mx.reporter.example "
        "(10.0.0.1) with Microsoft SMTP Server id 15.1.225.42"
    ),
    "clutter of old Gmail as HELO": (
        "from unknown (HELO ?IPv6:::ffff:198.51.100.66?) (192.0.2.1) by mx.reporter.example with SMTP"
    ),
    "address as ident": (
        "from unknown (HELO h.example) (198.51.100.66@192.0.2.1) by mx.reporter.example with SMTP"
    ),
    "ident with an at sign": (
        "from unknown (HELO h.example) (x@198.51.100.66@192.0.2.1) by mx.reporter.example with SMTP"
    ),
    "address as reverse name": (
        "from h.example (198.51.100.66.evil.example [192.0.2.1]) by mx.reporter.example (Postfix) with SMTP"
    ),
    "address in the envelope": (
        "from h.example (r.example [192.0.2.1]) by "
        "mx.reporter.example with SMTP (envelope-from <[198.51.100.66]>)"
    ),
    "address of the server itself": (
        "from h.example (192.0.2.1) by mx.reporter.example (198.51.100.66) with Microsoft SMTP Server id 14.3"
    ),
}
CONTRADICTIONS = {
    "HELO that ends the grammar with a semicolon": (
        "from x (r [198.51.100.66]) by mx.reporter.example with SMTP; (y (r.example [192.0.2.1]) by"
        " mx.reporter.example (Postfix) with SMTP"
    ),
    "ident that writes an address and a group": (
        "from unknown (HELO h) ([198.51.100.66](r [198.51.100.66])@192.0.2.1) by"
        " mx.reporter.example with SMTP"
    ),
    "ident that writes an address first": (
        "from h ([198.51.100.66](r [198.51.100.66])@unknown [192.0.2.1] (may be forged)) by"
        " mx.reporter.example (8.17.1/8.17.1) with ESMTP id 1"
    ),
    "HELO and ident together": (
        "from (r.example [198.51.100.66]) ([198.51.100.66]@unknown [192.0.2.1] (may be forged)) by"
        " mx.reporter.example (8.17.1/8.17.1) with ESMTP id 1"
    ),
    "ident that begins like the group of a name": (
        "from [198.51.100.66] (helo=@unknown [192.0.2.1] (may be forged)) by mx.reporter.example (8.17.1)"
    ),
    "ident that begins like the group of a name, qmail": (
        "from [198.51.100.66] (HELO @unknown [192.0.2.1] (may be forged)) by mx.reporter.example (8.17.1)"
    ),
    "HELO that closes its own group": (
        "from [192.0.2.1] (HELO )[198.51.100.66]() by mx.reporter.example"
        " (CommuniGate Pro SMTP 6.3) with SMTP"
    ),
    "authenticated as an address": (
        "from h.example (r.example [192.0.2.1]) (Authenticated sender: "
        "[198.51.100.66]) by mx.reporter.example (Postfix)"
    ),
    "HELO that closes the bracket": (
        "from x (HELO a) (198.51.100.66) (192.0.2.1) by mx.reporter.example with SMTP"
    ),
    ("HELO that writes a whole clause"): (
        "from a (r.example [198.51.100.66]) (r.example [192.0.2.1]) by mx.reporter.example with SMTP"
    ),
    "HELO that writes another by": (
        "from a (r [198.51.100.66]) by mx.reporter.example (b "
        "(r.example [192.0.2.1]) by mx.reporter.example with SMTP"
    ),
    "two by": "from a (r.example [198.51.100.66]) by mx.reporter.example by mx.reporter.example with SMTP",
    "an address in a later group only": (
        "from h.example (proxy.example) (198.51.100.66) by mx.reporter.example with SMTP"
    ),
    "open bracket": "from a (r.example [198.51.100.66] by mx.reporter.example with SMTP",
    "only a HELO group": "from unknown (HELO [198.51.100.66]) by mx.reporter.example with SMTP",
    "only a HELO group with an address": "from unknown (EHLO 198.51.100.66) by mx.reporter.example with SMTP",
    "only a HELO literal": "from [198.51.100.66] by mx.reporter.example with SMTP",
    "only a HELO address": "from 198.51.100.66 by mx.reporter.example with ESMTP id 1",
    ("a version that looks like an address"): (
        "from h.example by mx.reporter.example with Microsoft SMTP Server id 15.1.225.42"
    ),
    "impossible address": "from h.example (r.example [300.1.1.1]) by mx.reporter.example with SMTP",
    "scope id": "from h.example (r.example [fe80::1%eth0]) by mx.reporter.example with SMTP",
    "full-width digits": "from h.example (r.example [１９２.0.2.1]) by mx.reporter.example with SMTP",  # noqa: RUF001
    "leading zeros": "from h.example (r.example [192.000.002.001]) by mx.reporter.example with SMTP",
    "no address": "from localhost by mx.reporter.example with SMTP",
    "thousands of groups": "from h.example "
    + "(x) " * 5000
    + "(r.example [198.51.100.66]) by mx.reporter.example",
    "deep groups": "from h.example "
    + "(" * 3000
    + "[198.51.100.66]"
    + ")" * 3000
    + " by mx.reporter.example",
}


@pytest.mark.parametrize("case", LIES)
def test_what_the_client_says_is_never_the_address(case: str) -> None:
    assert read_received(LIES[case] + f"; {DATE}").address == ipaddress.ip_address("192.0.2.1")


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_field_that_is_not_plain_gives_no_address(case: str) -> None:
    assert read_received(CONTRADICTIONS[case] + f"; {DATE}").address is None


CLIENT_TEXT = st.lists(
    st.sampled_from(
        [*"abc.@[]:;()<>\"' =", "198.51.100.66", "[198.51.100.66]", " by ", "HELO ", "helo=", "from "]
    ),
    max_size=24,
).map("".join)


@settings(deadline=None)
@given(helo=CLIENT_TEXT)
def test_no_helo_turns_the_address_of_postfix_into_a_lie(helo: str) -> None:
    hop = read_received(
        f"from {helo} (rdns.example [192.0.2.1]) by mx.reporter.example (Postfix) with SMTP; {DATE}"
    )
    assert hop.address in (None, ipaddress.ip_address("192.0.2.1"))


@settings(deadline=None)
@given(value=st.text(max_size=400))
def test_any_text_is_read_without_an_error(value: str) -> None:
    read_received(value)
    read_date(value)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 +9999", "9" * 5000, "Tue, 24 Nov 99999 10:00:00 +0000"],
)
def test_an_unreadable_date_is_none(text: str) -> None:
    assert read_date(text) is None

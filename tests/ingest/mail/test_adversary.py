"""A liar at work: chains of Received fields made by real servers out of what a client may choose.

Whatever the client writes into its names, its mail and its lower fields, judging returns the address that
the border host saw, or none. Zero wrong.
"""

import dataclasses
import ipaddress

from hypothesis import given, settings
from hypothesis import strategies as st

from feed.domain.address import parse_address
from feed.domain.event import Provenance, RecipientClass, Verdict
from ingest.mail.judge import judge
from ingest.mail.judgement import Claim, Judgement, Registration
from tests import mails

REGISTERED = Registration(
    border_hosts=frozenset({"mx.reporter.example", "mx2.reporter.example"}),
    internal_hosts=frozenset({"store.reporter.example", "filter.reporter.example"}),
    own_networks=(ipaddress.ip_network("203.0.113.0/28"),),
    accept_special=True,
)
FORGED = ("198.51.100.66", "2001:db8:bad::66", "::ffff:198.51.100.66")
LIES = frozenset(parse_address(text) for text in FORGED)
TRUTHS = ("192.0.2.25", "192.0.2.200", "2001:db8:1::25", "::ffff:192.0.2.99")
DATE = mails.date_of(mails.NOW)

# What a client can put where a server copies its words. Servers differ in what they let through; here all
# of it goes through.
FRAGMENTS = st.sampled_from(
    [
        *FORGED,
        *(f"[{text}]" for text in FORGED),
        *(f"[IPv6:{text}]" for text in FORGED[1:]),
        *("(r.example [198.51.100.66])", "([198.51.100.66])", "(198.51.100.66)", "(HELO x)", "(helo=x)"),
        *(" by mx.reporter.example", " by ", "by", "from ", " with SMTP", " with HTTP", "; ", ";", DATE),
        *(
            "(",
            ")",
            "[",
            "]",
            "<",
            ">",
            "@",
            '"',
            "\\",
            "=",
            ":",
            " ",
            ".",
            "helo=",
            "HELO ",
            "port=25 ",
            "unknown",
        ),
        *(
            "mail.example",
            "localhost",
            "mx.reporter.example",
            "(Exim 4.97)",
            "(Postfix)",
            "?IPv6:::ffff:",
            "\t",
        ),
        *("account ", "via smtp", "authenticated ", "\u00e9", "\u0661", "%eth0", "\0"),
    ]
)
CHOSEN = st.lists(FRAGMENTS, min_size=1, max_size=9).map("".join)
HONEST = st.sampled_from(["mail.emitter.example", "[192.0.2.25]", "localhost", "WIN-ABC", "[198.51.100.66]"])
POINTER = st.sampled_from(
    ["unknown", "mail.emitter.example", "198.51.100.66.evil.example", "mx.reporter.example", "a_b.example"]
)

# One stamp for each grammar: h is the HELO, r the reverse name, i the address, b the host, e the envelope
# sender, c the name in a certificate, d the ident reply.
STAMPS = {
    "Postfix": "from {h} ({r} [{l}]) by {b} (Postfix) with ESMTPS id 4X for <jo@reporter.example>",
    "Postfix with a certificate": (
        'from {h} ({r} [{l}]) (using TLSv1.3 with cipher X (256/256 bits)) (Client CN "{c}", Issuer "x"'
        " (not verified)) by {b} (Postfix) with ESMTPS id 4X"
    ),
    "sendmail": "from {h} ({d}@{r} [{l}] (may be forged)) by {b} (8.17.1/8.17.1) with ESMTP id 1",
    "Exim": "from {r} ([{i}]:4711 helo={h}) by {b} with esmtps (Exim 4.97) (envelope-from <{e}>) id 1a",
    "Exim without a name": "from [{i}] (port=4711 helo={h}) by {b} with esmtp (Exim 4.97) id 1a",
    "Exchange": "from {h} ({i}) by {b} (203.0.113.2) with Microsoft SMTP Server id 15.1.225.42",
    "qmail": "from {r} (HELO {h}) ({d}@{i}) by {b} with SMTP",
    "Haraka": "from {h} ({r} [{i}]) by {b} (Haraka/3.0.2) with ESMTPS id A.1 envelope-from <{e}>",
    "CommuniGate": "from [{i}] (HELO {h}) by {b} (CommuniGate Pro SMTP 6.3) with ESMTPS id 1",
    "OpenSMTPD": "from {h} ({r} [{l}]) by {b} (OpenSMTPD) with ESMTPS id a (TLSv1.3)",
}


def stamp(shape: str, ip: str, host: str, words: dict[str, str]) -> str:
    literal = f"IPv6:{ip}" if ":" in ip else ip
    return STAMPS[shape].format(i=ip, l=literal, b=host, **words) + f"; {DATE}"


WORDS = st.fixed_dictionaries({"h": CHOSEN, "r": POINTER, "e": CHOSEN, "c": CHOSEN, "d": CHOSEN})
PLAIN_WORDS = st.fixed_dictionaries(
    {"h": HONEST, "r": POINTER, "e": st.just(""), "c": st.just("x.example"), "d": st.just("root")}
)
LOWER = st.lists(
    st.one_of(
        st.builds(
            stamp,
            st.sampled_from(sorted(STAMPS)),
            st.sampled_from(FORGED),
            st.sampled_from(["mx.reporter.example", "store.reporter.example", "mail.emitter.example"]),
            PLAIN_WORDS,
        ),
        CHOSEN,
    ),
    max_size=4,
)
OTHERS = st.lists(
    st.sampled_from(
        [
            ("Return-Path", "<>"),
            ("Delivered-To", "jo@reporter.example"),
            ("X-Originating-IP", "[198.51.100.66]"),
            ("Received-SPF", "Fail client-ip=198.51.100.66"),
            ("Authentication-Results", "mx.reporter.example; spf=fail smtp.remote-ip=198.51.100.66"),
            ("X-Received", "from x (x [198.51.100.66]) by mx.reporter.example"),
            ("X-Forwarded-For", "198.51.100.66"),
        ]
    ),
    max_size=3,
)
ABOVE = st.lists(
    st.sampled_from(
        [
            "from mx.reporter.example (mx [203.0.113.1]) by store.reporter.example with LMTP; " + DATE,
            "from localhost (localhost [127.0.0.1]) by mx.reporter.example (Postfix) with ESMTP id 2; "
            + DATE,
            "from mx.reporter.example ([127.0.0.1]) by localhost (mx [127.0.0.1]) (amavisd-new, port 10024); "
            + DATE,
            "(qmail 4711 invoked by uid 89); 24 Nov 2026 09:00:00 -0000",
            "by store.reporter.example (Dovecot) with LMTP id x; " + DATE,
        ]
    ),
    max_size=3,
)


def stored(above: list[str], border: str, others: list[tuple[str, str]], lower: list[str]) -> bytes:
    """Return a bounce as the reporter's server stored it: own fields, the border's, then the liar's."""
    fields = [("Return-Path", "<>"), *(("Received", value) for value in (*above, border))]
    fields += [*others, *(("Received", value) for value in lower)]
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    return head.encode("utf-8", "surrogateescape") + mails.dsn(return_path=None)


def judged(message: bytes, registration: Registration = REGISTERED) -> Judgement:
    claim = Claim(recipient_class=RecipientClass.TRAP)
    return judge(message, registration=registration, claim=claim, now=mails.NOW)


@settings(max_examples=300, deadline=None)
@given(
    shape=st.sampled_from(sorted(STAMPS)),
    ip=st.sampled_from(TRUTHS),
    host=st.sampled_from(sorted(REGISTERED.border_hosts)),
    words=WORDS,
    above=ABOVE,
    others=OTHERS,
    lower=LOWER,
)
def test_no_word_of_the_client_becomes_the_address(
    shape: str,
    ip: str,
    host: str,
    words: dict[str, str],
    above: list[str],
    others: list[tuple[str, str]],
    lower: list[str],
) -> None:
    result = judged(stored(above, stamp(shape, ip, host, words), others, lower))
    assert result.emitter in (None, parse_address(ip))


@settings(max_examples=150, deadline=None)
@given(
    shape=st.sampled_from(sorted(STAMPS)),
    ip=st.sampled_from(TRUTHS),
    words=PLAIN_WORDS,
    above=ABOVE,
    lower=LOWER,
)
def test_an_ordinary_stamp_is_read_whatever_lies_below(
    shape: str, ip: str, words: dict[str, str], above: list[str], lower: list[str]
) -> None:
    result = judged(stored(above, stamp(shape, ip, "mx.reporter.example", words), [], lower))
    assert (result.emitter, result.provenance) == (parse_address(ip), Provenance.P2)


@settings(max_examples=100, deadline=None)
@given(shape=st.sampled_from(sorted(STAMPS)), above=ABOVE, lower=LOWER, words=PLAIN_WORDS)
def test_a_proxy_that_hides_its_clients_never_lets_a_forged_field_through(
    shape: str, above: list[str], lower: list[str], words: dict[str, str]
) -> None:
    """The border host saw only the proxy; unless that is registered, nobody outside is charged."""
    border = stamp(shape, "10.1.2.3", "mx.reporter.example", words)
    result = judged(stored(above, border, [], lower))
    assert result.emitter not in LIES
    strict = dataclasses.replace(REGISTERED, accept_special=False)
    assert judged(stored(above, border, [], lower), strict).verdict is not Verdict.BACKSCATTER


@settings(max_examples=100, deadline=None)
@given(above=ABOVE, lower=LOWER)
def test_a_proxy_that_stamps_under_an_unknown_name_ends_the_search(
    above: list[str], lower: list[str]
) -> None:
    proxy = f"from x (x [192.0.2.25]) by proxy.reporter.example (Postfix) with SMTP; {DATE}"
    assert judged(stored(above, proxy, [], lower)).emitter is None


@settings(max_examples=100, deadline=None)
@given(
    shape=st.sampled_from(sorted(STAMPS)),
    words=PLAIN_WORDS,
    lower=LOWER,
    mark=st.sampled_from(
        [
            ("List-Id", "<talk.lists.example>"),
            ("List-Post", "<mailto:talk@lists.example>"),
            ("List-Unsubscribe", "<mailto:u@lists.example>"),
            ("Resent-From", "jo@university.example"),
            ("X-Forwarded-To", "jo@reporter.example"),
        ]
    ),
)
def test_a_bounce_that_a_list_or_a_forwarder_passed_on_is_never_charged(
    shape: str, words: dict[str, str], lower: list[str], mark: tuple[str, str]
) -> None:
    border = stamp(shape, "192.0.2.25", "mx.reporter.example", words)
    result = judged(stored([], border, [mark], lower))
    assert (result.verdict, result.strength) == (Verdict.RELAYED, 0)


@settings(max_examples=100, deadline=None)
@given(
    shape=st.sampled_from(sorted(STAMPS)),
    words=PLAIN_WORDS,
    others=OTHERS,
    data=st.data(),
)
def test_the_order_and_doubling_of_the_other_fields_change_nothing(
    shape: str, words: dict[str, str], others: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Of fields that may stand once the first counts, and a second only lowers the strength."""
    border = stamp(shape, "192.0.2.25", "mx.reporter.example", words)
    harmless = [field for field in others if field[0] not in ("Return-Path", "X-Forwarded-For")]
    mixed = data.draw(st.permutations(harmless + harmless))
    plain, changed = judged(stored([], border, [], [])), judged(stored([], border, mixed, []))
    assert (changed.emitter, changed.kind, changed.strength) == (plain.emitter, plain.kind, plain.strength)

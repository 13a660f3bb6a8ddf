"""The hop of the border host: the first of a chain of registered hosts that saw somebody outside."""

import ipaddress

import pytest

from ingest.mail.border import border_hop

BORDER = frozenset({"mx.reporter.example"})
INTERNAL = frozenset({"store.reporter.example"})
DATE = "Tue, 24 Nov 2026 10:11:12 +0100"
TRUE = f"from h.example (r.example [192.0.2.1]) by mx.reporter.example (Postfix) with SMTP; {DATE}"
FORGED = f"from h.example (r.example [198.51.100.66]) by mx.reporter.example (Postfix) with SMTP; {DATE}"
STORE = (
    f"from mx.reporter.example (mx.reporter.example "
    f"[203.0.113.1]) by store.reporter.example with LMTP; {DATE}"
)
FILTER = [
    f"from localhost (localhost [127.0.0.1]) by mx.reporter.example (Postfix) with ESMTP; {DATE}",
    (
        f"from mx.reporter.example ([127.0.0.1]) by localhost "
        f"(mx.reporter.example [127.0.0.1]) (amavisd-new, port 10024); {DATE}"
    ),
]
CHAINS = {
    "border on top": ([TRUE, FORGED], "192.0.2.1"),
    "through a registered internal host": ([STORE, TRUE, FORGED], "192.0.2.1"),
    "through a filter on the same machine": ([*FILTER, TRUE, FORGED], "192.0.2.1"),
    "through local steps of qmail": (
        ["(qmail 1 invoked by uid 89); 24 Nov 2026 09:00:00 -0000", TRUE],
        "192.0.2.1",
    ),
    "name in upper case with a dot": (
        [TRUE.replace("mx.reporter.example", "MX.Reporter.Example.")],
        "192.0.2.1",
    ),
    "an unknown host above": ([FORGED.replace("mx.reporter", "mx.other"), FORGED], None),
    "an unreadable field above": ([f"from x by a by b; {DATE}", FORGED], None),
    "a name that only begins alike": (
        [TRUE.replace("by mx.reporter.example", "by mx.reporter.example.evil.example")],
        None,
    ),
    "a name in a comment only": (
        [f"from h (r [198.51.100.66]) by evil.example (mx.reporter.example); {DATE}"],
        None,
    ),
    "a proxy that hides its clients": (
        [f"from h.example (unknown [10.0.0.1]) by mx.reporter.example (Postfix) with SMTP; {DATE}", FORGED],
        "10.0.0.1",
    ),
    "a border host that does not stamp": ([STORE, FORGED.replace("by mx.reporter", "by mx.evil")], None),
    "none": ([], None),
}


@pytest.mark.parametrize("case", CHAINS)
def test_the_border_hop_is_the_first_of_a_registered_chain(case: str) -> None:
    fields, expected = CHAINS[case]
    found = border_hop(fields, border=BORDER, internal=INTERNAL)
    assert (str(found.hop.address) if found and found.hop.address else None) == expected


def test_an_own_network_is_passed_by_only_when_registered() -> None:
    relay = f"from gate.reporter.example (gate [10.0.0.1]) by mx.reporter.example (Postfix) with SMTP; {DATE}"
    own = (ipaddress.ip_network("10.0.0.0/8"),)
    found = border_hop([relay, TRUE], border=BORDER, internal=INTERNAL, own=own)
    assert found is not None
    assert (str(found.hop.address), found.position) == ("192.0.2.1", 1)

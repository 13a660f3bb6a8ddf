"""What to change in which mail server so that it stops emitting backscatter.

Only lines that hold for the software named, in our own words. Each was read in its maker's documentation:
postconf(5) and the Exim specification (options -bv, -bh; verify), the virtusertable that comes with
Sendmail, smtpd.conf(5), docs.cpanel.net, docs.plesk.com, Microsoft's pages on recipient filtering, remote
domains and Directory-Based Edge Blocking, campus.barracuda.com, the administration guides of Zimbra and
Mailman, the pages of the qmail patches. What could not be found there is left out. The general part comes
with each, since the guess of the software rests on marks in a mail. The advice is always to refuse in the
dialogue, never to switch bounces off.
"""

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Steps for one product. key: stable word. A step is a sentence; text in backquotes is code.

    test: how the change can be seen on the server itself, empty where there is only the test from outside,
    which the pages give with every advice.
    """

    key: str
    name: str
    steps: tuple[str, ...]
    test: str = ""


GENERAL: Final = Advice(
    key="general",
    name="Any mail server",
    steps=(
        (
            "Refuse mail to recipients that do not exist in the SMTP dialogue (answer 550 to `RCPT TO`). "
            "The connecting server then keeps the mail, and nobody gets a bounce from you."
        ),
        (
            "Check for spam and viruses before you accept a mail. After acceptance deliver it, put it into "
            "quarantine or discard it, but do not send it back."
        ),
        "Give every backup MX and every gateway the same list of valid recipients.",
        (
            "Send auto-replies only to mail that passed SPF, DKIM or DMARC, never to a null sender or a "
            "mailing list, and once per sender in several days (RFC 3834)."
        ),
        "Do not check senders by calling back the servers of strangers, and do not use challenge-response.",
    ),
)

PRODUCTS: Final = (
    Advice(
        key="postfix",
        name="Postfix",
        steps=(
            (
                "Keep `local_recipient_maps` at its default or set, never empty: empty accepts every local "
                "name. A `luser_relay` for names without an account asks for it to be empty; do without."
            ),
            (
                "For domains you relay, list the recipients in `relay_recipient_maps`. Where you have no "
                "list, use `reject_unverified_recipient` and, once it works, "
                "`unverified_recipient_reject_code = 550`; it asks your own backend."
            ),
            (
                "Avoid `@domain` wildcards in these maps and in virtual alias and canonical maps: with them "
                "every user of the domain is known. Leave `smtpd_reject_unlisted_recipient` at `yes`."
            ),
            (
                "Filter before the queue: as a milter, or as `smtpd_proxy_filter`. With amavis behind the "
                "queue set the final destiny of spam and viruses to `D_DISCARD` or `D_PASS`, not `D_BOUNCE`."
            ),
            "Keep `reject_unverified_sender` away from general use: it calls back the servers of strangers.",
        ),
        test="`postconf local_recipient_maps relay_recipient_maps luser_relay` shows what is in force; "
        "`postmap -q no-such-user@your-domain MAP` must find nothing in any of the maps.",
    ),
    Advice(
        key="exim",
        name="Exim",
        steps=(
            (
                "Put `require verify = recipient` into the ACL of `acl_smtp_rcpt`; add `/callout` only "
                "towards your own backends."
            ),
            "Scan in the ACL of `acl_smtp_data` and deny there.",
            "Take `/callout` off `verify = sender`.",
            (
                "Auto-replies: use the `once` option, and conditions against null senders and "
                "`Auto-Submitted` mail."
            ),
        ),
        test="`exim -bv no-such-user@your-domain` must fail; `exim -bh 198.51.100.1` lets you type a whole "
        "dialogue and shows what the ACLs answer, without a mail being taken.",
    ),
    Advice(
        key="exchange",
        name="Exchange Server",
        steps=(
            (
                "Let the server that takes mail from the Internet (Edge Transport with a subscription, or a "
                "gateway) know the recipients, and refuse others: "
                "`Set-RecipientFilterConfig -RecipientValidationEnabled $true`."
            ),
            (
                "If another gateway stands in front, switch on recipient verification there: it must answer "
                "before Exchange has to bounce."
            ),
            (
                "Allow automatic replies to the outside only where they are needed "
                "(`Set-RemoteDomain Default -AllowedOOFType None`, and `External` for partners)."
            ),
        ),
        test="`Get-RecipientFilterConfig | Format-List RecipientValidationEnabled` must say `True`.",
    ),
    Advice(
        key="microsoft365",
        name="Microsoft 365",
        steps=(
            (
                "Set the accepted domain to *Authoritative* where all recipients are in Exchange Online: "
                "Directory-Based Edge Blocking then refuses unknown ones at the edge. *Internal relay* "
                "passes them on to the server behind. The MX record has to point to Microsoft 365."
            ),
            (
                "Mail flow rules that reject a message with an explanation send a bounce after acceptance: "
                "use quarantine for spam instead."
            ),
            "Restrict automatic replies to the outside per remote domain (`AllowedOOFType`).",
        ),
        test="The answer to an unknown recipient is `550 5.4.1 Recipient address rejected: Access denied`.",
    ),
    Advice(
        key="sendmail",
        name="Sendmail",
        steps=(
            (
                "End the virtual user table of each domain with a catch-all line, `@example.org`, a tab, "
                "`error:nouser 550 No such user here`, so that unknown users are refused in the dialogue."
            ),
            "Do not define `LUSER_RELAY`: it takes mail for every name that has no account.",
            "Let milters reject in the dialogue, not after acceptance.",
        ),
        test="`sendmail -bv no-such-user@your-domain` must not say `deliverable`.",
    ),
    Advice(
        key="qmail",
        name="qmail",
        steps=(
            (
                "An unpatched `qmail-smtpd` does not know your users and accepts every name in its domains. "
                "Add a recipient check, such as the validrcptto patch (a list of addresses) or chkuser (for "
                "vpopmail), or put another mail server in front."
            ),
            (
                "qmail-ldap has the check built in, switched off: set `RCPTCHECK` for `qmail-smtpd`. It "
                "covers the domains in `control/locals`."
            ),
        ),
    ),
    Advice(
        key="cpanel",
        name="cPanel",
        steps=(
            (
                "Set the default address of every domain to `:fail:` (*Discard the email while your server "
                "processes it by SMTP time with an error message*), so that unknown users are refused in "
                "the dialogue. For new accounts: *Tweak Settings*, *Initial default/catch-all forwarder "
                "destination*, *Fail*."
            ),
            (
                "Switch off *Sender Verification Callouts* in the *Exim Configuration Manager*, and "
                "BoxTrapper."
            ),
        ),
        test="`exim -bv no-such-user@your-domain` must fail.",
    ),
    Advice(
        key="plesk",
        name="Plesk",
        steps=(
            (
                "In the *Mail Settings* of each domain choose *Reject* for mail to users that do not exist. "
                "The default, *Bounce with message*, takes the mail and returns it."
            ),
            "Set the same in the service plans (*Policy on mail for non-existent users*), for new domains.",
        ),
    ),
    Advice(
        key="zimbra",
        name="Zimbra",
        steps=(
            "Unknown users of ordinary domains are refused in the dialogue already.",
            (
                "Alias domains are not covered by that: switch on the Zimbra policy server, which exists for "
                "this purpose."
            ),
            "Leave spam above the kill level discarded, as it is by default; do not have it bounced.",
        ),
    ),
    Advice(
        key="barracuda",
        name="Barracuda",
        steps=(
            (
                "Let the gateway know the valid recipients: by LDAP for each domain, by its list of explicit "
                "users, or by asking your server over SMTP."
            ),
            (
                "Asking over SMTP works only if the server behind answers 550 to `RCPT TO` at once; one that "
                "takes everything makes the gateway blind."
            ),
            (
                "Email Gateway Defense: synchronise the directory, and under *Users*, *Default Policy* set "
                "the default policy for unmanaged users to *Block*."
            ),
            "Have blocked mail quarantined or deleted, without a notice to its sender.",
        ),
    ),
    Advice(
        key="opensmtpd",
        name="OpenSMTPD",
        steps=(
            (
                "A recipient that no `match` rule takes is refused at `RCPT TO`. For domains that you relay, "
                "add `rcpt-to <table>` with the valid addresses to the rule; without it every name is taken."
            ),
            "Let filters decide in the dialogue, so that nothing has to be returned later.",
        ),
        test="`smtpd -n` checks the file.",
    ),
    Advice(
        key="amavis",
        name="amavis",
        steps=(
            (
                "Behind the queue set `$final_spam_destiny`, `$final_virus_destiny` and "
                "`$final_banned_destiny` to `D_DISCARD` (with a quarantine) or `D_PASS`, never to `D_BOUNCE`."
            ),
            "`D_REJECT` is right only in front of the queue, where the other server is still connected.",
            "Leave the `$warn…sender` switches off: they write to senders that are mostly forged.",
        ),
    ),
    Advice(
        key="mailman",
        name="Mailman and other list managers",
        steps=(
            (
                "Discard mail of non-members instead of answering it: `default_nonmember_action` in "
                "Mailman 3, `generic_nonmember_action` in Mailman 2.1."
            ),
            (
                "Do not tell posters that their mail is held (`respond_to_post_requests`), and leave "
                "automatic answers to posts off (`autorespond_postings`)."
            ),
        ),
    ),
    Advice(
        key="challenge",
        name="Challenge-response (BoxTrapper, TMDA, Boxbe and others)",
        steps=(
            (
                "Switch it off: each challenge to a forged sender is backscatter, and nothing in the mail "
                "tells which one is forged. Filter in the dialogue instead."
            ),
        ),
    ),
    Advice(
        key="packaged",
        name="Ready-made installations (mailcow, Mailu, emailwiz and others)",
        steps=(
            (
                "Update first. Several of them once returned spam, or mail to unknown users, after they had "
                "accepted it, and do so no more."
            ),
            "Mailu: set `REJECT_UNLISTED_RECIPIENT=yes`.",
            "See which server is inside, mostly Postfix, and check the lines for it.",
        ),
    ),
)

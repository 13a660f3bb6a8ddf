"""Settings for mail servers that use the list: the code always compared, the null sender only, at DATA. Pure.

At RCPT a sender callout of a listed server would be refused too, and that server would then refuse our
user's own mail; without the code compared, any other answer in 127/8 would refuse all bounces
(ux-ecosystem.md 0 and 3.1, complaint B2). A test reads every block here for both.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of settings. about: what it does and where it goes; text in backquotes is code."""

    about: str
    code: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Everything for one mail server."""

    key: str
    name: str
    blocks: tuple[Block, ...]


def snippets(zone: str, score_zone: str) -> list[Snippet]:
    """Return the settings for each mail server, with the names of our zones filled in."""
    return [_postfix(zone), _exim(zone), _rspamd(score_zone), _spamassassin(score_zone)]


def first_checks(zone: str) -> Block:
    """Return the questions that show whether the own resolver lets our answers through."""
    return Block(
        about="Before anything else, on the mail server: the first must say `127.0.0.2`, the "
        "second NXDOMAIN. An empty first answer comes from a resolver that drops 127/8 (rebind protection): "
        "allow the zone there. An answer to the second comes from one that rewrites NXDOMAIN: use another.",
        code=f"dig +short 2.0.0.127.{zone} A    # 127.0.0.2, always\n"
        f"dig 1.0.0.127.{zone} A           # NXDOMAIN, always",
    )


def _postfix(zone: str) -> Snippet:
    entry = f"check_sender_access inline:{{{{<> = reject_rbl_client {zone}=127.0.0.2}}}}"
    reply = f"texthash:/etc/postfix/rbl_reply with the key {zone}=127.0.0.2"
    return Snippet(
        key="postfix",
        name="Postfix",
        blocks=(
            Block(
                about="`main.cf`, for a week: nothing is refused, the log says `reject_warning`.",
                code=f"smtpd_data_restrictions =\n    permit_mynetworks,\n    warn_if_reject {entry}",
            ),
            Block(
                about="Then refuse. Only mail with an empty sender is asked about, at DATA. If DNS does not "
                "answer, the mail passes.",
                code=f"smtpd_data_restrictions =\n    permit_mynetworks,\n    {entry}",
            ),
            Block(
                about="Never put the zone into `postscreen_dnsbl_sites` or `smtpd_client_restrictions`: they "
                "do not know the sender, and wanted mail would be lost. A text of your own goes by "
                "`rbl_reply_maps`, whose key must hold the code too.",
                code=f"# rbl_reply_maps = {reply}",
            ),
        ),
    )


def _exim(zone: str) -> Snippet:
    return Snippet(
        key="exim",
        name="Exim",
        blocks=(
            Block(about="Main section:", code="acl_smtp_predata = acl_check_predata"),
            Block(
                about="ACL section. Write `warn` with `log_message` instead of `deny` for the first week. "
                "`exim -bh ADDRESS` replays a session without network.",
                code="acl_check_predata:\n"
                "  deny  senders   = :\n"
                f"        dnslists  = {zone}=127.0.0.2\n"
                "        message   = $sender_host_address is listed in $dnslist_domain: $dnslist_text\n"
                "  accept",
            ),
        ),
    )


def _rspamd(score_zone: str) -> Snippet:
    return Snippet(
        key="rspamd",
        name="rspamd",
        blocks=(
            Block(
                about="`local.d/rbl.conf`: asks for the connecting address only. The symbols alone weigh "
                "nothing.",
                code="rbls {\n  bsfeed {\n"
                f'    rbl = "{score_zone}";\n'
                '    checks = ["from"];\n    ipv4 = true;\n    ipv6 = true;\n    unknown = false;\n'
                "    returncodes {\n"
                '      RBL_BSFEED = "127.0.0.2";\n      RBL_BSFEED_REPORTED = "127.0.0.3";\n    }\n  }\n}',
            ),
            Block(
                about="`local.d/groups.conf`",
                code='group "bsfeed" {\n  symbols = {\n    "RBL_BSFEED" { weight = 0.0; }\n'
                '    "RBL_BSFEED_REPORTED" { weight = 0.0; }\n  }\n}',
            ),
            Block(
                about="`local.d/composites.conf`: only together with a null sender or a bounce they weigh. "
                "rspamd decides at the end of DATA.",
                code='BSFEED_BOUNCE {\n  expression = "RBL_BSFEED & (BOUNCE | HFILTER_FROM_BOUNCE)";\n'
                '  policy = "leave";\n  score = 6.0;\n}\n'
                "BSFEED_BOUNCE_REPORTED {\n"
                '  expression = "RBL_BSFEED_REPORTED & (BOUNCE | HFILTER_FROM_BOUNCE)";\n'
                '  policy = "leave";\n  score = 2.0;\n}',
            ),
        ),
    )


def _spamassassin(score_zone: str) -> Snippet:
    return Snippet(
        key="spamassassin",
        name="SpamAssassin",
        blocks=(
            Block(
                about="`local.cf`: `trusted_networks` and `internal_networks` must be right, so that the "
                "last external address is the one that connected. `spamassassin --lint` checks the file.",
                code=f"header   __BSFEED       eval:check_rbl('bsfeed-lastexternal','{score_zone}.',"
                "'^127\\.0\\.0\\.2$')\n"
                "tflags   __BSFEED       net\n"
                "header   __BSFEED_NULL  EnvelopeFrom =~ /^(?:<>)?\\s*$/\n"
                "meta     BSFEED_BOUNCE  (__BSFEED && __BSFEED_NULL)\n"
                "describe BSFEED_BOUNCE  Null sender from a listed emitter of backscatter\n"
                "score    BSFEED_BOUNCE  4.0",
            ),
        ),
    )

"""The tables behind the site, the console and the desk. Same conventions and metadata as `tables`.

A token is never stored: what stands here is its keyed hash, and where a mail must carry it, a seed from
which only the server's secret makes the token again.
"""

from typing import Any, Final

import sqlalchemy as sa

from feed.store.tables import Digest, Key, metadata

ANSWERS: Final = ("upheld", "partly", "rejected")
"""What the operator can say to a dispute."""


def _column(name: str, kind: Any, comment: str, **options: Any) -> sa.Column[Any]:
    options.setdefault("nullable", False)
    return sa.Column(name, kind, comment=comment, **options)


def _length(column: str, size: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"length({column}) = {size}", name=f"{column}_length")


outbox = sa.Table(
    "outbox",
    metadata,
    _column("mail_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    _column("recipient", sa.String(254), "role address that we derived ourselves, lower case"),
    _column("domain", sa.String(253), "registered domain by which mails are limited"),
    _column("subject", sa.String(150), "ASCII, one line"),
    _column("body", sa.Text, "text with a mark where the link's token goes; empty once it is done"),
    _column("seed", Digest, "from which the token is made", nullable=True),
    _column("created_at", sa.BigInteger, "when it was asked for; mails are limited by it"),
    _column("expires_at", sa.BigInteger, "never sent after"),
    _column("attempts", sa.SmallInteger, "tries so far"),
    _column("next_at", sa.BigInteger, "no try before"),
    _column("sent_at", sa.BigInteger, "accepted by the relay", nullable=True),
    _column("failed_at", sa.BigInteger, "given up", nullable=True),
    _column("failure", sa.String(200), "why the last try failed", nullable=True),
    sa.Index(None, "next_at"),
    sa.Index(None, "recipient", "created_at"),
    sa.Index(None, "domain", "created_at"),
    sa.CheckConstraint("sent_at IS NULL OR failed_at IS NULL", name="one_end"),
    comment="Mails to send, and for a while those that were sent",
)

proof = sa.Table(
    "proof",
    metadata,
    _column("token_mac", Digest, "keyed hash of the token in the link"),
    _column("emitter_key", Key, "16 bytes: the emitter"),
    _column("address", Key, "the exact address asked for"),
    _column("epoch", sa.Integer, "of the emitter when the link was made; with another one it is void"),
    _column("means", sa.String(20), "mail or rdap"),
    _column("created_at", sa.BigInteger, "when"),
    _column("expires_at", sa.BigInteger, "end"),
    _column("used_at", sa.BigInteger, "when its button was pressed", nullable=True),
    _column("ticket_id", sa.String(32), "what came of it", nullable=True),
    sa.PrimaryKeyConstraint("token_mac"),
    sa.Index(None, "expires_at"),
    _length("token_mac", 32),
    _length("emitter_key", 16),
    _length("address", 16),
    sa.CheckConstraint("means IN ('mail', 'rdap')", name="means_known"),
    comment="Links that prove control of an address, each good for one removal",
)

dispute = sa.Table(
    "dispute",
    metadata,
    _column("dispute_id", sa.String(32), "random, not guessable"),
    _column("emitter_key", Key, "16 bytes: the emitter"),
    _column("address", Key, "the exact address"),
    _column("asked_at", sa.BigInteger, "when"),
    _column("proven", sa.Boolean, "asked by somebody who showed control of the address"),
    _column("words", sa.String(1000), "what the requester wrote; never public"),
    _column("reports", sa.String(400), "opaque numbers of the reports meant, blanks between"),
    _column("answer", sa.String(10), "upheld, partly or rejected; none = open", nullable=True),
    _column("reason", sa.String(200), "of the answer, shown to the requester", nullable=True),
    _column("answered_at", sa.BigInteger, "when", nullable=True),
    _column("author", sa.String(100), "who answered", nullable=True),
    _column("retracted_n", sa.Integer, "reports taken back by the answer"),
    sa.PrimaryKeyConstraint("dispute_id"),
    sa.Index(None, "emitter_key", "asked_at"),
    sa.Index(None, "answered_at", "asked_at"),
    _length("emitter_key", 16),
    _length("address", 16),
    sa.CheckConstraint(
        "answer IS NULL OR answer IN ('upheld', 'partly', 'rejected')", name="answer_known"
    ),
    sa.CheckConstraint(
        "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (reason IS NULL)", name="whole"
    ),
    comment="Objections of listed admins and what the operator answered",
)  # fmt: skip

session = sa.Table(
    "session",
    metadata,
    _column("session_mac", Digest, "keyed hash of the number in the cookie"),
    _column("actor", sa.String(100), "who, as it stands in the audit log"),
    _column("place", sa.String(10), "console or desk"),
    _column("source_id", sa.Integer, "the reporter at the desk", nullable=True),
    _column("key_id", sa.String(16), "key that opened it; its end ends the session", nullable=True),
    _column("created_at", sa.BigInteger, "sign-in"),
    _column("seen_at", sa.BigInteger, "last request"),
    _column("ended_at", sa.BigInteger, "signed out", nullable=True),
    sa.PrimaryKeyConstraint("session_mac"),
    sa.Index(None, "seen_at"),
    _length("session_mac", 32),
    sa.CheckConstraint("place IN ('console', 'desk')", name="place_known"),
    sa.CheckConstraint("(place = 'desk') = (source_id IS NOT NULL)", name="desk_has_reporter"),
    comment="Who is signed in to the console or the desk",
)

sign_in = sa.Table(
    "sign_in",
    metadata,
    _column("token_mac", Digest, "keyed hash of the token in the link"),
    _column("author", sa.String(100), "who made it on the command line"),
    _column("created_at", sa.BigInteger, "when"),
    _column("expires_at", sa.BigInteger, "end"),
    _column("used_at", sa.BigInteger, "when it was used", nullable=True),
    sa.PrimaryKeyConstraint("token_mac"),
    _length("token_mac", 32),
    comment="Links to the console, each good for one sign-in",
)

trace = sa.Table(
    "trace",
    metadata,
    _column("emitter_key", Key, "16 bytes: the emitter"),
    _column("event_id", sa.BigInteger, "the event"),
    _column("received_day", sa.Integer, "of the event, for retention"),
    _column("queue_id", sa.String(64), "the emitter's own, none = not told", nullable=True),
    _column("recipient_domain", sa.String(253), "of the failed recipient, none = not told", nullable=True),
    sa.PrimaryKeyConstraint("emitter_key", "event_id"),
    sa.Index(None, "received_day"),
    _length("emitter_key", 16),
    comment="What a reporter allowed the proven owner to see of an event, to find it in his log",
)

disclosure = sa.Table(
    "disclosure",
    metadata,
    _column("source_id", sa.Integer, "the reporter"),
    _column("detail", sa.String(6), "minute or hour: how exact times are told to the proven owner"),
    sa.PrimaryKeyConstraint("source_id"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    sa.CheckConstraint("detail IN ('minute', 'hour')", name="detail_known"),
    comment="What reporters chose to tell proven owners; without a row: minutes, hours for traps",
)

bulk_action = sa.Table(
    "bulk_action",
    metadata,
    _column("bulk_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    _column("action", sa.String(6), "end, hold or exempt"),
    _column("wanted", sa.String(200), "by what the addresses were chosen, in words"),
    _column("until_minute", sa.BigInteger, "end of holds and exemptions, 0 = none"),
    _column("author", sa.String(100), "who made the preview"),
    _column("reason", sa.String(200), "why"),
    _column("made_at", sa.BigInteger, "preview"),
    _column("started_at", sa.BigInteger, "when it was let go", nullable=True),
    _column("done_at", sa.BigInteger, "when its last address was done", nullable=True),
    _column("undo_author", sa.String(100), "who wants it undone", nullable=True),
    _column("undo_reason", sa.String(200), "why", nullable=True),
    _column("undo_at", sa.BigInteger, "when that was said", nullable=True),
    _column("undone_at", sa.BigInteger, "when its last address was undone", nullable=True),
    sa.CheckConstraint("action IN ('end', 'hold', 'exempt')", name="action_known"),
    sa.CheckConstraint("undo_at IS NULL OR started_at IS NOT NULL", name="undo_of_started"),
    comment="What the operator does to many addresses at once: preview, work, undo",
)

bulk_item = sa.Table(
    "bulk_item",
    metadata,
    _column("bulk_id", sa.Integer, "the bulk action"),
    _column("address", Key, "16 bytes: as it is listed"),
    _column("unit", sa.SmallInteger, "32, 64 or 128: how wide it is listed"),
    _column("code", sa.SmallInteger, "return code at the preview"),
    _column("result", sa.String(10), "done, or why nothing was done", nullable=True),
    _column("before", sa.Text, "what is needed to undo it, JSON", nullable=True),
    _column("undo_result", sa.String(10), "undone, or why it cannot be", nullable=True),
    sa.PrimaryKeyConstraint("bulk_id", "address"),
    sa.ForeignKeyConstraint(["bulk_id"], ["bulk_action.bulk_id"]),
    _length("address", 16),
    comment="Addresses of bulk actions, each with its result",
)

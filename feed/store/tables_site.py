"""The tables behind the site, the console and the desk. Same conventions and metadata as `tables`.

A token is never stored: what stands here is its keyed hash, and where a mail must carry it, a seed from
which only the server's secret makes the token again.
"""

from typing import Final

import sqlalchemy as sa

from feed.store.columns import Digest, Key, column, metadata, of_length

ANSWERS: Final = ("upheld", "partly", "rejected")
"""What the operator can say to a dispute."""


outbox = sa.Table(
    "outbox",
    metadata,
    column("mail_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    column("recipient", sa.String(254), "role address that we derived ourselves, lower case"),
    column("domain", sa.String(253), "registered domain by which mails are limited"),
    column("subject", sa.String(150), "ASCII, one line"),
    column("body", sa.Text, "text with a mark where the link's token goes; empty once it is done"),
    column("seed", Digest, "from which the token is made", nullable=True),
    column("created_at", sa.BigInteger, "when it was asked for; mails are limited by it"),
    column("expires_at", sa.BigInteger, "never sent after"),
    column("attempts", sa.SmallInteger, "tries so far"),
    column("next_at", sa.BigInteger, "no try before"),
    column("sent_at", sa.BigInteger, "accepted by the relay", nullable=True),
    column("failed_at", sa.BigInteger, "given up", nullable=True),
    column("failure", sa.String(200), "why the last try failed", nullable=True),
    sa.Index(None, "next_at"),
    sa.Index(None, "recipient", "created_at"),
    sa.Index(None, "domain", "created_at"),
    sa.CheckConstraint("sent_at IS NULL OR failed_at IS NULL", name="one_end"),
    comment="Mails to send, and for a while those that were sent",
)

proof = sa.Table(
    "proof",
    metadata,
    column("token_mac", Digest, "keyed hash of the token in the link"),
    column("emitter_key", Key, "16 bytes: the emitter"),
    column("address", Key, "the exact address asked for"),
    column("epoch", sa.Integer, "of the emitter when the link was made; with another one it is void"),
    column("means", sa.String(20), "mail or rdap"),
    column("created_at", sa.BigInteger, "when"),
    column("expires_at", sa.BigInteger, "end"),
    column("used_at", sa.BigInteger, "when its button was pressed", nullable=True),
    column("ticket_id", sa.String(32), "what came of it", nullable=True),
    sa.PrimaryKeyConstraint("token_mac"),
    sa.Index(None, "expires_at"),
    of_length("token_mac", 32),
    of_length("emitter_key", 16),
    of_length("address", 16),
    sa.CheckConstraint("means IN ('mail', 'rdap')", name="means_known"),
    comment="Links that prove control of an address, each good for one removal",
)

dispute = sa.Table(
    "dispute",
    metadata,
    column("dispute_id", sa.String(32), "random, not guessable"),
    column("emitter_key", Key, "16 bytes: the emitter"),
    column("address", Key, "the exact address"),
    column("asked_at", sa.BigInteger, "when"),
    column("proven", sa.Boolean, "asked by somebody who showed control of the address"),
    column("words", sa.String(1000), "what the requester wrote; never public"),
    column("reports", sa.String(400), "opaque numbers of the reports meant, blanks between"),
    column("answer", sa.String(10), "upheld, partly or rejected; none = open", nullable=True),
    column("reason", sa.String(200), "of the answer, shown to the requester", nullable=True),
    column("answered_at", sa.BigInteger, "when", nullable=True),
    column("author", sa.String(100), "who answered", nullable=True),
    column("retracted_n", sa.Integer, "reports taken back by the answer"),
    sa.PrimaryKeyConstraint("dispute_id"),
    sa.Index(None, "emitter_key", "asked_at"),
    sa.Index(None, "answered_at", "asked_at"),
    of_length("emitter_key", 16),
    of_length("address", 16),
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
    column("session_mac", Digest, "keyed hash of the number in the cookie"),
    column("actor", sa.String(100), "who, as it stands in the audit log"),
    column("place", sa.String(10), "console or desk"),
    column("source_id", sa.Integer, "the reporter at the desk", nullable=True),
    column("key_id", sa.String(16), "key that opened it; its end ends the session", nullable=True),
    column("created_at", sa.BigInteger, "sign-in"),
    column("seen_at", sa.BigInteger, "last request"),
    column("ended_at", sa.BigInteger, "signed out", nullable=True),
    sa.PrimaryKeyConstraint("session_mac"),
    sa.Index(None, "seen_at"),
    of_length("session_mac", 32),
    sa.CheckConstraint("place IN ('console', 'desk')", name="place_known"),
    sa.CheckConstraint("(place = 'desk') = (source_id IS NOT NULL)", name="desk_has_reporter"),
    comment="Who is signed in to the console or the desk",
)

sign_in = sa.Table(
    "sign_in",
    metadata,
    column("token_mac", Digest, "keyed hash of the token in the link"),
    column("author", sa.String(100), "who made it on the command line"),
    column("created_at", sa.BigInteger, "when"),
    column("expires_at", sa.BigInteger, "end"),
    column("used_at", sa.BigInteger, "when it was used", nullable=True),
    sa.PrimaryKeyConstraint("token_mac"),
    of_length("token_mac", 32),
    comment="Links to the console, each good for one sign-in",
)

trace = sa.Table(
    "trace",
    metadata,
    column("emitter_key", Key, "16 bytes: the emitter"),
    column("event_id", sa.BigInteger, "the event"),
    column("received_day", sa.Integer, "of the event, for retention"),
    column("queue_id", sa.String(64), "the emitter's own, none = not told", nullable=True),
    column("recipient_domain", sa.String(253), "of the failed recipient, none = not told", nullable=True),
    sa.PrimaryKeyConstraint("emitter_key", "event_id"),
    sa.Index(None, "received_day"),
    of_length("emitter_key", 16),
    comment="What a reporter allowed the proven owner to see of an event, to find it in his log",
)

disclosure = sa.Table(
    "disclosure",
    metadata,
    column("source_id", sa.Integer, "the reporter"),
    column("detail", sa.String(6), "minute or hour: how exact times are told to the proven owner"),
    sa.PrimaryKeyConstraint("source_id"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    sa.CheckConstraint("detail IN ('minute', 'hour')", name="detail_known"),
    comment="What reporters chose to tell proven owners; without a row: minutes, hours for traps",
)

bulk_action = sa.Table(
    "bulk_action",
    metadata,
    column("bulk_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    column("action", sa.String(6), "end, hold or exempt"),
    column("wanted", sa.String(200), "by what the addresses were chosen, in words"),
    column("until_minute", sa.BigInteger, "end of holds and exemptions, 0 = none"),
    column("author", sa.String(100), "who made the preview"),
    column("reason", sa.String(200), "why"),
    column("made_at", sa.BigInteger, "preview"),
    column("started_at", sa.BigInteger, "when it was let go", nullable=True),
    column("done_at", sa.BigInteger, "when its last address was done", nullable=True),
    column("undo_author", sa.String(100), "who wants it undone", nullable=True),
    column("undo_reason", sa.String(200), "why", nullable=True),
    column("undo_at", sa.BigInteger, "when that was said", nullable=True),
    column("undone_at", sa.BigInteger, "when its last address was undone", nullable=True),
    sa.CheckConstraint("action IN ('end', 'hold', 'exempt')", name="action_known"),
    sa.CheckConstraint("undo_at IS NULL OR started_at IS NOT NULL", name="undo_of_started"),
    comment="What the operator does to many addresses at once: preview, work, undo",
)

bulk_item = sa.Table(
    "bulk_item",
    metadata,
    column("bulk_id", sa.Integer, "the bulk action"),
    column("address", Key, "16 bytes: as it is listed"),
    column("unit", sa.SmallInteger, "32, 64 or 128: how wide it is listed"),
    column("code", sa.SmallInteger, "return code at the preview"),
    column("result", sa.String(10), "done, or why nothing was done", nullable=True),
    column("before", sa.Text, "what is needed to undo it, JSON", nullable=True),
    column("undo_result", sa.String(10), "undone, or why it cannot be", nullable=True),
    sa.PrimaryKeyConstraint("bulk_id", "address"),
    sa.ForeignKeyConstraint(["bulk_id"], ["bulk_action.bulk_id"]),
    of_length("address", 16),
    comment="Addresses of bulk actions, each with its result",
)

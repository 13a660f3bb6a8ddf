"""All tables, as SQLAlchemy Core. One metadata for SQLite and PostgreSQL; no vendor types.

Conventions (engineering.md, tables): `emitter_key` is 16 bytes, IPv4 as ::ffff:a.b.c.d, IPv6 as its /64.
Times are integers: `_at` seconds and `_minute` minutes since 1970-01-01 UTC, `_day` days. The database
never calculates with time. Enumerations are the numbers of `feed.domain`. No mail content, no mail
address of a third party is stored anywhere (evidence.md 6.3).
"""

from typing import Any, Final

import sqlalchemy as sa

from feed.domain.event import Attestation, Channel, Kind, Provenance, RecipientClass, Verdict
from feed.domain.listing import Code, State

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Key: Final = sa.LargeBinary(16)
Digest: Final = sa.LargeBinary(32)


def _column(name: str, kind: Any, comment: str, **options: Any) -> sa.Column[Any]:
    options.setdefault("nullable", False)
    return sa.Column(name, kind, comment=comment, **options)


def _range(column: str, low: int, high: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} BETWEEN {low} AND {high}", name=f"{column}_range")


def _length(column: str, size: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"length({column}) = {size}", name=f"{column}_length")


event = sa.Table(
    "event",
    metadata,
    _column("emitter_key", Key, "16 bytes: the emitter, IPv6 by /64"),
    _column("received_day", sa.Integer, "day of arrival here; the partition key"),
    _column("event_id", sa.BigInteger, "random 63 bit number"),
    _column("source_id", sa.Integer, "the reporter"),
    _column("channel", sa.SmallInteger, "Channel; only MAIN is ever listed"),
    _column("observed_minute", sa.Integer, "when the notification arrived at the reporter"),
    _column("received_at", sa.BigInteger, "when the report arrived here"),
    _column("epoch", sa.Integer, "accepted removals of the emitter before the observation"),
    _column("original_key", Key, "keyed hash: the mail that was returned"),
    _column("kind", sa.SmallInteger, "Kind"),
    _column("recipient_class", sa.SmallInteger, "RecipientClass, as attested"),
    _column("recipient_token", sa.BigInteger, "keyed hash of the reporter's recipient token, 0 = unknown"),
    _column("attestation", sa.SmallInteger, "ladder U, after judging"),
    _column("provenance", sa.SmallInteger, "ladder P"),
    _column("strength", sa.SmallInteger, "min(U, P) less defects"),
    _column("address", Key, "16 bytes: the exact address"),
    _column("reporting_mta", sa.String(255), "host name in the status part", nullable=True),
    _column("software", sa.String(32), "guessed mail server software", nullable=True),
    _column("status", sa.String(11), "enhanced status code d.d.d", nullable=True),
    _column("helo", sa.String(255), "HELO name seen by the reporter", nullable=True),
    _column("retracted_at", sa.BigInteger, "when its reporter or the operator took it back", nullable=True),
    sa.PrimaryKeyConstraint("emitter_key", "received_day", "event_id"),
    sa.Index(None, "source_id", "received_day"),
    sa.Index(None, "emitter_key", "source_id", "original_key"),
    _length("emitter_key", 16),
    _length("address", 16),
    _length("original_key", 16),
    _range("channel", min(Channel), max(Channel)),
    _range("kind", Kind.CR, max(Kind)),
    _range("recipient_class", min(RecipientClass), max(RecipientClass)),
    _range("attestation", min(Attestation), max(Attestation)),
    _range("provenance", min(Provenance), max(Provenance)),
    _range("strength", 0, 5),
    comment="The minimal fact that is kept of a report",
    postgresql_partition_by="RANGE (received_day)",
)

receipt = sa.Table(
    "receipt",
    metadata,
    _column("source_id", sa.Integer, "the reporter"),
    _column("dedupe_kind", sa.SmallInteger, "1 digest of the content, 2 Idempotency-Key"),
    _column("dedupe", Digest, "keyed hash of the digest or of the key"),
    _column("receipt_id", sa.String(26), "what the reporter was told"),
    _column("body_digest", Digest, "keyed hash of the body: the same key with another body is refused"),
    _column("emitter_key", Key, "of the event, if one was stored", nullable=True),
    _column("event_day", sa.Integer, "received_day of the event", nullable=True),
    _column("event_id", sa.BigInteger, "the event", nullable=True),
    _column("verdict", sa.SmallInteger, "Verdict"),
    _column("answer", sa.Text, "the answer as JSON; codes only"),
    _column("created_day", sa.Integer, "day of the first report"),
    sa.PrimaryKeyConstraint("source_id", "dedupe_kind", "dedupe"),
    sa.Index(None, "source_id", "receipt_id"),
    sa.Index(None, "created_day"),
    _range("dedupe_kind", 1, 2),
    _range("verdict", min(Verdict), max(Verdict)),
    _length("dedupe", 32),
    _length("body_digest", 32),
    comment="The first answer to each report; the same report again gets it back",
)

cell = sa.Table(
    "cell",
    metadata,
    _column("emitter_key", Key, "16 bytes: the emitter, IPv6 by /64"),
    _column("channel", sa.SmallInteger, "Channel"),
    _column("day", sa.Integer, "day of the originals"),
    _column("epoch", sa.Integer, "accepted removals before"),
    _column("source_id", sa.Integer, "the reporter"),
    _column("points", sa.BigInteger, "micro-points of originals of strength 2 and more"),
    _column("weak_points", sa.BigInteger, "micro-points of originals of strength 1"),
    _column("nsu_points", sa.BigInteger, "micro-points of no_such_user originals"),
    _column("nsu_n", sa.Integer, "no_such_user originals"),
    _column("n", sa.Integer, "originals"),
    *(_column(f"n_u{step}", sa.Integer, f"originals of strength {step}") for step in range(6)),
    _column("log_miss_n", sa.Integer, "originals attested by log_miss"),
    _column("auto_n", sa.Integer, "originals whose notification is an auto-reply"),
    _column("first_minute", sa.Integer, "earliest original"),
    _column("last_minute", sa.Integer, "latest original"),
    _column("strong_minute", sa.Integer, "latest original of strength 3 and more, 0 = none"),
    _column("trap_n", sa.Integer, "originals at traps and tagged addresses"),
    _column("trap_first_minute", sa.Integer, "earliest of them, 0 = none"),
    _column("trap_last_minute", sa.Integer, "latest of them, 0 = none"),
    _column("trap_token_min", sa.BigInteger, "least recipient token of them"),
    _column("trap_token_max", sa.BigInteger, "greatest recipient token of them"),
    _column("observed", sa.Boolean, "the reporter sent observations for that day"),
    _column("null_n", sa.Integer, "observed: null-sender mails from it in 24 h, largest said"),
    _column("genuine_n", sa.Integer, "observed: genuine notifications among them, largest said"),
    _column("seen_24h", sa.Integer, "observed: all mails from it in 24 h, largest said"),
    _column("addr_min", sa.LargeBinary(16), "least address; empty = none"),
    _column("addr_max", sa.LargeBinary(16), "greatest address"),
    _column("kinds", sa.Integer, "bit 1 << Kind"),
    sa.PrimaryKeyConstraint("emitter_key", "channel", "day", "epoch", "source_id"),
    sa.Index(None, "source_id", "day"),
    sa.Index(None, "day"),
    _length("emitter_key", 16),
    _range("channel", min(Channel), max(Channel)),
    sa.CheckConstraint("n >= 0 AND points >= 0", name="not_negative"),
    comment="Cache of events: originals of one day of one source; rebuilt from events at any time",
    sqlite_with_rowid=False,
)

observation = sa.Table(
    "observation",
    metadata,
    _column("emitter_key", Key, "16 bytes: the emitter, IPv6 by /64"),
    _column("source_id", sa.Integer, "the reporter"),
    _column("day", sa.Integer, "day that was observed"),
    _column("received_minute", sa.Integer, "when it was said; the largest of one minute is kept"),
    _column("epoch", sa.Integer, "accepted removals of the emitter when it was said"),
    _column("address", Key, "16 bytes: the exact address"),
    _column("null_n", sa.Integer, "null-sender mails from it in 24 h"),
    _column("genuine_n", sa.Integer, "genuine notifications among them"),
    _column("seen_24h", sa.Integer, "all mails from it in 24 h"),
    _column("retracted_at", sa.BigInteger, "when it was taken back", nullable=True),
    sa.PrimaryKeyConstraint("emitter_key", "source_id", "day", "received_minute"),
    sa.Index(None, "source_id", "day"),
    sa.Index(None, "day"),
    _length("emitter_key", 16),
    _length("address", 16),
    comment="What reporters saw of an address on a day; cells keep the largest of each day",
    sqlite_with_rowid=False,
)

emitter_state = sa.Table(
    "emitter_state",
    metadata,
    _column("emitter_key", Key, "16 bytes: the emitter, IPv6 by /64"),
    _column("channel", sa.SmallInteger, "Channel"),
    _column("state", sa.SmallInteger, "State"),
    _column("code", sa.SmallInteger, "last octet of 127.0.0.x, 0 = nothing published"),
    _column("unit", sa.SmallInteger, "width published: 32, 64 or 128"),
    _column("address", Key, "the exact address where unit is 128, else the key"),
    _column("since_minute", sa.Integer, "entry into the state"),
    _column("listed_minute", sa.Integer, "start of the present or last listing, 0 = never"),
    _column("min_until_minute", sa.Integer, "no expiry by score before"),
    _column("last_evidence_minute", sa.Integer, "latest counted original"),
    _column("epoch", sa.Integer, "accepted removals so far"),
    _column("strikes", sa.SmallInteger, "listings within the policy's window"),
    _column("strike_minute", sa.Integer, "the last of them"),
    _column("probation_until_minute", sa.Integer, "end of probation"),
    _column("score", sa.BigInteger, "micro-points at the last scoring"),
    _column("version", sa.Integer, "rises with each input"),
    _column("scored_version", sa.Integer, "version that was scored last"),
    _column("next_due_minute", sa.BigInteger, "0 = score now; else nothing changes before"),
    _column("hold", sa.SmallInteger, "Hold, 0 = none"),
    _column("reason", sa.String(40), "stable word"),
    _column("software", sa.String(32), "mail server software seen last", nullable=True),
    _column("policy_id", sa.Integer, "policy_snapshot of the last scoring"),
    _column("trust_id", sa.Integer, "trust_snapshot of the last scoring"),
    sa.PrimaryKeyConstraint("emitter_key", "channel"),
    sa.Index(None, "next_due_minute"),
    sa.Index(
        "ix_emitter_state_published",
        "emitter_key",
        sqlite_where=sa.text("code > 0"),
        postgresql_where=sa.text("code > 0"),
    ),
    _length("emitter_key", 16),
    _length("address", 16),
    _range("channel", min(Channel), max(Channel)),
    _range("state", min(State), max(State)),
    sa.CheckConstraint(f"code IN ({Code.NONE}, {Code.CONFIRMED}, {Code.REPORTED})", name="code_known"),
    sa.CheckConstraint("unit IN (32, 64, 128)", name="unit_known"),
    sa.CheckConstraint(f"code = 0 OR state = {State.LISTED}", name="only_listed_published"),
    sa.CheckConstraint(f"code = 0 OR channel = {Channel.MAIN}", name="only_main_published"),
    comment="Where an emitter stands; only the scoring job and removals write it",
)

transition = sa.Table(
    "transition",
    metadata,
    _column("emitter_key", Key, "16 bytes: the emitter"),
    _column("channel", sa.SmallInteger, "Channel"),
    _column("seq", sa.Integer, "1, 2, 3 for each emitter and channel"),
    _column("at_minute", sa.Integer, "the tick at which it happened"),
    _column("from_state", sa.SmallInteger, "State before"),
    _column("to_state", sa.SmallInteger, "State after"),
    _column("code", sa.SmallInteger, "return code after"),
    _column("cause", sa.String(40), "stable word"),
    _column("score", sa.BigInteger, "micro-points"),
    _column("policy_id", sa.Integer, "policy_snapshot in force"),
    _column("trust_id", sa.Integer, "trust_snapshot in force"),
    _column("void_at", sa.BigInteger, "when a retraction made it not have happened", nullable=True),
    sa.PrimaryKeyConstraint("emitter_key", "channel", "seq"),
    sa.Index(None, "at_minute"),
    _range("from_state", min(State), max(State)),
    _range("to_state", min(State), max(State)),
    comment="Append-only history of states; what a retraction undid stays, marked",
)

removal = sa.Table(
    "removal",
    metadata,
    _column("emitter_key", Key, "16 bytes: the emitter"),
    _column("channel", sa.SmallInteger, "Channel"),
    _column("epoch", sa.Integer, "number of this removal, from 1"),
    _column("accepted_minute", sa.Integer, "evidence of this minute and before never counts again"),
    _column("proof", sa.String(20), "how control was shown"),
    sa.PrimaryKeyConstraint("emitter_key", "channel", "epoch"),
    comment="Accepted removals",
)

ticket = sa.Table(
    "ticket",
    metadata,
    _column("ticket_id", sa.String(32), "random, not guessable"),
    _column("emitter_key", Key, "16 bytes: the emitter"),
    _column("address", Key, "the exact address asked for"),
    _column("kind", sa.String(10), "removal or dispute"),
    _column("asked_at", sa.BigInteger, "when"),
    _column("outcome", sa.String(10), "accepted, wait, operator or nothing"),
    _column("until_minute", sa.Integer, "when it can be asked again, 0 = now or never"),
    _column("proof", sa.String(20), "how control was shown"),
    _column("epoch", sa.Integer, "of the accepted removal", nullable=True),
    _column("was_code", sa.SmallInteger, "return code before"),
    _column("comment", sa.String(500), "what the requester wrote", nullable=True),
    sa.PrimaryKeyConstraint("ticket_id"),
    sa.Index(None, "emitter_key", "asked_at"),
    _length("emitter_key", 16),
    comment="What the admin of a server asked for and what became of it",
)

publication = sa.Table(
    "publication",
    metadata,
    _column("zone", sa.String(253), "zone name"),
    _column("serial", sa.BigInteger, "SOA serial"),
    _column("body_digest", Digest, "sha256 of the snapshot's body"),
    _column("generation", sa.Integer, "mark of the changes that it holds"),
    _column("published_at", sa.BigInteger, "when the file was renamed into place"),
    _column("renewed_at", sa.BigInteger, "last renewal of an unchanged list"),
    _column("entries_n", sa.Integer, "listed entries, test entries not counted"),
    _column("added_n", sa.Integer, "entries that came"),
    _column("left_n", sa.Integer, "entries that left"),
    _column("held_n", sa.Integer, "additions held by a gate or the freeze"),
    _column("alarm", sa.String(200), "why something was held or kept", nullable=True),
    sa.PrimaryKeyConstraint("zone", "serial"),
    comment="Each published generation of each zone",
)

reporter = sa.Table(
    "reporter",
    metadata,
    _column("source_id", sa.Integer, "number of the reporter", primary_key=True, autoincrement=True),
    _column("name", sa.String(100), "unique short name"),
    _column("organisation", sa.String(200), "who runs it"),
    _column("contact", sa.String(254), "role address of the reporter himself"),
    _column("group_id", sa.Integer, "independence group: same organisation, network or operator"),
    _column("weight", sa.SmallInteger, "given by the operator, twentieths, 0 to 20"),
    _column("weight_until_day", sa.Integer, "end of a seeded weight, 0 = none"),
    _column("weight_reason", sa.String(200), "why this weight"),
    _column(
        "earned_weight", sa.SmallInteger, "by confirmed reports, twentieths, 0 to 20", server_default="0"
    ),
    _column("anchor", sa.Boolean, "its traps count as anchors"),
    _column("vetted", sa.Boolean, "higher quota"),
    _column("suspended_at", sa.BigInteger, "nothing of it counts since", nullable=True),
    _column("created_at", sa.BigInteger, "registration"),
    sa.UniqueConstraint("name"),
    _range("weight", 0, 20),
    _range("earned_weight", 0, 20),
    comment="Who reports",
)

reporter_host = sa.Table(
    "reporter_host",
    metadata,
    _column("source_id", sa.Integer, "the reporter"),
    _column("host", sa.String(253), "exact name that it writes after `by`, lower case"),
    _column("role", sa.String(8), "border or internal"),
    sa.PrimaryKeyConstraint("source_id", "host"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    sa.CheckConstraint("role IN ('border', 'internal')", name="role_known"),
    comment="Mail hosts of reporters; only their Received fields are believed",
)

reporter_network = sa.Table(
    "reporter_network",
    metadata,
    _column("source_id", sa.Integer, "the reporter"),
    _column("network", sa.String(43), "CIDR"),
    _column("role", sa.String(9), "own or forwarder"),
    sa.PrimaryKeyConstraint("source_id", "network"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    sa.CheckConstraint("role IN ('own', 'forwarder')", name="role_known"),
    comment="Networks that are never charged on this reporter's word",
)

api_key = sa.Table(
    "api_key",
    metadata,
    _column("key_id", sa.String(16), "public part of the key"),
    _column("source_id", sa.Integer, "the reporter; none for an operator", nullable=True),
    _column("secret_hmac", Digest, "HMAC-SHA-256 of the secret part under the server's secret"),
    _column("scopes", sa.String(40), "words of report, read, operate"),
    _column("created_at", sa.BigInteger, "when"),
    _column("expires_at", sa.BigInteger, "end, none = open", nullable=True),
    _column("revoked_at", sa.BigInteger, "taken back", nullable=True),
    _column("last_used_day", sa.Integer, "day of the last use, 0 = never"),
    _column("author", sa.String(100), "who made it"),
    sa.PrimaryKeyConstraint("key_id"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    _length("secret_hmac", 32),
    comment="Keys; the secret itself is never stored",
)

usage = sa.Table(
    "usage",
    metadata,
    _column("source_id", sa.Integer, "the reporter"),
    _column("day", sa.Integer, "UTC day"),
    _column("events_n", sa.Integer, "new events taken"),
    _column("refused_n", sa.Integer, "reports refused after reading"),
    sa.PrimaryKeyConstraint("source_id", "day"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    comment="Daily counts of reporters, for quotas and their own standing",
)

contradiction = sa.Table(
    "contradiction",
    metadata,
    _column("source_id", sa.Integer, "the reporter"),
    _column("day", sa.Integer, "UTC day"),
    _column("kind", sa.String(20), "solicited, dispute or canary"),
    _column("n", sa.Integer, "how many that day"),
    sa.PrimaryKeyConstraint("source_id", "day", "kind"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    sa.CheckConstraint("kind IN ('solicited', 'dispute', 'canary')", name="kind_known"),
    comment="What proved reports wrong; a removal is no contradiction",
)

flood_day = sa.Table(
    "flood_day",
    metadata,
    _column("source_id", sa.Integer, "the reporter"),
    _column("day", sa.Integer, "day of the originals that weigh nothing"),
    _column("addresses_n", sa.Integer, "new addresses that nobody confirmed, of its group"),
    _column("set_at", sa.BigInteger, "since when"),
    _column("reviewed_at", sa.BigInteger, "when an operator let it count", nullable=True),
    _column("author", sa.String(100), "who reviewed it", nullable=True),
    _column("reason", sa.String(200), "why it counts", nullable=True),
    sa.PrimaryKeyConstraint("source_id", "day"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    comment="Days of reporters that weigh nothing until reviewed: too many new addresses in their group",
)

shielding = sa.Table(
    "shielding",
    metadata,
    _column("source_id", sa.Integer, "the reporter", primary_key=True, autoincrement=False),
    _column("listings_n", sa.Integer, "listings that were milder by its group alone when it was noticed"),
    _column("set_at", sa.BigInteger, "when it was noticed"),
    _column("reviewed_at", sa.BigInteger, "since when an operator believes it", nullable=True),
    _column("author", sa.String(100), "who reviewed it", nullable=True),
    _column("reason", sa.String(200), "why it is believed", nullable=True),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    comment="Reporters who alone say genuine mail of many listings, for an operator to look at",
)

retraction = sa.Table(
    "retraction",
    metadata,
    _column("retraction_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    _column("source_id", sa.Integer, "the reporter whose reports are taken back"),
    _column("asked_at", sa.BigInteger, "when; what arrived later is not taken back"),
    _column("author", sa.String(100), "who"),
    _column("reason", sa.String(200), "why"),
    _column("emitters_n", sa.Integer, "emitters done so far"),
    _column("ended_n", sa.Integer, "listings that ended by it so far"),
    _column("done_at", sa.BigInteger, "when the last emitter was done", nullable=True),
    sa.CheckConstraint("length(reason) > 0", name="reason_given"),
    comment="Retractions of whole reporters; one without an end is carried on by the scheduler",
)

confirmation = sa.Table(
    "confirmation",
    metadata,
    _column("emitter_key", Key, "16 bytes: the emitter"),
    _column("version", sa.Integer, "of the emitter's inputs when this was made"),
    _column("since_minute", sa.Integer, "entry into the state that it had then"),
    _column("standing", sa.LargeBinary(16), "digest of group, anchor and suspension of its sources"),
    _column("found", sa.Text, "its sources, and source and day of each novel confirmation, JSON"),
    _column("again_day", sa.Integer, "day on which it is made anew in any case"),
    sa.PrimaryKeyConstraint("emitter_key"),
    sa.Index(None, "again_day"),
    _length("emitter_key", 16),
    comment="Cache of events: what emitters seen by traps earned the reporters that named them before",
)

quality_month = sa.Table(
    "quality_month",
    metadata,
    _column("first_day", sa.Integer, "first day of the month"),
    _column("made_at", sa.BigInteger, "when"),
    _column("body", sa.Text, "the measures of the feed and of each reporter, JSON"),
    sa.PrimaryKeyConstraint("first_day"),
    comment="Quality reports of months that are over",
)

manual_listing = sa.Table(
    "manual_listing",
    metadata,
    _column("manual_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    _column("address", Key, "16 bytes: the address, or the first of a /64"),
    _column("unit", sa.SmallInteger, "32, 64 or 128"),
    _column("code", sa.SmallInteger, "last octet of 127.0.0.x"),
    _column("reason", sa.String(200), "why"),
    _column("author", sa.String(100), "who"),
    _column("created_at", sa.BigInteger, "when"),
    _column("until_minute", sa.BigInteger, "end"),
    _column("ended_at", sa.BigInteger, "when it ended", nullable=True),
    _column("ended_by", sa.String(100), "who or what ended it", nullable=True),
    sa.Index(None, "until_minute"),
    _length("address", 16),
    sa.CheckConstraint("unit IN (32, 64, 128)", name="unit_known"),
    sa.CheckConstraint(f"code IN ({Code.CONFIRMED}, {Code.REPORTED})", name="code_known"),
    sa.CheckConstraint("length(reason) > 0", name="reason_given"),
    comment="Addresses that an operator lists by hand, each with an end",
)

exemption = sa.Table(
    "exemption",
    metadata,
    _column("exemption_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    _column("network", sa.String(43), "CIDR"),
    _column("kind", sa.SmallInteger, "Hold: EXEMPT or OPERATOR"),
    _column("reason", sa.String(200), "why"),
    _column("author", sa.String(100), "who"),
    _column("created_at", sa.BigInteger, "when"),
    _column("until_minute", sa.BigInteger, "end"),
    _column("ended_at", sa.BigInteger, "ended before its time", nullable=True),
    sa.Index(None, "until_minute"),
    sa.CheckConstraint("kind IN (1, 4)", name="kind_known"),
    sa.CheckConstraint("length(reason) > 0", name="reason_given"),
    comment="Networks that are never listed (exempt) or held back by the operator",
)

policy_snapshot = sa.Table(
    "policy_snapshot",
    metadata,
    _column("policy_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    _column("name", sa.String(40), "private, community or a file's name"),
    _column("body", sa.Text, "all numbers and the digest of the provider ranges, JSON"),
    _column("providers", sa.Text, "the provider ranges, JSON; none = unreadable", nullable=True),
    _column("since_at", sa.BigInteger, "in force since"),
    comment="Each policy that was ever in force",
)

trust_snapshot = sa.Table(
    "trust_snapshot",
    metadata,
    _column("trust_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    _column("body", sa.Text, "group, weight, anchor and suspension of each source, JSON"),
    _column("since_at", sa.BigInteger, "in force since"),
    comment="Each set of weights and groups that was ever in force",
)

control = sa.Table(
    "control",
    metadata,
    _column("name", sa.String(30), "freeze, tick, leader"),
    _column("value", sa.String(200), "its value"),
    _column("reason", sa.String(200), "why"),
    _column("author", sa.String(100), "who"),
    _column("set_at", sa.BigInteger, "when"),
    sa.PrimaryKeyConstraint("name"),
    comment="Switches of the operator and marks of the job",
)

audit = sa.Table(
    "audit",
    metadata,
    _column("audit_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    _column("at", sa.BigInteger, "when"),
    _column("actor", sa.String(100), "who"),
    _column("action", sa.String(40), "stable word"),
    _column("subject", sa.String(100), "what it was done to"),
    _column("reason", sa.String(200), "why"),
    sa.CheckConstraint("length(reason) > 0", name="reason_given"),
    comment="Append-only: what operators did",
)

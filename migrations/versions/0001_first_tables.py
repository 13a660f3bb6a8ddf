"""The first tables.

Revision: 0001. On PostgreSQL `event` is partitioned by week of arrival; rows for which no week was made
ahead of time lie in the default partition, so that no report is ever refused for want of one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column("actor", sa.String(length=100), nullable=False, comment="who"),
        sa.Column("action", sa.String(length=40), nullable=False, comment="stable word"),
        sa.Column("subject", sa.String(length=100), nullable=False, comment="what it was done to"),
        sa.Column("reason", sa.String(length=200), nullable=False, comment="why"),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_audit_reason_given")),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit")),
        comment="Append-only: what operators did",
    )
    op.create_table(
        "cell",
        sa.Column(
            "emitter_key",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="16 bytes: the emitter, IPv6 by /64",
        ),
        sa.Column("channel", sa.SmallInteger(), nullable=False, comment="Channel"),
        sa.Column("day", sa.Integer(), nullable=False, comment="day of the originals"),
        sa.Column("epoch", sa.Integer(), nullable=False, comment="accepted removals before"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column(
            "points",
            sa.BigInteger(),
            nullable=False,
            comment="micro-points of originals of strength 2 and more",
        ),
        sa.Column(
            "weak_points", sa.BigInteger(), nullable=False, comment="micro-points of originals of strength 1"
        ),
        sa.Column(
            "nsu_points", sa.BigInteger(), nullable=False, comment="micro-points of no_such_user originals"
        ),
        sa.Column("nsu_n", sa.Integer(), nullable=False, comment="no_such_user originals"),
        sa.Column("n", sa.Integer(), nullable=False, comment="originals"),
        sa.Column("n_u0", sa.Integer(), nullable=False, comment="originals of strength 0"),
        sa.Column("n_u1", sa.Integer(), nullable=False, comment="originals of strength 1"),
        sa.Column("n_u2", sa.Integer(), nullable=False, comment="originals of strength 2"),
        sa.Column("n_u3", sa.Integer(), nullable=False, comment="originals of strength 3"),
        sa.Column("n_u4", sa.Integer(), nullable=False, comment="originals of strength 4"),
        sa.Column("n_u5", sa.Integer(), nullable=False, comment="originals of strength 5"),
        sa.Column("log_miss_n", sa.Integer(), nullable=False, comment="originals attested by log_miss"),
        sa.Column(
            "auto_n", sa.Integer(), nullable=False, comment="originals whose notification is an auto-reply"
        ),
        sa.Column("first_minute", sa.Integer(), nullable=False, comment="earliest original"),
        sa.Column("last_minute", sa.Integer(), nullable=False, comment="latest original"),
        sa.Column(
            "strong_minute",
            sa.Integer(),
            nullable=False,
            comment="latest original of strength 3 and more, 0 = none",
        ),
        sa.Column("trap_n", sa.Integer(), nullable=False, comment="originals at traps and tagged addresses"),
        sa.Column("trap_first_minute", sa.Integer(), nullable=False, comment="earliest of them, 0 = none"),
        sa.Column("trap_last_minute", sa.Integer(), nullable=False, comment="latest of them, 0 = none"),
        sa.Column("trap_token_min", sa.BigInteger(), nullable=False, comment="least recipient token of them"),
        sa.Column(
            "trap_token_max", sa.BigInteger(), nullable=False, comment="greatest recipient token of them"
        ),
        sa.Column(
            "observed", sa.Boolean(), nullable=False, comment="the reporter sent observations for that day"
        ),
        sa.Column(
            "null_n",
            sa.Integer(),
            nullable=False,
            comment="observed: null-sender mails from it in 24 h, largest said",
        ),
        sa.Column(
            "genuine_n",
            sa.Integer(),
            nullable=False,
            comment="observed: genuine notifications among them, largest said",
        ),
        sa.Column(
            "seen_24h",
            sa.Integer(),
            nullable=False,
            comment="observed: all mails from it in 24 h, largest said",
        ),
        sa.Column(
            "addr_min", sa.LargeBinary(length=16), nullable=False, comment="least address; empty = none"
        ),
        sa.Column("addr_max", sa.LargeBinary(length=16), nullable=False, comment="greatest address"),
        sa.Column("kinds", sa.Integer(), nullable=False, comment="bit 1 << Kind"),
        sa.CheckConstraint("channel BETWEEN 1 AND 5", name=op.f("ck_cell_channel_range")),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_cell_emitter_key_length")),
        sa.CheckConstraint("n >= 0 AND points >= 0", name=op.f("ck_cell_not_negative")),
        sa.PrimaryKeyConstraint("emitter_key", "channel", "day", "epoch", "source_id", name=op.f("pk_cell")),
        comment="Cache of events: originals of one day of one source; rebuilt from events at any time",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_cell_day"), "cell", ["day"], unique=False)
    op.create_index(op.f("ix_cell_source_id_day"), "cell", ["source_id", "day"], unique=False)
    op.create_table(
        "control",
        sa.Column("name", sa.String(length=30), nullable=False, comment="freeze, tick, leader"),
        sa.Column("value", sa.String(length=200), nullable=False, comment="its value"),
        sa.Column("reason", sa.String(length=200), nullable=False, comment="why"),
        sa.Column("author", sa.String(length=100), nullable=False, comment="who"),
        sa.Column("set_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_control")),
        comment="Switches of the operator and marks of the job",
    )
    op.create_table(
        "emitter_state",
        sa.Column(
            "emitter_key",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="16 bytes: the emitter, IPv6 by /64",
        ),
        sa.Column("channel", sa.SmallInteger(), nullable=False, comment="Channel"),
        sa.Column("state", sa.SmallInteger(), nullable=False, comment="State"),
        sa.Column(
            "code",
            sa.SmallInteger(),
            nullable=False,
            comment="last octet of 127.0.0.x, 0 = nothing published",
        ),
        sa.Column("unit", sa.SmallInteger(), nullable=False, comment="width published: 32, 64 or 128"),
        sa.Column(
            "address",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="the exact address where unit is 128, else the key",
        ),
        sa.Column("since_minute", sa.Integer(), nullable=False, comment="entry into the state"),
        sa.Column(
            "listed_minute",
            sa.Integer(),
            nullable=False,
            comment="start of the present or last listing, 0 = never",
        ),
        sa.Column("min_until_minute", sa.Integer(), nullable=False, comment="no expiry by score before"),
        sa.Column("last_evidence_minute", sa.Integer(), nullable=False, comment="latest counted original"),
        sa.Column("epoch", sa.Integer(), nullable=False, comment="accepted removals so far"),
        sa.Column(
            "strikes", sa.SmallInteger(), nullable=False, comment="listings within the policy's window"
        ),
        sa.Column("strike_minute", sa.Integer(), nullable=False, comment="the last of them"),
        sa.Column("probation_until_minute", sa.Integer(), nullable=False, comment="end of probation"),
        sa.Column("score", sa.BigInteger(), nullable=False, comment="micro-points at the last scoring"),
        sa.Column("version", sa.Integer(), nullable=False, comment="rises with each input"),
        sa.Column("scored_version", sa.Integer(), nullable=False, comment="version that was scored last"),
        sa.Column(
            "next_due_minute",
            sa.BigInteger(),
            nullable=False,
            comment="0 = score now; else nothing changes before",
        ),
        sa.Column("hold", sa.SmallInteger(), nullable=False, comment="Hold, 0 = none"),
        sa.Column("reason", sa.String(length=40), nullable=False, comment="stable word"),
        sa.Column("software", sa.String(length=32), nullable=True, comment="mail server software seen last"),
        sa.Column("policy_id", sa.Integer(), nullable=False, comment="policy_snapshot of the last scoring"),
        sa.Column("trust_id", sa.Integer(), nullable=False, comment="trust_snapshot of the last scoring"),
        sa.CheckConstraint("channel BETWEEN 1 AND 5", name=op.f("ck_emitter_state_channel_range")),
        sa.CheckConstraint("code = 0 OR channel = 1", name=op.f("ck_emitter_state_only_main_published")),
        sa.CheckConstraint("code = 0 OR state = 3", name=op.f("ck_emitter_state_only_listed_published")),
        sa.CheckConstraint("code IN (0, 2, 3)", name=op.f("ck_emitter_state_code_known")),
        sa.CheckConstraint("length(address) = 16", name=op.f("ck_emitter_state_address_length")),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_emitter_state_emitter_key_length")),
        sa.CheckConstraint("state BETWEEN 0 AND 7", name=op.f("ck_emitter_state_state_range")),
        sa.CheckConstraint("unit IN (32, 64, 128)", name=op.f("ck_emitter_state_unit_known")),
        sa.PrimaryKeyConstraint("emitter_key", "channel", name=op.f("pk_emitter_state")),
        comment="Where an emitter stands; only the scoring job and removals write it",
    )
    op.create_index(
        op.f("ix_emitter_state_next_due_minute"), "emitter_state", ["next_due_minute"], unique=False
    )
    op.create_index(
        "ix_emitter_state_published",
        "emitter_state",
        ["emitter_key"],
        unique=False,
        sqlite_where=sa.text("code > 0"),
        postgresql_where=sa.text("code > 0"),
    )
    op.create_table(
        "event",
        sa.Column(
            "emitter_key",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="16 bytes: the emitter, IPv6 by /64",
        ),
        sa.Column(
            "received_day", sa.Integer(), nullable=False, comment="day of arrival here; the partition key"
        ),
        sa.Column("event_id", sa.BigInteger(), nullable=False, comment="random 63 bit number"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column("channel", sa.SmallInteger(), nullable=False, comment="Channel; only MAIN is ever listed"),
        sa.Column(
            "observed_minute",
            sa.Integer(),
            nullable=False,
            comment="when the notification arrived at the reporter",
        ),
        sa.Column("received_at", sa.BigInteger(), nullable=False, comment="when the report arrived here"),
        sa.Column(
            "epoch",
            sa.Integer(),
            nullable=False,
            comment="accepted removals of the emitter before the observation",
        ),
        sa.Column(
            "original_key",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="keyed hash: the mail that was returned",
        ),
        sa.Column("kind", sa.SmallInteger(), nullable=False, comment="Kind"),
        sa.Column(
            "recipient_class", sa.SmallInteger(), nullable=False, comment="RecipientClass, as attested"
        ),
        sa.Column(
            "recipient_token",
            sa.BigInteger(),
            nullable=False,
            comment="keyed hash of the reporter's recipient token, 0 = unknown",
        ),
        sa.Column("attestation", sa.SmallInteger(), nullable=False, comment="ladder U, after judging"),
        sa.Column("provenance", sa.SmallInteger(), nullable=False, comment="ladder P"),
        sa.Column("strength", sa.SmallInteger(), nullable=False, comment="min(U, P) less defects"),
        sa.Column(
            "address", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the exact address"
        ),
        sa.Column(
            "reporting_mta", sa.String(length=255), nullable=True, comment="host name in the status part"
        ),
        sa.Column("software", sa.String(length=32), nullable=True, comment="guessed mail server software"),
        sa.Column("status", sa.String(length=11), nullable=True, comment="enhanced status code d.d.d"),
        sa.Column("helo", sa.String(length=255), nullable=True, comment="HELO name seen by the reporter"),
        sa.Column(
            "retracted_at",
            sa.BigInteger(),
            nullable=True,
            comment="when its reporter or the operator took it back",
        ),
        sa.CheckConstraint("attestation BETWEEN 0 AND 5", name=op.f("ck_event_attestation_range")),
        sa.CheckConstraint("channel BETWEEN 1 AND 5", name=op.f("ck_event_channel_range")),
        sa.CheckConstraint("kind BETWEEN 1 AND 11", name=op.f("ck_event_kind_range")),
        sa.CheckConstraint("length(address) = 16", name=op.f("ck_event_address_length")),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_event_emitter_key_length")),
        sa.CheckConstraint("length(original_key) = 16", name=op.f("ck_event_original_key_length")),
        sa.CheckConstraint("provenance BETWEEN 0 AND 4", name=op.f("ck_event_provenance_range")),
        sa.CheckConstraint("recipient_class BETWEEN 0 AND 5", name=op.f("ck_event_recipient_class_range")),
        sa.CheckConstraint("strength BETWEEN 0 AND 5", name=op.f("ck_event_strength_range")),
        sa.PrimaryKeyConstraint("emitter_key", "received_day", "event_id", name=op.f("pk_event")),
        comment="The minimal fact that is kept of a report",
        postgresql_partition_by="RANGE (received_day)",
    )
    op.create_index(
        op.f("ix_event_emitter_key_source_id_original_key"),
        "event",
        ["emitter_key", "source_id", "original_key"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_source_id_received_day"), "event", ["source_id", "received_day"], unique=False
    )
    op.create_table(
        "exemption",
        sa.Column("exemption_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column("network", sa.String(length=43), nullable=False, comment="CIDR"),
        sa.Column("kind", sa.SmallInteger(), nullable=False, comment="Hold: EXEMPT or OPERATOR"),
        sa.Column("reason", sa.String(length=200), nullable=False, comment="why"),
        sa.Column("author", sa.String(length=100), nullable=False, comment="who"),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column("until_minute", sa.BigInteger(), nullable=False, comment="end"),
        sa.Column("ended_at", sa.BigInteger(), nullable=True, comment="ended before its time"),
        sa.CheckConstraint("kind IN (1, 4)", name=op.f("ck_exemption_kind_known")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_exemption_reason_given")),
        sa.PrimaryKeyConstraint("exemption_id", name=op.f("pk_exemption")),
        comment="Networks that are never listed (exempt) or held back by the operator",
    )
    op.create_index(op.f("ix_exemption_until_minute"), "exemption", ["until_minute"], unique=False)
    op.create_table(
        "manual_listing",
        sa.Column("manual_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column(
            "address",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="16 bytes: the address, or the first of a /64",
        ),
        sa.Column("unit", sa.SmallInteger(), nullable=False, comment="32, 64 or 128"),
        sa.Column("code", sa.SmallInteger(), nullable=False, comment="last octet of 127.0.0.x"),
        sa.Column("reason", sa.String(length=200), nullable=False, comment="why"),
        sa.Column("author", sa.String(length=100), nullable=False, comment="who"),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column("until_minute", sa.BigInteger(), nullable=False, comment="end"),
        sa.Column("ended_at", sa.BigInteger(), nullable=True, comment="when it ended"),
        sa.Column("ended_by", sa.String(length=100), nullable=True, comment="who or what ended it"),
        sa.CheckConstraint("code IN (2, 3)", name=op.f("ck_manual_listing_code_known")),
        sa.CheckConstraint("length(address) = 16", name=op.f("ck_manual_listing_address_length")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_manual_listing_reason_given")),
        sa.CheckConstraint("unit IN (32, 64, 128)", name=op.f("ck_manual_listing_unit_known")),
        sa.PrimaryKeyConstraint("manual_id", name=op.f("pk_manual_listing")),
        comment="Addresses that an operator lists by hand, each with an end",
    )
    op.create_index(op.f("ix_manual_listing_until_minute"), "manual_listing", ["until_minute"], unique=False)
    op.create_table(
        "observation",
        sa.Column(
            "emitter_key",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="16 bytes: the emitter, IPv6 by /64",
        ),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column("day", sa.Integer(), nullable=False, comment="day that was observed"),
        sa.Column(
            "received_minute",
            sa.Integer(),
            nullable=False,
            comment="when it was said; the largest of one minute is kept",
        ),
        sa.Column(
            "epoch", sa.Integer(), nullable=False, comment="accepted removals of the emitter when it was said"
        ),
        sa.Column(
            "address", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the exact address"
        ),
        sa.Column("null_n", sa.Integer(), nullable=False, comment="null-sender mails from it in 24 h"),
        sa.Column("genuine_n", sa.Integer(), nullable=False, comment="genuine notifications among them"),
        sa.Column("seen_24h", sa.Integer(), nullable=False, comment="all mails from it in 24 h"),
        sa.Column("retracted_at", sa.BigInteger(), nullable=True, comment="when it was taken back"),
        sa.CheckConstraint("length(address) = 16", name=op.f("ck_observation_address_length")),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_observation_emitter_key_length")),
        sa.PrimaryKeyConstraint(
            "emitter_key", "source_id", "day", "received_minute", name=op.f("pk_observation")
        ),
        comment="What reporters saw of an address on a day; cells keep the largest of each day",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_observation_day"), "observation", ["day"], unique=False)
    op.create_index(op.f("ix_observation_source_id_day"), "observation", ["source_id", "day"], unique=False)
    op.create_table(
        "policy_snapshot",
        sa.Column("policy_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column(
            "name", sa.String(length=40), nullable=False, comment="private, community or a file's name"
        ),
        sa.Column(
            "body",
            sa.Text(),
            nullable=False,
            comment="all numbers and the digest of the provider ranges, JSON",
        ),
        sa.Column(
            "providers", sa.Text(), nullable=True, comment="the provider ranges, JSON; none = unreadable"
        ),
        sa.Column("since_at", sa.BigInteger(), nullable=False, comment="in force since"),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_policy_snapshot")),
        comment="Each policy that was ever in force",
    )
    op.create_table(
        "publication",
        sa.Column("zone", sa.String(length=253), nullable=False, comment="zone name"),
        sa.Column("serial", sa.BigInteger(), nullable=False, comment="SOA serial"),
        sa.Column(
            "body_digest", sa.LargeBinary(length=32), nullable=False, comment="sha256 of the snapshot's body"
        ),
        sa.Column("generation", sa.Integer(), nullable=False, comment="mark of the changes that it holds"),
        sa.Column(
            "published_at", sa.BigInteger(), nullable=False, comment="when the file was renamed into place"
        ),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False, comment="last renewal of an unchanged list"),
        sa.Column(
            "entries_n", sa.Integer(), nullable=False, comment="listed entries, test entries not counted"
        ),
        sa.Column("added_n", sa.Integer(), nullable=False, comment="entries that came"),
        sa.Column("left_n", sa.Integer(), nullable=False, comment="entries that left"),
        sa.Column("held_n", sa.Integer(), nullable=False, comment="additions held by a gate or the freeze"),
        sa.Column("alarm", sa.String(length=200), nullable=True, comment="why something was held or kept"),
        sa.PrimaryKeyConstraint("zone", "serial", name=op.f("pk_publication")),
        comment="Each published generation of each zone",
    )
    op.create_table(
        "receipt",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column(
            "dedupe_kind",
            sa.SmallInteger(),
            nullable=False,
            comment="1 digest of the content, 2 Idempotency-Key",
        ),
        sa.Column(
            "dedupe",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="keyed hash of the digest or of the key",
        ),
        sa.Column("receipt_id", sa.String(length=26), nullable=False, comment="what the reporter was told"),
        sa.Column(
            "body_digest",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="keyed hash of the body: the same key with another body is refused",
        ),
        sa.Column(
            "emitter_key", sa.LargeBinary(length=16), nullable=True, comment="of the event, if one was stored"
        ),
        sa.Column("event_day", sa.Integer(), nullable=True, comment="received_day of the event"),
        sa.Column("event_id", sa.BigInteger(), nullable=True, comment="the event"),
        sa.Column("verdict", sa.SmallInteger(), nullable=False, comment="Verdict"),
        sa.Column("answer", sa.Text(), nullable=False, comment="the answer as JSON; codes only"),
        sa.Column("created_day", sa.Integer(), nullable=False, comment="day of the first report"),
        sa.CheckConstraint("dedupe_kind BETWEEN 1 AND 2", name=op.f("ck_receipt_dedupe_kind_range")),
        sa.CheckConstraint("length(body_digest) = 32", name=op.f("ck_receipt_body_digest_length")),
        sa.CheckConstraint("length(dedupe) = 32", name=op.f("ck_receipt_dedupe_length")),
        sa.CheckConstraint("verdict BETWEEN 1 AND 4", name=op.f("ck_receipt_verdict_range")),
        sa.PrimaryKeyConstraint("source_id", "dedupe_kind", "dedupe", name=op.f("pk_receipt")),
        comment="The first answer to each report; the same report again gets it back",
    )
    op.create_index(op.f("ix_receipt_created_day"), "receipt", ["created_day"], unique=False)
    op.create_index(
        op.f("ix_receipt_source_id_receipt_id"), "receipt", ["source_id", "receipt_id"], unique=False
    )
    op.create_table(
        "removal",
        sa.Column("emitter_key", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the emitter"),
        sa.Column("channel", sa.SmallInteger(), nullable=False, comment="Channel"),
        sa.Column("epoch", sa.Integer(), nullable=False, comment="number of this removal, from 1"),
        sa.Column(
            "accepted_minute",
            sa.Integer(),
            nullable=False,
            comment="evidence of this minute and before never counts again",
        ),
        sa.Column("proof", sa.String(length=20), nullable=False, comment="how control was shown"),
        sa.PrimaryKeyConstraint("emitter_key", "channel", "epoch", name=op.f("pk_removal")),
        comment="Accepted removals",
    )
    op.create_table(
        "reporter",
        sa.Column(
            "source_id", sa.Integer(), autoincrement=True, nullable=False, comment="number of the reporter"
        ),
        sa.Column("name", sa.String(length=100), nullable=False, comment="unique short name"),
        sa.Column("organisation", sa.String(length=200), nullable=False, comment="who runs it"),
        sa.Column(
            "contact", sa.String(length=254), nullable=False, comment="role address of the reporter himself"
        ),
        sa.Column(
            "group_id",
            sa.Integer(),
            nullable=False,
            comment="independence group: same organisation, network or operator",
        ),
        sa.Column(
            "weight", sa.SmallInteger(), nullable=False, comment="given by the operator, twentieths, 0 to 20"
        ),
        sa.Column(
            "weight_until_day", sa.Integer(), nullable=False, comment="end of a seeded weight, 0 = none"
        ),
        sa.Column("weight_reason", sa.String(length=200), nullable=False, comment="why this weight"),
        sa.Column(
            "earned_weight",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="by confirmed reports, twentieths, 0 to 20",
        ),
        sa.Column("anchor", sa.Boolean(), nullable=False, comment="its traps count as anchors"),
        sa.Column("vetted", sa.Boolean(), nullable=False, comment="higher quota"),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True, comment="nothing of it counts since"),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="registration"),
        sa.CheckConstraint("earned_weight BETWEEN 0 AND 20", name=op.f("ck_reporter_earned_weight_range")),
        sa.CheckConstraint("weight BETWEEN 0 AND 20", name=op.f("ck_reporter_weight_range")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_reporter")),
        sa.UniqueConstraint("name", name=op.f("uq_reporter_name")),
        comment="Who reports",
    )
    op.create_table(
        "retraction",
        sa.Column("retraction_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column(
            "source_id", sa.Integer(), nullable=False, comment="the reporter whose reports are taken back"
        ),
        sa.Column(
            "asked_at", sa.BigInteger(), nullable=False, comment="when; what arrived later is not taken back"
        ),
        sa.Column("author", sa.String(length=100), nullable=False, comment="who"),
        sa.Column("reason", sa.String(length=200), nullable=False, comment="why"),
        sa.Column("emitters_n", sa.Integer(), nullable=False, comment="emitters done so far"),
        sa.Column("ended_n", sa.Integer(), nullable=False, comment="listings that ended by it so far"),
        sa.Column("done_at", sa.BigInteger(), nullable=True, comment="when the last emitter was done"),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_retraction_reason_given")),
        sa.PrimaryKeyConstraint("retraction_id", name=op.f("pk_retraction")),
        comment="Retractions of whole reporters; one without an end is carried on by the scheduler",
    )
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.String(length=32), nullable=False, comment="random, not guessable"),
        sa.Column("emitter_key", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the emitter"),
        sa.Column(
            "address", sa.LargeBinary(length=16), nullable=False, comment="the exact address asked for"
        ),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="removal or dispute"),
        sa.Column("asked_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column(
            "outcome", sa.String(length=10), nullable=False, comment="accepted, wait, operator or nothing"
        ),
        sa.Column(
            "until_minute",
            sa.Integer(),
            nullable=False,
            comment="when it can be asked again, 0 = now or never",
        ),
        sa.Column("proof", sa.String(length=20), nullable=False, comment="how control was shown"),
        sa.Column("epoch", sa.Integer(), nullable=True, comment="of the accepted removal"),
        sa.Column("was_code", sa.SmallInteger(), nullable=False, comment="return code before"),
        sa.Column("comment", sa.String(length=500), nullable=True, comment="what the requester wrote"),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_ticket_emitter_key_length")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket")),
        comment="What the admin of a server asked for and what became of it",
    )
    op.create_index(
        op.f("ix_ticket_emitter_key_asked_at"), "ticket", ["emitter_key", "asked_at"], unique=False
    )
    op.create_table(
        "transition",
        sa.Column("emitter_key", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the emitter"),
        sa.Column("channel", sa.SmallInteger(), nullable=False, comment="Channel"),
        sa.Column("seq", sa.Integer(), nullable=False, comment="1, 2, 3 for each emitter and channel"),
        sa.Column("at_minute", sa.Integer(), nullable=False, comment="the tick at which it happened"),
        sa.Column("from_state", sa.SmallInteger(), nullable=False, comment="State before"),
        sa.Column("to_state", sa.SmallInteger(), nullable=False, comment="State after"),
        sa.Column("code", sa.SmallInteger(), nullable=False, comment="return code after"),
        sa.Column("cause", sa.String(length=40), nullable=False, comment="stable word"),
        sa.Column("score", sa.BigInteger(), nullable=False, comment="micro-points"),
        sa.Column("policy_id", sa.Integer(), nullable=False, comment="policy_snapshot in force"),
        sa.Column("trust_id", sa.Integer(), nullable=False, comment="trust_snapshot in force"),
        sa.Column(
            "void_at", sa.BigInteger(), nullable=True, comment="when a retraction made it not have happened"
        ),
        sa.CheckConstraint("from_state BETWEEN 0 AND 7", name=op.f("ck_transition_from_state_range")),
        sa.CheckConstraint("to_state BETWEEN 0 AND 7", name=op.f("ck_transition_to_state_range")),
        sa.PrimaryKeyConstraint("emitter_key", "channel", "seq", name=op.f("pk_transition")),
        comment="Append-only history of states; what a retraction undid stays, marked",
    )
    op.create_index(op.f("ix_transition_at_minute"), "transition", ["at_minute"], unique=False)
    op.create_table(
        "trust_snapshot",
        sa.Column("trust_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column(
            "body",
            sa.Text(),
            nullable=False,
            comment="group, weight, anchor and suspension of each source, JSON",
        ),
        sa.Column("since_at", sa.BigInteger(), nullable=False, comment="in force since"),
        sa.PrimaryKeyConstraint("trust_id", name=op.f("pk_trust_snapshot")),
        comment="Each set of weights and groups that was ever in force",
    )
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.String(length=16), nullable=False, comment="public part of the key"),
        sa.Column("source_id", sa.Integer(), nullable=True, comment="the reporter; none for an operator"),
        sa.Column(
            "secret_hmac",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="HMAC-SHA-256 of the secret part under the server's secret",
        ),
        sa.Column("scopes", sa.String(length=40), nullable=False, comment="words of report, read, operate"),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column("expires_at", sa.BigInteger(), nullable=True, comment="end, none = open"),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True, comment="taken back"),
        sa.Column("last_used_day", sa.Integer(), nullable=False, comment="day of the last use, 0 = never"),
        sa.Column("author", sa.String(length=100), nullable=False, comment="who made it"),
        sa.CheckConstraint("length(secret_hmac) = 32", name=op.f("ck_api_key_secret_hmac_length")),
        sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"], name=op.f("fk_api_key_source_id")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_key")),
        comment="Keys; the secret itself is never stored",
    )
    op.create_table(
        "contradiction",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column("day", sa.Integer(), nullable=False, comment="UTC day"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="solicited, dispute or canary"),
        sa.Column("n", sa.Integer(), nullable=False, comment="how many that day"),
        sa.CheckConstraint(
            "kind IN ('solicited', 'dispute', 'canary')", name=op.f("ck_contradiction_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["reporter.source_id"], name=op.f("fk_contradiction_source_id")
        ),
        sa.PrimaryKeyConstraint("source_id", "day", "kind", name=op.f("pk_contradiction")),
        comment="What proved reports wrong; a removal is no contradiction",
    )
    op.create_table(
        "flood_day",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column("day", sa.Integer(), nullable=False, comment="day of the originals that weigh nothing"),
        sa.Column(
            "addresses_n",
            sa.Integer(),
            nullable=False,
            comment="new addresses that nobody confirmed, of its group",
        ),
        sa.Column("set_at", sa.BigInteger(), nullable=False, comment="since when"),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True, comment="when an operator let it count"),
        sa.Column("author", sa.String(length=100), nullable=True, comment="who reviewed it"),
        sa.Column("reason", sa.String(length=200), nullable=True, comment="why it counts"),
        sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"], name=op.f("fk_flood_day_source_id")),
        sa.PrimaryKeyConstraint("source_id", "day", name=op.f("pk_flood_day")),
        comment="Days of reporters that weigh nothing until reviewed: too many new addresses in their group",
    )
    op.create_table(
        "reporter_host",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column(
            "host",
            sa.String(length=253),
            nullable=False,
            comment="exact name that it writes after `by`, lower case",
        ),
        sa.Column("role", sa.String(length=8), nullable=False, comment="border or internal"),
        sa.CheckConstraint("role IN ('border', 'internal')", name=op.f("ck_reporter_host_role_known")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["reporter.source_id"], name=op.f("fk_reporter_host_source_id")
        ),
        sa.PrimaryKeyConstraint("source_id", "host", name=op.f("pk_reporter_host")),
        comment="Mail hosts of reporters; only their Received fields are believed",
    )
    op.create_table(
        "reporter_network",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column("network", sa.String(length=43), nullable=False, comment="CIDR"),
        sa.Column("role", sa.String(length=9), nullable=False, comment="own or forwarder"),
        sa.CheckConstraint("role IN ('own', 'forwarder')", name=op.f("ck_reporter_network_role_known")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["reporter.source_id"], name=op.f("fk_reporter_network_source_id")
        ),
        sa.PrimaryKeyConstraint("source_id", "network", name=op.f("pk_reporter_network")),
        comment="Networks that are never charged on this reporter's word",
    )
    op.create_table(
        "usage",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column("day", sa.Integer(), nullable=False, comment="UTC day"),
        sa.Column("events_n", sa.Integer(), nullable=False, comment="new events taken"),
        sa.Column("refused_n", sa.Integer(), nullable=False, comment="reports refused after reading"),
        sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"], name=op.f("fk_usage_source_id")),
        sa.PrimaryKeyConstraint("source_id", "day", name=op.f("pk_usage")),
        comment="Daily counts of reporters, for quotas and their own standing",
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE event_rest PARTITION OF event DEFAULT")

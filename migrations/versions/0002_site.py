"""Tables of the site, the console and the desk; the audit log takes no change but new lines.

Revision: 0002, after 0001. Safe beside the previous version of the code, which knows none of these tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dispute",
        sa.Column("dispute_id", sa.String(length=32), nullable=False, comment="random, not guessable"),
        sa.Column("emitter_key", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the emitter"),
        sa.Column("address", sa.LargeBinary(length=16), nullable=False, comment="the exact address"),
        sa.Column("asked_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column(
            "proven",
            sa.Boolean(),
            nullable=False,
            comment="asked by somebody who showed control of the address",
        ),
        sa.Column(
            "words", sa.String(length=1000), nullable=False, comment="what the requester wrote; never public"
        ),
        sa.Column(
            "reports",
            sa.String(length=400),
            nullable=False,
            comment="opaque numbers of the reports meant, blanks between",
        ),
        sa.Column(
            "answer", sa.String(length=10), nullable=True, comment="upheld, partly or rejected; none = open"
        ),
        sa.Column(
            "reason", sa.String(length=200), nullable=True, comment="of the answer, shown to the requester"
        ),
        sa.Column("answered_at", sa.BigInteger(), nullable=True, comment="when"),
        sa.Column("author", sa.String(length=100), nullable=True, comment="who answered"),
        sa.Column("retracted_n", sa.Integer(), nullable=False, comment="reports taken back by the answer"),
        sa.CheckConstraint(
            "answer IS NULL OR answer IN ('upheld', 'partly', 'rejected')",
            name=op.f("ck_dispute_answer_known"),
        ),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (reason IS NULL)",
            name=op.f("ck_dispute_whole"),
        ),
        sa.CheckConstraint("length(address) = 16", name=op.f("ck_dispute_address_length")),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_dispute_emitter_key_length")),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_dispute")),
        comment="Objections of listed admins and what the operator answered",
    )
    op.create_index(
        op.f("ix_dispute_answered_at_asked_at"), "dispute", ["answered_at", "asked_at"], unique=False
    )
    op.create_index(
        op.f("ix_dispute_emitter_key_asked_at"), "dispute", ["emitter_key", "asked_at"], unique=False
    )
    op.create_table(
        "outbox",
        sa.Column("mail_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column(
            "recipient",
            sa.String(length=254),
            nullable=False,
            comment="role address that we derived ourselves, lower case",
        ),
        sa.Column(
            "domain",
            sa.String(length=253),
            nullable=False,
            comment="registered domain by which mails are limited",
        ),
        sa.Column("subject", sa.String(length=150), nullable=False, comment="ASCII, one line"),
        sa.Column(
            "body",
            sa.Text(),
            nullable=False,
            comment="text with a mark where the link's token goes; empty once it is done",
        ),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=True, comment="from which the token is made"),
        sa.Column(
            "created_at",
            sa.BigInteger(),
            nullable=False,
            comment="when it was asked for; mails are limited by it",
        ),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="never sent after"),
        sa.Column("attempts", sa.SmallInteger(), nullable=False, comment="tries so far"),
        sa.Column("next_at", sa.BigInteger(), nullable=False, comment="no try before"),
        sa.Column("sent_at", sa.BigInteger(), nullable=True, comment="accepted by the relay"),
        sa.Column("failed_at", sa.BigInteger(), nullable=True, comment="given up"),
        sa.Column("failure", sa.String(length=200), nullable=True, comment="why the last try failed"),
        sa.CheckConstraint("sent_at IS NULL OR failed_at IS NULL", name=op.f("ck_outbox_one_end")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_outbox")),
        comment="Mails to send, and for a while those that were sent",
    )
    op.create_index(op.f("ix_outbox_domain_created_at"), "outbox", ["domain", "created_at"], unique=False)
    op.create_index(op.f("ix_outbox_next_at"), "outbox", ["next_at"], unique=False)
    op.create_index(
        op.f("ix_outbox_recipient_created_at"), "outbox", ["recipient", "created_at"], unique=False
    )
    op.create_table(
        "proof",
        sa.Column(
            "token_mac",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="keyed hash of the token in the link",
        ),
        sa.Column("emitter_key", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the emitter"),
        sa.Column(
            "address", sa.LargeBinary(length=16), nullable=False, comment="the exact address asked for"
        ),
        sa.Column(
            "epoch",
            sa.Integer(),
            nullable=False,
            comment="of the emitter when the link was made; with another one it is void",
        ),
        sa.Column("means", sa.String(length=20), nullable=False, comment="mail or rdap"),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="end"),
        sa.Column("used_at", sa.BigInteger(), nullable=True, comment="when its button was pressed"),
        sa.Column("ticket_id", sa.String(length=32), nullable=True, comment="what came of it"),
        sa.CheckConstraint("means IN ('mail', 'rdap')", name=op.f("ck_proof_means_known")),
        sa.CheckConstraint("length(address) = 16", name=op.f("ck_proof_address_length")),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_proof_emitter_key_length")),
        sa.CheckConstraint("length(token_mac) = 32", name=op.f("ck_proof_token_mac_length")),
        sa.PrimaryKeyConstraint("token_mac", name=op.f("pk_proof")),
        comment="Links that prove control of an address, each good for one removal",
    )
    op.create_index(op.f("ix_proof_expires_at"), "proof", ["expires_at"], unique=False)
    op.create_table(
        "session",
        sa.Column(
            "session_mac",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="keyed hash of the number in the cookie",
        ),
        sa.Column(
            "actor", sa.String(length=100), nullable=False, comment="who, as it stands in the audit log"
        ),
        sa.Column("place", sa.String(length=10), nullable=False, comment="console or desk"),
        sa.Column("source_id", sa.Integer(), nullable=True, comment="the reporter at the desk"),
        sa.Column(
            "key_id",
            sa.String(length=16),
            nullable=True,
            comment="key that opened it; its end ends the session",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="sign-in"),
        sa.Column("seen_at", sa.BigInteger(), nullable=False, comment="last request"),
        sa.Column("ended_at", sa.BigInteger(), nullable=True, comment="signed out"),
        sa.CheckConstraint(
            "(place = 'desk') = (source_id IS NOT NULL)", name=op.f("ck_session_desk_has_reporter")
        ),
        sa.CheckConstraint("place IN ('console', 'desk')", name=op.f("ck_session_place_known")),
        sa.CheckConstraint("length(session_mac) = 32", name=op.f("ck_session_session_mac_length")),
        sa.PrimaryKeyConstraint("session_mac", name=op.f("pk_session")),
        comment="Who is signed in to the console or the desk",
    )
    op.create_index(op.f("ix_session_seen_at"), "session", ["seen_at"], unique=False)
    op.create_table(
        "sign_in",
        sa.Column(
            "token_mac",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="keyed hash of the token in the link",
        ),
        sa.Column("author", sa.String(length=100), nullable=False, comment="who made it on the command line"),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="end"),
        sa.Column("used_at", sa.BigInteger(), nullable=True, comment="when it was used"),
        sa.CheckConstraint("length(token_mac) = 32", name=op.f("ck_sign_in_token_mac_length")),
        sa.PrimaryKeyConstraint("token_mac", name=op.f("pk_sign_in")),
        comment="Links to the console, each good for one sign-in",
    )
    op.create_table(
        "trace",
        sa.Column("emitter_key", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the emitter"),
        sa.Column("event_id", sa.BigInteger(), nullable=False, comment="the event"),
        sa.Column("received_day", sa.Integer(), nullable=False, comment="of the event, for retention"),
        sa.Column(
            "queue_id", sa.String(length=64), nullable=True, comment="the emitter's own, none = not told"
        ),
        sa.Column(
            "recipient_domain",
            sa.String(length=253),
            nullable=True,
            comment="of the failed recipient, none = not told",
        ),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_trace_emitter_key_length")),
        sa.PrimaryKeyConstraint("emitter_key", "event_id", name=op.f("pk_trace")),
        comment="What a reporter allowed the proven owner to see of an event, to find it in his log",
    )
    op.create_index(op.f("ix_trace_received_day"), "trace", ["received_day"], unique=False)
    op.create_table(
        "disclosure",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column(
            "detail",
            sa.String(length=6),
            nullable=False,
            comment="minute or hour: how exact times are told to the proven owner",
        ),
        sa.CheckConstraint("detail IN ('minute', 'hour')", name=op.f("ck_disclosure_detail_known")),
        sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"], name=op.f("fk_disclosure_source_id")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_disclosure")),
        comment="What reporters chose to tell proven owners; without a row: minutes, hours for traps",
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )

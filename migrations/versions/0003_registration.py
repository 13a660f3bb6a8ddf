"""Mail domains and signing keys of reporters, and their calibrations.

Revision: 0003, after 0002. Safe beside the previous version of the code, which knows none of these tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reporter_domain",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column("domain", sa.String(length=253), nullable=False, comment="lower case"),
        sa.Column(
            "role",
            sa.String(length=6),
            nullable=False,
            comment="own: he sends mail for it; bounce: it only takes bounces of his mailings",
        ),
        sa.CheckConstraint("role IN ('own', 'bounce')", name=op.f("ck_reporter_domain_role_known")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["reporter.source_id"], name=op.f("fk_reporter_domain_source_id")
        ),
        sa.PrimaryKeyConstraint("source_id", "domain", "role", name=op.f("pk_reporter_domain")),
        comment="Mail domains of reporters; what answers them may be genuine",
    )
    op.create_table(
        "signing_key",
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column("scheme", sa.String(length=4), nullable=False, comment="prvs or srs"),
        sa.Column(
            "secret",
            sa.String(length=512),
            nullable=False,
            comment="the key as registered: text, or hex: and digits",
        ),
        sa.Column("added_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.CheckConstraint("scheme IN ('prvs', 'srs')", name=op.f("ck_signing_key_scheme_known")),
        sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"], name=op.f("fk_signing_key_source_id")),
        sa.PrimaryKeyConstraint("source_id", "scheme", "secret", name=op.f("pk_signing_key")),
        comment="Keys by which a reporter signs his envelope senders; needed in the clear to verify",
    )
    op.create_table(
        "canary_run",
        sa.Column("run_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the reporter"),
        sa.Column(
            "token_mac",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="keyed hash of the token in the mails",
        ),
        sa.Column(
            "address",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="16 bytes: from which they were sent",
        ),
        sa.Column(
            "authserv_id",
            sa.String(length=253),
            nullable=False,
            comment="name under which the reporter writes Authentication-Results",
        ),
        sa.Column("expected_n", sa.SmallInteger(), nullable=False, comment="mails of the run"),
        sa.Column("started_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="nothing is taken after"),
        sa.Column("author", sa.String(length=100), nullable=False, comment="who started it"),
        sa.CheckConstraint("length(address) = 16", name=op.f("ck_canary_run_address_length")),
        sa.CheckConstraint("length(token_mac) = 32", name=op.f("ck_canary_run_token_mac_length")),
        sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"], name=op.f("fk_canary_run_source_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_canary_run")),
        comment="Calibrations: mails from a known address that a reporter submits as he got them",
    )
    op.create_index(
        op.f("ix_canary_run_source_id_run_id"), "canary_run", ["source_id", "run_id"], unique=False
    )
    op.create_table(
        "canary_result",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="the run"),
        sa.Column("name", sa.String(length=40), nullable=False, comment="which mail of it"),
        sa.Column("finding", sa.String(length=20), nullable=False, comment="what judging returned"),
        sa.Column(
            "found",
            sa.LargeBinary(length=16),
            nullable=True,
            comment="16 bytes: the address that judging returned",
        ),
        sa.Column(
            "keeps_foreign_results",
            sa.Boolean(),
            nullable=False,
            comment="a forged Authentication-Results field was left in place",
        ),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when it was submitted"),
        sa.ForeignKeyConstraint(["run_id"], ["canary_run.run_id"], name=op.f("fk_canary_result_run_id")),
        sa.PrimaryKeyConstraint("run_id", "name", name=op.f("pk_canary_result")),
        comment="What the submitted mails of a calibration showed; the worst of each",
    )

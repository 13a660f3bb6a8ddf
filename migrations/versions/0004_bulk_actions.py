"""What the operator does to many addresses at once, with a result for each.

Revision: 0004, after 0003. Safe beside the previous version of the code, which knows none of these tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_action",
        sa.Column("bulk_id", sa.Integer(), autoincrement=True, nullable=False, comment="number"),
        sa.Column("action", sa.String(length=6), nullable=False, comment="end, hold or exempt"),
        sa.Column(
            "wanted",
            sa.String(length=200),
            nullable=False,
            comment="by what the addresses were chosen, in words",
        ),
        sa.Column(
            "until_minute", sa.BigInteger(), nullable=False, comment="end of holds and exemptions, 0 = none"
        ),
        sa.Column("author", sa.String(length=100), nullable=False, comment="who made the preview"),
        sa.Column("reason", sa.String(length=200), nullable=False, comment="why"),
        sa.Column("made_at", sa.BigInteger(), nullable=False, comment="preview"),
        sa.Column("started_at", sa.BigInteger(), nullable=True, comment="when it was let go"),
        sa.Column("done_at", sa.BigInteger(), nullable=True, comment="when its last address was done"),
        sa.Column("undo_author", sa.String(length=100), nullable=True, comment="who wants it undone"),
        sa.Column("undo_reason", sa.String(length=200), nullable=True, comment="why"),
        sa.Column("undo_at", sa.BigInteger(), nullable=True, comment="when that was said"),
        sa.Column("undone_at", sa.BigInteger(), nullable=True, comment="when its last address was undone"),
        sa.CheckConstraint("action IN ('end', 'hold', 'exempt')", name=op.f("ck_bulk_action_action_known")),
        sa.CheckConstraint(
            "undo_at IS NULL OR started_at IS NOT NULL", name=op.f("ck_bulk_action_undo_of_started")
        ),
        sa.PrimaryKeyConstraint("bulk_id", name=op.f("pk_bulk_action")),
        comment="What the operator does to many addresses at once: preview, work, undo",
    )
    op.create_table(
        "bulk_item",
        sa.Column("bulk_id", sa.Integer(), nullable=False, comment="the bulk action"),
        sa.Column("address", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: as it is listed"),
        sa.Column("unit", sa.SmallInteger(), nullable=False, comment="32, 64 or 128: how wide it is listed"),
        sa.Column("code", sa.SmallInteger(), nullable=False, comment="return code at the preview"),
        sa.Column("result", sa.String(length=10), nullable=True, comment="done, or why nothing was done"),
        sa.Column("before", sa.Text(), nullable=True, comment="what is needed to undo it, JSON"),
        sa.Column("undo_result", sa.String(length=10), nullable=True, comment="undone, or why it cannot be"),
        sa.CheckConstraint("length(address) = 16", name=op.f("ck_bulk_item_address_length")),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_action.bulk_id"], name=op.f("fk_bulk_item_bulk_id")),
        sa.PrimaryKeyConstraint("bulk_id", "address", name=op.f("pk_bulk_item")),
        comment="Addresses of bulk actions, each with its result",
    )

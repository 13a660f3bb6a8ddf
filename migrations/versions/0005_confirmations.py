"""What emitters earned their reporters, so that the nightly weights cost what changed.

Revision: 0005, after 0004. Safe beside the previous version of the code, which does not know the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confirmation",
        sa.Column("emitter_key", sa.LargeBinary(length=16), nullable=False, comment="16 bytes: the emitter"),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="of the emitter's inputs when this was made"
        ),
        sa.Column(
            "since_minute", sa.Integer(), nullable=False, comment="entry into the state that it had then"
        ),
        sa.Column(
            "standing",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="digest of group, anchor and suspension of its sources",
        ),
        sa.Column(
            "found",
            sa.Text(),
            nullable=False,
            comment="its sources, and source and day of each novel confirmation, JSON",
        ),
        sa.Column(
            "again_day", sa.Integer(), nullable=False, comment="day on which it is made anew in any case"
        ),
        sa.CheckConstraint("length(emitter_key) = 16", name=op.f("ck_confirmation_emitter_key_length")),
        sa.PrimaryKeyConstraint("emitter_key", name=op.f("pk_confirmation")),
        comment="Cache of events: what emitters seen by traps earned the reporters that named them before",
    )
    op.create_index(op.f("ix_confirmation_again_day"), "confirmation", ["again_day"])

"""Quality reports of months that are over.

Revision: 0006, after 0005. Safe beside the previous version of the code, which does not know the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quality_month",
        sa.Column("first_day", sa.Integer(), nullable=False, comment="first day of the month"),
        sa.Column("made_at", sa.BigInteger(), nullable=False, comment="when"),
        sa.Column(
            "body",
            sa.Text(),
            nullable=False,
            comment="the measures of the feed and of each reporter, JSON",
        ),
        sa.PrimaryKeyConstraint("first_day", name=op.f("pk_quality_month")),
        comment="Quality reports of months that are over",
    )

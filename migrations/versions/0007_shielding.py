"""Reporters who alone say genuine mail of a large part of the listings, for an operator to look at.

Revision: 0007, after 0006. Safe beside the previous version of the code, which does not know the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shielding",
        sa.Column("source_id", sa.Integer(), autoincrement=False, nullable=False, comment="the reporter"),
        sa.Column(
            "listings_n",
            sa.Integer(),
            nullable=False,
            comment="listings that were milder by its group alone when it was noticed",
        ),
        sa.Column("set_at", sa.BigInteger(), nullable=False, comment="when it was noticed"),
        sa.Column(
            "reviewed_at", sa.BigInteger(), nullable=True, comment="since when an operator believes it"
        ),
        sa.Column("author", sa.String(length=100), nullable=True, comment="who reviewed it"),
        sa.Column("reason", sa.String(length=200), nullable=True, comment="why it is believed"),
        sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"], name=op.f("fk_shielding_source_id")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_shielding")),
        comment="Reporters who alone say genuine mail of many listings, for an operator to look at",
    )

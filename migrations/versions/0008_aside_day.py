"""Up to which day the evidence about an emitter may only have repeated its listing.

Revision: 0008, after 0007. Safe beside the previous version of the code, which leaves the column as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "emitter_state",
        sa.Column(
            "aside_day",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="evidence of this and earlier days may echo a listing",
        ),
    )

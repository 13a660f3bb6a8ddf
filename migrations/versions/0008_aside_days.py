"""From which to which day the evidence about an emitter may only have repeated its listing.

Revision: 0008, after 0007. Safe beside the previous version of the code, which leaves them as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, comment in (
        ("aside_from_day", "first day of which evidence may echo a listing, 0 = none"),
        ("aside_to_day", "last day of which evidence may echo a listing"),
    ):
        op.add_column(
            "emitter_state",
            sa.Column(name, sa.Integer(), server_default="0", nullable=False, comment=comment),
        )

"""Addresses listed by hand that never send, and why a day of a reporter weighs nothing.

Revision: 0009, after 0008. Safe beside the previous version of the code: what that inserts is an ordinary
listing, or a flood, and it reads both causes as days that weigh nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NUMBER = "new addresses of its group that nobody confirmed, or addresses that never send"
_TABLE = "Days of reporters that weigh nothing until reviewed: too much at once, or copied from the zone"
_KEY = ("source_id", "day", "cause")
_KNOWN = "cause IN ('flood', 'canary')"


def upgrade() -> None:
    op.add_column(
        "manual_listing",
        sa.Column(
            "canary",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="it never sends: who reports it has copied the zone",
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        _made_anew()
    else:
        _altered()


def _cause() -> "sa.Column[str]":
    return sa.Column(
        "cause", sa.String(length=10), server_default="flood", nullable=False, comment="flood or canary"
    )


def _altered() -> None:
    op.add_column("flood_day", _cause())
    op.drop_constraint(op.f("pk_flood_day"), "flood_day", type_="primary")
    op.create_primary_key(op.f("pk_flood_day"), "flood_day", list(_KEY))
    op.create_check_constraint(op.f("ck_flood_day_cause_known"), "flood_day", _KNOWN)
    op.alter_column(
        "flood_day", "addresses_n", existing_type=sa.Integer(), existing_nullable=False, comment=_NUMBER
    )
    op.create_table_comment("flood_day", _TABLE)


def _made_anew() -> None:
    """SQLite changes no primary key in place; the table is small, and all of it is one transaction."""
    op.create_table(
        "flood_day_new",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        _cause(),
        sa.Column("addresses_n", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.Column("author", sa.String(length=100), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.CheckConstraint(_KNOWN, name=op.f("ck_flood_day_cause_known")),
        sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"], name=op.f("fk_flood_day_source_id")),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_flood_day")),
    )
    names = "source_id, day, addresses_n, set_at, reviewed_at, author, reason"
    op.execute(f"INSERT INTO flood_day_new ({names}) SELECT {names} FROM flood_day")  # noqa: S608 - of ours
    op.drop_table("flood_day")
    op.rename_table("flood_day_new", "flood_day")

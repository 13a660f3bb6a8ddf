"""What all tables are made of: the one metadata, and columns and checks in the words of their tables."""

from typing import Any, Final

import sqlalchemy as sa

metadata: Final = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Key: Final = sa.LargeBinary(16)
Digest: Final = sa.LargeBinary(32)


def column(name: str, kind: Any, comment: str, **options: Any) -> sa.Column[Any]:
    """Return a column that takes no NULL unless told otherwise. comment: what it holds, with its unit."""
    options.setdefault("nullable", False)
    return sa.Column(name, kind, comment=comment, **options)


def in_range(name: str, low: int, high: int) -> sa.CheckConstraint:
    """Return the check that a column holds a number from `low` to `high`."""
    return sa.CheckConstraint(f"{name} BETWEEN {low} AND {high}", name=f"{name}_range")


def of_length(name: str, size: int) -> sa.CheckConstraint:
    """Return the check that a column holds `size` bytes."""
    return sa.CheckConstraint(f"length({name}) = {size}", name=f"{name}_length")

"""A field that people never see and programs that fill in everything do fill in."""

from collections.abc import Mapping
from typing import Final

NAME: Final = "website"


def is_filled(fields: Mapping[str, str]) -> bool:
    """Return whether the form was filled in by a program."""
    return bool(fields.get(NAME, "").strip())

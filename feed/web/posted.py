"""Reading a posted form: bounded before it is parsed, and free of what no column and no terminal wants."""

import unicodedata
from typing import Final
from urllib.parse import parse_qs

from fastapi import Request

from feed.web.messages import text
from feed.web.refusal import PageError

_BODY_MOST: Final = 8192
_FIELDS_MOST: Final = 10
_FORM_TYPE: Final = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of the form, the last of each name; raises `PageError` for what is no such form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM_TYPE:
        raise PageError(415, text("removal.not_a_form"))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_MOST:
            raise PageError(413, text("removal.too_large"))
    try:
        fields = parse_qs(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS_MOST
        )
    except ValueError:
        raise PageError(400, text("error.400")) from None
    return {name: values[-1] for name, values in fields.items()}


def clean_comment(given: str) -> str:
    """Return the comment without control characters, which no database column and no terminal wants."""
    plain = given.replace("\r\n", "\n").strip()
    return "".join(
        letter for letter in plain if letter == "\n" or unicodedata.category(letter) not in {"Cc", "Cs"}
    )

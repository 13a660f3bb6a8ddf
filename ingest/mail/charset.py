"""Charsets and encoded words (RFC 2047), for matching only: unknown charsets read as Latin-1.

Charsets come from a closed list, because Python also has codecs whose cost grows with the square of
their input, and none of them names a charset of mail.
"""

import binascii
import re
from typing import Final

from ingest.mail import limits

_KNOWN: Final = re.compile(
    r"us-ascii|ascii|utf-?(?:8|16|16le|16be)|iso-?8859-?(?:[1-9]|1[0-6])|(?:windows|cp)-?125[0-8]|cp-?(?:437|85[0258]|866|932|936|949|950)"
    r"|koi8-[ru]|iso-2022-(?:jp|kr)(?:-[123]|-2004)?|shift[-_]jis|sjis|euc-?(?:jp|kr)|gb2312|gbk|gb18030|hz-gb-2312|big5(?:-?hkscs)?"
    r"|ks_c_5601-1987|tis-620|macintosh"
)
_ALIASES: Final = {"macintosh": "mac_roman", "hz-gb-2312": "hz"}
_ENCODED_WORD: Final = re.compile(r"=\?([A-Za-z0-9_.:*-]{1,40})\?([BbQq])\?([^?\s]{0,500})\?=")
_BETWEEN: Final = re.compile(r"(\?=)\s+(=\?)")


def decode_text(data: bytes, charset: str) -> str:
    """Return `data` as text: by `charset` if we know it, else as UTF-8, else as Latin-1."""
    name = charset.strip().strip("'\"").lower()
    if _KNOWN.fullmatch(name) and name not in ("us-ascii", "ascii", "utf-8", "utf8"):
        try:
            return data.decode(_ALIASES.get(name, name.replace("windows-", "cp")), "replace")
        except (LookupError, ValueError):
            return data.decode("latin-1")
    if b"\x1b$" in data:  # a Japanese, Chinese or Korean shift that the header forgot to name
        return data.decode("iso2022_jp", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace") if name.startswith("utf") else data.decode("latin-1")


def decode_words(value: str) -> str:
    """Return a header value with its first encoded words decoded and the others left as they are."""
    if "=?" not in value:
        if "\x1b$" in value:
            return decode_text(value.encode("latin-1", "replace"), "iso-2022-jp")
        return value
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN.sub(r"\1\2", value), count=limits.ENCODED_WORDS)


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, text = match.groups()
    raw = text.encode("latin-1", "replace")
    if encoding in "Qq":
        data = binascii.a2b_qp(raw, header=True)
    else:
        try:
            data = binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
        except binascii.Error:
            return match[0]
    return decode_text(data, charset.split("*")[0])

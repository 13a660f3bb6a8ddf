"""Kind 0: reports that look like notifications and are none: complaints, DMARC, TLS-RPT."""

import re
from typing import Final

from ingest.mail import phrases
from ingest.mail.dsn import DISPOSITION_TYPES, STATUS_TYPES
from ingest.mail.notice import Notice
from ingest.mail.signs import returns_mail

_COMPLAINT_HEADERS: Final = frozenset({"x-hmxmroriginalrecipient", "x-loop-complaint"})
_PACKED: Final = ("/zip", "/gzip", "-gzip", "/x-zip", "-compressed", "/xml")
_REPORT_OF_DMARC: Final = re.compile(r"\bdmarc\b.{0,40}\breport\b")


def feedback_report(notice: Notice) -> str | None:
    """Recognise a feedback report (RFC 5965), and complaints of feedback loops that send none."""
    if notice.report_type == "feedback-report" or "message/feedback-report" in notice.skeleton.types:
        return "feedback_report"
    if not notice.status and returns_mail(notice) and phrases.COMPLAINT_SUBJECT.search(notice.subject):
        return "complaint"
    return "complaint" if notice.headers.any_of(_COMPLAINT_HEADERS) else None


def tls_report(notice: Notice) -> str | None:
    """Recognise an SMTP TLS report (RFC 8460 section 3)."""
    if notice.report_type in ("tlsrpt", "smtp-tls-report") or "tls-report-domain" in notice.headers:
        return "tls_report"
    return "tls_report" if any("tlsrpt" in name for name in notice.skeleton.types) else None


def dmarc_report(notice: Notice) -> str | None:
    """Recognise DMARC reports, aggregate (packed XML) and failure reports without a feedback part."""
    types = notice.skeleton.types
    if STATUS_TYPES & types or DISPOSITION_TYPES & types:
        return None
    if notice.report_type == "dmarc-report" or any("dmarc" in name for name in types):
        return "dmarc_report"
    if any(
        _is_dmarc_file(part.parameters, part.headers.get("content-disposition"))
        for part in notice.skeleton.parts
    ):
        return "dmarc_report"
    if any(name.endswith(_PACKED) for name in types) and phrases.DMARC_SUBJECT.search(notice.subject):
        return "dmarc_report"
    if phrases.TLSRPT_SUBJECT.search(notice.subject) or _REPORT_OF_DMARC.search(notice.subject):
        return "dmarc_report"
    return None


def _is_dmarc_file(parameters: dict[str, str], disposition: str) -> bool:
    """Whether the name is that of RFC 7489 section 7.2.1.1: receiver!domain!begin!end."""
    name = (parameters.get("name", "") + " " + disposition[:500]).lower()
    return "!" in name and phrases.DMARC_FILE.search(name) is not None

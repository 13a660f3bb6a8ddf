"""The description of the report API as OpenAPI 3.1; `python -m ingest.openapi > docs/openapi.json`.

Written by hand where the framework would guess, since the routes read their bodies themselves; the
schemas come from the models that check requests. A test compares it with the routes and with the file.
"""

import json
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from ingest import batch, problems, schemas
from ingest.problems import ProblemError
from ingest.shapes import FEEDBACK, JSON, MAIL

_MODELS: Final = (
    schemas.ReportIn,
    schemas.XarfIn,
    schemas.ReportOut,
    schemas.BatchOut,
    schemas.ObservationIn,
    schemas.ObservationOut,
    schemas.StandingOut,
    schemas.CheckOut,
    schemas.ExplanationOut,
    schemas.RankingOut,
    schemas.ProblemOut,
)
_REF: Final = "#/components/schemas/{model}"
_RECEIPT: Final = "4k0m2v7x9a1c3e5g7j9n1q3s5v"
_RECORD: Final = {
    "client_ip": "192.0.2.66",
    "observed_at": "2026-11-24T08:15:00Z",
    "null_sender": True,
    "kind": "dsn_fail",
    "recipient_class": "trap",
    "recipient_token": "7f3a90",
    "original_key": "c1f4d2",
}
_ANSWER: Final = {
    "receipt": _RECEIPT,
    "status": "accepted",
    "verdict": "backscatter",
    "kind": "dsn_fail",
    "emitter": "192.0.2.66",
    "provenance": "P3",
    "attestation": "U4",
    "strength": 4,
    "reasons": ["structured"],
    "defects": [],
}
_NOTIFICATION: Final = (
    "Return-Path: <>\n"
    "Received: from mail.emitter.example (mail.emitter.example [192.0.2.66])\n"
    "\tby mx.reporter.example (Postfix) with ESMTP id 4X1; Tue, 24 Nov 2026 08:15:00 +0000\n"
    "From: MAILER-DAEMON@mail.emitter.example\n"
    "Subject: Undelivered Mail Returned to Sender\n"
    'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
    "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.emitter.example\n\n"
    "Final-Recipient: rfc822; nobody@emitter.example\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
)
_FEEDBACK: Final = (
    "--f\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: example\r\n"
    "Version: 1\r\nSource-IP: 192.0.2.66\r\n\r\n--f\r\nContent-Type: message/rfc822\r\n\r\n"
    + _NOTIFICATION.replace("\n", "\r\n")
    + "\r\n--f--\r\n"
)
_COMMON: Final = (400, 401, 403, 405, 500, 503)
_TAKING: Final = (*_COMMON, 409, 413, 415, 422, 429)


def document() -> dict[str, Any]:
    """Return the whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Backscatter Feed: reports",
            "summary": "Report unsolicited notifications; the answer never promises a listing.",
            "description": (
                "Every refusal is a problem document (RFC 9457) with a stable type and without anything of "
                "what was sent. 4xx other than 409 and 429 is final: do not send the same again. The same "
                "report again gets the first answer and costs nothing, so that after any doubt a client may "
                "repeat blindly."
            ),
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "`bsf_<id>_<secret>`"},
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The key as password, or `bsf_<id>` as user and the secret as password",
                },
            },
            "responses": {str(status): _problem(status, words) for status, words in _statuses().items()},
            "headers": _HEADERS,
        },
    }


_HEADERS: Final[dict[str, Any]] = {
    "RateLimit-Policy": {
        "description": "Quota: `q` events in a window of `w` seconds (IETF draft, structured fields)",
        "schema": {"type": "string", "pattern": '^"day";q=[0-9]+;w=[0-9]+$'},
        "example": '"day";q=10000;w=86400',
    },
    "RateLimit": {
        "description": "What remains of it, `r`, for `t` seconds",
        "schema": {"type": "string", "pattern": '^"day";r=[0-9]+;t=[0-9]+$'},
        "example": '"day";r=9999;t=43200',
    },
    "Retry-After": {
        "description": "Seconds after which to come back",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "5",
    },
}


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema([(model, "validation") for model in _MODELS], ref_template=_REF)
    made: dict[str, Any] = found["$defs"]
    return made


def _statuses() -> dict[int, list[str]]:
    return problems.codes_by_status()


def _problem(status: int, words: list[str]) -> dict[str, Any]:
    headers = ["Retry-After"] if status in {429, 503} else []
    if status == 429:  # noqa: PLR2004
        headers += ["RateLimit", "RateLimit-Policy"]
    return {
        "description": "Problem: " + ", ".join(words),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {"$ref": _REF.format(model="ProblemOut")},
                "examples": {word: {"value": ProblemError(word).document()} for word in words},
            }
        },
    }


def _answer(model: str, description: str, example: Any, *, quota: bool = True) -> dict[str, Any]:
    headers = ("RateLimit-Policy", "RateLimit") if quota else ()
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {
            JSON: {
                "schema": {"$ref": _REF.format(model=model)},
                "examples": {"answer": {"value": example}},
            }
        },
    }


def _operation(
    name: str,
    summary: str,
    description: str,
    answer: dict[str, Any],
    *,
    refusals: tuple[int, ...],
    parameters: list[dict[str, Any]] | None = None,
    bodies: dict[str, Any] | None = None,
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "description": description,
        "parameters": parameters or [],
        "responses": {"200": answer}
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(refusals)},
    }
    if bodies is not None:
        operation["requestBody"] = {"required": True, "content": bodies}
    return operation


def _paths() -> dict[str, Any]:
    receipt = {
        "name": "receipt",
        "in": "path",
        "required": True,
        "description": "As it was given in the answer to the report",
        "schema": {"type": "string", "pattern": "^[0-9a-z]{26}$"},
        "example": _RECEIPT,
    }
    retracted = _ANSWER | {"status": "retracted"}
    return {
        "/v1/reports": {"post": _report()},
        "/v1/reports/raw": {"post": _raw()},
        "/v1/reports:batch": {"post": _batch()},
        "/v1/reports/{receipt}": {
            "get": _operation(
                "readReport",
                "Read what became of a report",
                "The first answer to one of your own reports.",
                _answer("ReportOut", "The answer", _ANSWER),
                refusals=(*_COMMON, 404),
                parameters=[receipt],
            ),
            "delete": _operation(
                "retractReport",
                "Take a report back",
                "It counts no more, as if it had never come; the receipt stays and says `retracted`. "
                "Repeating this changes nothing. The same report sent again stays retracted.",
                _answer("ReportOut", "Taken back, now or before", retracted),
                refusals=(*_COMMON, 404),
                parameters=[receipt],
            ),
        },
        **_read_paths(),
        "/v1/observations": {
            "post": _operation(
                "observe",
                "Say what you saw of an address on a day",
                "How many mails came from it, how many with a null sender, and how many of those answered "
                "mail of yours: what keeps honest servers off the list. Repeated, the largest number counts.",
                _answer("ObservationOut", "Kept", {"status": "accepted"}, quota=False),
                refusals=(*_COMMON, 413, 415, 422),
                bodies={JSON: {"schema": {"$ref": _REF.format(model="ObservationIn")}}},
            )
        },
        "/v1/reporter": {
            "get": _operation(
                "readStanding",
                "Read your own standing",
                "What the operator registered for you, what your word counts, and what you sent today.",
                _answer(
                    "StandingOut",
                    "Your standing",
                    {
                        "name": "example",
                        "weight": 0.5,
                        "vetted": False,
                        "border_hosts": ["mx.reporter.example"],
                        "own_networks": ["198.51.100.0/24"],
                        "forwarders": [],
                        "events_today": 12,
                    },
                ),
                refusals=_COMMON,
            )
        },
    }


def _read_paths() -> dict[str, Any]:
    """Return the operations of `reading`, which need the scope `read`."""
    address = {
        "name": "address",
        "in": "query",
        "required": True,
        "description": "Any spelling of an IPv4 or IPv6 address",
        "schema": {"type": "string", "maxLength": 64},
        "example": "192.0.2.66",
    }
    limit = {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 500},
        "example": 50,
    }
    by = {
        "name": "by",
        "in": "query",
        "required": False,
        "schema": {"type": "string", "enum": ["address", "network", "as"]},
        "example": "address",
    }
    explained = {"address": "192.0.2.66", "state": "listed", "code": "127.0.0.2", "score": "8.5", "parts": []}
    return {
        "/v1/check": {
            "get": _operation(
                "check",
                "Ask whether an address is listed",
                "What the name servers answer once all is published. Scope `read`.",
                _answer(
                    "CheckOut",
                    "Whether it is listed",
                    {
                        "address": "192.0.2.66",
                        "listed": True,
                        "code": "127.0.0.2",
                        "state": "listed",
                        "by_hand": False,
                        "exempt": False,
                        "never_listed_because": None,
                        "prefix_published": 32,
                        "last_evidence_day": "2026-11-24",
                        "expires_at": "2026-12-22T08:15:00Z",
                    },
                    quota=False,
                ),
                refusals=(*_COMMON, 422),
                parameters=[address],
            )
        },
        "/v1/explain": {
            "get": _operation(
                "explain",
                "Read what makes up the score of an address",
                "Its parts, which add up to the score, its gates and its history. Scope `read`.",
                _answer("ExplanationOut", "The explanation", explained, quota=False),
                refusals=(*_COMMON, 422),
                parameters=[address],
            )
        },
        "/v1/ranking": {
            "get": _operation(
                "readRanking",
                "Read the worst emitters",
                "With their reasons, or summed by /24 and /48, or by the autonomous system that announces "
                "them, where the operator has a file of these (else 404). Shown is not listed. Scope `read`.",
                _answer("RankingOut", "Worst first", {"by": "address", "worst": [explained]}, quota=False),
                refusals=(*_COMMON, 404, 422),
                parameters=[limit, by],
            )
        },
    }


def _claim_parameters() -> list[dict[str, Any]]:
    """Return the claim beside a mail, from the model that checks it."""
    described = schemas.Parameters.model_json_schema(by_alias=True)["properties"]
    examples = {"class": "trap", "client_ip": "192.0.2.66", "observed_at": "2026-11-24T08:15:00Z"}
    found = []
    for name, schema in described.items():
        plain = {key: value for key, value in schema.items() if key not in {"title", "default"}}
        options = [option for option in plain.pop("anyOf", []) if option != {"type": "null"}]
        parameter = {
            "name": name,
            "in": "query",
            "required": False,
            "description": plain.pop("description", "Beside a mail only; JSON says it in the body"),
            "schema": plain | (options[0] if options else {}),
        }
        if name in examples:
            parameter["example"] = examples[name]
        found.append(parameter)
    return found


_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "A string in quotes (IETF draft), or a bare word. Same key and same report: the stored answer as "
        "it was. Same key and another report: 422. The first one still in work: 409. A refused report "
        "stores nothing under it."
    ),
    "schema": {"type": "string", "pattern": r'^("[ !#-\[\]-~]{1,128}"|[!#-\[\]-~]{1,128})$'},
    "example": '"7d5f1f3e-6a9c-4b0e-8a3d-0c1b2a394857"',
}
_MAIL_BODY: Final[dict[str, Any]] = {
    "schema": {"type": "string", "format": "binary", "minLength": 1, "maxLength": 262144},
    "examples": {"bounce": {"summary": "As your server stored it", "value": _NOTIFICATION}},
}


def _json_body() -> dict[str, Any]:
    (xarf,) = schemas.XarfIn.model_json_schema()["examples"]
    return {
        "schema": {
            "anyOf": [
                {"$ref": _REF.format(model="ReportIn")},
                {"$ref": _REF.format(model="XarfIn")},
            ]
        },
        "examples": {"structured": {"value": _RECORD}, "xarf": {"summary": "XARF v4", "value": xarf}},
    }


def _report() -> dict[str, Any]:
    feedback = {
        "schema": {"type": "string", "format": "binary", "minLength": 1, "maxLength": 262144},
        "examples": {"arf": {"summary": "With report-type=feedback-report; boundary=f", "value": _FEEDBACK}},
    }
    return _operation(
        "report",
        "Submit one unsolicited notification",
        "By Content-Type: a structured report or XARF v4 as JSON, the notification as a mail, or a feedback "
        "report (RFC 5965) around it. A feedback report is opened once; a person's forward with the "
        "notification attached too, if `forwarded` says that it is one.",
        _answer("ReportOut", "Taken, now or before", _ANSWER),
        refusals=_TAKING,
        parameters=[*_claim_parameters(), _KEY],
        bodies={JSON: _json_body(), MAIL: _MAIL_BODY, FEEDBACK: feedback},
    )


def _raw() -> dict[str, Any]:
    fields = [
        ("X-Rspamd-Ip", "Address of the connecting server", "192.0.2.66"),
        ("X-Rspamd-From", "MAIL FROM; empty: the null sender", ""),
        ("X-Rspamd-Rcpt", "Recipients as a JSON list; kept as a keyed hash only", '["jo@reporter.example"]'),
        ("X-Rspamd-User", "Who submitted the mail; `unknown` for mail from outside", "unknown"),
        ("X-Rspamd-Qid", "Queue id; not kept", "4XyZ1a2b3c"),
    ]
    headers = [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": description,
            "schema": {"type": "string"},
            "example": example,
        }
        for name, description, example in fields
    ]
    return _operation(
        "reportRaw",
        "Submit one report from software that cannot set a media type",
        "JSON and mail are told apart by their content. Made for rspamd's metadata exporter: its X-Rspamd-* "
        "fields and its formatters default, json, json_with_message and multipart are understood. Both a new "
        "report and a repeated one are answered 200.",
        _answer("ReportOut", "Taken, now or before", _ANSWER),
        refusals=_TAKING,
        parameters=[*_claim_parameters(), _KEY, *headers],
        bodies={"text/plain": _MAIL_BODY},
    )


def _batch() -> dict[str, Any]:
    line = json.dumps(_RECORD, separators=(",", ":"))
    result = {
        "accepted": 1,
        "duplicate": 0,
        "refused": 1,
        "results": [
            {"line": 1, "report": _ANSWER},
            {"line": 2, "problem": ProblemError("stale").document()},
        ],
    }
    return _operation(
        "reportBatch",
        "Submit up to 1,000 structured reports",
        "One JSON object a line, at most 2 MB when decompressed, plain or with Content-Encoding gzip. Each "
        "line has its own result; 200 even if lines fail, and 429 only if the quota left no line. "
        "Repeated lines are told by their content.",
        _answer("BatchOut", "A result for each line", result),
        refusals=tuple(status for status in _TAKING if status != 422),  # noqa: PLR2004
        bodies={
            batch.NDJSON: {
                "schema": {"type": "string", "minLength": 1},
                "examples": {"two": {"value": f"{line}\n{line}\n"}},
            }
        },
    )


def main() -> None:
    """Print the description as JSON."""
    print(json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False))


if __name__ == "__main__":
    main()

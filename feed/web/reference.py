"""The report API in words, from its OpenAPI document. Pure: a document in, rows for a template out."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

_METHODS: Final = ("get", "post", "put", "delete")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter or property: name, type in words, whether it must be there, what it means."""

    name: str
    kind: str
    required: bool
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. bodies: media types and their schemas. answers: status and words."""

    anchor: str
    method: str
    path: str
    summary: str
    words: str
    parameters: tuple[Field, ...]
    bodies: tuple[tuple[str, str], ...]
    answers: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One object of the API."""

    name: str
    words: str
    fields: tuple[Field, ...]


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return the operations in the order of the document."""
    return [
        _operation(document, path, method, found)
        for path, methods in document.get("paths", {}).items()
        for method, found in methods.items()
        if method in _METHODS
    ]


def schemas(document: Mapping[str, Any]) -> list[Schema]:
    """Return the objects by name."""
    found = document.get("components", {}).get("schemas", {})
    return [
        Schema(
            name=name,
            words=_one_line(schema.get("description", "")),
            fields=tuple(
                Field(
                    name=field,
                    kind=_kind(value),
                    required=field in schema.get("required", ()),
                    words=_one_line(value.get("description", "")),
                )
                for field, value in schema.get("properties", {}).items()
            ),
        )
        for name, schema in sorted(found.items())
    ]


def _operation(document: Mapping[str, Any], path: str, method: str, found: Mapping[str, Any]) -> Operation:
    body = _resolved(document, found.get("requestBody", {}))
    parameters = [_resolved(document, one) for one in found.get("parameters", ())]
    return Operation(
        anchor=f"{method}-{path}".replace("/", "-").replace("{", "").replace("}", "").replace(":", "-"),
        method=method.upper(),
        path=path,
        summary=_one_line(found.get("summary", "")),
        words=_one_line(found.get("description", "")),
        parameters=tuple(
            Field(
                name=one.get("name", ""),
                kind=f"{_kind(one.get('schema', {}))}, {one.get('in', '')}",
                required=bool(one.get("required")),
                words=_one_line(one.get("description", "")),
            )
            for one in parameters
        ),
        bodies=tuple(
            (media, _kind(content.get("schema", {}))) for media, content in body.get("content", {}).items()
        ),
        answers=tuple(
            (status, _one_line(_resolved(document, answer).get("description", "")))
            for status, answer in found.get("responses", {}).items()
        ),
    )


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow one reference inside the document."""
    reference = node.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return node
    found: Any = document
    for part in reference[2:].split("/"):
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the type of a schema in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            kinds = [_kind(one) for one in schema[several] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    kind = schema.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{words} ({schema['format']})" if "format" in schema else words


def _one_line(text: str) -> str:
    return " ".join(str(text).split())

"""The description of the local interface: an OpenAPI 3.1 document, made from the models of calls.

https://spec.openapis.org/oas/v3.1.1. The schemas are pydantic's (JSON Schema 2020-12), so what is
described is what is checked: names, types, lengths and patterns stand in one place.
"""

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from node.web.calls import Call
from protocol.errors import ERROR_TEXTS, ErrorCode
from protocol.fields import WireModel
from transport.problems import CONTENT_TYPE

DESCRIPTION_PATH = "/v1/openapi.json"
SCHEMA = "#/components/schemas/{model}"
VALIDATION: JsonSchemaMode = "validation"

INTRODUCTION = """\
What the commands of `patchwork-node` do, for the agency's own case system on the same machine. The
text of record is specs/07-transport.md §1.

Everything is posted as JSON of at most 16 KiB: no id and no name stands in an address. Types are
strict: a number in quotation marks, a field that is not described here and a key that comes twice
are refused, and nothing is changed then. What a person does is done in that person's name
(`practitioner`), as the agency's register of people has it.
"""
HUB = {
    "name": "hub",
    "in": "query",
    "description": "The name of the hub, where the node belongs to several. The id of a link, a "
    "check or a request says so itself.",
    "schema": {"type": "string", "maxLength": 200},
}


class Problem(WireModel):
    """Why something was refused or failed: specs/07-transport.md §4. Programs go by `code`;
    `detail` names a field, a place or a way out.
    """

    code: ErrorCode
    title: str
    detail: str
    what_to_do: str


def describe(calls: Sequence[Call]) -> dict[str, Any]:
    """The document of these calls."""
    models: set[type[WireModel]] = {Problem}
    for call in calls:
        models |= {call.body, call.answer}
    named = sorted(models, key=lambda model: model.__name__)
    _, found = models_json_schema([(one, VALIDATION) for one in named], ref_template=SCHEMA)
    statuses = sorted({text.status for text in ERROR_TEXTS.values()})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Patchwork node: local interface",
            "version": version("patchwork-federation"),
            "description": INTRODUCTION,
        },
        "security": [{"token": []}],
        "paths": {
            DESCRIPTION_PATH: {"get": _itself(statuses)},
            **{call.path: {"post": _operation(call, statuses)} for call in calls},
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token in api-token.json of the node's folder. Requests of "
                    "web pages (with Origin, or for another host name) are refused.",
                }
            },
            "parameters": {"hub": HUB},
            "responses": {_name(status): _problem(status) for status in statuses},
            "schemas": found["$defs"],
        },
    }


def encode(document: dict[str, Any]) -> bytes:
    """The document as JSON, the same bytes each time."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _itself(statuses: Sequence[int]) -> dict[str, Any]:
    return {
        "operationId": "openapi",
        "tags": ["openapi"],
        "summary": "Show this description.",
        "responses": {
            "200": {
                "description": "An OpenAPI 3.1 document.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **_refusals(statuses),
        },
    }


def _operation(call: Call, statuses: Sequence[int]) -> dict[str, Any]:
    names = call.path.removeprefix("/v1/").split("/")
    summary, _, more = call.text.replace("\n", " ").partition(". ")
    described = {"description": " ".join(call.text.split())} if more else {}
    return {
        "operationId": "_".join(names).replace("-", "_"),
        "tags": [names[0]],
        "summary": f"{summary.removesuffix('.')}.",
        **described,
        "parameters": [{"$ref": "#/components/parameters/hub"}],
        "requestBody": {"required": True, "content": _content(call.body)},
        "responses": {
            "200": {"description": _first(call.answer), "content": _content(call.answer)},
            **_refusals(statuses),
        },
    }


def _content(model: type[WireModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": SCHEMA.format(model=model.__name__)}}}


def _first(model: type[WireModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _refusals(statuses: Sequence[int]) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in statuses}


def _name(status: int) -> str:
    return f"Problem{status}"


def _problem(status: int) -> dict[str, Any]:
    """An answer with this status, and the codes that it has."""
    codes = [code.value for code, text in ERROR_TEXTS.items() if text.status == status]
    said = "; ".join(
        f"`{code.value}`: {text.title}"
        for code, text in ERROR_TEXTS.items()
        if text.status == status
    )
    schema = {
        "allOf": [{"$ref": SCHEMA.format(model="Problem")}],
        "properties": {"code": {"enum": codes}},
    }
    return {"description": f"{said}.", "content": {CONTENT_TYPE: {"schema": schema}}}

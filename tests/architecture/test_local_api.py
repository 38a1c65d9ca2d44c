"""The local interface's description: valid, complete, bounded, and nothing that is not in it.

Every command is over the local interface too, or it is said here why it is not.
"""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest
import typer
from typer.testing import CliRunner

from node.cli.main import app
from node.web.api import ALL_CALLS, LocalApi, description
from protocol.errors import ERROR_TEXTS
from transport.routes import ROUTES

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads(description())
SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]

AT_THE_KEYBOARD = {
    **dict.fromkeys(
        ("init", "set-up", "join", "rotate-keys", "endorse"),
        "words are read out over the telephone, and a file goes into a safe",
    ),
    **dict.fromkeys(
        ("serve", "backup", "restore", "resync", "monitor", "retry", "api-description"),
        "for whoever runs the node, beside it",
    ),
    **dict.fromkeys(
        (
            "accounts invite",
            "accounts list",
            "accounts dates",
            "accounts close",
            "accounts sign-out",
        ),
        "who may sign in is not for whoever has the token of the case system",
    ),
    "import": "takes a file of this machine by its name: whoever has the token could read any",
}
OF_COMMANDS = {
    "publish": "publish", "withdraw": "clients/consent/withdraw", "team": "team",
    "inbox": "inbox", "answer": "requests/answer", "pass": "requests/pass",
    "disclose": "requests/disclosure", "ask": "requests/ask", "drafts": "requests/drafts",
    "held": "clients/held/answer", "review": "review/answer",
    "identity-check": "identity-checks/ask", "identity-answer": "identity-checks/answer",
    "wrong-person": "requests/wrong-person", "recall": "requests/recall",
    "release-now": "requests/release-now", "duplicates": "clients/duplicates",
    "alerts": "alerts/seen", "alarms": "alarms/acknowledge", "details": "details/change",
    "charter show": "charter", "charter accept": "charter/accept", "forget": "forget",
    "news": "news", "invite-agency": "invites",
    "raise-attention": "attention/raise", "seen-attention": "attention/seen",
    "introduce": "clients/services/introduce",
    "clients preset": "clients/presets/put", "clients list": "clients/search",
    "objection record": "objections/record", "withhold propose": "clients/withhold",
}  # fmt: skip
"""Where a command's name is not the address already."""


def commands() -> Iterator[str]:
    """The names of all commands, those of a group behind the group's."""
    top = typer.main.get_group(app).commands
    for path in (ROOT / "node" / "cli").glob("*.py"):
        module = import_module(f"node.cli.{path.stem}")
        if path.stem == "main" or not hasattr(module, "app"):
            continue
        group = typer.main.get_group(module.app)
        yield from (f"{group.name} {one}" if group.name in top else one for one in group.commands)


def address(command: str) -> str:
    group, _, name = command.partition(" ")
    plain = {
        "consent": "clients/consent",
        "enquire": "enquiries",
        "objection": "objections",
        "withhold": "clients/withhold",
    }
    return f"/v1/{OF_COMMANDS.get(command) or '/'.join([plain.get(group, group), name])}"


def test_every_command_is_over_the_local_interface_or_it_is_said_why_not() -> None:
    found = set(commands())
    assert len(found) > 70
    assert found >= AT_THE_KEYBOARD.keys() | OF_COMMANDS.keys()
    missing = {one for one in found - AT_THE_KEYBOARD.keys() if address(one) not in ALL_CALLS}
    assert missing == set()


def test_the_description_is_openapi_by_a_validator_that_is_not_ours() -> None:
    openapi_spec_validator.validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_what_is_served_is_described_and_nothing_else() -> None:
    served = {
        (method, path) for method, path in LocalApi([], "", "127.0.0.1").application()[ROUTES]
    }
    described = {
        (method.upper(), path) for path, one in DOCUMENT["paths"].items() for method in one
    }
    assert served == described


def test_the_command_prints_what_the_interface_answers() -> None:
    printed = CliRunner().invoke(app, ["api-description"])
    assert printed.stdout_bytes == description()


def test_every_operation_says_who_may_what_it_does_and_how_it_fails() -> None:
    (scheme,) = DOCUMENT["security"]
    assert DOCUMENT["components"]["securitySchemes"][next(iter(scheme))]["scheme"] == "bearer"
    statuses = {str(text.status) for text in ERROR_TEXTS.values()}
    names = [one["operationId"] for path in DOCUMENT["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            assert re.fullmatch(r"[A-Z].+\.", operation["summary"])
            assert operation["responses"].keys() == {"200", *statuses}
            assert "security" not in operation, "nobody is let in without the token"


def test_the_codes_of_each_status_are_described() -> None:
    for name, response in DOCUMENT["components"]["responses"].items():
        (content,) = response["content"].values()
        codes = set(content["schema"]["properties"]["code"]["enum"])
        status = int(name.removeprefix("Problem"))
        assert codes == {code for code, text in ERROR_TEXTS.items() if text.status == status}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_shape_is_named_closed_and_explained(name: str) -> None:
    schema = SCHEMAS[name]
    assert re.fullmatch(r"[A-Z]\w+", name)
    assert "__" not in name, "two models have one name"
    assert len(schema.get("description", "").split()) > 1
    if schema["type"] == "object":
        assert schema["additionalProperties"] is False


def taken(schema: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every plain value within what is posted, with its place."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from taken(SCHEMAS[name], name)
    for inner in schema.get("anyOf", ()):
        yield from taken(inner, place)
    for field, inner in schema.get("properties", {}).items():
        yield from taken(inner, f"{place}.{field}")
    for word in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(word), dict):
            yield from taken(schema[word], f"{place}[]")
    if "type" in schema:
        yield place, schema


def test_whatever_is_posted_has_a_limit_that_one_can_see() -> None:
    limits = {
        "string": {"maxLength", "pattern", "enum", "const"},
        "integer": {"maximum"},
        "array": {"maxItems"},
    }
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for place, schema in taken(content["schema"], ""):
                    wanted = limits.get(schema["type"])
                    assert wanted is None or wanted & schema.keys(), place

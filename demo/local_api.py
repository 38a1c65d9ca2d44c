"""A running node's local interface, asked as an agency's own case system would.

A story looks again and again until something is there. A command would be a program each time, and
starting it takes longer than most of what is waited for.
"""

import json
import socket
import tomllib
from collections.abc import Mapping
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from demo.stage import LIMIT_SECONDS, DemoError


def has_local_api(folder: Path) -> bool:
    """Whether the node in a folder has a local interface while it runs."""
    return bool(_port(folder))


def listens(folder: Path) -> bool:
    """Whether it can be asked already."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", _port(folder))):
        return True
    return False


def ask_node(folder: Path, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What the running node in a folder answers. Raises DemoError if it refuses."""
    token = json.loads((folder / "api-token.json").read_text(encoding="utf-8"))["token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = HTTPConnection("127.0.0.1", _port(folder), timeout=LIMIT_SECONDS)
    with closing(connection):
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read().decode("utf-8")
    if answer.status != HTTPStatus.OK:
        raise DemoError(f"{path} of {folder} answers {answer.status}: {said}")
    value: dict[str, Any] = json.loads(said)
    return value


def _port(folder: Path) -> int:
    settings = tomllib.loads((folder / "node.toml").read_text(encoding="utf-8"))
    return int(settings.get("api_port", 0))

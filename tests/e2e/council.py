"""What people at the demo's council do and see."""

import json
from typing import Any

from demo.council import CHILD, HEALTH, Agency
from demo.local_api import ask_node
from demo.stage import Stage
from demo.story import AMIRA_CHILD, AMIRA_HEALTH

BOTH_SIDES = ((CHILD, AMIRA_CHILD), (HEALTH, AMIRA_HEALTH))


def team(agency: Agency, client: str) -> dict[str, Any]:
    """As the running node tells the agency's own case system: who looks again and again starts no
    program each time.
    """
    (value,) = ask_node(agency.folder, "/v1/team", {"client": client})["teams"]
    return dict(value)


def shown(stage: Stage, agency: Agency, client: str) -> dict[str, Any]:
    """As a person has it shown by a command."""
    output = stage.run("patchwork-node", "team", client, "--json", "--dir", str(agency.folder))
    return dict(json.loads(output))


def accept(stage: Stage, agency: Agency) -> str:
    words = ("charter", "accept", "--yes", "--as", agency.person, "--dir", str(agency.folder))
    return stage.run("patchwork-node", *words)


def matched() -> bool:
    return all(len(team(*who)["others"]) == 1 for who in BOTH_SIDES)

"""What people at the demo's council do and see, through the programs' own commands."""

import json
from typing import Any

from demo.council import CHILD, HEALTH, Agency
from demo.stage import Stage
from demo.story import AMIRA_CHILD, AMIRA_HEALTH

BOTH_SIDES = ((CHILD, AMIRA_CHILD), (HEALTH, AMIRA_HEALTH))


def team(stage: Stage, agency: Agency, client: str) -> dict[str, Any]:
    output = stage.run("patchwork-node", "team", client, "--json", "--dir", str(agency.folder))
    value: dict[str, Any] = json.loads(output)
    return value


def accept(stage: Stage, agency: Agency) -> str:
    words = ("charter", "accept", "--yes", "--as", agency.person, "--dir", str(agency.folder))
    return stage.run("patchwork-node", *words)


def matched(stage: Stage) -> bool:
    return all(len(team(stage, *who)["others"]) == 1 for who in BOTH_SIDES)

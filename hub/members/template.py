"""What a first charter says beside keys and names: specs/02-charter.md §3."""

import json
from pathlib import Path
from typing import Any


def template() -> dict[str, Any]:
    """The parts of a first charter that ship with the hub, to be changed by whoever founds it."""
    text = Path(__file__).with_name("charter_template.json").read_text(encoding="utf-8")
    return dict(json.loads(text))

"""Writes docs/operate/settings.md from the programs' settings: `python -m scripts.settings_page`.

A test holds the page to the code (tests/architecture/test_docs.py).
"""

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from audit.witness.config import WitnessSettings
from hub.config import HubSettings
from keys.holder.config import HolderSettings
from node.config import NodeSettings

PAGE = Path(__file__).parents[1] / "docs" / "operate" / "settings.md"
FILES = (
    ("hub.toml", "the hub", HubSettings),
    ("holder.toml", "a key holder", HolderSettings),
    ("node.toml", "a node", NodeSettings),
    ("witness.toml", "a witness", WitnessSettings),
)
BEGINNING = """# Settings

Written by `python -m scripts.settings_page` from the code, and held to it by a test. Each line says
what a setting means, and what somebody gains who can change it.

A service reads its file at its start, from its own folder; restart it after a change. A variable of
the environment goes before the file: its name is the prefix and the setting in capitals
(`PATCHWORK_HUB_PORT=8441`), and what is a list or a table is written as JSON. A name that is not
here is refused. Secrets are in no setting, but in files of mode 600 beside them.
"""
HEAD = "| setting | default | means | changed by somebody else |\n|---|---|---|---|\n"


def page() -> str:
    """The whole page, in Markdown."""
    parts = [BEGINNING]
    for file, whose, model in FILES:
        prefix = model.model_config.get("env_prefix", "")
        parts.append(f"\n## `{file}`, of {whose}\n\nPrefix of the variables: `{prefix}`.\n\n")
        parts.append(
            "| setting | default | means | changed by somebody else |\n|---|---|---|---|\n"
        )
        parts += [f"{row}\n" for row in _rows(model)]
        for name, inner in _tables(model):
            parts += [f"\n### `{name}` in `{file}`\n\n", HEAD]
            parts += [f"{row}\n" for row in _rows(inner)]
    return "".join(parts)


def _rows(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        means, _, changed = str(field.description or "").partition("Changed")
        said = changed.lstrip(":").strip()
        what = f"to {said.removeprefix('to ').strip()}" if changed.startswith(" to") else said
        yield f"| `{name}` | {_default(field)} | {_cell(means)} | {_cell(what)} |"


def _tables(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The settings that are tables with settings of their own, which say what each means."""
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            is_table = isinstance(kind, type) and issubclass(kind, BaseModel)
            if is_table and all(inner.description for inner in kind.model_fields.values()):
                yield f"[{name}]", kind


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "must be set"
    if value is None or value == "" or isinstance(value, (Mapping, frozenset, tuple, list)):
        return "none" if not value else f"`{json.dumps(value)}`"
    return f"`{json.dumps(value.value if isinstance(value, Enum) else value)}`"


def _cell(text: str) -> str:
    """Text within a table: a bar would end the cell, and a star slant what follows."""
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""Every command that a script would read answers in JSON too; of the others it is said why not."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).parents[2]
ROOMS = {
    "node": ("node/cli",),
    "hub": ("hub/cli",),
    "keys": ("keys/holder",),
    "audit": ("audit/cli", "audit/witness"),
}
DONE = "prints that it is done: the exit code says as much"
AT_THE_KEYBOARD = "a person reads words out, or moves a file into a safe"
ONE_VALUE = "prints one value and nothing else, or a document"
SERVES = "runs until it is stopped: its log is JSON"
OTHERWISE = {
    "node": {
        **dict.fromkeys(
            ("accounts invite", "accounts dates", "accounts close", "accounts sign-out", "answer",
             "backup", "restore",
             "charter accept", "clients preset", "clients correct", "clients close",
             "clients reopen", "clients confirm", "clients merge", "clients part",
             "clients family", "consent withdraw", "consent receipt", "disclose", "enquire close",
             "identity-answer", "introduce", "invite-agency", "objection end", "pass",
             "people add", "people away", "people back", "people close", "people mail", "recall",
             "release-now", "seen-attention", "withhold agree", "withhold end", "wrong-person"),
            DONE,
        ),
        **dict.fromkeys(("init", "join", "endorse", "rotate-keys", "set-up"), AT_THE_KEYBOARD),
        "api-description": ONE_VALUE,
        "serve": SERVES,
    },
    "hub": {
        **dict.fromkeys(
            ("accounts close", "accounts sign-out", "accounts take-second-factor",
             "backup", "restore", "ceremony",
             "move-database", "policy train"),
            DONE,
        ),
        "set-up": AT_THE_KEYBOARD,
        **dict.fromkeys(("init", "found", "policy show", "charter holidays"), ONE_VALUE),
        "serve": SERVES,
    },
    "keys": {
        **dict.fromkeys(("deal", "combine"), DONE),
        "set-up": AT_THE_KEYBOARD,
        "init": ONE_VALUE,
        "serve": SERVES,
    },
    "audit": {
        **dict.fromkeys(("init", "fetch", "bundle", "witness add-log", "witness add-peer"), DONE),
        **dict.fromkeys(("join", "set-up", "witness set-up"), AT_THE_KEYBOARD),
        "witness init": ONE_VALUE,
        "witness run": SERVES,
    },
}  # fmt: skip
GROUPS = {"patchwork-keys"}


def without_json(program: str) -> Iterator[str]:
    """The commands that have no --json, those of a group behind the group's name."""
    for room in ROOMS[program]:
        for path in sorted((ROOT / room).glob("*.py")):
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            if path.stem == "main" or not hasattr(module, "app"):
                continue
            group = typer.main.get_group(module.app)
            name = f"{group.name} " if group.name and group.name not in GROUPS else ""
            for command, found in group.commands.items():
                if not any("--json" in option.opts for option in found.params):
                    yield f"{name}{command}"


@pytest.mark.parametrize("program", ROOMS)
def test_what_a_script_would_read_is_json_too(program: str) -> None:
    assert set(without_json(program)) == OTHERWISE[program].keys()

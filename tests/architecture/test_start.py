"""A start of a program loads what its command needs, and no more: most of a start is imports.

Asked of the programs themselves, each in a process of its own, and without a clock.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "node": "node.cli.main",
    "hub": "hub.cli.main",
    "keys": "keys.holder.cli",
    "audit": "audit.cli.main",
}
ROOMS = ("protocol", "storage", "transport", "keys", "hub", "node", "audit")
LARGE = {
    "aiohttp", "aiohttp.web", "aiosmtplib", "openpyxl", "defusedxml", "ftfy", "prometheus_client",
    "structlog", "stdnum",
}  # fmt: skip
"""What only one command needs, or only what serves or makes a request."""

TOLD = """
import json, sys
import {module} as program
try:
    program.app({words!r}, standalone_mode=False)
except BaseException:
    pass
print("\\n" + json.dumps(sorted(sys.modules)))
"""


def loaded(program: str, *words: str) -> set[str]:
    """The modules that are loaded once a command has run, or refused to."""
    code = TOLD.format(module=PROGRAMS[program], words=list(words))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def rooms_of(modules: set[str]) -> set[str]:
    """The rooms of our own that are among them, but for the command lines."""
    found = {".".join(name.split(".")[:2]) for name in modules if name.split(".")[0] in ROOMS}
    return {name for name in found if "." in name and not name.endswith(".cli")}


@pytest.mark.parametrize("program", ["node", "hub", "audit"])
def test_a_list_of_commands_loads_none_of_them(program: str) -> None:
    modules = loaded(program, "--help")
    assert rooms_of(modules) == {"protocol.errors"}
    assert not modules & {*LARGE, "pydantic", "sqlite3"}


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("node", ("team", "c-1")),
        ("node", ("inbox",)),
        ("node", ("news",)),
        ("node", ("publish",)),
        ("node", ("people", "list")),
        ("hub", ("members",)),
        ("hub", ("invite",)),
        ("keys", ("deal", "--terms", "terms.json")),
        ("audit", ("verify", "case")),
        ("audit", ("witness", "add-log", "w1", "key")),
    ],
)
def test_an_ordinary_command_loads_no_web_server_and_no_reader_of_workbooks(
    program: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHWORK_NODE_DIR", str(tmp_path))
    monkeypatch.setenv("PATCHWORK_HUB_DIR", str(tmp_path))
    modules = loaded(program, *words)
    assert rooms_of(modules) > {"protocol.errors"}, "the command was loaded"
    assert modules & LARGE == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_says_its_version(program: str) -> None:
    told = CliRunner().invoke(import_module(PROGRAMS[program]).app, ["--version"])
    released = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert released is not None
    assert (told.exit_code, told.stdout) == (0, f"patchwork-{program} {released[1]}\n")
    if program == "audit":  # the witness stands alone, at another organisation
        told = CliRunner().invoke(import_module("audit.witness.cli").app, ["--version"])
        assert told.stdout == f"patchwork-audit witness {released[1]}\n"


@pytest.mark.parametrize(
    "module", ["hub.server.service", "node.web.serving", "keys.holder.service", "audit.witness.app"]
)
def test_a_service_loads_the_library_of_its_numbers_when_it_is_asked_for_them(module: str) -> None:
    code = f"import sys, {module}; print('prometheus_client' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "False\n"


def test_a_command_does_not_load_the_others() -> None:
    modules = loaded("node", "team", "--help")
    assert "node.cli.requests" in modules
    others = {"node.cli.importing", "node.cli.people", "node.cli.membership", "node.web.serving"}
    assert modules & others == set()
    assert "sqlite_utils" not in modules, "tables are made once, and commands run all day"
    assert rooms_of(loaded("audit", "witness", "init", "--help")) <= {
        "audit.witness", "protocol.errors", "protocol.log", "protocol.signing",
        "protocol.canonical", "protocol.dsse", "protocol.fields", "protocol.messages",
        "storage.sqlite", "storage.engine", "storage.threaded", "transport.client",
        "transport.problems",
    }  # fmt: skip


def commands(app: typer.Typer) -> Iterator[tuple[str, str]]:
    """The commands of a program by name, each with its line in the list of commands."""
    for name, command in typer.main.get_group(app).commands.items():
        yield name, str(command.help)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_list_of_commands_says_of_each_what_it_says_of_itself(program: str) -> None:
    app = import_module(PROGRAMS[program]).app
    assert len(dict(commands(app))) >= 4
    for name, line in commands(app):
        told = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "400"})
        assert told.exit_code == 0, name
        assert " ".join(line.split("\n\n")[0].split()) in " ".join(told.stdout.split()), name


def test_what_stands_for_a_command_is_parsed_as_that_command() -> None:
    app = import_module(PROGRAMS["node"]).app
    assert isinstance(typer.main.get_group(app), TyperGroup)
    refused = CliRunner().invoke(app, ["team"])
    assert refused.exit_code == 2
    assert "Missing argument" in refused.output
    assert "client" in refused.output.lower()
    assert CliRunner().invoke(app, ["charter", "nonsense"]).exit_code == 2

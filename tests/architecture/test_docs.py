"""Docs tell the truth: what they name exists, and what they say to type can be typed."""

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from hub.config import HubSettings, load_settings
from keys.holder.config import HolderSettings
from node.alarms import TEXTS
from node.config import NodeSettings
from scripts import settings_page

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "specs").glob("*.md")])
COMMAND = re.compile(r"patchwork-(node|hub|keys|audit)((?: [a-z][a-z-]*)+)?")
SET_UPS = (
    "hub.cli.set_up",
    "keys.holder.set_up",
    "audit.witness.set_up",
    "audit.cli.set_up",
    "node.cli.set_up",
)
MODULES = {
    "node": "node.cli.main",
    "hub": "hub.cli.main",
    "keys": "keys.holder.cli",
    "audit": "audit.cli.main",
}


def links(text: str) -> list[str]:
    """Relative link targets in Markdown."""
    prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    found = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose)
    return [target for target in found if "://" not in target]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in links(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_named_test_file_exists(path: Path) -> None:
    for name in re.findall(r"`(tests/[\w/.]+)`", path.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), f"{path.name} names {name}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_named_scenario_exists(path: Path) -> None:
    """Written as [file](path) `name`: a test, or a class of tests, of that file."""
    named = re.findall(r"\]\((tests/[\w/.]+)\) `(\w+)`", path.read_text(encoding="utf-8"))
    for file, name in named:
        code = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"(def|class) {name}\b", code), f"{path.name} names {file} {name}"
    assert len(named) >= 14 or path.name != "README.md" or path.parent != ROOT


def test_every_alarm_is_in_the_operators_table() -> None:
    text = (ROOT / "docs/operate/README.md").read_text(encoding="utf-8")
    for code, says in TEXTS.items():
        row = f"| `{code.value}` | {says.severity.name.lower()} | {says.sentence} |"
        assert row in text, code


def test_every_question_of_a_set_up_is_in_the_manual() -> None:
    """By the key that answers it in a file."""
    page = (ROOT / "docs/operate/set-up.md").read_text(encoding="utf-8")
    unattended = page.partition("## Without anybody at a keyboard")[2]
    for module in SET_UPS:
        for key in import_module(module).QUESTIONS:
            assert f"`{key}`" in unattended, f"{module}: {key}"


def test_the_reference_of_settings_is_what_the_programs_say() -> None:
    """Written anew by `python -m scripts.settings_page`."""
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()


@pytest.mark.parametrize("model", [HubSettings, HolderSettings, NodeSettings])
def test_every_setting_says_what_who_changes_it_gains(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert re.search(r"\. Changed( to [^:]+)?: ", str(field.description)), name


def test_the_environment_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hub.toml").write_text("port = 8441\nround_seconds = 60\n", encoding="utf-8")
    monkeypatch.setenv("PATCHWORK_HUB_PORT", "8442")
    settings = load_settings(tmp_path)
    assert (settings.port, settings.round_seconds) == (8442, 60)


EXAMPLES = ROOT / "docs" / "operate" / "examples"
UNITS = sorted(EXAMPLES.glob("*.service"))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_there_is_within_walls(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    said = dict(line.split("=", 1) for line in lines if re.match(r"[A-Za-z]+=", line))
    program, command = re.findall(r"/opt/patchwork/bin/patchwork-(\w+) (\w+)", said["ExecStart"])[0]
    app = import_module(MODULES[program]).app
    assert command in typer.main.get_group(app).commands
    assert said["User"] == path.name.split(".")[0].removesuffix("-backup")
    assert said["StateDirectoryMode"] == "0700"
    walls = {
        "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
        "PrivateTmp": "yes", "PrivateDevices": "yes", "CapabilityBoundingSet": "",
        "RestrictNamespaces": "yes", "SystemCallArchitectures": "native", "UMask": "0077",
    }  # fmt: skip
    assert said.items() >= walls.items()


def test_systemd_has_nothing_to_say_against_the_units(tmp_path: Path) -> None:
    """Where there is systemd; it looks for the programs, so they are those of this environment."""
    units = [*UNITS, *EXAMPLES.glob("*.timer")]
    assert len(units) >= 8
    for unit in units:
        text = unit.read_text(encoding="utf-8")
        here = text.replace("/opt/patchwork/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(here, encoding="utf-8")
    analyze = shutil.which("systemd-analyze")
    if analyze is not None:
        words = [analyze, "verify", *(str(tmp_path / unit.name) for unit in units)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_no_example_of_a_proxy_shows_the_numbers_or_takes_more_than_the_service(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert re.search(r"/metrics(.|\n)*?404", text)
    assert re.search(r"(max_body_size 2m|max_size 2MB)", text)
    assert re.search(r"header(_timeout)? 10s", text)


def test_what_was_not_tried_says_so() -> None:
    assert "NOT TESTED" in (EXAMPLES / "Containerfile").read_text(encoding="utf-8")
    assert "**not tested**" in (ROOT / "docs/operate/install.md").read_text(encoding="utf-8")


def test_every_page_of_the_manual_is_in_its_index() -> None:
    index = (ROOT / "docs/operate/README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs/operate").glob("*.md"):
        assert path.name == "README.md" or f"({path.name})" in index, path.name


def test_every_decision_record_is_in_the_index() -> None:
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs/adr").glob("0*.md"):
        assert f"({path.name})" in index


@pytest.fixture(scope="module")
def commands() -> dict[str, str]:
    """The help text of each program."""
    return {
        program: subprocess.run(
            [sys.executable, "-c", f"import {module} as m; m.main()", "--help"],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout
        for program, module in MODULES.items()
    }


def test_every_command_in_the_docs_exists(commands: dict[str, str]) -> None:
    named = set()
    for path in DOCS:
        for program, words in COMMAND.findall(path.read_text(encoding="utf-8")):
            if words:
                named.add((program, words.split()[0]))
    assert len(named) > 15
    prose = {"is", "and", "the", "with", "answers", "may", "prints", "must", "refuses"}
    for program, command in sorted(named):
        if command not in prose:
            assert re.search(rf"\b{command}\b", commands[program]), f"patchwork-{program} {command}"


def test_the_changelog_names_every_command(commands: dict[str, str]) -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for program, helped in commands.items():
        section = helped.partition("Commands")[2]
        for command in re.findall(r"^. ([a-z]+) ", section, re.MULTILINE):
            assert command in text, f"patchwork-{program} {command}"


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "```\nmake demo\nmake test\n```" in readme
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)
    assert "make test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_readme_says_what_cannot_be_closed() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for said in ("learns every link", "two of three", "test a guess", "Absence", "Quota"):
        assert said in readme


def test_every_folder_of_the_tree_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = ("protocol", "keys", "node", "hub", "audit", "runtime", "storage", "transport", "web")
    for name in (*names, "demo"):
        assert f"`{name}/`" in readme


@pytest.mark.parametrize("role", ["node", "hub", "audit", "protocol"])
def test_every_room_of_a_role_is_in_the_readme(role: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{role}/`")]
    rooms = {path.parent.name for path in (ROOT / role).glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}/`" not in row and f"/{room}/`" not in row} == set()


def test_contributing_names_places_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("## Where does a new thing go?")[2].partition("\n\n`make")[0]
    places = re.findall(r"`((?:\w+/)+[\w.-]*)`", table)
    assert len(places) > 25
    assert [place for place in places if not (ROOT / place).exists()] == []

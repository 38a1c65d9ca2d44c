"""patchwork-hub move-database, as an operator types it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli.main import app
from hub.cli.moving import FILE
from hub.config import load_settings
from runtime.lock import only_one
from tests.sim.federation import SimFederation

Hub = Callable[..., str]
OTHERS = 'port = 8441\n\n[witness_urls]\n"w1.example" = "https://w1.example"\n'


@pytest.fixture
def folder(tmp_path: Path, founded: SimFederation) -> Path:
    """The folder of a hub that is stopped."""
    folder = tmp_path / "hub"
    shutil.copytree(founded.folder / "hub", folder)
    (folder / "hub.toml").write_text(f"lead_seconds = 1\n{OTHERS}", encoding="utf-8")
    return folder


@pytest.fixture
def hub(folder: Path) -> Hub:
    """Runs a command in that folder; what it says. `code` is the exit code that is due."""

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*words, "--dir", str(folder)], env={"COLUMNS": "300"})
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_there_and_back_the_settings_follow_and_other_commands_find_the_hub(
    folder: Path, hub: Hub, empty_database: str
) -> None:
    before = (folder / "hub.toml").read_text("utf-8")
    said = hub("move-database", empty_database)
    assert "entry: 2" in said
    assert "start the hub again" in said
    assert (folder / "hub.toml").read_text("utf-8") == f'database = "{empty_database}"\n{before}'
    assert load_settings(folder).witness_urls == {"w1.example": "https://w1.example"}
    assert "nobody" in hub("asked-for").lower()
    assert "is there already" in hub("move-database", empty_database, code=1)

    hub("move-database", FILE)
    assert (folder / "hub.toml").read_text("utf-8") == before
    assert "nobody" in hub("asked-for").lower()
    (left,) = folder.glob("hub.sqlite.left-*")
    assert left.stat().st_mode & 0o077 == 0, "what was left is nobody else's to read"
    assert "is not empty" in hub("move-database", empty_database, code=1)


def test_what_is_refused_changes_nothing(folder: Path, hub: Hub, empty_database: str) -> None:
    before = (folder / "hub.toml").read_text("utf-8")
    with only_one(folder, "hub", of_many=True):
        assert "stop it first" in hub("move-database", empty_database, code=1)
    assert "say where to" in hub("move-database", code=1)
    assert "say where to" in hub("move-database", FILE, "--give-up", code=1)
    assert "is there already" in hub("move-database", FILE, code=1)
    assert "no move from this database" in hub("move-database", "--give-up", code=1)
    assert "postgresql://" in hub("move-database", "mysql://there/hub", code=1)
    said = hub("move-database", "postgresql://hub:opensesame@there/hub", code=1)
    assert "PGPASSFILE" in said
    assert "opensesame" not in said
    assert "cannot be reached" in hub("move-database", "postgresql://hub@127.0.0.1:1/hub", code=1)
    assert (folder / "hub.toml").read_text("utf-8") == before
    assert "nobody" in hub("asked-for").lower()


def test_a_hub_whose_settings_name_an_empty_database_is_told_how_to_get_there(
    folder: Path, hub: Hub, empty_database: str
) -> None:
    (folder / "hub.toml").write_text(f'database = "{empty_database}"\nport = 0\n', "utf-8")
    assert "run patchwork-hub move-database" in hub("serve", code=1)


def test_a_hub_whose_settings_name_the_database_that_it_left_is_not_served(
    folder: Path, hub: Hub, empty_database: str
) -> None:
    """Two histories would begin there."""
    before = (folder / "hub.toml").read_text("utf-8")
    hub("move-database", empty_database)
    (folder / "hub.toml").write_text(before, encoding="utf-8")
    for command in (("serve",), ("asked-for",)):
        assert "went on in another database" in hub(*command, code=1)

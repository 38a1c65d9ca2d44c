"""The demo's council, as real processes, for the stories that the demo does not tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.council import CHILD, HEALTH, enrol, found, key_ceremony, make_key_holders
from demo.stage import ROOT, Stage
from demo.story import Story

HERE = Path(__file__).parents[2]


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stage, Story]]:
    """The demo's council, with two agencies that serve and have found each other."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").symlink_to(HERE / "demo")
    ROOT.mkdir()
    stage = Stage()
    try:
        stage.run(
            "patchwork-hub", "init", "--dir", str(ROOT / "hub"), "--name", "Hub",
            "--origin", "hub.example/log", "--control-domain", "Council",
        )  # fmt: skip
        holders = make_key_holders(stage)
        key_ceremony(stage, holders)
        founded = found(stage, holders)
        for agency in (HEALTH, CHILD):
            enrol(stage, agency)
        told = Story(stage, founded, lambda _: None)
        told.bring_files()
        told.publish()
        yield stage, told
    finally:
        stage.close()


@pytest.fixture
def stage(council: tuple[Stage, Story]) -> Stage:
    """Its processes and commands."""
    return council[0]


@pytest.fixture
def story(council: tuple[Stage, Story]) -> Story:
    """What its people do."""
    return council[1]

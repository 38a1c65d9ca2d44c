"""The demo's council, as real processes, for the stories that the demo does not tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.council import CHILD, HEALTH, enrol, found, key_ceremony, make_key_holders
from demo.stage import ROOT, Stage
from demo.story import Story

HERE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def council(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Story]]:
    """The demo's council, with two agencies that serve and have found each other."""
    folder = tmp_path_factory.mktemp("council")
    (folder / "demo").symlink_to(HERE / "demo")
    stage = Stage()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ROOT.mkdir()
        try:
            yield _founded(stage)
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


def _founded(stage: Stage) -> tuple[Stage, Story]:
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
    return stage, told

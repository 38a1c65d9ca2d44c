"""The demo's council, as real processes, for the stories that the demo does not tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.stage import ROOT
from demo.story import Story
from tests.e2e.founding import TypingStage, found_by_set_up

HERE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def council(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TypingStage, Story]]:
    """The demo's council, founded by its set-ups, with agencies that have published and serve."""
    folder = tmp_path_factory.mktemp("council")
    (folder / "demo").symlink_to(HERE / "demo")
    stage = TypingStage()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ROOT.mkdir()
        try:
            yield stage, Story(stage, found_by_set_up(stage), lambda _: None)
        finally:
            stage.close()


@pytest.fixture
def stage(council: tuple[TypingStage, Story]) -> TypingStage:
    """Its processes and commands."""
    return council[0]


@pytest.fixture
def story(council: tuple[TypingStage, Story]) -> Story:
    """What its people do."""
    return council[1]

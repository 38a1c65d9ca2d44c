"""A council of real processes with one agency, whose node does not run."""

from collections.abc import Iterator

import pytest

from demo.council import CHILD, enrol, found, key_ceremony, make_key_holders
from demo.stage import ROOT, Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Its processes and commands."""
    running = Stage()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("council"))
        ROOT.mkdir()
        try:
            running.run(
                "patchwork-hub", "init", "--dir", str(ROOT / "hub"), "--name", "Hub",
                "--origin", "hub.example/log", "--control-domain", "Council",
            )  # fmt: skip
            holders = make_key_holders(running)
            key_ceremony(running, holders)
            found(running, holders)
            enrol(running, CHILD)
            yield running
        finally:
            running.close()

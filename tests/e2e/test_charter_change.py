"""A changed weight goes from the operator's file to both agencies' screens; nothing restarts."""

from pathlib import Path

import pytest

from demo.council import CHILD, HEALTH
from demo.stage import ROOT, DemoError, Stage
from demo.story import AMIRA_CHILD, AMIRA_HEALTH
from tests.e2e.council import accept, matched, team

HUB = str(ROOT / "hub")
ROUND = '"event": "round"'


def change(stage: Stage, text: str) -> str:
    Path("change.toml").write_text(text, encoding="utf-8")
    return stage.run("patchwork-hub", "charter", "change", "change.toml", "--yes", "--dir", HUB)


def possible(stage: Stage) -> bool:
    both = (team(stage, CHILD, AMIRA_CHILD), team(stage, HEALTH, AMIRA_HEALTH))
    return all((len(side["others"]), side["possible"]) == (0, 1) for side in both)


def test_a_changed_weight_travels_to_the_links_while_everything_runs(stage: Stage) -> None:
    stage.until(lambda: matched(stage), "the two agencies see each other")
    running = {name: process.pid for name, process in stage.processes.items()}

    said = change(stage, "[match_policy]\nupper = 9000\n")
    assert "the score for an automatic match rises from" in said
    assert "every agency that accepted is bound at once" in said
    stage.until(lambda: possible(stage), "what was a match waits for people")
    assert "Signed version 2." in accept(stage, CHILD)
    assert "Signed version 2." in accept(stage, HEALTH)

    said = change(stage, "[match_policy]\nupper = 530\n[quotas]\nrequests_per_day = 900\n")
    assert "Quotas: requests per day rises from 200 to 900." in said
    folder = str(CHILD.folder)
    stage.until(
        lambda: (
            "does not bind your agency yet"
            in stage.run("patchwork-node", "charter", "show", "--dir", folder)
        ),
        "the node says that a charter waits",
    )
    with pytest.raises(DemoError, match="patchwork-node charter accept"):
        stage.run("patchwork-node", "publish", "--dir", folder)
    stage.wait_for("hub", ROUND, len(stage.said("hub", ROUND)) + 2)
    assert possible(stage), "nobody has signed it"
    assert "Signed version 3." in accept(stage, CHILD)
    assert "Signed version 3." in accept(stage, HEALTH)
    stage.until(lambda: matched(stage), "both signed: they see each other again")
    said = stage.run("patchwork-hub", "charter", "show", "--dir", HUB)
    assert said.count("bound; signed version 3") == 2

    stage.check_alive()
    assert {name: process.pid for name, process in stage.processes.items()} == running

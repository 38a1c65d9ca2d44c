"""docs/operate/disk-lost.md, word for word: the hub's disk is gone, and the council goes on."""

import hashlib
import json
import re
import shutil
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from demo.council import CHILD, HEALTH, WITNESSES, Agency
from demo.stage import LIMIT_SECONDS, ROOT, Stage
from demo.story import Story
from storage.sqlite import copy_database
from tests.e2e.council import accept, matched

OLD, NEW, LEFT = ROOT / "hub", ROOT / "hub2", ROOT / "left"
ORIGIN_HASH = hashlib.sha256(b"hub.example/log").hexdigest()


def back_up() -> None:
    LEFT.mkdir()
    for name in ("keys.json", "plan.json", "hub.toml"):
        shutil.copy(OLD / name, LEFT / name)
    copy_database(OLD / "hub.sqlite", LEFT / "hub.sqlite")


def last_checkpoints() -> list[Path]:
    """What each witness that can be reached signed last, as curl would fetch it."""
    toml = (LEFT / "hub.toml").read_text(encoding="utf-8")
    found = []
    for name, address in re.findall(r'"(w\d.example)" = "http://(.*)"', toml):
        connection = HTTPConnection(address, timeout=LIMIT_SECONDS)
        connection.request("GET", f"/{ORIGIN_HASH}/checkpoint")
        path = ROOT / f"{name}.note"
        path.write_bytes(connection.getresponse().read())
        connection.close()
        found.append(path)
    return found


def succeed(stage: Stage, notes: list[Path], expect: int = 0) -> list[str]:
    given = [text for note in notes for text in ("--checkpoint", str(note))]
    return stage.run(
        "patchwork-hub", "succeed", "--dir", str(NEW), "--from", str(LEFT), *given,
        "--origin", "hub.example/log2", expect=expect,
    ).splitlines()  # fmt: skip


def moved_on(stage: Stage, agency: Agency) -> bool:
    said = json.loads(stage.run("patchwork-node", "inbox", "--json", "--dir", str(agency.folder)))
    return "successor" in {alarm["code"] for alarm in said["alarms"]}


def signed(stage: Stage, agency: Agency) -> bool:
    return "Signed version 2." in accept(stage, agency)


def test_the_disk_is_lost_and_the_council_goes_on(stage: Stage, story: Story) -> None:
    stage.until(lambda: matched(stage), "the two agencies see each other")
    back_up()
    lost = story.asked("S47-2026-0119")
    stage.stop("hub")
    notes = last_checkpoints()
    assert len(notes) == 3, "the fourth listens to nobody"
    shutil.rmtree(OLD)

    assert "quorum" in " ".join(succeed(stage, notes[:1], expect=1)).lower()
    assert not (NEW / "keys.json").exists(), "nothing is half done"
    genesis, vkey, lacks = succeed(stage, notes)
    assert "lacks the last" in lacks, "a request came after the backup"
    assert "holds a hub already" in " ".join(succeed(stage, notes, expect=1))
    assert (NEW / "genesis").read_text().strip() == genesis
    shutil.copy(LEFT / "hub.toml", NEW / "hub.toml")
    for name in WITNESSES:
        stage.run("patchwork-audit", "witness", "add-log", str(ROOT / name), vkey)
    stage.start("hub", "patchwork-hub", "serve", "--dir", str(NEW))

    for agency in (HEALTH, CHILD):
        stage.until(partial(moved_on, stage, agency), "the node moves on")
    assert story.state(lost)["state"] == "log_lost", "it can be asked again"
    stage.stop("holder-1")
    stage.resume("holder-1")  # it finds the new log by itself, and again after a restart
    for agency in (HEALTH, CHILD):
        stage.until(partial(signed, stage, agency), "it is signed")
    stage.until(lambda: matched(stage), "they have published again and see each other")
    request = story.asked("S47-2026-0120")
    story.allow(request)
    assert story.opened(request)["phone"]
    stage.check_alive()

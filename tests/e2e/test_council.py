"""One council of real processes, and what it lives through: to found it takes longer than either.

A changed weight goes from the operator's file to both agencies' screens, and nothing restarts. A
node comes back from a backup. Then the hub's disk is gone, and the council goes on:
docs/operate/disk-lost.md, word for word.
"""

import hashlib
import json
import re
import shutil
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pyrage
import pytest

from demo.council import CHILD, HEALTH, WITNESSES, Agency
from demo.local_api import ask_node
from demo.stage import LIMIT_SECONDS, ROOT, DemoError, Stage
from demo.story import AMIRA_CHILD, AMIRA_HEALTH, Story
from tests.e2e.council import BOTH_SIDES, accept, matched, shown, team
from tests.e2e.founding import TypingStage

ROUND = '"event": "round"'
HUB, NEW, LEFT = ROOT / "hub", ROOT / "hub2", ROOT / "left"
ORIGIN_HASH = hashlib.sha256(b"hub.example/log").hexdigest()


def change(stage: Stage, text: str) -> str:
    Path("change.toml").write_text(text, encoding="utf-8")
    return stage.run(
        "patchwork-hub", "charter", "change", "change.toml", "--yes", "--dir", str(HUB)
    )


def possible() -> bool:
    sides = (team(*who) for who in BOTH_SIDES)
    return all((len(side["others"]), side["possible"]) == (0, 1) for side in sides)


def age_key() -> tuple[str, Path]:
    """An age key as age-keygen makes it: its recipient, and the file with its identity."""
    key, file = pyrage.x25519.Identity.generate(), Path("identity.txt")
    file.unlink(missing_ok=True)
    file.touch(0o600)
    file.write_text(f"{key}\n", encoding="ascii")
    return str(key.to_public()), file


def back_up(stage: Stage) -> Path:
    """The identity that opens the hub's backup."""
    recipient, identity = age_key()
    stage.run("patchwork-hub", "backup", "hub.age", "--to", recipient, "--dir", str(HUB))
    return identity


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


def moved_on(agency: Agency) -> bool:
    said = ask_node(agency.folder, "/v1/inbox", {})
    return "successor" in {alarm["code"] for alarm in said["alarms"]}


def charter_version(stage: Stage) -> int:
    said = stage.run("patchwork-hub", "charter", "show", "--dir", str(HUB))
    return int(said.removeprefix("Charter version ").partition(",")[0])


def signed(stage: Stage, version: int, agency: Agency) -> bool:
    return f"Signed version {version}." in accept(stage, agency)


def test_from_empty_folders_to_the_first_match_in_fifteen_commands(stage: TypingStage) -> None:
    stage.until(matched, "the two agencies see each other")
    for agency, client in BOTH_SIDES:
        assert shown(stage, agency, client)["others"] == team(agency, client)["others"]
    typed = [words for words in stage.typed if words[1] != "team"]
    looked = {tuple(words) for words in stage.typed if words[1] == "team"}
    assert len(typed) + len(looked) <= 15, stage.typed
    parties = {tuple(words) for words in typed if "set-up" in words}
    assert len(parties) == 1 + 3 + 4 + 3, "hub, key holders, witnesses, agencies"
    assert len(typed) == len(parties) + 2, "and the hub itself; one set-up was broken off"


def test_what_the_council_and_its_parties_hand_each_other_holds_nothing_secret() -> None:
    secrets = set()
    for path in ROOT.rglob("*.json"):
        if path.name in {"keys.json", "share-1.json"}:
            secrets |= set(json.loads(path.read_text(encoding="utf-8")).values())
    for path in ROOT.rglob("witness.key"):
        secrets.add(path.read_text(encoding="utf-8").split()[-1])
    assert len(secrets) >= 3 + 3 * 3 + 4
    handed = [HUB / "to-all.json", *ROOT.glob("*/to-council.json")]
    assert len(handed) == 1 + 3 + 4
    for path in handed:
        text = path.read_text(encoding="utf-8")
        assert [secret for secret in secrets if secret in text] == []


def test_a_changed_weight_travels_to_the_links_while_everything_runs(stage: Stage) -> None:
    stage.until(matched, "the two agencies see each other")
    running = {name: process.pid for name, process in stage.processes.items()}

    said = change(stage, "[match_policy.guards.guarded]\nupper = 9000\n")
    assert "the score for an automatic match rises from" in said
    assert "every agency that accepted is bound at once" in said
    stage.until(possible, "what was a match waits for people")
    assert "Signed version 2." in accept(stage, CHILD)
    assert "Signed version 2." in accept(stage, HEALTH)

    said = change(
        stage, "[match_policy.guards.guarded]\nupper = 100\n[quotas]\nrequests_per_day = 900\n"
    )
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
    assert possible(), "nobody has signed it"
    assert "Signed version 3." in accept(stage, CHILD)
    assert "Signed version 3." in accept(stage, HEALTH)
    stage.until(matched, "both signed: they see each other again")
    said = stage.run("patchwork-hub", "charter", "show", "--dir", str(HUB))
    assert said.count("bound; signed version 3") == 2

    stage.check_alive()
    assert {name: process.pid for name, process in stage.processes.items()} == running


def test_a_new_telephone_and_a_new_name_are_on_the_other_sides_screen(stage: Stage) -> None:
    stage.until(matched, "the two agencies see each other")
    folder = str(HEALTH.folder)
    who = ("--as", HEALTH.person, "--dir", folder)
    said = stage.run("patchwork-node", "details", "--duty-line", "01632 960111", *who)
    assert "everybody sees it" in said
    listed = json.loads(stage.run("patchwork-hub", "members", "--json", "--dir", str(HUB)))
    party = next(row["party_id"] for row in listed if row["name"] == HEALTH.name)
    name = "Wexcombe Health Visiting North"
    stage.run("patchwork-hub", "members", "--rename", party, "--name", name, "--dir", str(HUB))

    def followed() -> bool:
        (other,) = team(CHILD, AMIRA_CHILD)["others"]
        return (other["agency"], other["duty_line"]) == (name, "01632 960111")

    stage.until(followed, "the running node has followed the log")
    said = stage.run("patchwork-node", "details", "--dir", folder)
    assert said.strip() == f"{name}: 01632 960111, Monday to Friday, 9am to 5pm"
    told = stage.run("patchwork-node", "monitor", "--dir", str(CHILD.folder), expect=4)
    assert f"{HEALTH.name} is now called {name}." in told
    assert "is now 01632 960111" in told


def test_a_node_from_a_backup_asks_what_it_missed(stage: Stage, story: Story) -> None:
    stage.until(matched, "the two agencies see each other")
    request, folder, name = story.asked("S47-2026-0117"), str(HEALTH.folder), f"node-{HEALTH.key}"
    recipient, identity = age_key()
    stage.run("patchwork-node", "backup", "health.age", "--to", recipient, "--dir", folder)
    story.allow(request)
    assert story.opened(request)["phone"]
    stage.stop(name)
    shutil.rmtree(HEALTH.folder)
    stage.run(
        "patchwork-node", "restore", "health.age", "--identity", str(identity), "--dir", folder
    )
    said = stage.run("patchwork-node", "team", AMIRA_HEALTH, "--dir", folder, expect=1)
    assert "came back from a backup" in said
    value = json.loads(stage.run("patchwork-node", "resync", "--json", "--dir", folder))
    assert (value["done"], value["cause"]) == (True, "restored")
    assert {"decision", "release"} <= {entry["kind"] for entry in value["ours"]}
    assert "of the log in your name" in stage.run("patchwork-node", "resync", "--dir", folder)
    assert len(shown(stage, HEALTH, AMIRA_HEALTH)["others"]) == 1
    received = json.loads(stage.run("patchwork-node", "inbox", "--json", "--dir", folder))
    assert received["received"][-1]["state"] in {"released", "opened"}
    stage.start(name, "patchwork-node", "serve", "--dir", folder, until="serving")
    stage.run("patchwork-node", "publish", "--dir", folder)
    stage.check_alive()


def moved(stage: Stage, to: str) -> str:
    """The root over the log that arrived."""
    stage.stop("hub")
    said = stage.run("patchwork-hub", "move-database", to, "--dir", str(HUB))
    stage.resume("hub")
    found = re.search(r"root is ([0-9a-f]{64})", said)
    assert found, said
    return found[1]


def test_the_hub_moves_to_postgres_and_back_and_nobody_notices(
    stage: Stage, story: Story, empty_database: str
) -> None:
    settings = (HUB / "hub.toml").read_text(encoding="utf-8")
    root = moved(stage, empty_database)
    assert f'database = "{empty_database}"' in (HUB / "hub.toml").read_text(encoding="utf-8")
    request = story.asked("S47-2026-0118")
    story.allow(request)
    assert story.opened(request)["phone"]
    assert moved(stage, "file") != root, "it has grown"
    assert (HUB / "hub.toml").read_text(encoding="utf-8") == settings
    assert matched()
    stage.check_alive()


def test_the_disk_is_lost_and_the_council_goes_on(stage: Stage, story: Story) -> None:
    stage.until(matched, "the two agencies see each other")
    version = charter_version(stage)
    identity = str(back_up(stage))
    lost = story.asked("S47-2026-0119")
    stage.stop("hub")
    shutil.rmtree(HUB)
    stage.run("patchwork-hub", "restore", "hub.age", "--identity", identity, "--dir", str(LEFT))
    said = stage.run("patchwork-hub", "serve", "--dir", str(LEFT), expect=1)
    assert "patchwork-hub succeed" in said, "witnesses have seen more"
    notes = last_checkpoints()
    assert len(notes) == 3, "the fourth listens to nobody"

    assert "quorum" in " ".join(succeed(stage, notes[:1], expect=1)).lower()
    assert not (NEW / "keys.json").exists(), "nothing is half done"
    genesis, vkey, lacks = succeed(stage, notes)
    assert "at its end" in lacks, "a request came after the backup"
    assert "holds a hub already" in " ".join(succeed(stage, notes, expect=1))
    assert (NEW / "genesis").read_text().strip() == genesis
    shutil.copy(LEFT / "hub.toml", NEW / "hub.toml")
    for name in WITNESSES:
        stage.run("patchwork-audit", "witness", "add-log", str(ROOT / name), vkey)
    stage.start("hub", "patchwork-hub", "serve", "--dir", str(NEW))

    for agency in (HEALTH, CHILD):
        stage.until(partial(moved_on, agency), "the node moves on")
    assert story.state(lost)["state"] == "log_lost", "it can be asked again"
    stage.stop("holder-1")
    stage.resume("holder-1")  # it finds the new log by itself, and again after a restart
    for agency in (HEALTH, CHILD):
        stage.until(partial(signed, stage, version + 1, agency), "it is signed")
    stage.until(matched, "they have published again and see each other")
    request = story.asked("S47-2026-0120")
    story.allow(request)
    assert story.opened(request)["phone"]
    stage.check_alive()

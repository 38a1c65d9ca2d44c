"""The story goes on with trouble: witnesses that are away, and a hub with two histories.

What an attacker would do by hand (copy the hub's disk, start the copy) is done here; who notices is
asked through the programs' own commands.
"""

import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

from demo.stage import LIMIT_SECONDS, ROOT, DemoError, Stage, free_port
from demo.story import Story
from storage.sqlite import copy_database

HUB, COPY = ROOT / "hub", ROOT / "hub-copy"
OTHER_NOTE = ROOT / "other-history.checkpoint"
AWAY = ("w1.example", "w2.example")


class Trouble:
    """Two of the README's attacks, and the release that waits."""

    def __init__(self, stage: Stage, story: Story, tell: Callable[[str], None]) -> None:
        self._stage = stage
        self._story = story
        self._tell = tell

    def copy_the_disk(self) -> None:
        """Somebody takes a copy of the hub's disk: keys, database and log."""
        self._stage.until(_copied_between_two_batches, "the hub's disk is copied")

    def without_a_quorum(self) -> None:
        """Two of four witnesses are away: an allowed card does not leave until they return."""
        request = self._story.asked("S47-2026-0116")
        self._stage.stop(*AWAY)
        self._tell(f"{' and '.join(AWAY)} are switched off; it takes three of four.")
        self._allow_in_vain(request)
        state = self._story.state(request)
        self._expect(state["card"] is None, "no card moves without a quorum")
        said = self._stage.until(self._who_is_away, "the hub's status names who is away")
        self._tell("Health visiting has allowed, and no card leaves. The hub's status page says:")
        self._tell("\n".join(said.splitlines()[:4]))
        self._life_or_death(request)
        self._stage.resume(*AWAY)
        self._expect(self._story.leads_are_told(), "both leads are told")
        self._tell("Both leads for information governance are told of the card that left.")
        card = self._story.opened(request)
        self._tell(
            f"They are back, sign what they missed, and the card opens by itself: "
            f"{card['practitioner']}, {card['phone']}."
        )

    def _allow_in_vain(self, request: str) -> None:
        """A person allows; the node that serves tries to let the card go, and cannot."""
        before = len(self._stage.said("node-health", "release_waits"))
        self._story.allow(request)
        self._stage.wait_for("node-health", "release_waits", before + 1)

    def _who_is_away(self) -> str:
        """What the hub's status says once it names those who are away."""
        if not all(self._stage.said("hub", f'"witness": "{name}"') for name in AWAY):
            return ""
        said = self._stage.run("patchwork-hub", "status", "--dir", str(HUB), expect=None)
        return said if all(name in said for name in AWAY) else ""

    def _life_or_death(self, other: str) -> None:
        """One card may leave without witnesses: where a life is in danger, and a person says so."""
        said = self._story.release_now(other, expect=1)
        self._expect("for life or death" in said, "an enquiry's card waits, whoever presses")
        facts = ["break_glass_reason=child", "danger=Amira is in hospital, now"]
        request = self._story.asked_on("UK-VITAL", facts)
        self._story.allow(request)
        self._story.release_now(request)
        card = self._story.opened(request)
        self._expect(bool(card["phone"]), "the card names whom to ring")
        self._tell(
            "Then Amira is taken to hospital. Social care asks on another lawful basis, life or "
            "death. A person at health visiting allows, is told what it means to do without "
            "witnesses, and lets that one card go."
        )

    def second_history(self) -> None:
        """The copy of the disk is started: first as it is, then with the watchmen cut off."""
        port = free_port()
        text = (HUB / "hub.toml").read_text(encoding="utf-8")
        lines = [
            f"port = {port}" if line.startswith("port = ") else line
            for line in text.splitlines()
            if not line.startswith("web_")
        ]
        (COPY / "hub.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._serve_copy()
        self._stage.wait_for("hub-copy", "witness_is_ahead")
        self._stage.stop("hub-copy")
        self._tell(
            "Somebody starts an old copy of the hub's disk. It asks the witnesses what they have "
            "seen; they have seen more, and it refuses to sign."
        )
        cut = lines[: lines.index("[witness_urls]")]
        (COPY / "hub.toml").write_text("\n".join(cut) + "\n", encoding="utf-8")
        given = (COPY / "log" / "checkpoint").read_bytes()
        self._serve_copy()
        self._stage.until(lambda: self._differs(port, given), "the auditor sees two histories")
        self._stage.stop("hub-copy")
        said = self._compared(expect=1)
        self._tell(
            "The witnesses are cut off, and the copy signs a history of its own. Nobody follows: "
            "no witness signed. The auditor lays its signed note beside the log:"
        )
        self._tell("\n".join(line for line in said.splitlines() if "old_differs" in line))
        self._tell("Two notes, both signed by the hub's own key: that is the proof.")

    def _serve_copy(self) -> None:
        self._stage.start("hub-copy", "patchwork-hub", "serve", "--dir", str(COPY))

    def _differs(self, port: int, given: bytes) -> bool:
        """Whether the copy has signed entries of its own; first it shows what it was `given`."""
        url = f"http://127.0.0.1:{port}/checkpoint"
        with urllib.request.urlopen(url, timeout=LIMIT_SECONDS) as answer:
            note = answer.read()
        if note == given:
            return False
        OTHER_NOTE.write_bytes(note)
        return "old_differs" in self._compared(expect=None)

    def _compared(self, expect: int | None) -> str:
        """What the auditor says to the copy's note beside the log."""
        case = str(ROOT / "case")
        arguments = ("verify", case, "--old", str(OTHER_NOTE))
        return self._stage.run("patchwork-audit", *arguments, expect=expect)

    def _expect(self, truth: bool, what: str) -> None:
        if not truth:
            raise DemoError(f"not so: {what}")


def _copied_between_two_batches() -> bool:
    """Copy the running hub's folder; whether its log did not grow meanwhile.

    Checkpoint, database, tiles: as the hub writes them in the other order, none lacks the next.
    """
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(mode=0o700)
    (COPY / "log").mkdir()
    for name in ("keys.json", "plan.json", "genesis", "log/checkpoint"):
        shutil.copy(HUB / name, COPY / name)
    tiles = _tiles()
    copy_database(HUB / "hub.sqlite", COPY / "hub.sqlite")
    shutil.copytree(HUB / "log" / "tile", COPY / "log" / "tile")
    return _tiles() == tiles


def _tiles() -> set[Path]:
    return set((HUB / "log" / "tile").rglob("*"))

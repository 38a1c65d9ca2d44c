"""The story goes on with trouble: witnesses that are away, and a hub with two histories.

What an attacker would do by hand (copy the hub's disk, start the copy) is done here; who notices is
asked through the programs' own commands.
"""

import shutil
import sqlite3
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from demo.stage import ROOT, DemoError, Stage, free_port
from demo.story import Story

HUB, COPY = ROOT / "hub", ROOT / "hub-copy"
AWAY = ("w1.example", "w2.example")
QUIET_SECONDS = 3
PATIENCE_SECONDS = 30


class Trouble:
    """Two of the README's attacks, and the release that waits."""

    def __init__(self, stage: Stage, story: Story, tell: Callable[[str], None]) -> None:
        self._stage = stage
        self._story = story
        self._tell = tell

    def copy_the_disk(self) -> None:
        """Somebody takes a copy of the hub's disk: keys, database and log."""
        COPY.mkdir()
        for name in ("keys.json", "plan.json", "genesis"):
            shutil.copy(HUB / name, COPY / name)
        shutil.copytree(HUB / "log", COPY / "log")  # before the database, which is never behind it
        source, target = sqlite3.connect(HUB / "hub.sqlite"), sqlite3.connect(COPY / "hub.sqlite")
        source.backup(target)
        source.close()
        target.close()

    def without_a_quorum(self) -> None:
        """Two of four witnesses are away: an allowed card does not leave until they return."""
        request = self._story.asked("S47-2026-0116")
        for name in AWAY:
            self._stage.stop(name)
        self._tell(f"{' and '.join(AWAY)} are switched off; it takes three of four.")
        self._story.allow(request)
        time.sleep(QUIET_SECONDS)
        state = self._story.state(request)
        self._expect(state["card"] is None, "no card moves without a quorum")
        said = self._stage.run("patchwork-hub", "status", "--dir", str(HUB), expect=1)
        self._expect(all(name in said for name in AWAY), "the status names who is away")
        self._tell("Health visiting has allowed, and no card leaves. The hub's status page says:")
        self._tell("\n".join(said.splitlines()[:4]))
        self._life_or_death(request)
        for name in AWAY:
            self._stage.resume(name)
        card = self._story.opened(request)
        self._tell(
            f"They are back, sign what they missed, and the card opens by itself: "
            f"{card['practitioner']}, {card['phone']}."
        )

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
        self._expect(self._story.leads_are_told(), "both leads are told")
        self._tell(
            "Then Amira is taken to hospital. Social care asks on another lawful basis, life or "
            "death. A person at health visiting allows, is told what it means to do without "
            "witnesses, and lets that one card go. Both leads for information governance are told."
        )

    def second_history(self) -> None:
        """The copy of the disk is started: first as it is, then with the watchmen cut off."""
        port = free_port()
        text = (HUB / "hub.toml").read_text(encoding="utf-8")
        lines = [
            f"port = {port}" if line.startswith("port = ") else line for line in text.splitlines()
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
        self._serve_copy()
        note = self._other_note(f"http://127.0.0.1:{port}/checkpoint")
        self._stage.stop("hub-copy")
        case = str(ROOT / "case")
        said = self._stage.run("patchwork-audit", "verify", case, "--old", str(note), expect=1)
        self._expect("old_differs" in said, "the auditor sees two histories")
        self._tell(
            "The witnesses are cut off, and the copy signs a history of its own. Nobody follows: "
            "no witness signed. The auditor lays its signed note beside the log:"
        )
        self._tell("\n".join(line for line in said.splitlines() if "old_differs" in line))
        self._tell("Two notes, both signed by the hub's own key: that is the proof.")

    def _serve_copy(self) -> None:
        self._stage.start("hub-copy", "patchwork-hub", "serve", "--dir", str(COPY))

    def _other_note(self, url: str) -> Path:
        """The copy's checkpoint, once it has signed entries of its own."""
        stolen = _size((COPY / "log" / "checkpoint").read_bytes())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with urllib.request.urlopen(url) as answer:  # noqa: S310
                note: bytes = answer.read()
            if _size(note) > stolen:
                path = ROOT / "other-history.checkpoint"
                path.write_bytes(note)
                return path
            time.sleep(0.3)
        raise DemoError("the copy of the hub signed nothing of its own")

    def _expect(self, truth: bool, what: str) -> None:
        if not truth:
            raise DemoError(f"not so: {what}")


def _size(note: bytes) -> int:
    return int(note.split(b"\n")[1])

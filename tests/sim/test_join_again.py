"""Joining is broken off and goes on: by the same command, with a second invitation or with none."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from node.cli.main import app
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.wire import encode_wire
from runtime.environment import Environment
from tests.sim.federation import SimFederation
from tests.sim.test_people_cli import Town, town

__all__ = ["town"]

INIT = (
    "init", "--name", "Charity", "--class", "charity", "--duty-line", "01632 960001",
    "--duty-hours", "Always", "--clients", "300", "--dir",
)  # fmt: skip


class Newcomer:
    """An agency with a folder of its own that types join, against the council in memory."""

    def __init__(self, town: Town, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.town, self.folder, self._patch = town, folder / "charity", monkeypatch
        federation = town.federation
        env = Environment(federation.clock, federation.random)
        monkeypatch.setattr("node.actions.membership.Environment", lambda: env)
        monkeypatch.setattr("node.actions.membership.HttpClient", lambda **_: Line(federation))
        self._run(*INIT, str(self.folder))

    def invitation(self, letter: bytes) -> str:
        made = self.town.now(self.town.federation.invite(letter * 32))
        return to_base64(encode_wire(made))

    def joins(self, typed: str, *, broken_off: bool = False) -> Result:
        """What join says; broken off, it is stopped while it waits for the council."""

        async def stopped(_seconds: float) -> None:
            raise KeyboardInterrupt

        async def hub_signs(_seconds: float) -> None:
            town = self.town  # its own loop stands still meanwhile
            await asyncio.to_thread(lambda: town.now(town.federation.checkpoint()))

        with self._patch.context() as patch:
            patch.setattr("asyncio.sleep", stopped if broken_off else hub_signs)
            return self._run("join", "--accept-charter", "--dir", str(self.folder), typed=typed)

    def approved(self, said: Result) -> None:
        """The operator compares the words that were printed, and approves."""
        party = re.search("party: ([0-9a-f]{32})", said.output)
        words = re.search("words: (.*)", said.output)
        assert party, said.output
        assert words, said.output
        self.town.now(self.town.federation._approve(party[1], words[1]))

    def _run(self, *arguments: str, typed: str | None = None) -> Result:
        done = CliRunner().invoke(app, list(arguments), input=typed)
        structlog.reset_defaults()
        return done


class Line:
    """Stands where the node's HTTP client stands."""

    def __init__(self, federation: SimFederation) -> None:
        self.network = federation.network

    async def __aenter__(self) -> object:
        return self.network

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


@pytest.fixture
def newcomer(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newcomer:
    return Newcomer(town, tmp_path, monkeypatch)


@pytest.mark.parametrize("second", ["", "another", "the same"])
def test_broken_off_and_approved_meanwhile_it_finishes(newcomer: Newcomer, second: str) -> None:
    first = newcomer.invitation(b"f")
    typed = {"": "", "another": newcomer.invitation(b"s"), "the same": first}[second]
    said = newcomer.joins(first, broken_off=True)
    assert said.exit_code != 0
    assert "run this again to go on" in said.output
    newcomer.approved(said)
    done = newcomer.joins(typed)
    assert done.exit_code == 0, done.output
    assert "Signed, and the log has it." in done.output
    assert "You can publish" not in done.output, "nothing was imported yet"
    assert "Next: patchwork-node import FILE" in done.output
    assert "recovery-*" not in done.output
    assert "Read these words" not in done.output, "the council has compared them"
    accepts = newcomer.town.now(newcomer.town.federation.entries("charter_accept"))
    assert len(accepts) == 1


def test_a_second_invitation_leaves_the_first_application_and_stays_unused(
    newcomer: Newcomer,
) -> None:
    said = newcomer.joins(newcomer.invitation(b"f"), broken_off=True)
    spare = newcomer.invitation(b"s")
    again = newcomer.joins(spare, broken_off=True)
    words = re.search("words: .*", said.output)
    assert words
    assert words[0] in again.output, "what was read to the council is what it compares"
    newcomer.approved(said)
    rows = newcomer.town.now(
        newcomer.town.federation.hub_read(
            lambda tables: tables.tx.rows("SELECT used_by FROM invitation ORDER BY used_by")
        )
    )
    assert [row["used_by"] is None for row in rows].count(True) == 1


def test_before_it_asks_join_shows_what_is_signed(newcomer: Newcomer) -> None:
    first = newcomer.invitation(b"f")
    newcomer.approved(newcomer.joins(first, broken_off=True))
    said = newcomer.joins(first).output
    for part in (
        "Duty desk, under every team",
        "Duty team, 01632 960000, Always",
        "health_visiting (Health visiting): seen by childrens_social_care, ",
        "sensitive: shown to nobody; it may be brokered to ",
        "UK-CA89-S47 (",
        "requests a day: ",
        "for you (",
        "signed messages, at the hub: ",
        "2 of 3 key holders make tokens:",
    ):
        assert part in said, part
    assert said.index("Duty desk") < said.index("Signed"), "first read, then signed"
    (kept,) = newcomer.folder.glob("agreement-*.txt")
    assert "signed messages, at the hub: " in kept.read_text(), "no screen holds it all"
    (recovery,) = newcomer.folder.glob("recovery-*.json")
    assert f"{recovery.name} into a safe" in said


async def test_a_name_that_was_taken_is_corrected_and_the_invitation_counts_still(
    federation: SimFederation,
) -> None:
    await federation.join("Charity", "charity")
    invitation = await federation.invite(b"i" * 32)
    joining, engine = federation.joining("Charity2", "charity")
    right = joining._settings
    joining._settings = right.model_copy(update={"name": "Charity"})
    with pytest.raises(RemoteError, match="another member has that name"):
        await joining.apply(engine, invitation)
    joining._settings = right
    member, words = await joining.apply(engine, invitation)
    await federation._approve(member.hub.party_id, words)
    await engine.close()


async def test_who_was_turned_down_is_told_so_and_does_not_wait(
    federation: SimFederation,
) -> None:
    joining, engine = federation.joining("Charity", "charity")
    member, _ = await joining.apply(engine, await federation.invite(b"i" * 32))
    await federation.hub_write(
        lambda tables: tables.tx.run("UPDATE applicant SET state = 'rejected'")
    )
    with pytest.raises(RemoteError, match="turned this application down") as caught:
        await joining.apply(engine, replace(member.hub))
    assert caught.value.code is ErrorCode.INVITATION
    await engine.close()
